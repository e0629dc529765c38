// Entry point of the addon: the proof engine and the integer model's kernels in one module.
#include <napi.h>

#include "bindings/classes.h"
#include "common/cpu.h"

/// Raise it, here and in addon.ts, with every change that makes an addon built before give wrong results or
/// fail.
static constexpr int kInterface = 8;

static Napi::Object Init(Napi::Env env, Napi::Object exports) {
  using namespace attensor;
  auto* data = new AddonData{
      Napi::Persistent(VecObject::Define(env)),           Napi::Persistent(SumcheckObject::Define(env)),
      Napi::Persistent(FractionTreeObject::Define(env)),  Napi::Persistent(CommitmentObject::Define(env)),
      Napi::Persistent(CommittedTreeObject::Define(env)),
  };
  env.SetInstanceData(data);
  Guard(env, CheckAskedIsa);
  exports.Set("interface", kInterface);
  exports.Set("engine", CreateEngine(env));
  exports.Set("model", CreateModel(env));
  return exports;
}

NODE_API_MODULE(attensor_native, Init)
