#include "binding.h"

#include <string>

#include "common/error.h"

namespace model {

namespace {

const char* Describe(Width width) {
  switch (width) {
    case Width::kInt32:
      return "-2^31 <= value < 2^31";
    case Width::kAccumulator:
      return "-2^47 <= acc < 2^47";
    case Width::kSumOfSquares:
      return "sum of squares < 2^63";
    case Width::kInverseRoot:
      return "inverse root < 2^32";
    case Width::kMaskedScore:
      return "a masked score within int64";
    case Width::kZeroSum:
      return "a positive sum of scores";
  }
  return "";
}

std::string Decimal(int128 value) {
  if (value == 0) return "0";
  uint128 rest = value < 0 ? -static_cast<uint128>(value) : static_cast<uint128>(value);
  std::string digits;
  for (; rest; rest /= 10)
    digits.insert(digits.begin(), static_cast<char>('0' + static_cast<int>(rest % 10)));
  return value < 0 ? "-" + digits : digits;
}

Napi::Error ToError(Napi::Env env, std::exception_ptr failure, const char* kernel) {
  auto make = [&](const char* code, const std::string& message) {
    Napi::Error error = Napi::Error::New(env, std::string(kernel) + ": " + message);
    error.Set("code", Napi::String::New(env, code));
    error.Set("kernel", Napi::String::New(env, kernel));
    return error;
  };
  try {
    std::rethrow_exception(failure);
  } catch (const Failure& f) {
    const char* code = f.width == Width::kZeroSum ? "ZERO_SUM" : "OVERFLOW";
    Napi::Error error =
        make(code, std::string("expected ") + Describe(f.width) + ", got " + Decimal(f.value));
    error.Set("row", Napi::Number::New(env, static_cast<double>(f.row)));
    error.Set("column", Napi::Number::New(env, static_cast<double>(f.column)));
    error.Set("expected", Napi::String::New(env, Describe(f.width)));
    error.Set("got", Napi::String::New(env, Decimal(f.value)));
    return error;
  } catch (const Cancelled&) {
    return make("CANCELLED", "cancelled");
  } catch (const attensor::Error& e) {
    return make(e.code, e.what());
  } catch (const std::exception& e) {
    return make("INTERNAL", e.what());
  }
}

class Task : public Napi::AsyncWorker {
 public:
  Task(Napi::Env env, const char* kernel, std::function<void()> work, std::vector<Napi::ObjectReference> kept)
      : AsyncWorker(env, kernel),
        promise_(Napi::Promise::Deferred::New(env)),
        kernel_(kernel),
        work_(std::move(work)),
        kept_(std::move(kept)) {}

  Napi::Promise Promise() const { return promise_.Promise(); }

 protected:
  void Execute() override {
    try {
      work_();
    } catch (...) {
      failure_ = std::current_exception();
    }
  }

  void OnOK() override {
    if (failure_) {
      promise_.Reject(ToError(Env(), failure_, kernel_).Value());
    } else {
      promise_.Resolve(Env().Undefined());
    }
  }

 private:
  Napi::Promise::Deferred promise_;
  const char* kernel_;
  std::function<void()> work_;
  std::vector<Napi::ObjectReference> kept_;
  std::exception_ptr failure_;
};

}  // namespace

Napi::Value Arguments::Next() { return info_[at_++]; }

void Arguments::Reject(const char* expected) {
  throw Napi::TypeError::New(
      info_.Env(), std::string(kernel_) + ": argument " + std::to_string(at_) + ": expected " + expected);
}

size_t Arguments::Size() {
  int64_t value = Integer();
  if (value < 0 || value > kInt32Max) Reject("a size");
  return static_cast<size_t>(value);
}

int64_t Arguments::Integer() {
  Napi::Value value = Next();
  if (!value.IsNumber()) Reject("a number");
  double number = value.As<Napi::Number>().DoubleValue();
  if (!(number >= -9007199254740991.0 && number <= 9007199254740991.0) ||
      number != static_cast<double>(static_cast<int64_t>(number))) {
    Reject("an integer");
  }
  return static_cast<int64_t>(number);
}

uint64_t Arguments::Unsigned() {
  Napi::Value value = Next();
  if (!value.IsBigInt()) Reject("a bigint");
  bool lossless = false;
  uint64_t number = value.As<Napi::BigInt>().Uint64Value(&lossless);
  if (!lossless) Reject("an unsigned 64-bit bigint");
  return number;
}

bool Arguments::Flag() {
  Napi::Value value = Next();
  if (!value.IsBoolean()) Reject("a boolean");
  return value.As<Napi::Boolean>().Value();
}

static bool HasLength(size_t length, std::initializer_list<size_t> dims) {
  uint128 product = 1;  // sizes are below 2^31 and at most four
  for (size_t dim : dims) product *= dim;
  return product == length;
}

OutInts Arguments::Int64(std::initializer_list<size_t> dims) {
  Napi::Value value = Next();
  if (!value.IsTypedArray() || value.As<Napi::TypedArray>().TypedArrayType() != napi_bigint64_array) {
    Reject("a BigInt64Array");
  }
  auto array = value.As<Napi::BigInt64Array>();
  if (!HasLength(array.ElementLength(), dims)) Reject("an array whose length is the product of its dims");
  kept_.push_back(Napi::Persistent(value.As<Napi::Object>()));
  return {array.Data(), array.ElementLength()};
}

std::span<int32_t> Arguments::List() {
  Napi::Value value = Next();
  if (!value.IsTypedArray() || value.As<Napi::TypedArray>().TypedArrayType() != napi_int32_array) {
    Reject("an Int32Array");
  }
  auto array = value.As<Napi::Int32Array>();
  kept_.push_back(Napi::Persistent(value.As<Napi::Object>()));
  return {array.Data(), array.ElementLength()};
}

std::span<int32_t> Arguments::Int32(std::initializer_list<size_t> dims) {
  auto list = List();
  if (!HasLength(list.size(), dims)) Reject("an array whose length is the product of its dims");
  return list;
}

Napi::Value Arguments::Run(std::function<void(const Control&)> kernel) {
  const int32_t* flag = nullptr;
  if (info_[at_].IsNull()) {
    at_++;
  } else {
    flag = Int32({1}).data();
  }
  bool on_worker = Flag();
  Napi::Env env = info_.Env();
  auto work = [kernel = std::move(kernel), control = Control(flag)] { kernel(control); };
  if (on_worker) {
    auto* task = new Task(env, kernel_, std::move(work), std::move(kept_));
    task->Queue();
    return task->Promise();
  }
  try {
    work();
  } catch (...) {
    throw ToError(env, std::current_exception(), kernel_);
  }
  return env.Undefined();
}

}  // namespace model
