// Rates of the device's kernels beside what the machine can do: attensor_cuda_bench <library> [--quick]. The
// library is the real one or the emulation, whose figures say nothing.
#include <dlfcn.h>

#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <cstring>

#include "bench.h"

namespace attensor::bench {
namespace {

const device::Table* library;
bool quick = false;

double Seconds() {
  using Clock = std::chrono::steady_clock;
  return std::chrono::duration<double>(Clock::now().time_since_epoch()).count();
}

Ceilings MeasureCeilings() {
  const size_t size = quick ? 1 << 16 : size_t{1} << 30;
  Memory a(size), b(size);
  std::vector<char> host(size);
  Ceilings c{};
  c.copy = 2.0 * size / Best([&] { Must(Library().copy(a.As<char>(), b.As<char>(), size)); });
  c.upload = size / Best([&] { Must(Library().upload(a.As<char>(), host.data(), size)); });
  c.download = size / Best([&] { Must(Library().download(host.data(), a.As<char>(), size)); });
  for (bool wide : {false, true}) {
    uint64_t count = 0;
    const double seconds = Best([&] { Must(Library().multiplyAdds(wide, quick ? 4 : 1 << 16, &count)); });
    (wide ? c.wideMultiplyAdds : c.multiplyAdds) = static_cast<double>(count) / seconds;
  }
  return c;
}

double CeilingOf(const Ceilings& c, Bound bound) {
  switch (bound) {
    case Bound::kCopy:
      return c.copy;
    case Bound::kUpload:
      return c.upload;
    case Bound::kMultiplyAdds:
      return c.multiplyAdds;
    case Bound::kWideMultiplyAdds:
      return c.wideMultiplyAdds;
    case Bound::kNone:
      break;
  }
  return 0;
}

const char* NameOf(Bound bound) {
  constexpr const char* kNames[] = {"", "copy", "upload", "multiply-add", "wide multiply-add"};
  return kNames[static_cast<int>(bound)];
}

void Print(const device::Info& info, const Ceilings& c, const Lines& lines) {
  std::printf("%s, %.1f GB, %.1f GB for this program%s\n\n", info.name,
              static_cast<double>(info.memory) / 1e9, static_cast<double>(info.limit) / 1e9,
              quick ? "; small sizes, figures say nothing" : "");
  std::printf("| %-36s | %12s | %-16s | %-26s | %-16s |\n", "kernel", "rate", "unit", "of the ceiling",
              "target");
  std::printf("| %.36s | %.12s | %.16s | %.26s | %.16s |\n", "------------------------------------",
              "------------", "----------------", "--------------------------", "----------------");
  auto line = [](const Line& l, const std::string& share) {
    std::printf("| %-36s | %12.4g | %-16s | %-26s | %-16s |\n", l.name.c_str(), l.rate, l.unit.c_str(),
                share.c_str(), l.target.c_str());
  };
  line({"copy on the device, read and written", c.copy / 1e9, "GB/s", Bound::kNone, 0, ""}, "");
  line({"host to device", c.upload / 1e9, "GB/s", Bound::kNone, 0, ""}, "");
  line({"device to host", c.download / 1e9, "GB/s", Bound::kNone, 0, ""}, "");
  line({"multiply-add, 32 bits", c.multiplyAdds / 1e9, "G/s", Bound::kNone, 0, ""}, "");
  line({"multiply-add, 64-bit sums", c.wideMultiplyAdds / 1e9, "G/s", Bound::kNone, 0, ""}, "");
  for (const Line& l : lines) {
    char share[64] = "";
    if (l.bound != Bound::kNone)
      std::snprintf(share, sizeof share, "%.0f %% of %s", 100 * l.rate * l.cost / CeilingOf(c, l.bound),
                    NameOf(l.bound));
    line(l, share);
  }
}

}  // namespace

const device::Table& Library() { return *library; }
bool Quick() { return quick; }

void Must(device::Status status) {
  if (status == device::Status::kOk) return;
  std::fprintf(stderr, "attensor_cuda_bench: status %d: %s\n", static_cast<int>(status), library->message());
  std::exit(1);
}

Memory::Memory(size_t bytes) {
  Must(library->allocate(bytes, &data_));
  Must(library->zero(data_, bytes));
}

Memory::~Memory() { library->release(data_); }

void Fill(device::DeviceFp* out, size_t count) {
  std::vector<int32_t> values(count);
  for (size_t i = 0; i < count; i++) values[i] = static_cast<int32_t>(i * 0x9e3779b1u);
  Must(library->fromInt32(out, values.data(), count));
}

void Finish() {
  static Memory* word = new Memory(sizeof(uint32_t));
  uint32_t done;
  Must(library->download(&done, word->As<char>(), sizeof done));
}

double Best(const std::function<void()>& call) {
  auto time = [&](size_t calls) {
    const double start = Seconds();
    for (size_t i = 0; i < calls; i++) call();
    Finish();
    return (Seconds() - start) / static_cast<double>(calls);
  };
  Finish();
  double best = time(1);
  if (quick) return best;
  const size_t calls = best > 0.1 ? 1 : static_cast<size_t>(0.1 / best) + 1;
  for (int run = 0; run < 3; run++) best = std::min(best, time(calls));
  return best;
}

}  // namespace attensor::bench

int main(int argc, char** argv) {
  using namespace attensor;
  using namespace attensor::bench;
  if (argc < 2 || (argc > 2 && std::strcmp(argv[2], "--quick") != 0)) {
    std::printf("usage: attensor_cuda_bench <library> [--quick]\n");
    return 1;
  }
  quick = argc > 2;
  void* handle = dlopen(argv[1], RTLD_NOW | RTLD_LOCAL);
  auto open =
      handle ? reinterpret_cast<decltype(&attensor_device_open)>(dlsym(handle, device::kSymbol)) : nullptr;
  if (!open) {
    std::printf("%s\n", dlerror());
    return 1;
  }
  const char* message = "";
  if (open(device::kVersion, 0, &library, &message) != device::Status::kOk) {
    std::printf("no device: %s\n", message);
    return 2;
  }
  device::Info info;
  Must(library->info(&info));
  const Ceilings ceilings = MeasureCeilings();
  Lines lines;
  MeasureProver(lines);
  MeasureCommitment(lines, argv[1]);
  MeasureModel(lines);
  Print(info, ceilings, lines);
  return 0;
}
