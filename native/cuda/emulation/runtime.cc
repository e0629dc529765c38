// Device memory on the CPU. An address carries a tag that no pointer of the host has: host code that follows
// a device address, and a kernel that follows a host's, fail at once. Every access is checked against the
// allocations, so that a kernel can't leave one; fresh and released memory holds a pattern that is no
// element.
#include "runtime.h"

#include <cstdlib>
#include <map>
#include <vector>

namespace attensor::device {
namespace {

constexpr uintptr_t kTag = uintptr_t{1} << 60;
constexpr uint8_t kPattern = 0xa5;

struct Device {
  u64 limit = 0, used = 0, uploaded = 0, downloaded = 0;
  /// Address without its tag, and size.
  std::map<uintptr_t, size_t> allocations;
  /// Allocations left until one fails; negative: none will.
  long untilFailure = -1;
  /// Copies that become visible with Arrive.
  std::vector<std::pair<void*, std::vector<char>>> ahead;
  /// Launches left until the device breaks, as one does after a faulty kernel.
  long untilBroken = -1;
};

Device& TheDevice() {
  // Never destroyed: vectors may be released when static destructors run.
  static Device* device = new Device;
  return *device;
}

}  // namespace

namespace emulation {

void Fault(const char* what, const std::source_location& where) {
  throw Failure{Status::kFailed, std::string("emulation: ") + what + " at " + where.file_name() + ":" +
                                     std::to_string(where.line())};
}

void Launch() {
  Device& device = TheDevice();
  if (device.untilBroken > 0) device.untilBroken--;
  RequireWhole();
}

void RequireWhole() {
  if (TheDevice().untilBroken == 0) throw Failure{Status::kFailed, "emulation: the device is broken"};
}

bool IsElement(const DeviceFp& x) {
  Fp value;
  std::memcpy(value.l, x.l, sizeof value.l);
  u64 borrow = 0;
  for (int i = 0; i < 4; i++) portable::SubBorrow(value.l[i], kModulus.l[i], borrow);
  return borrow == 1;
}

void* At(const void* address, size_t bytes, const std::source_location& where) {
  uintptr_t at = reinterpret_cast<uintptr_t>(address);
  if ((at & kTag) == 0) Fault("a host pointer used as a device's", where);
  at ^= kTag;
  thread_local uintptr_t begin = 1, end = 0;
  auto& allocations = TheDevice().allocations;
  auto it = allocations.find(begin);
  if (at < begin || at + bytes > end || it == allocations.end() || begin + it->second != end) {
    it = allocations.upper_bound(at);
    if (it == allocations.begin()) Fault("an access outside of every allocation", where);
    --it;
    begin = it->first;
    end = begin + it->second;
    if (at < begin || at + bytes > end) Fault("an access outside of an allocation", where);
  }
  return reinterpret_cast<void*>(at);
}

}  // namespace emulation

void OpenDevice(u64 limit) {
  const char* fault = std::getenv("ATTENSOR_EMULATION");
  if (fault && std::string(fault) == "missing")
    throw Failure{Status::kMissing, "the emulation was told that there is no device"};
  const char* after = std::getenv("ATTENSOR_EMULATION_FAIL_AFTER");
  Device& device = TheDevice();
  device.untilFailure = after ? std::atol(after) : -1;
  const char* breaks = std::getenv("ATTENSOR_EMULATION_BREAK_AFTER");
  device.untilBroken = breaks ? std::atol(breaks) + 1 : -1;
  device.limit = limit ? limit : u64{4} << 30;
}

void DescribeDevice(Info* out) {
  *out = {};
  std::strcpy(out->name, "emulated device");
  out->memory = out->limit = TheDevice().limit;
  out->used = TheDevice().used;
  out->uploaded = TheDevice().uploaded;
  out->downloaded = TheDevice().downloaded;
}

unsigned Multiprocessors() { return 2; }

void* Allocate(size_t bytes) {
  Device& device = TheDevice();
  if (device.untilFailure == 0 || device.used + bytes > device.limit)
    throw Failure{Status::kOutOfMemory, "emulation: no memory for " + std::to_string(bytes) + " bytes"};
  if (device.untilFailure > 0) device.untilFailure--;
  size_t size = (bytes + 255) / 256 * 256 + 256;
  void* memory = std::aligned_alloc(256, size);
  if (!memory) throw Failure{Status::kOutOfMemory, "emulation: no host memory behind the device's"};
  std::memset(memory, kPattern, size);
  device.used += bytes;
  uintptr_t address = reinterpret_cast<uintptr_t>(memory);
  device.allocations[address] = bytes;
  return reinterpret_cast<void*>(address | kTag);
}

void Release(void* memory) noexcept {
  if (!memory) return;
  Device& device = TheDevice();
  uintptr_t address = reinterpret_cast<uintptr_t>(memory) ^ kTag;
  auto it = device.allocations.find(address);
  if (it == device.allocations.end()) {
    std::fputs("emulation: released what was not allocated\n", stderr);
    std::abort();
  }
  device.used -= it->second;
  std::memset(reinterpret_cast<void*>(address), kPattern, it->second);
  device.allocations.erase(it);
  std::free(reinterpret_cast<void*>(address));
}

void Upload(void* to, const void* from, size_t bytes) {
  emulation::RequireWhole();
  TheDevice().uploaded += bytes;
  if (bytes) std::memcpy(emulation::At(to, bytes, std::source_location::current()), from, bytes);
}

void* AllocateAhead(size_t bytes) { return Allocate(bytes); }

void UploadAhead(void* to, const void* from, size_t bytes) {
  const char* begin = static_cast<const char*>(from);
  if (bytes) TheDevice().ahead.emplace_back(to, std::vector<char>(begin, begin + bytes));
}

void Arrive() {
  const auto ahead = std::exchange(TheDevice().ahead, {});
  for (const auto& [to, bytes] : ahead) Upload(to, bytes.data(), bytes.size());
}

void Download(void* to, const void* from, size_t bytes) {
  emulation::RequireWhole();
  TheDevice().downloaded += bytes;
  if (bytes) std::memcpy(to, emulation::At(from, bytes, std::source_location::current()), bytes);
}

void CopyOnDevice(void* to, const void* from, size_t bytes) {
  if (bytes)
    std::memmove(emulation::At(to, bytes, std::source_location::current()),
                 emulation::At(from, bytes, std::source_location::current()), bytes);
}

void Zero(void* to, size_t bytes) {
  if (bytes) std::memset(emulation::At(to, bytes, std::source_location::current()), 0, bytes);
}

}  // namespace attensor::device

/// For tests: the allocation after `count` more fails, and all that follow; negative: none.
extern "C" __attribute__((visibility("default"))) void attensor_emulation_fail_after(long count) {
  attensor::device::TheDevice().untilFailure = count;
}
