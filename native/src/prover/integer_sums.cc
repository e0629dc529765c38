#include "integer_sums.h"

#include <algorithm>
#include <cstring>
#include <memory>
#include <mutex>

#include "common/thread_pool.h"
#include "device/device.h"
#include "linear.h"
#include "tables.h"

namespace attensor {
namespace {

struct Dim {
  size_t size, stride;
};

size_t Product(const std::vector<Dim>& dims) {
  size_t n = 1;
  for (const Dim& d : dims) n *= d.size;
  return n;
}

std::vector<size_t> Offsets(const std::vector<Dim>& dims, size_t first, size_t count) {
  std::vector<size_t> out(count);
  for (size_t i = 0; i < count; i++) {
    size_t rest = first + i;
    for (size_t d = dims.size(); d-- > 0; rest /= dims[d].size)
      out[i] += rest % dims[d].size * dims[d].stride;
  }
  return out;
}

/// A bound of the absolute values: the next power of two.
u64 Bound(const int32_t* values, size_t count) {
  uint32_t bits = 0;
  for (size_t i = 0; i < count; i++) bits |= static_cast<uint32_t>(values[i] ^ (values[i] >> 31));
  return u64{bits} + 1;
}

/// Copies of [at, at + count), zeros behind the end.
void CopyInts(int32_t* to, Integers ints, size_t at, size_t count) {
  size_t n = at < ints.size() ? std::min(count, ints.size() - at) : 0;
  if (n) std::memcpy(to, ints.data() + at, n * sizeof *to);
  std::fill(to + n, to + count, 0);
}

/// Sums of `outputs` neighbouring results, folded before they leave the bound.
class Sums {
 public:
  explicit Sums(size_t outputs) : sums_(8 * outputs), totals_(outputs) {}

  /// Adds `count` products to each; |values| <= bound.
  void Add(const int32_t* values, size_t rowStride, size_t step, const Digits* factors, size_t count,
           u64 bound) {
    while (count > 0) {
      size_t n = std::min<size_t>(count, room_ / bound);
      if (n == 0) {
        Fold();
        continue;
      }
      ActiveBackend().integerSums(sums_.data(), values, rowStride, step, totals_.size(), factors, n);
      room_ -= n * bound;
      values += n * step;
      factors += n;
      count -= n;
    }
  }

  const std::vector<Fp>& Totals() {
    Fold();
    return totals_;
  }

 private:
  void Fold() {
    for (size_t k = 0; k < totals_.size(); k++)
      totals_[k] = attensor::Add(totals_[k], FromSums(&sums_[8 * k]));
    std::fill(sums_.begin(), sums_.end(), 0);
    room_ = kSumLimit;
  }

  std::vector<int64_t> sums_;
  std::vector<Fp> totals_;
  u64 room_ = kSumLimit;
};

/// Integers on the device for the time of a call.
class DeviceInts {
 public:
  DeviceInts(const device::Table& table, Integers ints) {
    data_ = static_cast<int32_t*>(device::Allocate(std::max<size_t>(1, ints.size()) * sizeof(int32_t)));
    try {
      device::Check(table.upload(data_, ints.data(), ints.size() * sizeof(int32_t)));
    } catch (...) {
      device::Release(data_);
      throw;
    }
  }
  ~DeviceInts() { device::Release(data_); }
  DeviceInts(const DeviceInts&) = delete;
  DeviceInts& operator=(const DeviceInts&) = delete;
  const int32_t* get() const { return data_; }

