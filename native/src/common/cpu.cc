#include "cpu.h"

#include <cstdlib>
#include <cstring>

#include "prover/fp.h"

namespace attensor {

static constexpr const char* kNames[] = {"portable", "adx", "avx2", "ifma"};

const char* IsaName(Isa isa) { return kNames[static_cast<int>(isa)]; }

static Isa Detect() {
#if ATTENSOR_X86
  __builtin_cpu_init();
  if (!__builtin_cpu_supports("bmi2") || !x86::SupportsAdx()) return Isa::kPortable;
  if (!__builtin_cpu_supports("avx2")) return Isa::kAdx;
  if (__builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512dq") &&
      __builtin_cpu_supports("avx512vl") && __builtin_cpu_supports("avx512ifma") &&
      __builtin_cpu_supports("avx512vbmi2"))
    return Isa::kIfma;
  return Isa::kAvx2;
#else
  return Isa::kPortable;
#endif
}

Isa ActiveIsa() {
  static const Isa isa = [] {
    Isa best = Detect();
    const char* asked = std::getenv("ATTENSOR_ISA");
    for (int i = 0; asked && i < static_cast<int>(best); i++)
      if (std::strcmp(asked, kNames[i]) == 0) return static_cast<Isa>(i);
    return best;
  }();
  return isa;
}

}  // namespace attensor
