#include "classes.h"

namespace attensor {

// Layers of at most this many fractions are done at once: another thread costs more.
static constexpr size_t kInline = 512;

Napi::Function FractionTreeObject::Define(Napi::Env env) {
  return DefineClass(env, "FractionTree",
                     {
                         InstanceAccessor<&FractionTreeObject::Depth>("depth"),
                         InstanceMethod<&FractionTreeObject::Root>("root"),
                         InstanceMethod<&FractionTreeObject::BeginLayer>("beginLayer"),
                         InstanceMethod<&FractionTreeObject::Round>("round"),
                         InstanceMethod<&FractionTreeObject::Bind>("bind"),
                         InstanceMethod<&FractionTreeObject::Finals>("finals"),
                         InstanceMethod<&FractionTreeObject::Dispose>("dispose"),
                     });
}

Napi::Object FractionTreeObject::Create(Napi::Env env, std::shared_ptr<FractionTree> tree) {
  Napi::Object object = env.GetInstanceData<AddonData>()->fractions.New({});
  Unwrap(object)->state_.Set(std::move(tree));
  return object;
}

Napi::Value FractionTreeObject::Depth(const Napi::CallbackInfo& info) {
  return Guard(info.Env(),
               [&] { return Napi::Number::New(info.Env(), state_.Get("FractionTree.depth").depth()); });
}

Napi::Value FractionTreeObject::Root(const Napi::CallbackInfo& info) {
  return Guard(info.Env(), [&] {
    auto root = state_.Get("FractionTree.root").Root();
    return WriteFields(info.Env(), root.data(), root.size());
  });
}

void FractionTreeObject::BeginLayer(const Napi::CallbackInfo& info) {
  Guard(info.Env(), [&] {
    FractionTree& tree = state_.Get("FractionTree.beginLayer");
    Require(tree.depth() > 0, "FractionTree.beginLayer: k: a tree of one leaf has no layers");
    size_t k = ReadIndex(info[0], {"FractionTree.beginLayer", "k"}, static_cast<size_t>(tree.depth()) - 1);
    std::vector<Fp> point = ReadFields(info[1], {"FractionTree.beginLayer", "point"});
    Require(point.size() == k, "FractionTree.beginLayer: point: expected " + std::to_string(k) +
                                   " coordinates, got " + std::to_string(point.size()));
    Fp lambda = ReadField(info[2], {"FractionTree.beginLayer", "lambda"});
    tree.BeginLayer(static_cast<int>(k), std::move(point), lambda);
    layerSize_ = size_t{1} << k;
  });
}

Napi::Value FractionTreeObject::Round(const Napi::CallbackInfo& info) {
  return GuardAsync(info.Env(), [&] {
    return state_.Run(
        info, "FractionTree.round", layerSize_ <= kInline, [](FractionTree& tree) { return tree.Round(); },
        [](Napi::Env env, std::array<Fp, 2>&& m) -> Napi::Value {
          return WriteFields(env, m.data(), m.size());
        });
  });
}

Napi::Value FractionTreeObject::Bind(const Napi::CallbackInfo& info) {
  return GuardAsync(info.Env(), [&] {
    const char* function = "FractionTree.bind";
    state_.Get(function);
    const Fp challenge = ReadField(info[0], {function, "challenge"});
    const bool atOnce = layerSize_ <= kInline;
    layerSize_ = std::max<size_t>(1, layerSize_ / 2);
    return state_.Run(
        info, function, atOnce,
        [challenge](FractionTree& tree) {
          tree.Bind(challenge);
          return true;
        },
        WriteNothing);
  });
}

Napi::Value FractionTreeObject::Finals(const Napi::CallbackInfo& info) {
  return Guard(info.Env(), [&] {
    auto values = state_.Get("FractionTree.finals").Finals();
    return WriteFields(info.Env(), values.data(), values.size());
  });
}

}  // namespace attensor
