#include "poseidon2.h"

#include "backend.h"
#include "kernels.h"

namespace attensor {
namespace {

/// A constant d as d 2^(64 (j + 2)), j = 0, …, 3: a product with it is the sum of x's limbs times these, and
/// two steps of reduction instead of four.
struct Rows {
  Fp at[4];
};

constexpr Rows RowsOf(const Fp& montgomery) {
  Rows rows{};
  Fp x = portable::SubtractOnce(portable::MulLazy(montgomery, {{1, 0, 0, 0}}), kModulus);
  for (int i = 0; i < 64; i++) x = portable::Add(x, x);
  for (Fp& row : rows.at) {
    for (int i = 0; i < 64; i++) x = portable::Add(x, x);
    row = x;
  }
  return rows;
}

struct Diagonal {
  Rows of[kArity];
};

constexpr Diagonal kDiagonal = [] {
  Diagonal all{};
  for (size_t e = 0; e < kArity; e++) all.of[e] = RowsOf(kPoseidon2Diagonal[e]);
  return all;
}();

/// See x86::MulRows.
Fp MulRows(const Fp& x, const Fp* rows) {
  u64 t[7] = {}, none = 0;
  for (int j = 0; j < 4; j++) {
    u64 c = 0;
    for (int k = 0; k < 4; k++) t[k] = portable::MulAdd(rows[j].l[k], x.l[j], t[k], c);
    t[4] += c;
  }
  portable::ReduceStep(t, none);
  t[5] = none;
  none = 0;
  portable::ReduceStep(t + 1, none);
  return {{t[2], t[3], t[4], t[5]}};
}

/// x d + sum
ATTENSOR_INLINE Fp MulAdd(const Fp& x, const Rows& rows, const Fp& sum) {
#if ATTENSOR_X86
  if (__builtin_expect(x86::kHasAdx, 1)) {
    Fp lazy = x86::AddRaw(x86::MulRows(x, rows.at), sum);
    return SubtractOnce(SubtractOnce(lazy, kModulus), kModulus);
  }
#endif
  // Reduced first: two elements below p.
  return Add(SubtractOnce(MulRows(x, rows.at), kModulus), sum);
}

ATTENSOR_INLINE Fp FifthPower(const Fp& x) { return Mul(SqrLazy(SqrLazy(x)), x); }

ATTENSOR_INLINE Fp Double(const Fp& x) { return Add(x, x); }

/// One block of the external matrix.
ATTENSOR_INLINE void MixFour(Fp* x) {
  Fp t0 = Add(x[0], x[1]), t1 = Add(x[2], x[3]);
  Fp t2 = Add(Double(x[1]), t1), t3 = Add(Double(x[3]), t0);
  Fp t4 = Add(Double(Double(t1)), t3), t5 = Add(Double(Double(t0)), t2);
  x[0] = Add(t3, t5);
  x[1] = t5;
  x[2] = Add(t2, t4);
  x[3] = t4;
}

ATTENSOR_INLINE void ExternalLayer(Fp* s) {
  MixFour(s);
  MixFour(s + 4);
  for (int k = 0; k < 4; k++) {
    Fp sum = Add(s[k], s[4 + k]);
    s[k] = Add(s[k], sum);
    s[4 + k] = Add(s[4 + k], sum);
  }
}

template <class Visit>
ATTENSOR_INLINE void FullRound(Fp* s, const Fp* constants, const Visit& visit) {
  for (size_t e = 0; e < kArity; e++) {
    Fp input = Add(s[e], constants[e]);
    visit(input);
    s[e] = FifthPower(input);
  }
  ExternalLayer(s);
}

/// Calls visit(input) for every S-box's input, in order.
template <class Visit>
ATTENSOR_INLINE void Run(Fp* s, const Visit& visit) {
  ExternalLayer(s);
  for (int r = 0; r < kPoseidon2FullRounds / 2; r++) FullRound(s, kPoseidon2Full[r], visit);
  for (const Fp& constant : kPoseidon2Partial) {
    Fp input = Add(s[0], constant);
    visit(input);
    s[0] = FifthPower(input);
    Fp sum = s[0];
    for (size_t e = 1; e < kArity; e++) sum = Add(sum, s[e]);
    for (size_t e = 0; e < kArity; e++) s[e] = MulAdd(s[e], kDiagonal.of[e], sum);
  }
  for (int r = kPoseidon2FullRounds / 2; r < kPoseidon2FullRounds; r++)
    FullRound(s, kPoseidon2Full[r], visit);
}

}  // namespace

Fp CompressOne(const Fp* children) {
  Fp s[kArity];
  for (size_t e = 0; e < kArity; e++) s[e] = children[e];
  Run(s, [](const Fp&) {});
  return Add(s[0], children[0]);
}

void Compress(Fp* out, const Fp* children, size_t count) { ActiveBackend().compress(out, children, count); }

void TraceCompressions(Fp* out, size_t stride, const Fp* children, size_t count) {
  ActiveBackend().traceCompressions(out, stride, children, count);
}

namespace scalar {

void Compress(Fp* out, const Fp* children, size_t count) {
  for (size_t i = 0; i < count; i++) out[i] = CompressOne(children + kArity * i);
}

void TraceCompressions(Fp* out, size_t stride, const Fp* children, size_t count) {
  for (size_t i = 0; i < count; i++) {
    const Fp* from = children + kArity * i;
    Fp s[kArity];
    Fp* to = out + i;
    auto put = [&](const Fp& x) {
      *to = x;
      to += stride;
    };
    for (size_t e = 0; e < kArity; e++) put(s[e] = from[e]);
    // The children give the first round's inputs.
    size_t skipped = 0;
    Run(s, [&](const Fp& input) {
      if (skipped < kArity)
        skipped++;
      else
        put(input);
    });
    put(Add(s[0], from[0]));
  }
}

}  // namespace scalar

}  // namespace attensor
