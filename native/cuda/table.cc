// The library's one export: its functions.
#include <algorithm>

#include "operations.h"
#include "runtime.h"

namespace attensor::device {
namespace {

std::string& Message() {
  thread_local std::string message;
  return message;
}

const char* LastMessage() { return Message().c_str(); }

const Table& TheTable() {
  static const Table table = [] {
    Table t{};
    t.message = LastMessage;
    t.info = [](Info* out) { return Guarded([&] { DescribeDevice(out); }); };
    t.allocate = [](size_t bytes, void** out) { return Guarded([&] { *out = Allocate(bytes); }); };
    t.release = [](void* memory) {
      std::lock_guard lock(Mutex());
      Release(memory);
    };
    t.upload = [](void* to, const void* from, size_t bytes) {
      return Guarded([&] { Upload(to, from, bytes); });
    };
    t.download = [](void* to, const void* from, size_t bytes) {
      return Guarded([&] { Download(to, from, bytes); });
    };
    t.copy = [](void* to, const void* from, size_t bytes) {
      return Guarded([&] { CopyOnDevice(to, from, bytes); });
    };
    t.zero = [](void* to, size_t bytes) { return Guarded([&] { Zero(to, bytes); }); };
    t.gather = GatherElements;
    t.trim = [] {
      std::lock_guard lock(Mutex());
      DropCaches();
    };
    t.fromInt32 = FromInt32;
    t.fromInt64 = FromInt64;
    t.permute = PermuteStates;
    t.hashColumns = HashColumns;
    t.absorb = Absorb;
    t.hashRows = HashRows;
    t.spongeRounds = SpongeRounds;
    t.compressLevel = CompressLevel;
    t.traceCompressions = TraceCompressions;
    t.grind = Grind;
    t.encode = Encode;
    t.linear = Linear;
    t.dot = Dot;
    t.eqTable = EqTable;
    t.evalMle = EvalMle;
    t.evalPow = EvalPow;
    t.addPows = AddPows;
    t.copyView = CopyView;
    t.sumAxis = SumAxis;
    t.sumInts = SumInts;
    t.evalInts = EvalInts;
    t.fold = FoldColumns;
    t.sumcheckRound = SumcheckRound;
    t.addFractions = AddFractions;
    t.fractionRound = FractionRound;
    t.allocateAhead = [](size_t bytes, void** out) { return Guarded([&] { *out = AllocateAhead(bytes); }); };
    t.uploadAhead = [](void* to, const void* from, size_t bytes) {
      return Guarded([&] { UploadAhead(to, from, bytes); });
    };
    t.arrive = [] { return Guarded([] { Arrive(); }); };
    t.maxAbs = MaxAbs;
    t.product = MultiplyMatrices;
    t.saturate = Saturate;
    t.multiplyAdds = MultiplyAdds;
    return t;
  }();
  return table;
}

}  // namespace

std::recursive_mutex& Mutex() {
  static std::recursive_mutex* mutex = new std::recursive_mutex;
  return *mutex;
}

void SetMessage(const std::string& message) { Message() = message; }

size_t BlocksFor(size_t count, unsigned threads, unsigned perMultiprocessor) {
  size_t needed = (count + threads - 1) / threads;
  return std::max<size_t>(1, std::min<size_t>(needed, size_t{Multiprocessors()} * perMultiprocessor));
}

}  // namespace attensor::device

using attensor::device::Status;

extern "C" __attribute__((visibility("default"))) Status attensor_device_open(
    uint32_t version, uint64_t memory, const attensor::device::Table** table, const char** message) {
  namespace d = attensor::device;
  Status status = d::Guarded([&] {
    if (version != d::kVersion)
      throw d::Failure{Status::kMissing, "the library is of version " + std::to_string(d::kVersion) +
                                             ", the addon asks for " + std::to_string(version)};
    d::OpenDevice(memory);
    *table = &d::TheTable();
  });
  *message = d::LastMessage();
  return status;
}
