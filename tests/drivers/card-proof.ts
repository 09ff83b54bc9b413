// What no card may do to a node: crash it, hold it up, or have it run what nobody meant. Cards that end early, are pulled out at any
// block, and hold anything; and power that fails while a card is applied.

import { crc32 } from "node:zlib";
import { Source } from "../../assembly/spec/boot.ts";
import { Err } from "../../assembly/spec/errors.ts";
import { TASK_CRC_OFF, TASK_PID_OFF } from "../../assembly/spec/node.ts";
import { LocalNode } from "../../host/client/local-node.ts";
import { f16FromNumber } from "../../host/formats/f16.ts";
import { Core } from "../../host/node/core.ts";
import { Machine } from "../../host/node/hal.ts";
import { NvDevice } from "../../host/node/nv.ts";
import { Random } from "../oracle/random.ts";
import { FatView } from "./card-image.ts";
import { manifestOf, plantApp, plantCard, UID } from "./card-plant.ts";
import { guestOf } from "./guest.ts";
import { coreModule } from "./node.ts";
import { isCutIn, TEARS } from "./tears.ts";

const BLOCK = 512;
const CELLS = 60;
const SLOTS = { at: 512, count: 2, bytes: 2048 };
/** Polls within which a boot with any card ends. */
const POLLS_MAX = 60_000;
const VIOLATIONS_MAX = 10;

const LOOP = "loop:\n LDI R0, 1000\n SVC 0x600\n JMP loop\n";
const VALUES = [1, 2, 3].map(
  (n) => `.value {"group":1,"id":${n},"name":"v${n}","init":1,"persist_key":${n}}\n`,
);
/** The app as it is stored, and as the card has it; another that only the card has. */
const STORED = guestOf(`${VALUES.join("")}LDI R4, 1\n${LOOP}`, "app").image;
const NEW = guestOf(`${VALUES.join("")}LDI R4, 2\n${LOOP}.data\n.zero 900\n`, "app").image;
const OTHER = guestOf(`LDI R4, 3\n${LOOP}`, "other").image;
const FILES = { "APP.HXE": NEW, "OTHER.HXE": OTHER };
const KNOWN = new Set([STORED, NEW, OTHER].map((image) => crc32(image)));
const APP = new Set([STORED, NEW].map((image) => crc32(image)));

/** The card: both apps, and the app's values. */
function cardOf(version: number, x: number): Uint8Array {
  const values = { 257: [1, x], 258: [2, x + 1], 259: [3, x + 2] } as const;
  const app = plantApp(NEW, "APP.HXE", {
    values: Object.fromEntries(Object.entries(values).map(([k, [a, b]]) => [k, [a, b]])),
  });
  const config = {
    id: 9,
    role: version & 0xff,
    bitRate: 0,
    baseId: 0,
    changeLevel: 0,
    sources: [Source.SD],
    masterWait_ms: 0,
    cardWait_ms: 0,
  };
  return plantCard(manifestOf([app, plantApp(OTHER, "OTHER.HXE")], { version, config }), FILES);
}

/** A device with a store, and the app in a slot. */
async function preparedDevice(): Promise<NvDevice> {
  const nv = new NvDevice(new Uint8Array(SLOTS.at + SLOTS.count * SLOTS.bytes).fill(0xff));
  const node = await LocalNode.start(await coreModule("small"), new Machine({ nv, uid: UID }));
  node.formatStore(CELLS);
  node.provision.formatSlots(SLOTS.count, SLOTS.bytes);
  node.provision.activate(node.provision.stage(STORED));
  return nv;
}

export interface CardFigures {
  boots: number;
  violations: string[];
}

/** A node whose card can be anything, at any time. */
class CardNode {
  card: Uint8Array | undefined;
  /** Blocks that are still read before the card is pulled out. */
  left = Number.POSITIVE_INFINITY;
  boots = 0;

