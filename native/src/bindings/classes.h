// The JavaScript classes of the engine.
#pragma once

#include <napi.h>

#include <memory>
#include <mutex>
#include <vector>

#include "async.h"
#include "convert.h"
#include "prover/commit.h"
#include "prover/committed_tree.h"
#include "prover/fractions.h"
#include "prover/sumcheck.h"
#include "prover/vec.h"

namespace attensor {

/// Constructors of one environment (main thread or worker).
struct AddonData {
  Napi::FunctionReference vec, sumcheck, fractions, commitment, committedTree;
};

/// FpVec. Reading needs no asynchronous change under way; changes copy memory that a slice or a running task
/// shares.
class VecObject : public Napi::ObjectWrap<VecObject> {
 public:
  static Napi::Function Define(Napi::Env env);
  static Napi::Object Create(Napi::Env env, Vec vec);
  static VecObject& From(const Napi::Value& value, const Arg& arg);
  /// The vector behind a JavaScript value, for reading.
  static const Vec& Read(const Napi::Value& value, const Arg& arg);

  explicit VecObject(const Napi::CallbackInfo& info);
  ~VecObject() override;

  size_t length() const { return vec_.size(); }
  const Vec& ForReading(const Arg& arg) const;
  /// For an asynchronous change; several may be queued, `mutex` puts them one after another.
  Vec& BeginChange(const Arg& arg);
  void EndChange() { changes_--; }
  std::shared_ptr<std::mutex> mutex() const { return mutex_; }

 private:
  Napi::Value Length(const Napi::CallbackInfo& info);
  Napi::Value Get(const Napi::CallbackInfo& info);
  void Set(const Napi::CallbackInfo& info);
  void SetInts(const Napi::CallbackInfo& info);
  Napi::Value Slice(const Napi::CallbackInfo& info);
  void AxpyMethod(const Napi::CallbackInfo& info);
  void AddScalarMethod(const Napi::CallbackInfo& info);
  Napi::Value ToBigints(const Napi::CallbackInfo& info);
  void Dispose(const Napi::CallbackInfo& info);
  Vec& ForWriting(const Arg& arg);
  void Drop();

  Vec vec_;
  bool disposed_ = false;
  int changes_ = 0;
  std::shared_ptr<std::mutex> mutex_ = std::make_shared<std::mutex>();
};

/// A native object with one call at a time: holds the state while a task runs, whatever happens to the
/// wrapper.
template <class Native>
class Exclusive {
 public:
  void Set(std::shared_ptr<Native> native) { native_ = std::move(native); }
  Native& Get(const char* function) const {
    if (!native_)
      throw Error(ErrorKind::kError, "DISPOSED", std::string(function) + ": the object is disposed of");
    if (busy_)
      throw Error(ErrorKind::kError, "BUSY", std::string(function) + ": await the previous call first");
    return *native_;
  }
  /// A promise of write(env, work(native)): done here if `atOnce`, otherwise on another thread.
  template <class Work, class Write>
  Napi::Value Run(const Napi::CallbackInfo& info, const char* function, bool atOnce, Work work, Write write) {
    using Result = std::invoke_result_t<Work, Native&>;
    Native& now = Get(function);
    if (atOnce) return Settle(info.Env(), [&] { return write(info.Env(), work(now)); });
    busy_ = true;
    // The wrapper is kept, too.
    auto self = std::make_shared<Napi::ObjectReference>(Napi::Persistent(info.This().As<Napi::Object>()));
    return Task<Result>::Run(
        info.Env(), [native = native_, work](Control&) { return work(*native); }, write,
        [this, self] { busy_ = false; });
  }
  void Dispose() { native_.reset(); }

 private:
  std::shared_ptr<Native> native_;
  bool busy_ = false;
};

class SumcheckObject : public Napi::ObjectWrap<SumcheckObject> {
 public:
  static Napi::Function Define(Napi::Env env);
  static Napi::Object Create(Napi::Env env, std::shared_ptr<Sumcheck> sumcheck);
  explicit SumcheckObject(const Napi::CallbackInfo& info) : ObjectWrap(info) {}

 private:
  Napi::Value Round(const Napi::CallbackInfo& info);
  Napi::Value Bind(const Napi::CallbackInfo& info);
  Napi::Value Finals(const Napi::CallbackInfo& info);
  void Dispose(const Napi::CallbackInfo&) { state_.Dispose(); }
  Exclusive<Sumcheck> state_;
};

class FractionTreeObject : public Napi::ObjectWrap<FractionTreeObject> {
 public:
  static Napi::Function Define(Napi::Env env);
  static Napi::Object Create(Napi::Env env, std::shared_ptr<FractionTree> tree);
  explicit FractionTreeObject(const Napi::CallbackInfo& info) : ObjectWrap(info) {}

 private:
  Napi::Value Depth(const Napi::CallbackInfo& info);
  Napi::Value Root(const Napi::CallbackInfo& info);
  void BeginLayer(const Napi::CallbackInfo& info);
  Napi::Value Round(const Napi::CallbackInfo& info);
  Napi::Value Bind(const Napi::CallbackInfo& info);
  Napi::Value Finals(const Napi::CallbackInfo& info);
  void Dispose(const Napi::CallbackInfo&) { state_.Dispose(); }
  Exclusive<FractionTree> state_;
  size_t layerSize_ = 0;
};

class CommitmentObject : public Napi::ObjectWrap<CommitmentObject> {
 public:
  static Napi::Function Define(Napi::Env env);
  static Napi::Object Create(Napi::Env env, std::shared_ptr<Commitment> commitment);
  explicit CommitmentObject(const Napi::CallbackInfo& info) : ObjectWrap(info) {}

 private:
  Napi::Value LogDomain(const Napi::CallbackInfo& info);
  Napi::Value Cap(const Napi::CallbackInfo& info);
  Napi::Value Open(const Napi::CallbackInfo& info);
  Napi::Value SerializeTree(const Napi::CallbackInfo& info);
  void Dispose(const Napi::CallbackInfo&) { state_.reset(); }
  const std::shared_ptr<Commitment>& Get(const char* function) const;
  std::shared_ptr<Commitment> state_;
};

class CommittedTreeObject : public Napi::ObjectWrap<CommittedTreeObject> {
 public:
  static Napi::Function Define(Napi::Env env);
  static Napi::Object Create(Napi::Env env, std::shared_ptr<CommittedTree> tree);
  explicit CommittedTreeObject(const Napi::CallbackInfo& info) : ObjectWrap(info) {}

 private:
  Napi::Value LogDomain(const Napi::CallbackInfo& info);
  Napi::Value Root(const Napi::CallbackInfo& info);
  Napi::Value Open(const Napi::CallbackInfo& info);
  Napi::Value SerializeTree(const Napi::CallbackInfo& info);
  void Dispose(const Napi::CallbackInfo&) { state_.reset(); }
  const std::shared_ptr<CommittedTree>& Get(const char* function) const;
  std::shared_ptr<CommittedTree> state_;
};

/// The functions of ProverEngine on one object.
Napi::Object CreateEngine(Napi::Env env);
/// The kernels of the integer model on one object.
Napi::Object CreateModel(Napi::Env env);

}  // namespace attensor
