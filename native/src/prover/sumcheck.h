// Sumcheck prover for a sum over the cube of a straight-line program over column values.
#pragma once

#include <memory>
#include <optional>
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
  std::vector<Fp> Round();
  void Bind(const Fp& challenge);
  size_t length() const { return length_; }
  std::vector<Fp> Finals();

 private:
  bool RoundOnDevice(std::vector<Fp>& out);
  bool IsForDevice() const;
  /// Where a bind puts the columns.
  std::vector<Vec> Next() const;
  void Fold(const Fp& challenge);
  void Settle();

  std::vector<Vec> columns_;
  bool owned_ = false;
  SumcheckPlan plan_;
  size_t length_;
  std::shared_ptr<const device::SumcheckProgram> program_;
  /// A challenge that the columns, twice length_ long, are not bound to yet: the device's next round does
  /// both in one pass.
  std::optional<Fp> pending_;
  /// The device did not take a round: the others are the CPU's, too.
  bool refused_ = false;
};

}  // namespace attensor
