// The border between the addon and the library that drives a GPU: a table of functions, obtained by the one
// symbol the library exports. The addon opens the library at run time, so that it starts without one.
//
// `Fp` is an element in the host's memory, `DeviceFp` one in the device's; the same 32 bytes. Functions that
// only start work return before it is done; everything runs in the order of the calls, whatever thread they
// come from. Functions with results in host memory wait for them.
#pragma once

#include <cstddef>
#include <cstdint>

#include "prover/fp.h"

namespace attensor::device {

constexpr const char* kSymbol = "attensor_device_open";

struct alignas(32) DeviceFp {
  uint32_t l[8];
};

enum class Status : int32_t {
  kOk = 0,
  /// There is no GPU, or none that the driver or this library can use.
  kMissing = 1,
  /// Nothing was started and nothing was changed.
  kOutOfMemory = 2,
  /// The sizes are beyond what the kernel takes. Nothing was started.
  kUnsupported = 3,
  /// The device failed; what its memory holds is lost.
  kFailed = 4,
};

/// A view of a vector: `count` axes with sizes and strides, the last one runs fastest.
constexpr uint32_t kMaxAxes = 8;
struct View {
  uint32_t count;
  uint64_t sizes[kMaxAxes], strides[kMaxAxes];
};

/// A round of a sumcheck as the device runs it. Operands number the columns, then the constants, then slots,
/// which hold results as long as they are needed. Summands are added up in a partial sum; kWeigh adds it to
/// the result, times constant `left`, and starts the next one, kTake does without the factor.
enum class SumcheckOp : uint16_t { kAdd, kSub, kMul, kAddProduct, kAddValue, kWeigh, kTake };
struct SumcheckCode {
  SumcheckOp op;
  uint16_t out, left, right;
};
constexpr uint32_t kMaxColumns = 512, kMaxConstants = 256, kMaxCode = 1536, kMaxPoints = 64;
struct SumcheckProgram {
  /// Values of the round polynomial: at 0, 2, 3, …
  uint32_t columns, constants, slots, instructions, points;
  SumcheckCode code[kMaxCode];
  Fp values[kMaxConstants];
};

/// The columns of a fraction layer's sumcheck (fractions.h): a, p, q0, q1, then eq, half as long.
struct FractionLayer {
  const DeviceFp* in[5];
  DeviceFp* out[5];
};

/// A product of integer matrices: sums(b,t,o) += sum_k x(b,t,k) w(b,o,k) over k < innerEnd + t, for o <
/// outerEnd + t only. Strides are in entries; a column of x has stride 1. Sums wrap; with `high` there are
/// two of them for each entry, of the products' lower and upper 32 bits, and none wraps.
constexpr uint64_t kNoEnd = uint64_t{1} << 62;
struct Product {
  const int32_t *x, *w;
  int64_t *sums, *high;
  uint64_t batches, rows, inner, outer;
  uint64_t xBatch, xRow, wBatch, wRow, wColumn, sumsBatch, sumsRow;
  uint64_t innerEnd, outerEnd;
};

/// A level of trees of compressions (poseidon2.h): entry k of item i at data[i itemStride + k entryStride].
/// Behind its `entries` an item has `padding` up to `padded` entries, then zeros.
struct CompressedLevel {
  uint64_t itemStride, entryStride, items, entries, padded;
  Fp padding;
};

/// What a device is.
struct Info {
  char name[128];
  uint64_t memory, limit, used;
  /// Bytes transferred so far.
  uint64_t uploaded, downloaded;
  int32_t major, minor;
};

struct Table {
  /// Of the failure last returned to this thread.
  const char* (*message)();
  Status (*info)(Info* out);

  Status (*allocate)(size_t bytes, void** out);
  void (*release)(void* memory);
  Status (*upload)(void* to, const void* from, size_t bytes);
  Status (*download)(void* to, const void* from, size_t bytes);
  Status (*copy)(void* to, const void* from, size_t bytes);
  Status (*zero)(void* to, size_t bytes);

  /// out[i] = src[indexes[i]]
  Status (*gather)(const DeviceFp* src, const uint64_t* indexes, size_t count, Fp* out);
  /// Frees what is kept for later calls.
  void (*trim)();

  /// Signed integers in host memory to elements.
  Status (*fromInt32)(DeviceFp* out, const int32_t* values, size_t count);
  Status (*fromInt64)(DeviceFp* out, const int64_t* values, size_t count);

  /// `count` independent Poseidon permutations of three elements each, in place.
  Status (*permute)(DeviceFp* states, size_t count);
  /// out[i] = hash of item i; entry c of item i is data[i itemStride + c entryStride].
  Status (*hashColumns)(DeviceFp* out, const DeviceFp* data, size_t itemStride, size_t entryStride,
                        size_t entries, size_t items);
  /// A step of `items` hashes: adds an entry or two to their states (element e of state i at
  /// states[e items + i]) and permutes them. No second one: null.
  Status (*absorb)(DeviceFp* states, const DeviceFp* first, const DeviceFp* second, size_t items);
  /// Hashes of rows of integers in host memory.
  Status (*hashRows)(DeviceFp* out, const int32_t* values, size_t rowLength, size_t rows);
  /// Element e of the state before round k (k = 0, …, 55) at out[(3 k + e) count + i], of the `count` states
  /// whose element e is starts[e count + i].
  Status (*spongeRounds)(DeviceFp* out, const DeviceFp* starts, size_t count);
  /// out[b items + i] = compression of entries 8 b, …, 8 b + 7 of item i, for all b that are not padding
  /// alone.
  Status (*compressLevel)(DeviceFp* out, const DeviceFp* data, const CompressedLevel* level);
  /// Value k of compression i at out[k count + i], of children[8 i .. 8 i + 8), see poseidon2.h.
  Status (*traceCompressions)(DeviceFp* out, const DeviceFp* children, size_t count);
  /// The smallest nonce in [first, first + count) whose permutation of (s0 + nonce, s1, s2) has `bits` low
  /// zero bits in its first element; 2^64 - 1 if there is none.
  Status (*grind)(uint64_t* found, const Fp* state, int bits, uint64_t first, uint64_t count);

