#include "register.h"

#include <algorithm>
#include <string>

#include "attention.h"
#include "binding.h"
#include "element_wise.h"
#include "gating.h"
#include "gemm.h"
#include "norm.h"

namespace model {

namespace {

constexpr size_t kTable = 65536;

void RequireRows(Napi::Env env, std::span<const int32_t> rows, size_t limit, const char* what) {
  for (int32_t row : rows) {
    if (row < 0 || static_cast<size_t>(row) >= limit) {
      throw Napi::RangeError::New(env, std::string("gemmRows: a row of ") + what + " is out of range");
    }
  }
}

Napi::Value GemmCall(const Napi::CallbackInfo& info) {
  Arguments args(info, "gemm");
  size_t rows = args.Size(), inner = args.Size(), outer = args.Size();
  bool rescale = args.Flag();
  Ints x = args.Int64({rows, inner});
  Weights w = args.Int32({outer, inner});
  OutInts acc = args.Int64({rows, outer});
  OutInts y = args.Int64({rescale ? rows : 0, outer});
  const auto id = static_cast<attensor::device::ConstantId>(args.Integer());
  return args.Run([=](const Control& control) { Gemm(x, w, rows, inner, outer, acc, y, control, id); });
}

Napi::Value GemmRowsCall(const Napi::CallbackInfo& info) {
  Arguments args(info, "gemmRows");
  size_t in_rows = args.Size(), out_rows = args.Size(), inner = args.Size(), outer = args.Size();
  Ints x = args.Int64({in_rows, inner});
  Weights from = args.List();
  Weights w = args.Int32({outer, inner});
  Weights to = args.Int32({from.size()});
  OutInts acc = args.Int64({out_rows, outer}), y = args.Int64({out_rows, outer});
  const auto id = static_cast<attensor::device::ConstantId>(args.Integer());
  RequireRows(info.Env(), from, in_rows, "the input");
  RequireRows(info.Env(), to, out_rows, "the output");
  return args.Run(
      [=](const Control& control) { GemmRows(x, from, w, inner, outer, to, acc, y, control, id); });
}

Napi::Value RmsNormCall(const Napi::CallbackInfo& info) {
  Arguments args(info, "rmsNorm");
  size_t rows = args.Size(), d = args.Size();
  uint64_t epsilon = args.Unsigned();
  if (epsilon == 0) throw Napi::RangeError::New(info.Env(), "rmsNorm: expected epsilon > 0");
  Ints x = args.Int64({rows, d});
  Weights g = args.Int32({d});
  OutInts S = args.Int64({rows}), inv = args.Int64({rows}), y = args.Int64({rows, d});
  return args.Run([=](const Control& control) { RmsNorm(x, g, rows, d, epsilon, S, inv, y, control); });
}

Napi::Value RopeCall(const Napi::CallbackInfo& info) {
  Arguments args(info, "rope");
  size_t rows = args.Size(), heads = args.Size(), half = args.Size();
  Ints x = args.Int64({rows, heads, 2, half});
  Weights cos = args.Int32({rows, half}), sin = args.Int32({rows, half});
  OutInts y = args.Int64({rows, heads, 2, half});
  return args.Run([=](const Control& control) { Rope(x, cos, sin, rows, heads, 2 * half, y, control); });
}

AttentionShape Shape(Arguments& args, Napi::Env env) {
  AttentionShape shape{};
  shape.start = args.Size();
  shape.queries = args.Size();
  shape.keys = args.Size();
  shape.heads = args.Size();
  if (shape.start + shape.queries != shape.keys) {
    throw Napi::RangeError::New(env, "attention: expected keys = start + queries");
  }
  return shape;
}

Napi::Value ScoresCall(const Napi::CallbackInfo& info) {
  Arguments args(info, "mul1");
  AttentionShape s = Shape(args, info.Env());
  size_t nope = args.Size(), rope = args.Size();
  bool all_pairs = args.Flag();
  Ints qn = args.Int64({s.queries, s.heads, nope}), kn = args.Int64({s.keys, s.heads, nope});
  Ints qr = args.Int64({s.queries, s.heads, rope}), kr = args.Int64({s.keys, rope});
  OutInts acc = args.Int64({s.heads, s.queries, s.keys});
  return args.Run(
      [=](const Control& control) { Scores(qn, kn, qr, kr, nope, rope, s, all_pairs, acc, control); });
}

Napi::Value SoftmaxCall(const Napi::CallbackInfo& info) {
  Arguments args(info, "softmax");
  AttentionShape s = Shape(args, info.Env());
  int64_t scale = args.Integer();
  if (scale < 0 || scale > 4096)
    throw Napi::RangeError::New(info.Env(), "softmax: expected 0 <= scale <= 2^12");
  Weights table = args.Int32({kTable});
  if (table[0] <= 0) throw Napi::RangeError::New(info.Env(), "softmax: expected a table of exp");
  Ints acc = args.Int64({s.heads, s.queries, s.keys});
  auto pairs = [&] { return args.Int64({s.heads, s.queries, s.keys}); };
  auto rows = [&] { return args.Int64({s.heads, s.queries}); };
  SoftmaxOut out{};
  out.z = pairs();
  out.max = rows();
  out.c = pairs();
  out.o = pairs();
  out.e = pairs();
  out.sum = rows();
  out.inv = rows();
  out.p = pairs();
  return args.Run([=](const Control& control) { Softmax(acc, table, scale, s, out, control); });
}

Napi::Value ContextCall(const Napi::CallbackInfo& info) {
  Arguments args(info, "mul2");
  AttentionShape s = Shape(args, info.Env());
  size_t width = args.Size();
  Ints p = args.Int64({s.heads, s.queries, s.keys}), values = args.Int64({s.keys, s.heads, width});
  OutInts acc = args.Int64({s.queries, s.heads, width}), y = args.Int64({s.queries, s.heads, width});
  return args.Run([=](const Control& control) { Context(p, values, width, s, acc, y, control); });
}

Napi::Value AddCall(const Napi::CallbackInfo& info) {
  Arguments args(info, "add");
  size_t rows = args.Size(), width = args.Size(), count = args.Size();
  std::vector<Ints> terms;
  for (size_t i = 0; i < count; i++) terms.push_back(args.Int64({rows, width}));
  OutInts y = args.Int64({rows, width});
  return args.Run([=](const Control&) { Add(terms, width, y); });
}

Napi::Value MultiplyCall(const Napi::CallbackInfo& info) {
  Arguments args(info, "multiply");
  size_t rows = args.Size(), width = args.Size();
  Ints a = args.Int64({rows, width}), b = args.Int64({rows, width});
  OutInts y = args.Int64({rows, width});
  return args.Run([=](const Control&) { Multiply(a, b, width, y); });
}

Napi::Value ScaleRowsCall(const Napi::CallbackInfo& info) {
  Arguments args(info, "scaleRows");
  size_t rows = args.Size(), width = args.Size();
  Ints x = args.Int64({rows, width}), w = args.Int64({rows});
  OutInts y = args.Int64({rows, width});
  return args.Run([=](const Control&) { ScaleRows(x, w, width, y); });
}

Napi::Value SigmoidCall(const Napi::CallbackInfo& info) {
  Arguments args(info, "sigmoid");
  size_t count = args.Size();
  Weights table = args.Int32({kTable});
  Ints x = args.Int64({count});
  OutInts c = args.Int64({count}), sigma = args.Int64({count});
  return args.Run([=](const Control&) { Sigmoid(x, table, c, sigma); });
}

Napi::Value GatingCall(const Napi::CallbackInfo& info) {
  Arguments args(info, "gating");
  size_t rows = args.Size();
  GatingShape s{};
  s.experts = args.Size();
  s.groups = args.Size();
  s.topk_group = args.Size();
  s.topk = args.Size();
  if (s.groups == 0 || s.experts % s.groups != 0 || s.experts / s.groups < 2 || s.topk_group > s.groups ||
      s.topk > s.experts / s.groups * s.topk_group) {
    throw Napi::RangeError::New(info.Env(), "gating: experts, groups and counts do not fit together");
  }
  int64_t scale = args.Integer();
  if (scale < 0 || scale > kInt32Max)
    throw Napi::RangeError::New(info.Env(), "gating: expected 0 <= scale < 2^31");
  bool normalize = args.Flag();
  Ints score = args.Int64({rows, s.experts});
  if (std::any_of(score.begin(), score.end(), [](int64_t s) { return s < 0 || s > int64_t{kTable}; })) {
    throw Napi::RangeError::New(info.Env(), "gating: expected scores within 0 .. 2^16");
  }
  Weights bias = args.Int32({s.experts});
  GatingOut out{};
  out.group_top2 = args.Int64({rows, s.experts});
  out.group_value = args.Int64({rows, s.groups});
  out.group_selected = args.Int64({rows, s.groups});
  out.expert_selected = args.Int64({rows, s.experts});
  out.expert = args.Int64({rows, s.topk});
  out.weight = args.Int64({rows, s.topk});
  return args.Run(
      [=](const Control& control) { Gating(score, bias, rows, s, scale, normalize, out, control); });
}

Napi::Value ArgmaxCall(const Napi::CallbackInfo& info) {
  Arguments args(info, "argmax");
  size_t rows = args.Size(), width = args.Size();
  if (width == 0) throw Napi::RangeError::New(info.Env(), "argmax: expected at least one column");
  Ints acc = args.Int64({rows, width});
  OutInts next = args.Int64({rows});
  return args.Run([=](const Control&) { Argmax(acc, rows, width, next); });
}

// The array of that name is gone.
Napi::Value ForgetCall(const Napi::CallbackInfo& info) {
  Arguments args(info, "forget");
  attensor::device::ForgetResident(static_cast<attensor::device::ConstantId>(args.Integer()));
  return info.Env().Undefined();
}

Napi::Value ResidentCall(const Napi::CallbackInfo& info) {
  return Napi::Number::New(info.Env(), static_cast<double>(attensor::device::ResidentBytes()));
}

}  // namespace

}  // namespace model

void RegisterModel(Napi::Env env, Napi::Object exports) {
  Napi::Object kernels = Napi::Object::New(env);
  auto add = [&](const char* name, auto function) {
    kernels.Set(name, Napi::Function::New(env, function, name));
  };
  add("gemm", model::GemmCall);
  add("gemmRows", model::GemmRowsCall);
  add("rmsNorm", model::RmsNormCall);
  add("rope", model::RopeCall);
  add("mul1", model::ScoresCall);
  add("softmax", model::SoftmaxCall);
  add("mul2", model::ContextCall);
  add("add", model::AddCall);
  add("multiply", model::MultiplyCall);
  add("scaleRows", model::ScaleRowsCall);
  add("sigmoid", model::SigmoidCall);
  add("gating", model::GatingCall);
  add("argmax", model::ArgmaxCall);
  add("forget", model::ForgetCall);
  add("residentBytes", model::ResidentCall);
  exports.Set("model", kernels);
}
