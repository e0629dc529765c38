// The integer model's kernels on the device against the CPU's, through the same functions that the addon calls:
// outputs, and failures with their place.
#include "device/device.h"
#include "device/resident.h"
#include "model/attention.h"
#include "model/element_wise.h"
#include "model/gating.h"
#include "model/gemm.h"
#include "model/norm.h"
#include "model/on_device.h"

#include "../testing.h"
#include "library.h"

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
    x = static_cast<T>(kind == 0 ? 0 : kind == 1 ? -1 : kind == 2 ? most : kind == 3 ? -most - 1 : Range(-most, most));
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
    Same("gemm", {c.rows * c.outer, c.rows * c.outer}, [&](auto& out) {
      Gemm(x, w, c.rows, c.inner, c.outer, out[0], out[1], kControl);
    });
    const Words to{0, 2, 4, 5, 6}, first(5, 0);
    Same("gemmRows", {7 * c.outer, 7 * c.outer}, [&](auto& out) {
      GemmRows(x, first, w, c.inner, c.outer, to, out[0], out[1], kControl);
    });
  }
  // Wide sums that cancel, at the very ends.
  const int64_t low = kInt32Min;
  for (const Values& x : {Values{low, low, low, low}, Values{low, low, low, kInt32Max}, Values{low, 0, 0, low}}) {
    for (const Words& w : {Words{INT32_MIN, INT32_MIN, INT32_MIN, INT32_MAX}, Words{INT32_MIN, 1, 0, INT32_MAX},
                           Words{INT32_MIN, INT32_MIN, 0, 0}}) {
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
    Same("resident gemm", {rows * outer, rows * outer}, [&](auto& out) {
      Gemm(x, w, rows, inner, outer, out[0], out[1], kControl, 5);
    });
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
  for (const auto& [shape, most] : std::vector<std::pair<AttentionShape, int64_t>>{
           {{0, 1, 1, 1}, 1 << 16}, {{0, 5, 5, 2}, 1 << 16}, {{7, 3, 10, 3}, 1 << 17}, {{0, 70, 70, 1}, 1 << 12},
           {{2, 3, 5, 2}, kInt32Max}, {{0, 2, 2, 1}, int64_t{1} << 33}}) {
    const size_t nope = 6, rope = 4, width = 5, heads = shape.heads;
    const Values qn = Ints<int64_t>(shape.queries * heads * nope, most), kn = Ints<int64_t>(shape.keys * heads * nope, most);
    const Values qr = Ints<int64_t>(shape.queries * heads * rope, most), kr = Ints<int64_t>(shape.keys * rope, most);
    const size_t pairs = heads * shape.queries * shape.keys, rows = heads * shape.queries;
    for (bool all : {false, true})
      Same("scores", {pairs}, [&](auto& out) { Scores(qn, kn, qr, kr, nope, rope, shape, all, out[0], kControl); });
    const Values acc = Ints<int64_t>(pairs, most < (1 << 20) ? kAccLimit / 1024 : kAccLimit);
    Words table(65536);
    for (size_t i = 0; i < table.size(); i++) table[i] = static_cast<int32_t>(65536 / (1 + i));
    Same("softmax", {pairs, rows, pairs, pairs, pairs, rows, rows, pairs}, [&](auto& out) {
      Softmax(acc, table, 1000, shape, {out[0], out[1], out[2], out[3], out[4], out[5], out[6], out[7]}, kControl);
    });
    const Values p = Ints<int64_t>(pairs, most), v = Ints<int64_t>(shape.keys * heads * width, most);
    const size_t size = shape.queries * heads * width;
    Same("context", {size, size}, [&](auto& out) { Context(p, v, width, shape, out[0], out[1], kControl); });
  }
}

void TestRows() {
  for (size_t d : {size_t{2}, size_t{64}, size_t{300}})
    for (int64_t most : {int64_t{0}, int64_t{1} << 16, kInt32Max, int64_t{1} << 32}) {
      const size_t rows = 4;
      const Values x = Ints<int64_t>(rows * d, most);
      const Words g = Ints<int32_t>(d, 1 << 17);
      for (u64 epsilon : {u64{1}, u64{d + 1}, u64{274878}, u64{5} << 60})
        Same("rmsNorm", {rows, rows, rows * d}, [&](auto& out) {
          RmsNorm(x, g, rows, d, epsilon, out[0], out[1], out[2], kControl);
        });
      const size_t heads = 2, half = d / 2;
      const Values pairs = Ints<int64_t>(rows * heads * d, most);
      for (int64_t turn : {int64_t{1} << 16, kInt32Max}) {
        const Words cos = Ints<int32_t>(rows * half, turn), sin = Ints<int32_t>(rows * half, turn);
        Same("rope", {rows * heads * d},
             [&](auto& out) { Rope(pairs, cos, sin, rows, heads, d, out[0], kControl); });
      }
      const Values b = Ints<int64_t>(rows * d, most), weights = Ints<int64_t>(rows, most);
      Same("add", {rows * d}, [&](auto& out) { model::Add({x, b, x}, d, out[0]); });
      Same("multiply", {rows * d}, [&](auto& out) { Multiply(x, b, d, out[0]); });
      Same("scaleRows", {rows * d}, [&](auto& out) { ScaleRows(x, weights, d, out[0]); });
      Same("argmax", {rows}, [&](auto& out) { Argmax(x, rows, d, out[0]); });
      const Words table = Ints<int32_t>(65536, kInt32Max);
      Same("sigmoid", {rows * d, rows * d}, [&](auto& out) { Sigmoid(x, table, out[0], out[1]); });
    }
  // Ties, and a row of the least value.
  Values ties(3 * 700, 5);
  for (size_t i = 0; i < 700; i++) ties[700 + i] = std::numeric_limits<int64_t>::min();
  ties[1400 + 300] = ties[1400 + 600] = 6;
  const Outcome next = Same("argmax of ties", {3}, [&](auto& out) { Argmax(ties, 3, 700, out[0]); });
  CHECK(next.outputs[0] == (Values{0, 0, 300}));
}

void TestRouting() {
  for (const GatingShape& shape : std::vector<GatingShape>{
           {2, 1, 1, 1}, {8, 4, 2, 3}, {256, 8, 4, 8}, {300, 3, 3, 300}, {6, 3, 1, 2}})
    for (int64_t most : {0, 2, 65536})
      for (bool normalize : {false, true}) {
        const size_t rows = 5;
        Values score(rows * shape.experts);
        for (int64_t& s : score) s = Range(0, most);
        const Words bias = Ints<int32_t>(shape.experts, most / 2);
        Same("gating",
             {score.size(), rows * shape.groups, rows * shape.groups, score.size(), rows * shape.topk, rows * shape.topk},
             [&](auto& out) {
               Gating(score, bias, rows, shape, 163840, normalize, {out[0], out[1], out[2], out[3], out[4], out[5]},
                      kControl);
             });
      }
}

/// However many allocations succeed: the same outputs, and nothing left behind.
void TestNoMemory() {
  if (!failAfter) return;
  const Values x = Ints<int64_t>(4 * 20, 100);
  const Words w = Ints<int32_t>(30 * 20, 100);
  for (long after = 0; after < 8; after++) {
    Values acc(4 * 30), y(4 * 30), S(4), inv(4), norm(4 * 20), expected(4 * 30), sum(4 * 20), twice(4 * 20);
    ChooseDevice(false);
    Gemm(x, w, 4, 20, 30, expected, y, kControl);
    model::Add({x, x}, 20, twice);
    ChooseDevice(true);
    failAfter(after);
    Gemm(x, w, 4, 20, 30, acc, y, kControl, 99);
    model::Add({x, x}, 20, sum);
    failAfter(-1);
    CHECK(acc == expected && sum == twice);
    device::ForgetResident(99);
  }
  int32_t cancelled = 1;
  Values acc(4 * 30), y(4 * 30);
  bool stopped = false;
  try {
    Gemm(x, w, 4, 20, 30, acc, y, Control(&cancelled), 98);
  } catch (const Cancelled&) {
    stopped = true;
  }
  CHECK(stopped && device::ResidentBytes() == 0);
}

/// DeepSeek-V3's products fit on a device of 24 GB beside half of it for weights that stay, whatever the number
/// of positions up to 4096.
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
    Same("gemm in steps", {rows * outer, rows * outer}, [&](auto& out) {
      Gemm(x, w, rows, inner, outer, out[0], out[1], kControl, id);
    });
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
  TestRows();
  TestRouting();
  TestNoMemory();
  TestSteps();
  TestBounds();
  ChooseDevice(false);
}

}  // namespace attensor::testing
