// Fractional sums by GKR (LogUp): the tree of sums of fractions and the prover of its layers.
#pragma once

#include <array>
#include <optional>
#include <vector>

#include "vec.h"

namespace attensor {

class FractionTree {
 public:
  /// num and den have 2^depth entries.
  FractionTree(Vec num, Vec den);

  int depth() const { return static_cast<int>(layers_.size()) - 1; }
  std::array<Fp, 2> Root() const { return {layers_[0].p[0], layers_[0].q[0]}; }

  /// Starts the sumcheck from layer k to layer k + 1 at `point` (k coordinates).
  void BeginLayer(int k, std::vector<Fp> point, const Fp& lambda);
  /// The two upper coefficients of sum_x eq(rest, x) h(X, x), without the eq factors of the variables bound
  /// so far.
  std::array<Fp, 2> Round();
  void Bind(const Fp& challenge);
  /// p0, p1, q0, q1
  std::array<Fp, 4> Finals();

 private:
  struct Layer {
    Vec p, q;
  };
  void Start();
  bool IsForDevice(size_t size) const;
  bool RoundOnDevice(Fp& slope, Fp& top);
  /// Where a bind puts the columns, half long, and the eq table.
  std::array<Vec, 5> Next(size_t half) const;
  void Fold(const Fp& challenge);
  void Settle();
  void RequireLayer(const char* function) const;

  std::vector<Layer> layers_;  // layers_[k] has 2^k fractions

  // The running layer.
  int layer_ = -1, round_ = 0;
  bool started_ = false, owned_ = false;
  std::vector<Fp> point_;
  Fp lambda_{};
  /// a = p0 + lambda q0 (so that h = a q1 + p1 q0), p1, q0, q1
  std::array<Vec, 4> columns_;
  /// eq(rest of the point, .) for the variables after the current one
  Vec eq_;
  /// A challenge that columns and eq table are not bound to yet, as in sumcheck.h.
  std::optional<Fp> pending_;
  bool refused_ = false;
};

}  // namespace attensor
