#include "vec.h"

#include <cstdlib>
#include <new>

#if defined(__unix__) || defined(__APPLE__)
#include <unistd.h>
#endif
#if defined(__linux__)
#include <sys/mman.h>
#endif

#include "common/thread_pool.h"
#include "device/device.h"

namespace attensor {

static constexpr size_t kHugePage = size_t{2} << 20;

/// More than the machine has is refused at once: the system would grant it and end the process when it is
/// touched.
static size_t PhysicalMemory() {
#if defined(__unix__) || defined(__APPLE__)
  static const size_t bytes =
      static_cast<size_t>(sysconf(_SC_PHYS_PAGES)) * static_cast<size_t>(sysconf(_SC_PAGESIZE));
  return bytes;
#else
  return ~size_t{0};
#endif
}

static void Clear(Fp* data, size_t size) {
  ParallelFor(size, 1 << 16, [&](size_t begin, size_t end) {
    std::memset(static_cast<void*>(data + begin), 0, (end - begin) * sizeof(Fp));
  });
}

Buffer::Buffer(size_t size, bool zero) : size_(size), state_(zero ? kZeros : 0) {
  if (size > PhysicalMemory() / sizeof(Fp)) throw std::bad_alloc();
}

Buffer::~Buffer() {
  std::free(host_);
  device::Release(device_);
}

Fp* Buffer::AllocateHost() const {
  size_t bytes = (size_ ? size_ : 1) * sizeof(Fp);
  bool large = bytes >= 2 * kHugePage;
  size_t align = large ? kHugePage : 64;
  bytes = (bytes + align - 1) / align * align;
  Fp* data = static_cast<Fp*>(std::aligned_alloc(align, bytes));
  if (!data) throw std::bad_alloc();
#if defined(__linux__) && defined(MADV_HUGEPAGE)
  if (large) madvise(data, bytes, MADV_HUGEPAGE);
#endif
  return data;
}

Fp* Buffer::Fetch() const {
  std::lock_guard lock(mutex_);
  uint8_t state = state_;
  if (state & kHost) return host_;
  if (!host_) host_ = AllocateHost();
  if (state & kDevice)
    device::Check(device::Opened().download(host_, device_, size_ * sizeof(Fp)));
  else if (state & kZeros)
    Clear(host_, size_);
  state_ = static_cast<uint8_t>((state & kDevice) | kHost);
  return host_;
}

Fp* Buffer::TakeOver() {
  std::lock_guard lock(mutex_);
  device::Release(device_);
  device_ = nullptr;
  state_ = kHost;
  return host_;
}

device::DeviceFp* Buffer::Device(bool keep, bool change) const {
  std::lock_guard lock(mutex_);
  uint8_t state = state_;
  if (!device_) device_ = static_cast<device::DeviceFp*>(device::Allocate((size_ ? size_ : 1) * sizeof(Fp)));
  if (keep && !(state & kDevice)) {
    if (state & kHost)
      device::Check(device::Opened().upload(device_, host_, size_ * sizeof(Fp)));
    else if (state & kZeros)
      device::Check(device::Opened().zero(device_, size_ * sizeof(Fp)));
  }
  if (change && (state & kHost)) {
    std::free(host_);
    host_ = nullptr;
  }
  state_ = change ? kDevice : static_cast<uint8_t>((state & kHost) | kDevice);
  return device_;
}

Vec Vec::Zeros(size_t size) {
  Vec v;
  // Cleared where it is first used, if that may be the device.
  bool later = device::Active() && device::IsWorth(size, device::kLeastElements);
  v.buffer_ = std::make_shared<Buffer>(size, later);
  v.size_ = size;
  if (!later) Clear(v.mut(), size);
  return v;
}

Fp Vec::At(size_t i) const {
  if (!IsOnlyOnDevice()) return data()[i];
  Fp x;
  device::Check(device::Opened().download(&x, OnDevice() + i, sizeof x));
  return x;
}

void Vec::Set(size_t i, const Fp& value) {
  if (IsOnDevice())
    device::Check(device::Opened().upload(ChangeOnDevice() + i, &value, sizeof value));
  else
    mut()[i] = value;
}

std::vector<Fp> Vec::Gather(const std::vector<uint64_t>& indexes) const {
  std::vector<Fp> out(indexes.size());
  if (IsOnlyOnDevice() &&
      device::Opened().gather(OnDevice(), indexes.data(), indexes.size(), out.data()) == device::Status::kOk)
    return out;
  for (size_t k = 0; k < out.size(); k++) out[k] = At(indexes[k]);
  return out;
}

Vec Vec::OnHost() const {
  if (!IsOnlyOnDevice()) return *this;
  Vec v(size_);
  device::Check(device::Opened().download(v.mut(), OnDevice(), size_ * sizeof(Fp)));
  return v;
}

void Vec::Own() {
  if (buffer_.use_count() == 1) return;
  Vec v(size_);
  bool copied = IsOnlyOnDevice() && device::Run(size_, 0, [&](const device::Table& table) {
                  device::Check(table.copy(v.OutOnDevice(), OnDevice(), size_ * sizeof(Fp)));
                });
  if (!copied) std::memcpy(static_cast<void*>(v.mut()), data(), size_ * sizeof(Fp));
  *this = v;
}

}  // namespace attensor
