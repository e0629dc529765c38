// Reed-Solomon codewords of the rows of a matrix (docs/protocol.md, section 8): what is committed to.
#pragma once

#include <vector>

#include "common/control.h"
#include "device/device.h"
#include "vec.h"

namespace attensor {

/// A vector as a matrix of `rows` rows of 2^logRow entries; a leaf is a column of the rows' codewords.
struct CodewordShape {
  size_t rows;
  int logRow, logInvRate;
  int logDomain() const { return logRow + logInvRate; }
  size_t domain() const { return size_t{1} << logDomain(); }
};

class Codeword {
 public:
  /// `where` begins the messages of errors.
  Codeword(const CodewordShape& shape, const char* where)
      : shape_(shape), where_(where), values_(shape.rows << shape.logDomain()) {}

  const CodewordShape& shape() const { return shape_; }
  /// Row r at [r << logDomain]; column i of all rows is leaf i.
  const Vec& values() const { return values_; }
  Vec& values() { return values_; }
  std::vector<Fp> Leaf(size_t index) const;

  /// Where there is one and memory for it, on the device. Reports up to `share`.
  void Encode(const Vec& vec, const Control& control, double share);
  /// Within device::Run.
  void EncodeOnDevice(const device::Table& table, const Vec& vec, const Control& control, double share);
  void EncodeOnHost(const Vec& vec, const Control& control, double share);

 private:
  CodewordShape shape_;
  const char* where_;
  Vec values_;
};

}  // namespace attensor
