#include "convert.h"

#include <cmath>
#include <new>

#include "common/thread_pool.h"
#include "device/device.h"
#include "model/kernel.h"

namespace attensor {

static std::string TypeName(const Napi::Value& value) {
  switch (value.Type()) {
    case napi_undefined:
      return "undefined";
    case napi_null:
      return "null";
    case napi_boolean:
      return "boolean";
    case napi_number:
      return "number";
    case napi_string:
      return "string";
    case napi_symbol:
      return "symbol";
    case napi_object:
      return value.IsArray() ? "array" : "object";
    case napi_function:
      return "function";
    case napi_bigint:
      return "bigint";
    default:
      return "external";
  }
}

Error WrongType(const Arg& arg, const char* expected, const Napi::Value& got) {
  return TypeError(arg.Prefix() + ": expected " + expected + ", got " + TypeName(got));
}

Fp ReadField(const Napi::Value& value, const Arg& arg) {
  if (!value.IsBigInt()) throw WrongType(arg, "a bigint", value);
  int sign = 0;
  size_t count = 4;
  Fp limbs{};
  auto bigint = value.As<Napi::BigInt>();
  bigint.ToWords(&sign, &count, limbs.l);
  if (sign != 0 || count > 4 || !IsCanonical(limbs))
    throw RangeError(arg.Prefix() + ": expected a field element in [0, p), got " +
                     bigint.ToString().Utf8Value());
  return FromCanonical(limbs);
}

Napi::Array ReadArray(const Napi::Value& value, const Arg& arg) {
  if (!value.IsArray()) throw WrongType(arg, "an array", value);
  return value.As<Napi::Array>();
}

Napi::Object ReadObject(const Napi::Value& value, const Arg& arg) {
  if (!value.IsObject()) throw WrongType(arg, "an object", value);
  return value.As<Napi::Object>();
}

std::vector<Fp> ReadFields(const Napi::Value& value, const Arg& arg) {
  Napi::Array array = ReadArray(value, arg);
  std::vector<Fp> out(array.Length());
  for (uint32_t i = 0; i < out.size(); i++) {
    Napi::HandleScope scope(value.Env());
    Napi::Value element = array.Get(i);
    // The argument's name is only spelled out for the message.
    int sign = 0;
    size_t count = 4;
    Fp limbs{};
    if (element.IsBigInt()) element.As<Napi::BigInt>().ToWords(&sign, &count, limbs.l);
    out[i] = element.IsBigInt() && sign == 0 && count <= 4 && IsCanonical(limbs)
                 ? FromCanonical(limbs)
                 : ReadField(element, arg.Element(i));
  }
  return out;
}

size_t ReadIndex(const Napi::Value& value, const Arg& arg, size_t max) {
  if (!value.IsNumber()) throw WrongType(arg, "a number", value);
  double d = value.As<Napi::Number>().DoubleValue();
  if (!(d >= 0 && d <= static_cast<double>(max) && std::floor(d) == d))
    throw RangeError(arg.Prefix() + ": expected an integer from 0 to " + std::to_string(max) + ", got " +
                     value.ToString().Utf8Value());
  return static_cast<size_t>(d);
}

static device::Status Widen(const device::Table& table, device::DeviceFp* out, const int32_t* values,
                            size_t n) {
  return table.fromInt32(out, values, n);
}
static device::Status Widen(const device::Table& table, device::DeviceFp* out, const int64_t* values,
                            size_t n) {
  return table.fromInt64(out, values, n);
}

void WriteInts(const Napi::TypedArray& array, Vec& out, size_t offset, const char* function) {
  size_t count = array.ElementLength();
  auto convert = [&](const auto* values) {
    size_t least = out.IsOnDevice() ? 0 : device::kLeastElements;
    bool done = device::Run(count, least, [&](const device::Table& table) {
      bool all = count == out.size();
      device::DeviceFp* to = (all ? out.OutOnDevice() : out.ChangeOnDevice()) + offset;
      device::Check(Widen(table, to, values, count));
    });
    if (done) return;
    Fp* to = out.mut() + offset;
    ParallelFor(count, 1 << 13, [&](size_t begin, size_t end) {
      for (size_t i = begin; i < end; i++) to[i] = FromI64(values[i]);
    });
  };
  if (array.TypedArrayType() == napi_int32_array)
    convert(array.As<Napi::Int32Array>().Data());
  else if (array.TypedArrayType() == napi_bigint64_array)
    convert(array.As<Napi::BigInt64Array>().Data());
  else
    throw TypeError(std::string(function) + ": values: expected an Int32Array or BigInt64Array");
}

Napi::BigInt WriteField(Napi::Env env, const Fp& value) {
  Fp limbs = ToCanonical(value);
  return Napi::BigInt::New(env, 0, 4, limbs.l);
}

Napi::Array WriteFields(Napi::Env env, const Fp* values, size_t count) {
  Napi::Array out = Napi::Array::New(env, count);
  for (uint32_t i = 0; i < count; i++) {
    Napi::HandleScope scope(env);
    out.Set(i, WriteField(env, values[i]));
  }
  return out;
}

static Napi::Error ToJavaScript(Napi::Env env, const Error& error) {
  Napi::Error e = error.kind == ErrorKind::kType    ? Napi::TypeError::New(env, error.what())
                  : error.kind == ErrorKind::kRange ? Napi::RangeError::New(env, error.what())
                                                    : Napi::Error::New(env, error.what());
  e.Value().Set("code", Napi::String::New(env, error.code));
  return e;
}

Napi::Error CurrentException(Napi::Env env) {
  try {
    throw;
  } catch (const Napi::Error& e) {
    return e;
  } catch (const model::Failure& f) {
    Napi::Error error = ToJavaScript(env, f);
    error.Set("row", Napi::Number::New(env, static_cast<double>(f.row)));
    error.Set("column", Napi::Number::New(env, static_cast<double>(f.column)));
    error.Set("expected", Napi::String::New(env, f.expected));
    error.Set("got", Napi::String::New(env, f.got));
    return error;
  } catch (const Error& e) {
    return ToJavaScript(env, e);
  } catch (const std::bad_alloc&) {
    return ToJavaScript(
        env, {ErrorKind::kError, "OUT_OF_MEMORY",
              "engine: not enough memory; dispose of vectors no longer needed or use smaller ones"});
  } catch (const std::exception& e) {
    return ToJavaScript(env, {ErrorKind::kError, "INTERNAL", std::string("engine: ") + e.what()});
  }
}

}  // namespace attensor
