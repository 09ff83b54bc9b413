// A node of an example plant on a chip's binary, brought up by each source: what runs there, what it is set to and what its memory holds
// must not depend on where it came from, nor on the chip.

import { createHash } from "node:crypto";
import { Duplex } from "node:stream";
import { AppState } from "../../assembly/spec/boot.ts";
import { CellType } from "../../assembly/spec/cell.ts";
import { TaskState } from "../../assembly/spec/node.ts";
import type { AvrBoard } from "../../host/boards/avr/board.ts";
import type { Stm32Board } from "../../host/boards/stm32/board.ts";
import { SerialTransport } from "../../host/bus/serial-transport.ts";
import { type CanTransport, TransportError } from "../../host/bus/transport.ts";
import { BoardMachine, startBoardNode } from "../../host/client/board-node.ts";
import { BusMaster } from "../../host/client/bus/master.ts";
import { LocalNode } from "../../host/client/local-node.ts";
import { MemoryJournal } from "../../host/client/master/journal.ts";
import { PlantMaster } from "../../host/client/master/plant-master.ts";
import { labelOf, type TaskInfo } from "../../host/client/records.ts";
import { cardLayout, layCard } from "../../host/formats/fat-card.ts";
import type { NodeConfig } from "../../host/formats/node-words.ts";
import { cardFiles } from "../../host/formats/plant-card.ts";
import { type PlantFile, type PlantFileNode, readPlant } from "../../host/formats/plant-file.ts";
import { ownConfig } from "../../host/formats/plant-memory.ts";
import { Machine } from "../../host/node/hal.ts";
import { NvDevice } from "../../host/node/nv.ts";
import { BoardTransport } from "./board-transport.ts";
import {
  blankMemory,
  type ChipFirmware,
  type ChipName,
  chipBoard,
  FRAM_BYTES,
} from "./chip-board.ts";
import { coreModule } from "./node.ts";
import { PLANT_IMAGES, PLANTS, plantText } from "./plants.ts";

export const PLANT_SOURCES = ["host", "sd", "can", "serial", "stored"] as const;
export type PlantSource = (typeof PLANT_SOURCES)[number];

const CARD_BYTES = 8 << 20;
const CELLS = 255;
/** Of a node that the manifest gives no slots, for what is stored. */
const SLOTS = { count: 4, bytes: 8192 };
/** UID of a node that is known by another thing. */
const UID = Uint8Array.of(0x10, 0x20, 0x30, 0x40, 0x50, 0x60, 0x70, 0x80);
/** Id of a node that the manifest knows by its role: without any it is not reached on a bus. */
const ROLE_ID = 40;
/** In the place of the one of the manifest, which has the length of an AVR's: an STM32 has twelve bytes. */
const STM32_UID = "0102030405060708090a0b0c";
const BAUD: Readonly<Record<ChipName, number>> = {
  avr: 38_400,
  stm32f072: 115_200,
  stm32f405: 115_200,
};
const PASSES_MAX = 4;
/** Apps are looked at when each has run for so long: all that the plants set in motion has come to its end or round. */
const RUN_MS = 6_000;
/** The shortest sleep of an app is 50 ms. */
const LOOK_MS = 10;
const UP_MOST_MS = 20_000;
const DATA = 0x4000;
const STACK_END = 0xfffc;

/** One node of a plant as it is to come up. */
export interface PlantCase {
  readonly plant: string;
  readonly file: PlantFile;
  readonly text: string;
  readonly node: PlantFileNode;
}

/** Every node of every example plant, for a chip. */
export function plantCases(chip: ChipName): PlantCase[] {
  return PLANTS.flatMap((plant) => {
    const asWritten = plantText(plant);
    const text = chip === "avr" ? asWritten : asWritten.replace("0102030405060708", STM32_UID);
    const read = (name: string) => ({ bytes: PLANT_IMAGES.get(name) as Uint8Array });
    const { plant: file, diagnostics } = readPlant(text, `${plant}.toml`, read);
    if (file === undefined) throw new Error(diagnostics[0]?.message);
    return file.nodes.map((node) => ({ plant, file, text, node }));
  });
}

// ---- What the node has before ----

