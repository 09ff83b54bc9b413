// Benches for tests and figures: nodes by number and kind, what they lose, and a master with its adapter.

import { readFileSync } from "node:fs";
import { crc32 } from "node:zlib";
import { Bench, type BenchSources } from "../../host/client/bench/bench.ts";
import { BenchClients } from "../../host/client/bench/sim-transport.ts";
import { BusMaster } from "../../host/client/bus/master.ts";
import type { BenchNodeSpec, Bench as BenchSpec, NodeKind } from "../../host/formats/bench.ts";
import { guestOf } from "./guest.ts";

export interface BusBenchOptions {
  readonly kinds: readonly NodeKind[];
  /** Part of the frames that each node loses, control frames too. */
  readonly loss?: number;
  /** When they begin to. */
  readonly lossFrom_ms?: number;
  readonly seed?: number;
  /** Least and most time of a frame between bus and host. */
  readonly latency_ms?: readonly [number, number];
  /** kbit/s. */
  readonly bitRate?: number;
  readonly slots?: BenchNodeSpec["slots"];
  /** Configured ids, 0: none; default: 1 and up. */
  readonly ids?: readonly number[];
  /** The unique id of all nodes: AVR boards with twelve bytes 0xFF draw one; default: one each. */
  readonly uid?: Uint8Array;
  /** Folder of the firmware of its boards, which are of one kind; default: where `npm run build:…` leaves it. */
  readonly firmware?: string;
  /** Sees the bench before any time has passed. */
  readonly prepare?: (bench: Bench) => void;
  /** What the FRAM of each node holds at first; without: a store, slots and its id. */
  readonly media?: readonly Uint8Array[];
  /** Bytes of each FRAM; those of boards are parts that exist. */
  readonly fram?: number;
}

export interface BusBench {
  readonly bench: Bench;
  readonly clients: BenchClients;
  readonly master: BusMaster;
}

const FRAM_BYTES = 131_072;
const NOWHERE = { file: "media", line: 1, column: 1 };
const CRYSTAL_PPM = 50;
/** Nodes have mounted their stores by then, and told who they are; an AVR takes 0.7 s. */
const START_US = 800_000;
const START_MOST_US = 5_000_000;

function specOf(options: BusBenchOptions): BenchSpec {
  const { kinds, loss = 0, lossFrom_ms = 0, seed = 1, bitRate = 500, slots } = options;
  const { latency_ms = [0, 0], fram = FRAM_BYTES, media, ids, uid } = options;
  const nodes = kinds.map((kind, n) => ({
    number: n + 1,
    kind,
    id: ids?.[n] ?? n + 1,
    role: 0,
    uid,
    fram,
    file: media && { text: String(n), place: NOWHERE },
    slots,
    apps: [],
    crystal_ppm: CRYSTAL_PPM,
    ring: 64,
    on_ms: 0,
  }));
  const always = { from_ms: lossFrom_ms, to_ms: Number.POSITIVE_INFINITY };
  const all = new Set(nodes.map(({ number }) => number));
  const faults =
    loss === 0
      ? []
      : [{ kind: "loss" as const, nodes: all, ...always, probability: loss, burst: 1 }];
  return { bitRate, seed, latency_ms, nodes, faults };
}

const modules = new Map<string, Promise<WebAssembly.Module>>();
const root = new URL("../../build/", import.meta.url).pathname;
const FIRMWARE_FOLDERS = { avr: "avr", stm32f072: "stm32/stm32f072" } as const;

function firmwareIn(folder: string): ReturnType<BenchSources["firmware"]> {
  const core = JSON.parse(readFileSync(`${folder}/core.json`, "utf8"));
  return { elf: readFileSync(`${folder}/hsx.elf`), core };
}

function coreBytes(profile: string): Uint8Array<ArrayBuffer> {
  const file = `${process.env.HSX_CORE ?? `${root}core`}/${profile}.wasm`;
  return new Uint8Array(readFileSync(file));
}

/** What this clone has built. */
export const SOURCES: BenchSources = {
  core(profile) {
    const known = modules.get(profile);
    if (known !== undefined) return known;
    const compiled = WebAssembly.compile(coreBytes(profile));
    modules.set(profile, compiled);
    return compiled;
  },
  coreHash: (profile) => crc32(coreBytes(profile)) & 0xffff,
  firmware(board) {
    return firmwareIn(root + FIRMWARE_FOLDERS[board]);
  },
  read: (name) => readFileSync(name),
};

/** A bench whose nodes have had time to start, with a master in slot 0. */
export async function startBusBench(options: BusBenchOptions): Promise<BusBench> {
  const { media, firmware: folder } = options;
  const firmware = folder === undefined ? SOURCES.firmware : () => firmwareIn(folder);
  const read = (name: string) => media?.[Number(name)] ?? SOURCES.read(name);
  const bench = await Bench.create(specOf(options), { ...SOURCES, firmware, read });
  options.prepare?.(bench);
  const clients = new BenchClients(bench);
  const master = await BusMaster.open(clients.client(), { slot: 0 });
  await master.link.sleep(START_US);
  return { bench, clients, master };
}
/** The same when all of them have been heard. */
export async function openBusBench(options: BusBenchOptions): Promise<BusBench> {
  const bus = await startBusBench(options);
  const { bench, master } = bus;
  while ((await master.census()).length < options.kinds.length && bench.now_us < START_MOST_US)
    await master.link.sleep(START_US);
  return bus;
}

/** As many of a kind. */
export function kindsOf(kind: NodeKind, count: number): NodeKind[] {
  return Array<NodeKind>(count).fill(kind);
}

/** Ids 1 to `count`. */
export function idsOf(count: number): number[] {
  return Array.from({ length: count }, (_, n) => n + 1);
}

/** An app that sleeps, of so many bytes: behind its loop stand words that never run. */
export function bulkImage(bytes: number, seed = 1): Uint8Array {
  const make = (words: number) => {
    let state = seed;
    const lines = Array.from({ length: words }, () => {
      state = (Math.imul(state, 1_103_515_245) + 12_345) >>> 0; // of ISO C's rand()
      return `LDI R${(state >>> 4) % 12}, ${(state >>> 12) % 2000}`;
    });
    return guestOf(
      `.app "bulk"\n.entry start\nstart:\nLDI R0, 1000\nSVC 0x600\nJMP start\n${lines.join("\n")}`,
    ).image;
  };
  const least = make(0).length;
  const image = make((bytes - least) / 4);
  if (image.length !== bytes) throw new Error(`no image has ${bytes} bytes`);
  return image;
}
