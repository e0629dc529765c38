#include "fractions.h"

#include <algorithm>
#include <mutex>
#include <string>

#include "backend.h"
#include "common/error.h"
#include "common/thread_pool.h"
#include "device/device.h"
#include "linear.h"
#include "tables.h"

namespace attensor {

static constexpr size_t kGrain = 1 << 11;

FractionTree::FractionTree(Vec num, Vec den) {
  layers_.push_back({num, den});
  for (size_t half = num.size() / 2; half > 0; half /= 2) {
    const Layer& below = layers_.back();
    Layer layer{Vec(half), Vec(half)};
    bool done = device::Run(half, device::kLeastElements, [&](const device::Table& table) {
      device::Check(table.addFractions(layer.p.OutOnDevice(), layer.q.OutOnDevice(), below.p.OnDevice(),
                                       below.q.OnDevice(), half));
    });
    if (done) {
      layers_.push_back(layer);
      continue;
    }
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
  columns_ = {};
  eq_ = {};
  owned_ = refused_ = false;
  pending_.reset();
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
  Vec a = Linear({below.p.Slice(0, half), below.q.Slice(0, half)}, {kOne, lambda_}, Fp{});
  columns_ = {a, below.p.Slice(half, half), below.q.Slice(0, half), below.q.Slice(half, half)};
  if (layer_ > 0) eq_ = EqTable({point_.begin() + 1, point_.end()}, kOne);
  started_ = true;
}

std::array<Vec, 5> FractionTree::Next(size_t half) const {
  std::array<Vec, 5> next;
  for (size_t c = 0; c < 4; c++) {
    // The layer itself is kept; column 0 is this layer's own from the start, the others from the first bind
    // on.
    next[c] = owned_ || c == 0 ? columns_[c].Slice(0, half) : Vec(half);
  }
  next[4] = eq_.Slice(0, half / 2);
  return next;
}

/// Columns of this size.
bool FractionTree::IsForDevice(size_t size) const {
  return !refused_ && device::Active() && device::IsWorth(4 * size, device::kLeastElements);
}

bool FractionTree::RoundOnDevice(Fp& slope, Fp& top) {
  size_t size = size_t{1} << (layer_ - round_);
  if (!IsForDevice(size)) return false;
  refused_ = !device::Run(1, 0, [&](const device::Table& table) {
    device::FractionLayer layer{};
    for (size_t c = 0; c < 4; c++) layer.in[c] = columns_[c].OnDevice();
    layer.in[4] = eq_.OnDevice();
    std::array<Vec, 5> next;
    if (pending_) {
      next = Next(size);
      for (size_t c = 0; c < 5; c++)
        layer.out[c] = owned_ || c == 0 || c == 4 ? next[c].ChangeOnDevice() : next[c].OutOnDevice();
    }
    device::Check(table.fractionRound(&slope, &top, &layer, size / 2, pending_ ? &*pending_ : nullptr));
    if (!pending_) return;
    for (size_t c = 0; c < 4; c++) columns_[c] = next[c];
    eq_ = next[4];
    owned_ = true;
    pending_.reset();
  });
  return !refused_;
}

std::array<Fp, 2> FractionTree::Round() {
  RequireLayer("round");
  if (round_ == layer_) throw StateError("FractionTree.round: every variable is bound; expected finals()");
  if (!started_) Start();
  Fp slope{}, top{};
  if (!RoundOnDevice(slope, top)) {
    Settle();
    for (Vec& c : columns_) c = c.OnHost();
    eq_ = eq_.OnHost();
    size_t half = columns_[0].size() / 2;
    FractionColumns columns{columns_[0].data(), columns_[1].data(), columns_[2].data(), columns_[3].data(),
                            eq_.data()};
    std::mutex mutex;
    ParallelFor(half, kGrain, [&](size_t begin, size_t end) {
      Wide slopes, tops;
      ActiveBackend().fractionRound(columns, half, begin, end - begin, slopes, tops);
      std::lock_guard lock(mutex);
      slope = Add(slope, Reduce(slopes));
      top = Add(top, Reduce(tops));
    });
  }
  return {Sub(slope, top), top};
}

void FractionTree::Bind(const Fp& r) {
  RequireLayer("bind");
  if (round_ == layer_) throw StateError("FractionTree.bind: every variable is bound; expected finals()");
  if (!started_) Start();
  Settle();
  bool wait = IsForDevice(columns_[0].size());
  round_++;
  if (wait && round_ < layer_)
    pending_ = r;
  else
    Fold(r);
}

void FractionTree::Settle() {
  if (!pending_) return;
  Fold(*pending_);
  pending_.reset();
}

/// Binds the columns; the eq table, if there are variables left, drops the next one by summing over it.
void FractionTree::Fold(const Fp& r) {
  size_t half = size_t{1} << (layer_ - round_), rest = half / 2;
  std::array<Vec, 5> next = Next(half);
  auto onDevice = [&](const device::Table& table) {
    std::array<const device::DeviceFp*, 4> from;
    std::array<device::DeviceFp*, 4> to;
    for (size_t c = 0; c < 4; c++) from[c] = columns_[c].OnDevice();
    for (size_t c = 0; c < 4; c++)
      to[c] = owned_ || c == 0 ? next[c].ChangeOnDevice() : next[c].OutOnDevice();
    device::DeviceFp* eq = rest > 0 ? eq_.ChangeOnDevice() : nullptr;
    device::Check(table.fold(to.data(), from.data(), 4, half, &r));
    if (rest == 0) return;
    const device::DeviceFp* upper = eq + rest;
    device::Check(table.linear(eq, eq, &upper, &kOne, 1, nullptr, rest));
  };
  if (refused_ || !device::Run(8 * half, device::kLeastElements, onDevice)) {
    std::array<const Fp*, 4> from;
    std::array<Fp*, 4> to;
    for (size_t c = 0; c < 4; c++) {
      from[c] = columns_[c].data();
      to[c] = next[c].mut();
    }
    ParallelFor(half, kGrain, [&](size_t begin, size_t end) {
      for (size_t c = 0; c < 4; c++)
        ActiveBackend().fold(to[c] + begin, from[c] + begin, from[c] + half + begin, r, end - begin);
    });
    if (rest > 0) {
      Fp* e = eq_.mut();
      ParallelFor(rest, 1 << 13, [&](size_t begin, size_t end) {
        for (size_t i = begin; i < end; i++) e[i] = Add(e[i], e[rest + i]);
      });
    }
  }
  for (size_t c = 0; c < 4; c++) columns_[c] = next[c];
  eq_ = next[4];
  owned_ = true;
}

std::array<Fp, 4> FractionTree::Finals() {
  RequireLayer("finals");
  if (round_ != layer_)
    throw StateError("FractionTree.finals: expected every variable bound, got " +
                     std::to_string(layer_ - round_) + " left; call bind first");
  if (!started_) Start();
  Settle();
  Fp a = columns_[0].At(0), q0 = columns_[2].At(0);
  return {Sub(a, Mul(lambda_, q0)), columns_[1].At(0), q0, columns_[3].At(0)};
}

}  // namespace attensor
