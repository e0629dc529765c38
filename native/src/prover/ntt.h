// Number theoretic transform on 2-adic subgroups, natural order in and out.
#pragma once

#include <vector>

#include "fp.h"

namespace attensor {

/// Powers of the roots of unity of every level up to 2^log, shared by all rows of a matrix.
class Twiddles {
 public:
  explicit Twiddles(int log);
  /// omega_{2^level}^i for i < 2^(level - 1)
  const Fp* Level(int level) const { return &table_[size_t{1} << (level - 1)]; }

 private:
  std::vector<Fp> table_;
};

/// out[i] = sum_j coefs[j] omega^(i j), omega of order 2^logDomain, coefs zero padded from 2^logCoefs. Single
/// threaded.
void Encode(const Fp* coefs, int logCoefs, Fp* out, int logDomain, const Twiddles& twiddles);

}  // namespace attensor
