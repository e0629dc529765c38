// The functions of the table (abi.h), each in the file of its kernels.
#pragma once

#include "device/abi.h"

namespace attensor::device {

// gather.cu
Status GatherElements(const DeviceFp* src, const uint64_t* indexes, size_t count, Fp* out);
Status FromInt32(DeviceFp* out, const int32_t* values, size_t count);
Status FromInt64(DeviceFp* out, const int64_t* values, size_t count);

// poseidon.cu
Status PermuteStates(DeviceFp* states, size_t count);
Status HashColumns(DeviceFp* out, const DeviceFp* data, size_t itemStride, size_t entryStride, size_t entries,
                   size_t items);
Status Absorb(DeviceFp* states, const DeviceFp* first, const DeviceFp* second, size_t items);
Status HashRows(DeviceFp* out, const int32_t* values, size_t rowLength, size_t rows);
Status SpongeRounds(DeviceFp* out, const DeviceFp* starts, size_t count);
Status Grind(uint64_t* found, const Fp* state, int bits, uint64_t first, uint64_t count);

// tree_hash.cu
Status CompressLevel(DeviceFp* out, const DeviceFp* data, const CompressedLevel* level);
Status TraceCompressions(DeviceFp* out, const DeviceFp* children, size_t count);

// ntt.cu
Status Encode(DeviceFp* out, const DeviceFp* coefs, size_t rows, int logCoefs, int logDomain);

// linear.cu
Status Linear(DeviceFp* out, const DeviceFp* base, const DeviceFp* const* vecs, const Fp* coefs, size_t terms,
              const Fp* constant, size_t count);
Status Dot(Fp* out, const DeviceFp* a, const DeviceFp* b, size_t count);

// tables.cu
Status EqTable(DeviceFp* out, const Fp* point, size_t variables, const Fp* scale, bool add);
Status EvalMle(Fp* out, const DeviceFp* v, const Fp* point, size_t variables);
Status EvalPow(Fp* out, const DeviceFp* v, size_t count, const Fp* x);
Status EvalInts(Fp* out, const int32_t* values, size_t count, const Fp* xs, size_t points);
Status AddPows(DeviceFp* target, size_t count, const Fp* coefs, const Fp* xs, size_t terms);

// contract.cu
Status CopyView(DeviceFp* out, const DeviceFp* src, const View* view);
Status SumAxis(DeviceFp* out, const DeviceFp* src, const View* view, const DeviceFp* weights, size_t length,
               size_t stride);
Status SumInts(DeviceFp* out, const int32_t* src, size_t available, const View* view, const DeviceFp* weights,
               size_t length, size_t stride);

// sumcheck.cu
Status FoldColumns(DeviceFp* const* out, const DeviceFp* const* in, size_t columns, size_t half, const Fp* r);
Status SumcheckRound(Fp* values, const SumcheckProgram* program, const DeviceFp* const* in,
                     DeviceFp* const* out, size_t half, const Fp* challenge);

// fractions.cu
Status AddFractions(DeviceFp* outP, DeviceFp* outQ, const DeviceFp* p, const DeviceFp* q, size_t half);
Status FractionRound(Fp* slope, Fp* top, const FractionLayer* layer, size_t half, const Fp* challenge);

// product.cu
/// Inside of another function of the table.
uint64_t LargestAbs(const int32_t* values, size_t count);
Status MaxAbs(uint64_t* out, const int32_t* values, size_t count);
Status MultiplyMatrices(const Product* product);
Status Saturate(int64_t* sums, const int64_t* high, size_t count);

// ceiling.cu
Status MultiplyAdds(bool wide, uint64_t rounds, uint64_t* count);

}  // namespace attensor::device
