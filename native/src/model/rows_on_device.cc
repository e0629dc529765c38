// Norms, attention's softmax, routing and element-wise kernels on the device. As long as the engine hands over
// arrays of the host, the transfers take longer than the CPU: device::kNever.
#include <algorithm>
#include <vector>

#include "on_device.h"

namespace model::on_device {

namespace {

namespace device = attensor::device;
using device::Array;

// Runs body(table, failed). False if a value has left its width.
template <class Body>
bool Checked(size_t work, const Body& body) {
  bool good = false;
  device::Run(work, device::kNever, [&](const device::Table& table) {
    Array<uint32_t> flag(1);
    flag.Clear();
    body(table, flag.get());
    uint32_t failed = 1;
    flag.Read({&failed, 1});
    good = failed == 0;
  });
  return good;
}

}  // namespace

bool RmsNorm(Ints x, Weights g, size_t rows, size_t d, uint64_t epsilon, OutInts S, OutInts inv, OutInts y) {
  return Checked(x.size(), [&](const device::Table& table, uint32_t* failed) {
    Array<int64_t> x_(x), S_(rows), inv_(rows), y_(y.size());
    Array<int32_t> g_(g);
    device::Check(table.rmsNorm(S_.get(), inv_.get(), y_.get(), x_.get(), g_.get(), rows, d, epsilon, failed));
    S_.Read(S);
    inv_.Read(inv);
    y_.Read(y);
  });
}

bool Rope(Ints x, Weights cos, Weights sin, size_t rows, size_t heads, size_t d, OutInts y) {
  return Checked(x.size(), [&](const device::Table& table, uint32_t* failed) {
    Array<int64_t> x_(x), y_(y.size());
    Array<int32_t> cos_(cos), sin_(sin);
    device::Check(table.rope(y_.get(), x_.get(), cos_.get(), sin_.get(), rows, heads, d / 2, failed));
    y_.Read(y);
  });
}

bool Softmax(Ints acc, Weights table, int64_t scale, const AttentionShape& shape, const SoftmaxOut& out,
             const Control& control) {
  const auto [start, queries, keys, heads] = shape;
  if (acc.empty()) return false;
  const size_t rows = heads * queries, step = std::clamp<size_t>(steps.sums / (7 * keys * sizeof(int64_t)), 1, rows);
  return device::Run(acc.size(), device::kNever, [&](const device::Table& library) {
    Array<int32_t> table_(table);
    Array<int64_t> acc_(step * keys), z(step * keys), c(step * keys), o(step * keys), e(step * keys), p(step * keys);
    Array<int64_t> max(step), sum(step), inv(step);
    for (size_t first = 0; first < rows; first += step) {
      control.Poll();
      const size_t count = std::min(step, rows - first), at = first * keys, size = count * keys;
      acc_.Write(acc.subspan(at, size));
      device::SoftmaxRows part{acc_.get(), table_.get(), z.get(),   max.get(), c.get(), o.get(), e.get(), sum.get(),
                               inv.get(),  p.get(),      scale,     start,     queries, keys,    first,   count};
      device::Check(library.softmax(&part));
      z.Read(out.z.subspan(at, size));
      c.Read(out.c.subspan(at, size));
      o.Read(out.o.subspan(at, size));
      e.Read(out.e.subspan(at, size));
      p.Read(out.p.subspan(at, size));
      max.Read(out.max.subspan(first, count));
      sum.Read(out.sum.subspan(first, count));
      inv.Read(out.inv.subspan(first, count));
    }
  });
}

bool Gating(Ints score, Weights bias, size_t rows, const GatingShape& shape, int64_t scale, bool normalize,
            const GatingOut& out) {
  return Checked(score.size(), [&](const device::Table& table, uint32_t* failed) {
    Array<int64_t> score_(score), group_top2(out.group_top2.size()), group_value(out.group_value.size());
    Array<int64_t> group_selected(out.group_selected.size()), expert_selected(out.expert_selected.size());
    Array<int64_t> expert(out.expert.size()), weight(out.weight.size());
    Array<int32_t> bias_(bias);
    device::GatingRows all{score_.get(),         bias_.get(),           group_top2.get(), group_value.get(),
                           group_selected.get(), expert_selected.get(), expert.get(),     weight.get(),
                           rows,                 shape.experts,         shape.groups,     shape.topk_group,
                           shape.topk,           scale,                 normalize};
    device::Check(table.gating(&all, failed));
    group_top2.Read(out.group_top2);
    group_value.Read(out.group_value);
    group_selected.Read(out.group_selected);
    expert_selected.Read(out.expert_selected);
    expert.Read(out.expert);
    weight.Read(out.weight);
  });
}

bool Argmax(Ints acc, size_t rows, size_t width, OutInts next) {
  return device::Run(acc.size(), device::kNever, [&](const device::Table& table) {
    Array<int64_t> acc_(acc), next_(rows);
    device::Check(table.argmax(next_.get(), acc_.get(), rows, width));
    next_.Read(next);
  });
}

bool Add(const std::vector<Ints>& terms, OutInts y) {
  return Checked(y.size(), [&](const device::Table& table, uint32_t* failed) {
    std::vector<std::unique_ptr<Array<int64_t>>> arrays;
    std::vector<const int64_t*> pointers;
    for (const Ints& term : terms) {
      arrays.push_back(std::make_unique<Array<int64_t>>(term));
      pointers.push_back(arrays.back()->get());
    }
    Array<int64_t> y_(y.size());
    device::Check(table.addInts(y_.get(), pointers.data(), pointers.size(), y.size(), failed));
    y_.Read(y);
  });
}

bool Multiply(Ints a, Ints b, size_t width, OutInts y) {
  return Checked(y.size(), [&](const device::Table& table, uint32_t* failed) {
    Array<int64_t> a_(a), b_(b), y_(y.size());
    device::Check(table.multiplyInts(y_.get(), a_.get(), b_.get(), y.size(), width, failed));
    y_.Read(y);
  });
}

bool Sigmoid(Ints x, Weights table, OutInts c, OutInts sigma) {
  return device::Run(x.size(), device::kNever, [&](const device::Table& library) {
    Array<int64_t> x_(x), c_(x.size()), sigma_(x.size());
    Array<int32_t> table_(table);
    device::Check(library.sigmoid(c_.get(), sigma_.get(), x_.get(), table_.get(), x.size()));
    c_.Read(c);
    sigma_.Read(sigma);
  });
}

}  // namespace model::on_device
