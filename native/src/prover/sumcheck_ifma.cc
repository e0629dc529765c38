// A sumcheck round in AVX-512 IFMA lanes (see backend.h, fp_ifma.h). Registers hold eight elements with R =
// 2^256, not canonical: how many p each stays below is found when a round begins, and a step that would
// leave 2^260 = 64 p is preceded by reductions.
#include "kernels.h"

#if ATTENSOR_X86

#pragma GCC push_options
#pragma GCC target("avx512f,avx512dq,avx512vl,avx512ifma,avx512vbmi2")
#pragma GCC diagnostic ignored "-Wuninitialized"  // GCC 12 warns about its own intrinsics' undefined lanes
#pragma GCC diagnostic ignored "-Wmaybe-uninitialized"

#include "fp_ifma.h"

namespace attensor::ifma {
namespace {

// Eights of pairs evaluated per dispatched step.
constexpr size_t kEights = 2;
// Products, or registers, a column of a sum takes before it is added to the result: each adds at most ten
// halves below 2^52.
constexpr size_t kColumnProducts = 256;
// Bounds in units of p.
constexpr u64 kReduced = 2, kLargest = 60;

struct Block {
  Fp8 eights[kEights];
};

/// Columns of one sum; registers are added to the lower five.
struct alignas(64) Accumulator {
  Lane columns[2 * kLimbs];
  size_t used;
};

enum class Action { kAdd, kSub, kMul, kReduce };  // the first three as Op

struct LaneStep {
  Action action;
  size_t left, right, out;
  /// What keeps a difference positive: the limbs of a multiple of p above the right register.
  u64 multiple[kLimbs];
};

void SetMultiple(u64* limbs, u64 times) {
  u64 carry = 0;
  for (int i = 0; i < kLimbs; i++) {
    u128 x = static_cast<u128>(times) * kP[i] + carry;
    limbs[i] = static_cast<u64>(x) & kMask;
    carry = static_cast<u64>(x >> kBits);
  }
}

/// The plan's steps with reductions where bounds need them; a reduced register is a new one.
struct Steps {
  std::vector<LaneStep> list;
  size_t registers;

  explicit Steps(const SumcheckPlan& plan)
      : registers(plan.registers), at_(registers), bounds_(registers, 1) {
    for (size_t r = 0; r < registers; r++) at_[r] = r;
    // A column at X is high + (X - 1) (high - low + p).
    if (plan.degree >= 2)
      for (size_t c = 0; c < plan.columns; c++) bounds_[c] = 2 * plan.points() - 1;
    for (const auto& [instruction, out] : plan.steps) {
      const auto& [op, left, right] = instruction;
      if (Bound(instruction) > kLargest) {
        Reduce(left);
        Reduce(right);
      }
      LaneStep step{Action(op), at_[left], at_[right], out, {}};
      if (op == Op::kSub) SetMultiple(step.multiple, bounds_[right]);
      list.push_back(step);
      bounds_[out] = Bound(instruction);
    }
  }

 private:
  u64 Bound(const Instruction& i) const {
    u64 a = bounds_[i.left], b = bounds_[i.right];
    return i.op == Op::kMul ? a * b / 4 + 2 : a + b;
  }
  void Reduce(size_t reg) {
    if (bounds_[reg] <= kReduced) return;
    list.push_back({Action::kReduce, at_[reg], at_[reg], registers, {}});
    at_[reg] = registers++;
    bounds_[reg] = kReduced;
  }

  std::vector<size_t> at_;
  std::vector<u64> bounds_;
};

/// x R' / R' for x below 64: below 2.
ATTENSOR_INLINE Fp8 ReduceOnce(const Fp8& x) {
  static constexpr Fp kRPrime = detail::Doubled(kLimbs * kBits);
  return Mul(x, BroadcastFp(kRPrime));
}

/// Its own function, so that the compiler allots registers for each step alone.
__attribute__((noinline)) void Run(const LaneStep& step, Block* registers) {
  const Block &a = registers[step.left], &b = registers[step.right];
  Block& out = registers[step.out];
  for (size_t e = 0; e < kEights; e++) {
    const Fp8 &x = a.eights[e], &y = b.eights[e];
    Fp8& to = out.eights[e];
    switch (step.action) {
      case Action::kAdd:
        to = Normalize(AddLimbs(x, y).l);
        break;
      case Action::kSub:
        to = Normalize(SubLimbs(x, y, step.multiple).l);
        break;
      case Action::kMul:
        to = MulByR(x, y);
        break;
      case Action::kReduce:
        to = ReduceOnce(x);
        break;
    }
  }
}

void Flush(Accumulator& acc, Wide& sum) {
  AddColumns(sum, acc.columns);
  acc = {};
}

/// Registers at X = 0, 2, 3, … from the columns' pairs.
void SetColumn(Block& value, Block& step, const Fp* low, const Fp* high, size_t x) {
  for (size_t e = 0; e < kEights; e++) {
    Fp8 &v = value.eights[e], &s = step.eights[e];
    if (x == 0) {
      v = Load<0>(low + e * kLanes, kLanes);
      continue;
    }
    if (x == 2) {
      Fp8 top = Load<0>(high + e * kLanes, kLanes);
      s = SubLimbs(top, v, kP);
      v = top;
    }
    v = Normalize(AddLimbs(v, s).l);
  }
}

}  // namespace

void SumcheckRound(const SumcheckPlan& plan, const Fp* const* columns, size_t half, size_t first,
                   size_t count, Wide* sums) {
  constexpr size_t kBlock = kEights * kLanes;
  size_t kinds = plan.sums.size(), rest = count % kBlock, end = first + count - rest;
  // Products of constants' lanes must not count where there is no pair.
  if (rest) scalar::SumcheckRound(plan, columns, half, end, rest, sums);
  if (first == end) return;

  const Steps steps(plan);
  std::vector<Block> registers(steps.registers), slopes(plan.columns);
  for (size_t k = 0; k < plan.constants.size(); k++)
    for (Fp8& eight : registers[plan.columns + k].eights) eight = BroadcastFp(plan.constants[k]);
  std::vector<Accumulator> accumulators(plan.points() * kinds);

  for (; first < end; first += kBlock) {
    for (size_t x = 0, point = 0; point < plan.points(); x = ++point + 1) {
      for (size_t c = 0; c < plan.columns; c++)
        SetColumn(registers[c], slopes[c], columns[c] + first, columns[c] + half + first, x);
      for (const LaneStep& step : steps.list) Run(step, registers.data());
      for (const auto& [product, left, right, sum] : plan.summands) {
        Accumulator& acc = accumulators[point * kinds + sum];
        const Block &a = registers[left], &b = registers[right];
        for (size_t e = 0; e < kEights; e++) {
          if (product)
            AddProduct(acc.columns, a.eights[e], b.eights[e]);
          else
            for (int l = 0; l < kLimbs; l++) acc.columns[l] = AddLanes(acc.columns[l], a.eights[e].l[l]);
        }
        acc.used += kEights;
        if (acc.used == kColumnProducts) Flush(acc, sums[point * kinds + sum]);
      }
    }
  }
  for (size_t i = 0; i < accumulators.size(); i++) Flush(accumulators[i], sums[i]);
}

}  // namespace attensor::ifma

#pragma GCC pop_options

#endif
