// Run time of the translated core: access to linear memory and to constant tables, and operators C has not.
// Included by the translated C alone, behind its settings: HSX_ON_*, HSX_ADDRESS_BITS, HSX_LOW, HSX_HIGH, HSX_TABLE_*.
#pragma once

#include "hsx_types.h"
#include <math.h>
#include <string.h>

#pragma GCC diagnostic ignored "-Wunused-function"
#pragma GCC diagnostic ignored "-Wunused-parameter"
#pragma GCC diagnostic ignored "-Wunused-value"
#pragma GCC diagnostic ignored "-Wunused-label"
#pragma GCC diagnostic ignored "-Wtype-limits"

#define HSX_INLINE static inline __attribute__((always_inline))
#define HSX_APART static __attribute__((noinline))
#if defined(HSX_ON_M0)
#define HSX_HOT static __attribute__((optimize("O2"))) // all else is made small: the flash of a Cortex-M0 is
#else
#define HSX_HOT static
#endif

#if HSX_ADDRESS_BITS == 16
typedef u16 hsx_address;
typedef u16 hsx_offset;
#else
typedef u32 hsx_address;
typedef u64 hsx_offset; // an address plus an offset of WASM has 33 bits
#endif

#define HSX_SIZE (HSX_HIGH - HSX_LOW)
#define HSX_TABLE_SIZE (HSX_TABLE_HIGH - HSX_TABLE_LOW)

HSX_APART void __attribute__((noreturn, cold)) hsx_trap_memory(void) { hsx_trap(HSX_TRAP_MEMORY); }

// ---- Where bytes are ----

#if defined(HSX_ON_AVR)
// Linear memory is data memory: an address of one is an address of the other. Tables are in flash.
#include <avr/pgmspace.h>
#define HSX_FLASH __flash
#define HSX_RAM(a) ((u8 *)(u16)(a))
#define hsx_copy_flash(to, from, size) memcpy_PF(to, (uint_farptr_t)(u16)(from), size)
#else
#define HSX_FLASH
/** Linear memory from HSX_LOW on. */
#if defined(HSX_MEMORY_MOVES)
extern u8 *hsx_memory; // one process holds several nodes
#else
extern u8 hsx_memory[HSX_SIZE];
#endif
#if defined(HSX_ORIGIN)
/** The linker script puts linear memory where the address of a byte is a constant plus its linear address. */
#define HSX_RAM(a) ((u8 *)(HSX_ORIGIN + (u32)(a)))
#else
#define HSX_RAM(a) (hsx_memory + ((a) - HSX_LOW))
#endif
#define hsx_copy_flash(to, from, size) memcpy(to, from, size)
#endif

/** Constant tables: the bytes of linear memory from HSX_TABLE_LOW on. */
extern const HSX_FLASH u8 hsx_tables[];

// ---- Cells of any alignment ----

#define HSX_TYPES(X) X(u16) X(u32) X(u64) X(f32) X(f64)

#define HSX_PACKED(T) \
  typedef struct __attribute__((packed, may_alias)) { T value; } hsx_packed_##T; \
  typedef T __attribute__((may_alias)) hsx_aligned_##T;
HSX_TYPES(HSX_PACKED)

#if defined(HSX_ON_M0)
// No unaligned access in hardware: where the address is odd, which is rare, byte by byte.
#define HSX_IS_ODD(at, T) __builtin_expect(((uintptr_t)(at) & (sizeof(T) - 1)) != 0, 0)
#define HSX_CELL(T) \
  HSX_APART T hsx_bytes_##T(const u8 *at) { return ((const hsx_packed_##T *)at)->value; } \
  HSX_APART void hsx_putbytes_##T(u8 *at, T v) { ((hsx_packed_##T *)at)->value = v; } \
  HSX_INLINE T hsx_cell_##T(const u8 *at) { \
    if (HSX_IS_ODD(at, T)) return hsx_bytes_##T(at); \
    return *(const hsx_aligned_##T *)at; \
  } \
  HSX_INLINE void hsx_putcell_##T(u8 *at, T v) { \
    if (HSX_IS_ODD(at, T)) hsx_putbytes_##T(at, v); \
    else *(hsx_aligned_##T *)at = v; \
  }
