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

Buffer::Buffer(size_t size) : size_(size) {
  size_t bytes = (size ? size : 1) * sizeof(Fp);
  bool large = bytes >= 2 * kHugePage;
  size_t align = large ? kHugePage : 64;
  bytes = (bytes + align - 1) / align * align;
  if (bytes > PhysicalMemory()) throw std::bad_alloc();
  data_ = static_cast<Fp*>(std::aligned_alloc(align, bytes));
  if (!data_) throw std::bad_alloc();
#if defined(__linux__) && defined(MADV_HUGEPAGE)
  if (large) madvise(data_, bytes, MADV_HUGEPAGE);
#endif
}

Buffer::~Buffer() { std::free(data_); }

Vec Vec::Zeros(size_t size) {
  Vec v(size);
  Fp* data = v.mut();
  ParallelFor(size, 1 << 16, [&](size_t begin, size_t end) {
    std::memset(static_cast<void*>(data + begin), 0, (end - begin) * sizeof(Fp));
  });
  return v;
}

}  // namespace attensor
