#include "arguments.h"

#include <memory>
#include <string>

#include "async.h"

namespace attensor {

Arguments::Arguments(const Napi::CallbackInfo& info, const char* kernel)
    : info_(info), kernel_(kernel), values_(ReadObject(info[0], {kernel, "arguments"})) {}

void Arguments::Require(bool ok, const std::string& message) const {
  attensor::Require(ok, std::string(kernel_) + ": " + message);
}

int64_t Arguments::Integer(const char* name, int64_t min, int64_t max) {
  Napi::Value value = Get(name);
  if (!value.IsNumber()) throw WrongType({kernel_, name}, "a number", value);
  const double number = value.As<Napi::Number>().DoubleValue();
  Require(number >= static_cast<double>(min) && number <= static_cast<double>(max) &&
              number == static_cast<double>(static_cast<int64_t>(number)),
          std::string(name) + ": expected an integer from " + std::to_string(min) + " to " +
              std::to_string(max) + ", got " + value.ToString().Utf8Value());
  return static_cast<int64_t>(number);
}

uint64_t Arguments::Unsigned(const char* name) {
  Napi::Value value = Get(name);
  if (!value.IsBigInt()) throw WrongType({kernel_, name}, "a bigint", value);
  bool lossless = false;
  const uint64_t number = value.As<Napi::BigInt>().Uint64Value(&lossless);
  Require(lossless, std::string(name) + ": expected an unsigned 64-bit bigint, got " +
                        value.As<Napi::BigInt>().ToString().Utf8Value());
  return number;
}

bool Arguments::Flag(const char* name) {
  Napi::Value value = Get(name);
  if (!value.IsBoolean()) throw WrongType({kernel_, name}, "a boolean", value);
  return value.As<Napi::Boolean>().Value();
}

static void RequireLength(size_t length, std::initializer_list<size_t> dims, const Arg& arg) {
  model::uint128 product = 1;  // sizes are below 2^31 and at most four
  std::string text;
  for (size_t dim : dims) {
    product *= dim;
    text += (text.empty() ? "" : " x ") + std::to_string(dim);
  }
  Require(product == length, arg.Prefix() + ": expected " + text + " entries, got " + std::to_string(length));
}

model::OutInts Arguments::Int64(const Napi::Value& value, const Arg& arg,
                                std::initializer_list<size_t> dims) {
  auto array = ReadTyped<Napi::BigInt64Array>(value, arg, napi_bigint64_array, "a BigInt64Array");
  RequireLength(array.ElementLength(), dims, arg);
  kept_.push_back(Napi::Persistent(array.As<Napi::Object>()));
  return {array.Data(), array.ElementLength()};
}

std::span<int32_t> Arguments::List(const char* name) {
  auto array = ReadTyped<Napi::Int32Array>(Get(name), {kernel_, name}, napi_int32_array, "an Int32Array");
  kept_.push_back(Napi::Persistent(array.As<Napi::Object>()));
  return {array.Data(), array.ElementLength()};
}

std::span<int32_t> Arguments::Int32(const char* name, std::initializer_list<size_t> dims) {
  auto list = List(name);
  RequireLength(list.size(), dims, {kernel_, name});
  return list;
}

std::vector<model::Ints> Arguments::Int64s(const char* name, std::initializer_list<size_t> dims) {
  const Arg arg{kernel_, name};
  Napi::Array array = ReadArray(Get(name), arg);
  std::vector<model::Ints> out;
  for (uint32_t i = 0; i < array.Length(); i++) out.push_back(Int64(array.Get(i), arg.Element(i), dims));
  return out;
}

Napi::Value Arguments::Run(std::function<void(const Control&)> body) {
  Napi::Env env = info_.Env();
  auto kernel = [body = std::move(body), name = kernel_](const Control& control) {
    try {
      body(control);
    } catch (const model::Failure& f) {
      throw model::Failure(f.width, f.row, f.column, f.value, name);
    }
  };
  const bool onWorker = info_[2].ToBoolean();
  if (!onWorker) {
    RequireNotAborted(info_[1], kernel_);
    kernel(Control{});
    return env.Undefined();
  }
  TaskOptions task(env, {kernel_, "options"}, info_[1], env.Undefined());
  auto kept = std::make_shared<std::vector<Napi::ObjectReference>>(std::move(kept_));
  return Task<bool>::Run(
      env,
      [kernel = std::move(kernel)](Control& control) {
        kernel(control);
        return true;
      },
      WriteNothing, [kept] { kept->clear(); }, std::move(task));
}

}  // namespace attensor
