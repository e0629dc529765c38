#include "sumcheck.h"

#include <algorithm>
#include <mutex>

#include "backend.h"
#include "common/error.h"
#include "common/thread_pool.h"

namespace attensor {

// Pairs evaluated per dispatched instruction: registers of a block stay in the first cache levels.
static constexpr size_t kBlock = 32;

Sumcheck::Sumcheck(std::vector<Vec> columns, Program program)
    : columns_(std::move(columns)), program_(std::move(program)), length_(columns_[0].size()) {
  size_t inputs = program_.columns + program_.constants.size(), registers = inputs + program_.code.size();
  std::vector<size_t> uses(registers);
  for (const Instruction& i : program_.code) {
    uses[i.left]++;
    uses[i.right]++;
  }
  std::vector<bool> fused(registers);
  Flatten(registers - 1, false, uses, fused);
  for (size_t k = 0; k < program_.code.size(); k++)
    if (!fused[inputs + k]) code_.push_back({inputs + k, program_.code[k]});
}

void Sumcheck::Flatten(size_t reg, bool negative, const std::vector<size_t>& uses, std::vector<bool>& fused) {
  size_t inputs = program_.columns + program_.constants.size();
  bool last = reg + 1 == uses.size();
  if (reg < inputs || (!last && uses[reg] != 1) || (last && uses[reg] != 0)) {
    summands_.push_back({false, negative, reg, 0});
    return;
  }
  const Instruction& i = program_.code[reg - inputs];
  fused[reg] = true;
  if (i.op == Op::kMul) {
    summands_.push_back({true, negative, i.left, i.right});
  } else {
    Flatten(i.left, negative, uses, fused);
    Flatten(i.right, negative != (i.op == Op::kSub), uses, fused);
  }
}

struct Sumcheck::Scratch {
  Scratch(size_t registers, size_t columns, size_t points)
      : values(registers * kBlock),
        steps(columns * kBlock),
        regs(registers),
        positive(points),
        negative(points),
        plain(points) {}
  std::vector<Fp> values, steps;
  std::vector<const Fp*> regs;
  std::vector<Wide> positive, negative;
  std::vector<Fp> plain;
};

void Sumcheck::EvaluateBlock(Scratch& s, size_t first, size_t count) const {
  size_t half = length_ / 2, columns = program_.columns;
  for (int x = 0, point = 0; x <= program_.degree; x++) {
    if (x == 1) continue;
    for (size_t c = 0; c < columns; c++) {
      const Fp* lo = columns_[c].data() + first;
      const Fp* hi = lo + half;
      Fp* value = &s.values[c * kBlock];
      Fp* step = &s.steps[c * kBlock];
      if (x == 0) {
        s.regs[c] = lo;
      } else if (x == 2) {
        for (size_t i = 0; i < count; i++) {
          step[i] = Sub(hi[i], lo[i]);
          value[i] = Add(hi[i], step[i]);
        }
        s.regs[c] = value;
      } else {
        for (size_t i = 0; i < count; i++) value[i] = Add(value[i], step[i]);
      }
    }
    for (const auto& [reg, instruction] : code_) {
      const Fp *a = s.regs[instruction.left], *b = s.regs[instruction.right];
      Fp* out = &s.values[reg * kBlock];
      switch (instruction.op) {
        case Op::kAdd:
          for (size_t i = 0; i < count; i++) out[i] = Add(a[i], b[i]);
          break;
        case Op::kSub:
          for (size_t i = 0; i < count; i++) out[i] = Sub(a[i], b[i]);
          break;
        case Op::kMul:
          for (size_t i = 0; i < count; i++) out[i] = Mul(a[i], b[i]);
          break;
      }
    }
    for (const Summand& m : summands_) {
      const Fp* a = s.regs[m.left];
      if (m.product) {
        const Fp* b = s.regs[m.right];
        Wide& acc = m.negative ? s.negative[point] : s.positive[point];
        for (size_t i = 0; i < count; i++) MulAccumulate(acc, a[i], b[i]);
      } else {
        Fp sum = s.plain[point];
        for (size_t i = 0; i < count; i++) sum = m.negative ? Sub(sum, a[i]) : Add(sum, a[i]);
        s.plain[point] = sum;
      }
    }
    point++;
  }
}

std::vector<Fp> Sumcheck::Round() const {
  if (length_ == 1) throw StateError("SumcheckProver.round: every variable is bound; expected finals()");
  size_t inputs = program_.columns + program_.constants.size(), registers = inputs + program_.code.size();
  // g(1) is never sent; degree 0 still sends g(0).
  size_t points = static_cast<size_t>(std::max(1, program_.degree));
  std::vector<Fp> total(points);
  std::mutex mutex;
  size_t half = length_ / 2, blocks = (half + kBlock - 1) / kBlock;
  ParallelFor(blocks, 16, [&](size_t begin, size_t end) {
    Scratch s(registers, program_.columns, points);
    for (size_t r = program_.columns; r < registers; r++) {
      s.regs[r] = &s.values[r * kBlock];
      if (r < inputs) std::fill_n(&s.values[r * kBlock], kBlock, program_.constants[r - program_.columns]);
    }
    for (size_t b = begin; b < end; b++) EvaluateBlock(s, b * kBlock, std::min(kBlock, half - b * kBlock));
    std::lock_guard lock(mutex);
    for (size_t p = 0; p < points; p++) {
      Fp sum = Sub(Add(s.plain[p], Reduce(s.positive[p])), Reduce(s.negative[p]));
      total[p] = Add(total[p], sum);
    }
  });
  return total;
}

void Sumcheck::Bind(const Fp& r) {
  if (length_ == 1) throw StateError("SumcheckProver.bind: every variable is bound; expected finals()");
  size_t half = length_ / 2;
  std::vector<const Fp*> from;
  std::vector<Fp*> to;
  std::vector<Vec> next;
  // The first bind leaves the caller's columns as they are; later ones work in place.
  for (Vec& c : columns_) {
    next.push_back(owned_ ? c.Slice(0, half) : Vec(half));
    from.push_back(c.data());
    to.push_back(next.back().mut());
  }
  ParallelFor(half, 1 << 11, [&](size_t begin, size_t end) {
    for (size_t c = 0; c < from.size(); c++)
      ActiveBackend().fold(to[c] + begin, from[c] + begin, from[c] + half + begin, r, end - begin);
  });
  columns_ = std::move(next);
  owned_ = true;
  length_ = half;
}

std::vector<Fp> Sumcheck::Finals() const {
  if (length_ != 1)
    throw StateError("SumcheckProver.finals: expected every variable bound, got " +
                     std::to_string(Log2(length_)) + " left; call bind first");
  std::vector<Fp> out;
  for (const Vec& c : columns_) out.push_back(c[0]);
  return out;
}

}  // namespace attensor
