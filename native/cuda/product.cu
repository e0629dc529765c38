// Products of integer matrices: GeMM, attention's scores and its context. A block makes one tile of the sums
// over one part of the inner dimension and adds it to memory; integer sums do not depend on the order.
#include <algorithm>
#include <vector>

#include "operations.h"
#include "runtime.h"

namespace attensor::device {

/// A block is 16 x 16 threads; it goes through the inner dimension 32 at a time.
constexpr unsigned kSide = 16, kDepth = 32;

struct Tiles {
  size_t rows, columns, parts;
  /// Of a part, a multiple of kDepth.
  size_t depth;
  /// Whether four entries along the inner dimension are one access.
  bool xQuads, wQuads;
};

/// Four entries at i, i + 1, ... of a row that ends at `end`; zeros behind it.
ATTENSOR_DEVICE uint4 LoadQuad(const int32_t* row, size_t i, size_t end, size_t stride, bool whole) {
  if (whole && i + 4 <= end) return Load(reinterpret_cast<const uint4*>(row + i));
  uint4 quad{0, 0, 0, 0};
  if (i < end) quad.x = static_cast<u32>(Load(row + i * stride));
  if (i + 1 < end) quad.y = static_cast<u32>(Load(row + (i + 1) * stride));
  if (i + 2 < end) quad.z = static_cast<u32>(Load(row + (i + 2) * stride));
  if (i + 3 < end) quad.w = static_cast<u32>(Load(row + (i + 3) * stride));
  return quad;
}

/// memory[k][i] for k, k + 1, ...: neighbouring threads have neighbouring i and meet different banks.
ATTENSOR_DEVICE void PutQuad(u32* memory, unsigned stride, unsigned k, unsigned i, const uint4& quad) {
  u32* to = memory + k * stride + i;
  to[0] = quad.x;
  to[stride] = quad.y;
  to[2 * stride] = quad.z;
  to[3 * stride] = quad.w;
}

template <unsigned count>
ATTENSOR_DEVICE void GetRow(const u32* memory, int32_t* out) {
  if constexpr (count == 4) {
    uint4 quad = *reinterpret_cast<const uint4*>(memory);
    out[0] = static_cast<int32_t>(quad.x);
    out[1] = static_cast<int32_t>(quad.y);
    out[2] = static_cast<int32_t>(quad.z);
    out[3] = static_cast<int32_t>(quad.w);
  } else {
    ATTENSOR_UNROLL
    for (unsigned i = 0; i < count; i++) out[i] = static_cast<int32_t>(memory[i]);
  }
}

/// Each thread has kX x 4 sums; `wide` ones are of the lower and the upper halves of the products.
template <unsigned kX, bool wide>
ATTENSOR_KERNEL(kBlock)
ProductKernel(ATTENSOR_PARAMETER Product p, ATTENSOR_PARAMETER Tiles tiles) {
  constexpr unsigned kW = 4, kRows = kSide * kX, kColumns = kSide * kW;
  constexpr unsigned kXLoads = kRows * kDepth / 4 / kBlock, kWLoads = kColumns * kDepth / 4 / kBlock;
  u32* xs = reinterpret_cast<u32*>(SharedMemory());
  u32* ws = xs + kDepth * kRows;
  // Blocks that share weights follow one another.
  size_t rest = blockIdx.x;
  const size_t firstRow = rest % tiles.rows * kRows;
  rest /= tiles.rows;
  const size_t firstColumn = rest % tiles.columns * kColumns;
  rest /= tiles.columns;
  const size_t begin = rest % tiles.parts * tiles.depth, batch = rest / tiles.parts;
  // What the last row of the tile sees.
  const size_t lastRow = firstRow + kRows < p.rows ? firstRow + kRows - 1 : p.rows - 1;
  size_t end = begin + tiles.depth;
  if (end > p.inner) end = p.inner;
  if (end > p.innerEnd + lastRow) end = p.innerEnd + lastRow;
  if (firstColumn >= p.outerEnd + lastRow || begin >= end) return;

  const unsigned tx = threadIdx.x % kSide, ty = threadIdx.x / kSide;
  int64_t low[kX][kW], high[wide ? kX : 1][kW];
  ATTENSOR_UNROLL
  for (unsigned i = 0; i < kX; i++) {
    ATTENSOR_UNROLL
    for (unsigned j = 0; j < kW; j++) {
      low[i][j] = 0;
      if constexpr (wide) high[i][j] = 0;
    }
  }
  uint4 xQuads[kXLoads], wQuads[kWLoads];
  auto fetch = [&](size_t k) {
    ATTENSOR_UNROLL
    for (unsigned q = 0; q < kXLoads; q++) {
      const unsigned at = threadIdx.x + q * kBlock;
      const size_t t = firstRow + at % kRows, i = k + at / kRows * 4;
      size_t last = end < p.innerEnd + t ? end : p.innerEnd + t;
      if (t >= p.rows) last = 0;
      xQuads[q] = LoadQuad(p.x + batch * p.xBatch + t * p.xRow, i, last, 1, tiles.xQuads);
    }
    ATTENSOR_UNROLL
    for (unsigned q = 0; q < kWLoads; q++) {
      const unsigned at = threadIdx.x + q * kBlock;
      const size_t o = firstColumn + at % kColumns, i = k + at / kColumns * 4;
      wQuads[q] =
          LoadQuad(p.w + batch * p.wBatch + o * p.wRow, i, o < p.outer ? end : 0, p.wColumn, tiles.wQuads);
    }
  };
  fetch(begin);
  for (size_t k = begin; k < end; k += kDepth) {
    SyncThreads();
    ATTENSOR_UNROLL
    for (unsigned q = 0; q < kXLoads; q++) {
      const unsigned at = threadIdx.x + q * kBlock;
      PutQuad(xs, kRows, at / kRows * 4, at % kRows, xQuads[q]);
    }
    ATTENSOR_UNROLL
    for (unsigned q = 0; q < kWLoads; q++) {
      const unsigned at = threadIdx.x + q * kBlock;
      PutQuad(ws, kColumns, at / kColumns * 4, at % kColumns, wQuads[q]);
    }
    SyncThreads();
    // On its way while this tile is multiplied.
    if (k + kDepth < end) fetch(k + kDepth);
    ATTENSOR_ROLLED
    for (unsigned s = 0; s < kDepth; s += 4) {
      ATTENSOR_UNROLL
      for (unsigned d = 0; d < 4; d++) {
        int32_t a[kX], b[kW];
        GetRow<kX>(xs + (s + d) * kRows + ty * kX, a);
        GetRow<kW>(ws + (s + d) * kColumns + tx * kW, b);
        ATTENSOR_UNROLL
        for (unsigned i = 0; i < kX; i++) {
          ATTENSOR_UNROLL
          for (unsigned j = 0; j < kW; j++) {
            const int64_t product = static_cast<int64_t>(a[i]) * b[j];
            if constexpr (wide) {
              low[i][j] += static_cast<int64_t>(static_cast<u32>(product));
              high[i][j] += product >> 32;
            } else {
              low[i][j] += product;
            }
          }
        }
      }
    }
  }
  ATTENSOR_UNROLL
  for (unsigned i = 0; i < kX; i++) {
    const size_t t = firstRow + ty * kX + i;
    ATTENSOR_UNROLL
    for (unsigned j = 0; j < kW; j++) {
      const size_t o = firstColumn + tx * kW + j;
      if (t >= p.rows || o >= p.outer || o >= p.outerEnd + t) continue;
      const size_t at = batch * p.sumsBatch + t * p.sumsRow + o;
      AtomicAdd(p.sums + at, low[i][j]);
      if constexpr (wide) AtomicAdd(p.high + at, high[i][j]);
    }
  }
}

static bool IsAligned(const void* memory, size_t batch, size_t row) {
  return reinterpret_cast<uintptr_t>(memory) % 16 == 0 && batch % 4 == 0 && row % 4 == 0;
}

template <unsigned kX, bool wide>
static void Start(const Product& p) {
  Tiles tiles{};
  tiles.rows = (p.rows + kSide * kX - 1) / (kSide * kX);
  tiles.columns = (p.outer + kSide * 4 - 1) / (kSide * 4);
  // Few tiles: the inner dimension is divided, too, so that there is work for the whole device.
  size_t steps = (p.inner + kDepth - 1) / kDepth, blocks = p.batches * tiles.rows * tiles.columns;
  size_t wanted = std::max<size_t>(1, size_t{Multiprocessors()} * 4 / blocks);
  size_t depth = (steps + wanted - 1) / wanted;
  tiles.depth = std::max<size_t>(depth, std::min<size_t>(steps, 4)) * kDepth;
  tiles.parts = (p.inner + tiles.depth - 1) / tiles.depth;
  tiles.xQuads = IsAligned(p.x, p.xBatch, p.xRow);
  tiles.wQuads = p.wColumn == 1 && IsAligned(p.w, p.wBatch, p.wRow);
  LaunchBlocks(ProductKernel<kX, wide>, blocks * tiles.parts, kBlock, (kSide * kX + kSide * 4) * kDepth * 4,
               p, tiles);
}

Status MultiplyMatrices(const Product* product) {
  return Guarded([&] {
    const Product& p = *product;
    if (p.batches == 0 || p.rows == 0 || p.inner == 0 || p.outer == 0) return;
    const bool few = p.rows <= 2 * kSide;
    if (p.high)
      few ? Start<2, true>(p) : Start<4, true>(p);
    else
      few ? Start<2, false>(p) : Start<4, false>(p);
  });
}

ATTENSOR_KERNEL(kBlock) SaturateKernel(int64_t* sums, const int64_t* high, size_t count) {
  const size_t i = ThreadIndex();
  if (i >= count) return;
  const int64_t low = Load(sums + i);
  const int64_t top = Load(high + i) + (low >> 32);
  int64_t sum;
  if (top > INT32_MAX)
    sum = INT64_MAX;
  else if (top < INT32_MIN)
    sum = INT64_MIN;
  else
    sum = static_cast<int64_t>(static_cast<u64>(top) << 32 | static_cast<u32>(low));
  Store(sums + i, sum);
}

Status Saturate(int64_t* sums, const int64_t* high, size_t count) {
  return Guarded([&] { LaunchFlat(SaturateKernel, count, sums, high, count); });
}

ATTENSOR_KERNEL(kBlock) MaxAbsKernel(u32* parts, const int32_t* values, size_t count) {
  u32* shared = reinterpret_cast<u32*>(SharedMemory());
  u32 max = 0;
  for (size_t i = ThreadIndex(); i < count; i += GridSize()) {
    const int32_t v = Load(values + i);
    const u32 size = v < 0 ? 0 - static_cast<u32>(v) : static_cast<u32>(v);
    max = size > max ? size : max;
  }
  shared[threadIdx.x] = max;
  for (unsigned step = kBlock / 2; step > 0; step /= 2) {
    SyncThreads();
    if (threadIdx.x < step && shared[threadIdx.x + step] > shared[threadIdx.x])
      shared[threadIdx.x] = shared[threadIdx.x + step];
  }
  if (threadIdx.x == 0) Store(parts + blockIdx.x, shared[0]);
}

u64 LargestAbs(const int32_t* values, size_t count) {
  const size_t blocks = BlocksFor(count, kBlock, 8);
  Scratch<u32> parts(blocks);
  LaunchBlocks(MaxAbsKernel, blocks, kBlock, kBlock * sizeof(u32), parts.get(), values, count);
  std::vector<u32> host(blocks);
  Download(host.data(), parts.get(), blocks * sizeof(u32));
  return *std::max_element(host.begin(), host.end());
}

Status MaxAbs(uint64_t* out, const int32_t* values, size_t count) {
  return Guarded([&] { *out = LargestAbs(values, count); });
}

}  // namespace attensor::device
