// The integer model's kernels on memory of the device, and a product with weights that come from the host.
#include <initializer_list>

#include "bench.h"

namespace attensor::bench {

/// name 24 x 7168
static std::string Named(std::string name, std::initializer_list<size_t> dims) {
  const char* between = " ";
  for (size_t dim : dims) {
    name.append(between).append(std::to_string(dim));
    between = " x ";
  }
  return name;
}

static void MeasureProduct(Lines& lines, size_t rows, size_t inner, size_t outer, bool wide) {
  Memory x(rows * inner * 4), w(outer * inner * 4), sums(rows * outer * 8), high(rows * outer * 8);
  device::Product product{};
  product.x = x.As<int32_t>();
  product.w = w.As<int32_t>();
  product.sums = sums.As<int64_t>();
  product.high = wide ? high.As<int64_t>() : nullptr;
  product.batches = product.wColumn = 1;
  product.rows = rows;
  product.inner = product.xRow = product.wRow = inner;
  product.outer = product.sumsRow = outer;
  product.innerEnd = product.outerEnd = device::kNoEnd;
  const double seconds = Best([&] { Must(Library().product(&product)); });
  const double products = static_cast<double>(rows) * static_cast<double>(inner) * static_cast<double>(outer);
  lines.push_back({Named(wide ? "wide product" : "product", {rows, inner, outer}), products / seconds / 1e9, "G/s",
                   Bound::kWideMultiplyAdds, 1e9, ""});
  if (rows > 32) return;
  const std::vector<char> host(outer * inner * 4);
  const double with = Best([&] {
    Must(Library().uploadAhead(w.As<char>(), host.data(), host.size()));
    Must(Library().arrive());
    Must(Library().product(&product));
  });
  lines.push_back({"  with its weights from the host", static_cast<double>(host.size()) / with / 1e9, "GB/s",
                   Bound::kUpload, 1e9, ""});
}

static void MeasureRows(Lines& lines, size_t rows, size_t d) {
  const double size = static_cast<double>(rows * d);
  Memory x(rows * d * 8), y(rows * d * 8), g(d * 4), S(rows * 8), inverse(rows * 8), flag(4), table(65536 * 4);
  int64_t *from = x.As<int64_t>(), *to = y.As<int64_t>();
  uint32_t* failed = flag.As<uint32_t>();
  double seconds = Best([&] {
    Must(Library().rmsNorm(S.As<int64_t>(), inverse.As<int64_t>(), to, from, g.As<int32_t>(), rows, d, uint64_t{1} << 32,
                            failed));
  });
  lines.push_back({Named("RMSNorm", {rows, d}), 24 * size / seconds / 1e9, "GB/s", Bound::kCopy, 1e9, ""});
  seconds = Best([&] { Must(Library().multiplyInts(to, from, from, rows * d, 1, failed)); });
  lines.push_back({Named("products, element-wise", {rows, d}), 24 * size / seconds / 1e9, "GB/s", Bound::kCopy, 1e9, ""});
  seconds = Best([&] { Must(Library().sigmoid(to, to, from, table.As<int32_t>(), rows * d)); });
  lines.push_back({Named("sigmoid", {rows, d}), 24 * size / seconds / 1e9, "GB/s", Bound::kCopy, 1e9, ""});
  seconds = Best([&] { Must(Library().argmax(S.As<int64_t>(), from, rows, d)); });
  lines.push_back({Named("argmax", {rows, d}), 16 * size / seconds / 1e9, "GB/s", Bound::kCopy, 1e9, ""});
}

static void MeasureSoftmax(Lines& lines, size_t heads, size_t keys) {
  const size_t rows = heads * keys, pairs = rows * keys;
  Memory acc(pairs * 8), z(pairs * 8), c(pairs * 8), o(pairs * 8), e(pairs * 8), p(pairs * 8), row(3 * rows * 8);
  Memory table(65536 * 4);
  const std::vector<int32_t> exp(65536, 1000);
  Must(Library().upload(table.As<char>(), exp.data(), exp.size() * 4));
  int64_t* each = row.As<int64_t>();
  const device::SoftmaxRows all{acc.As<int64_t>(), table.As<int32_t>(), z.As<int64_t>(), each, c.As<int64_t>(),
                                o.As<int64_t>(),   e.As<int64_t>(),     each + rows,     each + 2 * rows,
                                p.As<int64_t>(),   295,                 0,               keys,
                                keys,              0,                   rows};
  const double seconds = Best([&] { Must(Library().softmax(&all)); });
  lines.push_back({Named("softmax", {heads, keys, keys}),
                   48 * static_cast<double>(pairs) / seconds / 1e9, "GB/s", Bound::kCopy, 1e9, ""});
}

void MeasureModel(Lines& lines) {
  if (Quick()) {
    MeasureProduct(lines, 24, 70, 66, false);
    MeasureProduct(lines, 40, 70, 66, true);
    MeasureRows(lines, 2, 300);
    MeasureSoftmax(lines, 2, 5);
    return;
  }
  MeasureProduct(lines, 1, 7168, 512, false);
  MeasureProduct(lines, 24, 7168, 512, false);
  MeasureProduct(lines, 24, 16384, 7168, false);
  for (bool wide : {false, true}) MeasureProduct(lines, 4096, 7168, 512, wide);
  MeasureProduct(lines, 4096, 7168, 2048, false);
  MeasureRows(lines, 4096, 7168);
  MeasureSoftmax(lines, 128, 24);
  MeasureSoftmax(lines, 16, 1024);
}

}  // namespace attensor::bench
