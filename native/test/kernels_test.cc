// Tests of the kernels without Node: build/Release/kernels_test. Run again with ATTENSOR_ISA=portable,
// adx or avx2 for the code of lesser machines. Prints each failure and exits with 1 if there was one.
#include "prover/kernels.h"

#include <algorithm>
#include <atomic>
#include <cstdio>
#include <stdexcept>
#include <vector>

#include "common/control.h"
#include "common/thread_pool.h"
#include "prover/backend.h"
#include "prover/commit.h"
#include "prover/committed_tree.h"
#include "prover/contract.h"
#include "prover/fractions.h"
#include "prover/grind.h"
#include "prover/integer_sums.h"
#include "prover/linear.h"
#include "prover/merkle.h"
#include "prover/ntt.h"
#include "prover/poseidon.h"
#include "prover/sumcheck.h"
#include "prover/tables.h"
#include "prover/tree_hash.h"
#include "testing.h"

using namespace attensor;
using namespace attensor::testing;

static Fp PortableMul(const Fp& a, const Fp& b) {
  return portable::SubtractOnce(portable::MulLazy(a, b), kModulus);
}

static void TestField() {
  for (int i = 0; i < 20000; i++) {
    Fp a = RandomField(), b = RandomField(), product = PortableMul(a, b);
    CHECK(Mul(a, b) == product);
    CHECK(Sqr(a) == PortableMul(a, a));
    CHECK(Add(a, b) == portable::Add(a, b));
    CHECK(Sub(a, b) == portable::Sub(a, b));
    CHECK(Add(Sub(a, b), b) == a);
    CHECK(Sub(Mul(Add(a, b), a), PortableMul(a, a)) == product);
    Wide acc;
    for (int k = 0; k < 37; k++) MulAccumulate(acc, a, b);
    CHECK(Reduce(acc) == Mul(product, FromU64(37)));
    CHECK(FromCanonical(ToCanonical(a)) == a);
    CHECK(IsCanonical(a));
  }
  CHECK(!IsCanonical(kModulus) && !IsCanonical(kTwiceModulus));
  // The largest sum of products an accumulator takes, and inputs between p and 2p.
  Wide full;
  for (int i = 0; i < 9; i++) full.l[i] = ~u64{0} >> (i == 8 ? 4 : 0);
  u64 r[5], expected[5];
  ReduceWide(full, r);
  portable::ReduceWide(full, expected);
  for (int i = 0; i < 5; i++) CHECK(r[i] == expected[i]);
  Fp almost{{kTwiceModulus.l[0] - 1, kTwiceModulus.l[1], 0, kTwiceModulus.l[3]}};
  Fp minusOne{{kP0 - 1, kP1, 0, kP3}};  // as representations, 2p - 1 = -1
  CHECK(Mul(almost, almost) == Mul(minusOne, minusOne));
  CHECK(SubtractOnce(SqrLazy(almost), kModulus) == Sqr(minusOne));
  CHECK(Mul(Inverse(FromU64(7)), FromU64(7)) == kOne);
  CHECK(Inverse(Fp{}).IsZero());
  CHECK(FromI64(INT64_MIN) == Neg(FromU64(u64{1} << 63)));
  CHECK(Add(FromI64(-5), FromU64(5)).IsZero());
  for (int log : {0, 1, 5, 32}) {
    Fp w = RootOfUnity(log);
    for (int i = 0; i < log; i++) {
      CHECK(!(w == kOne));
      w = Sqr(w);
    }
    CHECK(w == kOne);
  }
}

