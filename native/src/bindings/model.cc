// The kernels of the integer model: the one table of their arguments, which model.ts passes by name.
#include <algorithm>
#include <string>

#include "arguments.h"
#include "classes.h"
#include "model/attention.h"
#include "model/element_wise.h"
#include "model/gating.h"
#include "model/gemm.h"
#include "model/norm.h"

namespace attensor {
namespace {

using namespace model;

constexpr size_t kTable = 65536;
constexpr int64_t kLargestInteger = (int64_t{1} << 53) - 1;

device::ConstantId Constant(Arguments& args) {
  return static_cast<device::ConstantId>(args.Integer("constant", 0, kLargestInteger));
}

void RequireRows(const Arguments& args, const char* name, std::span<const int32_t> rows, size_t limit) {
  args.Require(std::all_of(rows.begin(), rows.end(),
                           [&](int32_t row) { return row >= 0 && static_cast<size_t>(row) < limit; }),
               std::string(name) + ": expected rows below " + std::to_string(limit));
}

AttentionShape ReadShape(Arguments& args) {
  const AttentionShape shape{args.Size("start"), args.Size("queries"), args.Size("keys"), args.Size("heads")};
  args.Require(shape.start + shape.queries == shape.keys, "expected keys = start + queries");
  return shape;
}

Napi::Value GemmCall(Arguments& args) {
  const size_t rows = args.Size("rows"), inner = args.Size("inner"), outer = args.Size("outer");
  const Ints x = args.Int64("x", {rows, inner});
  const Weights w = args.Int32("w", {outer, inner});
  const OutInts acc = args.Int64("acc", {rows, outer});
  const OutInts y = args.Has("y") ? args.Int64("y", {rows, outer}) : OutInts{};
  const auto id = Constant(args);
  return args.Run([=](const Control& control) { Gemm(x, w, rows, inner, outer, acc, y, control, id); });
}

Napi::Value GemmRowsCall(Arguments& args) {
  const size_t inRows = args.Size("inRows"), outRows = args.Size("outRows");
  const size_t inner = args.Size("inner"), outer = args.Size("outer");
  const Ints x = args.Int64("x", {inRows, inner});
  const Weights from = args.List("from"), w = args.Int32("w", {outer, inner});
  const Weights to = args.Int32("to", {from.size()});
  const OutInts acc = args.Int64("acc", {outRows, outer}), y = args.Int64("y", {outRows, outer});
  const auto id = Constant(args);
  RequireRows(args, "from", from, inRows);
  RequireRows(args, "to", to, outRows);
  return args.Run(
      [=](const Control& control) { GemmRows(x, from, w, inner, outer, to, acc, y, control, id); });
}

Napi::Value RmsNormCall(Arguments& args) {
  const size_t rows = args.Size("rows"), d = args.Size("d");
  const uint64_t epsilon = args.Unsigned("epsilon");
  args.Require(epsilon > 0, "epsilon: expected at least 1, got 0");
  const Ints x = args.Int64("x", {rows, d});
  const Weights g = args.Int32("g", {d});
  const OutInts S = args.Int64("S", {rows}), inv = args.Int64("inv", {rows}), y = args.Int64("y", {rows, d});
  return args.Run([=](const Control& control) { RmsNorm(x, g, rows, d, epsilon, S, inv, y, control); });
}

Napi::Value RopeCall(Arguments& args) {
  const size_t rows = args.Size("rows"), heads = args.Size("heads"), half = args.Size("half");
  const Ints x = args.Int64("x", {rows, heads, 2, half});
  const Weights cos = args.Int32("cos", {rows, half}), sin = args.Int32("sin", {rows, half});
  const OutInts y = args.Int64("y", {rows, heads, 2, half});
  return args.Run([=](const Control& control) { Rope(x, cos, sin, rows, heads, 2 * half, y, control); });
}

Napi::Value ScoresCall(Arguments& args) {
  const AttentionShape s = ReadShape(args);
  const size_t nope = args.Size("nope"), rope = args.Size("rope");
  const bool allPairs = args.Flag("allPairs");
  const Ints qn = args.Int64("qn", {s.queries, s.heads, nope}),
             kn = args.Int64("kn", {s.keys, s.heads, nope});
  const Ints qr = args.Int64("qr", {s.queries, s.heads, rope}), kr = args.Int64("kr", {s.keys, rope});
  const OutInts acc = args.Int64("acc", {s.heads, s.queries, s.keys});
  return args.Run(
      [=](const Control& control) { Scores(qn, kn, qr, kr, nope, rope, s, allPairs, acc, control); });
}

Napi::Value SoftmaxCall(Arguments& args) {
  const AttentionShape s = ReadShape(args);
  const Digits digits{static_cast<int>(args.Integer("scaleBits", 12, 28)),
                      static_cast<int>(args.Integer("probabilityBits", 16, 31))};
  // softmax_scale is 16 at most
  const int64_t scale = args.Integer("scale", 0, int64_t{16} << digits.scale);
  const Weights table = args.Int32("table", {kTable});
  args.Require(table[0] > 0, "table: expected a table of exp, whose first entry is positive");
  const Ints acc = args.Int64("acc", {s.heads, s.queries, s.keys});
  auto pairs = [&](const char* name) { return args.Int64(name, {s.heads, s.queries, s.keys}); };
  auto rows = [&](const char* name) { return args.Int64(name, {s.heads, s.queries}); };
  const SoftmaxOut out{pairs("z"), rows("max"), pairs("c"),  pairs("o"),
                       pairs("e"), rows("sum"), rows("inv"), pairs("p")};
  return args.Run([=](const Control& control) { Softmax(acc, table, scale, s, digits, out, control); });
}

Napi::Value ContextCall(Arguments& args) {
  const AttentionShape s = ReadShape(args);
  const size_t width = args.Size("width");
  const int bits = static_cast<int>(args.Integer("probabilityBits", 16, 31));
  const Ints p = args.Int64("p", {s.heads, s.queries, s.keys});
  const Ints values = args.Int64("values", {s.keys, s.heads, width});
  const OutInts acc = args.Int64("acc", {s.queries, s.heads, width});
  const OutInts y = args.Int64("y", {s.queries, s.heads, width});
  return args.Run([=](const Control& control) { Context(p, values, width, s, bits, acc, y, control); });
}

Napi::Value AddCall(Arguments& args) {
  const size_t rows = args.Size("rows"), width = args.Size("width");
  const std::vector<Ints> terms = args.Int64s("terms", {rows, width});
  const OutInts y = args.Int64("y", {rows, width});
  return args.Run([=](const Control&) { model::Add(terms, width, y); });
}

Napi::Value MultiplyCall(Arguments& args) {
  const size_t rows = args.Size("rows"), width = args.Size("width");
  const Ints a = args.Int64("a", {rows, width}), b = args.Int64("b", {rows, width});
  const OutInts y = args.Int64("y", {rows, width});
  return args.Run([=](const Control&) { Multiply(a, b, width, y); });
}

Napi::Value ScaleRowsCall(Arguments& args) {
  const size_t rows = args.Size("rows"), width = args.Size("width");
  const Ints x = args.Int64("x", {rows, width}), w = args.Int64("w", {rows});
  const OutInts y = args.Int64("y", {rows, width});
  return args.Run([=](const Control&) { ScaleRows(x, w, width, y); });
}

Napi::Value SigmoidCall(Arguments& args) {
  const size_t count = args.Size("count");
  const Weights table = args.Int32("table", {kTable});
  const Ints x = args.Int64("x", {count});
  const OutInts c = args.Int64("c", {count}), sigma = args.Int64("sigma", {count});
  return args.Run([=](const Control&) { Sigmoid(x, table, c, sigma); });
}

Napi::Value ExponentialsCall(Arguments& args) {
  const size_t rows = args.Size("rows"), width = args.Size("width");
  args.Require(width > 0, "width: expected at least one column");
  const Weights table = args.Int32("table", {kTable});
  const Ints x = args.Int64("x", {rows, width});
  const ExponentialsOut out{args.Int64("max", {rows}), args.Int64("c", {rows, width}),
                            args.Int64("o", {rows, width}), args.Int64("e", {rows, width})};
  return args.Run([=](const Control&) { Exponentials(x, table, rows, width, out); });
}

Napi::Value GatingCall(Arguments& args) {
  const size_t rows = args.Size("rows");
  Router r{};
  r.experts = args.Size("experts");
  r.groups = args.Size("groups");
  r.topk_group = args.Size("topkGroup");
  r.topk = args.Size("topk");
  r.group_rank = args.Size("groupRank");
  r.scale = args.Integer("scale", 0, kInt32Max);
  const bool selected = args.Flag("divideBySelected"), all = args.Flag("divideByAll");
  r.divisor = selected ? Divisor::kSelected : all ? Divisor::kAll : Divisor::kOne;
  args.Require(r.groups > 0 && r.experts % r.groups == 0 && r.experts / r.groups >= r.group_rank &&
                   r.topk_group <= r.groups && r.topk <= r.experts / r.groups * r.topk_group,
               "experts, groups and counts do not fit together");
  const Ints score = args.Int64("score", {rows, r.experts}), choice = args.Int64("choice", {rows, r.experts});
  args.Require(
      std::all_of(score.begin(), score.end(), [](int64_t v) { return v >= 0 && v <= int64_t{kTable}; }),
      "score: expected scores within 0 .. 2^16");
  args.Require(
      std::all_of(choice.begin(), choice.end(), [](int64_t v) { return v >= kInt32Min && v <= kInt32Max; }),
      "choice: expected 32-bit integers");
  const Weights bias = args.Int32("bias", {r.experts});
  const GatingOut out{
      args.Int64("groupBest", {rows, r.experts}),    args.Int64("groupValue", {rows, r.groups}),
      args.Int64("groupSelected", {rows, r.groups}), args.Int64("expertSelected", {rows, r.experts}),
      args.Int64("expert", {rows, r.topk}),          args.Int64("weight", {rows, r.topk})};
  return args.Run([=](const Control& control) { Gating(score, choice, bias, rows, r, out, control); });
}

Napi::Value ArgmaxCall(Arguments& args) {
  const size_t rows = args.Size("rows"), width = args.Size("width");
  args.Require(width > 0, "width: expected at least one column");
  const Ints acc = args.Int64("acc", {rows, width});
  const OutInts next = args.Int64("next", {rows});
  return args.Run([=](const Control&) { Argmax(acc, rows, width, next); });
}

struct Kernel {
  const char* name;
  Napi::Value (*call)(Arguments& args);
};

constexpr Kernel kKernels[] = {
    {"gemm", GemmCall},           {"gemmRows", GemmRowsCall}, {"rmsNorm", RmsNormCall},
    {"rope", RopeCall},           {"mul1", ScoresCall},       {"softmax", SoftmaxCall},
    {"mul2", ContextCall},        {"add", AddCall},           {"multiply", MultiplyCall},
    {"scaleRows", ScaleRowsCall}, {"sigmoid", SigmoidCall},   {"exponentials", ExponentialsCall},
    {"gating", GatingCall},       {"argmax", ArgmaxCall},
};

/// The array of that name is gone.
void ForgetFunction(const Napi::CallbackInfo& info) {
  Guard(info.Env(), [&] { device::ForgetResident(ReadIndex(info[0], {"forget", "constant"})); });
}

Napi::Value ResidentBytesFunction(const Napi::CallbackInfo& info) {
  return Napi::Number::New(info.Env(), static_cast<double>(device::ResidentBytes()));
}

}  // namespace

Napi::Object CreateModel(Napi::Env env) {
  Napi::Object kernels = Napi::Object::New(env);
  for (const Kernel& kernel : kKernels) {
    auto call = [](const Napi::CallbackInfo& info) -> Napi::Value {
      const auto& self = *static_cast<const Kernel*>(info.Data());
      return Guard(info.Env(), [&] {
        Arguments args(info, self.name);
        return self.call(args);
      });
    };
    kernels.Set(kernel.name, Napi::Function::New(env, call, kernel.name, const_cast<Kernel*>(&kernel)));
  }
  kernels.Set("forget", Napi::Function::New(env, ForgetFunction, "forget"));
  kernels.Set("residentBytes", Napi::Function::New(env, ResidentBytesFunction, "residentBytes"));
  return kernels;
}

}  // namespace attensor
