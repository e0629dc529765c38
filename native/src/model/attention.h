// Attention: mul1 (scores), Softmax with causal mask, mul2 (context).
#pragma once

#include "kernel.h"

namespace model {

// Query row t is position start + t; keys are positions 0 .. keys - 1; key s is visible if s <= start + t.
struct AttentionShape {
  size_t start, queries, keys, heads;
};

// qn (queries, heads, nope), kn (keys, heads, nope), qr (queries, heads, rope), kr (keys, rope), all within
// int32; acc (heads, queries, keys). Masked pairs are computed only if all_pairs, 0 otherwise.
void Scores(Ints qn, Ints kn, Ints qr, Ints kr, size_t nope, size_t rope, const AttentionShape& shape,
            bool all_pairs, OutInts acc, const Control& control);

struct SoftmaxOut {
  OutInts z, max, c, o, e, sum, inv, p;
};

// Bits after the point of C, which scales scores, and of probabilities: 12 and 16, or 28 and 31.
struct Digits {
  int scale, probability;
};

// scale = C of the semantics, table = EXP (65536 entries); max, sum, inv (heads, queries), the others as acc.
void Softmax(Ints acc, Weights table, int64_t scale, const AttentionShape& shape, const Digits& digits,
             const SoftmaxOut& out, const Control& control);

// acc(t,h,v) = sum over visible s of p(h,t,s) V(s,h,v), y = floor(acc / 2^bits); p, and V (keys, heads,
// width), within int32. Of 16 bits acc has a range of its own, of more y has that of int32.
void Context(Ints p, Ints values, size_t width, const AttentionShape& shape, int bits, OutInts acc, OutInts y,
             const Control& control);

}  // namespace model
