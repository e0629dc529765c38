// Products on the device: GeMM with weights that stay there or stream through, scores, context.
#include <algorithm>
#include <optional>
#include <vector>

#include "on_device.h"

namespace model::on_device {

namespace {

namespace device = attensor::device;
using device::Array;

// Sums of one launch: one of 64 bits for each entry, or two where those could overflow.
class Sums {
 public:
  Sums(size_t count, bool wide) : low_(count) {
    if (wide) high_.emplace(count);
  }
  void Clear(size_t count) {
    low_.Clear(count);
    if (high_) high_->Clear(count);
  }
  void Add(device::Product product, bool wide) {
    product.sums = low_.get();
    product.high = wide ? high_->get() : nullptr;
    device::Check(device::Opened().product(&product));
  }
  void Saturate(size_t count) { device::Check(device::Opened().saturate(low_.get(), high_->get(), count)); }
  void Read(OutInts out) const { low_.Read(out); }

 private:
  Array<int64_t> low_;
  std::optional<Array<int64_t>> high_;
};

// The weights of a product, one step of rows after the other: copied while the step before is multiplied.
class Stream {
 public:
  Stream(Weights w, ConstantId id, size_t step_bytes)
      : from_(reinterpret_cast<const char*>(w.data())), bytes_(w.size_bytes()), step_(step_bytes), id_(id) {
    resident_ = device::FindResident(id, bytes_);
    if (resident_) return;
    for (auto& part : parts_)
      if (bytes_ > step_ || &part == &parts_[0]) part.emplace(std::min(step_, bytes_));
  }
  ~Stream() {
    if (resident_ && !resident_->complete) device::ForgetResident(id_);
  }
  Stream(const Stream&) = delete;
  Stream& operator=(const Stream&) = delete;

  // Starts the copy of step i, which nothing may be using.
  void Start(size_t i) {
    if (i * step_ >= bytes_ || (resident_ && resident_->complete)) return;
    const size_t bytes = std::min(step_, bytes_ - i * step_);
    if (resident_)
      resident_->memory.Write(i * step_, from_ + i * step_, bytes);
    else
      parts_[i % 2]->Write(0, from_ + i * step_, bytes);
  }
  // What is started from here on may read step i.
  const int32_t* Step(size_t i) {
    device::Check(device::Opened().arrive());
    return reinterpret_cast<const int32_t*>(resident_ ? resident_->memory.get() + i * step_
                                                      : parts_[i % 2]->get());
  }
  void Finish() {
    if (resident_) resident_->complete = true;
  }