  private constructor(
    readonly core: Core,
    readonly nv: NvDevice,
    private readonly machine: Machine,
  ) {}

  static async open(nv: NvDevice): Promise<CardNode> {
    const late: { node?: CardNode } = {};
    const machine = new Machine({
      nv,
      uid: UID,
      get sd() {
        return late.node?.take();
      },
    });
    late.node = new CardNode(await Core.create(await coreModule("small"), machine), nv, machine);
    return late.node;
  }
  /** What the socket holds when the core asks. */
  private take(): Uint8Array | undefined {
    this.left -= 0.5; // asked for its length, and for a block
    return this.left <= 0 ? undefined : this.card;
  }

  /** Powers it up. Returns the CRC of every image that runs; undefined: it does not come to an end. */
  boot(): number[] | undefined {
    const { exports: x } = this.core;
    this.boots++;
    x.hsx_start();
    for (let n = 0; n < POLLS_MAX; n++) {
      if (x.hsx_provision_result() !== Err.BUSY) return this.running();
      x.hsx_poll(0);
      this.machine.advance(100);
    }
    return undefined;
  }
  private running(): number[] {
    const found: number[] = [];
    for (let bank = 0; this.core.exports.hsx_task_info(bank) >= 0; bank++) {
      const view = this.core.view();
      if (view.getUint8(TASK_PID_OFF) !== 0) found.push(view.getUint32(TASK_CRC_OFF, true));
    }
    return found;
  }
  value(oid: number): number {
    return this.core.exports.hsx_value_get(oid);
  }
  /** Polls until everything is saved. */
  settle(): void {
    for (let n = 0; n < 3000; n++) {
      this.core.exports.hsx_poll(0);
      this.machine.advance(100);
    }
  }
}

/** What is wrong with what runs; undefined: nothing. */
function wrong(running: readonly number[] | undefined): string | undefined {
  if (running === undefined) return "the node does not come to an end";
  if (running.some((crc) => !KNOWN.has(crc))) return "an image runs that nobody meant";
  return running.some((crc) => APP.has(crc)) ? undefined : "the stored app does not run";
}

/** Boots with what `spoil` leaves of the card, `count` times; the device is as before each time. */
async function prove(
  count: number,
  spoil: (node: CardNode, card: Uint8Array, n: number) => string,
): Promise<CardFigures> {
  const nv = await preparedDevice();
  const before = nv.bytes.slice();
  const card = cardOf(1, 5);
  const used = card.slice(0, Math.max(...placesOf(card).map(([, , end]) => end)) + BLOCK);
  const node = await CardNode.open(nv);
  const violations: string[] = [];
  node.card = card;
  const all = node.boot()?.sort().join();
  if (all !== [crc32(NEW), crc32(OTHER)].sort().join()) violations.push("the card is not taken");
  for (let n = 0; n < count && violations.length < VIOLATIONS_MAX; n++) {
    nv.bytes.set(before);
    node.card = card;
    node.left = Number.POSITIVE_INFINITY;
    const what = spoil(node, card, n);
    try {
      const fault = wrong(node.boot());
      if (fault !== undefined) violations.push(`${what}: ${fault}`);
    } catch (error) {
      violations.push(`${what}: the node crashes: ${String(error)}`);
    }
    card.set(used);
  }
  return { boots: node.boots, violations };
}

/** The card ends before block n, for each of the blocks that `step` does not pass by. */
export async function proveTruncations(step = 1): Promise<CardFigures> {
  const blocks = cardOf(1, 5).length / BLOCK;
  return prove(Math.ceil(blocks / step), (node, card, n) => {
    node.card = card.subarray(0, n * step * BLOCK);
    return `cut at block ${n * step}`;
  });
}

/** The card is pulled out at the n-th time that it is asked. */
export function provePulls(count = 400): Promise<CardFigures> {
  return prove(count, (node, _, n) => {
    node.left = (n + 1) / 2;
    return `pulled out at access ${n}`;
  });
}

