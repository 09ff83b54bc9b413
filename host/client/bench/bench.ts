// A bench: nodes on a modelled bus in one virtual time, with what goes wrong. The same seed gives the same run.

import { createHash } from "node:crypto";
import { Firmware as AvrFirmware } from "../../boards/avr/firmware.ts";
import { Firmware as Stm32Firmware } from "../../boards/stm32/firmware.ts";
import { Faults } from "../../bus/faults.ts";
import { CanPartner } from "../../bus/partner.ts";
import { Random } from "../../bus/random.ts";
import { Timeline } from "../../bus/timeline.ts";
import { CanWire, type Stub, type WireEvent } from "../../bus/wire.ts";
import type { BenchFault, BenchNodeSpec, Bench as BenchSpec } from "../../formats/bench.ts";
import { frameText } from "../../formats/candump.ts";
import type { BenchNode, Place } from "./bench-node.ts";
import { AvrNode, Stm32Node } from "./board-node.ts";
import { CoreNode } from "./core-node.ts";
import { configureMedia, makeMedia, type NamedImage } from "./media.ts";

/** Profiles of cores in this process. */
export type CoreKind = "small" | "large" | "desktop";

/** Where a bench gets what its nodes are made of. */
export interface BenchSources {
  core(profile: CoreKind): Promise<WebAssembly.Module>;
  /** What nodes with this core tell of their firmware: 16 bits of a sum over it. */
  coreHash(profile: CoreKind): number;
  firmware(board: "avr" | "stm32f072"): {
    readonly elf: Uint8Array;
    readonly core: ConstructorParameters<typeof AvrFirmware>[1];
  };
  /** Bytes of a file that the bench names. Throws what says that it is missing. */
  read(name: string): Uint8Array;
}

/** A frame on the bus, or what became of it. */
export interface BusRecord {
  /** End of the frame, in microseconds since the bench began. */
  readonly time_us: number;
  readonly event: WireEvent;
}

const UID_BYTES = 12;
const MS = 1e6;

export class Bench {
  readonly timeline = new Timeline();
  readonly wire: CanWire;
  readonly nodes: readonly BenchNode[];
  /** Hears of each frame, good or destroyed. */
  onRecord: ((record: BusRecord) => void) | undefined;
  readonly random: Random;
  private readonly faults: Faults;
  private readonly hash = createHash("sha256");
  /** Wires of the nodes whose cable is cut, by node. */
  private readonly detours = new Map<BenchNode, CanWire>();

  private constructor(
    readonly spec: BenchSpec,
    make: (bench: Bench) => readonly BenchNode[],
  ) {
    this.random = new Random(spec.seed);
    this.faults = new Faults(new Random(this.random.word()));
    this.wire = this.newWire();
    this.wire.onEvent = (event) => this.record(event);
    this.nodes = make(this);
    for (const fault of spec.faults) this.prepare(fault);
    for (const node of this.nodes) {
      this.timeline.add(node);
      if (node.spec.on_ms === 0) node.powerOn();
      else this.at(node.spec.on_ms, () => node.powerOn());
    }
  }

  /** Makes the media of all nodes and switches on what is to be on at once. Throws NodeErrors about images. */
  static async create(spec: BenchSpec, sources: BenchSources): Promise<Bench> {
    const parts = await partsOf(spec, sources);
    return new Bench(spec, (bench) =>
      spec.nodes.map((node, n) => parts[n]?.(bench, node) as BenchNode),
    );
  }

  // ---- Nodes ----

  /** A node by its number, from 1. */
  node(number: number): BenchNode {
    const node = this.nodes[number - 1];
    if (node === undefined) throw new RangeError(`there is no node ${number}`);
    return node;
  }
  /** Where a node stands; its crystal is drawn by chance. */
  placeOf(spec: BenchNodeSpec): Place {
    const ppm = this.random.between(-spec.crystal_ppm, spec.crystal_ppm);
    const wire = () => this.detours.get(this.node(spec.number)) ?? this.wire;
    return { timeline: this.timeline, ppm, wire };
  }
  /** A controller for a client, of the bus's rate unless it says otherwise. */
  connect(bit_ns = this.wire.bit_ns): CanPartner {
    return new CanPartner(this.wire, bit_ns);
  }

  // ---- Time ----

  get now_us(): number {
    return this.timeline.now_ns / 1000;
  }
  /** Lets time pass, or ends earlier when `until` says so. */
  run_us(us: number, until?: () => boolean): void {
    this.timeline.runTo(this.timeline.now_ns + us * 1000, until);
  }
  private at(ms: number, call: () => void): void {
    this.timeline.clock.after(ms * MS - this.timeline.now_ns, call);
  }

  // ---- What happened ----

  private record(event: WireEvent): void {
    const time_us = this.timeline.now_ns / 1000;
    this.hash.update(`${time_us} ${frameText(event.frame)} ${event.isError ? "error" : ""}\n`);
    this.onRecord?.({ time_us, event });
  }
  /** Digest of every frame so far, each with its time: equal for equal runs. */
  get traceHash(): string {
    return this.hash.copy().digest("hex");
  }

  // ---- Faults ----

