// The seam for wider machines. Kernels that are worth writing again (AVX-512 IFMA eight elements at a time, CUDA in a
// library loaded at run time) sit in this table; everything else calls through it. To add one: fill a Backend in its own
// file, compiled with that file's own flags, and choose it in ActiveBackend() from the CPU's or the driver's answer.
#pragma once

#include "poseidon.h"

namespace attensor {

struct Backend {
  const char* name;
  /// `count` independent permutations in place.
  void (*permute)(PoseidonState* states, size_t count);
  /// Permutations per call at which this backend is at its best; callers batch to a multiple of it.
  size_t permuteBatch;
  /// out[i] = a[i] b[i]; out may be a or b.
  void (*mul)(Fp* out, const Fp* a, const Fp* b, size_t count);
};

const Backend& ActiveBackend();

}  // namespace attensor
