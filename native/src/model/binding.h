// From JavaScript to a kernel: typed arguments with checked lengths, and a run here or on a worker thread.
#pragma once

#include <napi.h>

#include <functional>
#include <initializer_list>
#include <memory>
#include <vector>

#include "kernel.h"

namespace model {

// Reads the arguments of a call one after the other; arrays are kept alive until the kernel ends.
class Arguments {
 public:
  Arguments(const Napi::CallbackInfo& info, const char* kernel) : info_(info), kernel_(kernel) {}

  size_t Size();
  int64_t Integer();
  uint64_t Unsigned();
  bool Flag();
  // Arrays whose length must be the product of dims.
  OutInts Int64(std::initializer_list<size_t> dims);
  std::span<int32_t> Int32(std::initializer_list<size_t> dims);
  // An int32 array of any length.
  std::span<int32_t> List();

  // Last two arguments: a cancellation flag (Int32Array of one entry, or null), and whether to use a worker
  // thread. Runs the kernel; returns undefined, or a promise of it.
  Napi::Value Run(std::function<void(const Control&)> kernel);

 private:
  Napi::Value Next();
  [[noreturn]] void Reject(const char* expected);
  const Napi::CallbackInfo& info_;
  const char* kernel_;
  size_t at_ = 0;
  std::vector<Napi::ObjectReference> kept_;
};

}  // namespace model