  private newWire(): CanWire {
    const wire = new CanWire(this.timeline.clock, 1e6 / this.spec.bitRate);
    wire.disturbance = this.faults;
    this.timeline.addWire(wire);
    return wire;
  }
  private nodesOf({ nodes }: BenchFault): BenchNode[] {
    return this.nodes.filter(({ spec }) => nodes.has(spec.number));
  }
  private isActive({ from_ms, to_ms }: BenchFault): boolean {
    const { now_ns } = this.timeline;
    return now_ns >= from_ms * MS && now_ns < to_ms * MS;
  }
  /** Has `begin` called when a fault begins, and `end` when it ends, if it does. */
  private during({ from_ms, to_ms }: BenchFault, begin: () => void, end: () => void): void {
    this.at(from_ms, begin);
    if (to_ms !== Number.POSITIVE_INFINITY) this.at(to_ms, end);
  }

  private prepare(fault: BenchFault): void {
    const nodes = this.nodesOf(fault);
    const applies = (stub: Stub) => this.isActive(fault) && nodes.some((n) => n.stub === stub);
    if (fault.kind === "loss") this.faults.losses.push({ ...fault, applies });
    else if (fault.kind === "errors") this.faults.bitErrors.push({ ...fault, applies });
    else if (fault.kind === "babble") this.addBabbler(fault);
    else if (fault.kind === "cut") this.addCut(fault, nodes);
    else this.addPowerCut(fault, nodes);
  }
  private addPowerCut(fault: BenchFault, nodes: readonly BenchNode[]): void {
    const begin = () => {
      for (const node of nodes) node.powerOff();
    };
    const end = () => {
      for (const node of nodes) node.powerOn();
    };
    this.during(fault, begin, end);
  }

  /** Sends frames without a pause. */
  private addBabbler(fault: BenchFault & { readonly kind: "babble" }): void {
    const babbler = this.connect();
    const frame = { id: fault.id, data: new Uint8Array(8) };
    babbler.onHeard = () => {
      babbler.heard.length = 0;
    };
    babbler.source = () => (this.isActive(fault) ? frame : undefined);
    this.at(fault.from_ms, () => babbler.stub.wake());
  }

  /** Those nodes are on a wire of their own, with each other. */
  private addCut(fault: BenchFault, nodes: readonly BenchNode[]): void {
    const other = this.newWire();
    const begin = () => {
      for (const node of nodes) {
        this.detours.set(node, other);
        node.stub?.moveTo(other);
      }
    };
    const end = () => {
      for (const node of nodes) {
        this.detours.delete(node);
        node.stub?.moveTo(this.wire);
      }
    };
    this.during(fault, begin, end);
  }
}

// ---- Making nodes ----

type MakeNode = (bench: Bench, spec: BenchNodeSpec) => BenchNode;

/** An id of its own for each node that is given none. */
function uidOf({ uid, number }: BenchNodeSpec, random: Random): Uint8Array {
  if (uid !== undefined) return uid;
  const made = Uint8Array.from({ length: UID_BYTES }, () => random.below(256));
  made[UID_BYTES - 1] = number;
  return made;
}

async function mediaOf(
  spec: BenchSpec,
  node: BenchNodeSpec,
  sources: BenchSources,
  made: Map<string, Uint8Array<ArrayBuffer>>,
): Promise<Uint8Array<ArrayBuffer>> {
  if (node.file !== undefined) return Uint8Array.from(sources.read(node.file.text));
  const desktop = await sources.core("desktop");
  const key = JSON.stringify([node.fram, node.slots, node.apps.map(({ text }) => text)]);
  let first = made.get(key);
  if (first === undefined) {
    const images: NamedImage[] = node.apps.map(({ text }) => ({
      name: text,
      bytes: sources.read(text),
    }));
    first = await makeMedia(desktop, node, images);
    made.set(key, first);
  }
  const bytes = first.slice();
  if (node.id !== 0 || node.role !== 0)
    await configureMedia(desktop, bytes, { id: node.id, role: node.role, bitRate: spec.bitRate });
  return bytes;
}

/** What each node is made of, before any of them stands anywhere. */
async function partsOf(spec: BenchSpec, sources: BenchSources): Promise<MakeNode[]> {
  const made = new Map<string, Uint8Array<ArrayBuffer>>();
  const parts: MakeNode[] = [];
  const firmware = firmwareOf(sources);
  for (const node of spec.nodes) {
    const fram = await mediaOf(spec, node, sources, made);
    parts.push(await partOf(node, sources, firmware, fram));
  }
  return parts;
}

/** Firmware, read when a node first asks for it. */
function firmwareOf(sources: BenchSources) {
  let avr: AvrFirmware | undefined;
  let stm32: Stm32Firmware | undefined;
  return {
    avr() {
      const { elf, core } = sources.firmware("avr");
      avr ??= new AvrFirmware(elf, core);
      return avr;
    },
    stm32() {
      const { elf, core } = sources.firmware("stm32f072");
      stm32 ??= new Stm32Firmware(elf, core);
      return stm32;
    },
  };
}

async function partOf(
  node: BenchNodeSpec,
  sources: BenchSources,
  firmware: ReturnType<typeof firmwareOf>,
  fram: Uint8Array<ArrayBuffer>,
): Promise<MakeNode> {
  const { kind } = node;
  if (kind === "avr") {
    const program = firmware.avr();
    return (bench, spec) => {
      const uid = uidOf(spec, bench.random);
      return new AvrNode(spec, program, fram, uid, bench.placeOf(spec), bench.random.word());
    };
  }
  if (kind === "stm32f072") {
    const program = firmware.stm32();
    return (bench, spec) =>
      new Stm32Node(spec, program, fram, uidOf(spec, bench.random), bench.placeOf(spec));
  }
  const program = { module: await sources.core(kind), hash: sources.coreHash(kind) };
  return (bench, spec) =>
    new CoreNode(spec, program, fram, uidOf(spec, bench.random), bench.placeOf(spec));
}
