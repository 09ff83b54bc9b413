// bench.toml: a bus with its nodes, what is stored on them, and what goes wrong; read with checks. docs/bus.md.

import type { Diagnostic, Position } from "./diagnostic.ts";
import { parseNumberSet } from "./number-set.ts";
import { kindText, parseToml, type TomlMember, type TomlTable } from "./toml.ts";
import { TomlNodeReader } from "./toml-node-reader.ts";
import type { PlacedText } from "./toml-reader.ts";

export const NODE_KINDS = ["small", "large", "desktop", "avr", "stm32f072"] as const;
export type NodeKind = (typeof NODE_KINDS)[number];

/** kbit/s that protocol and drivers know. */
export const BIT_RATES = [10, 20, 50, 100, 125, 250, 500, 1000] as const;

/** One node of a bench. Nodes are numbered from 1 in the order of the file. */
export interface BenchNodeSpec {
  readonly number: number;
  readonly kind: NodeKind;
  /** Configured id; 0: none, or what its file says. */
  readonly id: number;
  readonly role: number;
  /** Undefined: the simulation gives one, unlike all others. */
  readonly uid: Uint8Array | undefined;
  /** Bytes of its FRAM. */
  readonly fram: number;
  /** File that holds what its FRAM holds at first; undefined: it is formatted. */
  readonly file: PlacedText | undefined;
  readonly slots: { readonly count: number; readonly bytes: number } | undefined;
  /** Files of images in its slots, started at power-on. */
  readonly apps: readonly PlacedText[];
  /** Its crystal deviates by so many parts per million at most; the seed says by how many. */
  readonly crystal_ppm: number;
  /** Frames its driver keeps for the core; of a core in Node only. */
  readonly ring: number;
  /** What its power waits for. */
  readonly on_ms: number;
}

/** What goes wrong. `nodes`: numbers on the bench. Times are from the beginning; `to_ms` may be infinite. */
export type BenchFault = {
  readonly nodes: ReadonlySet<number>;
  readonly from_ms: number;
  readonly to_ms: number;
} & (
  | { readonly kind: "loss"; readonly probability: number; readonly burst: number }
  | { readonly kind: "errors"; readonly probability: number }
  | { readonly kind: "babble"; readonly id: number }
  | { readonly kind: "cut" }
  | { readonly kind: "power" }
);

export interface Bench {
  readonly bitRate: number;
  readonly seed: number;
  /** Milliseconds a frame takes between the bus and a client of the bench, from and to. */
  readonly latency_ms: readonly [number, number];
  readonly nodes: readonly BenchNodeSpec[];
  readonly faults: readonly BenchFault[];
}

const NODES_MAX = 250;
const IDS_MAX = 127;
export const FRAM_SIZES = [8192, 131072, 262144] as const;
const MEMBERS = ["bit_rate", "seed", "latency", "nodes", "faults"];
const NODE_MEMBERS = [
  "count",
  "kind",
  "id",
  "uid",
  "role",
  "fram",
  "file",
  "slots",
  "apps",
  "crystal",
  "ring",
  "on",
];
const FAULT_KINDS = ["loss", "errors", "babble", "cut", "power"] as const;
const FAULT_MEMBERS = ["kind", "nodes", "from", "to", "probability", "burst", "id"];
const TIME_MAX_MS = 86_400_000;

/** Reads a file. */
export function readBench(
  text: string,
  file: string,
): { bench?: Bench; diagnostics: readonly Diagnostic[] } {
  const { root, diagnostics } = parseToml(text, file);
  if (root === undefined) return { diagnostics };
  const reader = new Reader();
  const bench = reader.read(root);
  if (reader.diagnostics.length > 0) return { diagnostics: reader.diagnostics };
  return { bench, diagnostics: [] };
}

class Reader extends TomlNodeReader {
  private readonly nodes: (BenchNodeSpec & { id: number })[] = [];
  /** Nodes of which the file says no id. */
  private readonly unnamed: { id: number }[] = [];
  private readonly ids = new Map<number, Position>();