static void TestPoseidon() {
  Fp values[3] = {FromU64(1), FromU64(2), FromU64(3)};
  // o1js: Poseidon.hash([1, 2, 3])
  const Fp expected{{0xb42a3012a4663fd0, 0x22a448893fee8cee, 0x5ed1cc8820c73058, 0x366e46102b097673}};
  CHECK(ToCanonical(Hash(values, 3)) == expected);
  // The batch agrees with the single permutation at every size.
  for (size_t count = 0; count < 20; count++) {
    std::vector<PoseidonState> batch(count), single;
    for (auto& state : batch)
      for (Fp& x : state.s) x = RandomField();
    single = batch;
    PermuteBatch(batch.data(), count);
    for (size_t i = 0; i < count; i++) {
      Permute(single[i]);
      for (int k = 0; k < 3; k++) CHECK(batch[i].s[k] == single[i].s[k]);
    }
  }
}

/// The definition, with reduced sums and products only.
static std::vector<Fp> PlainTrace(const Fp* children) {
  std::vector<Fp> s(children, children + kArity), out = s;
  auto external = [&] {
    const u64 block[4][4] = {{5, 7, 1, 3}, {4, 6, 1, 1}, {1, 3, 5, 7}, {1, 1, 4, 6}};
    std::vector<Fp> next(kArity);
    for (size_t i = 0; i < kArity; i++)
      for (size_t j = 0; j < kArity; j++)
        next[i] = Add(next[i], Mul(FromU64(block[i % 4][j % 4] * (i / 4 == j / 4 ? 2 : 1)), s[j]));
    s = next;
  };
  auto box = [&](size_t e, const Fp& constant, bool traced) {
    Fp x = Add(s[e], constant);
    if (traced) out.push_back(x);
    s[e] = Mul(Mul(Mul(x, x), Mul(x, x)), x);
  };
  external();
  for (int r = 0; r < kPoseidon2FullRounds; r++) {
    if (r == kPoseidon2FullRounds / 2)
      for (const Fp& constant : kPoseidon2Partial) {
        box(0, constant, true);
        Fp sum{};
        for (const Fp& x : s) sum = Add(sum, x);
        for (size_t e = 0; e < kArity; e++) s[e] = Add(Mul(kPoseidon2Diagonal[e], s[e]), sum);
      }
    for (size_t e = 0; e < kArity; e++) box(e, kPoseidon2Full[r][e], r > 0);
    external();
  }
  out.push_back(Add(s[0], children[0]));
  return out;
}

static void TestCompression() {
  // HorizenLabs/poseidon2 for Pallas, width 8: of 0, …, 7 and of p - 1, …, p - 8.
  const Fp published[2] = {
      {{0xe5fc05f53ddc305f, 0x9e698b9479d16af3, 0x5e99ae6876f27bf3, 0x2a3c93e67833ba44}},
      {{0x7e5875a83f6f774d, 0x5bf280d768d16cdd, 0x4411ae226631f128, 0x3e50f1649e21f43e}}};
  for (bool down : {false, true}) {
    Fp children[kArity];
    for (size_t e = 0; e < kArity; e++) children[e] = down ? Neg(FromU64(e + 1)) : FromU64(e);
    CHECK(CompressOne(children) == Add(FromCanonical(published[down]), children[0]));
  }
  const Fp largest{{kP0 - 1, kP1, 0, kP3}};
  for (size_t count = 0; count < 20; count++) {
    std::vector<Fp> children = RandomFields(kArity * count), got(count), traced(kTracedValues * count);
    // Nothing but the ends of the range, every third time.
    for (Fp& x : children)
      if (count % 3 == 0) x = Random() % 2 ? Fp{} : largest;
    Compress(got.data(), children.data(), count);
    TraceCompressions(traced.data(), count, children.data(), count);
    for (size_t i = 0; i < count; i++) {
      std::vector<Fp> expected = PlainTrace(&children[kArity * i]);
      CHECK(expected.size() == kTracedValues);
      CHECK(got[i] == expected.back() && CompressOne(&children[kArity * i]) == expected.back());
      for (size_t k = 0; k < kTracedValues; k++) CHECK(traced[k * count + i] == expected[k]);
    }
  }
}

