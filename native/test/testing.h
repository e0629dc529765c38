// What the test programs share: checks that are counted, and a seeded source of field elements.
#pragma once

#include <cstdio>
#include <vector>

#include "prover/fp.h"
#include "prover/vec.h"

namespace attensor::testing {

inline int failures = 0;

#define CHECK(condition)                                                  \
  do {                                                                    \
    if (!(condition)) {                                                   \
      attensor::testing::failures++;                                      \
      std::printf("%s:%d: failed: %s\n", __FILE__, __LINE__, #condition); \
    }                                                                     \
  } while (0)

inline u64 randomState = 88172645463325252;
inline u64 Random() {
  randomState ^= randomState << 13;
  randomState ^= randomState >> 7;
  return randomState ^= randomState << 17;
}

/// Uniform, with the values near 0 and p in every handful.
inline Fp RandomField() {
  switch (Random() % 12) {
    case 0:
      return FromU64(Random() % 3);
    case 1:
      return Neg(FromU64(1 + Random() % 3));
    case 2:
      return Fp{{kP0 - 1, kP1, 0, kP3}};  // largest representation
    default:
      break;
  }
  Fp x{{Random(), Random(), Random(), Random() >> 2}};
  return portable::SubtractOnce(x, kModulus);
}

inline std::vector<Fp> RandomFields(size_t n) {
  std::vector<Fp> out(n);
  for (Fp& x : out) x = RandomField();
  return out;
}

inline Vec RandomVec(size_t n) {
  Vec out(n);
  for (size_t i = 0; i < n; i++) out.mut()[i] = RandomField();
  return out;
}

}  // namespace attensor::testing
