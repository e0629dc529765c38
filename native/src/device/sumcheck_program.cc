#include "sumcheck_program.h"

#include <algorithm>
#include <vector>

namespace attensor::device {
namespace {

/// Summands in the plan's order; each brings the steps that it needs and that are not there yet.
class Writer {
 public:
  explicit Writer(const SumcheckPlan& plan)
      : plan_(plan), stepOf_(plan.registers), uses_(plan.registers), slots_(plan.registers, kNone) {
    for (size_t k = 0; k < plan.steps.size(); k++) stepOf_[plan.steps[k].out] = &plan.steps[k];
    for (const auto& s : plan.summands) {
      Count(s.left);
      if (s.product) Count(s.right);
    }
    program_->columns = static_cast<uint32_t>(plan.columns);
    program_->points = static_cast<uint32_t>(plan.points());
    values_ = plan.constants;
    for (const auto& sum : plan.sums)
      if (!(sum.weight == kOne)) ValueOf(sum.weight);
  }

  std::unique_ptr<SumcheckProgram> Write() {
    if (plan_.columns > kMaxColumns || values_.size() > kMaxConstants || plan_.points() > kMaxPoints)
      return nullptr;
    const Fp* weight = nullptr;
    for (const auto& [product, left, right, sum] : plan_.summands) {
      const Fp* own = &plan_.sums[sum].weight;
      if (weight && !(*own == *weight)) Weigh(*weight);
      weight = own;
      Need(left);
      if (product) Need(right);
      uint16_t a = Operand(left), b = product ? Operand(right) : 0;
      Emit(product ? SumcheckOp::kAddProduct : SumcheckOp::kAddValue, 0, a, b);
      Use(left);
      if (product) Use(right);
    }
    if (weight) Weigh(*weight);
    if (code_.size() > kMaxCode) return nullptr;
    std::copy(code_.begin(), code_.end(), program_->code);
    std::copy(values_.begin(), values_.end(), program_->values);
    program_->instructions = static_cast<uint32_t>(code_.size());
    program_->constants = static_cast<uint32_t>(values_.size());
    program_->slots = static_cast<uint32_t>(free_.size());
    return std::move(program_);
  }

 private:
  static constexpr size_t kNone = ~size_t{0};

  void Count(size_t reg) {
    if (uses_[reg]++ > 0 || !stepOf_[reg]) return;
    Count(stepOf_[reg]->instruction.left);
    Count(stepOf_[reg]->instruction.right);
  }

  void Need(size_t reg) {
    const SumcheckPlan::Step* step = stepOf_[reg];
    if (!step || slots_[reg] != kNone) return;
    const auto& [op, left, right] = step->instruction;
    Need(left);
    Need(right);
    uint16_t a = Operand(left), b = Operand(right);
    Use(left);
    Use(right);
    size_t slot = 0;
    while (slot < free_.size() && !free_[slot]) slot++;
    if (slot == free_.size()) free_.push_back(true);
    free_[slot] = false;
    slots_[reg] = slot;
    Emit(static_cast<SumcheckOp>(op), static_cast<uint16_t>(slot), a, b);
  }

  void Use(size_t reg) {
    if (--uses_[reg] == 0 && stepOf_[reg]) free_[slots_[reg]] = true;
  }

  uint16_t Operand(size_t reg) const {
    if (!stepOf_[reg]) return static_cast<uint16_t>(reg);
    return static_cast<uint16_t>(plan_.columns + values_.size() + slots_[reg]);
  }

  void Weigh(const Fp& weight) {
    if (weight == kOne)
      Emit(SumcheckOp::kTake, 0, 0, 0);
    else
      Emit(SumcheckOp::kWeigh, 0, static_cast<uint16_t>(plan_.columns + ValueOf(weight)), 0);
  }

  size_t ValueOf(const Fp& value) {
    for (size_t k = 0; k < values_.size(); k++)
      if (values_[k] == value) return k;
    values_.push_back(value);
    return values_.size() - 1;
  }

  void Emit(SumcheckOp op, uint16_t out, uint16_t left, uint16_t right) {
    code_.push_back({op, out, left, right});
  }

  const SumcheckPlan& plan_;
  std::vector<const SumcheckPlan::Step*> stepOf_;
  std::vector<size_t> uses_, slots_;
  std::vector<bool> free_;
  std::vector<Fp> values_;
  std::vector<SumcheckCode> code_;
  std::unique_ptr<SumcheckProgram> program_ = std::make_unique<SumcheckProgram>();
};

}  // namespace

std::unique_ptr<SumcheckProgram> MakeProgram(const SumcheckPlan& plan) { return Writer(plan).Write(); }

}  // namespace attensor::device
