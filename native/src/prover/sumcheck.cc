#include "sumcheck.h"

#include <mutex>

#include "backend.h"
#include "common/error.h"
#include "common/thread_pool.h"
#include "device/device.h"
#include "device/sumcheck_program.h"

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

bool Sumcheck::IsForDevice() const {
  return !refused_ && device::Active() && device::IsWorth(length_ * columns_.size(), device::kLeastElements);
}

std::vector<Vec> Sumcheck::Next() const {
  std::vector<Vec> next;
  // The first bind leaves the caller's columns as they are; later ones work in place.
  for (const Vec& c : columns_) next.push_back(owned_ ? c.Slice(0, length_) : Vec(length_));
  return next;
}

bool Sumcheck::RoundOnDevice(std::vector<Fp>& out) {
  if (!IsForDevice()) return false;
  refused_ = !device::Run(1, 0, [&](const device::Table& table) {
    if (!program_) program_ = device::MakeProgram(plan_);
    if (!program_) throw device::Unsupported{};
    std::vector<Vec> next;
    std::vector<const device::DeviceFp*> from;
    std::vector<device::DeviceFp*> to;
    for (const Vec& c : columns_) from.push_back(c.OnDevice());
    if (pending_) {
      next = Next();
      for (Vec& c : next) to.push_back(owned_ ? c.ChangeOnDevice() : c.OutOnDevice());
    }
    out.resize(plan_.points());
    device::Check(table.sumcheckRound(out.data(), program_.get(), from.data(), to.data(), length_ / 2,
                                      pending_ ? &*pending_ : nullptr));
    if (!pending_) return;
    columns_ = std::move(next);
    owned_ = true;
    pending_.reset();
  });
  return !refused_;
}

std::vector<Fp> Sumcheck::Round() {
  if (length_ == 1) throw StateError("SumcheckProver.round: every variable is bound; expected finals()");
  std::vector<Fp> answer;
  if (RoundOnDevice(answer)) return answer;
  Settle();
  for (Vec& c : columns_) c = c.OnHost();
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
  Settle();
  bool wait = IsForDevice();
  length_ /= 2;
  if (wait)
    pending_ = r;
  else
    Fold(r);
}

void Sumcheck::Settle() {
  if (!pending_) return;
  Fold(*pending_);
  pending_.reset();
}

/// From columns of 2 length_ entries to length_.
void Sumcheck::Fold(const Fp& r) {
  size_t half = length_;
  std::vector<Vec> next = Next();
  auto onDevice = [&](const device::Table& table) {
    std::vector<const device::DeviceFp*> from;
    std::vector<device::DeviceFp*> to;
    for (const Vec& c : columns_) from.push_back(c.OnDevice());
    for (Vec& c : next) to.push_back(owned_ ? c.ChangeOnDevice() : c.OutOnDevice());
    device::Check(table.fold(to.data(), from.data(), from.size(), half, &r));
  };
  if (refused_ || !device::Run(2 * half * columns_.size(), device::kLeastElements, onDevice)) {
    std::vector<const Fp*> from;
    std::vector<Fp*> to;
    for (size_t c = 0; c < columns_.size(); c++) {
      from.push_back(columns_[c].data());
      to.push_back(next[c].mut());
    }
    ParallelFor(half, 1 << 11, [&](size_t begin, size_t end) {
      for (size_t c = 0; c < from.size(); c++)
        ActiveBackend().fold(to[c] + begin, from[c] + begin, from[c] + half + begin, r, end - begin);
    });
  }
  columns_ = std::move(next);
  owned_ = true;
}

std::vector<Fp> Sumcheck::Finals() {
  if (length_ != 1)
    throw StateError("SumcheckProver.finals: expected every variable bound, got " +
                     std::to_string(Log2(length_)) + " left; call bind first");
  Settle();
  std::vector<Fp> out;
  for (const Vec& c : columns_) out.push_back(c.At(0));
  return out;
}

}  // namespace attensor