/** Who it is: what the factory or whoever installed it has told it. */
function identity({ node }: PlantFileNode): Partial<NodeConfig> {
  const { id = 0, role = 0 } = ownConfig(node) ?? {};
  return { id: id || ROLE_ID, role };
}
function configure({ provision }: LocalNode, config: Partial<NodeConfig>): void {
  provision.setConfig(config);
  if (provision.configState().state === AppState.TRIAL) provision.confirmConfig();
}

/** Brings apps, values and configuration by the verbs of a host. `slots`: into those. */
function bringByHost(
  node: LocalNode,
  { apps, node: { config } }: PlantFileNode,
  slots: boolean,
): void {
  for (const [order, { app, file }] of apps.entries()) {
    const { groupBase, keyBase, restarts } = app;
    if (slots) {
      const { provision } = node;
      const slot = provision.stage(file.bytes, { name: app.name });
      provision.activate(slot, { attempts: 0 });
      const stored = provision.apps().find(({ active }) => active === slot);
      provision.setBoot(stored?.app ?? 0, { ...app, order });
    } else node.load(file.bytes, { groupBase, keyBase, restarts, name: app.name });
    for (const { oid, bits } of app.values) {
      node.setValue(oid, bits);
      node.saveValue(oid);
    }
  }
  node.run(200); // values are saved
  if (config === undefined) return;
  const { id: _id, role: _role, ...rest } = config; // it is told who it is before
  configure(node, rest);
}

/** Its FRAM when it is switched on. */
async function framOf({ node }: PlantCase, source: PlantSource): Promise<Uint8Array<ArrayBuffer>> {
  const fram = new Uint8Array(FRAM_BYTES);
  const machine = new Machine({ nv: new NvDevice(fram) });
  const made = await LocalNode.start(await coreModule("large"), machine);
  made.formatStore(CELLS);
  const slots = node.slots ?? (source === "stored" ? SLOTS : undefined);
  if (slots !== undefined) made.provision.formatSlots(slots.count, slots.bytes);
  configure(made, identity(node));
  if (source === "stored") bringByHost(made, node, true);
  return fram;
}

/** The card of the plant, as hsx sd make lays it out. */
function cardOf({ file, text }: PlantCase): Uint8Array {
  const layout = cardLayout(CARD_BYTES);
  const pieces = layout && layCard(layout, cardFiles(file, text), 1);
  if (pieces === undefined) throw new Error("the plant does not fit the card");
  const card = new Uint8Array(CARD_BYTES);
  for (const { at, bytes } of pieces) card.set(bytes, at);
  return card;
}

// ---- How it comes up ----

interface Up {
  readonly machine: BoardMachine;
  readonly node: LocalNode;
}

function boardOf(
  chip: ChipName,
  firmware: ChipFirmware,
  { node: { node } }: PlantCase,
  fram: Uint8Array<ArrayBuffer>,
  sd: Uint8Array | undefined,
): AvrBoard | Stm32Board {
  const uid = "uid" in node.select ? node.select.uid : UID;
  const own = new Uint8Array(12);
  own.set(uid);
  return chipBoard(chip, firmware, { ...blankMemory([...uid]), fram }, { sd, uid: own });
}

/** The console of a board as a serial line, and what lets its time pass while somebody waits. */
function serialTo(
  chip: ChipName,
  machine: BoardMachine,
  heard: (hear: (bytes: Uint8Array) => void) => void,
): { transport: CanTransport; stop: () => void } {
  const line = new Duplex({
    read() {},
    write(chunk: Buffer, _encoding, done) {
      machine.typeConsole(chunk);
      done();
    },
  });
  heard((bytes) => line.push(Buffer.from(bytes)));
  const { clock } = machine.board.chip;
  let isRunning = true;
  const turn = () => {
    if (!isRunning) return;
    machine.advance(500);
    setImmediate(turn);
  };
  turn();
  const transport = new SerialTransport({
    name: "serial:board",
    baud: BAUD[chip],
    connect: async () => line,
    now_us: () => machine.now_us,
    after: (us, call) => {
      if (us === Number.POSITIVE_INFINITY) return () => {};
      const appointment = clock.after((us * clock.hz) / 1e6, call);
      return () => clock.cancel(appointment);
    },
  });
  const stop = () => {
    isRunning = false;
  };
  return { transport, stop };
}

