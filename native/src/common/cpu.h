// The instruction sets the kernels choose from at run time.
#pragma once

namespace attensor {

enum class Isa {
  kPortable,  // C++ alone
  kAdx,       // BMI2 and ADX: one element at a time, two carry chains
  kAvx2,      // the same, and four permutations at a time
  kIfma,      // the same, and eight elements at a time (AVX-512 IFMA and VBMI2)
};

/// The best this CPU has; ATTENSOR_ISA=portable|adx|avx2|ifma asks for less (never more than there is).
Isa ActiveIsa();
/// Throws RangeError if ATTENSOR_ISA is none of these names: ActiveIsa, which static initializers call,
/// ignores it.
void CheckAskedIsa();
const char* IsaName(Isa isa);

}  // namespace attensor
