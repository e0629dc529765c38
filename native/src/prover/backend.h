// The seam for wider machines. Kernels that are worth writing again (AVX-512 IFMA eight elements at a time,
// CUDA in a library loaded at run time) sit in this table; everything else calls through it. To add one: fill
// a Backend in its own file, compiled with that file's own flags, and choose it in ActiveBackend() from the
// CPU's or the driver's answer.
#pragma once

#include "poseidon.h"
#include "poseidon2.h"
#include "sumcheck_plan.h"

namespace attensor {

/// An element as signed digits of 32 bits, lowest first, see integer_sums.h.
struct alignas(32) Digits {
  int32_t d[8];
};

/// Columns of a fraction layer's sumcheck, see fractions.h.
struct FractionColumns {
  const Fp *a, *p, *q0, *q1, *eq;
};

/// Single-threaded kernels; vectors may be of any length, and an output may be one of the inputs at the same
/// place. Elements in memory are canonical.
struct Backend {
  const char* name;
  /// `count` independent permutations in place.
  void (*permute)(PoseidonState* states, size_t count);
  /// out[i] = compression of children[8 i .. 8 i + 8), see poseidon2.h.
  void (*compress)(Fp* out, const Fp* children, size_t count);
  /// Value k of compression i at out[k * stride + i], see TraceCompressions.
  void (*traceCompressions)(Fp* out, size_t stride, const Fp* children, size_t count);
  /// Transforms: low[i], high[i] = low[i] + w[i] high[i], low[i] - w[i] high[i].
  void (*butterfly)(Fp* low, Fp* high, const Fp* w, size_t count);
  /// Two levels at once on four quarters: butterflies of quarters (0, 1) and (2, 3) with `inner`, then of
  /// halves with the 2 quarter entries of `outer`.
  void (*butterfly4)(Fp* a, size_t quarter, const Fp* inner, const Fp* outer);
  /// Binding a variable: out[i] = low[i] + r (high[i] - low[i]).
  void (*fold)(Fp* out, const Fp* low, const Fp* high, const Fp& r, size_t count);
  /// sum += sum_i a[i] b[i], not reduced.
  void (*dot)(Wide& sum, const Fp* a, const Fp* b, size_t count);
  /// out[i] = base[i] + sum_k coefs[k] vecs[k][i]; no base stands for zeros.
  void (*linear)(Fp* out, const Fp* base, const Fp* const* vecs, const Fp* coefs, size_t terms, size_t count);
  /// out[i] = the fraction p[i] / q[i] + p[half + i] / q[half + i], numerator and denominator.
  void (*addFractions)(Fp* outP, Fp* outQ, const Fp* p, const Fp* q, size_t half, size_t count);
  /// With h(X, i) = a q1 + p q0 of entries i and half + i: adds eq[i] (h(1, i) - h(0, i)) to `slope` and
  /// eq[i] times h's coefficient of X^2 to `top`, for i in [first, first + count).
  void (*fractionRound)(const FractionColumns& columns, size_t half, size_t first, size_t count, Wide& slope,
                        Wide& top);
  /// Adds the plan's sums over the pairs (i, half + i), i in [first, first + count), see sumcheck_plan.h.
  void (*sumcheckRound)(const SumcheckPlan& plan, const Fp* const* columns, size_t half, size_t first,
                        size_t count, Wide* sums);
  /// sums[8 r + i] += sum_j values[r rowStride + j step] factors[j].d[i], which the caller keeps within
  /// int64.
  void (*integerSums)(int64_t* sums, const int32_t* values, size_t rowStride, size_t step, size_t rows,
                      const Digits* factors, size_t count);
};

const Backend& ActiveBackend();

}  // namespace attensor
