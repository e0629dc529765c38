// Vectors, tables, views and codewords on the device against the CPU's.
#include <algorithm>
#include <tuple>

#include "../testing.h"
#include "library.h"
#include "prover/contract.h"
#include "prover/integer_sums.h"
#include "prover/linear.h"
#include "prover/ntt.h"
#include "prover/tables.h"

namespace attensor::testing {

static const size_t kSizes[] = {1, 2, 3, 255, 256, 257, 1000, 5000};

static Vec ToVec(const std::vector<Fp>& values) {
  Vec v(values.size());
  std::copy(values.begin(), values.end(), v.mut());
  return v;
}

static bool Same(const std::vector<Fp>& got, const Vec& expected) {
  return got.size() == expected.size() && std::equal(got.begin(), got.end(), expected.data());
}

static void TestIntegers() {
  std::vector<int64_t> wide = {0, 1, -1, INT64_MAX, INT64_MIN, 123456789};
  std::vector<int32_t> narrow = {0, -1, INT32_MAX, INT32_MIN};
  DeviceArray a(wide.size()), b(narrow.size());
  Succeeded(Library().fromInt64(a.get(), wide.data(), wide.size()), "fromInt64");
  Succeeded(Library().fromInt32(b.get(), narrow.data(), narrow.size()), "fromInt32");
  std::vector<Fp> got = a.Read(), small = b.Read();
  for (size_t i = 0; i < wide.size(); i++) CHECK(got[i] == FromI64(wide[i]));
  for (size_t i = 0; i < narrow.size(); i++) CHECK(small[i] == FromI64(narrow[i]));
  std::vector<u64> indexes = {5, 0, 3, 3};
  std::vector<Fp> some(4);
  Succeeded(Library().gather(a.get(), indexes.data(), 4, some.data()), "gather");
  for (size_t i = 0; i < 4; i++) CHECK(some[i] == FromI64(wide[indexes[i]]));
}

static void TestLinear() {
  for (size_t n : kSizes) {
    for (size_t terms : {0, 1, 2, 33, 70}) {
      if (n > 1000 && terms > 2) continue;
      std::vector<std::vector<Fp>> vecs;
      std::vector<std::unique_ptr<DeviceArray>> there;
      std::vector<Fp> coefs = RandomFields(terms), base = RandomFields(n), expected = base;
      std::vector<const device::DeviceFp*> pointers;
      if (terms > 1) coefs[1] = kOne, coefs[0] = Fp{};
      Fp constant = RandomField();
      for (size_t k = 0; k < terms; k++) {
        vecs.push_back(RandomFields(n));
        there.push_back(std::make_unique<DeviceArray>(vecs[k]));
        pointers.push_back(there[k]->get());
      }
      for (size_t i = 0; i < n; i++) {
        expected[i] = Add(expected[i], constant);
        for (size_t k = 0; k < terms; k++) expected[i] = Add(expected[i], Mul(coefs[k], vecs[k][i]));
      }
      DeviceArray out(base);
      Succeeded(Library().linear(out.get(), out.get(), pointers.data(), coefs.data(), terms, &constant, n),
                "linear");
      CHECK(out.Read() == expected);
      Succeeded(Library().linear(out.get(), nullptr, pointers.data(), coefs.data(), terms, nullptr, n),
                "linear");
      for (size_t i = 0; i < n; i++) expected[i] = Sub(expected[i], Add(base[i], constant));
      CHECK(out.Read() == expected);
    }
  }
}

static void TestSums() {
  for (size_t n : kSizes) {
    std::vector<Fp> a = RandomFields(n), b = RandomFields(n);
    DeviceArray x(a), y(b);
    Fp got;
    Succeeded(Library().dot(&got, x.get(), y.get(), n), "dot");
    CHECK(got == Dot(a.data(), b.data(), n));
    Fp point = RandomField();
    for (const Fp& at : {point, Fp{}, kOne}) {
      Succeeded(Library().evalPow(&got, x.get(), n, &at), "evalPow");
      CHECK(got == EvalPow(a.data(), n, at));
    }
  }
}

static void TestTables() {
  for (size_t variables : {0, 1, 2, 5, 12}) {
    size_t n = size_t{1} << variables;
    std::vector<Fp> point = RandomFields(variables), base = RandomFields(n);
    if (variables > 1) point[0] = Fp{}, point[1] = kOne;
    Fp scale = RandomField(), got;
    DeviceArray out(n), values(base);
    Succeeded(Library().eqTable(out.get(), point.data(), variables, &scale, false), "eqTable");
    Vec expected = EqTable(point, scale);
    CHECK(Same(out.Read(), expected));
    Succeeded(Library().evalMle(&got, values.get(), point.data(), variables), "evalMle");
    CHECK(got == EvalMle(base.data(), point));
    Succeeded(Library().eqTable(values.get(), point.data(), variables, &scale, true), "eqTable");
    for (size_t i = 0; i < n; i++) base[i] = Add(base[i], expected[i]);
    CHECK(values.Read() == base);
  }
  // More than a grid has. The emulation would take seconds for the factors, and sees the first store outside.
  size_t many = failAfter ? 20 : 40;
  std::vector<Fp> point(many);
  DeviceArray one(1);
  CHECK(Library().eqTable(one.get(), point.data(), many, &point[0], false) != device::Status::kOk);
  for (auto [n, terms] : {std::pair<size_t, size_t>{1, 1}, {5000, 3}, {4096, 1}, {20000, 2}, {7, 0}}) {
    std::vector<Fp> coefs = RandomFields(terms), xs = RandomFields(terms), base = RandomFields(n);
    DeviceArray target(base);
    Succeeded(Library().addPows(target.get(), n, coefs.data(), xs.data(), terms), "addPows");
    AddPows(base.data(), n, coefs, xs);
    CHECK(target.Read() == base);
  }
}

static device::View MakeView(const std::vector<std::pair<u64, u64>>& dims) {
  device::View view{};
  for (auto [size, stride] : dims) {
    view.sizes[view.count] = size;
    view.strides[view.count++] = stride;
  }
  return view;
}

static void TestViews() {
  std::vector<Fp> src = RandomFields(20000);
  DeviceArray from(src);
  Vec host = ToVec(src);
  device::View transposed = MakeView({{70, 1}, {90, 100}});
  DeviceArray out(6300);
  Succeeded(Library().copyView(out.get(), from.get(), &transposed), "copyView");
  CHECK(Same(out.Read(), Contract(host, 0, {{70, 1, {}}, {90, 100, {}}})));
  struct Case {
    std::vector<std::pair<u64, u64>> dims;
    size_t length, stride;
  };
  for (const Case& c :
       {Case{{}, 20000, 1}, Case{{}, 1, 1}, Case{{{100, 1}}, 200, 100}, Case{{{200, 100}}, 100, 1},
        Case{{{3, 7}, {5, 1}}, 40, 400}, Case{{{1000, 20}}, 17, 1}}) {
    std::vector<Fp> weights = RandomFields(c.length);
    std::vector<Axis> axes;
    size_t size = 1;
    for (auto [n, stride] : c.dims) {
      axes.push_back({n, stride, {}});
      size *= n;
    }
    axes.push_back({c.length, c.stride, ToVec(weights)});
    device::View view = MakeView(c.dims);
    DeviceArray sums(size), factors(weights);
    Succeeded(Library().sumAxis(sums.get(), from.get(), &view, factors.get(), c.length, c.stride), "sumAxis");
    CHECK(Same(sums.Read(), Contract(host, 0, axes)));
  }
}

static void TestIntegerSums() {
  for (int bits : {1, 9, 16, 24, 31}) {
    // With the ends of the width, and all of int32's where it is the widest.
    std::vector<int32_t> values(6000);
    for (int32_t& x : values) {
      x = static_cast<int32_t>(Random() % (u64{2} << bits)) - static_cast<int32_t>(u64{1} << bits);
      if (Random() % 7 == 0) x = static_cast<int32_t>(0 - (u64{1} << bits));
    }
    void* there = nullptr;
    Succeeded(Library().allocate(values.size() * sizeof(int32_t), &there), "allocate");
    Succeeded(Library().upload(there, values.data(), values.size() * sizeof(int32_t)), "upload");
    const int32_t* ints = static_cast<const int32_t*>(there);
    for (auto [dims, length, stride] :
         {std::tuple<std::vector<std::pair<u64, u64>>, size_t, size_t>{{{100, 1}}, 60, 100},
          {{{60, 100}}, 100, 1},
          {{}, 7000, 1},
          {{{3, 7}, {5, 1}}, 40, 400}}) {
      std::vector<Fp> weights = RandomFields(length);
      std::vector<Axis> axes;
      size_t size = 1;
      for (auto [n, step] : dims) {
        axes.push_back({n, step, {}});
        size *= n;
      }
      axes.push_back({length, stride, ToVec(weights)});
      device::View view = MakeView(dims);
      DeviceArray sums(size), factors(weights);
      Succeeded(Library().sumInts(sums.get(), ints, values.size(), &view, factors.get(), length, stride),
                "sumInts");
      Vec expected = ContractInts(values, 0, axes, Control{});
      CHECK(Same(sums.Read(), expected));
      // The engine on the device, whole.
      ChooseDevice(true);
      Vec got = ContractInts(values, 0, axes, Control{});
      CHECK(std::equal(got.data(), got.data() + size, expected.data()));
      ChooseDevice(false);
    }
    std::vector<Fp> xs = {Fp{}, kOne, Neg(kOne), RandomField(), RandomField()}, got(xs.size());
    for (size_t count : {size_t{1}, size_t{255}, size_t{1024}, values.size()}) {
      Succeeded(Library().evalInts(got.data(), ints, count, xs.data(), xs.size()), "evalInts");
      Vec expected = EvalRows(Integers(values).subspan(0, count), 1, count, 1, xs, Control{});
      CHECK(Same(got, expected));
    }
    for (size_t turns : {1, 8}) {
      Vec host = EvalRows(values, 7, 900, turns, xs, Control{});
      ChooseDevice(true);
      Vec device = EvalRows(values, 7, 900, turns, xs, Control{});
      ChooseDevice(false);
      CHECK(std::equal(host.data(), host.data() + host.size(), device.data()));
    }
    Library().release(there);
  }
}

static void TestEncode() {
  for (int logCoefs : {0, 1, 2, 5, 11, 12}) {
    for (int padding : {0, 1, 3}) {
      int log = logCoefs + padding;
      size_t rows = logCoefs > 5 ? 1 : 3, width = size_t{1} << logCoefs, domain = size_t{1} << log;
      std::vector<Fp> coefs = RandomFields(rows * width), expected(rows * domain);
      if (rows > 1) std::fill_n(coefs.begin() + static_cast<ptrdiff_t>(width), width, Fp{});
      for (size_t r = 0; r < rows; r++)
        Encode(&coefs[r * width], logCoefs, &expected[r * domain], log, Twiddles(log));
      DeviceArray from(coefs), out(rows * domain);
      Succeeded(Library().encode(out.get(), from.get(), rows, logCoefs, log), "encode");
      CHECK(out.Read() == expected);
    }
  }
  // Twiddles are kept, and given up when memory is short.
  device::Info info;
  Succeeded(Library().info(&info), "info");
  CHECK(info.used > 0);
  if (failAfter) {
    failAfter(0);
    void* memory = nullptr;
    CHECK(Library().allocate(32, &memory) == device::Status::kOutOfMemory);
    failAfter(-1);
  } else {
    Library().trim();
  }
  Succeeded(Library().info(&info), "info");
  CHECK(info.used == 0);
}

void TestVectorKernels() {
  TestIntegers();
  TestLinear();
  TestSums();
  TestTables();
  TestViews();
  TestIntegerSums();
  TestEncode();
}

}  // namespace attensor::testing
