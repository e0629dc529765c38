// Memory of the device for the time of a computation.
#pragma once

#include <span>

#include "device.h"

namespace attensor::device {

/// `count` entries of a plain type. Throws NoMemory.
template <class T>
class Array {
 public:
  explicit Array(size_t count) : count_(count), data_(static_cast<T*>(Allocate(Bytes(count)))) {}
  explicit Array(std::span<const T> values) : Array(values.size()) { Write(values); }
  ~Array() { Release(data_); }
  Array(const Array&) = delete;
  Array& operator=(const Array&) = delete;

  T* get() const { return data_; }
  void Write(std::span<const T> values) { Check(Opened().upload(data_, values.data(), values.size_bytes())); }
  void Clear(size_t count) { Check(Opened().zero(data_, count * sizeof(T))); }
  void Clear() { Clear(count_); }
  /// The first entries; waits for them.
  void Read(std::span<T> out) const { Check(Opened().download(out.data(), data_, out.size_bytes())); }

 private:
  static size_t Bytes(size_t count) { return (count ? count : 1) * sizeof(T); }
  size_t count_;
  T* data_;
};

/// Memory that copies run into beside the kernels.
class AheadMemory {
 public:
  explicit AheadMemory(size_t bytes);
  ~AheadMemory();
  AheadMemory(const AheadMemory&) = delete;
  AheadMemory& operator=(const AheadMemory&) = delete;
  char* get() const { return data_; }
  size_t bytes() const { return bytes_; }
  void Write(size_t offset, const void* from, size_t bytes) {
    Check(Opened().uploadAhead(data_ + offset, from, bytes));
  }

 private:
  size_t bytes_;
  char* data_ = nullptr;
};

}  // namespace attensor::device
