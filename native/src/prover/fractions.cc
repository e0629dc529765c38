#include "fractions.h"

#include <algorithm>
#include <mutex>
#include <string>

#include "backend.h"
#include "common/error.h"
#include "common/thread_pool.h"
#include "tables.h"

namespace attensor {

static constexpr size_t kGrain = 1 << 11;

FractionTree::FractionTree(Vec num, Vec den) {
  layers_.push_back({num, den});
  for (size_t half = num.size() / 2; half > 0; half /= 2) {
    const Layer& below = layers_.back();
    Layer layer{Vec(half), Vec(half)};
    const Fp *p = below.p.data(), *q = below.q.data();
    Fp *outP = layer.p.mut(), *outQ = layer.q.mut();
    ParallelFor(half, kGrain, [&](size_t begin, size_t end) {
      ActiveBackend().addFractions(outP + begin, outQ + begin, p + begin, q + begin, half, end - begin);
    });
    layers_.push_back(layer);
  }
  std::reverse(layers_.begin(), layers_.end());
}

void FractionTree::BeginLayer(int k, std::vector<Fp> point, const Fp& lambda) {
  layer_ = k;
  round_ = 0;
  started_ = false;
  point_ = std::move(point);
  lambda_ = lambda;
  scale_ = kOne;
  columns_ = {};
  eq_ = {};
}

void FractionTree::RequireLayer(const char* function) const {
  if (layer_ < 0)
    throw StateError(std::string("FractionTree.") + function +
                     ": no layer is running; call beginLayer first");
}

/// Copies the layer's columns and builds the first eq table; deferred so that beginLayer itself costs
/// nothing.
void FractionTree::Start() {
  const Layer& below = layers_[static_cast<size_t>(layer_) + 1];
  size_t half = size_t{1} << layer_;
  Vec a(half);
  const Fp *p = below.p.data(), *q = below.q.data();
  Fp* out = a.mut();
  ParallelFor(half, kGrain, [&](size_t begin, size_t end) {
    const Fp* from = q + begin;
    ActiveBackend().linear(out + begin, p + begin, &from, &lambda_, 1, end - begin);
  });
  columns_ = {a, below.p.Slice(half, half), below.q.Slice(0, half), below.q.Slice(half, half)};
  if (layer_ > 0) eq_ = EqTable({point_.begin() + 1, point_.end()}, kOne);
  started_ = true;
}

std::array<Fp, 2> FractionTree::Round() {
  RequireLayer("round");
  if (round_ == layer_) throw StateError("FractionTree.round: every variable is bound; expected finals()");
  if (!started_) Start();
  size_t half = columns_[0].size() / 2;
  FractionColumns columns{columns_[0].data(), columns_[1].data(), columns_[2].data(), columns_[3].data(),
                          eq_.data()};
  Fp slope{}, top{};
  std::mutex mutex;
  ParallelFor(half, kGrain, [&](size_t begin, size_t end) {
    Wide slopes, tops;
    ActiveBackend().fractionRound(columns, half, begin, end - begin, slopes, tops);
    std::lock_guard lock(mutex);
    slope = Add(slope, Reduce(slopes));
    top = Add(top, Reduce(tops));
  });
  Fp c2 = Mul(scale_, top);
  return {Sub(Mul(scale_, slope), c2), c2};
}

void FractionTree::Bind(const Fp& r) {
  RequireLayer("bind");
  if (round_ == layer_) throw StateError("FractionTree.bind: every variable is bound; expected finals()");
  if (!started_) Start();
  size_t half = columns_[0].size() / 2;
  std::array<Vec, 4> next;
  std::array<const Fp*, 4> from;
  std::array<Fp*, 4> to;
  for (size_t c = 0; c < 4; c++) {
    // The layer itself is kept; column 0 is this layer's own from the start, the others from the first bind
    // on.
    next[c] = round_ == 0 && c > 0 ? Vec(half) : columns_[c].Slice(0, half);
    from[c] = columns_[c].data();
    to[c] = next[c].mut();
  }
  ParallelFor(half, kGrain, [&](size_t begin, size_t end) {
    for (size_t c = 0; c < 4; c++)
      ActiveBackend().fold(to[c] + begin, from[c] + begin, from[c] + half + begin, r, end - begin);
  });
  columns_ = next;
  // eq(tau, r) of the bound variable; the table drops the next variable by summing over it.
  const Fp& tau = point_[static_cast<size_t>(round_)];
  Fp both = Mul(tau, r);
  scale_ = Mul(scale_, Add(Sub(Sub(kOne, tau), r), Add(both, both)));
  round_++;
  if (round_ < layer_) {
    size_t rest = eq_.size() / 2;
    Fp* e = eq_.mut();
    ParallelFor(rest, 1 << 13, [&](size_t begin, size_t end) {
      for (size_t i = begin; i < end; i++) e[i] = Add(e[i], e[rest + i]);
    });
    eq_ = eq_.Slice(0, rest);
  }
}

std::array<Fp, 4> FractionTree::Finals() {
  RequireLayer("finals");
  if (round_ != layer_)
    throw StateError("FractionTree.finals: expected every variable bound, got " +
                     std::to_string(layer_ - round_) + " left; call bind first");
  if (!started_) Start();
  const Fp &a = columns_[0][0], &q0 = columns_[2][0];
  return {Sub(a, Mul(lambda_, q0)), columns_[1][0], q0, columns_[3][0]};
}

}  // namespace attensor
