// Rounds of a sumcheck: the plan interpreted by every thread, for one pair of entries at one point. The
// threads of a block take the same pairs at all points, so that the columns come from device memory once.
// With a challenge the block first binds the variable before, on the same entries: one pass for both.
#include <algorithm>

#include "operations.h"
#include "sums.h"

namespace attensor::device {
namespace {

struct SumcheckArguments {
  const DeviceFp* in[kMaxColumns];
  DeviceFp* out[kMaxColumns];
  SumcheckCode code[kMaxCode];
  DeviceFp values[kMaxConstants];
  DeviceFp challenge;
  u64 half;
  u32 columns, constants, instructions, pairs, pairsLog;
  bool fold;
};

/// What a launch can pass.
static_assert(sizeof(SumcheckArguments) <= 32764 - 64);

constexpr size_t kShared = 48 << 10;

}  // namespace

/// Operands of one thread.
struct Operands {
  const SumcheckArguments& a;
  SharedFp slots;
  size_t pair;
  u32 x;

  ATTENSOR_DEVICE_MEMBER DeviceFp Get(u32 operand) const {
    if (operand >= a.columns + a.constants)
      return slots.Get((operand - a.columns - a.constants) * blockDim.x + threadIdx.x);
    if (operand >= a.columns) return a.values[operand - a.columns];
    const DeviceFp* column = (a.fold ? a.out[operand] : a.in[operand]) + pair;
    DeviceFp value = Load(column);
    if (x == 0) return value;
    // low + x (high - low) from the upper end.
    DeviceFp high = Load(column + a.half), step = Sub(high, value);
    for (u32 k = 1; k < x; k++) high = Add(high, step);
    return high;
  }
};

ATTENSOR_KERNEL(kBlock)
SumcheckKernel(DeviceFp* parts, ATTENSOR_PARAMETER SumcheckArguments a, u32 slots) {
  u32 point = threadIdx.x >> a.pairsLog, lane = threadIdx.x & (a.pairs - 1);
  SharedFp memory(SharedMemory(), slots * blockDim.x);
  DeviceFp result = ZeroFp();
  for (size_t first = size_t{blockIdx.x} * a.pairs; first < a.half; first += size_t{gridDim.x} * a.pairs) {
    if (a.fold) {
      for (u32 k = threadIdx.x; k < a.columns * 2 * a.pairs; k += blockDim.x) {
        u32 column = k >> (a.pairsLog + 1), rest = k & (2 * a.pairs - 1);
        size_t at = first + (rest & (a.pairs - 1));
        if (at >= a.half) continue;
        if (rest >= a.pairs) at += a.half;
        const DeviceFp* from = a.in[column] + at;
        Store(a.out[column] + at, Fold(Load(from), Load(from + 2 * a.half), a.challenge));
      }
      SyncThreads();
    }
    if (first + lane >= a.half) continue;
    Operands operands{a, memory, first + lane, point == 0 ? 0 : point + 1};
    DeviceFp sum = ZeroFp();
    for (u32 k = 0; k < a.instructions; k++) {
      const SumcheckCode code = a.code[k];
      if (code.op == SumcheckOp::kTake) {
        result = Add(result, sum);
        sum = ZeroFp();
        continue;
      }
      DeviceFp left = operands.Get(code.left), right = sum;
      if (code.op < SumcheckOp::kAddValue) right = operands.Get(code.right);
      // One place for products: it is most of the kernel's code.
      if (code.op == SumcheckOp::kMul || code.op == SumcheckOp::kAddProduct || code.op == SumcheckOp::kWeigh)
        left = Mul(left, right);
      if (code.op == SumcheckOp::kAdd) left = Add(left, right);
      if (code.op == SumcheckOp::kSub) left = Sub(left, right);
      if (code.op <= SumcheckOp::kMul) {
        memory.Put(code.out * blockDim.x + threadIdx.x, left);
      } else if (code.op == SumcheckOp::kWeigh) {
        result = Add(result, left);
        sum = ZeroFp();
      } else {
        sum = Add(sum, left);
      }
    }
  }
  result = BlockSum(SharedFp(SharedMemory(), blockDim.x), result, a.pairs);
  if (lane == 0) Store(parts + point * gridDim.x + blockIdx.x, result);
}

Status SumcheckRound(Fp* values, const SumcheckProgram* program, const DeviceFp* const* in,
                     DeviceFp* const* out, size_t half, const Fp* challenge) {
  return Guarded([&] {
    const SumcheckProgram& p = *program;
    if (p.columns > kMaxColumns || p.constants > kMaxConstants || p.instructions > kMaxCode ||
        p.points > kMaxPoints)
      Unsupported("a sumcheck program of this size");
    u32 slots = std::max(1u, p.slots), pairs = kBlock;
    while (pairs > 1 &&
           (pairs * p.points > kBlock || size_t{pairs} * p.points * slots * sizeof(DeviceFp) > kShared))
      pairs /= 2;
    size_t shared = size_t{pairs} * p.points * slots * sizeof(DeviceFp);
    if (shared > kShared) Unsupported("a sumcheck program with this many intermediate values");
    auto a = std::make_unique<SumcheckArguments>();
    for (u32 c = 0; c < p.columns; c++) {
      a->in[c] = in[c];
      if (challenge) a->out[c] = out[c];
    }
    std::copy_n(p.code, p.instructions, a->code);
    for (u32 k = 0; k < p.constants; k++) a->values[k] = FromHost(p.values[k]);
    if (challenge) a->challenge = FromHost(*challenge);
    a->half = half;
    a->columns = p.columns;
    a->constants = p.constants;
    a->instructions = p.instructions;
    a->pairs = pairs;
    a->pairsLog = static_cast<u32>(__builtin_ctz(pairs));
    a->fold = challenge != nullptr;
    size_t blocks = BlocksFor(half, pairs, 8);
    Scratch<DeviceFp> parts((blocks + 1) * p.points);
    DeviceFp* rest = parts.get() + p.points;
    LaunchBlocks(SumcheckKernel, blocks, pairs * p.points, shared, rest, *a, slots);
    FinishSums(values, parts.get(), rest, p.points, blocks);
  });
}

struct FoldArguments {
  const DeviceFp* in[kMaxColumns];
  DeviceFp* out[kMaxColumns];
  DeviceFp challenge;
  u64 half;
  u32 blocksPerColumn;
};

ATTENSOR_KERNEL(kBlock) FoldKernel(ATTENSOR_PARAMETER FoldArguments a) {
  u32 column = blockIdx.x / a.blocksPerColumn;
  size_t at = size_t{blockIdx.x % a.blocksPerColumn} * kBlock + threadIdx.x;
  if (at >= a.half) return;
  const DeviceFp* from = a.in[column] + at;
  Store(a.out[column] + at, Fold(Load(from), Load(from + a.half), a.challenge));
}

Status FoldColumns(DeviceFp* const* out, const DeviceFp* const* in, size_t columns, size_t half,
                   const Fp* r) {
  return Guarded([&] {
    for (size_t first = 0; first < columns; first += kMaxColumns) {
      u32 n = static_cast<u32>(std::min<size_t>(kMaxColumns, columns - first));
      FoldArguments a{};
      std::copy_n(in + first, n, a.in);
      std::copy_n(out + first, n, a.out);
      a.challenge = FromHost(*r);
      a.half = half;
      size_t blocks = (half + kBlock - 1) / kBlock;
      if (blocks * n > 0x7fffffff) Unsupported("columns of this length");
      a.blocksPerColumn = static_cast<u32>(blocks);
      LaunchFlat(FoldKernel, blocks * n * kBlock, a);
    }
  });
}

}  // namespace attensor::device
