// A vector of field elements: a window on shared memory. Copies and slices share; Own() copies before a
// change, so that no change is seen through another Vec.
#pragma once

#include <cstring>
#include <memory>

#include "fp.h"

namespace attensor {

class Buffer {
 public:
  /// Uninitialised.
  explicit Buffer(size_t size);
  ~Buffer();
  Buffer(const Buffer&) = delete;
  Buffer& operator=(const Buffer&) = delete;
  Fp* data() const { return data_; }
  size_t size() const { return size_; }

 private:
  Fp* data_;
  size_t size_;
};

class Vec {
 public:
  Vec() = default;
  /// Uninitialised.
  explicit Vec(size_t size) : buffer_(std::make_shared<Buffer>(size)), size_(size) {}
  static Vec Zeros(size_t size);

  size_t size() const { return size_; }
  bool allocated() const { return buffer_ != nullptr; }
  const Fp* data() const { return buffer_->data() + offset_; }
  const Fp& operator[](size_t i) const { return data()[i]; }
  /// For writing; only on memory nobody else shares (fresh, or after Own()).
  Fp* mut() { return buffer_->data() + offset_; }

  Vec Slice(size_t offset, size_t size) const {
    Vec v = *this;
    v.offset_ += offset;
    v.size_ = size;
    return v;
  }
  void Own() {
    if (buffer_.use_count() == 1) return;
    Vec v(size_);
    std::memcpy(static_cast<void*>(v.mut()), data(), size_ * sizeof(Fp));
    *this = v;
  }
  /// Bytes of the memory this keeps alive.
  size_t bytes() const { return buffer_ ? buffer_->size() * sizeof(Fp) : 0; }

 private:
  std::shared_ptr<Buffer> buffer_;
  size_t offset_ = 0, size_ = 0;
};

inline bool IsPowerOfTwo(size_t n) { return n && !(n & (n - 1)); }
inline int Log2(size_t n) { return 63 - __builtin_clzll(n); }

}  // namespace attensor
