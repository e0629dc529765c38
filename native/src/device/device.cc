#include "device.h"

#include <dlfcn.h>

#include <atomic>
#include <cstdlib>
#include <mutex>

#include "common/error.h"
#include "resident.h"

namespace attensor::device {
namespace {

struct Devices {
  std::mutex mutex;
  /// Once opened it stays, for the memory that is on it.
  std::atomic<const Table*> opened{nullptr};
  std::atomic<const Table*> active{nullptr};
  std::atomic<bool> chosen{false}, required{false};
  std::atomic<size_t> least{0};
  std::string library, absence;
};

Devices& TheDevices() {
  static Devices* devices = new Devices;
  return *devices;
}

std::string Environment(const char* name) {
  const char* value = std::getenv(name);
  return value ? value : "";
}

std::string LibraryPath() {
  std::string asked = Environment("ATTENSOR_CUDA_LIBRARY");
  if (!asked.empty()) return asked;
  // build/Release/attensor_native.node lies one folder below.
  Dl_info info;
  if (!dladdr(reinterpret_cast<void*>(&LibraryPath), &info) || !info.dli_fname) return "attensor_cuda.so";
  std::string self = info.dli_fname;
  size_t slash = self.rfind('/');
  return (slash == std::string::npos ? std::string(".") : self.substr(0, slash)) + "/../attensor_cuda.so";
}

/// Bytes, or with K, M, G behind the number.
uint64_t MemoryLimit() {
  std::string text = Environment("ATTENSOR_DEVICE_MEMORY");
  if (text.empty()) return 0;
  char* end = nullptr;
  unsigned long long number = std::strtoull(text.c_str(), &end, 10);
  std::string unit = end;
  int shift = unit.empty() ? 0 : unit == "K" ? 10 : unit == "M" ? 20 : unit == "G" ? 30 : -1;
  if (end == text.c_str() || shift < 0 || number == 0)
    throw RangeError("ATTENSOR_DEVICE_MEMORY: expected a number of bytes like 64G, got '" + text + "'");
  return static_cast<uint64_t>(number) << shift;
}

/// Null with the reason in `absence`.
const Table* Open(Devices& d, const std::string& path) {
  if (d.opened && d.library == path) return d.opened;
  if (d.opened)
    throw Error(ErrorKind::kError, "WRONG_STATE", "setDevice: another library is open: " + d.library);
  void* handle = dlopen(path.c_str(), RTLD_NOW | RTLD_LOCAL);
  if (!handle) {
    const char* reason = dlerror();
    d.absence = reason ? reason : path + " cannot be opened";
    return nullptr;
  }
  auto open = reinterpret_cast<decltype(&attensor_device_open)>(dlsym(handle, kSymbol));
  if (!open) {
    d.absence = path + " is no library of this kind";
    return nullptr;
  }
  const Table* table = nullptr;
  const char* message = "";
  if (open(kVersion, MemoryLimit(), &table, &message) != Status::kOk) {
    d.absence = message;
    return nullptr;
  }
  d.library = path;
  d.opened = table;
  return table;
}

void Set(Devices& d, Choice choice, const Options& options) {
  const Table* table = nullptr;
  d.absence.clear();
  if (choice != Choice::kCpu) table = Open(d, options.library.empty() ? LibraryPath() : options.library);
  if (choice == Choice::kCuda && !table)
    throw Error(
        ErrorKind::kError, "DEVICE_MISSING",
        "device: expected a GPU, got none: " + d.absence +
            ". Build the library with `npm run build:cuda` and check the driver with `nvidia-smi`, or "
            "choose --device cpu");
  d.required = choice == Choice::kCuda;
  d.least = options.least;
  d.active = table;
  d.chosen = true;
}

}  // namespace

Choice ParseChoice(const std::string& name, const char* where) {
  if (name == "auto") return Choice::kAuto;
  if (name == "cpu") return Choice::kCpu;
  if (name == "cuda") return Choice::kCuda;
  throw RangeError(std::string(where) + ": expected auto, cpu or cuda, got '" + name + "'");
}

void Choose(Choice choice, const Options& options) {
  Devices& d = TheDevices();
  std::lock_guard lock(d.mutex);
  Set(d, choice, options);
}

const Table* Active() {
  Devices& d = TheDevices();
  if (!d.chosen) {
    std::lock_guard lock(d.mutex);
    if (!d.chosen) {
      std::string asked = Environment("ATTENSOR_DEVICE"), least = Environment("ATTENSOR_DEVICE_LEAST");
      Options options;
      options.least = std::strtoull(least.c_str(), nullptr, 10);
      Set(d, asked.empty() ? Choice::kAuto : ParseChoice(asked, "ATTENSOR_DEVICE"), options);
    }
  }
  const Table* table = d.active;
  if (!table && d.required)
    throw Error(ErrorKind::kError, "DEVICE_FAILED",
                "device: the GPU that was asked for has failed before. Start again, or choose --device cpu");
  return table;
}

std::string Absence() {
  Devices& d = TheDevices();
  std::lock_guard lock(d.mutex);
  return d.absence;
}

const Table& Opened() { return *TheDevices().opened.load(); }

void Check(Status status) {
  if (status == Status::kOk) return;
  if (status == Status::kOutOfMemory) throw NoMemory{};
  if (status == Status::kUnsupported) throw Unsupported{};
  TheDevices().active = nullptr;
  throw Error(ErrorKind::kError, "DEVICE_FAILED",
              std::string("device: a kernel or a transfer failed: ") + Opened().message() +
                  ". What was on the device is lost: start again, with --device cpu if it fails again");
}

void* Allocate(size_t bytes) {
  void* memory = nullptr;
  Status status = Opened().allocate(bytes, &memory);
  if (status == Status::kOutOfMemory && ReleaseIdle()) status = Opened().allocate(bytes, &memory);
  Check(status);
  return memory;
}

bool ReleaseIdle() { return ReleaseResidents(); }

void Release(void* memory) {
  if (memory) Opened().release(memory);
}

bool IsWorth(size_t work, size_t least) {
  size_t forced = TheDevices().least;
  return work >= (forced && least ? forced : least);
}

void FallBack() {
  if (!TheDevices().required) return;
  throw Error(ErrorKind::kError, "DEVICE_OUT_OF_MEMORY",
              std::string("device: not enough memory on the GPU: ") + Opened().message() +
                  ". Use --device auto, which leaves such work to the CPU, or raise ATTENSOR_DEVICE_MEMORY");
}

}  // namespace attensor::device
