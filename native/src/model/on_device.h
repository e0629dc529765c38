// The kernels on a device (device/device.h). Each returns whether its outputs are done; if not, because there
// is no device, no memory, too little work or a value outside its width, the CPU does everything, failures
// included.
#pragma once

#include "attention.h"
#include "device/resident.h"
#include "kernel.h"

namespace model::on_device {

using attensor::device::ConstantId;

// Bytes of weights, and of sums or rows, that one step of a call takes. Tests take less.
struct Steps {
  size_t weights = size_t{64} << 20, sums = size_t{256} << 20;
};
inline Steps steps;

// Rows of a weight matrix that one step of a product takes.
size_t StepOf(size_t rows, size_t inner, size_t outer);
// Bytes on the device while a product runs whose weights do not stay there.
size_t ProductBytes(size_t rows, size_t inner, size_t outer);

// x (rows, inner) with entries up to max_x against w (outer, inner): saturated sums to row to[t] of acc, or
// row t.
bool Product(Weights x, uint64_t max_x, Weights w, ConstantId id, size_t rows, size_t inner, size_t outer,
             Weights to, OutInts acc, const Control& control);
// Operands within int32; narrow: no 64-bit sum can overflow.
bool Scores(Weights qn, Weights kn, Weights qr, Weights kr, size_t nope, size_t rope,
            const AttentionShape& shape, bool all_pairs, bool narrow, OutInts acc, const Control& control);
bool Context(Weights p, Weights values, size_t width, const AttentionShape& shape, int bits, bool narrow,
             OutInts acc, OutInts y, const Control& control);

}  // namespace model::on_device
