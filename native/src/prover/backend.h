// The seam for wider machines. Kernels that are worth writing again (AVX-512 IFMA eight elements at a time,
// CUDA in a library loaded at run time) sit in this table; everything else calls through it. To add one: fill
// a Backend in its own file, compiled with that file's own flags, and choose it in ActiveBackend() from the
// CPU's or the driver's answer.
#pragma once

#include "poseidon.h"

namespace attensor {

struct Backend {
  const char* name;
  /// `count` independent permutations in place.
  void (*permute)(PoseidonState* states, size_t count);
  /// Transforms: low[i], high[i] = low[i] + w[i] high[i], low[i] - w[i] high[i].
  void (*butterfly)(Fp* low, Fp* high, const Fp* w, size_t count);
  /// Binding a variable: out[i] = low[i] + r (high[i] - low[i]); out may be low.
  void (*fold)(Fp* out, const Fp* low, const Fp* high, const Fp& r, size_t count);
};

const Backend& ActiveBackend();

}  // namespace attensor
