// Lives of a node with stored images: installed, started, confirmed and rolled back, with the power cut before every byte,
// and what the node does at the next power-ons. One node is used for all of them, so that a boot costs microseconds.

import { crc32 } from "node:zlib";
import { AppState, STAGE_BYTES } from "../../assembly/spec/boot.ts";
import { Err } from "../../assembly/spec/errors.ts";
import { TASK_CRC_OFF, TASK_PID_OFF } from "../../assembly/spec/node.ts";
import { readApp, readStoredSlot } from "../../host/client/records.ts";
import { f16FromNumber } from "../../host/formats/f16.ts";
import { Core, type CoreExports } from "../../host/node/core.ts";
import { Machine } from "../../host/node/hal.ts";
import type { NvDevice } from "../../host/node/nv.ts";
import { Random } from "../oracle/random.ts";
import { compileModule, type Fault } from "../probes/compile.ts";
import { guestOf } from "./guest.ts";
import { blankDevice, coreOf, GEOMETRY, type Medium, storeFor, systemCells } from "./media.ts";
import { isCutIn, TEARS, type TornBy } from "./tears.ts";

export interface ActivationPlan {
  readonly medium: Medium;
  readonly seed: number;
  /** Ends with the operation that reaches this many cuts. */
  readonly cuts: number;
  /** Cuts before one byte in four or so, so that more operations are met. */
  readonly isSparse?: boolean;
  readonly fault?: Fault;
}

export interface ActivationFigures {
  cuts: number;
  /** Cuts inside the boot after a cut. */
  bootCuts: number;
  boots: number;
  operations: number;
  /** Bits of records and other words that were changed, one at a time. */
  rotBits: number;
  /** Most starts of an image that was not confirmed. */
  trialStarts: number;
  /** Bytes that boots wrote once nothing was left to settle. */
  settledBytes: number;
  /** Each tells how to come to it again. */
  violations: string[];
}
/** Those of no cut at all. */
export function noFigures(): ActivationFigures {
  return {
    cuts: 0,
    bootCuts: 0,
    boots: 0,
    operations: 0,
    rotBits: 0,
    trialStarts: 0,
    settledBytes: 0,
    violations: [],
  };
}

const KEYS = 40;
const SLOTS = 3;
const SLOT_BYTES = 512;
const ATTEMPTS = 3;
/** Boots after a cut: each attempt, what they leave, and two more that must agree. */
const BOOTS = ATTEMPTS + 3;
const POLLS_MAX = 20_000;
/** More than merging or dropping what was saved on trial takes; apps are READY all the time and never run. */
const REST_POLLS = 30;
const VIOLATIONS_MAX = 5;
/** Bytes of the boot after a cut before which the power is cut again. */
const BOOT_BYTES = 20;
/** Group 1: the app that is replaced; group 2: the one that stays. */
const OID = 0x100;
const OTHER_OID = 0x200;

const value = (group: number, key: number) =>
  `.value {"group":${group},"id":0,"name":"v","init":1,"persist_key":${key},"flags":"PERSIST"}\n`;
const LOOP = "loop:\n JMP loop\n";
/** Versions differ in one number. */
const versionImage = (n: number) => guestOf(`${value(1, 0x1000)}LDI R4, ${n}\n${LOOP}`, "a").image;
const OTHER = guestOf(`${value(2, 0x2000)}${LOOP}`, "b").image;
const VERSIONS = Array.from({ length: 24 }, (_, n) => versionImage(n));
const CRCS = new Map(VERSIONS.map((image, n) => [crc32(image), n]));
const OTHER_CRC = crc32(OTHER);

type Operation = "install" | "boot" | "confirm" | "roll back";

/** What the node should be. */
interface Life {
  /** Version that runs without a trial. */
  confirmed: number;
  /** Version on trial, and how often it was started. */
  trial: number | undefined;
  starts: number;
  /** Version that comes back from a confirmed one. */
  fallback: number | undefined;
  /** Calibration of the confirmed version, and what the one on trial saved. */
  kept: number;
  tried: number | undefined;
  next: number;
}

interface Seen {
  readonly version: number | undefined;
  readonly kept: number;
}

