// Tests of the device's kernels against the CPU's, without Node: attensor_cuda_test <library>. The library is
// the real one or the emulation. Prints each failure and exits with 1 if there was one, with 2 if the library
// finds no device.
#include <dlfcn.h>

#include <cstdlib>
#include <cstring>

#include "../testing.h"
#include "device/device.h"
#include "library.h"

namespace attensor::testing {

static const device::Table* library;
void (*failAfter)(long count) = nullptr;
device::Status (*fault)(int number) = nullptr;

static std::string path;

const device::Table& Library() { return *library; }

void ChooseDevice(bool device) {
  device::Choose(device ? device::Choice::kAuto : device::Choice::kCpu, {path, 1});
}

bool Succeeded(device::Status status, const char* what) {
  if (status == device::Status::kOk) return true;
  failures++;
  std::printf("%s: status %d: %s\n", what, static_cast<int>(status), Library().message());
  return false;
}

DeviceArray::DeviceArray(size_t size) : size_(size) {
  Succeeded(Library().allocate(size * sizeof(Fp), &data_), "allocate");
}

DeviceArray::DeviceArray(const std::vector<Fp>& values) : DeviceArray(values.size()) {
  Succeeded(Library().upload(data_, values.data(), values.size() * sizeof(Fp)), "upload");
}

DeviceArray::~DeviceArray() { Library().release(data_); }

std::vector<Fp> DeviceArray::Read() const {
  std::vector<Fp> out(size_);
  Succeeded(Library().download(out.data(), data_, size_ * sizeof(Fp)), "download");
  return out;
}

}  // namespace attensor::testing

int main(int argc, char** argv) {
  using namespace attensor;
  using namespace attensor::testing;
  if (argc != 2) {
    std::printf("usage: attensor_cuda_test <library>\n");
    return 1;
  }
  void* handle = dlopen(argv[1], RTLD_NOW | RTLD_LOCAL);
  if (!handle) {
    std::printf("%s\n", dlerror());
    return 1;
  }
  auto open = reinterpret_cast<decltype(&attensor_device_open)>(dlsym(handle, device::kSymbol));
  failAfter = reinterpret_cast<void (*)(long)>(dlsym(handle, "attensor_emulation_fail_after"));
  fault = reinterpret_cast<device::Status (*)(int)>(dlsym(handle, "attensor_emulation_fault"));
  const char* message = "";
  device::Status status = open(device::kVersion, 0, &testing::library, &message);
  if (status != device::Status::kOk) {
    std::printf("no device: %s\n", message);
    return 2;
  }
  testing::path = argv[1];
  // Less for the engine: the emulation's memory is the machine's.
  if (failAfter) setenv("ATTENSOR_DEVICE_MEMORY", "256M", 1);
  TestMemory();
  TestPoseidonKernels();
  TestTreeKernels();
  TestVectorKernels();
  TestRoundKernels();
  TestModelKernels();
  device::Info info;
  Succeeded(Library().info(&info), "info");
  if (info.used != 0) {
    failures++;
    std::printf("%llu bytes were not released\n", static_cast<unsigned long long>(info.used));
  }
  std::printf("attensor_cuda_test: %s (%s)\n", failures ? "FAILED" : "all passed", info.name);
  return failures ? 1 : 0;
}
