// The backend's vector kernels one element at a time.
#include "kernels.h"

namespace attensor::scalar {

void Butterfly(Fp* low, Fp* high, const Fp* w, size_t count) {
  for (size_t i = 0; i < count; i++) {
    Fp u = low[i], v = Mul(high[i], w[i]);
    low[i] = Add(u, v);
    high[i] = Sub(u, v);
  }
}

void Butterfly4(Fp* a, size_t quarter, const Fp* inner, const Fp* outer) {
  for (size_t i = 0; i < quarter; i++) {
    Fp *at0 = a + i, *at1 = at0 + quarter, *at2 = at1 + quarter, *at3 = at2 + quarter;
    Fp x1 = Mul(*at1, inner[i]), x3 = Mul(*at3, inner[i]);
    Fp y0 = Add(*at0, x1), y1 = Sub(*at0, x1);
    Fp y2 = Mul(Add(*at2, x3), outer[i]), y3 = Mul(Sub(*at2, x3), outer[quarter + i]);
    *at0 = Add(y0, y2);
    *at1 = Add(y1, y3);
    *at2 = Sub(y0, y2);
    *at3 = Sub(y1, y3);
  }
}

void Fold(Fp* out, const Fp* low, const Fp* high, const Fp& r, size_t count) {
  for (size_t i = 0; i < count; i++) out[i] = Add(low[i], Mul(r, Sub(high[i], low[i])));
}

void Dot(Wide& sum, const Fp* a, const Fp* b, size_t count) {
  for (size_t i = 0; i < count; i++) MulAccumulate(sum, a[i], b[i]);
}

void Linear(Fp* out, const Fp* base, const Fp* const* vecs, const Fp* coefs, size_t terms, size_t count) {
  for (size_t i = 0; i < count; i++) {
    Fp x;
    if (terms == 1) {
      x = Mul(coefs[0], vecs[0][i]);
    } else {
      Wide sum;
      for (size_t k = 0; k < terms; k++) MulAccumulate(sum, coefs[k], vecs[k][i]);
      x = Reduce(sum);
    }
    out[i] = base ? Add(base[i], x) : x;
  }
}

void AddFractions(Fp* outP, Fp* outQ, const Fp* p, const Fp* q, size_t half, size_t count) {
  for (size_t i = 0; i < count; i++) {
    Wide sum;
    MulAccumulate(sum, p[i], q[half + i]);
    MulAccumulate(sum, p[half + i], q[i]);
    outP[i] = Reduce(sum);
    outQ[i] = Mul(q[i], q[half + i]);
  }
}

void FractionRound(const FractionColumns& columns, size_t half, size_t first, size_t count, Wide& slope,
                   Wide& top) {
  const auto& [a, p, q0, q1, eq] = columns;
  for (size_t i = first; i < first + count; i++) {
    size_t k = half + i;
    Wide at0, at1, square;
    MulAccumulate(at0, a[i], q1[i]);
    MulAccumulate(at0, p[i], q0[i]);
    MulAccumulate(at1, a[k], q1[k]);
    MulAccumulate(at1, p[k], q0[k]);
    MulAccumulate(square, Sub(a[k], a[i]), Sub(q1[k], q1[i]));
    MulAccumulate(square, Sub(p[k], p[i]), Sub(q0[k], q0[i]));
    MulAccumulate(slope, eq[i], Sub(Reduce(at1), Reduce(at0)));
    MulAccumulate(top, eq[i], Reduce(square));
  }
}

void IntegerSums(int64_t* sums, const int32_t* values, size_t rowStride, size_t step, size_t rows,
                 const Digits* factors, size_t count) {
  for (size_t r = 0; r < rows; r++, sums += 8)
    for (size_t j = 0; j < count; j++)
      for (int i = 0; i < 8; i++) sums[i] += int64_t{values[r * rowStride + j * step]} * factors[j].d[i];
}

namespace {

// Pairs evaluated per dispatched step: registers of a block stay in the first cache levels.
constexpr size_t kBlock = 32;

/// acc += x
void Accumulate(Wide& acc, const Fp& x) {
  u64 carry = 0;
  for (int i = 0; i < 4; i++) acc.l[i] = portable::AddCarry(acc.l[i], x.l[i], carry);
  acc.l[4] += carry;
}

}  // namespace

void SumcheckRound(const SumcheckPlan& plan, const Fp* const* columns, size_t half, size_t first,
                   size_t count, Wide* sums) {
  std::vector<Fp> values(plan.registers * kBlock), steps(plan.columns * kBlock);
  std::vector<const Fp*> regs(plan.registers);
  for (size_t r = plan.columns; r < plan.registers; r++) regs[r] = &values[r * kBlock];
  for (size_t k = 0; k < plan.constants.size(); k++)
    for (size_t i = 0; i < kBlock; i++) values[(plan.columns + k) * kBlock + i] = plan.constants[k];

  for (size_t end = first + count; first < end; first += kBlock) {
    size_t n = end - first < kBlock ? end - first : kBlock;
    for (size_t x = 0, point = 0; point < plan.points(); x = ++point + 1) {
      for (size_t c = 0; c < plan.columns; c++) {
        const Fp *lo = columns[c] + first, *hi = lo + half;
        Fp *value = &values[c * kBlock], *step = &steps[c * kBlock];
        if (x == 0) {
          regs[c] = lo;
          continue;
        }
        if (x == 2) {
          for (size_t i = 0; i < n; i++) step[i] = Sub(hi[i], lo[i]);
          for (size_t i = 0; i < n; i++) value[i] = hi[i];
          regs[c] = value;
        }
        for (size_t i = 0; i < n; i++) value[i] = Add(value[i], step[i]);
      }
      for (const auto& [instruction, out] : plan.steps) {
        const Fp *a = regs[instruction.left], *b = regs[instruction.right];
        Fp* to = &values[out * kBlock];
        switch (instruction.op) {
          case Op::kAdd:
            for (size_t i = 0; i < n; i++) to[i] = Add(a[i], b[i]);
            break;
          case Op::kSub:
            for (size_t i = 0; i < n; i++) to[i] = Sub(a[i], b[i]);
            break;
          case Op::kMul:
            for (size_t i = 0; i < n; i++) to[i] = Mul(a[i], b[i]);
            break;
        }
      }
      for (const auto& [product, left, right, sum] : plan.summands) {
        Wide& acc = sums[point * plan.sums.size() + sum];
        if (product)
          Dot(acc, regs[left], regs[right], n);
        else
          for (size_t i = 0; i < n; i++) Accumulate(acc, regs[left][i]);
      }
    }
  }
}

}  // namespace attensor::scalar
