// The prover's kernels on memory of the device, and a commitment from the host's integers on.
#include <chrono>
#include <memory>

#include "bench.h"
#include "common/control.h"
#include "device/device.h"
#include "prover/commit.h"
#include "prover/poseidon2.h"

namespace attensor::bench {

// A product of elements: 64 limb products and 24 of the reduction, two multiply-adds each; a permutation has
// 55 rounds of three seventh powers (four products) and a matrix (nine); a compression has fifth powers
// (three products), eight in each full round and one in each partial round, there with eight products by the
// matrix.
constexpr double kPerProduct = 2 * (64 + 24), kPerPermutation = 55 * (3 * 4 + 9) * kPerProduct,
                 kPerCompression =
                     (kPoseidon2FullRounds * 8 * 3 + kPoseidon2PartialRounds * (3 + 8)) * kPerProduct;
constexpr double kElement = sizeof(Fp);

static void MeasureHashes(Lines& lines) {
  const size_t count = Quick() ? 256 : 1 << 20;
  Memory states(3 * count * sizeof(Fp));
  Fill(states.As(), 3 * count);
  const double seconds = Best([&] { Must(Library().permute(states.As(), count)); });
  lines.push_back({"Poseidon permutations", static_cast<double>(count) / seconds / 1e6, "M/s",
                   Bound::kMultiplyAdds, 1e6 * kPerPermutation, "20 M/s"});
  Memory children(kArity * count * sizeof(Fp)), out(count * sizeof(Fp));
  Fill(children.As(), kArity * count);
  const device::CompressedLevel level{0, 1, 1, kArity * count, kArity * count, {}};
  const double compress = Best([&] { Must(Library().compressLevel(out.As(), children.As(), &level)); });
  lines.push_back({"Poseidon2 compressions, 8 to 1", static_cast<double>(count) / compress / 1e6, "M/s",
                   Bound::kMultiplyAdds, 1e6 * kPerCompression, ""});
}

static void MeasureTransform(Lines& lines) {
  const int logCoefs = Quick() ? 6 : 20, logDomain = logCoefs + 3;
  const size_t rows = Quick() ? 2 : 8;
  Memory coefs((rows << logCoefs) * sizeof(Fp)), out((rows << logDomain) * sizeof(Fp));
  Fill(coefs.As(), rows << logCoefs);
  const double seconds =
      Best([&] { Must(Library().encode(out.As(), coefs.As(), rows, logCoefs, logDomain)); });
  lines.push_back({"NTT, entries of the domain", static_cast<double>(rows << logDomain) / seconds / 1e6,
                   "M/s", Bound::kMultiplyAdds, 1e6 * 0.5 * logDomain * kPerProduct, ""});
}

static void MeasureRounds(Lines& lines) {
  constexpr size_t kColumns = 3;
  const size_t half = Quick() ? 300 : 1 << 22;
  std::vector<std::unique_ptr<Memory>> in, out;
  std::vector<device::DeviceFp*> from, to;
  for (size_t c = 0; c < kColumns; c++) {
    in.push_back(std::make_unique<Memory>(4 * half * sizeof(Fp)));
    out.push_back(std::make_unique<Memory>(2 * half * sizeof(Fp)));
    Fill(in[c]->As(), 4 * half);
    from.push_back(in[c]->As());
    to.push_back(out[c]->As());
  }
  const double size = static_cast<double>(half);
  Fp r = FromU64(3), values[3];
  double seconds = Best([&] { Must(Library().fold(to.data(), from.data(), kColumns, half, &r)); });
  lines.push_back({"fold, 3 columns", 3 * kColumns * kElement * size / seconds / 1e9, "GB/s", Bound::kCopy,
                   1e9, "50 % of copy"});
  device::SumcheckProgram program{};
  program.columns = kColumns;
  program.instructions = 3;
  program.points = 3;
  program.slots = 1;
  using Op = device::SumcheckOp;
  program.code[0] = {Op::kMul, 0, 0, 1};
  program.code[1] = {Op::kAddProduct, 0, 3, 2};
  program.code[2] = {Op::kTake, 0, 0, 0};
  for (bool bind : {false, true}) {
    seconds = Best([&] {
      Must(Library().sumcheckRound(values, &program, from.data(), to.data(), half, bind ? &r : nullptr));
    });
    const double bytes = (bind ? 6 : 2) * kColumns * kElement * size;
    lines.push_back({bind ? "sumcheck round of a b c, and a fold" : "sumcheck round of a b c",
                     bytes / seconds / 1e9, "GB/s", Bound::kCopy, 1e9, "50 % of copy"});
  }
  seconds = Best([&] { Must(Library().addFractions(to[0], to[1], from[0], from[1], half)); });
  lines.push_back({"fraction layer", 6 * kElement * size / seconds / 1e9, "GB/s", Bound::kCopy, 1e9, ""});
  seconds = Best([&] { Must(Library().dot(values, from[0], from[1], 4 * half)); });
  lines.push_back({"inner product", 8 * kElement * size / seconds / 1e9, "GB/s", Bound::kCopy, 1e9, ""});
}

void MeasureProver(Lines& lines) {
  MeasureHashes(lines);
  MeasureTransform(lines);
  MeasureRounds(lines);
}

void MeasureCommitment(Lines& lines, const char* library) {
  device::Choose(device::Choice::kCuda, {library, Quick() ? size_t{1} : size_t{0}});
  for (int log : Quick() ? std::vector<int>{8} : std::vector<int>{20, 24, 26}) {
    Vec vec(size_t{1} << log);
    for (size_t i = 0; i < vec.size(); i++) vec.mut()[i] = FromU64(i * 0x9e3779b1u & 0xffff);
    Control control;
    const auto start = std::chrono::steady_clock::now();
    const Commitment commitment(vec, {16, log - 4, 3, 4}, control);
    const double seconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
    const double permutations = 9.0 * static_cast<double>(size_t{1} << (log - 1));
    std::string name("commitment of 2^");
    name.append(std::to_string(log)).append(" parameters");
    lines.push_back({name, seconds, "s", Bound::kNone, 0, log == 26 ? "60 s" : ""});
    lines.push_back({"  its permutations", permutations / seconds / 1e6, "M/s", Bound::kMultiplyAdds,
                     1e6 * kPerPermutation, ""});
  }
  device::Choose(device::Choice::kCpu);
}

}  // namespace attensor::bench