 private:
  const char* from_;
  size_t bytes_, step_;
  ConstantId id_;
  std::shared_ptr<device::Resident> resident_;
  std::optional<device::AheadMemory> parts_[2];
};

// No sum of `inner` products can leave 64 bits.
bool Proves(uint64_t max_x, size_t inner, uint64_t max_w) {
  return static_cast<uint128>(max_x) * inner * max_w <=
         static_cast<uint128>(std::numeric_limits<int64_t>::max());
}

template <class Test>
bool AllOf(size_t count, const Test& test) {
  std::atomic<bool> good{true};
  ParallelFor(count, static_cast<double>(count), [&](size_t first, size_t last) {
    for (size_t i = first; i < last; i++)
      if (!test(i)) {
        good = false;
        return;
      }
  });
  return good;
}

device::Product Plain() {
  device::Product product{};
  product.batches = 1;
  product.wColumn = 1;
  product.innerEnd = product.outerEnd = device::kNoEnd;
  return product;
}

}  // namespace

size_t StepOf(size_t rows, size_t inner, size_t outer) {
  const size_t weights = steps.weights / (inner * sizeof(int32_t)),
               sums = steps.sums / (rows * sizeof(int64_t));
  // Whole rows of four, so that every step is aligned as the first one is.
  return std::min(outer, std::max<size_t>(1, std::min(weights, sums) / 4 * 4));
}

size_t ProductBytes(size_t rows, size_t inner, size_t outer) {
  const size_t step = StepOf(rows, inner, outer);
  return rows * inner * sizeof(int32_t) + 2 * step * inner * sizeof(int32_t) +
         2 * rows * step * sizeof(int64_t);
}

bool Product(Weights x, uint64_t max_x, Weights w, ConstantId id, size_t rows, size_t inner, size_t outer,
             Weights to, OutInts acc, const Control& control) {
  if (rows == 0 || inner == 0 || outer == 0) return false;
  return device::Run(rows * inner * outer, device::kLeastProducts, [&](const device::Table& table) {
    const size_t step = StepOf(rows, inner, outer);
    const bool never_wide = Proves(max_x, inner, uint64_t{1} << 31);
    const bool direct = to.empty() && step == outer;
    Array<int32_t> operand(x);
    Sums sums(rows * step, !never_wide);
    Stream stream(w, id, step * inner * sizeof(int32_t));
    std::vector<int64_t> part(direct ? 0 : rows * step);
    stream.Start(0);
    for (size_t i = 0, first = 0; first < outer; i++, first += step) {
      control.Check("gemm");
      const size_t count = std::min(step, outer - first);
      device::Product product = Plain();
      product.x = operand.get();
      product.w = stream.Step(i);
      product.rows = rows;
      product.inner = product.xRow = product.wRow = inner;
      product.outer = product.sumsRow = count;
      bool wide = false;
      if (!never_wide) {
        uint64_t max_w = 0;
        device::Check(table.maxAbs(&max_w, product.w, count * inner));
        wide = !Proves(max_x, inner, max_w);
      }
      sums.Clear(rows * count);
      sums.Add(product, wide);
      if (wide) sums.Saturate(rows * count);
      stream.Start(i + 1);
      if (direct) {
        sums.Read(acc.first(rows * count));
        continue;
      }
      sums.Read(OutInts(part).first(rows * count));
      for (size_t t = 0; t < rows; t++) {
        const size_t row = to.empty() ? t : static_cast<size_t>(to[t]);
        std::copy_n(part.begin() + static_cast<ptrdiff_t>(t * count), count,
                    acc.begin() + static_cast<ptrdiff_t>(row * outer + first));
      }
    }
    stream.Finish();
  });
}

bool Scores(Weights qn, Weights kn, Weights qr, Weights kr, size_t nope, size_t rope,
            const AttentionShape& shape, bool all_pairs, bool narrow, OutInts acc, const Control& control) {
  const auto [start, queries, keys, heads] = shape;
  if (acc.empty()) return false;
  const size_t row = heads * keys,
               step = std::clamp<size_t>(steps.sums / (row * sizeof(int64_t)), 1, queries);
  const bool done =
      device::Run(acc.size() * (nope + rope), device::kLeastProducts, [&](const device::Table&) {
        Array<int32_t> qn_(qn), kn_(kn), qr_(qr), kr_(kr);
        Sums sums(step * row, !narrow);
        std::vector<int64_t> part(step * row);
        for (size_t first = 0; first < queries; first += step) {
          control.Check("mul1");
          const size_t count = std::min(step, queries - first);
          device::Product product = Plain();
          product.batches = heads;
          product.rows = count;
          product.outer = product.sumsRow = keys;
          product.sumsBatch = count * keys;
          if (!all_pairs) product.outerEnd = start + first + 1;
          sums.Clear(count * row);
          product.inner = product.xBatch = product.wBatch = nope;
          product.xRow = product.wRow = heads * nope;
          product.x = qn_.get() + first * heads * nope;
          product.w = kn_.get();
          sums.Add(product, !narrow);
          product.inner = product.xBatch = product.wRow = rope;
          product.xRow = heads * rope;
          product.wBatch = 0;
          product.x = qr_.get() + first * heads * rope;
          product.w = kr_.get();
          sums.Add(product, !narrow);
          if (!narrow) sums.Saturate(count * row);
          sums.Read(OutInts(part).first(count * row));
          for (size_t h = 0; h < heads; h++)
            std::copy_n(part.begin() + static_cast<ptrdiff_t>(h * count * keys), count * keys,
                        acc.begin() + static_cast<ptrdiff_t>((h * queries + first) * keys));
        }
      });
  return done && AllOf(heads * queries, [&](size_t r) {
           for (size_t s = 0; s < keys; s++) {
             const int64_t sum = acc[r * keys + s];
             // An end of the range may be a sum beyond it.
             const bool end =
                 sum == std::numeric_limits<int64_t>::min() || sum == std::numeric_limits<int64_t>::max();
             if (s <= start + r % queries ? !InAccumulator(sum) : !narrow && end) return false;
           }
           return true;
         });
}

bool Context(Weights p, Weights values, size_t width, const AttentionShape& shape, int bits, bool narrow,
             OutInts acc, OutInts y, const Control& control) {
  const auto [start, queries, keys, heads] = shape;
  if (acc.empty()) return false;
  const size_t row = heads * (keys * sizeof(int32_t) + width * sizeof(int64_t));
  const size_t step = std::clamp<size_t>(steps.sums / row, 1, queries);
  const bool done = device::Run(acc.size() * keys, device::kLeastProducts, [&](const device::Table& table) {
    Array<int32_t> p_(step * heads * keys), values_(values);
    Sums sums(step * heads * width, !narrow);
    for (size_t first = 0; first < queries; first += step) {
      control.Check("mul2");
      const size_t count = std::min(step, queries - first), part = count * keys;
      for (size_t h = 0; h < heads; h++)
        device::Check(table.upload(p_.get() + h * part, p.data() + (h * queries + first) * keys,
                                   part * sizeof(int32_t)));
      device::Product product = Plain();
      product.x = p_.get();
      product.w = values_.get();
      product.batches = heads;
      product.rows = count;
      product.inner = product.xRow = keys;
      product.xBatch = part;
      product.outer = product.wBatch = product.sumsBatch = width;
      product.wRow = 1;
      product.wColumn = product.sumsRow = heads * width;
      product.innerEnd = start + first + 1;
      sums.Clear(count * heads * width);
      sums.Add(product, !narrow);
      if (!narrow) sums.Saturate(count * heads * width);
      sums.Read(acc.subspan(first * heads * width, count * heads * width));
    }
  });
  return done && AllOf(acc.size(), [&](size_t i) {
           y[i] = acc[i] >> bits;
           return bits == 16 ? InAccumulator(acc[i]) : y[i] >= kInt32Min && y[i] <= kInt32Max;
         });
}

}  // namespace model::on_device
