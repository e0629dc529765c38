// The functions of ProverEngine (engine.ts): arguments checked here, kernels in prover/.
#include <mutex>

#include "async.h"
#include "classes.h"
#include "common/thread_pool.h"
#include "device/device.h"
#include "prover/backend.h"
#include "prover/contract.h"
#include "prover/grind.h"
#include "prover/integer_sums.h"
#include "prover/linear.h"
#include "prover/merkle.h"
#include "prover/poseidon.h"
#include "prover/sponge.h"
#include "prover/tables.h"
#include "prover/tree_hash.h"

namespace attensor {
namespace {

using Info = const Napi::CallbackInfo&;

// Vectors of up to 2^34 elements (half a terabyte) can be addressed; memory runs out earlier.
constexpr size_t kMaxLength = size_t{1} << 34;

Napi::Value WriteVec(Napi::Env env, Vec&& vec) { return VecObject::Create(env, std::move(vec)); }
Napi::Value WriteFieldResult(Napi::Env env, Fp&& value) { return WriteField(env, value); }

void RequireSame(const std::string& what, size_t expected, size_t got) {
  Require(expected == got,
          what + ": expected length " + std::to_string(expected) + ", got " + std::to_string(got));
}

int RequirePowerOfTwo(const std::string& what, size_t size) {
  Require(IsPowerOfTwo(size), what + ": expected a power of two as length, got " + std::to_string(size));
  return Log2(size);
}

std::vector<Fp> ReadPoint(const Napi::Value& value, const Arg& arg) {
  std::vector<Fp> point = ReadFields(value, arg);
  Require(point.size() <= 34,
          arg.Prefix() + ": expected at most 34 coordinates, got " + std::to_string(point.size()));
  return point;
}

std::vector<Vec> ReadVecs(const Napi::Value& value, const Arg& arg) {
  Napi::Array array = ReadArray(value, arg);
  std::vector<Vec> out;
  for (uint32_t i = 0; i < array.Length(); i++) out.push_back(VecObject::Read(array.Get(i), arg.Element(i)));
  Require(!out.empty(), arg.Prefix() + ": expected at least one vector, got none");
  for (size_t i = 1; i < out.size(); i++) RequireSame(arg.Element(i).Prefix(), out[0].size(), out[i].size());
  return out;
}

PoseidonState ReadState(const Napi::Value& value, const Arg& arg) {
  std::vector<Fp> fields = ReadFields(value, arg);
  Require(fields.size() == 3, arg.Prefix() + ": expected 3 elements, got " + std::to_string(fields.size()));
  return {{fields[0], fields[1], fields[2]}};
}

Napi::Value InstructionSetFunction(Info info) { return Napi::String::New(info.Env(), ActiveBackend().name); }

Napi::Value SetThreadsFunction(Info info) {
  size_t count = ReadIndex(info[0], {"setThreads", "count"}, 1024);
  Require(count > 0, "setThreads: count: expected at least 1, got 0");
  SetThreads(count);
  return info.Env().Undefined();
}

/// Name, and options that only tests use: another library, and the least work that goes to the device.
Napi::Value SetDeviceFunction(Info info) {
  if (!info[0].IsString()) throw TypeError("setDevice: device: expected a string");
  device::Options options;
  if (!info[1].IsUndefined()) {
    Napi::Object object = ReadObject(info[1], {"setDevice", "options"});
    if (object.Has("library")) options.library = object.Get("library").ToString().Utf8Value();
    if (object.Has("least")) options.least = ReadIndex(object.Get("least"), {"setDevice", "options.least"});
  }
  device::Choose(device::ParseChoice(info[0].As<Napi::String>().Utf8Value(), "setDevice: device"), options);
  return info.Env().Undefined();
}

Napi::Value DeviceFunction(Info info) {
  Napi::Object out = Napi::Object::New(info.Env());
  const device::Table* table = device::Active();
  out.Set("kind", table ? "cuda" : "cpu");
  if (!table) {
    std::string absence = device::Absence();
    if (!absence.empty()) out.Set("reason", absence);
    return out;
  }
  device::Info about;
  device::Check(table->info(&about));
  out.Set("name", std::string(about.name));
  out.Set("memory", static_cast<double>(about.limit));
  out.Set("used", static_cast<double>(about.used));
  out.Set("uploaded", static_cast<double>(about.uploaded));
  out.Set("downloaded", static_cast<double>(about.downloaded));
  return out;
}

Napi::Value Alloc(Info info) {
  return WriteVec(info.Env(), Vec::Zeros(ReadIndex(info[0], {"alloc", "length"}, kMaxLength)));
}

Napi::Value FromBigints(Info info) {
  std::vector<Fp> values = ReadFields(info[0], {"fromBigints", "values"});
  Vec out(values.size());
  std::copy(values.begin(), values.end(), out.mut());
  return WriteVec(info.Env(), std::move(out));
}

Napi::Value FromInts(Info info) {
  if (!info[0].IsTypedArray()) throw TypeError("fromInts: values: expected an Int32Array or BigInt64Array");
  auto array = info[0].As<Napi::TypedArray>();
  Vec out(array.ElementLength());
  WriteInts(array, out, 0, "fromInts");
  return WriteVec(info.Env(), std::move(out));
}

Napi::Value PermuteFunction(Info info) {
  PoseidonState state = ReadState(info[0], {"permute", "state"});
  Permute(state);
  return WriteFields(info.Env(), state.s, 3);
}

Napi::Value RoundStatesFunction(Info info) {
  std::vector<Fp> states = RoundStates(ReadState(info[0], {"roundStates", "state"}));
  return WriteFields(info.Env(), states.data(), states.size());
}

Napi::Value HashFunction(Info info) {
  std::vector<Fp> values = ReadFields(info[0], {"hash", "values"});
  return WriteField(info.Env(), Hash(values.data(), values.size()));
}

/// A copy of rows of integers.
struct IntegerRows {
  std::vector<int32_t> values;
  size_t rowLength;
  size_t rows() const { return values.size() / rowLength; }
};

IntegerRows ReadRows(const char* function, const Napi::Value& values, const Napi::Value& length) {
  auto array = ReadTyped<Napi::Int32Array>(values, {function, "values"}, napi_int32_array, "an Int32Array");
  size_t rowLength = ReadIndex(length, {function, "rowLength"});
  Require(rowLength > 0, std::string(function) + ": rowLength: expected at least 1, got 0");
  Require(array.ElementLength() % rowLength == 0,
          std::string(function) + ": values: expected a multiple of rowLength " + std::to_string(rowLength) +
              " entries, got " + std::to_string(array.ElementLength()));
  return {{array.Data(), array.Data() + array.ElementLength()}, rowLength};
}

Napi::Value HashRowsFunction(Info info) {
  return Task<Vec>::Run(
      info.Env(),
      [read = ReadRows("hashRows", info[0], info[1])](Control& control) {
        return HashRows(read.values.data(), read.rowLength, read.rows(), &control);
      },
      WriteVec);
}

Napi::Value WriteVecs(Napi::Env env, std::vector<Vec>&& vecs) {
  Napi::Array out = Napi::Array::New(env, vecs.size());
  for (uint32_t i = 0; i < vecs.size(); i++) out.Set(i, WriteVec(env, std::move(vecs[i])));
  return out;
}

Napi::Value MerkleLayersFunction(Info info) {
  Vec leaves = VecObject::Read(info[0], {"merkleLayers", "leaves"});
  RequirePowerOfTwo("merkleLayers: leaves", leaves.size());
  return Task<std::vector<Vec>>::Run(
      info.Env(), [leaves](Control& control) { return MerkleLayers(leaves, &control); }, WriteVecs);
}

Napi::Value SpongeStatesFunction(Info info) {
  Vec values = VecObject::Read(info[0], {"spongeStates", "values"});
  size_t rows = ReadIndex(info[1], {"spongeStates", "rows"});
  Require(rows > 0 && values.size() > 0 && values.size() % (2 * rows) == 0,
          "spongeStates: values: expected an even number of entries for each of " + std::to_string(rows) +
              " rows, got " + std::to_string(values.size()) + " entries");
  TaskOptions task(info.Env(), {"spongeStates", "options"}, info[2], info.Env().Undefined());
  return Task<std::vector<Vec>>::Run(
      info.Env(),
      [values, rows](Control& control) {
        return SpongeStates(values, rows, values.size() / (2 * rows), control);
      },
      WriteVecs, {}, std::move(task));
}

Napi::Value HashLeavesFunction(Info info) {
  IntegerRows read = ReadRows("hashLeaves", info[0], info[1]);
  TaskOptions task(info.Env(), {"hashLeaves", "options"}, info[2], info.Env().Undefined());
  return Task<Vec>::Run(
      info.Env(),
      [read = std::move(read)](Control& control) {
        return HashLeaves(read.values.data(), read.rowLength, read.rows(), control);
      },
      WriteVec, {}, std::move(task));
}

Napi::Value TreeLevelsFunction(Info info) {
  Vec hashes = VecObject::Read(info[0], {"treeLevels", "hashes"});
  Require(hashes.size() > 0, "treeLevels: hashes: expected at least one, got none");
  TaskOptions task(info.Env(), {"treeLevels", "options"}, info[1], info.Env().Undefined());
  return Task<std::vector<Vec>>::Run(
      info.Env(), [hashes](Control& control) { return TreeLevels(hashes, control, "treeLevels"); }, WriteVecs,
      {}, std::move(task));
}

Vec ReadChildren(const char* function, const Napi::Value& value) {
  Vec children = VecObject::Read(value, {function, "children"});
  Require(children.size() % kArity == 0, std::string(function) + ": children: expected a multiple of " +
                                             std::to_string(kArity) + " entries, got " +
                                             std::to_string(children.size()));
  return children;
}

Napi::Value CompressFunction(Info info) {
  Vec children = ReadChildren("compress", info[0]);
  return Task<Vec>::Run(
      info.Env(), [children](Control& control) { return Compressions(children, control, "compress"); },
      WriteVec);
}

Napi::Value CompressionTraceFunction(Info info) {
  Vec children = ReadChildren("compressionTrace", info[0]);
  TaskOptions task(info.Env(), {"compressionTrace", "options"}, info[1], info.Env().Undefined());
  return Task<Vec>::Run(
      info.Env(), [children](Control& control) { return CompressionTrace(children, control); }, WriteVec, {},
      std::move(task));
}

Napi::Value EqTableFunction(Info info) {
  std::vector<Fp> point = ReadPoint(info[0], {"eqTable", "point"});
  Fp scale = info[1].IsUndefined() ? kOne : ReadField(info[1], {"eqTable", "scale"});
  return WriteVec(info.Env(), EqTable(point, scale));
}

std::vector<Axis> ReadAxes(const char* function, const Napi::Value& value, size_t offset, size_t length) {
  Napi::Array array = ReadArray(value, {function, "axes"});
  std::string prefix = std::string(function) + ": axes: ";
  std::vector<Axis> axes;
  u128 last = offset, outputs = 1;
  for (uint32_t i = 0; i < array.Length(); i++) {
    Arg arg = Arg{function, "axes"}.Element(i);
    Napi::Object object = ReadObject(array.Get(i), arg);
    Axis axis;
    axis.size = ReadIndex(object.Get("size"), arg.Field("size"));
    axis.stride = ReadIndex(object.Get("stride"), arg.Field("stride"));
    Require(axis.size > 0, arg.Field("size").Prefix() + ": expected at least 1, got 0");
    last += static_cast<u128>(axis.size - 1) * axis.stride;
    Napi::Value weights = object.Get("weights");
    if (weights.IsUndefined()) {
      outputs *= axis.size;
      Require(outputs <= kMaxLength, prefix + "the free axes span more than 2^34 entries");
    } else {
      axis.weights = VecObject::Read(weights, arg.Field("weights"));
      RequireSame(arg.Field("weights").Prefix(), axis.size, axis.weights.size());
    }
    axes.push_back(axis);
  }
  Require(last < length,
          prefix + "expected the last index below the source's length " + std::to_string(length) + ", got " +
              (last > u128{~u64{0}} ? "one beyond 2^64" : std::to_string(static_cast<u64>(last))));
  return axes;
}

Napi::Value ContractFunction(Info info) {
  Vec src = VecObject::Read(info[0], {"contract", "src"});
  size_t offset = ReadIndex(info[1], {"contract", "offset"});
  std::vector<Axis> axes = ReadAxes("contract", info[2], offset, src.size());
  return Task<Vec>::Run(
      info.Env(), [src, offset, axes](Control&) { return Contract(src, offset, axes); }, WriteVec);
}

/// Integers that the caller leaves as they are until the task has ended; their array is kept alive so long.
struct KeptIntegers {
  KeptIntegers(const Napi::Value& value, const Arg& arg) {
    auto array = ReadTyped<Napi::Int32Array>(value, arg, napi_int32_array, "an Int32Array");
    values = {array.Data(), array.ElementLength()};
    array_ = std::make_shared<Napi::ObjectReference>(Napi::Persistent(value.As<Napi::Object>()));
  }
  Task<Vec>::Done Release() const {
    return [array = array_] { array->Reset(); };
  }
  Integers values;

