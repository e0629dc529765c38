// Long work off the event loop: a Promise, progress callbacks and cancellation by an AbortSignal.
#pragma once

#include <napi.h>

#include <exception>
#include <memory>
#include <optional>

#include "common/control.h"
#include "convert.h"

namespace attensor {

/// Connects an options object's `signal` and `onProgress` to a Control for the time of one task.
class TaskOptions {
 public:
  TaskOptions(Napi::Env env, const Arg& function, const Napi::Value& signal, const Napi::Value& onProgress);
  const std::shared_ptr<Control>& control() const { return control_; }
  /// On the main thread when the task has ended; later progress is dropped.
  void Finish(Napi::Env env, bool succeeded);

 private:
  struct Listener;
  std::shared_ptr<Control> control_;
  std::shared_ptr<Listener> listener_;
};

/// Throws Cancelled if the signal is one and has fired.
void RequireNotAborted(const Napi::Value& signal, const std::string& function);

/// Runs work(control) on another thread, then write(env, result) here; the promise rejects with what either
/// throws. `done(env)` runs here in both cases, before the promise settles.
template <class Result>
class Task : public Napi::AsyncWorker {
 public:
  using Work = std::function<Result(Control&)>;
  using Write = std::function<Napi::Value(Napi::Env, Result&&)>;
  using Done = std::function<void()>;

  static Napi::Value Run(Napi::Env env, Work work, Write write, Done done = {},
                         std::optional<TaskOptions> options = {}) {
    auto* task = new Task(env, std::move(work), std::move(write), std::move(done), std::move(options));
    Napi::Promise promise = task->deferred_.Promise();
    task->Queue();
    return promise;
  }

 protected:
  void Execute() override {
    try {
      Control none;
      Control& control = options_ ? *options_->control() : none;
      result_.emplace(work_(control));
    } catch (...) {
      failure_ = std::current_exception();
    }
  }

  void OnOK() override {
    Napi::Env env = Env();
    Napi::HandleScope scope(env);
    if (done_) done_();
    if (options_) options_->Finish(env, !failure_);
    try {
      if (failure_) std::rethrow_exception(failure_);
      deferred_.Resolve(write_(env, std::move(*result_)));
    } catch (...) {
      deferred_.Reject(CurrentException(env).Value());
    }
  }

 private:
  Task(Napi::Env env, Work work, Write write, Done done, std::optional<TaskOptions> options)
      : AsyncWorker(env, "attensor"),
        deferred_(Napi::Promise::Deferred::New(env)),
        work_(std::move(work)),
        write_(std::move(write)),
        done_(std::move(done)),
        options_(std::move(options)) {}

  Napi::Promise::Deferred deferred_;
  Work work_;
  Write write_;
  Done done_;
  std::optional<TaskOptions> options_;
  std::optional<Result> result_;
  std::exception_ptr failure_;
};

/// Work too small for another thread: done at once, but still answered by a promise.
template <class Body>
Napi::Value Settle(Napi::Env env, const Body& body) {
  auto deferred = Napi::Promise::Deferred::New(env);
  try {
    deferred.Resolve(body());
  } catch (...) {
    deferred.Reject(CurrentException(env).Value());
  }
  return deferred.Promise();
}

/// The body of a function that returns a promise: what it throws before its task starts is a rejection too.
template <class Body>
Napi::Value GuardAsync(Napi::Env env, const Body& body) {
  try {
    return body();
  } catch (...) {
    auto deferred = Napi::Promise::Deferred::New(env);
    deferred.Reject(CurrentException(env).Value());
    return deferred.Promise();
  }
}

}  // namespace attensor
