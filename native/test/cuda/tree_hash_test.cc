// Compressions on the device against the CPU's.
#include "prover/tree_hash.h"

#include "../testing.h"
#include "library.h"

namespace attensor::testing {

/// A level of several items, with padding behind the entries and zeros behind that.
static void TestLevels() {
  for (size_t items : {1, 130}) {
    for (size_t entries : {1, 8, 9, 19}) {
      std::vector<Fp> data = RandomFields(entries * items);
      // Nothing but edges in the first ones.
      const Fp edges[] = {Fp{}, FromU64(1), Neg(FromU64(1)), {{1, 0, 0, 0}}, {{kP0 - 1, kP1, 0, kP3}}};
      for (size_t i = 0; i < data.size() && i < 40; i++) data[i] = edges[i * 7 / 3 % 5];
      size_t blocks = (entries + kArity - 1) / kArity, padded = entries + 3;
      Fp padding = RandomField();
      DeviceArray there(data), out(blocks * items);
      // Columns, then rows.
      for (bool columns : {true, false}) {
        uint64_t itemStride = columns ? 1 : entries, entryStride = columns ? items : 1;
        device::CompressedLevel level{itemStride, entryStride, items, entries, padded, padding};
        Succeeded(Library().compressLevel(out.get(), there.get(), &level), "compressLevel");
        std::vector<Fp> got = out.Read();
        for (size_t at = 0; at < got.size(); at++) {
          Fp children[kArity];
          for (size_t e = 0; e < kArity; e++) {
            size_t k = at / items * kArity + e;
            children[e] = k < entries  ? data[at % items * itemStride + k * entryStride]
                          : k < padded ? padding
                                       : Fp{};
          }
          CHECK(got[at] == CompressOne(children));
        }
      }
    }
  }
}

static void TestTrace() {
  size_t count = 5;
  std::vector<Fp> children = RandomFields(kArity * count), expected(kTracedValues * count);
  TraceCompressions(expected.data(), count, children.data(), count);
  DeviceArray from(children), out(expected.size());
  Succeeded(Library().traceCompressions(out.get(), from.get(), count), "traceCompressions");
  CHECK(out.Read() == expected);
}

void TestTreeKernels() {
  TestLevels();
  TestTrace();
}

}  // namespace attensor::testing