 private:
  std::shared_ptr<Napi::ObjectReference> array_;
};

Napi::Value ContractIntsFunction(Info info) {
  KeptIntegers ints(info[0], {"contractInts", "values"});
  size_t offset = ReadIndex(info[1], {"contractInts", "offset"}, kMaxLength);
  // What lies behind the integers is zero.
  std::vector<Axis> axes = ReadAxes("contractInts", info[2], offset, size_t{1} << 53);
  TaskOptions task(info.Env(), {"contractInts", "options"}, info[3], info.Env().Undefined());
  return Task<Vec>::Run(
      info.Env(),
      [values = ints.values, offset, axes](Control& control) {
        return ContractInts(values, offset, axes, control);
      },
      WriteVec, ints.Release(), std::move(task));
}

/// Polynomials that share a row of integers.
static constexpr size_t kMaxTurns = 64;

Napi::Value EvalRowsFunction(Info info) {
  KeptIntegers ints(info[0], {"evalRows", "values"});
  size_t rows = ReadIndex(info[1], {"evalRows", "rows"}, kMaxLength),
         rowLength = ReadIndex(info[2], {"evalRows", "rowLength"}, kMaxLength),
         turns = ReadIndex(info[3], {"evalRows", "turns"}, kMaxTurns);
  Require(turns > 0, "evalRows: turns: expected 1 to " + std::to_string(kMaxTurns) + ", got 0");
  Require(rows > 0 && rowLength > 0, "evalRows: rows: expected at least one, of at least one entry, got " +
                                         std::to_string(rows) + " of " + std::to_string(rowLength));
  std::vector<Fp> xs = ReadFields(info[4], {"evalRows", "xs"});
  TaskOptions task(info.Env(), {"evalRows", "options"}, info[5], info.Env().Undefined());
  return Task<Vec>::Run(
      info.Env(),
      [values = ints.values, rows, rowLength, turns, xs](Control& control) {
        return EvalRows(values, rows, rowLength, turns, xs, control);
      },
      WriteVec, ints.Release(), std::move(task));
}

Napi::Value LinearFunction(Info info) {
  std::vector<Vec> vecs = ReadVecs(info[0], {"linear", "vecs"});
  std::vector<Fp> coefs = ReadFields(info[1], {"linear", "coefs"});
  RequireSame("linear: coefs", vecs.size(), coefs.size());
  Fp constant = ReadField(info[2], {"linear", "constant"});
  return WriteVec(info.Env(), Linear(vecs, coefs, constant));
}

Napi::Value DotFunction(Info info) {
  Vec a = VecObject::Read(info[0], {"dot", "a"}), b = VecObject::Read(info[1], {"dot", "b"});
  RequireSame("dot: b", a.size(), b.size());
  return Task<Fp>::Run(info.Env(), [a, b](Control&) { return Dot(a, b); }, WriteFieldResult);
}

Napi::Value EvalPowFunction(Info info) {
  Vec vec = VecObject::Read(info[0], {"evalPow", "vec"});
  Fp x = ReadField(info[1], {"evalPow", "x"});
  return Task<Fp>::Run(info.Env(), [vec, x](Control&) { return EvalPow(vec, x); }, WriteFieldResult);
}

void RequireTable(const std::string& what, size_t length, size_t variables) {
  Require(length == size_t{1} << variables, what + ": expected " + std::to_string(size_t{1} << variables) +
                                                " entries for " + std::to_string(variables) +
                                                " coordinates, got " + std::to_string(length));
}

Napi::Value EvalMleFunction(Info info) {
  Vec vec = VecObject::Read(info[0], {"evalMle", "vec"});
  std::vector<Fp> point = ReadPoint(info[1], {"evalMle", "point"});
  RequireTable("evalMle: vec", vec.size(), point.size());
  return Task<Fp>::Run(info.Env(), [vec, point](Control&) { return EvalMle(vec, point); }, WriteFieldResult);
}

/// Runs change(target) on another thread; changes of one vector run one after another.
template <class Change>
Napi::Value ChangeVec(Napi::Env env, const Napi::Value& value, const Arg& arg, Change change) {
  VecObject& object = VecObject::From(value, arg);
  // The object is kept, and nobody else touches its vector until the change has ended.
  Vec* target = &object.BeginChange(arg);
  auto keep = std::make_shared<Napi::ObjectReference>(Napi::Persistent(value.As<Napi::Object>()));
  return Task<bool>::Run(
      env,
      [target, change, mutex = object.mutex()](Control&) {
        std::lock_guard lock(*mutex);
        change(*target);
        return true;
      },
      WriteNothing, [keep, &object] { object.EndChange(); });
}

Napi::Value AddEqFunction(Info info) {
  VecObject& target = VecObject::From(info[0], {"addEq", "target"});
  size_t offset = ReadIndex(info[1], {"addEq", "offset"});
  Fp coef = ReadField(info[2], {"addEq", "coef"});
  std::vector<Fp> point = ReadPoint(info[3], {"addEq", "point"});
  size_t length = target.length(), count = size_t{1} << point.size();
  Require(offset <= length && count <= length - offset,
          "addEq: offset: expected [offset, offset + 2^" + std::to_string(point.size()) +
              ") within the length " + std::to_string(length) + ", got offset " + std::to_string(offset));
  return ChangeVec(info.Env(), info[0], {"addEq", "target"},
                   [offset, coef, point](Vec& v) { AddEq(v, offset, coef, point); });
}

Napi::Value AddPowsFunction(Info info) {
  VecObject::From(info[0], {"addPows", "target"});
  std::vector<Fp> coefs = ReadFields(info[1], {"addPows", "coefs"}),
                  xs = ReadFields(info[2], {"addPows", "xs"});
  RequireSame("addPows: xs", coefs.size(), xs.size());
  return ChangeVec(info.Env(), info[0], {"addPows", "target"},
                   [coefs, xs](Vec& v) { AddPows(v, coefs, xs); });
}

Program ReadProgram(const Napi::Value& value, size_t columns) {
  Arg arg{"sumcheck", "expression"};
  Napi::Object object = ReadObject(value, arg);
  Program program;
  program.columns = ReadIndex(object.Get("columns"), arg.Field("columns"));
  Require(program.columns == columns, "sumcheck: expression.columns: expected the number of columns " +
                                          std::to_string(columns) + ", got " +
                                          std::to_string(program.columns));
  program.constants = ReadFields(object.Get("constants"), arg.Field("constants"));
  Napi::Array ops = ReadArray(object.Get("ops"), arg.Field("ops"));
  Require(ops.Length() > 0, "sumcheck: expression.ops: expected at least one operation, got none");
  // Degrees of the registers, to catch an expression that declares too few evaluations.
  std::vector<size_t> degrees(program.columns, 1);
  degrees.resize(program.columns + program.constants.size(), 0);
  for (uint32_t i = 0; i < ops.Length(); i++) {
    Arg at = arg.Field("ops").Element(i);
    Napi::Array op = ReadArray(ops.Get(i), at);
    Require(op.Length() == 3, at.Prefix() + ": expected [operation, left, right]");
    size_t kind = ReadIndex(op.Get(0u), at.Element(0), 2);
    size_t left = ReadIndex(op.Get(1u), at.Element(1), degrees.size() - 1);
    size_t right = ReadIndex(op.Get(2u), at.Element(2), degrees.size() - 1);
    program.code.push_back({static_cast<Op>(kind), left, right});
    degrees.push_back(kind == 2 ? degrees[left] + degrees[right] : std::max(degrees[left], degrees[right]));
    Require(degrees.back() <= 64, at.Prefix() + ": expected a degree of at most 64");
  }
  program.degree = static_cast<int>(ReadIndex(object.Get("degree"), arg.Field("degree"), 64));
  Require(program.degree >= static_cast<int>(degrees.back()),
          "sumcheck: expression.degree: expected at least the degree of the operations, " +
              std::to_string(degrees.back()) + ", got " + std::to_string(program.degree));
  Require(program.degree >= 1, "sumcheck: expression.degree: expected at least 1, got 0");
  return program;
}

Napi::Value SumcheckFunction(Info info) {
  std::vector<Vec> columns = ReadVecs(info[0], {"sumcheck", "columns"});
  RequirePowerOfTwo("sumcheck: columns", columns[0].size());
  Program program = ReadProgram(info[1], columns.size());
  return SumcheckObject::Create(info.Env(),
                                std::make_shared<Sumcheck>(std::move(columns), std::move(program)));
}

Napi::Value FractionsFunction(Info info) {
  Vec num = VecObject::Read(info[0], {"fractions", "num"}),
      den = VecObject::Read(info[1], {"fractions", "den"});
  RequireSame("fractions: den", num.size(), den.size());
  RequirePowerOfTwo("fractions: num", num.size());
  using Tree = std::shared_ptr<FractionTree>;
  return Task<Tree>::Run(
      info.Env(), [num, den](Control&) { return std::make_shared<FractionTree>(num, den); },
      [](Napi::Env env, Tree&& tree) -> Napi::Value {
        return FractionTreeObject::Create(env, std::move(tree));
      });
}

// The header of a stored tree has a byte for them.
constexpr size_t kMaxRows = 255;

CodewordShape ReadCodewordShape(const std::string& function, const Napi::Object& options, size_t size) {
  Arg arg{function, "options"};
  CodewordShape shape;
  shape.logRow = static_cast<int>(ReadIndex(options.Get("logRow"), arg.Field("logRow"), kTwoAdicity));
  shape.rows = size >> shape.logRow;
  Require(shape.rows >= 1 && shape.rows <= kMaxRows && shape.rows << shape.logRow == size,
          function + ": vec: expected 1 to " + std::to_string(kMaxRows) + " rows of 2^" +
              std::to_string(shape.logRow) + " entries, got " + std::to_string(size) + " entries");
  shape.logInvRate =
      static_cast<int>(ReadIndex(options.Get("logInvRate"), arg.Field("logInvRate"), kTwoAdicity));
  Require(shape.logDomain() <= kTwoAdicity,
          function + ": options.logInvRate: expected a domain of at most 2^32, got 2^" +
              std::to_string(shape.logDomain()));
  return shape;
}

/// Commits to `vec`, with the tree that the options may give.
template <class Committed, class Object, class Shape>
Napi::Value RunCommit(Info info, const Arg& arg, const Napi::Object& options, Vec vec, const Shape& shape) {
  std::shared_ptr<std::vector<uint8_t>> tree;
  Napi::Value stored = options.Get("tree");
  if (!stored.IsUndefined()) {
    auto bytes = ReadTyped<Napi::Uint8Array>(stored, arg.Field("tree"), napi_uint8_array, "a Uint8Array");
    tree = std::make_shared<std::vector<uint8_t>>(bytes.Data(), bytes.Data() + bytes.ByteLength());
  }
  TaskOptions task(info.Env(), arg, options.Get("signal"), options.Get("onProgress"));
  using Result = std::shared_ptr<Committed>;
  return Task<Result>::Run(
      info.Env(),
      [vec, shape, tree](Control& control) {
        return std::make_shared<Committed>(vec, shape, control, tree.get());
      },
      [](Napi::Env env, Result&& c) -> Napi::Value { return Object::Create(env, std::move(c)); }, {},
      std::move(task));
}

Napi::Value CommitFunction(Info info) {
  Vec vec = VecObject::Read(info[0], {"commit", "vec"});
  Arg arg{"commit", "options"};
  Napi::Object options = ReadObject(info[1], arg);
  CommitShape shape{ReadCodewordShape("commit", options, vec.size()), 0};
  shape.logCap = static_cast<int>(
      ReadIndex(options.Get("logCap"), arg.Field("logCap"), static_cast<size_t>(shape.logDomain())));
  return RunCommit<Commitment, CommitmentObject>(info, arg, options, vec, shape);
}

Napi::Value CommitTreeFunction(Info info) {
  Vec vec = VecObject::Read(info[0], {"commitTree", "vec"});
  Arg arg{"commitTree", "options"};
  Napi::Object options = ReadObject(info[1], arg);
  CodewordShape shape = ReadCodewordShape("commitTree", options, vec.size());
  return RunCommit<CommittedTree, CommittedTreeObject>(info, arg, options, vec, shape);
}

Napi::Value GrindFunction(Info info) {
  PoseidonState state = ReadState(info[0], {"grind", "state"});
  int bits = static_cast<int>(ReadIndex(info[1], {"grind", "bits"}, 60));
  TaskOptions task(info.Env(), {"grind", "options"}, info[2], info.Env().Undefined());
  return Task<u64>::Run(
      info.Env(), [state, bits](Control& control) { return Grind(state, bits, control); },
      [](Napi::Env env, u64&& nonce) -> Napi::Value {
        return Napi::BigInt::New(env, static_cast<uint64_t>(nonce));
      },
      {}, std::move(task));
}

Napi::Value RootOfUnityFunction(Info info) {
  size_t log = ReadIndex(info[0], {"rootOfUnity", "log"}, kTwoAdicity);
  return WriteField(info.Env(), RootOfUnity(static_cast<int>(log)));
}

/// A function that throws what its body throws.
template <Napi::Value (*body)(Info)>
Napi::Value Throwing(Info info) {
  return Guard(info.Env(), [&] { return body(info); });
}

/// One that returns a promise: what its body throws before its task starts is a rejection, too.
template <Napi::Value (*body)(Info)>
Napi::Value Rejecting(Info info) {
  return GuardAsync(info.Env(), [&] { return body(info); });
}

}  // namespace

Napi::Object CreateEngine(Napi::Env env) {
  const std::pair<const char*, Napi::Value (*)(Info)> functions[] = {
      {"instructionSet", Throwing<InstructionSetFunction>},
      {"setThreads", Throwing<SetThreadsFunction>},
      {"setDevice", Throwing<SetDeviceFunction>},
      {"device", Throwing<DeviceFunction>},
      {"alloc", Throwing<Alloc>},
      {"fromBigints", Throwing<FromBigints>},
      {"fromInts", Throwing<FromInts>},
      {"permute", Throwing<PermuteFunction>},
      {"roundStates", Throwing<RoundStatesFunction>},
      {"hash", Throwing<HashFunction>},
      {"hashRows", Rejecting<HashRowsFunction>},
      {"merkleLayers", Rejecting<MerkleLayersFunction>},
      {"spongeStates", Rejecting<SpongeStatesFunction>},
      {"hashLeaves", Rejecting<HashLeavesFunction>},
      {"treeLevels", Rejecting<TreeLevelsFunction>},
      {"compress", Rejecting<CompressFunction>},
      {"compressionTrace", Rejecting<CompressionTraceFunction>},
      {"eqTable", Throwing<EqTableFunction>},
      {"contract", Rejecting<ContractFunction>},
      {"contractInts", Rejecting<ContractIntsFunction>},
      {"evalRows", Rejecting<EvalRowsFunction>},
      {"linear", Throwing<LinearFunction>},
      {"dot", Rejecting<DotFunction>},
      {"evalPow", Rejecting<EvalPowFunction>},
      {"evalMle", Rejecting<EvalMleFunction>},
      {"addEq", Rejecting<AddEqFunction>},
      {"addPows", Rejecting<AddPowsFunction>},
      {"sumcheck", Throwing<SumcheckFunction>},
      {"fractions", Rejecting<FractionsFunction>},
      {"commit", Rejecting<CommitFunction>},
      {"commitTree", Rejecting<CommitTreeFunction>},
      {"grind", Rejecting<GrindFunction>},
      {"rootOfUnity", Throwing<RootOfUnityFunction>},
  };
  Napi::Object engine = Napi::Object::New(env);
  for (const auto& [name, function] : functions) engine.Set(name, Napi::Function::New(env, function, name));
  return engine;
}

}  // namespace attensor
