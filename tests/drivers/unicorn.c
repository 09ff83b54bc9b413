// A Cortex-M4 that stands still between calls: Unicorn as an addon of Node, for the release binary of the STM32F405. The
// functions of Node-API that are needed are declared here, so that no headers of Node must be installed.
// Peripherals are plain memory that reads 0: what runs here is the core, its HAL is carried out in Node.

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <unicorn/unicorn.h>

typedef struct env_s *env_t;
typedef struct value_s *value_t;
typedef struct info_s *info_t;
typedef value_t (*callback_t)(env_t, info_t);
extern int napi_get_cb_info(env_t, info_t, size_t *, value_t *, value_t *, void **);
extern int napi_get_value_int64(env_t, value_t, int64_t *);
extern int napi_get_value_external(env_t, value_t, void **);
extern int napi_create_external(env_t, void *, void (*)(env_t, void *, void *), void *, value_t *);
extern int napi_create_int64(env_t, int64_t, value_t *);
extern int napi_create_function(env_t, const char *, size_t, callback_t, void *, value_t *);
extern int napi_set_named_property(env_t, value_t, const char *, value_t);
extern int napi_create_external_arraybuffer(env_t, void *, size_t, void (*)(env_t, void *, void *), void *, value_t *);
extern int napi_get_typedarray_info(env_t, value_t, int *, size_t *, void **, value_t *, size_t *);
extern int napi_throw_error(env_t, const char *, const char *);

enum { REGIONS = 8, STOPS = 128, ARGS = 4 };

typedef struct {
  uint64_t base;
  size_t size;
  uint8_t *bytes;
} region;

typedef struct {
  uc_engine *uc;
  region regions[REGIONS];
  int region_count;
  uint32_t stops[STOPS];
  int stop_count;
  uint64_t instructions;
  bool counts;
  uc_hook counter;
} chip;

static void count(uc_engine *uc, uint64_t address, uint32_t size, void *of) {
  (void)uc, (void)address, (void)size;
  ((chip *)of)->instructions++;
}
static void stop(uc_engine *uc, uint64_t address, uint32_t size, void *of) {
  (void)address, (void)size, (void)of;
  uc_emu_stop(uc);
}

static chip *chip_of(env_t env, info_t info, int64_t *numbers, value_t *raw) {
  value_t args[ARGS];
  size_t got = ARGS;
  void *found = NULL;
  napi_get_cb_info(env, info, &got, args, NULL, NULL);
  napi_get_value_external(env, args[0], &found);
  for (size_t n = 1; n < got; n++) napi_get_value_int64(env, args[n], &numbers[n - 1]);
  if (raw != NULL) *raw = args[got - 1];
  return found;
}
static value_t number(env_t env, int64_t value) {
  value_t result;
  napi_create_int64(env, value, &result);
  return result;
}
static value_t checked(env_t env, uc_err err) {
  if (err != UC_ERR_OK) napi_throw_error(env, "UNICORN", uc_strerror(err));
  return NULL;
}

static void release(env_t env, void *data, void *hint) {
  (void)env, (void)hint;
  chip *c = data;
  uc_close(c->uc);
  for (int n = 0; n < c->region_count; n++) free(c->regions[n].bytes);
  free(c);
}

static value_t create(env_t env, info_t info) {
  (void)info;
  chip *c = calloc(1, sizeof *c);
  uc_err err = uc_open(UC_ARCH_ARM, UC_MODE_THUMB | UC_MODE_MCLASS, &c->uc);
  if (err == UC_ERR_OK) err = uc_ctl_set_cpu_model(c->uc, UC_CPU_ARM_CORTEX_M4);
  if (err != UC_ERR_OK) return checked(env, err);
  value_t result;
  napi_create_external(env, c, release, NULL, &result);
  return result;
}

