// Layers of trees of fractions (fractions.h): built, and the rounds of their sumchecks, with the variable
// before bound on the way.
#include "operations.h"
#include "sums.h"

namespace attensor::device {

ATTENSOR_KERNEL(kBlock)
AddFractionsKernel(DeviceFp* outP, DeviceFp* outQ, const DeviceFp* p, const DeviceFp* q, size_t half) {
  size_t i = ThreadIndex();
  if (i >= half) return;
  DeviceFp q0 = Load(q + i), q1 = Load(q + half + i);
  Store(outP + i, Add(Mul(Load(p + i), q1), Mul(Load(p + half + i), q0)));
  Store(outQ + i, Mul(q0, q1));
}

Status AddFractions(DeviceFp* outP, DeviceFp* outQ, const DeviceFp* p, const DeviceFp* q, size_t half) {
  return Guarded([&] { LaunchFlat(AddFractionsKernel, half, outP, outQ, p, q, half); });
}

struct FractionArguments {
  FractionLayer layer;
  DeviceFp challenge;
  u64 half;
};

struct Pair {
  DeviceFp low, high;
};

/// Entries i and half + i of a column; folded and stored first, if there is a challenge.
template <bool fold>
ATTENSOR_DEVICE Pair LoadPair(const FractionArguments& a, int column, size_t i) {
  const DeviceFp* from = a.layer.in[column] + i;
  Pair pair{Load(from), Load(from + a.half)};
  if (fold) {
    pair.low = Fold(pair.low, Load(from + 2 * a.half), a.challenge);
    pair.high = Fold(pair.high, Load(from + 3 * a.half), a.challenge);
    Store(a.layer.out[column] + i, pair.low);
    Store(a.layer.out[column] + a.half + i, pair.high);
  }
  return pair;
}

template <bool fold>
ATTENSOR_KERNEL(kBlock)
FractionKernel(DeviceFp* parts, ATTENSOR_PARAMETER FractionArguments a) {
  DeviceFp slope = ZeroFp(), top = ZeroFp();
  for (size_t i = ThreadIndex(); i < a.half; i += GridSize()) {
    DeviceFp rise = ZeroFp(), square = ZeroFp();
    // a q1, then p q0
    ATTENSOR_ROLLED
    for (int product = 0; product < 2; product++) {
      Pair x = LoadPair<fold>(a, product, i), y = LoadPair<fold>(a, 3 - product, i);
      rise = Add(rise, Sub(Mul(x.high, y.high), Mul(x.low, y.low)));
      square = Add(square, Mul(Sub(x.high, x.low), Sub(y.high, y.low)));
    }
    DeviceFp eq = Load(a.layer.in[4] + i);
    if (fold) {
      eq = Add(eq, Load(a.layer.in[4] + a.half + i));
      Store(a.layer.out[4] + i, eq);
    }
    slope = Add(slope, Mul(eq, rise));
    top = Add(top, Mul(eq, square));
  }
  SharedFp memory(SharedMemory(), kBlock);
  slope = BlockSum(memory, slope, kBlock);
  top = BlockSum(memory, top, kBlock);
  if (threadIdx.x == 0) {
    Store(parts + blockIdx.x, slope);
    Store(parts + gridDim.x + blockIdx.x, top);
  }
}

Status FractionRound(Fp* slope, Fp* top, const FractionLayer* layer, size_t half, const Fp* challenge) {
  return Guarded([&] {
    FractionArguments a{*layer, {}, half};
    if (challenge) a.challenge = FromHost(*challenge);
    size_t blocks = BlocksFor(half, kBlock, 8);
    Scratch<DeviceFp> parts(2 * (blocks + 1));
    auto kernel = challenge ? FractionKernel<true> : FractionKernel<false>;
    LaunchBlocks(kernel, blocks, kBlock, kBlock * sizeof(DeviceFp), parts.get() + 2, a);
    Fp sums[2];
    FinishSums(sums, parts.get(), parts.get() + 2, 2, blocks);
    *slope = sums[0];
    *top = sums[1];
  });
}

}  // namespace attensor::device
