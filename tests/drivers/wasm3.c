// The core under wasm3 as an addon of Node. The functions of Node-API that are needed are declared here, so that no headers of
// Node must be installed. All functions are compiled before the first call, as on a chip, unless it is asked to wait for calls.

#include "m3_env.h"
#include "wasm3.h"
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

typedef struct env_s *env_t;
typedef struct value_s *value_t;
typedef struct info_s *info_t;
typedef struct ref_s *ref_t;
typedef value_t (*callback_t)(env_t, info_t);
extern int napi_get_cb_info(env_t, info_t, size_t *, value_t *, value_t *, void **);
extern int napi_get_value_int32(env_t, value_t, int32_t *);
extern int napi_get_value_external(env_t, value_t, void **);
extern int napi_get_value_string_utf8(env_t, value_t, char *, size_t, size_t *);
extern int napi_get_typedarray_info(env_t, value_t, int *, size_t *, void **, value_t *, size_t *);
extern int napi_create_external(env_t, void *, void (*)(env_t, void *, void *), void *, value_t *);
extern int napi_create_external_arraybuffer(env_t, void *, size_t, void (*)(env_t, void *, void *), void *, value_t *);
extern int napi_create_int32(env_t, int32_t, value_t *);
extern int napi_create_reference(env_t, value_t, uint32_t, ref_t *);
extern int napi_get_reference_value(env_t, ref_t, value_t *);
extern int napi_get_undefined(env_t, value_t *);
extern int napi_get_element(env_t, value_t, uint32_t, value_t *);
extern int napi_call_function(env_t, value_t, value_t, size_t, const value_t *, value_t *);
extern int napi_create_function(env_t, const char *, size_t, callback_t, void *, value_t *);
extern int napi_set_named_property(env_t, value_t, const char *, value_t);
extern int napi_throw_error(env_t, const char *, const char *);

enum { STACK_BYTES = 65536, ARGS = 16, NAME_BYTES = 64 };

typedef struct {
  IM3Environment environment;
  IM3Runtime runtime;
  uint8_t *wasm;
  ref_t imports;
} engine;

static env_t env; // of the call that runs
static const char thrown[] = "an import has thrown";

static value_t number(int32_t value) {
  value_t result;
  napi_create_int32(env, value, &result);
  return result;
}
static value_t fail(const char *why) {
  napi_throw_error(env, "WASM3", why);
  return NULL;
}

/** Calls the import of the same number here. */
static const void *call_out(IM3Runtime runtime, IM3ImportContext context, uint64_t *sp, void *memory) {
  (void)memory;
  engine *e = m3_GetUserData(runtime);
  const uint32_t returns = m3_GetRetCount(context->function), count = m3_GetArgCount(context->function);
  value_t args[ARGS], list, f, self, result;
  for (uint32_t n = 0; n < count; n++) args[n] = number((int32_t)sp[returns + n]);
  napi_get_reference_value(env, e->imports, &list);
  napi_get_element(env, list, (uint32_t)(uintptr_t)context->userdata, &f);
  napi_get_undefined(env, &self);
  if (napi_call_function(env, self, f, count, args, &result) != 0) return thrown;
  int32_t value = 0;
  if (returns != 0 && napi_get_value_int32(env, result, &value) == 0) sp[0] = (uint32_t)value;
  return m3Err_none;
}

static M3Result link_imports(IM3Module module) {
  for (uint32_t n = 0; n < module->numFunctions; n++) {
    IM3Function f = &module->functions[n];
    if (f->import.moduleUtf8 == NULL) continue;
    char signature[ARGS + 4] = "v(";
    if (m3_GetRetCount(f) != 0) signature[0] = 'i';
    for (uint32_t a = 0; a < m3_GetArgCount(f); a++) strcat(signature, "i");
    strcat(signature, ")");
    const M3ImportInfo at = f->import;
    const M3Result failed =
        m3_LinkRawFunctionEx(module, at.moduleUtf8, at.fieldUtf8, signature, call_out, (void *)(uintptr_t)n);
    if (failed != m3Err_none) return failed;
  }
  return m3Err_none;
}

static void release(env_t e, void *data, void *hint) {
  (void)e, (void)hint;
  engine *it = data;
  m3_FreeRuntime(it->runtime);
  m3_FreeEnvironment(it->environment);
  free(it->wasm);
  free(it);
}