  read(root: TomlTable): Bench {
    let bitRate = 500;
    let seed = 1;
    let latency_ms: readonly [number, number] = [0, 0];
    let faults: TomlMember | undefined;
    for (const member of root.members) {
      if (member.key === "bit_rate") bitRate = this.bitRate(member);
      else if (member.key === "seed") seed = this.integer(member, 0, 0xffffffff);
      else if (member.key === "latency") latency_ms = this.latency(member);
      else if (member.key === "nodes")
        for (const table of this.tablesOf(member, "kind of node")) this.readNodes(table);
      else if (member.key === "faults") faults = member;
      else this.unknown(member, MEMBERS);
    }
    if (this.nodes.length === 0 && this.diagnostics.length === 0)
      this.wrong(
        root.place,
        "no-nodes",
        "this bench has no nodes",
        'add [[nodes]] with kind = "small"',
      );
    this.giveIds();
    // behind the nodes, wherever they stand: faults name them
    const tables = faults === undefined ? [] : this.tablesOf(faults, "fault");
    return {
      bitRate,
      seed,
      latency_ms,
      nodes: this.nodes,
      faults: tables.map((table) => this.readFault(table)),
    };
  }

  private bitRate(member: TomlMember): number {
    const rate = this.integer(member, 1, 1000);
    if ((BIT_RATES as readonly number[]).includes(rate)) return rate;
    const message = `${rate} kbit/s is no bit rate of a node`;
    this.wrong(member.value.place, "bad-number", message, `there are ${BIT_RATES.join(", ")}`);
    return 500;
  }

  /** `latency = 3` or `latency = [2, 10]`. */
  private latency(member: TomlMember): readonly [number, number] {
    const { key, value, place } = member;
    if (value.kind !== "array") {
      const ms = this.number(member, 0, 1000);
      return [ms, ms];
    }
    const [from, to] = value.items.map((item) => this.number({ key, place, value: item }, 0, 1000));
    if (from !== undefined && to !== undefined && value.items.length === 2 && from <= to)
      return [from, to];
    this.wrong(value.place, "bad-range", "latency is from and to, in ms", "write [2, 10]");
    return [0, 0];
  }

  // ---- Nodes ----

  private readNodes(table: TomlTable): void {
    const node = {
      kind: "small" as NodeKind,
      role: 0,
      fram: 131072,
      file: undefined as PlacedText | undefined,
      slots: undefined as BenchNodeSpec["slots"],
      apps: [] as readonly PlacedText[],
      crystal_ppm: 0,
      ring: 16,
      on_ms: 0,
    };
    let count = 1;
    let id: { first: number; place: Position } | undefined;
    let uid: Uint8Array | undefined;
    for (const item of table.members) {
      if (item.key === "count") count = this.integer(item, 1, NODES_MAX);
      else if (item.key === "kind") node.kind = this.word(item, NODE_KINDS);
      else if (item.key === "id")
        id = { first: this.integer(item, 0, IDS_MAX), place: item.value.place };
      else if (item.key === "uid") uid = this.uid(item);
      else if (item.key === "role") node.role = this.integer(item, 0, 255);
      else if (item.key === "fram") node.fram = this.fram(item);
      else if (item.key === "file") node.file = this.text(item);
      else if (item.key === "slots") node.slots = this.slots(item);
      else if (item.key === "apps") node.apps = this.apps(item);
      else if (item.key === "crystal") node.crystal_ppm = this.number(item, 0, 5000);
      else if (item.key === "ring") node.ring = this.integer(item, 1, 1024);
      else if (item.key === "on") node.on_ms = this.number(item, 0, TIME_MAX_MS);
      else this.unknown(item, NODE_MEMBERS);
    }
    if (node.apps.length > 0 && node.slots === undefined && node.file === undefined)
      this.wrong(
        table.place,
        "no-slots",
        "apps need slots to lie in",
        "add slots = { count = 3, bytes = 8192 }",
      );
    for (let n = 0; n < count; n++) this.addNode(node, n, id, uid);
  }

  private addNode(
    node: Omit<BenchNodeSpec, "number" | "id" | "uid">,
    n: number,
    first: { first: number; place: Position } | undefined,
    uid: Uint8Array | undefined,
  ): void {
    const id = first === undefined || first.first === 0 ? 0 : first.first + n;
    if (first !== undefined && id > 0) this.takeId(id, first.place);
    const number = this.nodes.length + 1;
    const made = { ...node, number, id, uid: uid && countedUp(uid, n) };
    this.nodes.push(made);
    if (first === undefined && node.file === undefined) this.unnamed.push(made);
  }
  /** The lowest ids that are free, as long as there are any. */
  private giveIds(): void {
    let id = 1;
    for (const node of this.unnamed) {
      while (this.ids.has(id)) id++;
      if (id <= IDS_MAX) node.id = id++;
    }
  }
  private takeId(id: number, place: Position): void {
    const other = this.ids.get(id);
    if (id > IDS_MAX)
      this.wrong(place, "bad-id", `${id} is beyond ${IDS_MAX}, the last id`, "begin lower");
    else if (other !== undefined) {
      const message = `id ${id} is taken by the nodes of line ${other.line}`;
      this.wrong(place, "duplicate-id", message, "choose another; nodes without id are given one");
    } else this.ids.set(id, place);
  }

