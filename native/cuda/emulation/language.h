// CUDA's words for a C++ compiler: what kernel.h has from nvcc. Threads of a block run on one thread of the
// processor, each from one barrier to the next.
#pragma once

#include <cstring>
#include <source_location>
#include <type_traits>

#include "device/abi.h"

#define ATTENSOR_KERNEL(threads) static void
#define ATTENSOR_DEVICE static inline
#define ATTENSOR_DEVICE_MEMBER inline
#define ATTENSOR_CONSTANT static const
#define ATTENSOR_PARAMETER const
#define ATTENSOR_UNROLL
#define ATTENSOR_ROLLED

struct uint4 {
  uint32_t x, y, z, w;
};

struct EmulatedIndex {
  unsigned x = 0, y = 0, z = 0;
};

inline thread_local EmulatedIndex threadIdx, blockIdx, blockDim, gridDim;

namespace attensor::device {

namespace emulation {
/// The memory behind a device address; throws if it is not wholly within one allocation.
void* At(const void* address, size_t bytes, const std::source_location& where);
[[noreturn]] void Fault(const char* what, const std::source_location& where);
void Barrier(const std::source_location& where);
uint4* Shared();
/// Whether the value can be an element; memory that nothing was stored to holds none.
bool IsElement(const DeviceFp& x);
}  // namespace emulation

inline void SyncThreads(const std::source_location& where = std::source_location::current()) {
  emulation::Barrier(where);
}

inline uint4* SharedMemory() { return emulation::Shared(); }

template <class T>
T Load(const T* p, const std::source_location& where = std::source_location::current()) {
  T x;
  std::memcpy(&x, emulation::At(p, sizeof(T), where), sizeof(T));
  if constexpr (std::is_same_v<T, DeviceFp>)
    if (!emulation::IsElement(x)) emulation::Fault("loaded what was never stored", where);
  return x;
}

template <class T>
void Store(T* p, const T& x, const std::source_location& where = std::source_location::current()) {
  std::memcpy(emulation::At(p, sizeof(T), where), &x, sizeof(T));
}

inline uint64_t ReverseAllBits(uint64_t x) {
  uint64_t r = 0;
  for (int i = 0; i < 64; i++) r |= (x >> i & 1) << (63 - i);
  return r;
}

inline void AtomicMin(unsigned long long* p, unsigned long long x) {
  if (x < Load(p)) Store(p, x);
}

inline void AtomicAdd(int64_t* p, int64_t x) {
  Store(p, static_cast<int64_t>(static_cast<uint64_t>(Load(p)) + static_cast<uint64_t>(x)));
}

}  // namespace attensor::device
