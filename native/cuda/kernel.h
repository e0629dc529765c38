// The language kernels are written in: CUDA, and C++ for the emulation (README.md). The same
// sources compile with nvcc and with a C++ compiler.
//
// A kernel touches device memory through Load and Store only. On the device these are two 16-byte accesses;
// the emulation checks each of them against the allocations.
#pragma once

#include <cstddef>
#include <cstdint>

#include "device/abi.h"

namespace attensor::device {

using u32 = uint32_t;
using u64 = uint64_t;

/// Threads of a block, unless a kernel says otherwise; of a block of hashes, which take more registers.
constexpr unsigned kBlock = 256, kHashBlock = 128;

}  // namespace attensor::device

#if defined(__CUDACC__)

#define ATTENSOR_KERNEL(threads) static __global__ void __launch_bounds__(threads)
#define ATTENSOR_DEVICE static __device__ __forceinline__
#define ATTENSOR_DEVICE_MEMBER __device__ __forceinline__
#define ATTENSOR_CONSTANT static __device__ __constant__ const
#define ATTENSOR_PARAMETER const __grid_constant__
#define ATTENSOR_UNROLL _Pragma("unroll")
#define ATTENSOR_ROLLED _Pragma("unroll 1")

namespace attensor::device {

ATTENSOR_DEVICE void SyncThreads() { __syncthreads(); }

/// Shared memory of the size given at the launch.
ATTENSOR_DEVICE uint4* SharedMemory() {
  extern __shared__ uint4 shared[];
  return shared;
}

ATTENSOR_DEVICE DeviceFp Load(const DeviceFp* p) {
  const uint4* from = reinterpret_cast<const uint4*>(p);
  uint4 a = from[0], b = from[1];
  return {{a.x, a.y, a.z, a.w, b.x, b.y, b.z, b.w}};
}

ATTENSOR_DEVICE void Store(DeviceFp* p, const DeviceFp& x) {
  uint4* to = reinterpret_cast<uint4*>(p);
  to[0] = make_uint4(x.l[0], x.l[1], x.l[2], x.l[3]);
  to[1] = make_uint4(x.l[4], x.l[5], x.l[6], x.l[7]);
}

template <class T>
ATTENSOR_DEVICE T Load(const T* p) {
  return *p;
}

template <class T>
ATTENSOR_DEVICE void Store(T* p, const T& x) {
  *p = x;
}

ATTENSOR_DEVICE void AtomicMin(unsigned long long* p, unsigned long long x) { atomicMin(p, x); }
ATTENSOR_DEVICE void AtomicAdd(int64_t* p, int64_t x) {
  atomicAdd(reinterpret_cast<unsigned long long*>(p), static_cast<unsigned long long>(x));
}
ATTENSOR_DEVICE u64 ReverseAllBits(u64 x) { return __brevll(x); }

}  // namespace attensor::device

#else
#include "emulation/language.h"
#endif

namespace attensor::device {

/// This thread's number in a grid of one dimension.
ATTENSOR_DEVICE size_t ThreadIndex() { return size_t{blockIdx.x} * blockDim.x + threadIdx.x; }
ATTENSOR_DEVICE size_t GridSize() { return size_t{gridDim.x} * blockDim.x; }

/// Field elements in shared memory: two planes of 16 bytes, so that neighbours meet different banks.
class SharedFp {
 public:
  ATTENSOR_DEVICE_MEMBER SharedFp(uint4* memory, unsigned count) : memory_(memory), count_(count) {}
  ATTENSOR_DEVICE_MEMBER DeviceFp Get(unsigned i) const {
    uint4 a = memory_[i], b = memory_[count_ + i];
    return {{a.x, a.y, a.z, a.w, b.x, b.y, b.z, b.w}};
  }
  ATTENSOR_DEVICE_MEMBER void Put(unsigned i, const DeviceFp& x) {
    memory_[i] = uint4{x.l[0], x.l[1], x.l[2], x.l[3]};
    memory_[count_ + i] = uint4{x.l[4], x.l[5], x.l[6], x.l[7]};
  }

 private:
  uint4* memory_;
  unsigned count_;
};

}  // namespace attensor::device
