#include <algorithm>
#include <mutex>

#include "classes.h"
#include "prover/linear.h"

namespace attensor {

static constexpr napi_type_tag kVecTag = {0x8c5d3f0a61b94e27, 0xa1470e6bd9c2f583};

// What V8 is told of a vector's bytes. It starts to mark its heap whenever 64 MiB more are held, four threads
// at a time, and beside loaded keys that takes longer than the work on a vector. So it hears of a sixteenth:
// it looks for vectors that nobody disposed of when these may be a gigabyte.
static constexpr int64_t kTold = 16;

static void TellMemory(Napi::Env env, const Vec& vec, int64_t sign) {
  Napi::MemoryManagement::AdjustExternalMemory(env,
                                               sign * static_cast<int64_t>(vec.size() * sizeof(Fp)) / kTold);
}

Napi::Function VecObject::Define(Napi::Env env) {
  return DefineClass(env, "FpVec",
                     {
                         InstanceAccessor<&VecObject::Length>("length"),
                         InstanceMethod<&VecObject::Get>("get"),
                         InstanceMethod<&VecObject::Set>("set"),
                         InstanceMethod<&VecObject::SetInts>("setInts"),
                         InstanceMethod<&VecObject::Slice>("slice"),
                         InstanceMethod<&VecObject::AxpyMethod>("axpy"),
                         InstanceMethod<&VecObject::AddScalarMethod>("addScalar"),
                         InstanceMethod<&VecObject::ToBigints>("toBigints"),
                         InstanceMethod<&VecObject::Dispose>("dispose"),
                     });
}

Napi::Object VecObject::Create(Napi::Env env, Vec vec) {
  Napi::Object object = env.GetInstanceData<AddonData>()->vec.New({});
  TellMemory(env, vec, 1);
  ObjectWrap::Unwrap(object)->vec_ = std::move(vec);
  return object;
}

VecObject::VecObject(const Napi::CallbackInfo& info) : ObjectWrap(info) {
  info.This().As<Napi::Object>().TypeTag(&kVecTag);
  vec_ = Vec(0);
}

VecObject::~VecObject() { Drop(); }

void VecObject::Drop() {
  if (vec_.size() > 0) TellMemory(Env(), vec_, -1);
  vec_ = {};
}

VecObject& VecObject::From(const Napi::Value& value, const Arg& arg) {
  if (!value.IsObject() || !value.As<Napi::Object>().CheckTypeTag(&kVecTag))
    throw TypeError(arg.Prefix() + ": expected an FpVec made by this engine");
  return *ObjectWrap::Unwrap(value.As<Napi::Object>());
}

const Vec& VecObject::Read(const Napi::Value& value, const Arg& arg) {
  return From(value, arg).ForReading(arg);
}

const Vec& VecObject::ForReading(const Arg& arg) const {
  if (disposed_) throw Error(ErrorKind::kError, "DISPOSED", arg.Prefix() + ": the vector is disposed of");
  if (changes_ > 0)
    throw Error(ErrorKind::kError, "BUSY",
                arg.Prefix() + ": a change of the vector is under way; await it first");
  return vec_;
}

Vec& VecObject::ForWriting(const Arg& arg) {
  ForReading(arg);
  if (vec_.allocated()) vec_.Own();
  return vec_;
}

Vec& VecObject::BeginChange(const Arg& arg) {
  // With changes already queued the memory is this vector's own.
  if (changes_ == 0) ForWriting(arg);
  changes_++;
  return vec_;
}

Napi::Value VecObject::Length(const Napi::CallbackInfo& info) {
  return Napi::Number::New(info.Env(), static_cast<double>(vec_.size()));
}

Napi::Value VecObject::Get(const Napi::CallbackInfo& info) {
  return Guard(info.Env(), [&] {
    const Vec& v = ForReading({"FpVec.get", "this"});
    size_t index = ReadIndex(info[0], {"FpVec.get", "index"});
    Require(index < v.size(), "FpVec.get: index: expected below the length " + std::to_string(v.size()) +
                                  ", got " + std::to_string(index));
    return WriteField(info.Env(), v.At(index));
  });
}

void VecObject::Set(const Napi::CallbackInfo& info) {
  Guard(info.Env(), [&] {
    Vec& v = ForWriting({"FpVec.set", "this"});
    size_t index = ReadIndex(info[0], {"FpVec.set", "index"});
    Require(index < v.size(), "FpVec.set: index: expected below the length " + std::to_string(v.size()) +
                                  ", got " + std::to_string(index));
    v.Set(index, ReadField(info[1], {"FpVec.set", "value"}));
  });
}

static void RequireRange(const char* function, size_t offset, size_t count, size_t length) {
  Require(offset <= length && count <= length - offset,
          std::string(function) + ": offset: expected [offset, offset + length) within the length " +
              std::to_string(length) + ", got offset " + std::to_string(offset) + " and length " +
              std::to_string(count));
}

void VecObject::SetInts(const Napi::CallbackInfo& info) {
  Guard(info.Env(), [&] {
    Vec& v = ForWriting({"FpVec.setInts", "this"});
    size_t offset = ReadIndex(info[0], {"FpVec.setInts", "offset"});
    if (!info[1].IsTypedArray())
      throw TypeError("FpVec.setInts: values: expected an Int32Array or BigInt64Array");
    auto array = info[1].As<Napi::TypedArray>();
    RequireRange("FpVec.setInts", offset, array.ElementLength(), v.size());
    WriteInts(array, v, offset, "FpVec.setInts");
  });
}

Napi::Value VecObject::Slice(const Napi::CallbackInfo& info) {
  return Guard(info.Env(), [&] {
    const Vec& v = ForReading({"FpVec.slice", "this"});
    size_t offset = ReadIndex(info[0], {"FpVec.slice", "offset"});
    size_t length = ReadIndex(info[1], {"FpVec.slice", "length"});
    RequireRange("FpVec.slice", offset, length, v.size());
    return Create(info.Env(), v.Slice(offset, length));
  });
}

void VecObject::AxpyMethod(const Napi::CallbackInfo& info) {
  Guard(info.Env(), [&] {
    Vec other = Read(info[2], {"FpVec.axpy", "other"});
    Vec& v = ForWriting({"FpVec.axpy", "this"});
    size_t offset = ReadIndex(info[0], {"FpVec.axpy", "offset"});
    Fp coef = ReadField(info[1], {"FpVec.axpy", "coef"});
    RequireRange("FpVec.axpy", offset, other.size(), v.size());
    if (other.size() > 0) Axpy(v, offset, coef, other);
  });
}

void VecObject::AddScalarMethod(const Napi::CallbackInfo& info) {
  Guard(info.Env(), [&] {
    Vec& v = ForWriting({"FpVec.addScalar", "this"});
    Fp value = ReadField(info[0], {"FpVec.addScalar", "value"});
    AddScalar(v, value);
  });
}

Napi::Value VecObject::ToBigints(const Napi::CallbackInfo& info) {
  return Guard(info.Env(), [&] {
    const Vec& v = ForReading({"FpVec.toBigints", "this"});
    return WriteFields(info.Env(), v.data(), v.size());
  });
}

void VecObject::Dispose(const Napi::CallbackInfo& info) {
  Guard(info.Env(), [&] {
    if (disposed_) return;
    ForReading({"FpVec.dispose", "this"});
    disposed_ = true;
    Drop();
  });
}

}  // namespace attensor