#else
#define HSX_CELL(T) \
  HSX_INLINE T hsx_cell_##T(const u8 *at) { return ((const hsx_packed_##T *)at)->value; } \
  HSX_INLINE void hsx_putcell_##T(u8 *at, T v) { ((hsx_packed_##T *)at)->value = v; }
#endif
HSX_TYPES(HSX_CELL)
HSX_INLINE u8 hsx_cell_u8(const u8 *at) { return *at; }
HSX_INLINE void hsx_putcell_u8(u8 *at, u8 v) { *at = v; }

HSX_INLINE u8 hsx_flash_u8(hsx_address at) { return hsx_tables[at]; }
#if defined(HSX_ON_AVR)
#define HSX_FLASHCELL(T) \
  HSX_INLINE T hsx_flash_##T(hsx_address at) { return *(const HSX_FLASH T *)(hsx_tables + at); }
#else
#define HSX_FLASHCELL(T) \
  HSX_INLINE T hsx_flash_##T(hsx_address at) { return hsx_cell_##T(hsx_tables + at); }
#endif
HSX_TYPES(HSX_FLASHCELL)

// ---- Bounds ----

/** Whether `size` bytes at base + offset are inside memory; one comparison when offset and size are constant. */
HSX_INLINE int hsx_inside(hsx_address base, hsx_offset offset, hsx_address size) {
#if HSX_ADDRESS_BITS == 16
  return (u16)(base + (u16)(offset - HSX_LOW)) <= (u16)(HSX_SIZE - size);
#else
  if (offset <= HSX_LOW) return base - (u32)(HSX_LOW - offset) <= HSX_SIZE - size;
  return offset <= HSX_HIGH - size && base <= (u32)(HSX_HIGH - size - offset);
#endif
}

/** Whether an address lies below memory; a whole page is told by the upper byte. */
HSX_INLINE int hsx_below(hsx_address at) {
  return HSX_LOW % 256 == 0 ? (at >> 8) < (HSX_LOW >> 8) : at < HSX_LOW;
}

/** base + offset for the table window; what does not fit an address is in no table. */
HSX_INLINE hsx_address hsx_sum(hsx_address base, hsx_offset offset) {
#if HSX_ADDRESS_BITS == 16
  return (u16)(base + offset);
#else
  return offset + base > 0xffffffffu ? 0 : (u32)(base + offset);
#endif
}

// ---- Access by the translated code ----
// ram_, put_: proved to be inside. table_: proved to be in a table. check_: to be checked, in no table.
// low_: proved to end inside, to be checked from below. any_: to be checked, perhaps in a table. *_here: the check in place, for hot functions; on 16 bits it is called otherwise.

#define HSX_ACCESS(T) \
  HSX_INLINE T ram_##T(hsx_address at) { return hsx_cell_##T(HSX_RAM(at)); } \
  HSX_INLINE void put_##T(hsx_address at, T v) { hsx_putcell_##T(HSX_RAM(at), v); } \
  HSX_INLINE T table_##T(hsx_address at) { return hsx_flash_##T((hsx_address)(at - HSX_TABLE_LOW)); } \
  HSX_APART T hsx_far_##T(hsx_address at) { \
    const hsx_address in = (hsx_address)(at - HSX_TABLE_LOW); \
    if (HSX_TABLE_SIZE < sizeof(T) || in > (hsx_address)(HSX_TABLE_SIZE - sizeof(T))) hsx_trap_memory(); \
    return hsx_flash_##T(in); \
  } \
  HSX_INLINE T check_##T##_here(hsx_address base, hsx_offset offset, u8 size) { \
    if (__builtin_expect(!hsx_inside(base, offset, size), 0)) hsx_trap_memory(); \
    return hsx_cell_##T(HSX_RAM((hsx_address)(base + offset))); \
  } \
  HSX_INLINE T low_##T##_here(hsx_address base, hsx_offset offset) { \
    const hsx_address at = hsx_sum(base, offset); \
    if (__builtin_expect(hsx_below(at), 0)) hsx_trap_memory(); \
    return hsx_cell_##T(HSX_RAM(at)); \
  } \
  HSX_INLINE T any_##T##_here(hsx_address base, hsx_offset offset, u8 size) { \
    if (__builtin_expect(!hsx_inside(base, offset, size), 0)) return hsx_far_##T(hsx_sum(base, offset)); \
    return hsx_cell_##T(HSX_RAM((hsx_address)(base + offset))); \
  } \
  HSX_INLINE void checkput_##T##_here(hsx_address base, hsx_offset offset, T v) { \
    if (__builtin_expect(!hsx_inside(base, offset, sizeof(T)), 0)) hsx_trap_memory(); \
    hsx_putcell_##T(HSX_RAM((hsx_address)(base + offset)), v); \
  }