/** A master of the plant, which knows of this node alone. */
async function bringByMaster(transport: CanTransport, { file, node }: PlantCase): Promise<void> {
  const master = await BusMaster.open(transport, { slot: 0 });
  const told: string[] = [];
  const plants = new PlantMaster(master, {
    plant: { ...file.plant, nodes: [node.node] },
    images: new Map(file.images.map(({ known, bytes }) => [known.crc, bytes])),
    journal: new MemoryJournal(),
    repairs: true,
    tell: ({ kind, text }) => void told.push(`${kind} ${text}`),
  });
  for (let n = 0; n < PASSES_MAX; n++) if (await plants.pass()) return;
  throw new TransportError("no-answer", `the master does not bring it up: ${told.join("; ")}`, "");
}

/** Brings a node up by a source, on its chip. */
async function bringUp(
  chip: ChipName,
  firmware: ChipFirmware,
  one: PlantCase,
  source: PlantSource,
): Promise<Up> {
  const card = source === "sd" ? cardOf(one) : undefined;
  let hear = (_: Uint8Array) => {};
  const board = boardOf(chip, firmware, one, await framOf(one, source), card);
  const machine = new BoardMachine(board, { onUart: (bytes) => hear(bytes) });
  const node = await startBoardNode(machine);
  if (source === "host") bringByHost(node, one.node, one.node.slots !== undefined);
  else if (source === "can") await bringByMaster(new BoardTransport(machine), one);
  else if (source === "serial") {
    const { transport, stop } = serialTo(chip, machine, (call) => {
      hear = call;
    });
    await bringByMaster(transport, one).finally(stop);
  }
  return { machine, node };
}

// ---- What is seen of it ----

/** What was found, by what it is about: `pump: R3`. */
export type PlantSight = Map<string, string>;

function digest(bytes: Uint8Array): string {
  return createHash("sha1").update(bytes).digest("hex").slice(0, 12);
}

/** Instructions that each app had retired, by its name, when it was looked at. */
export type PlantMoments = ReadonlyMap<string, number>;

/** An app at rest between two of its turns: registers, memory, values, commands and mailboxes. */
function seeApp(sight: PlantSight, node: LocalNode, task: TaskInfo): void {
  const { pid, name } = task;
  const note = (what: string, text: string | number | boolean) =>
    sight.set(`${name}: ${what}`, String(text));
  for (const key of ["imageCrc", "imageBytes", "state", "pc", "sp", "psw", "steps"] as const)
    note(key, task[key]);
  for (const key of [
    "confirmed",
    "stop",
    "restartsLeft",
    "stackBytes",
    "codeBytes",
    "dataBytes",
  ] as const)
    note(key, task[key]);
  task.regs.forEach((value, n) => void note(`R${n}`, value));
  note("data", digest(node.readMemory(pid, DATA, task.dataBytes)));
  const { stackBytes } = task;
  note("stack", digest(node.readMemory(pid, STACK_END - stackBytes, stackBytes)));
  for (const value of node.values().filter(({ owner }) => owner === pid)) {
    const { owner: _owner, origin: _origin, isDirty: _isDirty, ...rest } = value;
    note(`value ${labelOf(value)}`, JSON.stringify(rest));
  }
  for (const { owner: _owner, ...command } of node.commands().filter((c) => c.owner === pid))
    note(`command ${labelOf(command)}`, JSON.stringify(command));
  for (const { id, ...mailbox } of node.mailboxes()) {
    if (!mailbox.name.startsWith(`app:${name}.`)) continue;
    const { owner: _owner, ...rest } = mailbox;
    const messages = node.messages(id).map(({ data }) => Buffer.from(data).toString("latin1"));
    note(`mailbox ${mailbox.name}`, JSON.stringify({ ...rest, messages }));
  }
}

const KEPT = [CellType.VALUE, CellType.MEANING];
/** What its store keeps: values, their meanings by key, and the words of the configuration. */
function seeStore(sight: PlantSight, node: LocalNode): void {
  const kept = node.storeCells().filter(({ type }) => KEPT.includes(type));
  for (const { type, key, value } of kept) sight.set(`${CellType[type]} ${key}`, String(value));
  sight.set("configuration", JSON.stringify(node.provision.config()));
}