/// A leaf's hash by its definition.
static Fp PlainLeaf(std::vector<Fp> entries) {
  size_t padded = 1;
  while (padded < entries.size()) padded *= 2;
  entries.resize(padded);
  do {
    entries.resize((entries.size() + kArity - 1) / kArity * kArity);
    std::vector<Fp> above;
    for (size_t i = 0; i < entries.size(); i += kArity) above.push_back(CompressOne(&entries[i]));
    entries = above;
  } while (entries.size() > 1);
  return entries[0];
}

static void TestCommittedTree() {
  Control control;
  for (size_t rows : {1, 2, 7, 8, 9, 16, 17, 100}) {
    std::vector<int32_t> ints(3 * rows);
    for (int32_t& x : ints) x = static_cast<int32_t>(Random());
    Vec hashes = HashLeaves(ints.data(), rows, 3, control);
    for (size_t i = 0; i < 3; i++) {
      std::vector<Fp> entries;
      for (size_t c = 0; c < rows; c++) entries.push_back(FromI64(ints[i * rows + c]));
      CHECK(hashes[i] == PlainLeaf(entries));
    }
    for (int logRow : {0, 3, 5}) {
      Vec vec = RandomVec(rows << logRow);
      CommittedTree tree(vec, {rows, logRow, 1}, control);
      Codeword codeword({rows, logRow, 1}, "test");
      codeword.Encode(vec, control, 1);
      size_t last = tree.shape().domain() - 1;
      for (size_t index : {size_t{0}, last / 3, last}) {
        size_t column = last < kArity ? index : index % kArity * ((last + 1) / kArity) + index / kArity;
        CHECK(tree.Leaf(index) == codeword.Leaf(column));
        Fp node = PlainLeaf(tree.Leaf(index));
        std::vector<Fp> path = tree.Path(index);
        for (size_t at = index, k = 0; k < path.size(); k += kArity - 1, at /= kArity) {
          std::vector<Fp> children(path.begin() + static_cast<long>(k),
                                   path.begin() + static_cast<long>(k + kArity - 1));
          children.insert(children.begin() + static_cast<long>(at % kArity), node);
          node = CompressOne(children.data());
        }
        CHECK(node == tree.Root());
      }
    }
  }
  control.cancelled = true;
  bool cancelled = false;
  try {
    CommittedTree never(RandomVec(64), {4, 4, 1}, control);
  } catch (const Error& e) {
    cancelled = std::string(e.code) == "CANCELLED";
  }
  CHECK(cancelled);
}

static bool SameWide(const Wide& a, const Wide& b) {
  for (int i = 0; i < 9; i++)
    if (a.l[i] != b.l[i]) return false;
  return true;
}

