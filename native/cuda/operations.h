// The functions of the table (abi.h), each in the file of its kernels.
#pragma once

#include "device/abi.h"

namespace attensor::device {

Status PermuteStates(DeviceFp* states, size_t count);

}  // namespace attensor::device
