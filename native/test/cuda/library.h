// The library under test, opened as the addon opens it.
#pragma once

#include <memory>
#include <vector>

#include "device/abi.h"

namespace attensor::testing {

/// The table of the library that main() opened.
const device::Table& Library();

/// The emulation's: the allocation after `count` more fails, as do all that follow. Null on a real device.
extern void (*failAfter)(long count);
/// The emulation's: runs a kernel with a fault (emulation/faults.cc).
extern device::Status (*fault)(int number);

/// Whether the engine gives its work, all of it, to the library.
void ChooseDevice(bool device);

/// Prints and counts a status other than kOk.
bool Succeeded(device::Status status, const char* what);

/// Device memory of elements, from and to the host.
class DeviceArray {
 public:
  explicit DeviceArray(size_t size);
  explicit DeviceArray(const std::vector<Fp>& values);
  ~DeviceArray();
  DeviceArray(const DeviceArray&) = delete;
  DeviceArray& operator=(const DeviceArray&) = delete;
  device::DeviceFp* get() const { return static_cast<device::DeviceFp*>(data_); }
  std::vector<Fp> Read() const;

 private:
  void* data_ = nullptr;
  size_t size_;
};

// The tests, by file.
void TestMemory();
void TestPoseidonKernels();
void TestTreeKernels();
void TestVectorKernels();
void TestRoundKernels();
void TestModelKernels();

}  // namespace attensor::testing
