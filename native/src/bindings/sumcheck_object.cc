#include "classes.h"

namespace attensor {

// Rounds on fewer entries (over all columns) than this are done at once: another thread costs more.
static constexpr size_t kInline = 512;

Napi::Function SumcheckObject::Define(Napi::Env env) {
  return DefineClass(env, "SumcheckProver",
                     {
                         InstanceMethod<&SumcheckObject::Round>("round"),
                         InstanceMethod<&SumcheckObject::Bind>("bind"),
                         InstanceMethod<&SumcheckObject::Finals>("finals"),
                         InstanceMethod<&SumcheckObject::Dispose>("dispose"),
                     });
}

Napi::Object SumcheckObject::Create(Napi::Env env, std::shared_ptr<Sumcheck> sumcheck) {
  Napi::Object object = env.GetInstanceData<AddonData>()->sumcheck.New({});
  Unwrap(object)->state_.Set(std::move(sumcheck));
  return object;
}

Napi::Value SumcheckObject::Round(const Napi::CallbackInfo& info) {
  return GuardAsync(info.Env(), [&] {
    const char* function = "SumcheckProver.round";
    return state_.Run(
        info, function, state_.Get(function).length() <= kInline, [](Sumcheck& s) { return s.Round(); },
        [](Napi::Env env, std::vector<Fp>&& g) -> Napi::Value {
          return WriteFields(env, g.data(), g.size());
        });
  });
}

Napi::Value SumcheckObject::Bind(const Napi::CallbackInfo& info) {
  return GuardAsync(info.Env(), [&] {
    const char* function = "SumcheckProver.bind";
    const size_t length = state_.Get(function).length();
    return state_.Run(
        info, function, length <= kInline,
        [r = ReadField(info[0], {function, "challenge"})](Sumcheck& s) {
          s.Bind(r);
          return true;
        },
        WriteNothing);
  });
}

Napi::Value SumcheckObject::Finals(const Napi::CallbackInfo& info) {
  return Guard(info.Env(), [&] {
    std::vector<Fp> values = state_.Get("SumcheckProver.finals").Finals();
    return WriteFields(info.Env(), values.data(), values.size());
  });
}

}  // namespace attensor
