// Entry point of the addon: the proof engine and the integer model's kernels in one module.
#include <napi.h>

#include "bindings/classes.h"
#include "model/register.h"

static Napi::Object Init(Napi::Env env, Napi::Object exports) {
  using namespace attensor;
  auto* data = new AddonData{
      Napi::Persistent(VecObject::Define(env)),
      Napi::Persistent(SumcheckObject::Define(env)),
      Napi::Persistent(FractionTreeObject::Define(env)),
      Napi::Persistent(CommitmentObject::Define(env)),
  };
  env.SetInstanceData(data);
  exports.Set("engine", CreateEngine(env));
  RegisterModel(env, exports);
  return exports;
}

NODE_API_MODULE(attensor_native, Init)