/// The backend's vector kernels against the scalar ones, at lengths around its batches.
static void TestVectorKernels() {
  const Backend& backend = ActiveBackend();
  for (size_t n : {1, 2, 3, 7, 8, 9, 15, 16, 24, 61, 4099}) {
    std::vector<Fp> a = RandomFields(4 * n), b = RandomFields(4 * n), w = RandomFields(2 * n);
    std::vector<Fp> got = a, expected = a;
    backend.butterfly(got.data(), got.data() + n, w.data(), n);
    scalar::Butterfly(expected.data(), expected.data() + n, w.data(), n);
    CHECK(got == expected);
    backend.butterfly4(got.data(), n, b.data(), w.data());
    scalar::Butterfly4(expected.data(), n, b.data(), w.data());
    CHECK(got == expected);

    Fp r = RandomField();
    backend.fold(got.data(), a.data(), a.data() + n, r, n);
    scalar::Fold(expected.data(), a.data(), a.data() + n, r, n);
    CHECK(got == expected);
    backend.fold(got.data(), got.data(), got.data() + n, r, n);  // in place
    scalar::Fold(expected.data(), expected.data(), expected.data() + n, r, n);
    CHECK(got == expected);

    Wide sum, same;
    MulAccumulate(sum, r, r);
    MulAccumulate(same, r, r);
    backend.dot(sum, a.data(), b.data(), 4 * n);
    scalar::Dot(same, a.data(), b.data(), 4 * n);
    CHECK(SameWide(sum, same));

    backend.addFractions(got.data(), got.data() + n, a.data(), b.data(), 2 * n, n);
    scalar::AddFractions(expected.data(), expected.data() + n, a.data(), b.data(), 2 * n, n);
    CHECK(got == expected);
    FractionColumns columns{a.data(), a.data() + 2 * n, b.data(), b.data() + 2 * n, w.data()};
    Wide slope, top, sameSlope, sameTop;
    for (size_t first : {size_t{0}, n / 2}) {
      backend.fractionRound(columns, n, first, n - first, slope, top);
      scalar::FractionRound(columns, n, first, n - first, sameSlope, sameTop);
    }
    CHECK(Reduce(slope) == Reduce(sameSlope) && Reduce(top) == Reduce(sameTop));
  }
  // Linear combinations of any number of terms, onto a base or not; all of them the largest at once, too.
  const Fp largest{{kP0 - 1, kP1, 0, kP3}};
  for (size_t terms : {0, 1, 2, 7, 255, 256, 257, 1100, 2500}) {
    for (bool random : {true, false}) {
      size_t n = 11;
      std::vector<Fp> data = random ? RandomFields(terms + n) : std::vector<Fp>(terms + n, largest);
      std::vector<Fp> coefs = random ? RandomFields(terms) : std::vector<Fp>(terms, largest);
      std::vector<const Fp*> vecs;
      for (size_t k = 0; k < terms; k++) vecs.push_back(&data[k]);
      std::vector<Fp> base = RandomFields(n), got = base, expected = base;
      backend.linear(got.data(), got.data(), vecs.data(), coefs.data(), terms, n);
      scalar::Linear(expected.data(), base.data(), vecs.data(), coefs.data(), terms, n);
      CHECK(got == expected);
      backend.linear(got.data(), nullptr, vecs.data(), coefs.data(), terms, n);
      for (size_t i = 0; i < n; i++) expected[i] = Sub(expected[i], base[i]);
      CHECK(got == expected);
    }
  }
}

/// Random programs of every shape: sums as the scalar round has them.
static void TestSumcheckKernel() {
  for (int run = 0; run < 60; run++) {
    size_t columns = 1 + Random() % 4, constants = Random() % 3, half = run < 20 ? 1 + Random() % 70 : 700;
    SumcheckPlan plan;
    plan.columns = columns;
    plan.constants = RandomFields(constants);
    plan.degree = static_cast<int>(Random() % 7);
    plan.registers = columns + constants;
    // Long chains of sums and products, so that bounds grow until a reduction is due.
    for (size_t step = Random() % 40; step > 0; step--, plan.registers++) {
      Op op = static_cast<Op>(Random() % 3);
      size_t recent = plan.registers - 1 - Random() % std::min<size_t>(plan.registers, 4);
      plan.steps.push_back({{op, recent, Random() % plan.registers}, plan.registers});
    }
    plan.sums = {{true, kOne}, {false, kOne}, {true, kOne}};
    for (size_t k = 0; k < 5; k++) {
      size_t left = plan.registers - 1 - Random() % std::min<size_t>(plan.registers, 3);
      plan.summands.push_back({k % 2 == 0, left, Random() % plan.registers, k % 2 == 0 ? k / 2 : 1});
    }
    plan.summands[4].sum = 0;
    std::vector<std::vector<Fp>> data;
    std::vector<const Fp*> at;
    for (size_t c = 0; c < columns; c++) data.push_back(RandomFields(2 * half));
    // Nothing but the ends of the range, every third time.
    for (auto& column : data)
      for (Fp& x : column)
        if (run % 3 == 0) x = Random() % 2 ? Fp{} : Fp{{kP0 - 1, kP1, 0, kP3}};
    for (const auto& d : data) at.push_back(d.data());
    std::vector<Wide> sums(plan.points() * plan.sums.size()), expected = sums;
    for (size_t first : {size_t{0}, half / 3}) {
      ActiveBackend().sumcheckRound(plan, at.data(), half, first, half - first, sums.data());
      scalar::SumcheckRound(plan, at.data(), half, first, half - first, expected.data());
    }
    // The integers may differ by multiples of p, the residues not.
    for (size_t i = 0; i < sums.size(); i++) CHECK(Reduce(sums[i]) == Reduce(expected[i]));
  }
}

