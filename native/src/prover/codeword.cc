#include "codeword.h"

#include <algorithm>
#include <atomic>
#include <cstring>

#include "common/thread_pool.h"
#include "ntt.h"

namespace attensor {

void Codeword::Encode(const Vec& vec, const Control& control, double share) {
  bool done = device::Run(values_.size(), device::kLeastElements,
                          [&](const device::Table& table) { EncodeOnDevice(table, vec, control, share); });
  if (!done) EncodeOnHost(vec, control, share);
}

void Codeword::EncodeOnDevice(const device::Table& table, const Vec& vec, const Control& control,
                              double share) {
  device::DeviceFp* to = values_.OutOnDevice();
  const device::DeviceFp* from = vec.OnDevice();
  for (size_t r = 0; r < shape_.rows; r++) {
    control.Check(where_);
    device::Check(table.encode(to + (r << shape_.logDomain()), from + (r << shape_.logRow), 1, shape_.logRow,
                               shape_.logDomain()));
    control.Report(share * static_cast<double>(r + 1) / static_cast<double>(shape_.rows));
  }
}

void Codeword::EncodeOnHost(const Vec& vec, const Control& control, double share) {
  int logDomain = shape_.logDomain(), logRow = shape_.logRow;
  size_t rows = shape_.rows, width = size_t{1} << logRow, domain = size_t{1} << logDomain;
  Fp* out = values_.mut();
  const Fp* coefs = vec.data();
  Twiddles twiddles(logDomain);
  std::atomic<size_t> done{0};
  ParallelFor(rows, 1, [&](size_t begin, size_t end) {
    for (size_t r = begin; r < end; r++) {
      control.Check(where_);
      const Fp* row = coefs + r * width;
      Fp* to = out + (r << logDomain);
      if (std::all_of(row, row + width, [](const Fp& x) { return x.IsZero(); }))
        std::memset(static_cast<void*>(to), 0, domain * sizeof(Fp));
      else
        attensor::Encode(row, logRow, to, logDomain, twiddles);
      control.Report(share * static_cast<double>(++done) / static_cast<double>(rows));
    }
  });
}

std::vector<Fp> Codeword::Leaf(size_t index) const {
  std::vector<uint64_t> entries;
  for (size_t r = 0; r < shape_.rows; r++) entries.push_back((r << shape_.logDomain()) + index);
  return values_.Gather(entries);
}

}  // namespace attensor
