#include "async.h"

#include <atomic>

namespace attensor {

struct TaskOptions::Listener {
  Napi::ObjectReference signal;
  Napi::FunctionReference abort, progress;
  Napi::ThreadSafeFunction channel;
  std::atomic<int> reported{0};
  bool finished = false;
};

void RequireNotAborted(const Napi::Value& signal, const std::string& function) {
  if (signal.IsUndefined()) return;
  if (ReadObject(signal, {function, "signal"}).Get("aborted").ToBoolean()) throw Cancelled(function);
}

TaskOptions::TaskOptions(Napi::Env env, const Arg& function, const Napi::Value& signal,
                         const Napi::Value& onProgress)
    : control_(std::make_shared<Control>()), listener_(std::make_shared<Listener>()) {
  if (!signal.IsUndefined()) {
    RequireNotAborted(signal, function.function);
    Napi::Object object = signal.As<Napi::Object>();
    auto abort = Napi::Function::New(
        env, [control = control_](const Napi::CallbackInfo&) { control->cancelled = true; });
    Napi::Value add = object.Get("addEventListener");
    if (!add.IsFunction()) throw TypeError(function.Field("signal").Prefix() + ": expected an AbortSignal");
    add.As<Napi::Function>().Call(object, {Napi::String::New(env, "abort"), abort});
    listener_->signal = Napi::Persistent(object);
    listener_->abort = Napi::Persistent(abort);
  }
  if (!onProgress.IsUndefined()) {
    if (!onProgress.IsFunction())
      throw TypeError(function.Field("onProgress").Prefix() + ": expected a function");
    auto callback = onProgress.As<Napi::Function>();
    listener_->progress = Napi::Persistent(callback);
    listener_->channel = Napi::ThreadSafeFunction::New(env, callback, "attensor progress", 0, 1);
    Listener* listener = listener_.get();
    control_->onProgress = [listener, keep = std::weak_ptr<Listener>(listener_)](double fraction) {
      // At most two hundred calls, never backwards.
      int step = static_cast<int>(fraction * 200), last = listener->reported.load();
      if (step <= last || step >= 200) return;
      if (!listener->reported.compare_exchange_strong(last, step)) return;
      listener->channel.NonBlockingCall([keep, fraction](Napi::Env e, Napi::Function f) {
        auto alive = keep.lock();
        if (alive && !alive->finished) f.Call({Napi::Number::New(e, fraction)});
      });
    };
  }
}

void TaskOptions::Finish(Napi::Env env, bool succeeded) {
  Listener& l = *listener_;
  l.finished = true;
  if (!l.signal.IsEmpty()) {
    Napi::Object signal = l.signal.Value();
    signal.Get("removeEventListener")
        .As<Napi::Function>()
        .Call(signal, {Napi::String::New(env, "abort"), l.abort.Value()});
  }
  if (!l.progress.IsEmpty()) {
    if (succeeded) l.progress.Value().Call({Napi::Number::New(env, 1)});
    l.channel.Release();
  }
}

}  // namespace attensor