HSX_ACCESS(u8)
HSX_TYPES(HSX_ACCESS)

#if HSX_ADDRESS_BITS == 16
#define HSX_CALLED(T) \
  HSX_APART T hsx_any_##T(u16 at) { return any_##T##_here(at, 0, sizeof(T)); } \
  HSX_APART void hsx_checkput_##T(u16 at, T v) { checkput_##T##_here(at, 0, v); } \
  HSX_INLINE T any_##T(u16 base, u16 offset) { return hsx_any_##T((u16)(base + offset)); } \
  HSX_INLINE T check_##T(u16 base, u16 offset) { return hsx_any_##T((u16)(base + offset)); } \
  HSX_INLINE void checkput_##T(u16 base, u16 offset, T v) { hsx_checkput_##T((u16)(base + offset), v); }
#else
#define HSX_CALLED(T) \
  HSX_INLINE T any_##T(u32 base, u64 offset) { return any_##T##_here(base, offset, sizeof(T)); } \
  HSX_INLINE T check_##T(u32 base, u64 offset) { return check_##T##_here(base, offset, sizeof(T)); } \
  HSX_INLINE void checkput_##T(u32 base, u64 offset, T v) { checkput_##T##_here(base, offset, v); }
#endif
HSX_CALLED(u8)
HSX_TYPES(HSX_CALLED)

// ---- Bulk ----

HSX_INLINE void ram_fill(hsx_address to, u8 value, hsx_address size) { memset(HSX_RAM(to), value, size); }
HSX_INLINE void ram_copy(hsx_address to, hsx_address from, hsx_address size) {
  memmove(HSX_RAM(to), HSX_RAM(from), size);
}

/** Whether a whole stretch of a length known only now is inside memory. No bytes at all may be anywhere in the pages. */
HSX_APART int hsx_stretch(hsx_address at, hsx_address size) {
  if (size == 0) return (u64)at <= 65536ull * HSX_PAGES;
  return size <= HSX_SIZE && (hsx_address)(at - HSX_LOW) <= (hsx_address)(HSX_SIZE - size);
}
HSX_APART void hsx_fill(hsx_address to, u8 value, hsx_address size) {
  if (!hsx_stretch(to, size)) hsx_trap_memory();
  if (size != 0) memset(HSX_RAM(to), value, size);
}
HSX_APART void hsx_copy(hsx_address to, hsx_address from, hsx_address size) {
  if (!hsx_stretch(to, size)) hsx_trap_memory();
  if (hsx_stretch(from, size)) {
    if (size != 0) memmove(HSX_RAM(to), HSX_RAM(from), size);
    return;
  }
  const hsx_address in = (hsx_address)(from - HSX_TABLE_LOW);
  if (size > HSX_TABLE_SIZE || in > (hsx_address)(HSX_TABLE_SIZE - size)) hsx_trap_memory();
  hsx_copy_flash(HSX_RAM(to), hsx_tables + in, size);
}
#define hsx_load_segment(to, bytes, size) hsx_copy_flash(HSX_RAM(to), bytes, size)

// ---- Operators ----

#define HSX_DIVIDE(NAME, KIND, T, OP) \
  KIND T NAME(T a, T b) { \
    if (b == 0) hsx_trap(HSX_TRAP_DIVIDE); \
    return a OP b; \
  }
HSX_DIVIDE(hsx_div_u16, HSX_INLINE, u16, /)
HSX_DIVIDE(hsx_rem_u16, HSX_INLINE, u16, %)
HSX_DIVIDE(hsx_div_u32, HSX_APART, u32, /)
HSX_DIVIDE(hsx_rem_u32, HSX_APART, u32, %)
HSX_DIVIDE(hsx_i64_div_u, HSX_APART, u64, /)
HSX_DIVIDE(hsx_i64_rem_u, HSX_APART, u64, %)

