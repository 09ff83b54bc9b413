// Translated C in this process: compiled with the host's compiler as an addon of Node, its memory an ArrayBuffer.
// The addon declares the few functions of Node-API it needs, so that no headers of Node must be installed.

import { execFileSync } from "node:child_process";
import { createHash } from "node:crypto";
import { existsSync, mkdirSync, readFileSync, renameSync, writeFileSync } from "node:fs";
import { createRequire } from "node:module";
import { join } from "node:path";
import type { Prototype } from "../../host/aot/c-module.ts";
import type { CType } from "../../host/aot/options.ts";
import type { Translation } from "../../host/aot/translate.ts";

/** Thrown for a trap; its message is the name of the trap. */
export class Trap extends Error {
  override readonly name = "Trap";
}

export const TRAPS: Readonly<Record<string, string>> = {
  "1": "memory",
  "2": "divide",
  "3": "overflow",
  "4": "unreachable",
};

type Exported = (...args: unknown[]) => unknown;

const PRELUDE = `
#include <setjmp.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>
#include "core.h"
typedef struct env_s *env_t; typedef struct value_s *value_t; typedef struct info_s *info_t; typedef struct ref_s *ref_t;
typedef value_t (*callback_t)(env_t, info_t);
extern int napi_get_cb_info(env_t, info_t, size_t *, value_t *, value_t *, void **);
extern int napi_get_value_int32(env_t, value_t, s32 *);
extern int napi_get_value_double(env_t, value_t, double *);
extern int napi_get_value_bigint_uint64(env_t, value_t, u64 *, bool *);
extern int napi_create_int32(env_t, s32, value_t *);
extern int napi_create_double(env_t, double, value_t *);
extern int napi_create_bigint_uint64(env_t, u64, value_t *);
extern int napi_create_function(env_t, const char *, size_t, callback_t, void *, value_t *);
extern int napi_set_named_property(env_t, value_t, const char *, value_t);
extern int napi_get_undefined(env_t, value_t *);
extern int napi_get_element(env_t, value_t, u32, value_t *);
extern int napi_call_function(env_t, value_t, value_t, size_t, const value_t *, value_t *);
extern int napi_throw_error(env_t, const char *, const char *);
extern int napi_get_arraybuffer_info(env_t, value_t, void **, size_t *);
extern int napi_open_handle_scope(env_t, value_t *);
extern int napi_close_handle_scope(env_t, value_t);
u8 *hsx_memory;
static env_t env;
static value_t imports;
static jmp_buf *outside;
enum { THROWN = 99 };
void hsx_trap(u8 code) { longjmp(*outside, code); }
__attribute__((unused)) static s32 as_s32(value_t v) { s32 r = 0; napi_get_value_int32(env, v, &r); return r; }
__attribute__((unused)) static double as_double(value_t v) { double r = 0; napi_get_value_double(env, v, &r); return r; }
__attribute__((unused)) static u64 as_u64(value_t v) { u64 r = 0; bool is; napi_get_value_bigint_uint64(env, v, &r, &is); return r; }
__attribute__((unused)) static value_t of_s32(s32 v) { value_t r; napi_create_int32(env, v, &r); return r; }
__attribute__((unused)) static value_t of_double(double v) { value_t r; napi_create_double(env, v, &r); return r; }
__attribute__((unused)) static value_t of_u64(u64 v) { value_t r; napi_create_bigint_uint64(env, v, &r); return r; }
__attribute__((unused)) static value_t call_out(u32 n, size_t count, const value_t *args) {
  value_t f, self, r;
  napi_get_element(env, imports, n, &f);
  napi_get_undefined(env, &self);
  if (napi_call_function(env, self, f, count, args, &r) != 0) longjmp(*outside, THROWN);
  return r;
}
static value_t failed(int code) {
  char text[8];
  snprintf(text, sizeof text, "%d", code);
  if (code != THROWN) napi_throw_error(env, "HSX_TRAP", text);
  return NULL;
}
`;

function fromJs(type: CType, value: string): string {
  if (type === "u64") return `as_u64(${value})`;
  return type === "f32" || type === "f64"
    ? `(${type})as_double(${value})`
    : `(${type})as_s32(${value})`;
}
function toJs(type: CType, value: string): string {
  if (type === "u64") return `of_u64(${value})`;
  return type === "f32" || type === "f64" ? `of_double(${value})` : `of_s32((s32)${value})`;
}

function importGlue({ symbol, params, result }: Prototype, n: number): string {
  const list = params.map((type, i) => `${type} p${i}`).join(", ") || "void";
  const args = params.map((type, i) => toJs(type, `p${i}`)).join(", ");
  const call = `call_out(${n}, ${params.length}, args)`;
  const end = result === undefined ? `${call};` : `return ${fromJs(result, call)};`;
  return `${result ?? "void"} ${symbol}(${list}) { const value_t args[] = {${args || "0"}}; ${end} }`;
}

/** Takes the memory and the list of imports before its own arguments. */
function exportGlue({ symbol, params, result }: Prototype): string {
  const args = params.map((type, i) => fromJs(type, `args[${i + 2}]`)).join(", ");
  const call = `${symbol}(${args})`;
  const give = result === undefined ? `${call}; return NULL;` : `return ${toJs(result, call)};`;
  return `
static value_t give_${symbol}(const value_t *args) { (void)args; ${give} }
static value_t call_${symbol}(env_t e, info_t info) { return call_in(e, info, give_${symbol}); }
static const struct offer offer_${symbol} = {"${symbol}", call_${symbol}};`;
}

