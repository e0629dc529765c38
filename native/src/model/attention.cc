#include "attention.h"

#include <algorithm>
#include <vector>

#include "on_device.h"

namespace model {

namespace {

// Values narrowed to int32; `per_row` entries make one row of the component.
std::vector<int32_t> Narrow(Ints values, size_t per_row) {
  std::vector<int32_t> out(values.size());
  for (size_t i = 0; i < out.size(); i++) {
    out[i] = static_cast<int32_t>(CheckInt32(values[i], i / per_row, i % per_row));
  }
  return out;
}

template <typename Sum>
Sum Dot(const int32_t* a, const int32_t* b, size_t n) {
  Sum sum = 0;
  for (size_t i = 0; i < n; i++) sum += static_cast<int64_t>(a[i]) * b[i];
  return sum;
}

}  // namespace

void Scores(Ints qn64, Ints kn64, Ints qr64, Ints kr64, size_t nope, size_t rope, const AttentionShape& shape,
            bool all_pairs, OutInts acc, const Control& control) {
  const auto [start, queries, keys, heads] = shape;
  const auto qn = Narrow(qn64, heads * nope), kn = Narrow(kn64, heads * nope);
  const auto qr = Narrow(qr64, heads * rope), kr = Narrow(kr64, rope);
  const uint128 bound = static_cast<uint128>(MaxAbs(Weights(qn))) * MaxAbs(Weights(kn)) * nope +
                        static_cast<uint128>(MaxAbs(Weights(qr))) * MaxAbs(Weights(kr)) * rope;
  const bool narrow = bound <= static_cast<uint128>(std::numeric_limits<int64_t>::max());
  if (on_device::Scores(qn, kn, qr, kr, nope, rope, shape, all_pairs, narrow, acc, control)) return;
  std::fill(acc.begin(), acc.end(), 0);
  const double work = static_cast<double>(acc.size()) * (nope + rope);
  ParallelFor(heads * queries, work, [&](size_t first, size_t last) {
    for (size_t r = first; r < last; r++) {
      control.Check("mul1");
      const size_t h = r / queries, t = r % queries, visible = start + t + 1;
      const int32_t* q1 = qn.data() + (t * heads + h) * nope;
      const int32_t* q2 = qr.data() + (t * heads + h) * rope;
      for (size_t s = 0; s < (all_pairs ? keys : visible); s++) {
        const int32_t* k1 = kn.data() + (s * heads + h) * nope;
        const int32_t* k2 = kr.data() + s * rope;
        const int128 sum = narrow ? Dot<int64_t>(q1, k1, nope) + Dot<int64_t>(q2, k2, rope)
                                  : Dot<int128>(q1, k1, nope) + Dot<int128>(q2, k2, rope);
        if (s < visible && (sum < -kAccLimit || sum >= kAccLimit)) {
          throw Failure(Width::kAccumulator, t, h * keys + s, sum);
        }
        if (sum != Saturate(sum)) throw Failure(Width::kMaskedScore, t, h * keys + s, sum);
        acc[r * keys + s] = static_cast<int64_t>(sum);
      }
    }
  });
}

void Softmax(Ints acc, Weights table, int64_t scale, const AttentionShape& shape, const Digits& digits,
             const SoftmaxOut& out, const Control& control) {
  const auto [start, queries, keys, heads] = shape;
  constexpr int64_t kLast = 65535;
  // acc is at 2^32, z at 2^12
  const int shift = digits.scale + 20;
  const int64_t one = (int64_t{1} << (16 + digits.probability)) - 1;
  ParallelFor(heads * queries, 8.0 * acc.size(), [&](size_t first, size_t last) {
    for (size_t r = first; r < last; r++) {
      control.Check("softmax");
      const size_t visible = start + r % queries + 1, at = r * keys;
      for (size_t s = 0; s < keys; s++) {
        out.z[at + s] = static_cast<int64_t>((static_cast<int128>(acc[at + s]) * scale) >> shift);
      }
      const int64_t max = *std::max_element(out.z.begin() + at, out.z.begin() + at + visible);
      int64_t sum = 0;
      for (size_t s = 0; s < keys; s++) {
        const bool seen = s < visible;
        const int64_t u = seen ? max - out.z[at + s] : kLast;
        out.c[at + s] = std::min(u, kLast);
        out.o[at + s] = u - out.c[at + s];
        out.e[at + s] = table[out.c[at + s]];
        if (seen) sum += out.e[at + s];
      }
      const int64_t inv = one / sum;
      for (size_t s = 0; s < keys; s++) out.p[at + s] = s < visible ? (out.e[at + s] * inv) >> 16 : 0;
      out.max[r] = max;
      out.sum[r] = sum;
      out.inv[r] = inv;
    }
  });
}

void Context(Ints p64, Ints values64, size_t width, const AttentionShape& shape, int bits, OutInts acc,
             OutInts y, const Control& control) {
  const auto [start, queries, keys, heads] = shape;
  const auto p = Narrow(p64, keys), values = Narrow(values64, heads * width);
  // A row of probabilities adds up to 1, whatever the number of keys.
  uint64_t most = 0;
  for (size_t r = 0; r < heads * queries; r++) {
    uint64_t row = 0;
    for (size_t s = 0; s < keys; s++)
      row += static_cast<uint64_t>(std::abs(static_cast<int64_t>(p[r * keys + s])));
    most = std::max(most, row);
  }
  const uint128 bound = static_cast<uint128>(most) * MaxAbs(Weights(values));
  const bool narrow = bound <= static_cast<uint128>(std::numeric_limits<int64_t>::max());
  if (on_device::Context(p, values, width, shape, bits, narrow, acc, y, control)) return;
  const double work = static_cast<double>(queries) * heads * width * keys;
  ParallelFor(queries, work, [&](size_t first, size_t last) {
    std::vector<int64_t> sums(width);
    std::vector<int128> wide(width);
    auto add_up = [&](auto& into, size_t t, size_t h) {
      std::fill(into.begin(), into.end(), 0);
      for (size_t s = 0; s <= start + t; s++) {
        const int64_t weight = p[(h * queries + t) * keys + s];
        const int32_t* v = values.data() + (s * heads + h) * width;
        for (size_t i = 0; i < width; i++) into[i] += weight * v[i];
      }
    };
    for (size_t t = first; t < last; t++) {
      for (size_t h = 0; h < heads; h++) {
        control.Check("mul2");
        if (narrow) {
          add_up(sums, t, h);
        } else {
          add_up(wide, t, h);
        }
        for (size_t i = 0; i < width; i++) {
          const int128 sum = narrow ? sums[i] : wide[i];
          if (bits == 16 && (sum < -kAccLimit || sum >= kAccLimit))
            throw Failure(Width::kAccumulator, t, h * width + i, sum);
          const size_t at = (t * heads + h) * width + i;
          y[at] = CheckInt32(sum >> bits, t, h * width + i);
          acc[at] = static_cast<int64_t>(sum);
        }
      }
    }
  });
}

}  // namespace model
