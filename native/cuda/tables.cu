// Tables of eq and of powers, and evaluations against them. A long table is the outer product of two short
// ones, whose entries are computed each by itself.
#include <algorithm>

#include "integers.h"
#include "operations.h"
#include "sums.h"

namespace attensor::device {
namespace {

constexpr size_t kVariables = 34;

struct Point {
  DeviceFp at[kVariables], scale;
  u32 variables;
};

Point MakePoint(const Fp* point, size_t variables, const Fp& scale) {
  if (variables > kVariables) Unsupported("more than 34 variables");
  Point p{};
  for (size_t j = 0; j < variables; j++) p.at[j] = FromHost(point[j]);
  p.scale = FromHost(scale);
  p.variables = static_cast<u32>(variables);
  return p;
}

}  // namespace

ATTENSOR_KERNEL(kBlock) EqKernel(DeviceFp* out, ATTENSOR_PARAMETER Point p) {
  size_t b = ThreadIndex();
  if (b >= size_t{1} << p.variables) return;
  DeviceFp x = p.scale;
  for (u32 j = 0; j < p.variables; j++) {
    DeviceFp one = Mul(x, p.at[j]);
    x = b >> (p.variables - 1 - j) & 1 ? one : Sub(x, one);
  }
  Store(out + b, x);
}

ATTENSOR_KERNEL(kBlock)
OuterKernel(DeviceFp* out, const DeviceFp* high, const DeviceFp* low, u32 logLow, size_t count, bool add) {
  size_t i = ThreadIndex();
  if (i >= count) return;
  DeviceFp x = Mul(Load(high + (i >> logLow)), Load(low + (i & ((size_t{1} << logLow) - 1))));
  Store(out + i, add ? Add(Load(out + i), x) : x);
}

/// out[t n + j] = coefs[t] xs[t]^(j step), a coefficient of one where there are none.
ATTENSOR_KERNEL(kBlock)
PowersKernel(DeviceFp* out, const DeviceFp* xs, const DeviceFp* coefs, size_t terms, size_t n, u64 step) {
  size_t i = ThreadIndex();
  if (i >= terms * n) return;
  size_t term = i / n;
  DeviceFp power = Load(xs + term), x = coefs ? Load(coefs + term) : OneFp();
  for (u64 e = i % n * step; e; e >>= 1) {
    if (e & 1) x = Mul(x, power);
    if (e > 1) power = Mul(power, power);
  }
  Store(out + i, x);
}

Status EqTable(DeviceFp* out, const Fp* point, size_t variables, const Fp* scale, bool add) {
  return Guarded([&] {
    size_t lows = variables / 2, highs = variables - lows;
    Scratch<DeviceFp> low(size_t{1} << lows), high(size_t{1} << highs);
    LaunchFlat(EqKernel, size_t{1} << lows, low.get(), MakePoint(point + highs, lows, kOne));
    LaunchFlat(EqKernel, size_t{1} << highs, high.get(), MakePoint(point, highs, *scale));
    size_t count = size_t{1} << variables;
    LaunchFlat(OuterKernel, count, out, high.get(), low.get(), static_cast<u32>(lows), count, add);
  });
}

/// Sum over i of v[i] high[i / 2^logLow] low[i % 2^logLow]. The number of threads is a multiple of low's
/// length, so that each stays in one column and takes its factor once.
ATTENSOR_KERNEL(kBlock)
EvaluateKernel(DeviceFp* parts, const DeviceFp* v, size_t count, const DeviceFp* high, const DeviceFp* low,
               u32 logLow) {
  DeviceFp sum = ZeroFp();
  for (size_t i = ThreadIndex(); i < count; i += GridSize())
    sum = Add(sum, Mul(Load(v + i), Load(high + (i >> logLow))));
  sum = Mul(sum, Load(low + (ThreadIndex() & ((size_t{1} << logLow) - 1))));
  sum = BlockSum(SharedFp(SharedMemory(), kBlock), sum, kBlock);
  if (threadIdx.x == 0) Store(parts + blockIdx.x, sum);
}

static void Evaluate(Fp* out, const DeviceFp* v, size_t count, const DeviceFp* high, const DeviceFp* low,
                     u32 logLow) {
  size_t multiple = std::max<size_t>(1, (size_t{1} << logLow) / kBlock);
  size_t blocks = (BlocksFor(count, kBlock, 8) + multiple - 1) / multiple * multiple;
  Scratch<DeviceFp> parts(blocks + 1);
  LaunchBlocks(EvaluateKernel, blocks, kBlock, kBlock * sizeof(DeviceFp), parts.get() + 1, v, count, high,
               low, logLow);
  FinishSums(out, parts.get(), parts.get() + 1, 1, blocks);
}

Status EvalMle(Fp* out, const DeviceFp* v, const Fp* point, size_t variables) {
  return Guarded([&] {
    size_t lows = std::min<size_t>(variables, 10), highs = variables - lows;
    Scratch<DeviceFp> low(size_t{1} << lows), high(size_t{1} << highs);
    LaunchFlat(EqKernel, size_t{1} << lows, low.get(), MakePoint(point + highs, lows, kOne));
    LaunchFlat(EqKernel, size_t{1} << highs, high.get(), MakePoint(point, highs, kOne));
    Evaluate(out, v, size_t{1} << variables, high.get(), low.get(), static_cast<u32>(lows));
  });
}

Status EvalPow(Fp* out, const DeviceFp* v, size_t count, const Fp* x) {
  return Guarded([&] {
    constexpr u32 kLog = 10;
    size_t width = size_t{1} << kLog, rows = (count + width - 1) / width;
    Scratch<DeviceFp> base(1), low(width), high(std::max<size_t>(1, rows));
    Upload(base.get(), x, sizeof *x);
    LaunchFlat(PowersKernel, width, low.get(), base.get(), nullptr, size_t{1}, width, u64{1});
    LaunchFlat(PowersKernel, rows, high.get(), base.get(), nullptr, size_t{1}, rows, u64{width});
    Evaluate(out, v, count, high.get(), low.get(), kLog);
  });
}

/// parts[i blocks + block]: a block's share of sum_b values[b] xs[i]^b; each thread stays in one column as
/// in EvaluateKernel.
ATTENSOR_KERNEL(kBlock)
EvalIntsKernel(DeviceFp* parts, const int32_t* values, size_t count, const DeviceFp* high, size_t rows,
               const DeviceFp* low, u32 logLow, u32 blocks, u64 terms) {
  size_t point = blockIdx.x / blocks, thread = size_t{blockIdx.x % blocks} * kBlock + threadIdx.x;
  IntegerSum inner(terms);
  for (size_t i = thread; i < count; i += size_t{blocks} * kBlock)
    inner.Add(Load(values + i), Load(high + point * rows + (i >> logLow)));
  size_t width = size_t{1} << logLow;
  DeviceFp sum = Mul(inner.Total(), Load(low + point * width + (thread & (width - 1))));
  sum = BlockSum(SharedFp(SharedMemory(), kBlock), sum, kBlock);
  if (threadIdx.x == 0) Store(parts + blockIdx.x, sum);
}

Status EvalInts(Fp* out, const int32_t* values, size_t count, const Fp* xs, size_t points) {
  return Guarded([&] {
    constexpr u32 kLog = 10;
    size_t width = size_t{1} << kLog, rows = std::max<size_t>(1, (count + width - 1) / width);
    if (points == 0) return;
    u64 terms = TermsPerFold(LargestAbs(values, count));
    Scratch<DeviceFp> bases(points), low(points * width), high(points * rows);
    Upload(bases.get(), xs, points * sizeof(Fp));
    LaunchFlat(PowersKernel, points * width, low.get(), bases.get(), nullptr, points, width, u64{1});
    LaunchFlat(PowersKernel, points * rows, high.get(), bases.get(), nullptr, points, rows, u64{width});
    size_t multiple = width / kBlock;
    size_t blocks = (BlocksFor(count, kBlock, 8) + multiple - 1) / multiple * multiple;
    Scratch<DeviceFp> parts(points * blocks), finished(points);
    LaunchBlocks(EvalIntsKernel, points * blocks, kBlock, kBlock * sizeof(DeviceFp), parts.get(), values,
                 count, high.get(), rows, low.get(), kLog, static_cast<u32>(blocks), terms);
    FinishSums(out, finished.get(), parts.get(), points, blocks);
  });
}

constexpr u32 kPowLog = 12;
/// Rows that one thread takes, so that it reads a power for all of them.
constexpr size_t kPowRows = 4;

/// target[row][k] += sum_t high[t][row] low[t][k], rows of 2^kPowLog.
ATTENSOR_KERNEL(kBlock)
AddPowsKernel(DeviceFp* target, size_t count, const DeviceFp* high, const DeviceFp* low, size_t terms,
              size_t rows) {
  size_t thread = ThreadIndex(), k = thread & ((size_t{1} << kPowLog) - 1),
         first = (thread >> kPowLog) * kPowRows;
  if (first >= rows) return;
  DeviceFp sums[kPowRows];
  ATTENSOR_UNROLL
  for (size_t r = 0; r < kPowRows; r++) sums[r] = ZeroFp();
  for (size_t t = 0; t < terms; t++) {
    DeviceFp power = Load(low + (t << kPowLog) + k);
    ATTENSOR_UNROLL
    for (size_t r = 0; r < kPowRows; r++)
      if (first + r < rows) sums[r] = Add(sums[r], Mul(power, Load(high + t * rows + first + r)));
  }
  ATTENSOR_UNROLL
  for (size_t r = 0; r < kPowRows; r++) {
    size_t i = ((first + r) << kPowLog) + k;
    if (i < count) Store(target + i, Add(Load(target + i), sums[r]));
  }
}

Status AddPows(DeviceFp* target, size_t count, const Fp* coefs, const Fp* xs, size_t terms) {
  return Guarded([&] {
    if (terms == 0 || count == 0) return;
    size_t width = size_t{1} << kPowLog, rows = (count + width - 1) / width;
    Scratch<DeviceFp> inputs(2 * terms), low(terms * width), high(terms * rows);
    Upload(inputs.get(), xs, terms * sizeof(Fp));
    Upload(inputs.get() + terms, coefs, terms * sizeof(Fp));
    LaunchFlat(PowersKernel, terms * width, low.get(), inputs.get(), nullptr, terms, width, u64{1});
    LaunchFlat(PowersKernel, terms * rows, high.get(), inputs.get(), inputs.get() + terms, terms, rows,
               u64{width});
    size_t groups = (rows + kPowRows - 1) / kPowRows;
    LaunchFlat(AddPowsKernel, groups << kPowLog, target, count, high.get(), low.get(), terms, rows);
  });
}

}  // namespace attensor::device