  private fram(member: TomlMember): number {
    const bytes = this.integer(member, FRAM_SIZES[0], FRAM_SIZES[FRAM_SIZES.length - 1] as number);
    if ((FRAM_SIZES as readonly number[]).includes(bytes)) return bytes;
    const message = `there is no FRAM of ${bytes} bytes`;
    this.wrong(member.value.place, "bad-number", message, `there are ${FRAM_SIZES.join(", ")}`);
    return FRAM_SIZES[0];
  }
  private slots(member: TomlMember): BenchNodeSpec["slots"] {
    const slots = { count: 0, bytes: 0 };
    for (const item of this.tableOf(member)?.members ?? []) {
      if (item.key === "count") slots.count = this.integer(item, 1, 14);
      else if (item.key === "bytes") slots.bytes = this.integer(item, 256, 0xfff00);
      else this.unknown(item, ["count", "bytes"]);
    }
    if (slots.count > 0 && slots.bytes > 0) return slots;
    this.wrong(
      member.place,
      "bad-slots",
      "how many slots of what size?",
      "write { count = 3, bytes = 8192 }",
    );
    return undefined;
  }
  private apps({ key, place, value }: TomlMember): readonly PlacedText[] {
    if (value.kind === "array") {
      const texts = value.items.map((item) => this.text({ key, place, value: item }));
      return texts.filter((text) => text !== undefined);
    }
    const message = `apps is ${kindText(value)}; it is an array of files`;
    this.wrong(value.place, "bad-array", message, 'write ["pump.hxe"]');
    return [];
  }

  // ---- Faults ----

  private readFault(table: TomlTable): BenchFault {
    let kind: (typeof FAULT_KINDS)[number] | undefined;
    let nodes: ReadonlySet<number> = new Set(this.nodes.map(({ number }) => number));
    const fault = { from_ms: 0, to_ms: Number.POSITIVE_INFINITY, probability: 0, burst: 1, id: 0 };
    for (const item of table.members) {
      if (item.key === "kind") kind = this.word(item, FAULT_KINDS);
      else if (item.key === "nodes") nodes = this.nodeSet(item);
      else if (item.key === "from") fault.from_ms = this.number(item, 0, TIME_MAX_MS);
      else if (item.key === "to") fault.to_ms = this.number(item, 0, TIME_MAX_MS);
      else if (item.key === "probability") fault.probability = this.number(item, 0, 1);
      else if (item.key === "burst") fault.burst = this.integer(item, 1, 1000);
      else if (item.key === "id") fault.id = this.integer(item, 0, 0x7ff);
      else this.unknown(item, FAULT_MEMBERS);
    }
    if (kind === undefined)
      this.wrong(
        table.place,
        "no-kind",
        "what is this fault?",
        `add kind = "loss"; there are ${FAULT_KINDS.join(", ")}`,
      );
    if (fault.to_ms <= fault.from_ms)
      this.wrong(
        table.place,
        "bad-range",
        "this fault ends before it begins",
        "let `to` be greater than `from`",
      );
    return { kind: kind ?? "loss", nodes, ...fault };
  }
  private nodeSet(member: TomlMember): ReadonlySet<number> {
    const read = this.text(member);
    if (read === undefined) return new Set();
    const set = parseNumberSet(read.text, 1, Math.max(1, this.nodes.length));
    if ("numbers" in set) return set.numbers;
    this.wrong(
      read.place,
      "bad-set",
      set.message,
      'write for example "1-4,7"; nodes count from 1 in the order of this file',
    );
    return new Set();
  }
}

/** The uid `n` further on, as a big-endian number. */
function countedUp(uid: Uint8Array, n: number): Uint8Array {
  const counted = uid.slice();
  let carry = n;
  for (let at = counted.length - 1; at >= 0 && carry > 0; at--) {
    carry += counted[at] as number;
    counted[at] = carry & 0xff;
    carry >>= 8;
  }
  return counted;
}
