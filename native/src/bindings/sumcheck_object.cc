#include "async.h"
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
  Napi::Env env = info.Env();
  return GuardAsync(env, [&]() -> Napi::Value {
    auto write = [](Napi::Env e, std::vector<Fp>&& g) -> Napi::Value {
      return WriteFields(e, g.data(), g.size());
    };
    Sumcheck& now = state_.Get("SumcheckProver.round");
    if (now.length() <= kInline) return Settle(env, [&] { return write(env, now.Round()); });
    auto state = state_.Begin("SumcheckProver.round");
    auto self = std::make_shared<Napi::ObjectReference>(Napi::Persistent(info.This().As<Napi::Object>()));
    return Task<std::vector<Fp>>::Run(
        env, [state](Control&) { return state->Round(); }, write, [this, self] { state_.End(); });
  });
}

Napi::Value SumcheckObject::Bind(const Napi::CallbackInfo& info) {
  Napi::Env env = info.Env();
  return GuardAsync(env, [&]() -> Napi::Value {
    Sumcheck& now = state_.Get("SumcheckProver.bind");
    Fp challenge = ReadField(info[0], {"SumcheckProver.bind", "challenge"});
    if (now.length() <= kInline) {
      return Settle(env, [&] {
        now.Bind(challenge);
        return env.Undefined();
      });
    }
    auto state = state_.Begin("SumcheckProver.bind");
    auto self = std::make_shared<Napi::ObjectReference>(Napi::Persistent(info.This().As<Napi::Object>()));
    return Task<bool>::Run(
        env,
        [state, challenge](Control&) {
          state->Bind(challenge);
          return true;
        },
        [](Napi::Env e, bool&&) { return e.Undefined(); }, [this, self] { state_.End(); });
  });
}

Napi::Value SumcheckObject::Finals(const Napi::CallbackInfo& info) {
  return Guard(info.Env(), [&] {
    std::vector<Fp> values = state_.Get("SumcheckProver.finals").Finals();
    return WriteFields(info.Env(), values.data(), values.size());
  });
}

}  // namespace attensor