/** Where slots begin: the next multiple of 256, or of a page, behind the store. */
function originOf(medium: Medium): number {
  const unit = Math.max(256, GEOMETRY[medium].eraseSize);
  return Math.ceil(storeFor(medium, KEYS).bytes / unit) * unit;
}

class ActivationRig {
  readonly figures = noFigures();
  private readonly random: Random;
  private life: Life = {
    confirmed: 0,
    trial: undefined,
    starts: 0,
    fallback: undefined,
    kept: 1,
    tried: undefined,
    next: 1,
  };
  private place = "";
  private otherSlot = new Uint8Array();
  private readonly cells: number;
  /** Address of the first slot. */
  private readonly origin: number;

  private constructor(
    private readonly core: Core,
    private readonly device: NvDevice,
    private readonly plan: ActivationPlan,
  ) {
    this.random = new Random(plan.seed);
    this.cells = storeFor(plan.medium, KEYS).cells;
    this.origin = originOf(plan.medium);
  }

  static async open(plan: ActivationPlan): Promise<ActivationRig> {
    const { medium } = plan;
    const device = blankDevice(medium, originOf(medium) + SLOTS * SLOT_BYTES);
    const module = await compileModule("node", coreOf(medium), plan.fault);
    return new ActivationRig(await Core.create(module, new Machine({ nv: device })), device, plan);
  }

  private get x(): CoreExports {
    return this.core.exports;
  }
  private expect(isRight: boolean, what: string): void {
    if (isRight || this.isLost) return;
    const { medium, seed } = this.plan;
    const { operations } = this.figures;
    this.figures.violations.push(
      `${medium}:${seed} operation ${operations} ${this.place}: ${what}`,
    );
  }
  private get isLost(): boolean {
    return this.figures.violations.length >= VIOLATIONS_MAX;
  }

  // ---- The node ----

  private poll(): void {
    this.x.hsx_poll(0);
  }
  /** Polls until `ask` is not BUSY any more. */
  private await(ask: () => number): number {
    for (let n = 0; n < POLLS_MAX; n++) {
      const result = ask();
      if (result !== Err.BUSY) return result;
      this.poll();
    }
    throw new Error(`${this.place}: the node does not come to an end`);
  }
  private perform(begin: () => number): number {
    this.await(() => this.x.hsx_provision_result());
    const begun = begin();
    return begun < 0 ? begun : this.await(() => this.x.hsx_provision_result());
  }
  /** Polls until all that is to be saved is saved. */
  private rest(): void {
    for (let n = 0; n < REST_POLLS; n++) this.poll();
  }
  private stage(slot: number, image: Uint8Array): number {
    const begun = this.x.hsx_slot_stage(slot, image.length, crc32(image), 0);
    for (let at = 0; begun >= 0 && at < image.length; at += STAGE_BYTES) {
      const piece = image.subarray(at, at + STAGE_BYTES);
      const taken = this.await(() => {
        this.core.write(piece);
        return this.x.hsx_load_data(piece.length);
      });
      if (taken < 0) return taken;
    }
    return begun < 0 ? begun : this.await(() => this.x.hsx_load_result());
  }
  private activate(slot: number): number {
    return this.perform(() => this.x.hsx_app_activate(slot, ATTEMPTS, 0));
  }
  private records() {
    return [0, 1].map((app) => {
      this.x.hsx_provision_info(app);
      return readApp(app, this.core.view());
    });
  }
  /** A slot that no record names. */
  private spareSlot(): number {
    const [a, b] = this.records();
    const taken = [a?.active, b?.active, a?.state === AppState.TRIAL ? a.fallback : undefined];
    const free = [0, 1, 2].filter((slot) => !taken.includes(slot));
    return free[0] ?? 0;
  }
  /** Powers the node up; which version runs, and what its calibration is. */
  private boot(): Seen {
    this.x.hsx_start();
    this.figures.boots++;
    this.await(() => this.x.hsx_provision_result());
    const seen = this.look();
    this.expect(this.isOtherWell(), "the other app does not run as before");
    this.rest();
    return seen;
  }
  private look(): Seen {
    return { version: this.running(), kept: this.x.hsx_value_get(OID) };
  }
  private running(): number | undefined {
    for (let bank = 0; bank < 4; bank++) {
      if (this.x.hsx_task_info(bank) < 0) continue;
      const view = this.core.view();
      const version = CRCS.get(view.getUint32(TASK_CRC_OFF, true));
      if (version !== undefined && view.getUint8(TASK_PID_OFF) !== 0) return version;
    }
    return undefined;
  }
  private isOtherWell(): boolean {
    let runs = false;
    for (let bank = 0; bank < 4; bank++) {
      if (this.x.hsx_task_info(bank) < 0) continue;
      runs ||= this.core.view().getUint32(TASK_CRC_OFF, true) === OTHER_CRC;
    }
    const slot = this.device.bytes.subarray(this.origin, this.origin + SLOT_BYTES);
    const isSame = Buffer.compare(slot, this.otherSlot) === 0;
    return runs && isSame && this.x.hsx_value_get(OTHER_OID) === f16FromNumber(7);
  }

