// `npm run size`: bytes of each profile's module, its memory map, region by region, and what the core takes of an AVR.

import { existsSync, readFileSync } from "node:fs";
import { SMALL_STATE_LIMIT } from "../assembly/spec/limits.ts";
import { hex } from "../host/formats/text.ts";
import { hasAvrTools } from "./avr-build.ts";
import { buildCore } from "./build-core.ts";
import { PROFILES, type Profile } from "./core.ts";
import { goldenFile, readCore, tableRange } from "./describe-core.ts";
import { type Figure, report } from "./figures.ts";
import { constant, type MemoryMap, readMemoryMap } from "./memory-map.ts";
import { fromRoot } from "./root.ts";
import { avrFigures } from "./size-avr.ts";
import type { WasmModule } from "./wasm-module.ts";

const WASM_PAGE = 65536;
/** AVR: what the arena has when the core's state takes all it may. */
const SMALL_ARENA_MIN = 9472;
/** AVR and Cortex-M0: the translator puts tables into flash, addressed as 0x8000..0xFFFF. */
const SMALL_TABLES = { base: 0x8000, end: 0x10000 };

function isSmallProfile({ name }: Profile): boolean {
  return name === "small" || name === "small-flash";
}
const address = (at: number) => hex(at, 4);

/** What `npm run gen` wrote down last, so that a change is seen as one. */
function goldenNote(profile: Profile, bytes: number): string {
  const file = fromRoot(goldenFile(profile));
  const golden = existsSync(file) ? /^module (\d+)/m.exec(readFileSync(file, "utf8")) : null;
  if (golden === null) return "no golden file: npm run gen";
  const change = bytes - Number(golden[1]);
  return change === 0 ? "as golden" : `${change > 0 ? "+" : ""}${change} to golden ${golden[1]}`;
}

function stateFigures(profile: Profile, map: MemoryMap): Figure[] {
  const isSmall = isSmallProfile(profile);
  const arena = constant(map, "ARENA_BASE");
  const end = constant(map, "RAM_END");
  return [
    {
      id: `${profile.name}.state`,
      value: arena - constant(map, "STATIC_BASE"),
      unit: "B",
      ...(isSmall && { must: `<= ${SMALL_STATE_LIMIT}` }),
      note: "from STATIC_BASE to the arena",
    },
    {
      id: `${profile.name}.arena`,
      value: end - arena,
      unit: "B",
      ...(isSmall && { must: `>= ${SMALL_ARENA_MIN}` }),
      note: `${address(arena)}..${address(end - 1)}`,
    },
    {
      id: `${profile.name}.ram_end`,
      value: end,
      unit: "address",
      must: `<= ${constant(map, "RAM_LIMIT")}`,
      note: address(end),
    },
  ];
}

function tableFigures(profile: Profile, core: WasmModule): Figure[] {
  const { base, end } = tableRange(profile, core);
  const limits = isSmallProfile(profile)
    ? SMALL_TABLES
    : { base: profile.memoryBase, end: profile.maximumMemory * WASM_PAGE };
  const bytes = core.data.reduce((sum, { size }) => sum + size, 0);
  const id = `${profile.name}.tables`;
  return [
    { id, value: bytes, unit: "B", note: "constant tables" },
    {
      id: `${id}.base`,
      value: base,
      unit: "address",
      must: `>= ${limits.base}`,
      note: address(base),
    },
    { id: `${id}.end`, value: end, unit: "address", must: `<= ${limits.end}`, note: address(end) },
  ];
}

