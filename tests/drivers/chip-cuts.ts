// Power cuts at random cycles of the firmware's binary on its board. An operation runs once, with every change of its media noted
// with its cycle; so what the media hold when the power goes at any cycle is known without running to it again. From each the
// board is booted, and what it then is must be what it was before the operation, or after it.

import { crc32 } from "node:zlib";
import { StoreState } from "../../assembly/spec/cell.ts";
import { TaskState } from "../../assembly/spec/node.ts";
import { Random } from "../oracle/random.ts";
import { blankMemory, type ChipFirmware, chipBoard, type Memory } from "./chip-board.ts";
import { guestOf } from "./guest.ts";
import {
  copyOf,
  cutCycle,
  digestOf,
  memoryAt,
  type Powered,
  powerOn,
  reversed,
  setAndSave,
} from "./media-journal.ts";

/** Board and medium: FRAM has slots, so that images are stored; the others keep calibration only. */
export const CHIP_BEDS = ["avr.fram", "avr.eeprom", "stm32f072.fram", "stm32f072.flash"] as const;
export type ChipBed = (typeof CHIP_BEDS)[number];

export interface ChipCutPlan {
  readonly bed: ChipBed;
  readonly seed: number;
  /** Cuts at random cycles of each operation. */
  readonly cutsOfAnOperation: number;
  readonly firmware: ChipFirmware;
  /** The medium is one that writes in another order than it is told to: a judge that finds nothing then proves nothing. */
  readonly isLying?: boolean;
}
export interface ChipCutCounts {
  operations: number;
  cuts: number;
  /** Different contents of the media that those cuts leave; each was booted. */
  states: number;
  /** Of them, cuts in the boot behind another cut. */
  bootCuts: number;
  boots: number;
  readonly faults: string[];
}

export function noChipCuts(): ChipCutCounts {
  return { operations: 0, cuts: 0, states: 0, bootCuts: 0, boots: 0, faults: [] };
}

const OID = 0x100;
const CELLS = 24;
const SLOTS = { count: 3, bytes: 512 };
const ATTEMPTS = 3;
/** One boot in so many is followed by another, or cut itself, or must save. */
const TRY_EACH = 8;

const versionImage = (n: number) =>
  guestOf(
    `.value {"group":1,"id":0,"name":"v","init":1,"persist_key":4096,"flags":"PERSIST"}
LDI R4, ${n}
loop:
LDI R0, 1000
SVC 0x600
JMP loop`,
    "a",
  ).image;
const VERSIONS = Array.from({ length: 8 }, (_, n) => versionImage(n));
const CRCS = new Map(VERSIONS.map((image, n) => [crc32(image), n]));

/** What a node is: version and binary16 of the value. */
interface Seen {
  readonly version: number;
  readonly value: number;
}
const textOf = ({ version, value }: Seen) => `version ${version} with 0x${value.toString(16)}`;

class ChipCuts {
  readonly counts = noChipCuts();
  private readonly random: Random;
  private readonly known = new Set<string>();
  private readonly hasSlots: boolean;
  private place = "";
  private now!: Powered;
  private life: Seen = { version: 0, value: 0x3c00 };

  constructor(private readonly plan: ChipCutPlan) {
    this.random = new Random(plan.seed);
    this.hasSlots = plan.bed.endsWith("fram");
  }

  private open(memory: Memory): Promise<Powered> {
    const media = copyOf(memory);
    const chip = this.plan.bed.startsWith("avr") ? "avr" : "stm32f072";
    const board = chipBoard(chip, this.plan.firmware, media, { seed: this.random.word() });
    if (!this.hasSlots) board.framSocket.fault = "absent";
    this.counts.boots++;
    return powerOn(board, media);
  }
  private fault(what: string): void {
    this.counts.faults.push(`${this.plan.bed}, seed ${this.plan.seed}, ${this.place}: ${what}`);
  }

  // ---- Looking ----

