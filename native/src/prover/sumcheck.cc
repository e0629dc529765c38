#include "sumcheck.h"

#include <mutex>

#include "backend.h"
#include "common/error.h"
#include "common/thread_pool.h"

namespace attensor {

// Pairs a thread takes at least.
static constexpr size_t kGrain = 512;

namespace {

/// Makes the plan of a program. The result is taken apart into summands, so that products are added up before
/// they are reduced; constant factors (a batch's weights) stay outside the sums.
class Planner {
 public:
  explicit Planner(const Program& program)
      : program_(program),
        inputs_(program.columns + program.constants.size()),
        uses_(inputs_ + program.code.size()),
        fused_(uses_.size()) {
    plan_.columns = program.columns;
    plan_.registers = uses_.size();
    plan_.constants = program.constants;
    plan_.degree = program.degree;
    for (const Instruction& i : program.code) {
      uses_[i.left]++;
      uses_[i.right]++;
    }
    Summands(uses_.size() - 1, kOne);
    for (size_t k = 0; k < program.code.size(); k++)
      if (!fused_[inputs_ + k]) plan_.steps.push_back({program.code[k], inputs_ + k});
  }

  const SumcheckPlan& plan() const { return plan_; }

 private:
  /// Adds weight times the register to the result.
  void Summands(size_t reg, const Fp& weight) {
    bool last = reg + 1 == uses_.size();
    if (reg < inputs_ || uses_[reg] != (last ? 0 : 1)) {
      plan_.summands.push_back({false, reg, 0, SumOf(false, weight)});
      return;
    }
    fused_[reg] = true;
    const auto& [op, left, right] = program_.code[reg - inputs_];
    if (op != Op::kMul) {
      Summands(left, weight);
      Summands(right, op == Op::kSub ? Neg(weight) : weight);
    } else if (const Fp* constant = ConstantAt(right)) {
      Summands(left, Mul(weight, *constant));
    } else if (const Fp* constant = ConstantAt(left)) {
      Summands(right, Mul(weight, *constant));
    } else {
      plan_.summands.push_back({true, left, right, SumOf(true, weight)});
    }
  }

  const Fp* ConstantAt(size_t reg) const {
    bool is = program_.columns <= reg && reg < inputs_;
    return is ? &program_.constants[reg - program_.columns] : nullptr;
  }

  size_t SumOf(bool products, const Fp& weight) {
    for (size_t i = 0; i < plan_.sums.size(); i++)
      if (plan_.sums[i].products == products && plan_.sums[i].weight == weight) return i;
    plan_.sums.push_back({products, weight});
    return plan_.sums.size() - 1;
  }

  const Program& program_;
  size_t inputs_;
  std::vector<size_t> uses_;
  std::vector<bool> fused_;
  SumcheckPlan plan_;
};

}  // namespace

Sumcheck::Sumcheck(std::vector<Vec> columns, const Program& program)
    : columns_(std::move(columns)), plan_(Planner(program).plan()), length_(columns_[0].size()) {}

std::vector<Fp> Sumcheck::Round() const {
  if (length_ == 1) throw StateError("SumcheckProver.round: every variable is bound; expected finals()");
  size_t half = length_ / 2, points = plan_.points(), kinds = plan_.sums.size();
  std::vector<const Fp*> columns;
  for (const Vec& c : columns_) columns.push_back(c.data());
  std::vector<Wide> sums(points * kinds);
  std::mutex mutex;
  ParallelFor(half, kGrain, [&](size_t begin, size_t end) {
    std::vector<Wide> part(sums.size());
    ActiveBackend().sumcheckRound(plan_, columns.data(), half, begin, end - begin, part.data());
    std::lock_guard lock(mutex);
    for (size_t i = 0; i < sums.size(); i++) AddWide(sums[i], part[i]);
  });
  std::vector<Fp> out(points);
  for (size_t i = 0; i < sums.size(); i++) {
    const auto& [products, weight] = plan_.sums[i % kinds];
    Fp& to = out[i / kinds];
    to = Add(to, Mul(weight, products ? Reduce(sums[i]) : ReduceSmall(sums[i].l)));
  }
  return out;
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