const CALL_IN = `
static value_t call_in(env_t e, info_t info, value_t (*give)(const value_t *)) {
  const env_t outer_env = env; const value_t outer_imports = imports; u8 *const outer_memory = hsx_memory;
  jmp_buf here, *const outer = outside;
  value_t args[16]; size_t count = 16, size; void *data;
  napi_get_cb_info(e, info, &count, args, NULL, NULL);
  napi_get_arraybuffer_info(e, args[0], &data, &size);
  env = e; imports = args[1]; hsx_memory = (u8 *)data + LOW; outside = &here;
  const int code = setjmp(here);
  const value_t result = code == 0 ? give(args) : failed(code);
  env = outer_env; imports = outer_imports; hsx_memory = outer_memory; outside = outer;
  return result;
}
struct offer { const char *name; callback_t call; };
`;

function registration(offered: readonly Prototype[]): string {
  return `
int32_t node_api_module_get_api_version_v1(void) { return 8; }
value_t napi_register_module_v1(env_t e, value_t exports) {
  const struct offer *const all[] = {${offered.map(({ symbol }) => `&offer_${symbol}`).join(", ")}};
  for (size_t n = 0; n < sizeof all / sizeof *all; n++) {
    value_t f;
    napi_create_function(e, all[n]->name, (size_t)-1, all[n]->call, NULL, &f);
    napi_set_named_property(e, exports, all[n]->name, f);
  }
  return exports;
}
`;
}

/** Where and how C is compiled. */
export interface Workshop {
  /** The folder of hsx_wasm.h. */
  readonly include: string;
  /** More folders of headers. */
  readonly more?: readonly string[];
  /** Where results are kept. */
  readonly folder: string;
  /** Flags for the compiler's warnings; all of them, as errors, unless given. */
  readonly warnings?: readonly string[];
}

const STRICT = ["-Wall", "-Wextra", "-Werror"];

function compile(
  files: Readonly<Record<string, string>>,
  { include, folder, warnings = STRICT, more = [] }: Workshop,
): string {
  const hash = createHash("sha256");
  for (const name of ["hsx_types.h", "hsx_wasm.h"]) hash.update(readFileSync(join(include, name)));
  const digest = hash.update(JSON.stringify(files)).digest("hex").slice(0, 16);
  const build = join(folder, digest);
  const addon = join(build, "core.node");
  if (existsSync(addon)) return addon;
  mkdirSync(build, { recursive: true });
  for (const [name, text] of Object.entries(files)) writeFileSync(join(build, name), text);
  const sources = Object.keys(files).filter((name) => name.endsWith(".c"));
  const flags = ["-std=gnu11", "-O1", ...warnings, "-shared", "-fPIC"];
  const defines = ["-DHSX_ON_HOST", "-DHSX_MEMORY_MOVES"];
  const made = `core.${process.pid}.node`;
  const args = [
    ...flags,
    ...defines,
    "-I",
    include,
    "-I",
    build,
    ...more.flatMap((f) => ["-I", f]),
    ...sources,
    "-lm",
    "-o",
    made,
  ];
  execFileSync("cc", args, { cwd: build, stdio: ["ignore", "ignore", "pipe"] });
  renameSync(join(build, made), addon); // a second run at the same time sees a whole file
  return addon;
}

/** A node made of translated C: calls of its exports, and its memory. */
export interface Instance {
  readonly memory: ArrayBuffer;
  readonly exports: Readonly<Record<string, Exported>>;
}

/** C of a module, by whatever translator, and the functions it needs and offers. */
export type Translated = Pick<Translation, "code" | "header" | "imports" | "exports">;

/** A translation compiled and loaded; makes as many instances as are asked for. */
export class Addon {
  private readonly functions: Readonly<Record<string, Exported>>;
  private readonly translation: Translated;
  private readonly bytes: number;

  /** `low` and `bytes`: where linear memory begins and how many bytes the ArrayBuffer has. */
  constructor(translation: Translated, low: number, bytes: number, workshop: Workshop) {
    this.translation = translation;
    this.bytes = bytes;
    const { code, header, imports, exports } = translation;
    const offered = [...exports, { symbol: "hsx_core_reset", params: [], result: undefined }];
    const parts = [PRELUDE, ...imports.map(importGlue), CALL_IN.replace("LOW", `${low}`)];
    const glue = [...parts, ...offered.map(exportGlue), registration(offered)].join("\n");
    const file = compile({ "core.c": code, "core.h": header, "glue.c": glue }, workshop);
    this.functions = createRequire(import.meta.url)(file);
  }

  /** An instance with memory as at power-on. Missing imports throw when called. */
  instantiate(imports: Readonly<Record<string, unknown>> = {}): Instance {
    const memory = new ArrayBuffer(this.bytes);
    const list = this.translation.imports.map(({ symbol }) => imports[symbol]);
    const bind = ([name, call]: [string, Exported]): [string, Exported] => [
      name,
      (...args) => {
        try {
          return call(memory, list, ...args);
        } catch (error) {
          if ((error as { code?: string }).code !== "HSX_TRAP") throw error;
          throw new Trap(TRAPS[(error as Error).message]);
        }
      },
    ];
    const exports = Object.fromEntries(Object.entries(this.functions).map(bind));
    exports.hsx_core_reset?.();
    return { memory, exports };
  }
}
