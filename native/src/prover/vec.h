// A vector of field elements: a window on shared memory. Copies and slices share; Own() copies before a
// change, so that no change is seen through another Vec.
//
// The memory is the host's, the device's or both: whoever asks for it gets the newest values where he is.
// Until someone does, it is nowhere.
#pragma once

#include <atomic>
#include <cstring>
#include <memory>
#include <mutex>
#include <vector>

#include "device/abi.h"
#include "fp.h"

namespace attensor {

class Buffer {
 public:
  /// Uninitialised, or zeros.
  explicit Buffer(size_t size, bool zero = false);
  ~Buffer();
  Buffer(const Buffer&) = delete;
  Buffer& operator=(const Buffer&) = delete;
  size_t size() const { return size_; }

  const Fp* Read() const { return state_.load(std::memory_order_acquire) & kHost ? host_ : Fetch(); }
  Fp* Write() {
    if (state_.load(std::memory_order_acquire) == kHost) return host_;
    Fetch();
    return TakeOver();
  }
  /// On the device, with the values (`keep`), to be read or changed. Throws device::NoMemory.
  device::DeviceFp* Device(bool keep, bool change) const;
  bool IsOnDevice() const { return state_.load(std::memory_order_acquire) & kDevice; }
  bool IsOnlyOnDevice() const { return state_.load(std::memory_order_acquire) == kDevice; }

 private:
  /// Where the newest values are; zeros: nowhere yet.
  static constexpr uint8_t kHost = 1, kDevice = 2, kZeros = 4;
  Fp* Fetch() const;
  Fp* TakeOver();
  Fp* AllocateHost() const;

  size_t size_;
  mutable std::atomic<uint8_t> state_;
  mutable std::mutex mutex_;
  mutable Fp* host_ = nullptr;
  mutable device::DeviceFp* device_ = nullptr;
};

class Vec {
 public:
  Vec() = default;
  /// Uninitialised.
  explicit Vec(size_t size) : buffer_(std::make_shared<Buffer>(size)), size_(size) {}
  static Vec Zeros(size_t size);

  size_t size() const { return size_; }
  bool allocated() const { return buffer_ != nullptr; }
  const Fp* data() const { return buffer_->Read() + offset_; }
  const Fp& operator[](size_t i) const { return data()[i]; }
  /// For writing; only on memory nobody else shares (fresh, or after Own()).
  Fp* mut() { return buffer_->Write() + offset_; }

  /// Single elements, without bringing the others from the device.
  Fp At(size_t i) const;
  void Set(size_t i, const Fp& value);
  std::vector<Fp> Gather(const std::vector<uint64_t>& indexes) const;

  // On the device; throw device::NoMemory, and are used within device::Run.
  const device::DeviceFp* OnDevice() const { return buffer_->Device(true, false) + offset_; }
  /// For writing all of it; what it held is lost.
  device::DeviceFp* OutOnDevice() { return buffer_->Device(size_ < buffer_->size(), true) + offset_; }
  /// For changing it.
  device::DeviceFp* ChangeOnDevice() { return buffer_->Device(true, true) + offset_; }
  /// Changes of any size are then made there: what is used on the device is likely to be again.
  bool IsOnDevice() const { return buffer_ && buffer_->IsOnDevice(); }
  bool IsOnlyOnDevice() const { return buffer_ && buffer_->IsOnlyOnDevice(); }
  /// This window in host memory, without the rest of what it is a window on.
  Vec OnHost() const;

  Vec Slice(size_t offset, size_t size) const {
    Vec v = *this;
    v.offset_ += offset;
    v.size_ = size;
    return v;
  }
  void Own();
  /// Bytes of the memory this keeps alive.
  size_t bytes() const { return buffer_ ? buffer_->size() * sizeof(Fp) : 0; }

 private:
  std::shared_ptr<Buffer> buffer_;
  size_t offset_ = 0, size_ = 0;
};

inline bool IsPowerOfTwo(size_t n) { return n && !(n & (n - 1)); }
inline int Log2(size_t n) { return 63 - __builtin_clzll(n); }

}  // namespace attensor