/** The least number by -1: the quotient does not fit, and C leaves the remainder open, which is 0. */
#define HSX_DIVIDE_SIGNED(DIV, REM, U, S) \
  HSX_APART U DIV(U a, U b) { \
    if (b == 0) hsx_trap(HSX_TRAP_DIVIDE); \
    if (a == (U)1 << (8 * sizeof(U) - 1) && b == (U)-1) hsx_trap(HSX_TRAP_OVERFLOW); \
    return (U)((S)a / (S)b); \
  } \
  HSX_APART U REM(U a, U b) { \
    if (b == 0) hsx_trap(HSX_TRAP_DIVIDE); \
    return b == (U)-1 ? 0 : (U)((S)a % (S)b); \
  }
HSX_DIVIDE_SIGNED(hsx_div_s32, hsx_rem_s32, u32, s32)
HSX_DIVIDE_SIGNED(hsx_i64_div_s, hsx_i64_rem_s, u64, s64)

HSX_INLINE u32 hsx_i32_rotl(u32 a, u8 by) { return (a << (by & 31)) | (a >> ((32 - by) & 31)); }
HSX_INLINE u32 hsx_i32_rotr(u32 a, u8 by) { return (a >> (by & 31)) | (a << ((32 - by) & 31)); }
// int has 16 bits on AVR: the builtins for long
HSX_APART u8 hsx_i32_clz(u32 a) {
  return a == 0 ? 32 : (u8)(__builtin_clzl(a) - 8 * (sizeof(long) - 4));
}
HSX_APART u8 hsx_i32_ctz(u32 a) { return a == 0 ? 32 : (u8)__builtin_ctzl(a); }
HSX_APART u8 hsx_i32_popcnt(u32 a) { return (u8)__builtin_popcountl(a); }

#define HSX_BITCAST(NAME, TO, FROM) \
  HSX_INLINE TO NAME(FROM a) { \
    TO result; \
    memcpy(&result, &a, sizeof result); \
    return result; \
  }
HSX_BITCAST(hsx_i32_reinterpret_f32, u32, f32)
HSX_BITCAST(hsx_f32_reinterpret_i32, f32, u32)
HSX_INLINE f32 hsx_f32_abs(f32 a) { return fabsf(a); }
HSX_INLINE f32 hsx_f32_ceil(f32 a) { return ceilf(a); }
HSX_INLINE f32 hsx_f32_floor(f32 a) { return floorf(a); }
HSX_INLINE f32 hsx_f32_trunc(f32 a) { return truncf(a); }
HSX_INLINE f32 hsx_f32_sqrt(f32 a) { return sqrtf(a); }
HSX_INLINE f32 hsx_f32_copysign(f32 a, f32 b) { return copysignf(a, b); }
#define HSX_TRUNC(NAME, T, LOW, HIGH, INT) \
  HSX_APART u32 NAME(T a) { \
    if (!(a > (LOW) && a < (HIGH))) hsx_trap(HSX_TRAP_OVERFLOW); \
    return (u32)(INT)a; \
  }
HSX_TRUNC(hsx_i32_trunc_f32_s, f32, -2147483904.0f, 2147483648.0f, s32)
HSX_TRUNC(hsx_i32_trunc_f32_u, f32, -1.0f, 4294967296.0f, u32)
#if !defined(HSX_ON_AVR)
HSX_INLINE f32 hsx_f32_nearest(f32 a) { return rintf(a); }
HSX_BITCAST(hsx_i64_reinterpret_f64, u64, f64)
HSX_BITCAST(hsx_f64_reinterpret_i64, f64, u64)
HSX_INLINE f64 hsx_f64_abs(f64 a) { return fabs(a); }
HSX_INLINE f64 hsx_f64_ceil(f64 a) { return ceil(a); }
HSX_INLINE f64 hsx_f64_floor(f64 a) { return floor(a); }
HSX_INLINE f64 hsx_f64_trunc(f64 a) { return trunc(a); }
HSX_INLINE f64 hsx_f64_nearest(f64 a) { return rint(a); }
HSX_INLINE f64 hsx_f64_sqrt(f64 a) { return sqrt(a); }
HSX_INLINE f64 hsx_f64_copysign(f64 a, f64 b) { return copysign(a, b); }
HSX_TRUNC(hsx_i32_trunc_f64_s, f64, -2147483649.0, 2147483648.0, s32)
HSX_TRUNC(hsx_i32_trunc_f64_u, f64, -1.0, 4294967296.0, u32)
#endif