static void TestThreadPool() {
  for (size_t threads : {1, 2, 5}) {
    SetThreads(threads);
    std::vector<std::atomic<int>> hits(1000);
    ParallelFor(1000, 1, [&](size_t begin, size_t end) {
      ParallelFor(2, 1, [&](size_t, size_t) {});  // nested loops are allowed
      for (size_t i = begin; i < end; i++) hits[i]++;
    });
    for (auto& h : hits) CHECK(h == 1);
    bool thrown = false;
    try {
      ParallelFor(100, 1, [](size_t, size_t end) {
        if (end > 50) throw std::runtime_error("expected");
      });
    } catch (const std::runtime_error&) {
      thrown = true;
    }
    CHECK(thrown);
  }
  SetThreads(3);
}

static void TestTables() {
  std::vector<Fp> point = RandomFields(15);
  Vec table = EqTable(point, kOne), values = RandomVec(table.size());
  for (int i = 0; i < 50; i++) {
    size_t b = Random() % table.size();
    Fp eq = kOne;
    for (int j = 0; j < 15; j++) eq = Mul(eq, b >> (14 - j) & 1 ? point[j] : Sub(kOne, point[j]));
    CHECK(table[b] == eq);
  }
  CHECK(EvalMle(values.data(), point) == Dot(values.data(), table.data(), table.size()));
  Fp x = RandomField();
  std::vector<Fp> powers = Powers(x, 3000);
  CHECK(EvalPow(values.data(), 3000, x) == Dot(values.data(), powers.data(), 3000));
  Vec sum = Vec::Zeros(3000);
  AddPows(sum, {x, kOne}, {x, kOne});
  for (size_t i : {0, 1, 255, 256, 2999}) CHECK(sum[i] == Add(Mul(x, powers[i]), kOne));
  AddEq(sum, 100, x, {point.begin(), point.begin() + 11});
  Vec part = EqTable({point.begin(), point.begin() + 11}, x);
  CHECK(sum[100 + 77] == Add(part[77], Add(Mul(x, powers[177]), kOne)));
}

static void TestContract() {
  Vec src = RandomVec(4096), weights = RandomVec(64);
  for (bool rows : {true, false}) {
    Axis summed{64, rows ? 64u : 1u, weights}, open{64, rows ? 1u : 64u, {}};
    Vec out = Contract(src, 0, {open, summed});
    for (size_t i : {0, 5, 63}) {
      Fp sum{};
      for (size_t j = 0; j < 64; j++)
        sum = Add(sum, Mul(weights[j], src[i * open.stride + j * summed.stride]));
      CHECK(out[i] == sum);
    }
  }
}

