#include "async.h"
#include "classes.h"

namespace attensor {

/// A promise of the bytes of a tree.
template <class Tree>
static Napi::Value Serialize(Napi::Env env, const std::shared_ptr<Tree>& tree) {
  using Bytes = std::unique_ptr<uint8_t[]>;
  size_t size = tree->SerializedSize();
  return Task<Bytes>::Run(
      env,
      [tree, size](Control&) {
        Bytes bytes(new uint8_t[size]);
        tree->SerializeTree(bytes.get());
        return bytes;
      },
      [size](Napi::Env e, Bytes&& bytes) -> Napi::Value {
        uint8_t* raw = bytes.release();
        auto buffer = Napi::ArrayBuffer::New(
            e, raw, size, [](Napi::Env, void* data) { delete[] static_cast<uint8_t*>(data); });
        return Napi::Uint8Array::New(e, size, buffer, 0);
      });
}

Napi::Function CommitmentObject::Define(Napi::Env env) {
  return DefineClass(env, "Commitment",
                     {
                         InstanceAccessor<&CommitmentObject::LogDomain>("logDomain"),
                         InstanceAccessor<&CommitmentObject::Cap>("cap"),
                         InstanceMethod<&CommitmentObject::Open>("open"),
                         InstanceMethod<&CommitmentObject::SerializeTree>("serializeTree"),
                         InstanceMethod<&CommitmentObject::Dispose>("dispose"),
                     });
}

Napi::Object CommitmentObject::Create(Napi::Env env, std::shared_ptr<Commitment> commitment) {
  Napi::Object object = env.GetInstanceData<AddonData>()->commitment.New({});
  Unwrap(object)->state_ = std::move(commitment);
  return object;
}

const std::shared_ptr<Commitment>& CommitmentObject::Get(const char* function) const {
  if (!state_)
    throw Error(ErrorKind::kError, "DISPOSED", std::string(function) + ": the commitment is disposed of");
  return state_;
}

Napi::Value CommitmentObject::LogDomain(const Napi::CallbackInfo& info) {
  return Guard(info.Env(), [&] {
    return Napi::Number::New(info.Env(), Get("Commitment.logDomain")->shape().logDomain());
  });
}

Napi::Value CommitmentObject::Cap(const Napi::CallbackInfo& info) {
  return Guard(info.Env(), [&] {
    const Vec& cap = Get("Commitment.cap")->cap();
    return WriteFields(info.Env(), cap.data(), cap.size());
  });
}

Napi::Value CommitmentObject::Open(const Napi::CallbackInfo& info) {
  return Guard(info.Env(), [&] {
    const Commitment& c = *Get("Commitment.open");
    size_t index = ReadIndex(info[0], {"Commitment.open", "index"}, (size_t{1} << c.shape().logDomain()) - 1);
    std::vector<Fp> leaf = c.Leaf(index), path = c.Path(index);
    Napi::Object out = Napi::Object::New(info.Env());
    out.Set("leaf", WriteFields(info.Env(), leaf.data(), leaf.size()));
    out.Set("path", WriteFields(info.Env(), path.data(), path.size()));
    return out;
  });
}

Napi::Value CommitmentObject::SerializeTree(const Napi::CallbackInfo& info) {
  return GuardAsync(info.Env(), [&] { return Serialize(info.Env(), Get("Commitment.serializeTree")); });
}

Napi::Function CommittedTreeObject::Define(Napi::Env env) {
  return DefineClass(env, "CommittedTree",
                     {
                         InstanceAccessor<&CommittedTreeObject::LogDomain>("logDomain"),
                         InstanceAccessor<&CommittedTreeObject::Root>("root"),
                         InstanceMethod<&CommittedTreeObject::Open>("open"),
                         InstanceMethod<&CommittedTreeObject::SerializeTree>("serializeTree"),
                         InstanceMethod<&CommittedTreeObject::Dispose>("dispose"),
                     });
}

Napi::Object CommittedTreeObject::Create(Napi::Env env, std::shared_ptr<CommittedTree> tree) {
  Napi::Object object = env.GetInstanceData<AddonData>()->committedTree.New({});
  Unwrap(object)->state_ = std::move(tree);
  return object;
}

const std::shared_ptr<CommittedTree>& CommittedTreeObject::Get(const char* function) const {
  if (!state_)
    throw Error(ErrorKind::kError, "DISPOSED", std::string(function) + ": the tree is disposed of");
  return state_;
}

Napi::Value CommittedTreeObject::LogDomain(const Napi::CallbackInfo& info) {
  return Guard(info.Env(), [&] {
    return Napi::Number::New(info.Env(), Get("CommittedTree.logDomain")->shape().logDomain());
  });
}

Napi::Value CommittedTreeObject::Root(const Napi::CallbackInfo& info) {
  return Guard(info.Env(), [&] { return WriteField(info.Env(), Get("CommittedTree.root")->Root()); });
}

Napi::Value CommittedTreeObject::Open(const Napi::CallbackInfo& info) {
  return Guard(info.Env(), [&] {
    const CommittedTree& tree = *Get("CommittedTree.open");
    size_t index = ReadIndex(info[0], {"CommittedTree.open", "index"}, tree.shape().domain() - 1);
    std::vector<Fp> leaf = tree.Leaf(index), path = tree.Path(index);
    constexpr size_t kSiblings = kArity - 1;
    Napi::Array steps = Napi::Array::New(info.Env(), path.size() / kSiblings);
    for (uint32_t k = 0; k < steps.Length(); k++)
      steps.Set(k, WriteFields(info.Env(), path.data() + k * kSiblings, kSiblings));
    Napi::Object out = Napi::Object::New(info.Env());
    out.Set("leaf", WriteFields(info.Env(), leaf.data(), leaf.size()));
    out.Set("path", steps);
    return out;
  });
}

Napi::Value CommittedTreeObject::SerializeTree(const Napi::CallbackInfo& info) {
  return GuardAsync(info.Env(), [&] { return Serialize(info.Env(), Get("CommittedTree.serializeTree")); });
}

}  // namespace attensor