/** (bytes, imports in the order of the module, 1: each function is compiled when it is first called) */
static value_t create(env_t called, info_t info) {
  env = called;
  value_t args[3], result;
  size_t got = 3, size = 0;
  void *bytes = NULL;
  int32_t is_lazy = 0;
  napi_get_cb_info(env, info, &got, args, NULL, NULL);
  if (got > 2) napi_get_value_int32(env, args[2], &is_lazy);
  napi_get_typedarray_info(env, args[0], NULL, &size, &bytes, NULL, NULL);
  engine *e = calloc(1, sizeof *e);
  e->wasm = malloc(size);
  memcpy(e->wasm, bytes, size);
  napi_create_reference(env, args[1], 1, &e->imports);
  e->environment = m3_NewEnvironment();
  e->runtime = m3_NewRuntime(e->environment, STACK_BYTES, e);
  IM3Module module;
  M3Result failed = m3_ParseModule(e->environment, &module, e->wasm, (uint32_t)size);
  if (failed == m3Err_none) failed = m3_LoadModule(e->runtime, module);
  if (failed == m3Err_none) failed = link_imports(module);
  if (failed == m3Err_none && !is_lazy) failed = m3_CompileModule(module);
  if (failed != m3Err_none) return fail(failed);
  napi_create_external(env, e, release, NULL, &result);
  return result;
}
/** (engine): linear memory */
static value_t memory(env_t called, info_t info) {
  env = called;
  value_t args[1], result;
  size_t got = 1;
  void *data = NULL;
  uint32_t size = 0;
  napi_get_cb_info(env, info, &got, args, NULL, NULL);
  napi_get_value_external(env, args[0], &data);
  uint8_t *at = m3_GetMemory(((engine *)data)->runtime, &size, 0);
  napi_create_external_arraybuffer(env, at, size, NULL, NULL, &result);
  return result;
}
/** (engine): words of code that wasm3 has made; each has the size of a pointer of its machine */
static value_t words(env_t called, info_t info) {
  env = called;
  value_t args[1];
  size_t got = 1;
  void *data = NULL;
  int32_t sum = 0;
  napi_get_cb_info(env, info, &got, args, NULL, NULL);
  napi_get_value_external(env, args[0], &data);
  const IM3Runtime runtime = ((engine *)data)->runtime;
  for (IM3CodePage page = runtime->pagesOpen; page != NULL; page = page->info.next) sum += (int32_t)page->info.lineIndex;
  for (IM3CodePage page = runtime->pagesFull; page != NULL; page = page->info.next) sum += (int32_t)page->info.lineIndex;
  return number(sum);
}
/** (engine, name, arguments ...) */
static value_t call(env_t called, info_t info) {
  const env_t outer = env;
  env = called;
  value_t args[ARGS];
  size_t got = ARGS, length;
  void *data = NULL;
  char name[NAME_BYTES];
  int32_t numbers[ARGS] = {0};
  const void *pointers[ARGS];
  IM3Function f;
  napi_get_cb_info(env, info, &got, args, NULL, NULL);
  napi_get_value_external(env, args[0], &data);
  napi_get_value_string_utf8(env, args[1], name, sizeof name, &length);
  for (size_t n = 0; n < ARGS; n++) pointers[n] = &numbers[n];
  for (size_t n = 2; n < got; n++) napi_get_value_int32(env, args[n], &numbers[n - 2]);
  M3Result failed = m3_FindFunction(&f, ((engine *)data)->runtime, name);
  if (failed == m3Err_none) failed = m3_Call(f, m3_GetArgCount(f), pointers);
  int32_t result = 0;
  const void *into[] = {&result};
  if (failed == m3Err_none && m3_GetRetCount(f) != 0) failed = m3_GetResults(f, 1, into);
  value_t given = NULL;
  if (failed == m3Err_none) given = number(result);
  else if (failed != thrown) fail(failed);
  env = outer;
  return given;
}

int32_t node_api_module_get_api_version_v1(void) { return 8; }
value_t napi_register_module_v1(env_t e, value_t exports) {
  static const struct {
    const char *name;
    callback_t call;
  } all[] = {{"create", create}, {"memory", memory}, {"call", call}, {"words", words}};
  for (size_t n = 0; n < sizeof all / sizeof *all; n++) {
    value_t f;
    napi_create_function(e, all[n].name, (size_t)-1, all[n].call, NULL, &f);
    napi_set_named_property(e, exports, all[n].name, f);
  }
  return exports;
}
