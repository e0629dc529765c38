// What the benchmark's parts share: memory of the device, times, and the table at the end.
#pragma once

#include <functional>
#include <string>
#include <vector>

#include "device/abi.h"

namespace attensor::bench {

/// The table of the library that main() opened.
const device::Table& Library();
/// Small sizes, each once: that it runs.
bool Quick();
/// Ends the program if a call failed.
void Must(device::Status status);

/// Memory on the device, cleared.
class Memory {
 public:
  explicit Memory(size_t bytes);
  ~Memory();
  Memory(const Memory&) = delete;
  Memory& operator=(const Memory&) = delete;
  template <class T = device::DeviceFp>
  T* As() const {
    return static_cast<T*>(data_);
  }

 private:
  void* data_ = nullptr;
};

/// Elements that are not zero.
void Fill(device::DeviceFp* out, size_t count);

/// Waits for what was started.
void Finish();
/// Best time of a call in seconds; calls are repeated until a run of them takes some hundred milliseconds.
double Best(const std::function<void()>& call);

/// What the machine can do: bytes and multiply-adds a second.
struct Ceilings {
  double copy, upload, download, multiplyAdds, wideMultiplyAdds;
};

enum class Bound { kNone, kCopy, kUpload, kMultiplyAdds, kWideMultiplyAdds };

/// A line: `rate` of `unit`; each of them costs `cost` bytes or multiply-adds, of what bounds it.
struct Line {
  std::string name;
  double rate;
  std::string unit;
  Bound bound = Bound::kNone;
  double cost = 0;
  std::string target;
};
using Lines = std::vector<Line>;

void MeasureProver(Lines& lines);
void MeasureCommitment(Lines& lines, const char* library);
void MeasureModel(Lines& lines);

}  // namespace attensor::bench
