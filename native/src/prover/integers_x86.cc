// Sums of integer products in lanes of 64 bits (integer_sums.h): AVX2 takes an element's even and odd digits
// in a register each, AVX-512 all eight in one. A row's sums stay in registers over all terms.
#include "kernels.h"

#if ATTENSOR_X86

#include <immintrin.h>

namespace attensor {

#pragma GCC push_options
#pragma GCC target("avx2")

namespace avx2 {
namespace {

template <int rows>
ATTENSOR_INLINE void SumRows(int64_t* sums, const int32_t* values, size_t rowStride, size_t step,
                             const Digits* factors, size_t count) {
  __m256i even[rows], odd[rows];
#pragma GCC unroll 6
  for (int r = 0; r < rows; r++) even[r] = odd[r] = _mm256_setzero_si256();
  for (size_t j = 0; j < count; j++, values += step) {
    // A product takes the lower half of each lane.
    __m256i low = _mm256_load_si256(reinterpret_cast<const __m256i*>(factors + j));
    __m256i high = _mm256_srli_epi64(low, 32);
#pragma GCC unroll 6
    for (int r = 0; r < rows; r++) {
      __m256i w = _mm256_set1_epi32(values[static_cast<size_t>(r) * rowStride]);
      even[r] = _mm256_add_epi64(even[r], _mm256_mul_epi32(w, low));
      odd[r] = _mm256_add_epi64(odd[r], _mm256_mul_epi32(w, high));
    }
  }
#pragma GCC unroll 6
  for (int r = 0; r < rows; r++) {
    alignas(32) int64_t e[4], o[4];
    _mm256_store_si256(reinterpret_cast<__m256i*>(e), even[r]);
    _mm256_store_si256(reinterpret_cast<__m256i*>(o), odd[r]);
    for (int i = 0; i < 4; i++) {
      sums[8 * r + 2 * i] += e[i];
      sums[8 * r + 2 * i + 1] += o[i];
    }
  }
}

}  // namespace

void IntegerSums(int64_t* sums, const int32_t* values, size_t rowStride, size_t step, size_t rows,
                 const Digits* factors, size_t count) {
  for (; rows >= 6; rows -= 6, sums += 48, values += 6 * rowStride)
    SumRows<6>(sums, values, rowStride, step, factors, count);
  for (; rows >= 2; rows -= 2, sums += 16, values += 2 * rowStride)
    SumRows<2>(sums, values, rowStride, step, factors, count);
  if (rows) SumRows<1>(sums, values, rowStride, step, factors, count);
}

}  // namespace avx2

#pragma GCC pop_options
#pragma GCC push_options
#pragma GCC target("avx512f,avx512dq,avx512vl")
#pragma GCC diagnostic ignored "-Wuninitialized"  // GCC 12 warns about its own intrinsics' undefined lanes
#pragma GCC diagnostic ignored "-Wmaybe-uninitialized"

namespace ifma {
namespace {

template <int rows>
ATTENSOR_INLINE void SumRows(int64_t* sums, const int32_t* values, size_t rowStride, size_t step,
                             const Digits* factors, size_t count) {
  __m512i sum[rows];
#pragma GCC unroll 12
  for (int r = 0; r < rows; r++) sum[r] = _mm512_loadu_si512(sums + 8 * r);
  for (size_t j = 0; j < count; j++, values += step) {
    __m512i digits = _mm512_cvtepi32_epi64(_mm256_load_si256(reinterpret_cast<const __m256i*>(factors + j)));
#pragma GCC unroll 12
    for (int r = 0; r < rows; r++) {
      __m512i w = _mm512_set1_epi32(values[static_cast<size_t>(r) * rowStride]);
      sum[r] = _mm512_add_epi64(sum[r], _mm512_mul_epi32(w, digits));
    }
  }
#pragma GCC unroll 12
  for (int r = 0; r < rows; r++) _mm512_storeu_si512(sums + 8 * r, sum[r]);
}

}  // namespace

void IntegerSums(int64_t* sums, const int32_t* values, size_t rowStride, size_t step, size_t rows,
                 const Digits* factors, size_t count) {
  for (; rows >= 12; rows -= 12, sums += 96, values += 12 * rowStride)
    SumRows<12>(sums, values, rowStride, step, factors, count);
  for (; rows >= 4; rows -= 4, sums += 32, values += 4 * rowStride)
    SumRows<4>(sums, values, rowStride, step, factors, count);
  for (; rows; rows--, sums += 8, values += rowStride)
    SumRows<1>(sums, values, rowStride, step, factors, count);
}

}  // namespace ifma

#pragma GCC pop_options

}  // namespace attensor

#endif