  /** What a board that has just booted is. Media without slots get their app from outside. Throws what is wrong. */
  private look({ node, machine }: Powered): Seen {
    const { state } = node.store();
    if (state !== StoreState.READY) throw new Error(`the store is ${StoreState[state]}`);
    if (!this.hasSlots) node.load(VERSIONS[0] as Uint8Array);
    machine.advance(1000);
    const tasks = node.tasks();
    const version = CRCS.get(tasks[0]?.imageCrc ?? 0);
    if (tasks.length !== 1 || version === undefined || tasks[0]?.state === TaskState.FAULTED)
      throw new Error(`${tasks.length} tasks, the first of them ${JSON.stringify(tasks[0])}`);
    return { version, value: node.getValue(OID) };
  }
  /** Boots from media: what comes up must be allowed. */
  private async boot(memory: Memory, allowed: readonly Seen[]): Promise<Powered | undefined> {
    try {
      const board = await this.open(memory);
      const seen = textOf(this.look(board));
      if (allowed.some((one) => textOf(one) === seen)) return board;
      this.fault(`it is ${seen}, not ${allowed.map(textOf).join(" or ")}`);
    } catch (error) {
      this.fault(String(error));
    }
    return undefined;
  }

  // ---- Cutting ----

  /** Boots what a cut left, unless the same was booted before; some again, with another cut, or with more to do. */
  private async judge(memory: Memory, allowed: readonly Seen[]): Promise<void> {
    const key = digestOf(memory);
    if (this.known.has(key)) return;
    this.known.add(key);
    this.counts.states++;
    const board = await this.boot(memory, allowed);
    if (board === undefined) return;
    const { random } = this;
    if (random.oneIn(TRY_EACH)) {
      const cycle = random.below(board.now);
      this.counts.bootCuts++;
      await this.boot(memoryAt(memory, board.journal, cycle, random), allowed);
    }
    if (random.oneIn(TRY_EACH)) await this.boot(board.memory(), allowed);
    if (random.oneIn(TRY_EACH)) this.trySave(board);
  }
  private trySave(board: Powered): void {
    try {
      setAndSave(board, OID, 0x4900);
    } catch (error) {
      this.fault(`nothing can be saved behind it: ${error}`);
    }
  }

  /** Runs an operation once, and cuts its power at cycles of it. */
  private async operate(place: string, allowed: readonly Seen[], act: () => void): Promise<void> {
    this.place = place;
    const { now: board, random, counts } = this;
    const before = board.memory();
    const first = board.journal.length;
    const start = board.now;
    act();
    const noted = board.journal.slice(first);
    const journal = this.plan.isLying === true ? reversed(noted) : noted;
    for (let n = 0; n < this.plan.cutsOfAnOperation; n++) {
      const cycle = cutCycle(journal, { start, end: board.now }, random);
      counts.cuts++;
      await this.judge(memoryAt(before, journal, cycle, random), allowed);
    }
    counts.operations++;
  }

  private async saving(place: string, value: number): Promise<void> {
    const after = { ...this.life, value };
    await this.operate(place, [this.life, after], () => setAndSave(this.now, OID, value));
    this.life = after;
  }

  /** The next version is stored, started on trial, calibrated, and confirmed or rolled back. */
  private async upgrade(next: number): Promise<void> {
    const { provision } = this.now.node;
    const old = this.life;
    const fresh = { version: next, value: old.value };
    let slot = 0;
    await this.operate("load", [old], () => {
      slot = provision.stage(VERSIONS[next] as Uint8Array);
    });
    await this.operate("activation", [old, fresh], () => {
      provision.activate(slot, { attempts: ATTEMPTS });
    });
    this.life = fresh;
    await this.saving("save on trial", 0x5000 + this.random.below(0x400));
    const tried = this.life;
    if (this.random.oneIn(2)) {
      await this.operate("confirmation", [tried], () => provision.confirm());
    } else {
      await this.operate("roll-back", [tried, old], () => void provision.rollback());
      this.life = old;
    }
  }

  async run(): Promise<ChipCutCounts> {
    this.now = await this.open(blankMemory());
    const { node } = this.now;
    if (this.hasSlots) {
      node.formatStore(CELLS);
      node.provision.formatSlots(SLOTS.count, SLOTS.bytes);
      node.provision.activate(node.provision.stage(VERSIONS[0] as Uint8Array), { attempts: 0 });
    } else node.load(VERSIONS[0] as Uint8Array);
    await this.saving("first save", 0x4000 + this.random.below(0x400));
    await this.saving("save", 0x4400 + this.random.below(0x400));
    if (this.hasSlots) await this.upgrade(1 + this.random.below(VERSIONS.length - 1));
    else await this.saving("third save", 0x4800 + this.random.below(0x400));
    return this.counts;
  }
}

/** One life of a board, with the power cut at random cycles of all that it does. */
export function cutChip(plan: ChipCutPlan): Promise<ChipCutCounts> {
  return new ChipCuts(plan).run();
}