  private save() {
    return {
      device: this.device.snapshot(),
      memory: this.core.memory().slice(),
      life: { ...this.life },
    };
  }
  private restore(saved: ReturnType<ActivationRig["save"]>): void {
    this.device.restore(saved.device);
    this.core.memory().set(saved.memory);
    this.life = { ...saved.life };
  }

  // ---- Lives ----

  private begin(): void {
    this.x.hsx_start();
    this.await(() => this.x.hsx_provision_result());
    this.x.hsx_store_format(this.cells, 1, 0);
    this.rest();
    this.await(() => this.x.hsx_provision_result());
    this.perform(() => this.x.hsx_slot_format(SLOTS, SLOT_BYTES));
    const done = [this.stage(0, OTHER), this.activate(0)];
    done.push(this.x.hsx_value_set(OTHER_OID, f16FromNumber(7)), this.x.hsx_value_save(OTHER_OID));
    this.rest();
    done.push(this.stage(1, VERSIONS[0] as Uint8Array), this.activate(1));
    if (done.some((result) => result < 0)) throw new Error(`the node is not set up: ${done}`);
    this.calibrate();
    this.otherSlot = this.device.bytes.slice(this.origin, this.origin + SLOT_BYTES);
  }

  /** The app that runs saves another calibration. */
  private calibrate(): void {
    const bits = f16FromNumber(1 + this.random.below(100));
    this.x.hsx_value_set(OID, bits);
    this.x.hsx_value_save(OID);
    this.rest();
    if (this.life.trial === undefined) this.life.kept = bits;
    else this.life.tried = bits;
  }

  private chooseOperation(): Operation {
    if (this.life.trial !== undefined) {
      return (["boot", "boot", "confirm", "roll back"] as const)[this.random.below(4)] as Operation;
    }
    const canReturn = this.life.fallback !== undefined && this.random.below(3) === 0;
    return canReturn ? "roll back" : "install";
  }
  private act(operation: Operation): number {
    const { life } = this;
    if (operation === "boot") {
      this.x.hsx_start();
      this.figures.boots++;
      return this.await(() => this.x.hsx_provision_result());
    }
    if (operation === "confirm") {
      const done = this.perform(() => this.x.hsx_app_confirm(1));
      this.rest();
      return done;
    }
    if (operation === "roll back") return this.perform(() => this.x.hsx_app_rollback(1));
    const slot = this.spareSlot();
    const staged = this.stage(slot, VERSIONS[life.next] as Uint8Array);
    return staged < 0 ? staged : this.activate(slot);
  }
  /** What the operation makes of the node. */
  private adopt(operation: Operation): void {
    const { life } = this;
    if (operation === "install") {
      life.trial = life.next;
      life.starts = 1;
      life.fallback = undefined;
      life.tried = undefined;
      life.next = (life.next + 1) % VERSIONS.length;
    } else if (operation === "confirm") {
      life.fallback = life.confirmed;
      life.confirmed = life.trial as number;
      life.kept = life.tried ?? life.kept;
      life.trial = undefined;
    } else if (operation === "roll back") {
      if (life.trial === undefined) life.confirmed = life.fallback as number;
      life.fallback = undefined;
      life.trial = undefined;
    } else if (life.starts < ATTEMPTS) life.starts++;
    else {
      life.trial = undefined;
      life.fallback = undefined;
    }
  }

