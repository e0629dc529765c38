// Grids on the CPU. Threads of a block that waits at barriers are fibers; the order of blocks and threads is
// turned around from one phase to the next, so that a result that depends on it does not stay hidden.

// Its check of longjmp takes a jump to another stack for an error.
#undef _FORTIFY_SOURCE
#include <setjmp.h>
#include <ucontext.h>

#include <memory>
#include <string>
#include <vector>

#include "runtime.h"

namespace attensor::device::emulation {
namespace {

constexpr size_t kStack = 64 << 10;
constexpr size_t kGuard = 64;
constexpr uint8_t kPattern = 0xa5;

/// Entered once by its context, and from then on by jumps: swapcontext asks the kernel for the signal mask
/// each time.
struct Fiber {
  ucontext_t start;
  jmp_buf at;
  std::unique_ptr<char[]> stack{new char[kStack]};
  bool started = false;
  bool done = false;
  const void* waitsAt = nullptr;
  unsigned line = 0;
};

/// The block that this thread of the CPU is running.
struct Block {
  jmp_buf scheduler;
  Fiber* current = nullptr;
  const std::function<void()>* body = nullptr;
  std::exception_ptr failure;
};

thread_local Block block;
thread_local std::vector<Fiber> fibers;
thread_local std::vector<uint4> shared;

/// Back to the scheduler, until it continues this fiber.
[[gnu::noinline]] void Yield() {
  if (_setjmp(block.current->at) == 0) _longjmp(block.scheduler, 1);
}

void RunFiber() {
  for (;;) {
    try {
      (*block.body)();
    } catch (...) {
      block.failure = std::current_exception();
    }
    block.current->done = true;
    Yield();
  }
}

[[gnu::noinline]] void Continue(Fiber& fiber) {
  if (_setjmp(block.scheduler) != 0) return;
  if (fiber.started) _longjmp(fiber.at, 1);
  fiber.started = true;
  getcontext(&fiber.start);
  fiber.start.uc_stack.ss_sp = fiber.stack.get();
  fiber.start.uc_stack.ss_size = kStack;
  fiber.start.uc_link = nullptr;
  makecontext(&fiber.start, RunFiber, 0);
  setcontext(&fiber.start);
}

void RunPhases(unsigned threads, bool reversed) {
  for (unsigned t = 0; t < threads; t++) fibers[t].done = false;
  for (unsigned waiting = threads; waiting > 0; reversed = !reversed) {
    waiting = 0;
    for (unsigned k = 0; k < threads; k++) {
      unsigned t = reversed ? threads - 1 - k : k;
      block.current = &fibers[t];
      threadIdx.x = t;
      Continue(*block.current);
      if (block.failure) std::rethrow_exception(std::exchange(block.failure, nullptr));
      waiting += !block.current->done;
    }
    if (waiting == 0) break;
    const Fiber& first = fibers[0];
    for (unsigned t = 0; t < threads; t++) {
      const Fiber& fiber = fibers[t];
      if (fiber.done || fiber.waitsAt != first.waitsAt || fiber.line != first.line)
        throw Failure{Status::kFailed, "emulation: thread " + std::to_string(t) + " of block " +
                                           std::to_string(blockIdx.x) +
                                           " is not at the barrier where thread 0 waits (line " +
                                           std::to_string(first.line) + ")"};
    }
  }
}

}  // namespace

void Barrier(const std::source_location& where) {
  if (!block.current) Fault("a barrier in a kernel that was launched as one without", where);
  block.current->waitsAt = where.file_name();
  block.current->line = where.line();
  Yield();
}

uint4* Shared() { return shared.data(); }

void RunGrid(unsigned blocks, unsigned threads, size_t sharedBytes, bool barriers,
             const std::function<void()>& thread) {
  Launch();
  if (threads > 1024 || sharedBytes > (48 << 10))
    throw Failure{Status::kFailed, "emulation: a block of " + std::to_string(threads) + " threads and " +
                                       std::to_string(sharedBytes) + " bytes of shared memory"};
  gridDim = {blocks, 1, 1};
  blockDim = {threads, 1, 1};
  if (barriers && fibers.size() < threads) fibers.resize(threads);
  size_t words = (sharedBytes + sizeof(uint4) - 1) / sizeof(uint4);
  for (unsigned k = 0; k < blocks; k++) {
    blockIdx = {k & 1 ? blocks - 1 - k / 2 : k / 2, 0, 0};
    shared.assign(words + kGuard / sizeof(uint4), {});
    std::memset(shared.data(), kPattern, shared.size() * sizeof(uint4));
    block.body = &thread;
    block.current = nullptr;
    if (barriers) {
      try {
        RunPhases(threads, k & 1);
      } catch (...) {
        // those that stopped in the middle never go on
        fibers.clear();
        throw;
      }
      block.current = nullptr;
    } else {
      for (unsigned i = 0; i < threads; i++) {
        threadIdx = {k & 1 ? threads - 1 - i : i, 0, 0};
        thread();
      }
    }
    const uint8_t* guard = reinterpret_cast<const uint8_t*>(shared.data() + words);
    for (size_t i = 0; i < kGuard; i++)
      if (guard[i] != kPattern)
        throw Failure{Status::kFailed, "emulation: a store beyond the end of shared memory"};
  }
}

}  // namespace attensor::device::emulation
