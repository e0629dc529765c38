// JavaScript values to C++ and back. Every reader names function and argument in its error.
#pragma once

#include <napi.h>

#include <string>
#include <vector>

#include "common/error.h"
#include "prover/fp.h"
#include "prover/vec.h"

namespace attensor {

/// Where a value comes from, for messages: function and argument.
struct Arg {
  std::string function, name;
  std::string At(size_t index) const { return name + "[" + std::to_string(index) + "]"; }
  Arg Element(size_t index) const { return {function, At(index)}; }
  Arg Field(const char* field) const { return {function, name + "." + field}; }
  std::string Prefix() const { return function + ": " + name; }
};

/// The error of an argument of another type.
Error WrongType(const Arg& arg, const char* expected, const Napi::Value& got);

/// A bigint in [0, p).
Fp ReadField(const Napi::Value& value, const Arg& arg);
std::vector<Fp> ReadFields(const Napi::Value& value, const Arg& arg);
/// A non-negative integer up to `max`.
size_t ReadIndex(const Napi::Value& value, const Arg& arg, size_t max = (size_t{1} << 53) - 1);
Napi::Array ReadArray(const Napi::Value& value, const Arg& arg);
Napi::Object ReadObject(const Napi::Value& value, const Arg& arg);
/// A typed array of one type; `expected` names it.
template <class Array>
Array ReadTyped(const Napi::Value& value, const Arg& arg, napi_typedarray_type type, const char* expected) {
  if (!value.IsTypedArray() || value.As<Napi::TypedArray>().TypedArrayType() != type)
    throw WrongType(arg, expected, value);
  return value.As<Array>();
}

/// Converts the entries of an Int32Array or BigInt64Array into `out` from `offset`.
void WriteInts(const Napi::TypedArray& array, Vec& out, size_t offset, const char* function);

Napi::BigInt WriteField(Napi::Env env, const Fp& value);
Napi::Array WriteFields(Napi::Env env, const Fp* values, size_t count);

inline Napi::Value WriteNothing(Napi::Env env, bool&&) { return env.Undefined(); }

/// The JavaScript error with its code; of a model's kernel also with row, column, expected and got.
Napi::Error CurrentException(Napi::Env env);

/// Runs a synchronous function's body; C++ exceptions become JavaScript ones.
template <class Body>
auto Guard(Napi::Env env, const Body& body) -> decltype(body()) {
  try {
    return body();
  } catch (const Napi::Error&) {
    throw;
  } catch (...) {
    throw CurrentException(env);
  }
}

}  // namespace attensor