static void TestSumcheck() {
  // sum of a b + 3 a over 2^10 points: round polynomials telescope to the final values
  Vec a = RandomVec(1024), b = RandomVec(1024);
  Program program{2, {FromU64(3)}, {{Op::kMul, 0, 1}, {Op::kMul, 0, 2}, {Op::kAdd, 3, 4}}, 2};
  Sumcheck prover({a, b}, program);
  Fp claim{};
  for (size_t i = 0; i < 1024; i++) claim = Add(claim, Mul(a[i], Add(b[i], FromU64(3))));
  Fp half = Inverse(FromU64(2));
  for (int j = 0; j < 10; j++) {
    std::vector<Fp> g = prover.Round();  // g(0), g(2)
    Fp g0 = g[0], g1 = Sub(claim, g0), r = RandomField();
    Fp c2 = Mul(half, Add(Sub(g[1], Add(g1, g1)), g0)), c1 = Sub(Sub(g1, g0), c2);
    claim = Add(g0, Mul(r, Add(c1, Mul(r, c2))));
    prover.Bind(r);
  }
  std::vector<Fp> ends = prover.Finals();
  CHECK(claim == Mul(ends[0], Add(ends[1], FromU64(3))));
}

static void TestFractions() {
  Vec num = RandomVec(256), den(256);
  Fp sum{};
  for (size_t i = 0; i < 256; i++) {
    den.mut()[i] = Add(FromU64(i + 1), Mul(FromU64(i), FromU64(i)));
    sum = Add(sum, Mul(num[i], Inverse(den[i])));
  }
  FractionTree tree(num, den);
  CHECK(Mul(tree.Root()[0], Inverse(tree.Root()[1])) == sum);
  // One layer as the verifier sees it.
  std::vector<Fp> point = RandomFields(7);
  Fp lambda = RandomField(), claim{};
  Vec eq = EqTable(point, kOne);
  FractionTree layers(num, den);
  for (size_t i = 0; i < 128; i++) {
    Fp p = Add(Mul(num[i], den[128 + i]), Mul(num[128 + i], den[i])), q = Mul(den[i], den[128 + i]);
    claim = Add(claim, Mul(eq[i], Add(p, Mul(lambda, q))));
  }
  layers.BeginLayer(7, point, lambda);
  for (int j = 0; j < 7; j++) {
    auto [c1, c2] = layers.Round();
    Fp c0 = Sub(claim, Mul(point[j], Add(c1, c2))), r = RandomField();
    claim = Add(c0, Mul(r, Add(c1, Mul(r, c2))));
    layers.Bind(r);
  }
  auto [p0, p1, q0, q1] = layers.Finals();
  CHECK(claim == Add(Add(Mul(p0, q1), Mul(p1, q0)), Mul(lambda, Mul(q0, q1))));
}

static void TestCommit() {
  for (int logRow : {0, 1, 2, 5, 8}) {
    for (int logInvRate : {0, 1, 3}) {
      int logDomain = logRow + logInvRate;
      std::vector<Fp> coefs = RandomFields(size_t{1} << logRow), out(size_t{1} << logDomain);
      Encode(coefs.data(), logRow, out.data(), logDomain, Twiddles(logDomain));
      for (size_t i = 0; i < out.size(); i += 1 + i / 3)
        CHECK(out[i] == EvalPow(coefs.data(), coefs.size(), Pow(RootOfUnity(logDomain), i)));
    }
  }

  Vec vec = RandomVec(7 * 128);
  CommitShape shape{{7, 7, 2}, 2};
  Control control;
  Commitment commitment(vec, shape, control);
  for (size_t index : {0, 3, 511}) {
    std::vector<Fp> leaf = commitment.Leaf(index);
    Fp node = Hash(leaf.data(), leaf.size());
    size_t at = index;
    for (const Fp& sibling : commitment.Path(index)) {
      Fp pair[2] = {at & 1 ? sibling : node, at & 1 ? node : sibling};
      node = Hash(pair, 2);
      at >>= 1;
    }
    CHECK(node == commitment.cap()[at]);
  }
  control.cancelled = true;
  bool cancelled = false;
  try {
    Commitment never(vec, shape, control);
  } catch (const Error& e) {
    cancelled = std::string(e.code) == "CANCELLED";
  }
  CHECK(cancelled);
}

