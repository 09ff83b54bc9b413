// What C made by wasm2c asks of its run time, for one module with one memory: the ArrayBuffer that the addon is called with.
#pragma once

#include "hsx_types.h"
#include <stdbool.h>
#include <stddef.h>
#include <string.h>

#define WASM_RT_CORE_TYPES_DEFINED
#define WASM_RT_USE_SEGUE 0
#define WASM_RT_STACK_DEPTH_COUNT 0
#define WASM_RT_MEMCHECK_GUARD_PAGES 0
#define LIKELY(x) __builtin_expect(!!(x), 1)
#define UNLIKELY(x) __builtin_expect(!!(x), 0)
#define wasm_rt_memcpy memcpy

enum {
  WASM_RT_TRAP_OOB = HSX_TRAP_MEMORY,
  WASM_RT_TRAP_DIV_BY_ZERO = HSX_TRAP_DIVIDE,
  WASM_RT_TRAP_INT_OVERFLOW = HSX_TRAP_OVERFLOW,
  WASM_RT_TRAP_INVALID_CONVERSION = HSX_TRAP_OVERFLOW,
  WASM_RT_TRAP_UNREACHABLE = HSX_TRAP_UNREACHABLE,
  WASM_RT_TRAP_CALL_INDIRECT = HSX_TRAP_UNREACHABLE,
};
#define wasm_rt_trap(code) hsx_trap(code)

typedef struct {
  u8 *data;
  u64 pages;
  u64 size;
} wasm_rt_memory_t;
typedef const char *wasm_rt_func_type_t;
enum { WASM_RT_I32, WASM_RT_I64, WASM_RT_F32, WASM_RT_F64, WASM_RT_V128, WASM_RT_FUNCREF, WASM_RT_EXTERNREF };
typedef void (*wasm_rt_function_ptr_t)(void);
typedef struct {
  wasm_rt_function_ptr_t fn;
} wasm_rt_tailcallee_t;
typedef struct {
  wasm_rt_func_type_t func_type;
  wasm_rt_function_ptr_t func;
  wasm_rt_tailcallee_t func_tailcallee;
  void *module_instance;
} wasm_rt_funcref_t;
typedef struct {
  wasm_rt_funcref_t *data;
  u32 size;
} wasm_rt_funcref_table_t;
typedef void *wasm_rt_externref_t;
typedef struct {
  wasm_rt_externref_t *data;
  u32 size;
} wasm_rt_externref_table_t;
#define wasm_rt_funcref_null_value ((wasm_rt_funcref_t){0})
#define wasm_rt_externref_null_value ((wasm_rt_externref_t){0})

extern u8 *hsx_memory;

static inline bool wasm_rt_is_initialized(void) { return true; }
static inline void wasm_rt_allocate_memory(wasm_rt_memory_t *memory, u64 pages, u64 most, bool is64, u32 page) {
  (void)most;
  (void)is64;
  *memory = (wasm_rt_memory_t){hsx_memory, pages, pages * page};
}
static inline void wasm_rt_free_memory(wasm_rt_memory_t *memory) { memory->data = NULL; }
