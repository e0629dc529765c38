// The CUDA runtime behind runtime.h: one device, one stream, memory from the driver's stream-ordered pool,
// which keeps what is released for the next allocation. Transfers of any size go through two pinned buffers.
#include <cstdio>
#include <cstring>
#include <unordered_map>

#include "runtime.h"

namespace attensor::device {
namespace {

constexpr size_t kStage = size_t{8} << 20;

struct Device {
  cudaStream_t stream = nullptr;
  cudaDeviceProp properties{};
  u64 limit = 0, used = 0, uploaded = 0, downloaded = 0;
  std::unordered_map<void*, size_t> allocations;
  char* stages[2] = {};
  cudaEvent_t staged[2] = {};
  /// Copies beside the kernels: a stream, buffers and their events, and the end of the last copy.
  cudaStream_t copies = nullptr;
  char* aheadStages[2] = {};
  cudaEvent_t aheadStaged[2] = {};
  cudaEvent_t arrived = nullptr;
};

Device& TheDevice() {
  // Never destroyed: the driver may be gone when static destructors run.
  static Device* device = new Device;
  return *device;
}

}  // namespace

cudaStream_t Stream() { return TheDevice().stream; }

void Check(cudaError_t error, const char* what) {
  if (error == cudaSuccess) return;
  // Clears what can be cleared; a failed kernel stays and fails every later call.
  cudaGetLastError();
  Status status = error == cudaErrorMemoryAllocation ? Status::kOutOfMemory : Status::kFailed;
  throw Failure{status, std::string(what) + ": " + cudaGetErrorString(error)};
}

void OpenDevice(u64 limit) {
  Device& device = TheDevice();
  if (device.arrived) return;
  int count = 0;
  cudaError_t error = cudaGetDeviceCount(&count);
  if (error != cudaSuccess || count == 0)
    throw Failure{Status::kMissing,
                  error == cudaSuccess ? "the driver knows no GPU" : cudaGetErrorString(error)};
  if (cudaSetDevice(0) != cudaSuccess || cudaGetDeviceProperties(&device.properties, 0) != cudaSuccess)
    throw Failure{Status::kMissing, "the first GPU cannot be used"};
  int pools = 0;
  cudaDeviceGetAttribute(&pools, cudaDevAttrMemoryPoolsSupported, 0);
  if (device.properties.major < 8 || !pools)
    throw Failure{Status::kMissing,
                  std::string(device.properties.name) + " is older than this library supports"};
  Check(cudaStreamCreateWithFlags(&device.stream, cudaStreamNonBlocking), "creating a stream");
  cudaMemPool_t pool;
  Check(cudaDeviceGetDefaultMemPool(&pool, 0), "the memory pool");
  u64 keep = ~u64{0};
  Check(cudaMemPoolSetAttribute(pool, cudaMemPoolAttrReleaseThreshold, &keep), "the memory pool");
  for (int i = 0; i < 2; i++) {
    Check(cudaHostAlloc(reinterpret_cast<void**>(&device.stages[i]), kStage, cudaHostAllocDefault),
          "pinned memory");
    Check(cudaEventCreateWithFlags(&device.staged[i], cudaEventDisableTiming), "an event");
  }
  Check(cudaStreamCreateWithFlags(&device.copies, cudaStreamNonBlocking), "creating a stream");
  Check(cudaEventCreateWithFlags(&device.arrived, cudaEventDisableTiming), "an event");
  for (int i = 0; i < 2; i++) {
    Check(cudaHostAlloc(reinterpret_cast<void**>(&device.aheadStages[i]), kStage, cudaHostAllocDefault),
          "pinned memory");
    Check(cudaEventCreateWithFlags(&device.aheadStaged[i], cudaEventDisableTiming), "an event");
  }
  size_t available = 0, total = 0;
  Check(cudaMemGetInfo(&available, &total), "asking for the memory");
  u64 most = available / 16 * 15;
  device.limit = limit && limit < most ? limit : most;
}

void DescribeDevice(Info* out) {
  const Device& device = TheDevice();
  *out = {};
  std::snprintf(out->name, sizeof out->name, "%.100s", device.properties.name);
  out->memory = device.properties.totalGlobalMem;
  out->limit = device.limit;
  out->used = device.used;
  out->uploaded = device.uploaded;
  out->downloaded = device.downloaded;
  out->major = device.properties.major;
  out->minor = device.properties.minor;
}

unsigned Multiprocessors() { return static_cast<unsigned>(TheDevice().properties.multiProcessorCount); }

static void* AllocateFor(cudaStream_t stream, size_t bytes) {
  Device& device = TheDevice();
  if (bytes == 0) return nullptr;
  if (device.used + bytes > device.limit)
    throw Failure{Status::kOutOfMemory, std::to_string(bytes) + " bytes beside " +
                                            std::to_string(device.used) + " in use, of at most " +
                                            std::to_string(device.limit)};
  void* memory = nullptr;
  Check(cudaMallocAsync(&memory, bytes, stream), "allocating device memory");
  device.used += bytes;
  device.allocations[memory] = bytes;
  return memory;
}

void* Allocate(size_t bytes) { return AllocateFor(TheDevice().stream, bytes); }
// The driver makes the stream of copies wait if the memory was released on the other one.
void* AllocateAhead(size_t bytes) { return AllocateFor(TheDevice().copies, bytes); }

void Release(void* memory) noexcept {
  if (!memory) return;
  Device& device = TheDevice();
  auto it = device.allocations.find(memory);
  if (it == device.allocations.end()) return;
  device.used -= it->second;
  device.allocations.erase(it);
  cudaFreeAsync(memory, device.stream);
}

void Upload(void* to, const void* from, size_t bytes) {
  Device& device = TheDevice();
  device.uploaded += bytes;
  for (size_t at = 0, i = 0; at < bytes; at += kStage, i ^= 1) {
    size_t n = bytes - at < kStage ? bytes - at : kStage;
    Check(cudaEventSynchronize(device.staged[i]), "waiting for a transfer");
    std::memcpy(device.stages[i], static_cast<const char*>(from) + at, n);
    Check(cudaMemcpyAsync(static_cast<char*>(to) + at, device.stages[i], n, cudaMemcpyHostToDevice,
                          device.stream),
          "a transfer to the device");
    Check(cudaEventRecord(device.staged[i], device.stream), "a transfer to the device");
  }
}

void UploadAhead(void* to, const void* from, size_t bytes) {
  Device& device = TheDevice();
  for (size_t at = 0, i = 0; at < bytes; at += kStage, i ^= 1) {
    size_t n = bytes - at < kStage ? bytes - at : kStage;
    Check(cudaEventSynchronize(device.aheadStaged[i]), "waiting for a transfer");
    std::memcpy(device.aheadStages[i], static_cast<const char*>(from) + at, n);
    Check(cudaMemcpyAsync(static_cast<char*>(to) + at, device.aheadStages[i], n, cudaMemcpyHostToDevice,
                          device.copies),
          "a transfer to the device");
    Check(cudaEventRecord(device.aheadStaged[i], device.copies), "a transfer to the device");
  }
  device.uploaded += bytes;
}

void Arrive() {
  Device& device = TheDevice();
  Check(cudaEventRecord(device.arrived, device.copies), "an event");
  Check(cudaStreamWaitEvent(device.stream, device.arrived, 0), "waiting for a transfer");
}

void Download(void* to, const void* from, size_t bytes) {
  Device& device = TheDevice();
  device.downloaded += bytes;
  auto start = [&](size_t at, size_t i) {
    size_t n = bytes - at < kStage ? bytes - at : kStage;
    // An upload may still be reading the buffer.
    Check(cudaEventSynchronize(device.staged[i]), "waiting for a transfer");
    Check(cudaMemcpyAsync(device.stages[i], static_cast<const char*>(from) + at, n, cudaMemcpyDeviceToHost,
                          device.stream),
          "a transfer from the device");
    Check(cudaEventRecord(device.staged[i], device.stream), "a transfer from the device");
  };
  if (bytes > 0) start(0, 0);
  for (size_t at = 0, i = 0; at < bytes; at += kStage, i ^= 1) {
    if (at + kStage < bytes) start(at + kStage, i ^ 1);
    Check(cudaEventSynchronize(device.staged[i]), "a kernel or a transfer");
    std::memcpy(static_cast<char*>(to) + at, device.stages[i], bytes - at < kStage ? bytes - at : kStage);
  }
}

void CopyOnDevice(void* to, const void* from, size_t bytes) {
  if (bytes) Check(cudaMemcpyAsync(to, from, bytes, cudaMemcpyDeviceToDevice, TheDevice().stream), "a copy");
}

void Zero(void* to, size_t bytes) {
  if (bytes) Check(cudaMemsetAsync(to, 0, bytes, TheDevice().stream), "clearing memory");
}

}  // namespace attensor::device
