#include "cpu.h"

#include <algorithm>
#include <cstdlib>
#include <cstring>
#include <iterator>
#include <optional>

#include "error.h"
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

/// Empty without ATTENSOR_ISA, or if its value is not a name.
static std::optional<Isa> Asked() {
  const char* asked = std::getenv("ATTENSOR_ISA");
  for (int i = 0; asked && i < static_cast<int>(std::size(kNames)); i++)
    if (std::strcmp(asked, kNames[i]) == 0) return static_cast<Isa>(i);
  return {};
}

Isa ActiveIsa() {
  static const Isa isa = std::min(Detect(), Asked().value_or(Isa::kIfma));
  return isa;
}

void CheckAskedIsa() {
  const char* asked = std::getenv("ATTENSOR_ISA");
  Require(!asked || Asked(), std::string("ATTENSOR_ISA: expected portable, adx, avx2 or ifma, got '") +
                                 (asked ? asked : "") + "'");
}

}  // namespace attensor
