// The arguments of a kernel of the integer model, which is called as kernel(arguments, signal, onWorker):
// typed values with checked sizes, by name, and a run here or on another thread.
#pragma once

#include <napi.h>

#include <functional>
#include <initializer_list>
#include <vector>

#include "common/control.h"
#include "convert.h"
#include "model/kernel.h"

namespace attensor {

class Arguments {
 public:
  Arguments(const Napi::CallbackInfo& info, const char* kernel);

  size_t Size(const char* name) { return ReadIndex(Get(name), {kernel_, name}, model::kInt32Max); }
  int64_t Integer(const char* name, int64_t min, int64_t max);
  uint64_t Unsigned(const char* name);
  bool Flag(const char* name);
  bool Has(const char* name) const { return !Get(name).IsUndefined(); }
  /// Arrays whose length must be the product of dims; they are kept alive until the kernel ends.
  model::OutInts Int64(const char* name, std::initializer_list<size_t> dims) {
    return Int64(Get(name), {kernel_, name}, dims);
  }
  std::span<int32_t> Int32(const char* name, std::initializer_list<size_t> dims);
  /// An int32 array of any length.
  std::span<int32_t> List(const char* name);
  /// An array of int64 arrays.
  std::vector<model::Ints> Int64s(const char* name, std::initializer_list<size_t> dims);

  /// Throws RangeError with the kernel's name in front.
  void Require(bool ok, const std::string& message) const;

  /// Returns undefined, or a promise of it.
  Napi::Value Run(std::function<void(const Control&)> body);

 private:
  Napi::Value Get(const char* name) const { return values_.Get(name); }
  model::OutInts Int64(const Napi::Value& value, const Arg& arg, std::initializer_list<size_t> dims);

  const Napi::CallbackInfo& info_;
  const char* kernel_;
  Napi::Object values_;
  std::vector<Napi::ObjectReference> kept_;
};

}  // namespace attensor