/**
 * Runs a node until each of `count` apps is where it was at its moment, and notes what it then is. Without moments each is taken at
 * its first rest behind RUN_MS.
 */
function see({ machine, node }: Up, count: number, moments?: PlantMoments): PlantSight {
  const sight: PlantSight = new Map();
  const done = new Set<string>();
  const begun_us = machine.now_us;
  const isDue = ({ name, steps }: TaskInfo) => {
    const moment = moments?.get(name);
    if (moment !== undefined) return steps >= moment;
    return machine.now_us - begun_us >= RUN_MS * 1000;
  };
  while (done.size < count && machine.now_us - begun_us < UP_MOST_MS * 1000) {
    machine.advance(LOOK_MS * 1000);
    for (const task of node.tasks()) {
      if (done.has(task.name) || task.state !== TaskState.SLEEPING || !isDue(task)) continue;
      seeApp(sight, node, task);
      done.add(task.name);
    }
  }
  sight.set("apps", [...node.tasks().map(({ name }) => name)].sort().join(", "));
  seeStore(sight, node);
  return sight;
}

/** What a node is that came up by a source. `moments`: of the run it is compared with. */
export async function seePlantNode(
  chip: ChipName,
  firmware: ChipFirmware,
  one: PlantCase,
  source: PlantSource,
  moments?: PlantMoments,
): Promise<PlantSight> {
  return see(await bringUp(chip, firmware, one, source), one.node.apps.length, moments);
}

/** When the apps of a run were looked at. */
export function momentsOf(sight: PlantSight): PlantMoments {
  const steps = [...sight].filter(([what]) => what.endsWith(": steps"));
  return new Map(steps.map(([what, text]) => [what.slice(0, -": steps".length), Number(text)]));
}

/** What differs between two nodes, each with both. */
export function plantDifferences(first: PlantSight, second: PlantSight): string[] {
  const all = new Set([...first.keys(), ...second.keys()]);
  return [...all]
    .filter((what) => first.get(what) !== second.get(what))
    .map((what) => `${what} is ${second.get(what)}, not ${first.get(what)}`);
}

// ---- Comparing ----

export interface PlantComparison {
  /** Nodes that were brought up. */
  runs: number;
  /** What was compared of each. */
  items: number;
  readonly differences: string[];
}

/** The same node with one bit of its first value changed. */
function spoilt(one: PlantCase): PlantCase {
  const [first, ...others] = one.node.apps;
  const [value, ...values] = first?.app.values ?? [];
  if (first === undefined || value === undefined) throw new Error("it has no value to spoil");
  const app = { ...first.app, values: [{ ...value, bits: value.bits ^ 1 }, ...values] };
  return { ...one, node: { ...one.node, apps: [{ ...first, app }, ...others] } };
}

/** Brings a node of a plant up on each chip by each source, and compares all with the first. `isSpoilt`: all but the first by a bit. */
export async function comparePlantNode(
  name: string,
  firmware: ChipFirmware,
  chips: readonly ChipName[],
  sources: readonly PlantSource[] = PLANT_SOURCES,
  isSpoilt = false,
): Promise<PlantComparison> {
  const result: PlantComparison = { runs: 0, items: 0, differences: [] };
  let first: PlantSight | undefined;
  for (const chip of chips) {
    const one = plantCases(chip).find((c) => plantNodeName(c) === name);
    if (one === undefined) throw new Error(`no example plant has a node ${name}`);
    for (const source of sources) {
      const what = first !== undefined && isSpoilt ? spoilt(one) : one;
      const sight = await seePlantNode(chip, firmware, what, source, first && momentsOf(first));
      first ??= sight;
      result.runs++;
      result.items = Math.max(result.items, sight.size);
      for (const text of plantDifferences(first, sight))
        result.differences.push(`${name} on ${chip} by ${source}: ${text}`);
    }
  }
  return result;
}

/** `pumps.north` */
export function plantNodeName({ plant, node }: PlantCase): string {
  return `${plant}.${node.node.name}`;
}