static void TestGrind() {
  PoseidonState state{{RandomField(), RandomField(), RandomField()}};
  u64 nonce = Grind(state, 7, Control{});
  for (u64 i = 0; i <= nonce; i++) {
    PoseidonState s = state;
    s.s[0] = Add(s.s[0], FromU64(i));
    Permute(s);
    CHECK(((ToCanonical(s.s[0]).l[0] & 127) == 0) == (i == nonce));
  }
}

/// Integers of some widths, their ends among them.
static std::vector<int32_t> RandomInts(size_t n, int bits) {
  std::vector<int32_t> out(n);
  int64_t end = int64_t{1} << (bits - 1);
  for (int32_t& x : out) {
    u64 kind = Random() % 8;
    x = static_cast<int32_t>(kind == 0   ? -end
                             : kind == 1 ? end - 1
                             : kind == 2 ? 0
                                         : static_cast<int64_t>(Random() % static_cast<u64>(2 * end)) - end);
  }
  return out;
}

static void TestIntegerSums() {
  const Fp largest{{kP0 - 1, kP1, 0, kP3}};
  // Digits stand for their element; the last one shows every digit at its end.
  std::vector<Fp> elements = {Fp{}, kOne, largest, Fp{{~u64{0}, ~u64{0}, ~u64{0}, kP3 - 1}},
                              Fp{{0x8000000080000000, 0x8000000080000000, 0x8000000080000000, 0x80000000}}};
  for (int i = 0; i < 200; i++) elements.push_back(RandomField());
  for (const Fp& x : elements) {
    Digits digits = ToDigits(x);
    int64_t sums[8];
    for (int i = 0; i < 8; i++) sums[i] = digits.d[i];
    CHECK(FromSums(sums) == x);
  }
  // Sums at the bound, of either sign: 2^62 (1 + 2^32 + ...).
  for (int64_t sign : {1, -1}) {
    int64_t sums[8];
    Fp expected{}, power = FromI64(sign * (int64_t{1} << 62));
    for (int64_t& x : sums) {
      x = sign * (int64_t{1} << 62);
      expected = Add(expected, power);
      power = Mul(power, FromU64(u64{1} << 32));
    }
    CHECK(FromCanonical(FromSums(sums)) == expected);
  }
  // Every number of rows, at several layouts, onto what is there.
  for (size_t rows = 0; rows <= 26; rows++) {
    for (size_t count : {size_t{0}, size_t{1}, size_t{7}, size_t{64}}) {
      for (bool columns : {false, true}) {
        std::vector<int32_t> values = RandomInts(rows * count + 1, 24);
        std::vector<Digits> factors;
        for (size_t j = 0; j < count; j++) factors.push_back(ToDigits(RandomField()));
        std::vector<int64_t> got(8 * rows + 1);
        for (int64_t& x : got) x = static_cast<int64_t>(Random() >> 8);
        std::vector<int64_t> expected = got;
        size_t rowStride = columns ? 1 : count, step = columns ? rows : 1;
        ActiveBackend().integerSums(got.data(), values.data(), rowStride, step, rows, factors.data(), count);
        scalar::IntegerSums(expected.data(), values.data(), rowStride, step, rows, factors.data(), count);
        CHECK(got == expected);
      }
    }
  }
  // The bound: weights and digits at their ends, up to the last term before a fold and beyond it.
  for (int bits : {32, 31, 22, 21, 16, 8}) {
    for (int32_t end : {static_cast<int32_t>(-(int64_t{1} << (bits - 1))),
                        static_cast<int32_t>((int64_t{1} << (bits - 1)) - 1)}) {
      size_t n = 4200;
      std::vector<int32_t> values(n, end);
      Vec weights(n);
      for (size_t i = 0; i < n; i++) weights.mut()[i] = elements[4];
      Vec sum = ContractInts(values, 0, {{n, 1, weights}}, Control{});
      CHECK(sum[0] == Mul(Mul(FromI64(end), FromU64(n)), elements[4]));
    }
  }
  // Whole functions against the ones on elements: views, ends beyond the integers, widths of all kinds.
  struct View {
    size_t offset;
    std::vector<std::pair<size_t, size_t>> free, summed;
  };
  const View views[] = {{0, {{50, 1}}, {{100, 50}}},
                        {3, {{77, 60}}, {{55, 1}}},
                        {9, {}, {{4990, 1}}},
                        {4000, {{300, 2}}, {{9, 611}}},
                        {5, {{4, 0}, {7, 11}, {3, 1}}, {{40, 90}, {5, 3}, {2, 0}}},
                        {1, {{2, 2000}, {1000, 1}}, {}},
                        {1, {{3, 0}, {1000, 2}}, {}},
                        {0, {{5, 7}}, {{3, 0}}},
                        {0, {{900, 1}, {3, 900}}, {{2, 2700}}},
                        {20000, {{3, 1}}, {{3, 3}}}};
  for (int bits : {3, 8, 16, 23, 32}) {
    std::vector<int32_t> ints = RandomInts(5000, bits);
    Vec whole = Vec::Zeros(30000);
    for (size_t i = 0; i < ints.size(); i++) whole.mut()[i] = FromI64(ints[i]);
    for (const View& view : views) {
      std::vector<Axis> axes;
      for (auto [size, stride] : view.free) axes.push_back({size, stride, {}});
      for (auto [size, stride] : view.summed) axes.push_back({size, stride, RandomVec(size)});
      Vec got = ContractInts(ints, view.offset, axes, Control{}),
          expected = Contract(whole, view.offset, axes);
      CHECK(got.size() == expected.size());
      for (size_t i = 0; i < expected.size(); i++) CHECK(got[i] == expected[i]);
    }
    for (auto [rows, length] : {std::pair<size_t, size_t>{1, 5000},
                                {1, 9000},
                                {16, 1},
                                {3, 1000},
                                {5, 999},
                                {4, 2001},
                                {2, 2500},
                                {2, 6000},
                                {20, 64}}) {
      std::vector<Fp> xs = {Fp{}, kOne, Neg(kOne), largest, RandomField(), RandomField(), RandomField()};
      // A device takes a table of powers for each row and point: an emulated one takes its time.
      if (rows > 10 && bits != 16) continue;
      if (length > 1000) xs = {largest, RandomField()};
      for (size_t turns : {1, 8}) {
        Vec got = EvalRows(ints, rows, length, turns, xs, Control{});
        CHECK(got.size() == rows * turns * xs.size());
        for (size_t r = 0; r < rows; r++)
          for (size_t t = 0; t < turns; t++) {
            std::vector<Fp> coefs;
            for (size_t j = t; j < length; j += turns) coefs.push_back(whole[r * length + j]);
            for (size_t i = 0; i < xs.size(); i++)
              CHECK(got[(i * rows + r) * turns + t] == EvalPow(coefs.data(), coefs.size(), xs[i]));
          }
      }
    }
  }
  Control control;
  control.cancelled = true;
  for (bool rows : {false, true}) {
    bool cancelled = false;
    std::vector<int32_t> ints(10, 1);
    try {
      if (rows)
        EvalRows(ints, 1, 10, 1, {kOne}, control);
      else
        ContractInts(ints, 0, {{10, 1, RandomVec(10)}}, control);
    } catch (const Error& e) {
      cancelled = std::string(e.code) == "CANCELLED";
    }
    CHECK(cancelled);
  }
}

int main() {
  TestField();
  TestPoseidon();
  TestCompression();
  TestCommittedTree();
  TestVectorKernels();
  TestSumcheckKernel();
  TestThreadPool();
  TestTables();
  TestContract();
  TestIntegerSums();
  TestSumcheck();
  TestFractions();
  TestCommit();
  TestGrind();
  std::printf("kernels_test: %s (backend %s)\n", failures ? "FAILED" : "all passed", ActiveBackend().name);
  return failures ? 1 : 0;
}
