#include "backend.h"

#include "common/cpu.h"
#include "kernels.h"

namespace attensor {

static void PermuteEach(PoseidonState* states, size_t count) {
  for (size_t i = 0; i < count; i++) Permute(states[i]);
}

static Backend Choose() {
  const char* name = IsaName(ActiveIsa());
  Backend backend{name,
                  PermuteEach,
                  scalar::Compress,
                  scalar::TraceCompressions,
                  scalar::Butterfly,
                  scalar::Butterfly4,
                  scalar::Fold,
                  scalar::Dot,
                  scalar::Linear,
                  scalar::AddFractions,
                  scalar::FractionRound,
                  scalar::SumcheckRound,
                  scalar::IntegerSums};
#if ATTENSOR_X86
  if (ActiveIsa() >= Isa::kAvx2) {
    backend.permute = avx2::Permute;
    backend.compress = avx2::Compress;
    backend.traceCompressions = avx2::TraceCompressions;
    backend.integerSums = avx2::IntegerSums;
  }
  if (ActiveIsa() >= Isa::kIfma)
    backend = {name,
               ifma::Permute,
               ifma::Compress,
               ifma::TraceCompressions,
               ifma::Butterfly,
               ifma::Butterfly4,
               ifma::Fold,
               ifma::Dot,
               ifma::Linear,
               ifma::AddFractions,
               ifma::FractionRound,
               ifma::SumcheckRound,
               ifma::IntegerSums};
#endif
  return backend;
}

const Backend& ActiveBackend() {
  static const Backend backend = Choose();
  return backend;
}

}  // namespace attensor
