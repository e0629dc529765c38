// The integer model's kernels on the device against the CPU's, through the same functions that the addon
// calls: outputs, and failures with their place.
#include "../testing.h"
#include "device/device.h"
#include "device/resident.h"
#include "library.h"
#include "model/attention.h"
#include "model/gemm.h"
#include "model/on_device.h"

namespace attensor::testing {
namespace {

using namespace model;
using Values = std::vector<int64_t>;
using Words = std::vector<int32_t>;

int64_t Range(int64_t low, int64_t high) {
  return low + static_cast<int64_t>(Random() % static_cast<u64>(high - low + 1));
}

/// Within +-most, with 0, -1 and the ends in every handful.
template <class T>
std::vector<T> Ints(size_t count, int64_t most) {
  std::vector<T> out(count);
  for (T& x : out) {
    const u64 kind = Random() % 16;
    x = static_cast<T>(kind == 0   ? 0
                       : kind == 1 ? -1
                       : kind == 2 ? most
                       : kind == 3 ? -most - 1
                                   : Range(-most, most));
  }
  return out;
}

struct Outcome {
  bool failed = false;
  Width width{};
  size_t row = 0, column = 0;
  int128 value = 0;
  std::vector<Values> outputs;
  bool operator==(const Outcome&) const = default;
};

/// Runs a kernel that fills `sizes`-long outputs, here or on the CPU.
template <class Kernel>
Outcome RunKernel(bool onDevice, const std::vector<size_t>& sizes, const Kernel& kernel) {
  ChooseDevice(onDevice);
  Outcome outcome;
  std::vector<Values> outputs;
  for (size_t size : sizes) outputs.emplace_back(size, 77);
  try {
    kernel(outputs);
    outcome.outputs = outputs;
  } catch (const Failure& f) {
    outcome = {true, f.width, f.row, f.column, f.value, {}};
  }
  return outcome;
}

template <class Kernel>
Outcome Same(const char* what, const std::vector<size_t>& sizes, const Kernel& kernel) {
  Outcome cpu = RunKernel(false, sizes, kernel), device = RunKernel(true, sizes, kernel);
  if (!(cpu == device)) {
    failures++;
    std::printf("%s differs (failed: %d on the CPU, %d on the device)\n", what, cpu.failed, device.failed);
  }
  return cpu;
}

const Control kControl;

void TestGemm() {
  struct Case {
    size_t rows, inner, outer;
    int64_t x, w;
  };
  constexpr int64_t kEnd = kInt32Max;
  for (const Case& c : std::vector<Case>{{1, 1, 1, 9, 9},
                                         {3, 33, 5, 1 << 15, 1 << 12},
                                         {24, 100, 70, 1 << 14, 1 << 12},
                                         {33, 64, 65, 1 << 14, 1 << 12},
                                         {65, 260, 67, 1 << 12, 1 << 10},
                                         {2, 7, 3, kEnd, 1},
                                         {2, 600, 3, kEnd, 1},
                                         {2, 40, 9, kEnd, kEnd},
                                         {40, 40, 9, kEnd, kEnd}}) {
    const Values x = Ints<int64_t>(c.rows * c.inner, c.x);
    const Words w = Ints<int32_t>(c.outer * c.inner, c.w);
    Same("gemm", {c.rows * c.outer, c.rows * c.outer},
         [&](auto& out) { Gemm(x, w, c.rows, c.inner, c.outer, out[0], out[1], kControl); });
    const Words to{0, 2, 4, 5, 6}, first(5, 0);
    Same("gemmRows", {7 * c.outer, 7 * c.outer},
         [&](auto& out) { GemmRows(x, first, w, c.inner, c.outer, to, out[0], out[1], kControl); });
  }
  // Wide sums that cancel, at the very ends.
  const int64_t low = kInt32Min;
  for (const Values& x :
       {Values{low, low, low, low}, Values{low, low, low, kInt32Max}, Values{low, 0, 0, low}}) {
    for (const Words& w : {Words{INT32_MIN, INT32_MIN, INT32_MIN, INT32_MAX},
                           Words{INT32_MIN, 1, 0, INT32_MAX}, Words{INT32_MIN, INT32_MIN, 0, 0}}) {
      Same("wide gemm", {1, 1}, [&](auto& out) { Gemm(x, w, 1, 4, 1, out[0], out[1], kControl); });
    }
  }
  // Just inside and outside of the accumulator's width.
  for (int64_t extra : {-1, 0}) {
    const Outcome end = Same("accumulator", {1, 1}, [&](auto& out) {
      Gemm(Values{1 << 24, extra}, Words{1 << 23, 1}, 1, 2, 1, out[0], out[1], kControl);
    });
    CHECK(end.failed == (extra == 0));
  }
  CHECK(Same("int32", {1, 1}, [&](auto& out) {
          Gemm(Values{1, int64_t{1} << 31}, Words{1, 1}, 1, 2, 1, out[0], out[1], kControl);
        }).failed);
}

void TestResidents() {
  const size_t rows = 3, inner = 40, outer = 30;
  const Values x = Ints<int64_t>(rows * inner, 1000);
  const Words w = Ints<int32_t>(outer * inner, 1000);
  for (int time = 0; time < 2; time++) {
    Same("resident gemm", {rows * outer, rows * outer},
         [&](auto& out) { Gemm(x, w, rows, inner, outer, out[0], out[1], kControl, 5); });
    CHECK(device::ResidentBytes() == w.size() * 4);
  }
  // Constants do stay: the second array of that name is not looked at.
  ChooseDevice(true);
  Values first(rows * outer), second(rows * outer);
  Gemm(x, w, rows, inner, outer, first, {}, kControl, 5);
  Gemm(x, Words(w.size()), rows, inner, outer, second, {}, kControl, 5);
  CHECK(first == second);
  device::ForgetResident(5);
  CHECK(device::ResidentBytes() == 0);
  // More of them than half of the memory: the oldest leave.
  device::Info info{};
  Succeeded(Library().info(&info), "info");
  if (!failAfter) return;
  for (u64 id = 10; id < 14; id++) device::FindResident(id, info.limit / 8)->complete = true;
  CHECK(device::ResidentBytes() == info.limit / 8 * 4);
  CHECK(device::FindResident(10, info.limit / 8) && device::FindResident(14, info.limit / 8));
  CHECK(device::ResidentBytes() == info.limit / 8 * 4);
  CHECK(!device::FindResident(15, info.limit / 2 + 1) && !device::FindResident(0, 1));
  CHECK(device::ReleaseResidents() && device::ResidentBytes() == 0);
}

void TestAttention() {
  for (const auto& [shape, most] :
       std::vector<std::pair<AttentionShape, int64_t>>{{{0, 1, 1, 1}, 1 << 16},
                                                       {{0, 5, 5, 2}, 1 << 16},
                                                       {{7, 3, 10, 3}, 1 << 17},
                                                       {{0, 70, 70, 1}, 1 << 12},
                                                       {{2, 3, 5, 2}, kInt32Max},
                                                       {{0, 2, 2, 1}, int64_t{1} << 33}}) {
    const size_t nope = 6, rope = 4, width = 5, heads = shape.heads;
    const Values qn = Ints<int64_t>(shape.queries * heads * nope, most),
                 kn = Ints<int64_t>(shape.keys * heads * nope, most);
    const Values qr = Ints<int64_t>(shape.queries * heads * rope, most),
                 kr = Ints<int64_t>(shape.keys * rope, most);
    const size_t pairs = heads * shape.queries * shape.keys;
    for (bool all : {false, true})
      Same("scores", {pairs},
           [&](auto& out) { Scores(qn, kn, qr, kr, nope, rope, shape, all, out[0], kControl); });
    const Values p = Ints<int64_t>(pairs, most), v = Ints<int64_t>(shape.keys * heads * width, most);
    const size_t size = shape.queries * heads * width;
    for (int bits : {16, 31})
      Same("context", {size, size},
           [&](auto& out) { Context(p, v, width, shape, bits, out[0], out[1], kControl); });
  }
}

/// However many allocations succeed: the same outputs, and nothing left behind.
void TestNoMemory() {
  if (!failAfter) return;
  const Values x = Ints<int64_t>(4 * 20, 100);
  const Words w = Ints<int32_t>(30 * 20, 100);
  for (long after = 0; after < 8; after++) {
    Values acc(4 * 30), y(4 * 30), expected(4 * 30);
    ChooseDevice(false);
    Gemm(x, w, 4, 20, 30, expected, y, kControl);
    ChooseDevice(true);
    failAfter(after);
    Gemm(x, w, 4, 20, 30, acc, y, kControl, 99);
    failAfter(-1);
    CHECK(acc == expected);
    device::ForgetResident(99);
  }
  Control cancelled;
  cancelled.cancelled = true;
  Values acc(4 * 30), y(4 * 30);
  bool stopped = false;
  try {
    Gemm(x, w, 4, 20, 30, acc, y, cancelled, 98);
  } catch (const Error& e) {
    stopped = std::string(e.code) == "CANCELLED";
  }
  CHECK(stopped && device::ResidentBytes() == 0);
}

/// DeepSeek-V3's products fit on a device of 24 GB beside half of it for weights that stay, whatever the
/// number of positions up to 4096.
void TestBounds() {
  constexpr size_t kHalf = size_t{12} << 30;
  const size_t shapes[][2] = {{7168, 1536},  {1536, 128 * 128}, {1536, 128 * 64}, {7168, 512},
                              {7168, 64},    {512, 128 * 128},  {16384, 7168},    {7168, 18432},
                              {18432, 7168}, {7168, 256},       {7168, 2048},     {2048, 7168},
                              {7168, 129280}};
  for (const auto& [inner, outer] : shapes)
    for (size_t rows : {1, 24, 4096}) {
      const size_t step = on_device::StepOf(rows, inner, outer);
      CHECK(step > 0 && step <= outer);
      CHECK(on_device::ProductBytes(rows, inner, outer) < size_t{2} << 30);
    }
  // A layer's weights of attention, and of the experts that one token takes, stay together.
  const size_t attention = 4 * (7168 * 1536 + 1536 * 128 * 192 + 7168 * 576 + 512 * 128 * 256 + 16384 * 7168);
  const size_t experts = size_t{4} * 9 * 3 * 7168 * 2048;
  CHECK(attention + experts < kHalf);
}

/// Several steps for a call: weights, sums and rows in parts.
void TestSteps() {
  const on_device::Steps usual = on_device::steps;
  on_device::steps = {4096, 2048};
  for (u64 id : {u64{0}, u64{0}, u64{7}, u64{7}}) {
    const size_t rows = 5, inner = 60, outer = 170;
    static const Values x = Ints<int64_t>(rows * inner, 1 << 20);
    static const Words w = Ints<int32_t>(outer * inner, 1 << 10);
    Same("gemm in steps", {rows * outer, rows * outer},
         [&](auto& out) { Gemm(x, w, rows, inner, outer, out[0], out[1], kControl, id); });
    Same("gemmRows in steps", {7 * outer, 7 * outer}, [&](auto& out) {
      GemmRows(x, Words{4, 0, 4}, w, inner, outer, Words{6, 1, 2}, out[0], out[1], kControl, id);
    });
  }
  device::ForgetResident(7);
  TestAttention();
  on_device::steps = usual;
}

}  // namespace

void TestModelKernels() {
  TestGemm();
  TestResidents();
  TestAttention();
  TestNoMemory();
  TestSteps();
  TestBounds();
  ChooseDevice(false);
}

}  // namespace attensor::testing
