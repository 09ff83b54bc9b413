// Types of the translated core, and what it calls when it cannot go on.
#pragma once

#include <stdint.h>

typedef uint8_t u8;
typedef int8_t s8;
typedef uint16_t u16;
typedef int16_t s16;
typedef uint32_t u32;
typedef int32_t s32;
typedef uint64_t u64;
typedef int64_t s64;
typedef float f32;
typedef double f64;

/** Why the core cannot go on: a fault of the firmware itself, never of an app. */
enum {
  HSX_TRAP_MEMORY = 1,      // an address outside linear memory
  HSX_TRAP_DIVIDE = 2,      // a division by zero
  HSX_TRAP_OVERFLOW = 3,    // a quotient or an integer of a float that does not fit
  HSX_TRAP_UNREACHABLE = 4, // code that must not be reached
};

/** Given by the board: records the code and restarts the node. */
void hsx_trap(u8 code) __attribute__((noreturn));
