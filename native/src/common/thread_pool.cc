#include "thread_pool.h"

#include <algorithm>
#include <atomic>
#include <condition_variable>
#include <deque>
#include <exception>
#include <memory>
#include <mutex>
#include <thread>

namespace attensor {
namespace {

struct Loop {
  size_t n, chunk, chunks;
  const std::function<void(size_t, size_t)>* body;
  std::atomic<size_t> next{0};
  std::mutex mutex;
  std::condition_variable finished;
  size_t done = 0;
  std::exception_ptr failure;
  std::atomic<bool> failed{false};

  /// Works until no chunk is left to start.
  void Work() {
    for (;;) {
      size_t i = next.fetch_add(1);
      if (i >= chunks) return;
      if (!failed) {
        try {
          const auto first = i * chunk;
          (*body)(first, std::min(n, first + chunk));
        } catch (...) {
          std::lock_guard lock(mutex);
          if (!failure) failure = std::current_exception();
          failed = true;
        }
      }
      std::lock_guard lock(mutex);
      if (++done == chunks) finished.notify_all();
    }
  }
};

class Pool {
 public:
  Pool() { SetCount(std::max(1u, std::thread::hardware_concurrency())); }

  size_t Count() const { return count_; }

  void SetCount(size_t count) {
    std::lock_guard lock(mutex_);
    count_ = count;
    for (; started_ < count - 1; started_++) std::thread([this, id = started_] { Run(id); }).detach();
    wake_.notify_all();
  }

  void Submit(std::shared_ptr<Loop> loop) {
    std::lock_guard lock(mutex_);
    loops_.push_back(std::move(loop));
    wake_.notify_all();
  }

  void Remove(const std::shared_ptr<Loop>& loop) {
    std::lock_guard lock(mutex_);
    std::erase(loops_, loop);
  }

 private:
  void Run(size_t id) {
    std::unique_lock lock(mutex_);
    for (;;) {
      // Workers above the count sleep until it grows again.
      wake_.wait(lock, [&] { return id + 1 < count_ && !loops_.empty(); });
      std::shared_ptr<Loop> loop = loops_.front();
      lock.unlock();
      loop->Work();
      lock.lock();
      std::erase(loops_, loop);
    }
  }

  std::mutex mutex_;
  std::condition_variable wake_;
  std::deque<std::shared_ptr<Loop>> loops_;
  std::atomic<size_t> count_{1};
  size_t started_ = 0;
};

// Never destroyed: its threads may outlive static destructors.
Pool& ThePool() {
  static Pool* pool = new Pool;
  return *pool;
}

}  // namespace

size_t Threads() { return ThePool().Count(); }
void SetThreads(size_t count) { ThePool().SetCount(std::max<size_t>(1, count)); }

void ParallelFor(size_t n, size_t grain, const std::function<void(size_t, size_t)>& body) {
  if (n == 0) return;
  size_t threads = Threads();
  // A few chunks for each thread even out uneven work.
  size_t chunk = std::max(std::max<size_t>(1, grain), (n + threads * 4 - 1) / (threads * 4));
  if (threads == 1 || n <= chunk) {
    body(0, n);
    return;
  }
  auto loop = std::make_shared<Loop>();
  loop->n = n;
  loop->chunk = chunk;
  loop->chunks = (n + chunk - 1) / chunk;
  loop->body = &body;
  ThePool().Submit(loop);
  loop->Work();
  ThePool().Remove(loop);
  std::unique_lock lock(loop->mutex);
  loop->finished.wait(lock, [&] { return loop->done == loop->chunks; });
  if (loop->failure) std::rethrow_exception(loop->failure);
}

}  // namespace attensor
