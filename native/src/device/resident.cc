#include "resident.h"

#include <list>
#include <mutex>
#include <unordered_map>

namespace attensor::device {
namespace {

struct Residents {
  std::mutex mutex;
  /// Most recently used first.
  std::list<std::pair<ConstantId, std::shared_ptr<Resident>>> order;
  std::unordered_map<ConstantId, decltype(order)::iterator> entries;
  size_t bytes = 0;

  void Drop(decltype(order)::iterator entry) {
    bytes -= entry->second->memory.bytes();
    entries.erase(entry->first);
    order.erase(entry);
  }

  /// From the one used least recently on, until they take at most `most` bytes.
  bool Shrink(size_t most) {
    bool any = false;
    for (auto entry = order.end(); entry != order.begin() && bytes > most;) {
      --entry;
      if (entry->second.use_count() > 1) continue;
      Drop(entry++);
      any = true;
    }
    return any;
  }
};

Residents& TheResidents() {
  static Residents* residents = new Residents;
  return *residents;
}

}  // namespace

AheadMemory::AheadMemory(size_t bytes) : bytes_(bytes) {
  void* memory = nullptr;
  Status status = Opened().allocateAhead(bytes ? bytes : 1, &memory);
  if (status == Status::kOutOfMemory && ReleaseIdle())
    status = Opened().allocateAhead(bytes ? bytes : 1, &memory);
  Check(status);
  data_ = static_cast<char*>(memory);
}

AheadMemory::~AheadMemory() {
  // A copy may still run into it.
  Opened().arrive();
  Release(data_);
}

std::shared_ptr<Resident> FindResident(ConstantId id, size_t bytes) {
  if (id == 0) return nullptr;
  Info info{};
  Check(Opened().info(&info));
  Residents& r = TheResidents();
  {
    std::lock_guard lock(r.mutex);
    if (auto found = r.entries.find(id); found != r.entries.end()) {
      r.order.splice(r.order.begin(), r.order, found->second);
      // Another thread may still be copying it.
      if (found->second->second->complete) return found->second->second;
      return nullptr;
    }
    if (bytes > info.limit / 2) return nullptr;
    r.Shrink(info.limit / 2 - bytes);
    if (r.bytes + bytes > info.limit / 2) return nullptr;
  }
  auto fresh = std::make_shared<Resident>(bytes);
  std::lock_guard lock(r.mutex);
  if (r.entries.contains(id)) return fresh;
  r.order.emplace_front(id, fresh);
  r.entries[id] = r.order.begin();
  r.bytes += bytes;
  return fresh;
}

void ForgetResident(ConstantId id) {
  Residents& r = TheResidents();
  std::lock_guard lock(r.mutex);
  if (auto found = r.entries.find(id); found != r.entries.end()) r.Drop(found->second);
}

bool ReleaseResidents() {
  Residents& r = TheResidents();
  std::lock_guard lock(r.mutex);
  return r.Shrink(0);
}

size_t ResidentBytes() {
  Residents& r = TheResidents();
  std::lock_guard lock(r.mutex);
  return r.bytes;
}

}  // namespace attensor::device
