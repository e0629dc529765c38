// What a round of a sumcheck computes: a straight-line program on columns, and sums of its registers.
#pragma once

#include <vector>

#include "fp.h"

namespace attensor {

enum class Op { kAdd = 0, kSub = 1, kMul = 2 };

struct Instruction {
  Op op;
  size_t left, right;
};

/// Registers: the columns, the constants, then the results.
struct SumcheckPlan {
  struct Step {
    Instruction instruction;
    size_t out;
  };
  /// A product of two registers, or a register, added up in sum `sum`.
  struct Summand {
    bool product;
    size_t left, right, sum;
  };
  /// Sums of products are not reduced: they have a factor R more. The result takes each with its weight.
  struct Sum {
    bool products;
    Fp weight;
  };

  size_t columns = 0, registers = 0;
  std::vector<Fp> constants;
  std::vector<Step> steps;
  std::vector<Summand> summands;
  std::vector<Sum> sums;
  int degree = 0;

  /// The round polynomial's values that are sent: 0, 2, …, degree; degree 0 still has one.
  size_t points() const { return degree < 1 ? 1 : static_cast<size_t>(degree); }
};

}  // namespace attensor