/** Places of a card that mean something, in bytes: first and behind the last. */
function placesOf(card: Uint8Array): [string, number, number][] {
  const fat = new FatView(card);
  const file = (name: string): [string, number, number] => {
    const at = fat.place(fat.startOf(fat.find(name)));
    return [name.trim(), at, at + fat.view.getUint32(fat.find(name) + 28, true)];
  };
  return [
    ["volume", 0, BLOCK],
    ["FAT", fat.table, fat.table + 128],
    ["root", fat.root, fat.root + 32 * 8],
    file("HSX     HXM"),
    file("APP     HXE"),
    file("OTHER   HXE"),
  ];
}

/** One to four places of the card are changed, by a bit, a byte, a number or a piece from elsewhere. */
export async function proveMutations(count: number, seed: number): Promise<CardFigures> {
  const random = new Random(seed);
  let places: [string, number, number][] | undefined;
  return prove(count, (_, card, n) => {
    places ??= placesOf(card);
    const list = places;
    const told: string[] = [];
    for (let k = random.below(4); k >= 0; k--) {
      const [name, from, end] = random.pick(list);
      const at = from + random.below(end - from);
      const kind = random.below(4);
      if (kind === 0) card[at] = (card[at] as number) ^ (1 << random.below(8));
      else if (kind === 1) card[at] = random.below(256);
      else if (kind === 2) card[at] = random.pick([0, 1, 2, 0x7f, 0x80, 0xe5, 0xf8, 0xff]);
      else card.copyWithin(at, random.pick(list)[1] + random.below(64), from + 64);
      told.push(`${name}+${at - from}`);
    }
    return `mutation ${seed}:${n} at ${told.join(", ")}`;
  });
}

// ---- Power that fails ----

export interface CardCutFigures extends CardFigures {
  cuts: number;
}

/** Power fails at a byte of a boot that applies a card, `cuts` times; what the next starts find. */
export async function proveCardCuts(cuts: number, seed: number): Promise<CardCutFigures> {
  const random = new Random(seed);
  const nv = await preparedDevice();
  const node = await CardNode.open(nv);
  const figures: CardCutFigures = { boots: 0, cuts: 0, violations: [] };
  const expect = (isRight: boolean, what: string) => {
    if (!isRight) figures.violations.push(`seed ${seed}, cut ${figures.cuts}: ${what}`);
  };
  for (let version = 1; figures.cuts < cuts; version++) {
    const x = random.below(1000);
    node.card = cardOf(version, x);
    const before = nv.bytes.slice();
    const wanted = [x, x + 1, x + 2].map(f16FromNumber);
    for (let after = 0; figures.cuts < cuts; after++) {
      nv.bytes.set(before);
      const tear = random.pick(TEARS);
      const isCut = isCutIn(nv, { after, tear, random }, () => void node.boot());
      nv.powerOn();
      if (!isCut) break;
      figures.cuts++;
      expect(wrong(node.boot()) === undefined, "no app runs after the cut");
      const found = [257, 258, 259].map((oid) => node.value(oid));
      expect(String(found) === String(wanted), `${found} instead of ${wanted}`);
      node.settle();
      const programmed = nv.bytesProgrammed;
      node.boot();
      expect(nv.bytesProgrammed === programmed, "what was applied is applied again");
      if (random.oneIn(8)) changeAndLook(node, expect);
      if (figures.violations.length >= VIOLATIONS_MAX) return figures;
    }
  }
  figures.boots = node.boots;
  return figures;
}

/** What an operator sets after a card was applied stays. */
function changeAndLook(node: CardNode, expect: (isRight: boolean, what: string) => void): void {
  const other = f16FromNumber(2000);
  node.core.exports.hsx_value_set(258, other);
  node.settle();
  node.boot();
  expect(node.value(258) === other, "a value is set twice");
}