/** (chip, base, size): memory that is there. */
static value_t map(env_t env, info_t info) {
  int64_t a[ARGS];
  chip *c = chip_of(env, info, a, NULL);
  region *r = &c->regions[c->region_count++];
  *r = (region){(uint64_t)a[0], (size_t)a[1], aligned_alloc(4096, (size_t)a[1])};
  memset(r->bytes, 0, r->size);
  return checked(env, uc_mem_map_ptr(c->uc, r->base, r->size, UC_PROT_ALL, r->bytes));
}
/** (chip, address): what is there, as an ArrayBuffer up to the end of its region. */
static value_t view(env_t env, info_t info) {
  int64_t a[ARGS];
  chip *c = chip_of(env, info, a, NULL);
  const uint64_t at = (uint64_t)a[0];
  for (int n = 0; n < c->region_count; n++) {
    const region *r = &c->regions[n];
    if (at < r->base || at >= r->base + r->size) continue;
    value_t result;
    napi_create_external_arraybuffer(env, r->bytes + (at - r->base), r->size - (at - r->base), NULL, NULL, &result);
    return result;
  }
  napi_throw_error(env, "UNICORN", "no memory there");
  return NULL;
}
/** (chip, address): a run ends before the instruction there. */
static value_t stop_at(env_t env, info_t info) {
  int64_t a[ARGS];
  chip *c = chip_of(env, info, a, NULL);
  uc_hook hook;
  return checked(env, uc_hook_add(c->uc, &hook, UC_HOOK_CODE, (void *)stop, c, (uint64_t)a[0], (uint64_t)a[0]));
}
/** (chip, n) and (chip, n, value): a register; 13 is SP, 14 LR, 15 PC, 16 xPSR. */
static int register_of(int64_t n) {
  static const int special[] = {UC_ARM_REG_SP, UC_ARM_REG_LR, UC_ARM_REG_PC, UC_ARM_REG_XPSR};
  return n < 13 ? UC_ARM_REG_R0 + (int)n : special[n - 13];
}
static value_t get(env_t env, info_t info) {
  int64_t a[ARGS];
  chip *c = chip_of(env, info, a, NULL);
  uint32_t value = 0;
  uc_reg_read(c->uc, register_of(a[0]), &value);
  return number(env, value);
}
static value_t set(env_t env, info_t info) {
  int64_t a[ARGS];
  chip *c = chip_of(env, info, a, NULL);
  const uint32_t value = (uint32_t)a[1];
  return checked(env, uc_reg_write(c->uc, register_of(a[0]), &value));
}
/** (chip, pc): runs until a stop; returns the place. */
static value_t run(env_t env, info_t info) {
  int64_t a[ARGS];
  chip *c = chip_of(env, info, a, NULL);
  const uc_err err = uc_emu_start(c->uc, (uint64_t)a[0] | 1, 0xFFFFFFF0, 0, 0);
  if (err != UC_ERR_OK) return checked(env, err);
  uint32_t pc = 0;
  uc_reg_read(c->uc, UC_ARM_REG_PC, &pc);
  return number(env, pc);
}
/** (chip, pc): executes one instruction. */
static value_t step(env_t env, info_t info) {
  int64_t a[ARGS];
  chip *c = chip_of(env, info, a, NULL);
  return checked(env, uc_emu_start(c->uc, (uint64_t)a[0] | 1, 0xFFFFFFF0, 0, 1));
}
/** (chip, on): counts instructions from now on, or no more, which is faster. */
static value_t count_instructions(env_t env, info_t info) {
  int64_t a[ARGS];
  chip *c = chip_of(env, info, a, NULL);
  if (c->counts == (a[0] != 0)) return NULL;
  c->counts = a[0] != 0;
  if (!c->counts) return checked(env, uc_hook_del(c->uc, c->counter));
  return checked(env, uc_hook_add(c->uc, &c->counter, UC_HOOK_CODE, (void *)count, c, 1, 0));
}
static value_t counted(env_t env, info_t info) {
  int64_t a[ARGS];
  return number(env, (int64_t)chip_of(env, info, a, NULL)->instructions);
}

int32_t node_api_module_get_api_version_v1(void) { return 8; }
value_t napi_register_module_v1(env_t env, value_t exports) {
  static const struct {
    const char *name;
    callback_t call;
  } all[] = {{"create", create}, {"map", map}, {"view", view}, {"stopAt", stop_at}, {"get", get},
             {"set", set}, {"run", run}, {"step", step}, {"countInstructions", count_instructions}, {"counted", counted}};
  for (size_t n = 0; n < sizeof all / sizeof *all; n++) {
    value_t f;
    napi_create_function(env, all[n].name, (size_t)-1, all[n].call, NULL, &f);
    napi_set_named_property(env, exports, all[n].name, f);
  }
  return exports;
}
