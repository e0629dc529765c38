// A sumcheck's plan as the device runs it: intermediate values in as few slots as their lives allow.
#pragma once

#include <memory>

#include "abi.h"
#include "prover/sumcheck_plan.h"

namespace attensor::device {

/// Null if the plan is beyond the limits of a program (abi.h).
std::unique_ptr<SumcheckProgram> MakeProgram(const SumcheckPlan& plan);

}  // namespace attensor::device