/** What a room of persistence takes, whose files are `files`: function by function, as the module's text names them. */
function codeOf(profile: Profile, core: WasmModule, files: RegExp): number {
  const text = readFileSync(fromRoot(profile.textFile), "utf8");
  const names = Array.from(text.matchAll(/^ \(func \$(\S+)/gm), ([, name]) => name ?? "");
  if (names.length !== core.code.length) throw new Error("the text is of another module");
  return core.code.reduce((sum, size, n) => sum + (files.test(names[n] ?? "") ? size : 0), 0);
}
/** What persistence consists of, and what each part is good for. What asc inlines counts where it went. */
const PARTS = [
  {
    room: "persist/(record)",
    id: "cells",
    isStore: true,
    note: "CRC, types, dead markers: 5 changed bits and old epochs are found",
  },
  {
    room: "persist/(mount)",
    id: "mount",
    isStore: true,
    note: "which superblock holds, what is live, damaged, unfinished; one changed bit of a node's word mended",
  },
  {
    room: "persist/(look)",
    id: "search",
    isStore: true,
    note: "puts right what a cut left, and bits that flicker, before a value is told",
  },
  {
    room: "persist/(commit|medium)",
    id: "commit",
    isStore: true,
    note: "disarm, erase, program, read back, another cell; what a cell is",
  },
  {
    room: "persist/(store)",
    id: "places",
    isStore: true,
    note: "the map of free cells and the even choice among them",
  },
  {
    room: "persist/(pool)",
    id: "jobs",
    isStore: true,
    note: "find, write, delete, reset, format; the pace of a medium",
  },
  {
    room: "persist/(blob|log)",
    id: "flash",
    isStore: true,
    note: "blobs and pages: left out of this profile",
  },
  { room: "persist/(words)", id: "words", isStore: false, note: "the node's own words" },
  { room: "persist/(wear)", id: "wear", isStore: false, note: "uses counted and limited" },
  {
    room: "registry/(saver|saver-state)",
    id: "saving",
    isStore: false,
    note: "debounce, budget, meaning, merging of shadows, failing supply",
  },
  {
    room: "registry/(pass|restore)",
    id: "restoring",
    isStore: false,
    note: "all values in one reading; kept, clamped, dropped, stale",
  },
  { room: "registry/(shadow)", id: "trial", isStore: false, note: "what an image on trial saves" },
  {
    room: "provision/(activate|record|job)",
    id: "activation",
    isStore: false,
    note: "slots and activation records",
  },
  {
    room: "provision/(boot)",
    id: "boot",
    isStore: false,
    note: "boot list, trial countdown, roll-back, confirmation by time",
  },
  {
    room: "provision/(node-config)",
    id: "configuration",
    isStore: false,
    note: "two copies and one record",
  },
] as const;

function persistenceFigures(profile: Profile, core: WasmModule): Figure[] {
  if (profile.name !== "small") return [];
  const parts = PARTS.map((part) => {
    return { ...part, value: codeOf(profile, core, new RegExp(`^assembly/${part.room}/`)) };
  });
  const sum = (list: typeof parts) => list.reduce((bytes, { value }) => bytes + value, 0);
  return [
    ...parts.map(({ id, value, note }) => ({
      id: `small.persistence.${id}`,
      value,
      unit: "B",
      note,
    })),
    {
      id: "small.persistence.store",
      value: sum(parts.filter(({ isStore }) => isStore)),
      unit: "B",
      must: "<= 3000",
      note: "the store alone, cells to jobs",
    },
    {
      id: "small.persistence",
      value: sum(parts),
      unit: "B",
      must: "<= 6000",
      note: "all parts; activation, boot list and configuration among them",
    },
  ];
}

async function profileFigures(profile: Profile): Promise<Figure[]> {
  const core = readCore(profile);
  const map = await readMemoryMap(profile);
  const isTwin = profile.name === "small-flash"; // its map is that of small
  const regions = isTwin ? [] : map.regions.filter(({ name }) => name !== "arena");
  return [
    {
      id: `${profile.name}.wasm`,
      value: core.size,
      unit: "B",
      note: goldenNote(profile, core.size),
    },
    ...regions.map(({ name, base, size }) => ({
      id: `${profile.name}.region.${name}`,
      value: size,
      unit: "B",
      note: size === 0 ? "none" : `${address(base)}..${address(base + size - 1)}`,
    })),
    ...stateFigures(profile, map),
    ...persistenceFigures(profile, core),
    ...tableFigures(profile, core),
  ];
}

if (!(await buildCore())) process.exit(1);
const figures: Figure[] = [];
for (const profile of PROFILES) figures.push(...(await profileFigures(profile)));
const avr = hasAvrTools() ? avrFigures() : undefined;
report({ command: "size", figures: [...figures, ...(avr?.figures ?? [])] });
if (avr !== undefined && !process.argv.includes("--json"))
  process.stdout.write(`largest functions on AVR\n${avr.functions}\n`);
