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
  lines.push_back({Named(wide ? "wide product" : "product", {rows, inner, outer}), products / seconds / 1e9,
                   "G/s", Bound::kWideMultiplyAdds, 1e9, ""});
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

void MeasureModel(Lines& lines) {
  if (Quick()) {
    MeasureProduct(lines, 24, 70, 66, false);
    MeasureProduct(lines, 40, 70, 66, true);
    return;
  }
  MeasureProduct(lines, 1, 7168, 512, false);
  MeasureProduct(lines, 24, 7168, 512, false);
  MeasureProduct(lines, 24, 16384, 7168, false);
  for (bool wide : {false, true}) MeasureProduct(lines, 4096, 7168, 512, wide);
  MeasureProduct(lines, 4096, 7168, 2048, false);
}

}  // namespace attensor::bench
