// Hashes: permutations of independent states, leaves and rows, the insides of sponges, proof of work.
#include <algorithm>

#include "operations.h"
#include "poseidon.h"
#include "runtime.h"

namespace attensor::device {

ATTENSOR_KERNEL(kHashBlock) PermuteKernel(DeviceFp* states, size_t count) {
  size_t i = ThreadIndex();
  if (i >= count) return;
  State state;
  ATTENSOR_UNROLL
  for (int e = 0; e < 3; e++) state.s[e] = Load(states + 3 * i + e);
  Permute(state);
  ATTENSOR_UNROLL
  for (int e = 0; e < 3; e++) Store(states + 3 * i + e, state.s[e]);
}

Status PermuteStates(DeviceFp* states, size_t count) {
  return Guarded([&] { LaunchHashes(PermuteKernel, count, states, count); });
}

ATTENSOR_DEVICE State ZeroState() { return {{ZeroFp(), ZeroFp(), ZeroFp()}}; }

ATTENSOR_KERNEL(kHashBlock)
HashColumnsKernel(DeviceFp* out, const DeviceFp* data, size_t itemStride, size_t entryStride, size_t entries,
                  size_t items) {
  size_t i = ThreadIndex();
  if (i >= items) return;
  const DeviceFp* at = data + i * itemStride;
  State state = ZeroState();
  // No entries are hashed like one zero.
  for (size_t c = 0; c == 0 || c < entries; c += 2) {
    if (c < entries) state.s[0] = Add(state.s[0], Load(at + c * entryStride));
    if (c + 1 < entries) state.s[1] = Add(state.s[1], Load(at + (c + 1) * entryStride));
    Permute(state);
  }
  Store(out + i, state.s[0]);
}

Status HashColumns(DeviceFp* out, const DeviceFp* data, size_t itemStride, size_t entryStride, size_t entries,
                   size_t items) {
  return Guarded(
      [&] { LaunchHashes(HashColumnsKernel, items, out, data, itemStride, entryStride, entries, items); });
}

ATTENSOR_KERNEL(kHashBlock)
AbsorbKernel(DeviceFp* states, const DeviceFp* first, const DeviceFp* second, size_t items) {
  size_t i = ThreadIndex();
  if (i >= items) return;
  State state;
  ATTENSOR_UNROLL
  for (int e = 0; e < 3; e++) state.s[e] = Load(states + static_cast<size_t>(e) * items + i);
  state.s[0] = Add(state.s[0], Load(first + i));
  if (second) state.s[1] = Add(state.s[1], Load(second + i));
  Permute(state);
  ATTENSOR_UNROLL
  for (int e = 0; e < 3; e++) Store(states + static_cast<size_t>(e) * items + i, state.s[e]);
}

Status Absorb(DeviceFp* states, const DeviceFp* first, const DeviceFp* second, size_t items) {
  return Guarded([&] { LaunchHashes(AbsorbKernel, items, states, first, second, items); });
}

ATTENSOR_KERNEL(kHashBlock)
HashRowsKernel(DeviceFp* out, const int32_t* values, size_t rowLength, size_t rows) {
  size_t i = ThreadIndex();
  if (i >= rows) return;
  const int32_t* row = values + i * rowLength;
  State state = ZeroState();
  for (size_t c = 0; c < rowLength; c += 2) {
    state.s[0] = Add(state.s[0], FromSigned(Load(row + c)));
    if (c + 1 < rowLength) state.s[1] = Add(state.s[1], FromSigned(Load(row + c + 1)));
    Permute(state);
  }
  Store(out + i, state.s[0]);
}

Status HashRows(DeviceFp* out, const int32_t* values, size_t rowLength, size_t rows) {
  return Guarded([&] {
    // The integers go over in pieces of a gigabyte.
    size_t piece = std::min(rows, std::max<size_t>(1, (size_t{1} << 28) / rowLength));
    Scratch<int32_t> there(piece * rowLength);
    for (size_t first = 0; first < rows; first += piece) {
      size_t n = std::min(piece, rows - first);
      Upload(there.get(), values + first * rowLength, n * rowLength * sizeof(int32_t));
      LaunchHashes(HashRowsKernel, n, out + first, there.get(), rowLength, n);
    }
  });
}

ATTENSOR_KERNEL(kHashBlock) SpongeKernel(DeviceFp* out, const DeviceFp* starts, size_t count) {
  size_t i = ThreadIndex();
  if (i >= count) return;
  State t;
  ATTENSOR_UNROLL
  for (int e = 0; e < 3; e++) {
    t.s[e] = Load(starts + static_cast<size_t>(e) * count + i);
    Store(out + static_cast<size_t>(e) * count + i, t.s[e]);
  }
  for (int round = 0; round < kPoseidonRounds; round++) {
    State next;
    SboxEach(t);
    ATTENSOR_ROLLED
    for (int r = 0; r < 3; r++) {
      DeviceFp sum = kPlainRounds.constants[round][r];
      ATTENSOR_UNROLL
      for (int j = 0; j < 3; j++) sum = Add(sum, Mul(kPlainRounds.matrix[r][j], t.s[j]));
      Store(out + static_cast<size_t>(3 * (round + 1) + r) * count + i, sum);
      next.s[0] = next.s[1];
      next.s[1] = next.s[2];
      next.s[2] = sum;
    }
    t = next;
  }
}

Status SpongeRounds(DeviceFp* out, const DeviceFp* starts, size_t count) {
  return Guarded([&] { LaunchHashes(SpongeKernel, count, out, starts, count); });
}

struct GrindArguments {
  State state;
  u64 first, count, mask;
};

ATTENSOR_KERNEL(kHashBlock) GrindKernel(ATTENSOR_PARAMETER GrindArguments a, unsigned long long* found) {
  size_t i = ThreadIndex();
  if (i >= a.count) return;
  u64 nonce = a.first + i;
  State state = a.state;
  state.s[0] = Add(state.s[0], FromUnsigned(nonce));
  Permute(state);
  DeviceFp value = ToCanonical(state.s[0]);
  u64 low = static_cast<u64>(value.l[1]) << 32 | value.l[0];
  if ((low & a.mask) == 0) AtomicMin(found, nonce);
}

Status Grind(uint64_t* found, const Fp* state, int bits, uint64_t first, uint64_t count) {
  return Guarded([&] {
    GrindArguments a;
    for (int e = 0; e < 3; e++) a.state.s[e] = FromHost(state[e]);
    a.first = first;
    a.count = count;
    a.mask = bits == 0 ? 0 : ~u64{0} >> (64 - bits);
    Scratch<unsigned long long> smallest(1);
    *found = ~u64{0};
    Upload(smallest.get(), found, sizeof *found);
    LaunchHashes(GrindKernel, count, a, smallest.get());
    Download(found, smallest.get(), sizeof *found);
  });
}

}  // namespace attensor::device
