// Entry point of the addon: the proof engine and the integer model's kernels in one module.
#include <napi.h>

#include "model/register.h"

static Napi::Object Init(Napi::Env env, Napi::Object exports) {
  RegisterModel(env, exports);
  return exports;
}

NODE_API_MODULE(attensor_native, Init)
