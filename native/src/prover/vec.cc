#include "vec.h"

#include <cstdlib>
#include <new>

#if defined(__linux__)
#include <sys/mman.h>
#endif

#include "common/thread_pool.h"

namespace attensor {

static constexpr size_t kHugePage = size_t{2} << 20;

Buffer::Buffer(size_t size) : size_(size) {
  size_t bytes = (size ? size : 1) * sizeof(Fp);
  bool large = bytes >= 2 * kHugePage;
  size_t align = large ? kHugePage : 64;
  bytes = (bytes + align - 1) / align * align;
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