  /// Rows of 2^logCoefs coefficients to rows of 2^logDomain evaluations at the powers of the root of unity.
  Status (*encode)(DeviceFp* out, const DeviceFp* coefs, size_t rows, int logCoefs, int logDomain);

  /// out[i] = base[i] + sum_k coefs[k] vecs[k][i] + constant; no base stands for zeros. `out` may be one of
  /// them.
  Status (*linear)(DeviceFp* out, const DeviceFp* base, const DeviceFp* const* vecs, const Fp* coefs,
                   size_t terms, const Fp* constant, size_t count);
  /// sum_i a[i] b[i]
  Status (*dot)(Fp* out, const DeviceFp* a, const DeviceFp* b, size_t count);
  /// out[b] = scale eq(point, b), or added to it.
  Status (*eqTable)(DeviceFp* out, const Fp* point, size_t variables, const Fp* scale, bool add);
  /// sum_b v[b] eq(point, b)
  Status (*evalMle)(Fp* out, const DeviceFp* v, const Fp* point, size_t variables);
  /// sum_b v[b] x^b
  Status (*evalPow)(Fp* out, const DeviceFp* v, size_t count, const Fp* x);
  /// target[b] += sum_i coefs[i] xs[i]^b
  Status (*addPows)(DeviceFp* target, size_t count, const Fp* coefs, const Fp* xs, size_t terms);
  /// out[i] = entry i of the view of src
  Status (*copyView)(DeviceFp* out, const DeviceFp* src, const View* view);
  /// out[i] = sum_j weights[j] src[offset of entry i of the view + j stride]
  Status (*sumAxis)(DeviceFp* out, const DeviceFp* src, const View* view, const DeviceFp* weights,
                    size_t length, size_t stride);
  /// The same of integers on the device; those from `available` on are zeros.
  Status (*sumInts)(DeviceFp* out, const int32_t* src, size_t available, const View* view,
                    const DeviceFp* weights, size_t length, size_t stride);
  /// out[i] = sum_b values[b] xs[i]^b, of integers on the device.
  Status (*evalInts)(Fp* out, const int32_t* values, size_t count, const Fp* xs, size_t points);

  /// out[c][i] = in[c][i] + r (in[c][half + i] - in[c][i]); an output may be its input.
  Status (*fold)(DeviceFp* const* out, const DeviceFp* const* in, size_t columns, size_t half, const Fp* r);
  /// The values of a round polynomial over `half` pairs (i, half + i). With a challenge the columns are four
  /// times `half` long and are folded into `out` on the way; without, `out` is not used.
  Status (*sumcheckRound)(Fp* values, const SumcheckProgram* program, const DeviceFp* const* in,
                          DeviceFp* const* out, size_t half, const Fp* challenge);
  /// A layer of a tree of fractions from the one below, 2 half long.
  Status (*addFractions)(DeviceFp* outP, DeviceFp* outQ, const DeviceFp* p, const DeviceFp* q, size_t half);
  /// The sums of a round of a fraction layer (Backend::fractionRound). With a challenge as in sumcheckRound;
  /// eq is folded by adding its halves.
  Status (*fractionRound)(Fp* slope, Fp* top, const FractionLayer* layer, size_t half, const Fp* challenge);

  // Copies beside the kernels that run. Memory from allocateAhead may be written by uploadAhead at once; what
  // is started after arrive() waits for the copies started before it.
  Status (*allocateAhead)(size_t bytes, void** out);
  Status (*uploadAhead)(void* to, const void* from, size_t bytes);
  Status (*arrive)();

  // The integer model (docs/integer-semantics.md). Arrays are on the device. Where a value may leave its
  // declared width, *failed becomes 1 and the outputs are of no use: the CPU finds out which one it was.
  Status (*maxAbs)(uint64_t* out, const int32_t* values, size_t count);
  Status (*product)(const Product* product);
  /// sums[i] + 2^32 high[i], saturated, in place.
  Status (*saturate)(int64_t* sums, const int64_t* high, size_t count);

  /// Does multiply-adds of 32-bit integers, with sums of 64 bits if `wide`, and says how many. For the
  /// benchmark.
  Status (*multiplyAdds)(bool wide, uint64_t rounds, uint64_t* count);
};

/// Raise the first number with a change that keeps the number of functions.
constexpr uint32_t kVersion = 1 << 16 | sizeof(Table) / sizeof(void*);

}  // namespace attensor::device

/// The table of the first usable device. `memory` bounds what is allocated on it; 0 stands for nearly all.
extern "C" attensor::device::Status attensor_device_open(uint32_t version, uint64_t memory,
                                                         const attensor::device::Table** table,
                                                         const char** message);
