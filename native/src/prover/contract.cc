#include "contract.h"

#include <algorithm>

#include "backend.h"
#include "common/thread_pool.h"
#include "device/device.h"
#include "linear.h"

namespace attensor {
namespace {

struct Dim {
  size_t size, stride;
};

/// Offsets of the entries [begin, begin + count) of the table over the dims.
void Offsets(const std::vector<Dim>& dims, size_t begin, size_t count, size_t* out) {
  std::vector<size_t> index(dims.size());
  size_t rest = begin, at = 0;
  for (size_t d = dims.size(); d-- > 0;) {
    index[d] = rest % dims[d].size;
    rest /= dims[d].size;
    at += index[d] * dims[d].stride;
  }
  for (size_t i = 0; i < count; i++) {
    out[i] = at;
    for (size_t d = dims.size(); d-- > 0;) {
      at += dims[d].stride;
      if (++index[d] < dims[d].size) break;
      at -= dims[d].stride * dims[d].size;
      index[d] = 0;
    }
  }
}

size_t Product(const std::vector<Dim>& dims) {
  size_t n = 1;
  for (const Dim& d : dims) n *= d.size;
  return n;
}

bool IsRowMajor(const std::vector<Dim>& dims) {
  size_t expected = 1;
  for (size_t d = dims.size(); d-- > 0; expected *= dims[d].size)
    if (dims[d].size > 1 && dims[d].stride != expected) return false;
  return true;
}

device::View ToView(const std::vector<Dim>& dims) {
  if (dims.size() > device::kMaxAxes) throw device::Unsupported{};
  device::View view{};
  for (const Dim& d : dims) {
    view.sizes[view.count] = d.size;
    view.strides[view.count++] = d.stride;
  }
  return view;
}

/// Views begin where `from` does; they may read beyond its end, within its memory.
Vec Gather(const Vec& from, const std::vector<Dim>& dims) {
  Vec out(Product(dims));
  bool done = device::Run(out.size(), device::kLeastElements, [&](const device::Table& table) {
    device::View view = ToView(dims);
    device::Check(table.copyView(out.OutOnDevice(), from.OnDevice(), &view));
  });
  if (done) return out;
  Fp* data = out.mut();
  const Fp* src = from.data();
  ParallelFor(out.size(), 1 << 12, [&](size_t begin, size_t end) {
    size_t at[256];
    for (size_t i = begin; i < end; i += 256) {
      size_t n = std::min<size_t>(256, end - i);
      Offsets(dims, i, n, at);
      for (size_t k = 0; k < n; k++) data[i + k] = src[at[k]];
    }
  });
  return out;
}

/// out[free] = sum_j weights[j] src[free offset + j stride]. A block of outputs shares one pass over the
/// weights, so that a matrix streams row by row when its rows are summed; a stride below the outputs' runs
/// along the sum instead.
Vec SumAxis(const Vec& table, const std::vector<Dim>& dims, const Vec& weights, size_t stride) {
  constexpr size_t kBlock = 64;
  Vec out(Product(dims));
  bool done =
      device::Run(out.size() * weights.size(), device::kLeastElements, [&](const device::Table& device) {
        device::View view = ToView(dims);
        device::Check(device.sumAxis(out.OutOnDevice(), table.OnDevice(), &view, weights.OnDevice(),
                                     weights.size(), stride));
      });
  if (done) return out;
  Fp* data = out.mut();
  const Fp *src = table.data(), *w = weights.data();
  size_t length = weights.size();
  size_t blocks = (out.size() + kBlock - 1) / kBlock;
  // Few outputs: split the sum too.
  size_t parts = 1;
  while (parts < 4 * Threads() && blocks * parts < 4 * Threads() &&
         length / (2 * parts) * std::min(out.size(), kBlock) >= 2048)
    parts *= 2;
  std::vector<Fp> partial(parts > 1 ? parts * out.size() : 0);
  bool along = dims.empty() || stride < dims.back().stride;
  size_t grain = std::max<size_t>(1, 4096 / std::max<size_t>(1, length / parts * kBlock));
  ParallelFor(blocks * parts, grain, [&](size_t begin, size_t end) {
    size_t at[kBlock];
    for (size_t task = begin; task < end; task++) {
      size_t part = task / blocks, first = task % blocks * kBlock;
      size_t n = std::min(kBlock, out.size() - first);
      size_t j0 = length * part / parts, j1 = length * (part + 1) / parts;
      Offsets(dims, first, n, at);
      Fp* to = (parts > 1 ? &partial[part * out.size()] : data) + first;
      const Fp* from = src + j0 * stride;
      if (along) {
        for (size_t k = 0; k < n; k++) {
          Wide acc;
          if (stride == 1) {
            ActiveBackend().dot(acc, w + j0, from + at[k], j1 - j0);
          } else {
            for (size_t j = j0; j < j1; j++) MulAccumulate(acc, w[j], src[at[k] + j * stride]);
          }
          to[k] = Reduce(acc);
        }
      } else {
        // Runs of neighbouring outputs.
        std::vector<const Fp*> rows(j1 - j0);
        for (size_t k = 0, end; k < n; k = end) {
          for (end = k + 1; end < n && at[end] == at[end - 1] + 1;) end++;
          for (size_t j = 0; j < rows.size(); j++) rows[j] = from + at[k] + j * stride;
          ActiveBackend().linear(to + k, nullptr, rows.data(), w + j0, rows.size(), end - k);
        }
      }
    }
  });
  if (parts > 1) {
    for (size_t i = 0; i < out.size(); i++) {
      Fp sum{};
      for (size_t part = 0; part < parts; part++) sum = Add(sum, partial[part * out.size() + i]);
      data[i] = sum;
    }
  }
  return out;
}

}  // namespace

Vec Contract(const Vec& src, size_t offset, const std::vector<Axis>& axes) {
  // Repeating axes: a free one is spread out at the end, a weighted one is a factor.
  Fp factor = kOne;
  std::vector<Dim> result;
  struct Live {
    Dim dim;
    Vec weights;
  };
  std::vector<Live> live;
  for (const Axis& a : axes) {
    bool weighted = a.weights.allocated(), repeats = a.stride == 0 || a.size == 1;
    if (!weighted) result.push_back({a.size, 0});
    if (!repeats) {
      live.push_back({{a.size, a.stride}, a.weights});
    } else if (weighted) {
      Fp sum{};
      for (size_t i = 0; i < a.size; i++) sum = Add(sum, a.weights[i]);
      factor = Mul(factor, sum);
    }
  }
  Vec table = src.Slice(offset, 0);
  bool summed = false;
  // Sum axis by axis, the longest first: each sum shrinks what the next has to read.
  for (;;) {
    size_t longest = live.size();
    for (size_t i = 0; i < live.size(); i++)
      if (live[i].weights.allocated() &&
          (longest == live.size() || live[i].dim.size > live[longest].dim.size))
        longest = i;
    if (longest == live.size()) break;
    summed = true;
    Live sum = live[longest];
    live.erase(live.begin() + static_cast<ptrdiff_t>(longest));
    std::vector<Dim> dims;
    for (const Live& l : live) dims.push_back(l.dim);
    table = SumAxis(table, dims, sum.weights, sum.dim.stride);
    size_t s = 1;
    for (size_t i = live.size(); i-- > 0;) {
      live[i].dim.stride = s;
      s *= live[i].dim.size;
    }
  }
  // Strides of the free axes in what is left.
  size_t next = 0;
  for (size_t i = 0, r = 0; i < axes.size(); i++) {
    if (axes[i].weights.allocated()) continue;
    if (axes[i].stride != 0 && axes[i].size != 1) result[r].stride = live[next++].dim.stride;
    r++;
  }
  Vec out = summed && IsRowMajor(result) ? table : Gather(table, result);
  if (!(factor == kOne)) out = Linear({out}, {factor}, Fp{});
  return out;
}

}  // namespace attensor
