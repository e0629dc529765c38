// x86-64 code of fp.h: mulx with two carry chains (BMI2, ADX; chosen at run time) because compilers keep
// neither chain.
#pragma once

#include "fp.h"

#if ATTENSOR_X86

namespace attensor::x86 {

/// Set once at load (common/cpu.h).
extern const bool kHasAdx;
bool SupportsAdx();

// t = b a on limbs t0..t4, b one limb, a four limbs behind a pointer.
#define ATTENSOR_ROW_FIRST(b, a, t0, t1, t2, t3, t4)   \
  "movq " b                                            \
  ", %%rdx\n\t"                                        \
  "mulxq 0(" a "), " t0 ", " t1                        \
  "\n\t"                                               \
  "mulxq 8(" a "), %[lo], " t2 "\n\t addq %[lo], " t1  \
  "\n\t"                                               \
  "mulxq 16(" a "), %[lo], " t3 "\n\t adcq %[lo], " t2 \
  "\n\t"                                               \
  "mulxq 24(" a "), %[lo], " t4 "\n\t adcq %[lo], " t3 \
  "\n\t"                                               \
  "adcq $0, " t4 "\n\t"

// t += b a; no carry leaves t4.
#define ATTENSOR_ROW(b, a, t0, t1, t2, t3, t4) ATTENSOR_ROW_AT(b, a, "0", "8", "16", "24", t0, t1, t2, t3, t4)
#define ATTENSOR_ROW_AT(b, a, o0, o1, o2, o3, t0, t1, t2, t3, t4)                  \
  "movq " b                                                                        \
  ", %%rdx\n\t xorl %k[lo], %k[lo]\n\t"                                            \
  "mulxq " o0 "(" a "), %[lo], %[hi]\n\t adcxq %[lo], " t0 "\n\t adoxq %[hi], " t1 \
  "\n\t"                                                                           \
  "mulxq " o1 "(" a "), %[lo], %[hi]\n\t adcxq %[lo], " t1 "\n\t adoxq %[hi], " t2 \
  "\n\t"                                                                           \
  "mulxq " o2 "(" a "), %[lo], %[hi]\n\t adcxq %[lo], " t2 "\n\t adoxq %[hi], " t3 \
  "\n\t"                                                                           \
  "mulxq " o3 "(" a "), %[lo], %[hi]\n\t adcxq %[lo], " t3 "\n\t adoxq %[hi], " t4 \
  "\n\t"                                                                           \
  "adcq $0, " t4 "\n\t"

// The factor m for the reduction step that clears t0, in z. Asked for one row before the step, which hides
// its latency.
#define ATTENSOR_FACTOR(t0) "movq " t0 ", %[z]\n\t imulq %[ni], %[z]\n\t"

// The multiple m p, as lo, hi, h2, z, rdx; its lowest limb added to t0 (which becomes zero).
#define ATTENSOR_MULTIPLE(t0)                                   \
  "movq %[z], %%rdx\n\t"                                        \
  "mulxq %[p1], %[h2], %[hi]\n\t mulxq %[p0], %[lo], %%rdx\n\t" \
  "addq %%rdx, %[h2]\n\t adcq $0, %[hi]\n\t"                    \
  "movq %[z], %%rdx\n\t shlq $62, %[z]\n\t shrq $2, %%rdx\n\t"  \
  "addq %[lo], " t0 "\n\t"

// t += m p, t0 becomes zero; no carry leaves t4.
#define ATTENSOR_REDUCE(t0, t1, t2, t3, t4) \
  ATTENSOR_MULTIPLE(t0)                     \
  "adcq %[h2], " t1 "\n\t adcq %[hi], " t2 "\n\t adcq %[z], " t3 "\n\t adcq %%rdx, " t4 "\n\t"

// The same where the row after is already added: the carry goes on to t5.
#define ATTENSOR_REDUCE_LATE(t0, t1, t2, t3, t4, t5) ATTENSOR_REDUCE(t0, t1, t2, t3, t4) "adcq $0, " t5 "\n\t"

// The same on four limbs with the factor computed on the spot; the fifth limb (a fresh one) replaces t0.
#define ATTENSOR_REDUCE_FOUR(t0, t1, t2, t3)                     \
  "movq %[ni], %%rdx\n\t imulq " t0                              \
  ", %%rdx\n\t"                                                  \
  "mulxq %[p0], %[lo], %[hi]\n\t mulxq %[p1], %[z], %[h2]\n\t"   \
  "addq %[z], %[hi]\n\t adcq $0, %[h2]\n\t"                      \
  "movq %%rdx, %[z]\n\t shlq $62, %[z]\n\t shrq $2, %%rdx\n\t"   \
  "addq %[lo], " t0                                              \
  "\n\t"                                                         \
  "adcq %[hi], " t1 "\n\t adcq %[h2], " t2 "\n\t adcq %[z], " t3 \
  "\n\t"                                                         \
  "adcq $0, %%rdx\n\t movq %%rdx, " t0 "\n\t"

#define ATTENSOR_MODULUS [p0] "m"(kP0), [p1] "m"(kP1), [ni] "m"(kNegInverse)

ATTENSOR_INLINE Fp MulLazy(const Fp& a, const Fp& b) {
  u64 t0, t1, t2, t3, t4, t5 = 0, lo, hi, h2, z;
  asm(ATTENSOR_ROW_FIRST("0(%[b])", "%[a]", "%[t0]", "%[t1]", "%[t2]", "%[t3]", "%[t4]") ATTENSOR_FACTOR(
          "%[t0]") ATTENSOR_ROW("8(%[b])", "%[a]", "%[t1]", "%[t2]", "%[t3]", "%[t4]", "%[t5]")
          ATTENSOR_REDUCE_LATE("%[t0]", "%[t1]", "%[t2]", "%[t3]", "%[t4]", "%[t5]") ATTENSOR_FACTOR("%[t1]")
              ATTENSOR_ROW("16(%[b])", "%[a]", "%[t2]", "%[t3]", "%[t4]", "%[t5]", "%[t0]")
                  ATTENSOR_REDUCE_LATE("%[t1]", "%[t2]", "%[t3]", "%[t4]", "%[t5]", "%[t0]")
                      ATTENSOR_FACTOR("%[t2]")
                          ATTENSOR_ROW("24(%[b])", "%[a]", "%[t3]", "%[t4]", "%[t5]", "%[t0]", "%[t1]")
                              ATTENSOR_REDUCE_LATE("%[t2]", "%[t3]", "%[t4]", "%[t5]", "%[t0]", "%[t1]")
                                  ATTENSOR_FACTOR("%[t3]")
                                      ATTENSOR_REDUCE("%[t3]", "%[t4]", "%[t5]", "%[t0]", "%[t1]")
      : [t0] "=&r"(t0), [t1] "=&r"(t1), [t2] "=&r"(t2), [t3] "=&r"(t3), [t4] "=&r"(t4), [t5] "+&r"(t5),
        [lo] "=&r"(lo), [hi] "=&r"(hi), [h2] "=&r"(h2), [z] "=&r"(z)
      : [a] "r"(&a), [b] "r"(&b), "m"(a), "m"(b), ATTENSOR_MODULUS
      : "rdx", "cc");
  return {{t4, t5, t0, t1}};
}

ATTENSOR_INLINE Fp SqrLazy(const Fp& a) {
  u64 t0, t1, t2, t3, t4, t5, t6, t7, lo, hi, z, h2;
  asm("movq 0(%[a]), %%rdx\n\t"
      "mulxq 8(%[a]), %[t1], %[t2]\n\t mulxq 16(%[a]), %[lo], %[t3]\n\t mulxq 24(%[a]), %[hi], %[t4]\n\t"
      "movq 8(%[a]), %%rdx\n\t"
      "addq %[lo], %[t2]\n\t adcq %[hi], %[t3]\n\t"
      "mulxq 24(%[a]), %[lo], %[t5]\n\t mulxq 16(%[a]), %[hi], %[z]\n\t"
      "adcq %[lo], %[t4]\n\t adcq $0, %[t5]\n\t"
      "movq 16(%[a]), %%rdx\n\t"
      "addq %[hi], %[t3]\n\t adcq %[z], %[t4]\n\t"
      "mulxq 24(%[a]), %[lo], %[t6]\n\t"
      "adcq %[lo], %[t5]\n\t adcq $0, %[t6]\n\t"
      // One carry chain doubles the mixed products, the other adds the squares.
      "xorl %k[t7], %k[t7]\n\t"
      "movq 0(%[a]), %%rdx\n\t mulxq %%rdx, %[t0], %[hi]\n\t"
      "adcxq %[t1], %[t1]\n\t adoxq %[hi], %[t1]\n\t"
      "movq 8(%[a]), %%rdx\n\t mulxq %%rdx, %[lo], %[hi]\n\t"
      "adcxq %[t2], %[t2]\n\t adoxq %[lo], %[t2]\n\t adcxq %[t3], %[t3]\n\t adoxq %[hi], %[t3]\n\t"
      "movq 16(%[a]), %%rdx\n\t mulxq %%rdx, %[lo], %[hi]\n\t"
      "adcxq %[t4], %[t4]\n\t adoxq %[lo], %[t4]\n\t adcxq %[t5], %[t5]\n\t adoxq %[hi], %[t5]\n\t"
      "movq 24(%[a]), %%rdx\n\t mulxq %%rdx, %[lo], %[hi]\n\t"
      "adcxq %[t6], %[t6]\n\t adoxq %[lo], %[t6]\n\t adcxq %[t7], %[t7]\n\t adoxq %[hi], %[t7]\n\t"
      : [t0] "=&r"(t0), [t1] "=&r"(t1), [t2] "=&r"(t2), [t3] "=&r"(t3), [t4] "=&r"(t4), [t5] "=&r"(t5),
        [t6] "=&r"(t6), [t7] "=&r"(t7), [lo] "=&r"(lo), [hi] "=&r"(hi), [z] "=&r"(z)
      : [a] "r"(&a), "m"(a)
      : "rdx", "cc");
  asm(ATTENSOR_REDUCE_FOUR("%[t0]", "%[t1]", "%[t2]", "%[t3]")
      ATTENSOR_REDUCE_FOUR("%[t1]", "%[t2]", "%[t3]", "%[t0]")
      ATTENSOR_REDUCE_FOUR("%[t2]", "%[t3]", "%[t0]", "%[t1]")
      ATTENSOR_REDUCE_FOUR("%[t3]", "%[t0]", "%[t1]", "%[t2]")
      "addq %[t4], %[t0]\n\t adcq %[t5], %[t1]\n\t adcq %[t6], %[t2]\n\t adcq %[t7], %[t3]\n\t"
      : [t0] "+&r"(t0), [t1] "+&r"(t1), [t2] "+&r"(t2), [t3] "+&r"(t3), [lo] "=&r"(lo), [hi] "=&r"(hi),
        [z] "=&r"(z), [h2] "=&r"(h2)
      : [t4] "r"(t4), [t5] "r"(t5), [t6] "r"(t6), [t7] "rm"(t7), ATTENSOR_MODULUS
      : "rdx", "cc");
  return {{t0, t1, t2, t3}};
}

ATTENSOR_INLINE void MulAccumulate(Wide& acc, const Fp& a, const Fp& b) {
  u64 t0, t1, t2, t3, t4, t5, t6, t7, lo, hi;
  asm(ATTENSOR_ROW_FIRST("0(%[b])", "%[a]", "%[t0]", "%[t1]", "%[t2]", "%[t3]", "%[t4]")
      "xorl %k[t5], %k[t5]\n\t"
      ATTENSOR_ROW("8(%[b])", "%[a]", "%[t1]", "%[t2]", "%[t3]", "%[t4]", "%[t5]")
      "xorl %k[t6], %k[t6]\n\t"
      ATTENSOR_ROW("16(%[b])", "%[a]", "%[t2]", "%[t3]", "%[t4]", "%[t5]", "%[t6]")
      "xorl %k[t7], %k[t7]\n\t"
      ATTENSOR_ROW("24(%[b])", "%[a]", "%[t3]", "%[t4]", "%[t5]", "%[t6]", "%[t7]")
      "addq %[t0], 0(%[c])\n\t adcq %[t1], 8(%[c])\n\t adcq %[t2], 16(%[c])\n\t adcq %[t3], 24(%[c])\n\t"
      "adcq %[t4], 32(%[c])\n\t adcq %[t5], 40(%[c])\n\t adcq %[t6], 48(%[c])\n\t adcq %[t7], 56(%[c])\n\t"
      "adcq $0, 64(%[c])\n\t"
      : [t0] "=&r"(t0), [t1] "=&r"(t1), [t2] "=&r"(t2), [t3] "=&r"(t3), [t4] "=&r"(t4), [t5] "=&r"(t5),
        [t6] "=&r"(t6), [t7] "=&r"(t7), [lo] "=&r"(lo), [hi] "=&r"(hi), "+m"(acc)
      : [a] "r"(&a), [b] "r"(&b), [c] "r"(acc.l), "m"(a), "m"(b)
      : "rdx", "cc");
}

// One limb each of two elements times two constants at m.
#define ATTENSOR_DOT2_ROW(o, t0, t1, t2, t3, t4)                                \
  ATTENSOR_ROW_AT(o "(%[a])", "%[m]", "0", "8", "16", "24", t0, t1, t2, t3, t4) \
  ATTENSOR_ROW_AT(o "(%[b])", "%[m]", "32", "40", "48", "56", t0, t1, t2, t3, t4)

/// The sum of x.l[j] rows[j] over 2^128, after two steps of reduction; for x and rows below p, which keeps
/// the sum below 3.25 2^64 p and the result below p and a hair.
ATTENSOR_INLINE Fp MulRows(const Fp& x, const Fp* rows) {
  u64 t0, t1, t2, t3, t4, t5 = 0, lo, hi, h2, z;
  asm(ATTENSOR_ROW_FIRST("0(%[x])", "%[m]", "%[t0]", "%[t1]", "%[t2]", "%[t3]", "%[t4]") ATTENSOR_ROW_AT(
          "8(%[x])", "%[m]", "32", "40", "48", "56", "%[t0]", "%[t1]", "%[t2]", "%[t3]", "%[t4]")
          ATTENSOR_ROW_AT("16(%[x])", "%[m]", "64", "72", "80", "88", "%[t0]", "%[t1]", "%[t2]", "%[t3]",
                          "%[t4]") ATTENSOR_ROW_AT("24(%[x])", "%[m]", "96", "104", "112", "120", "%[t0]",
                                                   "%[t1]", "%[t2]", "%[t3]", "%[t4]")
              ATTENSOR_FACTOR("%[t0]")
                  ATTENSOR_REDUCE_LATE("%[t0]", "%[t1]", "%[t2]", "%[t3]", "%[t4]", "%[t5]")
                      ATTENSOR_FACTOR("%[t1]") ATTENSOR_REDUCE("%[t1]", "%[t2]", "%[t3]", "%[t4]", "%[t5]")
      : [t0] "=&r"(t0), [t1] "=&r"(t1), [t2] "=&r"(t2), [t3] "=&r"(t3), [t4] "=&r"(t4), [t5] "+&r"(t5),
        [lo] "=&r"(lo), [hi] "=&r"(hi), [h2] "=&r"(h2), [z] "=&r"(z)
      : [x] "r"(&x), [m] "r"(rows), "m"(x), "m"(*reinterpret_cast<const Fp(*)[4]>(rows)), ATTENSOR_MODULUS
      : "rdx", "cc");
  return {{t2, t3, t4, t5}};
}

/// (a m[0] + b m[1] + constant) / R plus at most p, with one reduction; a, b < 2^256, m[0], m[1], constant <
/// p.
ATTENSOR_INLINE Fp Dot2Lazy(const Fp& a, const Fp& b, const Fp* m, const Fp& constant) {
  u64 t0 = constant.l[0], t1 = constant.l[1], t2 = constant.l[2], t3 = constant.l[3], t4 = 0, t5 = 0, lo, hi,
      h2, z;
  asm(ATTENSOR_DOT2_ROW("0", "%[t0]", "%[t1]", "%[t2]", "%[t3]", "%[t4]") ATTENSOR_FACTOR("%[t0]")
          ATTENSOR_DOT2_ROW("8", "%[t1]", "%[t2]", "%[t3]", "%[t4]", "%[t5]") ATTENSOR_REDUCE_LATE(
              "%[t0]", "%[t1]", "%[t2]", "%[t3]", "%[t4]", "%[t5]") ATTENSOR_FACTOR("%[t1]")
              ATTENSOR_DOT2_ROW("16", "%[t2]", "%[t3]", "%[t4]", "%[t5]", "%[t0]") ATTENSOR_REDUCE_LATE(
                  "%[t1]", "%[t2]", "%[t3]", "%[t4]", "%[t5]", "%[t0]") ATTENSOR_FACTOR("%[t2]")
                  ATTENSOR_DOT2_ROW("24", "%[t3]", "%[t4]", "%[t5]", "%[t0]", "%[t1]") ATTENSOR_REDUCE_LATE(
                      "%[t2]", "%[t3]", "%[t4]", "%[t5]", "%[t0]", "%[t1]") ATTENSOR_FACTOR("%[t3]")
                      ATTENSOR_REDUCE("%[t3]", "%[t4]", "%[t5]", "%[t0]", "%[t1]")
      : [t0] "+&r"(t0), [t1] "+&r"(t1), [t2] "+&r"(t2), [t3] "+&r"(t3), [t4] "+&r"(t4), [t5] "+&r"(t5),
        [lo] "=&r"(lo), [hi] "=&r"(hi), [h2] "=&r"(h2), [z] "=&r"(z)
      : [a] "r"(&a), [b] "r"(&b), [m] "r"(m), "m"(a), "m"(b), "m"(*reinterpret_cast<const Fp(*)[2]>(m)),
        ATTENSOR_MODULUS
      : "rdx", "cc");
  return {{t4, t5, t0, t1}};
}

ATTENSOR_INLINE void ReduceWide(const Wide& w, u64* r) {
  u64 t0 = w.l[0], t1 = w.l[1], t2 = w.l[2], t3 = w.l[3], t4 = w.l[8], lo, hi, z, h2;
  asm(ATTENSOR_REDUCE_FOUR("%[t0]", "%[t1]", "%[t2]", "%[t3]")
      ATTENSOR_REDUCE_FOUR("%[t1]", "%[t2]", "%[t3]", "%[t0]")
      ATTENSOR_REDUCE_FOUR("%[t2]", "%[t3]", "%[t0]", "%[t1]")
      ATTENSOR_REDUCE_FOUR("%[t3]", "%[t0]", "%[t1]", "%[t2]")
      "addq 32(%[w]), %[t0]\n\t adcq 40(%[w]), %[t1]\n\t adcq 48(%[w]), %[t2]\n\t adcq 56(%[w]), %[t3]\n\t"
      "adcq $0, %[t4]\n\t"
      : [t0] "+&r"(t0), [t1] "+&r"(t1), [t2] "+&r"(t2), [t3] "+&r"(t3), [t4] "+&r"(t4), [lo] "=&r"(lo),
        [hi] "=&r"(hi), [z] "=&r"(z), [h2] "=&r"(h2)
      : [w] "r"(w.l), "m"(w), ATTENSOR_MODULUS
      : "rdx", "cc");
  r[0] = t0;
  r[1] = t1;
  r[2] = t2;
  r[3] = t3;
  r[4] = t4;
}

// The rest needs no CPU extension.

/// a + b without reduction; the sum must be below 2^256.
ATTENSOR_INLINE Fp AddRaw(const Fp& a, const Fp& b) {
  Fp r = a;
  asm("addq %[b0], %[r0]\n\t adcq %[b1], %[r1]\n\t adcq %[b2], %[r2]\n\t adcq %[b3], %[r3]\n\t"
      : [r0] "+&r"(r.l[0]), [r1] "+&r"(r.l[1]), [r2] "+&r"(r.l[2]), [r3] "+&r"(r.l[3])
      : [b0] "rm"(b.l[0]), [b1] "rm"(b.l[1]), [b2] "rm"(b.l[2]), [b3] "rm"(b.l[3])
      : "cc");
  return r;
}

ATTENSOR_INLINE Fp SubtractOnce(const Fp& x, const Fp& m) {
  u64 s0 = x.l[0], s1 = x.l[1], s2 = x.l[2], s3 = x.l[3];
  asm("subq %[m0], %[s0]\n\t sbbq %[m1], %[s1]\n\t sbbq $0, %[s2]\n\t sbbq %[m3], %[s3]\n\t"
      "cmovcq %[x0], %[s0]\n\t cmovcq %[x1], %[s1]\n\t cmovcq %[x2], %[s2]\n\t cmovcq %[x3], %[s3]\n\t"
      : [s0] "+&r"(s0), [s1] "+&r"(s1), [s2] "+&r"(s2), [s3] "+&r"(s3)
      : [x0] "rm"(x.l[0]), [x1] "rm"(x.l[1]), [x2] "rm"(x.l[2]), [x3] "rm"(x.l[3]), [m0] "rm"(m.l[0]),
        [m1] "rm"(m.l[1]), [m3] "rm"(m.l[3])
      : "cc");
  return {{s0, s1, s2, s3}};
}

ATTENSOR_INLINE Fp Sub(const Fp& a, const Fp& b) {
  u64 r0 = a.l[0], r1 = a.l[1], r2 = a.l[2], r3 = a.l[3], mask, m0 = kP0, m1 = kP1, m3 = kP3;
  asm("subq %[b0], %[r0]\n\t sbbq %[b1], %[r1]\n\t sbbq %[b2], %[r2]\n\t sbbq %[b3], %[r3]\n\t"
      "sbbq %[mask], %[mask]\n\t andq %[mask], %[m0]\n\t andq %[mask], %[m1]\n\t andq %[mask], %[m3]\n\t"
      "addq %[m0], %[r0]\n\t adcq %[m1], %[r1]\n\t adcq $0, %[r2]\n\t adcq %[m3], %[r3]\n\t"
      : [r0] "+&r"(r0), [r1] "+&r"(r1), [r2] "+&r"(r2), [r3] "+&r"(r3), [mask] "=&r"(mask), [m0] "+&r"(m0),
        [m1] "+&r"(m1), [m3] "+&r"(m3)
      : [b0] "rm"(b.l[0]), [b1] "rm"(b.l[1]), [b2] "rm"(b.l[2]), [b3] "rm"(b.l[3])
      : "cc");
  return {{r0, r1, r2, r3}};
}

}  // namespace attensor::x86

#endif
