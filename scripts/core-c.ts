// The core in C, with the names and lines of its source: compiled once more for them, then translated.

import { execFileSync } from "node:child_process";
import { existsSync, mkdirSync, readFileSync } from "node:fs";
import { dirname } from "node:path";
import { crc32 } from "node:zlib";
import { type CoreProfile, coreOptions } from "../host/aot/core-options.ts";
import type { Target } from "../host/aot/options.ts";
import { type Translation, translateText } from "../host/aot/translate.ts";
import { coreInputs } from "./build-core.ts";
import { FOR_FLASH, flatTextWithLines } from "./flat-text.ts";
import { fromRoot, ROOT } from "./root.ts";
import { hashInputs, isStamped, writeStamp } from "./stamp.ts";

const ASC = "node_modules/assemblyscript/bin/asc.js";

/** The module of a profile with names, and its source map: the same code as the one that runs in Node. */
function buildNamed(profile: CoreProfile): string {
  const file = `build/core/${profile}-named.wasm`;
  const stamp = `build/core/${profile}-named.json`;
  const inputs = coreInputs();
  const hash = hashInputs(inputs);
  if (existsSync(fromRoot(file)) && isStamped(stamp, hash)) return fromRoot(file);
  mkdirSync(dirname(fromRoot(file)), { recursive: true });
  const args = ["--enable-source-maps", ASC, "--target", profile, "--outFile", file];
  args.push("--textFile", file.replace(/wasm$/, "wat"), "--debug", "--sourceMap");
  execFileSync(process.execPath, args, { cwd: ROOT, stdio: ["ignore", 2, 2] });
  writeStamp(stamp, inputs, hash);
  return fromRoot(file);
}

/** The core of a profile in C for a target; C of the same source is the same, byte for byte. */
export function translateCore(profile: CoreProfile, target: Target): Translation {
  const wasm = buildNamed(profile);
  const map = `${wasm}.map`;
  const text = flatTextWithLines(wasm, map, target === "avr" ? FOR_FLASH : []);
  const core = translateText(text, {
    ...coreOptions(profile, target),
    sourceMap: readFileSync(map, "utf8"),
  });
  return { ...core, header: core.header + hashLine(core.code) };
}

/** What a firmware says it is built from. */
function hashLine(code: string): string {
  return `\n#define HSX_CORE_HASH 0x${(crc32(code) & 0xffff).toString(16).padStart(4, "0")} // of core.c\n`;
}