 private:
  int32_t* data_;
};

/// Integers that are on the device at a time, if there are axes to divide: 1 GiB.
constexpr size_t kDeviceInts = size_t{1} << 28;

Integers Window(Integers ints, size_t offset, size_t size) {
  size_t begin = std::min(offset, ints.size());
  return ints.subspan(begin, std::min(size, ints.size() - begin));
}

/// out[entry of dims] = sum_j weights[j] ints[offset of the entry + j stride]. The axis that reaches farthest
/// is divided where the device would have to hold too much.
void SumOnDevice(const device::Table& table, device::DeviceFp* out, Integers ints,
                 const std::vector<Dim>& dims, const device::DeviceFp* weights, size_t length, size_t stride,
                 const Control& control) {
  control.Check("contractInts");
  size_t span = 1 + (length - 1) * stride, count = Product(dims);
  for (const Dim& d : dims) span += (d.size - 1) * d.stride;
  Integers window = Window(ints, 0, span);
  if (window.size() > kDeviceInts && length > 1 &&
      std::all_of(dims.begin(), dims.end(), [&](const Dim& d) { return d.stride <= stride; })) {
    size_t half = length / 2;
    Vec rest(count);
    device::DeviceFp* second = rest.OutOnDevice();
    SumOnDevice(table, out, ints, dims, weights, half, stride, control);
    SumOnDevice(table, second, Window(ints, half * stride, span), dims, weights + half, length - half, stride,
                control);
    device::Check(table.linear(out, out, &second, &kOne, 1, nullptr, count));
    return;
  }
  if (window.size() > kDeviceInts && !dims.empty() && dims[0].size > 1) {
    std::vector<Dim> low = dims, high = dims;
    low[0].size /= 2;
    high[0].size -= low[0].size;
    SumOnDevice(table, out, ints, low, weights, length, stride, control);
    SumOnDevice(table, out + Product(low), Window(ints, low[0].size * dims[0].stride, span), high, weights,
                length, stride, control);
    return;
  }
  if (dims.size() > device::kMaxAxes) throw device::Unsupported{};
  device::View view{};
  for (const Dim& d : dims) {
    view.sizes[view.count] = d.size;
    view.strides[view.count++] = d.stride;
  }
  DeviceInts there(table, window);
  device::Check(table.sumInts(out, there.get(), window.size(), &view, weights, length, stride));
}

/// The same on the CPU. A task takes a block of outputs and a range of the sum; it copies the integers it
/// needs, some at a time, so that strides meet no associativity of a cache.
Vec SumAxis(Integers ints, const std::vector<Dim>& dims, const Vec& weights, size_t stride,
            const Control& control) {
  constexpr size_t kOutputs = 384, kLeast = 128, kMost = 1024, kTile = kOutputs * kLeast;
  size_t count = Product(dims), length = weights.size();
  Vec out(count);
  bool done = device::Run(count * length, device::kLeastElements, [&](const device::Table& table) {
    SumOnDevice(table, out.OutOnDevice(), ints, dims, weights.OnDevice(), length, stride, control);
  });
  if (done) return out;
  Fp* to = out.mut();
  const Fp* factors = weights.data();
  size_t blocks = (count + kOutputs - 1) / kOutputs, parts = 1;
  while (blocks * parts < 4 * Threads() && parts * 2 * kMost <= length) parts *= 2;
  std::vector<Fp> partial(parts > 1 ? parts * count : 0);
  ParallelFor(blocks * parts, 1, [&](size_t begin, size_t end) {
    std::vector<int32_t> tile(kTile);
    std::vector<Digits> digits(kMost);
    for (size_t task = begin; task < end; task++) {
      size_t part = task / blocks, first = task % blocks * kOutputs, n = std::min(kOutputs, count - first);
      size_t j1 = length * (part + 1) / parts, depth = std::clamp(kTile / n, kLeast, kMost);
      std::vector<size_t> at = Offsets(dims, first, n);
      Sums sums(n);
      for (size_t j = length * part / parts; j < j1; j += depth) {
        control.Check("contractInts");
        size_t terms = std::min(depth, j1 - j);
        for (size_t i = 0; i < terms; i++) digits[i] = ToDigits(factors[j + i]);
        if (stride == 1) {
          for (size_t k = 0; k < n; k++) CopyInts(&tile[k * terms], ints, at[k] + j, terms);
        } else {
          // Runs of neighbouring outputs.
          for (size_t k = 0, next; k < n; k = next) {
            for (next = k + 1; next < n && at[next] == at[next - 1] + 1;) next++;
            for (size_t i = 0; i < terms; i++)
              CopyInts(&tile[i * n + k], ints, at[k] + (j + i) * stride, next - k);
          }
        }
        sums.Add(tile.data(), stride == 1 ? terms : 1, stride == 1 ? 1 : n, digits.data(), terms,
                 Bound(tile.data(), n * terms));
      }
      const std::vector<Fp>& totals = sums.Totals();
      std::copy(totals.begin(), totals.end(), (parts > 1 ? &partial[part * count] : to) + first);
    }
  });
  if (parts > 1)
    for (size_t i = 0; i < count; i++) {
      to[i] = partial[i];
      for (size_t part = 1; part < parts; part++) to[i] = Add(to[i], partial[part * count + i]);
    }
  return out;
}

Vec GatherInts(Integers ints, const std::vector<Dim>& dims, const Control& control) {
  constexpr size_t kPiece = 1 << 12;
  Vec out(Product(dims));
  Fp* to = out.mut();
  ParallelFor(out.size(), kPiece, [&](size_t begin, size_t end) {
    for (size_t first = begin; first < end; first += kPiece) {
      control.Check("contractInts");
      std::vector<size_t> at = Offsets(dims, first, std::min(kPiece, end - first));
      for (size_t k = 0; k < at.size(); k++)
        to[first + k] = at[k] < ints.size() ? FromI64(ints[at[k]]) : Fp{};
    }
  });
  return out;
}

}  // namespace

Vec ContractInts(Integers ints, size_t offset, const std::vector<Axis>& axes, const Control& control) {
  // The longest weighted axis is summed here; what is left is a table of elements.
  auto repeats = [](const Axis& a) { return a.stride == 0 || a.size == 1; };
  const Axis* longest = nullptr;
  for (const Axis& a : axes)
    if (a.weights.allocated() && !repeats(a) && (!longest || a.size > longest->size)) longest = &a;
  std::vector<Dim> dims;
  std::vector<Axis> rest;
  bool plain = true;
  for (const Axis& a : axes) {
    if (&a == longest) continue;
    if (!repeats(a)) dims.push_back({a.size, a.stride});
    plain = plain && !a.weights.allocated() && a.stride != 0;
    rest.push_back(a);
  }
  Integers from = Window(ints, offset, ints.size());
  Vec table = longest ? SumAxis(from, dims, longest->weights, longest->stride, control)
                      : GatherInts(from, dims, control);
  if (plain) return table;
  size_t stride = 1;
  for (size_t i = rest.size(); i-- > 0;) {
    if (repeats(rest[i])) continue;
    rest[i].stride = stride;
    stride *= rest[i].size;
  }
  return Contract(table, 0, rest);
}

// Entries of a row that share a table of powers. Not a power of two, at which the rows of a tile would meet
// in a cache's sets.
static constexpr size_t kWidth = 1000;
/// Such pieces that a task takes, for all points one after another.
static constexpr size_t kPieces = 48;

static Vec EvalRowsOnHost(Integers ints, size_t rows, size_t rowLength, size_t turns,
                          const std::vector<Fp>& xs, const Control& control) {
  size_t points = xs.size(), width = std::min(kWidth, (rowLength + turns - 1) / turns);
  size_t piece = turns * width;
  std::vector<Digits> powers(points * width);
  std::vector<Fp> steps(points);
  ParallelFor(points, 1, [&](size_t begin, size_t end) {
    for (size_t i = begin; i < end; i++) {
      Fp p = kOne;
      for (size_t j = 0; j < width; j++, p = Mul(p, xs[i])) powers[i * width + j] = ToDigits(p);
      steps[i] = p;
    }
  });
  size_t outputs = rows * turns;
  Vec out = Vec::Zeros(points * outputs);
  Fp* to = out.mut();
  std::mutex mutex;
  size_t pieces = std::max<size_t>(1, kPieces / turns), span = pieces * piece;
  size_t perRow = (rowLength + span - 1) / span;
  ParallelFor(rows * perRow, 1, [&](size_t begin, size_t end) {
    std::vector<int32_t> last;
    for (size_t task = begin; task < end; task++) {
      size_t row = task / perRow, first = task % perRow * pieces;
      size_t length = std::min(rowLength - first * piece, span);
      Integers some = Window(ints, row * rowLength + first * piece, length);
      u64 bound = Bound(some.data(), some.size());
      if (some.empty()) continue;
      size_t whole = some.size() / piece, rest = (some.size() % piece + turns - 1) / turns;
      // every polynomial has as many coefficients
      last.resize(rest * turns);
      CopyInts(last.data(), some, whole * piece, last.size());
      std::vector<Fp> values(points * turns), inner((whole + (rest > 0)) * turns);
      for (size_t i = 0; i < points; i++) {
        control.Check("evalRows");
        const Digits* factors = &powers[i * width];
        Fp* next = inner.data();
        auto add = [&](size_t count, const int32_t* from, size_t stride, size_t step, size_t terms) {
          Sums sums(count);
          sums.Add(from, stride, step, factors, terms, bound);
          next = std::copy_n(sums.Totals().begin(), count, next);
        };
        if (turns == 1) {
          if (whole) add(whole, some.data(), width, 1, width);
        } else {
          for (size_t k = 0; k < whole; k++) add(turns, some.data() + k * piece, 1, turns, width);
        }
        if (rest) add(turns, last.data(), 1, turns, rest);
        Fp power = Pow(steps[i], first);
        std::vector<Wide> sums(turns);
        for (size_t k = 0; k < inner.size(); k += turns, power = Mul(power, steps[i]))
          for (size_t t = 0; t < turns; t++) MulAccumulate(sums[t], inner[k + t], power);
        for (size_t t = 0; t < turns; t++) values[i * turns + t] = Reduce(sums[t]);
      }
      std::lock_guard lock(mutex);
      for (size_t i = 0; i < points; i++)
        for (size_t t = 0; t < turns; t++) {
          Fp& sum = to[i * outputs + row * turns + t];
          sum = Add(sum, values[i * turns + t]);
        }
    }
  });
  return out;
}

/// The integers that take the same turn, one after the other.
static std::vector<int32_t> TurnByTurn(Integers ints, size_t turns) {
  constexpr size_t kBlock = 1 << 12;
  size_t count = (ints.size() + turns - 1) / turns;
  std::vector<int32_t> out(turns * count);
  ParallelFor(count, kBlock, [&](size_t begin, size_t end) {
    for (size_t j = begin; j < end; j++)
      for (size_t t = 0; t < turns && j * turns + t < ints.size(); t++)
        out[t * count + j] = ints[j * turns + t];
  });
  return out;
}

Vec EvalRows(Integers ints, size_t rows, size_t rowLength, size_t turns, const std::vector<Fp>& xs,
             const Control& control) {
  size_t points = xs.size(), outputs = rows * turns, most = kDeviceInts / turns * turns;
  Vec out;
  bool done = device::Run(rows * rowLength, device::kLeastElements, [&](const device::Table& table) {
    // Pieces of a row that the device holds at a time; each is a polynomial of its own.
    out = Vec::Zeros(points * outputs);
    Fp* to = out.mut();
    std::vector<Fp> values(points);
    for (size_t row = 0; row < rows; row++) {
      for (size_t first = 0; first < rowLength; first += most) {
        control.Check("evalRows");
        Integers some = Window(ints, row * rowLength + first, std::min(most, rowLength - first));
        if (some.empty()) continue;
        std::vector<int32_t> ordered;
        if (turns > 1) some = ordered = TurnByTurn(some, turns);
        DeviceInts there(table, some);
        size_t count = some.size() / turns;
        for (size_t t = 0; t < turns; t++) {
          device::Check(table.evalInts(values.data(), there.get() + t * count, count, xs.data(), points));
          for (size_t i = 0; i < points; i++) {
            Fp& sum = to[i * outputs + row * turns + t];
            sum = Add(sum, Mul(values[i], Pow(xs[i], first / turns)));
          }
        }
      }
    }
  });
  return done ? out : EvalRowsOnHost(ints, rows, rowLength, turns, xs, control);
}

}  // namespace attensor
