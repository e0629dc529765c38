// Rounds of sumchecks and fraction layers on the device against the CPU's.
#include "../testing.h"
#include "library.h"
#include "prover/backend.h"
#include "prover/kernels.h"

namespace attensor::testing {

using Columns = std::vector<std::vector<Fp>>;

struct OnDevice {
  explicit OnDevice(const Columns& columns) {
    for (const auto& c : columns) {
      arrays.push_back(std::make_unique<DeviceArray>(c));
      pointers.push_back(arrays.back()->get());
    }
  }
  std::vector<std::unique_ptr<DeviceArray>> arrays;
  std::vector<device::DeviceFp*> pointers;
};

static Columns RandomColumns(size_t count, size_t size) {
  Columns columns;
  for (size_t c = 0; c < count; c++) columns.push_back(RandomFields(size));
  return columns;
}

static Columns Folded(const Columns& columns, const Fp& r) {
  Columns out;
  for (const auto& c : columns) {
    size_t half = c.size() / 2;
    out.emplace_back(half);
    scalar::Fold(out.back().data(), c.data(), c.data() + half, r, half);
  }
  return out;
}

static void TestFold() {
  for (size_t half : {1, 2, 300}) {
    Columns columns = RandomColumns(3, 2 * half), out = RandomColumns(3, half);
    OnDevice from(columns), to(out);
    Fp r = RandomField();
    Columns expected = Folded(columns, r);
    Succeeded(Library().fold(to.pointers.data(), from.pointers.data(), 3, half, &r), "fold");
    Succeeded(Library().fold(from.pointers.data(), from.pointers.data(), 3, half, &r), "fold in place");
    for (size_t c = 0; c < 3; c++) {
      CHECK(to.arrays[c]->Read() == expected[c]);
      std::vector<Fp> inPlace = from.arrays[c]->Read();
      inPlace.resize(half);
      CHECK(inPlace == expected[c]);
    }
  }
}

/// w (c0 c1 + c2) + (c0 - c1 + k) c2 + c0, which has every instruction.
static void TestSumcheckRound() {
  device::SumcheckProgram program{};
  using Op = device::SumcheckOp;
  const device::SumcheckCode code[] = {
      {Op::kAddProduct, 0, 0, 1}, {Op::kAddValue, 0, 2, 0}, {Op::kWeigh, 0, 3, 0},
      {Op::kSub, 0, 0, 1},        {Op::kAdd, 1, 5, 4},      {Op::kMul, 0, 6, 2},
      {Op::kAddValue, 0, 5, 0},   {Op::kAddValue, 0, 0, 0}, {Op::kTake, 0, 0, 0}};
  program.columns = 3;
  program.constants = 2;
  program.slots = 2;
  program.instructions = std::size(code);
  std::copy(std::begin(code), std::end(code), program.code);
  Fp w = RandomField(), k = RandomField();
  program.values[0] = w;
  program.values[1] = k;
  auto value = [&](const Fp& a, const Fp& b, const Fp& c) {
    return Add(Add(Mul(w, Add(Mul(a, b), c)), Mul(Add(Sub(a, b), k), c)), a);
  };
  for (uint32_t points : {1, 2, 3, 7}) {
    program.points = points;
    for (size_t half : {1, 2, 100, 300}) {
      for (bool fold : {false, true}) {
        Columns columns = RandomColumns(3, fold ? 4 * half : 2 * half), bound = columns;
        Fp r = RandomField();
        if (fold) bound = Folded(columns, r);
        OnDevice in(columns), out(RandomColumns(3, 2 * half));
        std::vector<Fp> got(points);
        auto& to = half == 100 ? in : out;  // in place, once
        Succeeded(Library().sumcheckRound(got.data(), &program, in.pointers.data(), to.pointers.data(), half,
                                          fold ? &r : nullptr),
                  "sumcheckRound");
        for (uint32_t p = 0; p < points; p++) {
          Fp x = FromU64(p == 0 ? 0 : p + 1), sum{};
          Columns at = Folded(bound, x);
          for (size_t i = 0; i < half; i++) sum = Add(sum, value(at[0][i], at[1][i], at[2][i]));
          CHECK(got[p] == sum);
        }
        if (!fold) continue;
        for (size_t c = 0; c < 3; c++) {
          std::vector<Fp> stored = to.arrays[c]->Read();
          stored.resize(2 * half);
          CHECK(stored == bound[c]);
        }
      }
    }
  }
  program.slots = 3000;
  Fp ignored[7];
  OnDevice in(RandomColumns(3, 2));
  CHECK(Library().sumcheckRound(ignored, &program, in.pointers.data(), nullptr, 1, nullptr) ==
        device::Status::kUnsupported);
}

static void TestFractions() {
  for (size_t half : {1, 2, 255, 700}) {
    std::vector<Fp> p = RandomFields(2 * half), q = RandomFields(2 * half), outP(half), outQ(half);
    DeviceArray dp(p), dq(q), toP(half), toQ(half);
    Succeeded(Library().addFractions(toP.get(), toQ.get(), dp.get(), dq.get(), half), "addFractions");
    scalar::AddFractions(outP.data(), outQ.data(), p.data(), q.data(), half, half);
    CHECK(toP.Read() == outP);
    CHECK(toQ.Read() == outQ);
    for (bool fold : {false, true}) {
      Columns columns = RandomColumns(4, fold ? 4 * half : 2 * half), bound = columns;
      columns.push_back(RandomFields(fold ? 2 * half : half));
      std::vector<Fp> eq = columns[4];
      Fp r = RandomField(), slope, top;
      if (fold) {
        bound = Folded(bound, r);
        for (size_t i = 0; i < half; i++) eq[i] = Add(eq[i], columns[4][half + i]);
      }
      OnDevice in(columns), out(RandomColumns(5, 2 * half));
      device::FractionLayer layer;
      for (size_t c = 0; c < 5; c++) {
        layer.in[c] = in.pointers[c];
        layer.out[c] = half == 2 ? in.pointers[c] : out.pointers[c];
      }
      Succeeded(Library().fractionRound(&slope, &top, &layer, half, fold ? &r : nullptr), "fractionRound");
      Wide slopes, tops;
      scalar::FractionRound({bound[0].data(), bound[1].data(), bound[2].data(), bound[3].data(), eq.data()},
                            half, 0, half, slopes, tops);
      CHECK(slope == Reduce(slopes) && top == Reduce(tops));
      if (!fold || half == 2) continue;
      for (size_t c = 0; c < 4; c++) CHECK(out.arrays[c]->Read() == bound[c]);
      std::vector<Fp> stored = out.arrays[4]->Read();
      for (size_t i = 0; i < half; i++) CHECK(stored[i] == eq[i]);
    }
  }
}

void TestRoundKernels() {
  TestFold();
  TestSumcheckRound();
  TestFractions();
}

}  // namespace attensor::testing
