// Hashes on the device against the CPU's.
#include "../testing.h"
#include "library.h"
#include "prover/grind.h"
#include "prover/merkle.h"
#include "prover/sponge.h"

namespace attensor::testing {

static void TestPermute() {
  for (size_t count : {1, 2, 127, 129, 1000}) {
    std::vector<Fp> values = RandomFields(3 * count);
    // Nothing but edges in the first ones.
    const Fp edges[] = {Fp{}, FromU64(1), Neg(FromU64(1)), {{1, 0, 0, 0}}, {{kP0 - 1, kP1, 0, kP3}}};
    for (size_t i = 0; i < values.size() && i < 60; i++) values[i] = edges[i * 7 / 3 % 5];
    DeviceArray states(values);
    Succeeded(Library().permute(states.get(), count), "permute");
    std::vector<Fp> got = states.Read();
    for (size_t i = 0; i < count; i++) {
      PoseidonState state{{values[3 * i], values[3 * i + 1], values[3 * i + 2]}};
      Permute(state);
      for (size_t e = 0; e < 3; e++) CHECK(got[3 * i + e] == state.s[e]);
    }
  }
}

static void TestHashColumns() {
  for (size_t entries : {0, 1, 2, 3, 8}) {
    for (size_t items : {1, 130}) {
      std::vector<Fp> data = RandomFields(std::max<size_t>(1, entries * items)), expected(items);
      DeviceArray there(data), out(items);
      // Columns, then rows.
      HashMany(data.data(), 1, items, entries, items, expected.data());
      Succeeded(Library().hashColumns(out.get(), there.get(), 1, items, entries, items), "hashColumns");
      CHECK(out.Read() == expected);
      HashMany(data.data(), entries, 1, entries, items, expected.data());
      Succeeded(Library().hashColumns(out.get(), there.get(), entries, 1, entries, items), "hashColumns");
      CHECK(out.Read() == expected);
    }
  }
}

static void TestAbsorb() {
  for (size_t items : {1, 130}) {
    size_t entries = 5;
    std::vector<Fp> data = RandomFields(entries * items), expected(items);
    HashMany(data.data(), 1, items, entries, items, expected.data());
    DeviceArray there(data), states(3 * items);
    Succeeded(Library().zero(states.get(), 3 * items * sizeof(Fp)), "zero");
    for (size_t c = 0; c < entries; c += 2)
      Succeeded(Library().absorb(states.get(), there.get() + c * items,
                                 c + 1 < entries ? there.get() + (c + 1) * items : nullptr, items),
                "absorb");
    std::vector<Fp> got = states.Read();
    for (size_t i = 0; i < items; i++) CHECK(got[i] == expected[i]);
  }
}

static void TestHashRows() {
  for (size_t length : {1, 2, 5}) {
    for (size_t rows : {1, 131}) {
      std::vector<int32_t> values(rows * length);
      for (int32_t& v : values) v = static_cast<int32_t>(Random());
      values[0] = INT32_MIN;
      DeviceArray out(rows);
      Succeeded(Library().hashRows(out.get(), values.data(), length, rows), "hashRows");
      Vec expected = HashRows(values.data(), length, rows, nullptr);
      std::vector<Fp> got = out.Read();
      for (size_t i = 0; i < rows; i++) CHECK(got[i] == expected[i]);
    }
  }
}

static void TestSpongeRounds() {
  size_t count = 5;
  Vec values = RandomVec(2 * count);
  std::vector<Fp> starts(3 * count);
  for (size_t i = 0; i < count; i++)
    for (size_t e = 0; e < 2; e++) starts[e * count + i] = values[2 * i + e];
  DeviceArray from(starts), out(168 * count);
  Succeeded(Library().spongeRounds(out.get(), from.get(), count), "spongeRounds");
  std::vector<Fp> got = out.Read();
  std::vector<Vec> expected = SpongeStates(values, count, 1, Control{});
  for (size_t k = 0; k < 168; k++)
    for (size_t i = 0; i < count; i++) CHECK(got[k * count + i] == expected[k][i]);
}

static void TestGrind() {
  PoseidonState state{{RandomField(), RandomField(), RandomField()}};
  for (int bits : {0, 1, 6}) {
    u64 expected = Grind(state, bits, Control{}), found = 0;
    Succeeded(Library().grind(&found, state.s, bits, 0, 1000), "grind");
    CHECK(found == expected);
  }
  u64 found = 0;
  Succeeded(Library().grind(&found, state.s, 64, 7, 100), "grind");
  CHECK(found == ~u64{0});
}

void TestPoseidonKernels() {
  TestPermute();
  TestHashColumns();
  TestAbsorb();
  TestHashRows();
  TestSpongeRounds();
  TestGrind();
}

}  // namespace attensor::testing
