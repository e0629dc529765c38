// Additions and multiplications that pass a carry on, as PTX has them. The emulation has the same words in
// C++, so that the sequences of field.h are the ones that are tested.
//
// cc: leaves a carry; Addc, Madc: takes one. On the device the carry is the processor's own flag: the
// statements are volatile, so they stay in order, and nothing between them touches it.
#pragma once

#include "kernel.h"

namespace attensor::device {

#if defined(__CUDACC__)

struct Carry {};

#define ATTENSOR_CARRY_2(name, ptx)                              \
  ATTENSOR_DEVICE u32 name(u32 a, u32 b, Carry&) {               \
    u32 r;                                                       \
    asm volatile(ptx " %0, %1, %2;" : "=r"(r) : "r"(a), "r"(b)); \
    return r;                                                    \
  }
#define ATTENSOR_CARRY_3(name, ptx)                                          \
  ATTENSOR_DEVICE u32 name(u32 a, u32 b, u32 c, Carry&) {                    \
    u32 r;                                                                   \
    asm volatile(ptx " %0, %1, %2, %3;" : "=r"(r) : "r"(a), "r"(b), "r"(c)); \
    return r;                                                                \
  }

ATTENSOR_CARRY_2(AddCc, "add.cc.u32")
ATTENSOR_CARRY_2(AddcCc, "addc.cc.u32")
ATTENSOR_CARRY_2(Addc, "addc.u32")
ATTENSOR_CARRY_2(SubCc, "sub.cc.u32")
ATTENSOR_CARRY_2(SubcCc, "subc.cc.u32")
ATTENSOR_CARRY_2(Subc, "subc.u32")
ATTENSOR_CARRY_3(MadLoCc, "mad.lo.cc.u32")
ATTENSOR_CARRY_3(MadcLoCc, "madc.lo.cc.u32")
ATTENSOR_CARRY_3(MadcHiCc, "madc.hi.cc.u32")
ATTENSOR_CARRY_3(MadcHi, "madc.hi.u32")

ATTENSOR_DEVICE u32 MulHi(u32 a, u32 b) { return __umulhi(a, b); }

#else

struct Carry {
  u32 bit = 0;
};

ATTENSOR_DEVICE u32 Take(u64 sum, Carry& c) {
  c.bit = static_cast<u32>(sum >> 32) & 1;
  return static_cast<u32>(sum);
}
ATTENSOR_DEVICE u32 MulHi(u32 a, u32 b) { return static_cast<u32>(u64{a} * b >> 32); }

ATTENSOR_DEVICE u32 AddCc(u32 a, u32 b, Carry& c) { return Take(u64{a} + b, c); }
ATTENSOR_DEVICE u32 AddcCc(u32 a, u32 b, Carry& c) { return Take(u64{a} + b + c.bit, c); }
ATTENSOR_DEVICE u32 Addc(u32 a, u32 b, Carry& c) { return a + b + c.bit; }
ATTENSOR_DEVICE u32 SubCc(u32 a, u32 b, Carry& c) { return Take(u64{a} - b, c); }
ATTENSOR_DEVICE u32 SubcCc(u32 a, u32 b, Carry& c) { return Take(u64{a} - b - c.bit, c); }
ATTENSOR_DEVICE u32 Subc(u32 a, u32 b, Carry& c) { return a - b - c.bit; }
ATTENSOR_DEVICE u32 MadLoCc(u32 a, u32 b, u32 x, Carry& c) { return Take(u64{a * b} + x, c); }
ATTENSOR_DEVICE u32 MadcLoCc(u32 a, u32 b, u32 x, Carry& c) { return Take(u64{a * b} + x + c.bit, c); }
ATTENSOR_DEVICE u32 MadcHiCc(u32 a, u32 b, u32 x, Carry& c) { return Take(u64{MulHi(a, b)} + x + c.bit, c); }
ATTENSOR_DEVICE u32 MadcHi(u32 a, u32 b, u32 x, Carry& c) { return MulHi(a, b) + x + c.bit; }

#endif

}  // namespace attensor::device
