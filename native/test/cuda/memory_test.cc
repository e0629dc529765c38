// Allocations, transfers, and what the library answers when they fail.
#include <cstring>

#include "../testing.h"
#include "library.h"

namespace attensor::testing {

void TestMemory() {
  const device::Table& library = Library();
  for (size_t size : {1, 2, 1000, 600000}) {
    std::vector<Fp> values = RandomFields(size);
    DeviceArray a(values), b(size);
    CHECK(a.Read() == values);
    Succeeded(library.copy(b.get(), a.get(), size * sizeof(Fp)), "copy");
    CHECK(b.Read() == values);
    Succeeded(library.zero(b.get(), size * sizeof(Fp)), "zero");
    CHECK(b.Read() == std::vector<Fp>(size));
  }
  void* memory = nullptr;
  CHECK(library.allocate(size_t{1} << 60, &memory) == device::Status::kOutOfMemory);
  CHECK(std::strlen(library.message()) > 0);
  if (!failAfter) return;
  failAfter(1);
  CHECK(library.allocate(32, &memory) == device::Status::kOk);
  void* second = nullptr;
  CHECK(library.allocate(32, &second) == device::Status::kOutOfMemory);
  library.release(memory);
  failAfter(-1);
  // What a GPU would not notice.
  std::vector<Fp> values = RandomFields(6);
  CHECK(library.permute(reinterpret_cast<device::DeviceFp*>(values.data()), 2) == device::Status::kFailed);
  DeviceArray fresh(6), small(values);
  CHECK(library.permute(fresh.get(), 2) == device::Status::kFailed);
  CHECK(library.permute(small.get(), 3) == device::Status::kFailed);
  for (int number = 0; number < 5; number++) CHECK(fault(number) == device::Status::kFailed);
  CHECK(fault(5) == device::Status::kOk);
}

}  // namespace attensor::testing