  /** Cuts the power after so many units. False: the action ended before. */
  private isCut(after: number, tear: TornBy, act: () => void): boolean {
    return isCutIn(this.device, { after, tear, random: this.random }, act);
  }

  /** Each slot that a record names holds its image whole; without garbage in the torn byte, each that says it holds one. */
  private checkSlots(isClean: boolean): void {
    const whole = [0, 1, 2].map((slot) => {
      this.expect(this.x.hsx_slot_stored(slot) >= 0, `slot ${slot} cannot be looked at`);
      const { state, bytes, crc } = readStoredSlot(slot, this.core.view());
      const at = this.origin + slot * SLOT_BYTES + 16;
      const isWhole = crc32(this.device.bytes.subarray(at, at + bytes)) === crc;
      return { state, isWhole };
    });
    const isBad = whole.some(({ state, isWhole }) => state === "image" && !isWhole);
    this.expect(!isClean || !isBad, "a slot says that it holds an image, which is not whole");
    const named = this.records().flatMap((r) => [r.active, r.fallback]);
    for (const slot of named) {
      if (slot === undefined) continue;
      const isWhole = whole[slot]?.state === "image" && whole[slot].isWhole;
      this.expect(isWhole, `a record names slot ${slot}, which is not whole`);
    }
  }

  /** A slot that holds no whole image cannot be activated, and trying changes nothing. */
  private tryDamaged(): void {
    const records = this.records();
    if (records[1]?.state !== AppState.CONFIRMED) return;
    const slot = this.spareSlot();
    const at = this.origin + slot * SLOT_BYTES;
    const bytes = new DataView(this.device.bytes.buffer).getUint32(at, true);
    const isMarked = this.device.bytes[at + 15] === 0x2d && bytes < SLOT_BYTES - 16;
    const file = this.device.bytes.subarray(at + 16, at + 16 + bytes);
    const sum = new DataView(this.device.bytes.buffer).getUint32(at + 4, true);
    if (isMarked && crc32(file) === sum) return;
    const before = this.device.bytes.slice();
    this.expect(this.activate(slot) < 0, "an image that is not whole is activated");
    this.expect(Buffer.compare(before, this.device.bytes) === 0, "a refusal changes the device");
  }

  /** Boots again and again, nobody confirming; what ran must be right, and come to rest. */
  private judge(operation: Operation, startsBefore: number, tail: Seen[]): void {
    const { life } = this;
    const before = life.confirmed;
    const candidate = operation === "install" ? life.next : (life.trial ?? life.fallback);
    const seen = tail;
    while (seen.length < BOOTS) seen.push(this.boot());
    const versions = seen.map((s) => s.version);
    const what = `boots ran ${versions.join(" ")}, confirmed ${before}, other ${candidate}`;
    const isKnown = versions.every((v) => v !== undefined && (v === before || v === candidate));
    this.expect(isKnown, `an app is missing or unknown: ${what}`);
    const last = versions.at(-1);
    const isSettled = versions.slice(-2).every((v) => v === last);
    this.expect(isSettled, `it does not come to rest: ${what}`);
    const mayBeCandidate =
      operation === "confirm" || (operation === "roll back" && life.trial === undefined);
    this.expect(
      last === before || (mayBeCandidate && last === candidate),
      `the wrong one stays: ${what}`,
    );
    const starts = versions.filter((v) => v === candidate).length + startsBefore;
    const isTrial = life.trial !== undefined || operation === "install";
    if (isTrial && last !== candidate) {
      this.figures.trialStarts = Math.max(this.figures.trialStarts, starts);
      this.expect(starts <= ATTEMPTS, `${starts} starts without confirmation: ${what}`);
    }
    this.judgeValues(operation, seen, last === candidate && isTrial, candidate);
    const written = this.device.bytesProgrammed;
    this.boot();
    const bytes = this.device.bytesProgrammed - written;
    this.figures.settledBytes = Math.max(this.figures.settledBytes, bytes);
    this.expect(bytes === 0, `a settled boot wrote ${bytes} bytes`);
  }
  /** The confirmed version has its calibration, the one on trial its own. */
  private judgeValues(
    operation: Operation,
    seen: readonly Seen[],
    isConfirmed: boolean,
    candidate: number | undefined,
  ): void {
    const { life } = this;
    const tried = operation === "install" ? life.kept : (life.tried ?? life.kept);
    for (const { version, kept } of seen) {
      const isCandidate =
        version === candidate && (life.trial !== undefined || operation === "install");
      const wanted = isCandidate ? tried : life.kept;
      this.expect(
        kept === wanted,
        `version ${version} starts from ${kept}, not ${wanted}${isConfirmed ? ", confirmed" : ""}`,
      );
    }
  }

