// The kernels a Backend is made of, one set for each instruction set that has its own (see backend.h).
#pragma once

#include "backend.h"

namespace attensor {

namespace scalar {
void Compress(Fp* out, const Fp* children, size_t count);
void TraceCompressions(Fp* out, size_t stride, const Fp* children, size_t count);
void Butterfly(Fp* low, Fp* high, const Fp* w, size_t count);
void Butterfly4(Fp* a, size_t quarter, const Fp* inner, const Fp* outer);
void Fold(Fp* out, const Fp* low, const Fp* high, const Fp& r, size_t count);
void Dot(Wide& sum, const Fp* a, const Fp* b, size_t count);
void Linear(Fp* out, const Fp* base, const Fp* const* vecs, const Fp* coefs, size_t terms, size_t count);
void AddFractions(Fp* outP, Fp* outQ, const Fp* p, const Fp* q, size_t half, size_t count);
void FractionRound(const FractionColumns& columns, size_t half, size_t first, size_t count, Wide& slope,
                   Wide& top);
void SumcheckRound(const SumcheckPlan& plan, const Fp* const* columns, size_t half, size_t first,
                   size_t count, Wide* sums);
void IntegerSums(int64_t* sums, const int32_t* values, size_t rowStride, size_t step, size_t rows,
                 const Digits* factors, size_t count);
}  // namespace scalar

#if ATTENSOR_X86
namespace avx2 {
void Permute(PoseidonState* states, size_t count);
void Compress(Fp* out, const Fp* children, size_t count);
void TraceCompressions(Fp* out, size_t stride, const Fp* children, size_t count);
void IntegerSums(int64_t* sums, const int32_t* values, size_t rowStride, size_t step, size_t rows,
                 const Digits* factors, size_t count);
}  // namespace avx2

namespace ifma {
void Permute(PoseidonState* states, size_t count);
void Compress(Fp* out, const Fp* children, size_t count);
void TraceCompressions(Fp* out, size_t stride, const Fp* children, size_t count);
void Butterfly(Fp* low, Fp* high, const Fp* w, size_t count);
void Butterfly4(Fp* a, size_t quarter, const Fp* inner, const Fp* outer);
void Fold(Fp* out, const Fp* low, const Fp* high, const Fp& r, size_t count);
void Dot(Wide& sum, const Fp* a, const Fp* b, size_t count);
void Linear(Fp* out, const Fp* base, const Fp* const* vecs, const Fp* coefs, size_t terms, size_t count);
void AddFractions(Fp* outP, Fp* outQ, const Fp* p, const Fp* q, size_t half, size_t count);
void FractionRound(const FractionColumns& columns, size_t half, size_t first, size_t count, Wide& slope,
                   Wide& top);
void SumcheckRound(const SumcheckPlan& plan, const Fp* const* columns, size_t half, size_t first,
                   size_t count, Wide* sums);
void IntegerSums(int64_t* sums, const int32_t* values, size_t rowStride, size_t step, size_t rows,
                 const Digits* factors, size_t count);
}  // namespace ifma
#endif

}  // namespace attensor
