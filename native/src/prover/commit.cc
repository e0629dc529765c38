#include "commit.h"

#include <algorithm>
#include <atomic>
#include <cstring>
#include <string>

#include "common/thread_pool.h"
#include "device/device.h"
#include "merkle.h"
#include "stored_tree.h"

namespace attensor {

// Header of a stored tree: 'ATTR', version, logDomain, rows, logCap; then the nodes, layer by layer from the
// leaves' hashes to the cap.
static constexpr uint8_t kMagic[5] = {'A', 'T', 'T', 'R', 2};

Commitment::Commitment(const Vec& vec, const CommitShape& shape, const Control& control,
                       const std::vector<uint8_t>* tree)
    : shape_(shape), codeword_(shape, "commit") {
  if (tree) LoadTree(*tree);
  // Guide figures: a leaf of 16 costs nine permutations, about 40 times its share of the transform.
  double encodeShare = tree ? 1.0 : 0.03;
  Vec leaves(tree ? 0 : size_t{1} << shape.logDomain());
  bool hashed = Encode(vec, control, encodeShare, tree ? nullptr : &leaves);
  if (!tree) HashTree(leaves, hashed, control, encodeShare);
  control.Report(1);
}

bool Commitment::Encode(const Vec& vec, const Control& control, double share, Vec* leaves) {
  bool hashed = false;
  bool done = device::Run(codeword_.values().size(), device::kLeastElements, [&](const device::Table& table) {
    try {
      codeword_.EncodeOnDevice(table, vec, control, share);
    } catch (const device::NoMemory&) {
      if (!leaves) throw;
      EncodeAndHashPairs(table, vec, control, *leaves);
      hashed = true;
    }
  });
  if (!done) codeword_.EncodeOnHost(vec, control, share);
  return hashed;
}

/// Two rows at a time, as a hash takes them: encoded, absorbed by all leaves, and brought to host memory.
void Commitment::EncodeAndHashPairs(const device::Table& table, const Vec& vec, const Control& control,
                                    Vec& leaves) {
  size_t rows = shape_.rows, width = size_t{1} << shape_.logRow, domain = leaves.size();
  codeword_ = Codeword(shape_, "commit");
  Vec coefs(2 * width), pair(2 * domain), states(3 * domain);
  device::DeviceFp *from = coefs.OutOnDevice(), *encoded = pair.OutOnDevice(), *state = states.OutOnDevice();
  device::DeviceFp* hashes = leaves.OutOnDevice();
  device::Check(table.zero(state, states.size() * sizeof(Fp)));
  const Fp* source = vec.data();
  Fp* codeword = codeword_.values().mut();
  for (size_t r = 0; r < rows; r += 2) {
    control.Check("commit");
    size_t n = std::min<size_t>(2, rows - r);
    device::Check(table.upload(from, source + r * width, n * width * sizeof(Fp)));
    device::Check(table.encode(encoded, from, n, shape_.logRow, shape_.logDomain()));
    device::Check(table.absorb(state, encoded, n == 2 ? encoded + domain : nullptr, domain));
    device::Check(table.download(codeword + r * domain, encoded, n * domain * sizeof(Fp)));
    control.Report(static_cast<double>(r + n) / static_cast<double>(rows));
  }
  device::Check(table.copy(hashes, state, domain * sizeof(Fp)));
}

/// On the device in steps that are waited for, so that progress is true and a cancellation is heard.
void Commitment::HashLeaves(Vec& leaves, const Control& control,
                            const std::function<void(size_t)>& report) const {
  size_t domain = leaves.size(), entries = shape_.rows;
  bool hashed = device::Run(domain, device::kLeastHashes, [&](const device::Table& table) {
    device::DeviceFp* to = leaves.OutOnDevice();
    const device::DeviceFp* columns = codeword_.values().OnDevice();
    size_t step = std::max<size_t>(domain / 16, 1 << 12);
    for (size_t first = 0; first < domain; first += step) {
      control.Check("commit");
      size_t n = std::min(step, domain - first);
      device::Check(table.hashColumns(to + first, columns + first, 1, domain, entries, n));
      Fp last;
      device::Check(table.download(&last, to + first + n - 1, sizeof last));
      report(first + n);
    }
  });
  if (hashed) return;
  const Fp* columns = codeword_.values().data();
  Fp* out = leaves.mut();
  std::atomic<size_t> done{0};
  constexpr size_t kStep = 256;
  ParallelFor((domain + kStep - 1) / kStep, 1, [&](size_t begin, size_t end) {
    for (size_t b = begin; b < end; b++) {
      control.Check("commit");
      size_t first = b * kStep, n = std::min(kStep, domain - first);
      HashMany(columns + first, 1, domain, entries, n, out + first);
      report(done += n);
    }
  });
}

void Commitment::HashTree(Vec leaves, bool hashed, const Control& control, double from) {
  size_t domain = leaves.size();
  // Permutations: about entries / 2 for each leaf and one for each inner node.
  double perLeaf = static_cast<double>((shape_.rows + 1) / 2),
         total = (perLeaf + 1) * static_cast<double>(domain);
  auto report = [&](size_t count) {
    control.Report(from + (1 - from) * perLeaf * static_cast<double>(count) / total);
  };
  if (!hashed) HashLeaves(leaves, control, report);
  layers_.push_back(leaves);
  for (size_t size = domain; size > size_t{1} << shape_.logCap; size /= 2) {
    control.Check("commit");
    layers_.push_back(Parents(layers_.back()));
    double nodes = perLeaf * static_cast<double>(domain) + static_cast<double>(domain - size / 2);
    control.Report(from + (1 - from) * nodes / total);
  }
}

std::vector<Fp> Commitment::Path(size_t index) const {
  std::vector<Fp> out;
  for (size_t d = 0; d + 1 < layers_.size(); d++) out.push_back(layers_[d].At((index >> d) ^ 1));
  return out;
}

size_t Commitment::SerializedSize() const { return kTreeHeader + kNodeSize * shape_.nodes(); }

void Commitment::SerializeTree(uint8_t* out) const {
  std::memcpy(out, kMagic, sizeof kMagic);
  out[5] = static_cast<uint8_t>(shape_.logDomain());
  out[6] = static_cast<uint8_t>(shape_.rows);
  out[7] = static_cast<uint8_t>(shape_.logCap);
  uint8_t* at = out + kTreeHeader;
  for (const Vec& layer : layers_) at = WriteNodes(layer, at);
}

void Commitment::LoadTree(const std::vector<uint8_t>& tree) {
  Require(tree.size() == SerializedSize(),
          "commit: options.tree has the wrong size: expected " + std::to_string(SerializedSize()) +
              " bytes for this vector and these options, got " + std::to_string(tree.size()));
  Require(std::memcmp(tree.data(), kMagic, sizeof kMagic) == 0 && tree[5] == shape_.logDomain() &&
              tree[6] == shape_.rows && tree[7] == shape_.logCap,
          "commit: options.tree was made by another version or with other options; compute it again");
  const uint8_t* at = tree.data() + kTreeHeader;
  for (int level = shape_.logDomain(); level >= shape_.logCap; level--) {
    layers_.push_back(ReadNodes(at, size_t{1} << level, "commit: options.tree"));
    at += kNodeSize * layers_.back().size();
  }
}

}  // namespace attensor