  private cutEverywhere(operation: Operation): void {
    const start = this.save();
    const stride = this.plan.isSparse ? 8 : 1;
    for (let after = 0; !this.isLost; after += 1 + this.random.below(stride)) {
      let isCut = false;
      for (const tear of TEARS) {
        this.place = `${operation}, byte ${after} ${tear.name}`;
        this.restore(start);
        isCut = this.isCut(after, tear, () => this.act(operation));
        if (!isCut) break;
        this.figures.cuts++;
        this.afterCut(operation, tear);
      }
      if (!isCut) break;
    }
    this.restore(start);
  }
  private afterCut(operation: Operation, tear: TornBy): void {
    const { life } = this;
    const ran = operation === "install" && this.running() === life.next ? 1 : 0;
    const ranOnBoot = operation === "boot" && this.running() === life.trial ? 1 : 0;
    let starts = (operation === "install" ? 0 : life.starts) + ran + ranOnBoot;
    if (this.random.below(4) === 0) {
      const candidate = operation === "install" ? life.next : life.trial;
      const isCut = this.isCut(this.random.below(BOOT_BYTES), tear, () => this.boot());
      if (isCut) this.figures.bootCuts++;
      if (candidate !== undefined && this.running() === candidate) starts++;
    }
    const first = this.boot();
    this.checkSlots(tear.name === "old");
    this.judge(operation, starts, [first]);
    if (operation === "install" && this.random.below(4) === 0) this.tryDamaged();
  }

  /** Each bit of each record changes by itself: the same apps come up, with their calibration, and come to rest. */
  private rot(): void {
    const start = this.save();
    const before = this.bootsText();
    const { bytes } = this.device;
    for (const at of systemCells(this.device, storeFor(this.plan.medium, KEYS))) {
      for (let bit = 0; bit < 64; bit++) {
        this.place = `bit ${bit} of the word at ${at}`;
        this.restore(start);
        bytes[at + (bit >> 3)] = (bytes[at + (bit >> 3)] as number) ^ (1 << (bit & 7));
        const found = this.bootsText();
        this.expect(found === before, `boots ran ${found}, not ${before}`);
        this.figures.rotBits++;
      }
    }
    this.restore(start);
  }
  /** What boots run until a trial is over, and what one more writes. */
  private bootsText(): string {
    const seen = Array.from({ length: BOOTS }, () => this.boot());
    const written = this.device.bytesProgrammed;
    this.boot();
    const runs = seen.map(({ version, kept }) => `${version} with ${kept}`).join(", ");
    return `${runs}, then ${this.device.bytesProgrammed - written} B written`;
  }

  private step(): void {
    const operation = this.chooseOperation();
    this.cutEverywhere(operation);
    this.place = operation;
    const result = this.act(operation);
    this.expect(result >= 0, `refused: ${result}`);
    this.rest();
    this.adopt(operation);
    const wanted = this.life.trial ?? this.life.confirmed;
    this.expect(this.running() === wanted, `version ${this.running()} runs, not ${wanted}`);
    if (this.random.below(2) === 0) this.calibrate();
    this.figures.operations++;
  }

  run(): ActivationFigures {
    this.begin();
    while (this.figures.cuts < this.plan.cuts && !this.isLost) this.step();
    if (!this.isLost) this.rot();
    return this.figures;
  }
}

/** Runs one plan on a node of its own. */
export async function proveActivation(plan: ActivationPlan): Promise<ActivationFigures> {
  return (await ActivationRig.open(plan)).run();
}
