// Sumcheck prover for a sum over the cube of a straight-line program over column values.
#pragma once

#include <vector>

#include "vec.h"

namespace attensor {

enum class Op { kAdd = 0, kSub = 1, kMul = 2 };

struct Instruction {
  Op op;
  size_t left, right;
};

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
  Sumcheck(std::vector<Vec> columns, Program program);

  /// g(0), g(2), …, g(degree)
  std::vector<Fp> Round() const;
  void Bind(const Fp& challenge);
  size_t length() const { return length_; }
  std::vector<Fp> Finals() const;

 private:
  /// One summand of the result: a product of two registers, or a register, with a sign. Summands that are
  /// products are accumulated before reduction.
  struct Summand {
    bool product, negative;
    size_t left, right;
  };
  void Flatten(size_t reg, bool negative, const std::vector<size_t>& uses, std::vector<bool>& fused);
  struct Scratch;
  void EvaluateBlock(Scratch& scratch, size_t first, size_t count) const;

  std::vector<Vec> columns_;
  bool owned_ = false;
  Program program_;
  std::vector<Summand> summands_;
  /// Instructions not fused into a summand, with their register.
  std::vector<std::pair<size_t, Instruction>> code_;
  size_t length_;
};

}  // namespace attensor
