// Tables and evaluations of eq and pow terms. Variable 1 is the most significant index bit.
#pragma once

#include <vector>

#include "vec.h"

namespace attensor {

/// scale * eq(point, b) for all b
Vec EqTable(const std::vector<Fp>& point, const Fp& scale);

/// 1, x, x^2, …
std::vector<Fp> Powers(const Fp& x, size_t count);

/// sum_b v[b] x^b
Fp EvalPow(const Vec& v, const Fp& x);
/// The multilinear extension of v at the point; v has 2^point.size() entries.
Fp EvalMle(const Vec& v, const std::vector<Fp>& point);

/// target[offset + b] += coef * eq(point, b); target's memory is its own.
void AddEq(Vec& target, size_t offset, const Fp& coef, const std::vector<Fp>& point);
/// target[b] += sum_i coefs[i] xs[i]^b
void AddPows(Vec& target, const std::vector<Fp>& coefs, const std::vector<Fp>& xs);

// The same on the CPU.
Fp EvalPow(const Fp* v, size_t count, const Fp& x);
Fp EvalMle(const Fp* v, const std::vector<Fp>& point);
void AddEq(Fp* target, const Fp& coef, const std::vector<Fp>& point);
void AddPows(Fp* target, size_t count, const std::vector<Fp>& coefs, const std::vector<Fp>& xs);

}  // namespace attensor
