// Sumcheck prover for a sum over the cube of a straight-line program over column values.
#pragma once

#include <vector>

#include "sumcheck_plan.h"
#include "vec.h"

namespace attensor {

/// Registers: the columns, the constants, then each instruction's result; the last one is summed.
struct Program {
  size_t columns = 0;
  std::vector<Fp> constants;
  std::vector<Instruction> code;
  int degree = 0;
};

class Sumcheck {
 public:
  /// Columns of one length, a power of two; the program's registers have been checked.
  Sumcheck(std::vector<Vec> columns, const Program& program);

  /// g(0), g(2), …, g(degree)
  std::vector<Fp> Round() const;
  void Bind(const Fp& challenge);
  size_t length() const { return length_; }
  std::vector<Fp> Finals() const;

 private:
  std::vector<Vec> columns_;
  bool owned_ = false;
  SumcheckPlan plan_;
  size_t length_;
};

}  // namespace attensor
