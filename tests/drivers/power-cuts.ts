// Cuts the power at every byte of seeded histories of a store, and says what a node finds afterwards.

import { CellType, StoreState } from "../../assembly/spec/cell.ts";
import { Err } from "../../assembly/spec/errors.ts";
import type { Tear } from "../../host/node/nv.ts";
import type { Fault } from "../probes/compile.ts";
import { blankDevice, coreOf, GEOMETRY, isFlash, type Medium } from "./media.ts";
import { type Found, type Snapshot, StoreRig } from "./store-rig.ts";
import { isCutShort } from "./tears.ts";

/** Pages of a flash store. */
const PAGES = 3;

export interface CutPlan {
  readonly medium: Medium;
  readonly seed: number;
  /** Cells of the store, and keys that live in it. */
  readonly cells: number;
  readonly keys: number;
  /** Ends with the operation that reaches this many cuts. */
  readonly cuts: number;
  /** Then goes on, power cycled now and then, until there were this many cycles. */
  readonly powerCycles?: number;
  /** Also tries every value a torn byte can have. */
  readonly isExhaustive?: boolean;
  /** Tries random bytes for the rest of the burst only, eight times each. */
  readonly isScrambled?: boolean;
  /** The torn byte's bits read as they like until they are rewritten; five boots are compared. */
  readonly isUnsteady?: boolean;
  /** Four bits of each page of flash, behind its header, never change. */
  readonly hasStuckBits?: boolean;
  /** A design fault to be caught. */
  readonly fault?: Fault;
}

export interface CutFigures {
  cuts: number;
  /** Cuts inside the cleaning-up after a cut. */
  recoveryCuts: number;
  /** Cuts from which the history went on. */
  powerCycles: number;
  operations: number;
  /** A key that never had a value was reported unreadable: init holds, as it should, with a needless warning. */
  needlessWarnings: number;
  /** Most bytes the mount and all searches after one cut wrote. */
  recoveryBytes: number;
  /** With unsteady bits: cuts after which one of five boots found something else than the first. */
  changes: number;
  /** Each tells how to come to it again. */
  violations: string[];
}
/** Those of no cut at all. */
export function noFigures(): CutFigures {
  return {
    cuts: 0,
    recoveryCuts: 0,
    powerCycles: 0,
    operations: 0,
    needlessWarnings: 0,
    recoveryBytes: 0,
    changes: 0,
    violations: [],
  };
}

/** Operations before the first cut, so that it meets a store with a past. */
const WARM_UP_MAX = 60;

/** Boots compared after a cut that leaves unsteady bits. */
const BOOTS = 5;
/** Torn bytes tried at each byte of a recovery. */
const RECOVERY_TEARS = 3;

const RESETS_MAX = 200;

/** Room for blobs behind the cells. */
const EXTENTS = 3;
/** Violations after which a history is given up. */
const VIOLATIONS_MAX = 10;

// ---- Randomness ----

/** A 32-bit generator (xorshift) that a seed starts; each call returns 0 <= n < below. */
function randomFrom(seed: number): (below: number) => number {
  let state = Math.imul(seed + 1, 0x9e3779b1) | 1;
  return (below) => {
    state ^= state << 13;
    state ^= state >>> 17;
    state ^= state << 5;
    return (state >>> 0) % below;
  };
}

// ---- What may become of the byte in flight ----

interface TearModel {
  readonly name: string;
  readonly tear: Tear;
  readonly tail?: Tear;
}

function tearModels(random: (below: number) => number, plan: CutPlan): TearModel[] {
  const any = () => random(256);
  if (plan.isScrambled) return Array(8).fill({ name: "tail", tear: any, tail: any });
  if (plan.isUnsteady) return [{ name: "unsteady", tear: (old) => old }];
  const models: TearModel[] = [
    { name: "old", tear: (old) => old },
    { name: "erased", tear: () => 0xff },
    { name: "random", tear: () => random(256) },
    { name: "subset", tear: (old, wanted) => (old & random(256)) | (wanted & random(256)) },
    {
      name: "mix",
      tear: (old, wanted) => {
        const mask = random(256);
        return (old & ~mask) | (wanted & mask);
      },
    },
    { name: "tail", tear: () => random(256), tail: () => random(256) },
  ];
  if (plan.isExhaustive !== true) return models;
  const all = Array.from({ length: 256 }, (_, value) => ({
    name: `0x${value.toString(16)}`,
    tear: () => value,
  }));
  return [...models, ...all];
}

// ---- Operations and the model of what a store holds ----

interface Key {
  readonly type: CellType;
  readonly key: number;
}
type Model = ReadonlyMap<Key, number>;
type Operation =
  | { readonly kind: "set"; readonly key: Key; readonly value: number }
  | { readonly kind: "delete"; readonly key: Key }
  | { readonly kind: "reset"; readonly keepsFactory: boolean };

function keysOf(count: number, isLog: boolean): Key[] {
  // value keys that differ in one bit, and system words and factory values of the same numbers
  return Array.from({ length: count }, (_, n) => {
    if (n % 7 === 5) return { type: isLog ? CellType.SHADOW : CellType.BLOB, key: n };
    if (n % 5 === 4) return { type: CellType.FACTORY, key: n };
    return n % 4 === 3 ? { type: CellType.SYSTEM, key: n } : { type: CellType.VALUE, key: n + 1 };
  });
}

function nextOperation(random: (below: number) => number, keys: readonly Key[]): Operation {
  const key = keys[random(random(2) === 0 ? 2 : keys.length)] as Key; // some keys are hot
  const dice = random(100);
  if (dice < 82) return { kind: "set", key, value: random(4) === 0 ? random(4) : random(0x10000) };
  if (dice < 98) return { kind: "delete", key };
  return { kind: "reset", keepsFactory: random(2) === 0 };
}

/** A blob that stands for a number: its length and all its bytes depend on it. */
function blobOf(value: number): Uint8Array {
  const bytes = Array.from({ length: 2 + (value % 55) }, (_, n) => value + n * (value >> 8));
  return Uint8Array.from([value, value >> 8, ...bytes.slice(2)]);
}
function valueOfBlob(blob: Uint8Array | "none" | "stale"): Found {
  if (typeof blob === "string") return blob;
  const value = (blob[0] as number) | ((blob[1] as number) << 8);
  return Buffer.compare(blob, blobOf(value)) === 0 ? value : -1;
}
/** What a key has, as a number whatever its type. */
function read(rig: StoreRig, { type, key }: Key): Found {
  return type === CellType.BLOB ? valueOfBlob(rig.getBlob(key)) : rig.get(key, type);
}

function perform(rig: StoreRig, operation: Operation): number {
  if (operation.kind === "reset") return rig.reset(operation.keepsFactory);
  const { type, key } = operation.key;
  if (operation.kind === "delete") return rig.delete(key, type);
  if (type === CellType.BLOB) return rig.setBlob(key, blobOf(operation.value));
  return rig.set(key, operation.value, type);
}
function performOnModel(model: Model, operation: Operation): Model {
  if (operation.kind === "reset") {
    const stays = ([{ type }]: [Key, number]) =>
      operation.keepsFactory && type === CellType.FACTORY;
    return new Map([...model].filter(stays));
  }
  const after = new Map(model);
  if (operation.kind === "set") after.set(operation.key, operation.value);
  else after.delete(operation.key);
  return after;
}

// ---- The proof ----

/** What an app gets: an unreadable key is as good as none. */
function appValue(found: Found | undefined): number | "none" {
  return typeof found === "number" ? found : "none";
}

class CutProof {
  readonly figures = noFigures();
  private readonly random: (below: number) => number;
  private readonly keys: readonly Key[];
  private model: Model = new Map();
  private before: Model = new Map();
  private after: Model = new Map();
  private place = "";
  private isUnsteady = false;
  private resets = 0;
  private readonly isFlash: boolean;
  /** What unsteady bits read as: set bits, what was wanted. */
  private flicker: () => number;

  constructor(
    private readonly rig: StoreRig,
    private readonly plan: CutPlan,
  ) {
    this.random = randomFrom(plan.seed);
    this.isFlash = isFlash(plan.medium);
    this.keys = keysOf(plan.keys, this.isFlash);
    this.flicker = this.anyBits;
  }

  private readonly anyBits = () => this.random(256);

  run(): CutFigures {
    this.begin();
    while (this.figures.cuts < this.plan.cuts && !this.isLost) this.step(true);
    const { powerCycles = 0 } = this.plan;
    while (this.figures.powerCycles < powerCycles && !this.isLost) this.step(false);
    return this.figures;
  }

  private get isLost(): boolean {
    return this.figures.violations.length >= VIOLATIONS_MAX;
  }

  /** A store takes 255 resets of each kind; then keys are deleted instead. */
  private next(): Operation {
    const operation = nextOperation(this.random, this.keys);
    if (operation.kind !== "reset" || this.resets++ < RESETS_MAX) return operation;
    return { kind: "delete", key: this.keys[0] as Key };
  }

  private step(isCutEverywhere: boolean): void {
    const operation = this.next();
    this.before = this.model;
    this.after = performOnModel(this.model, operation);
    if (isCutEverywhere) this.cutEverywhere(operation);
    if (this.random(3) === 0) this.performCut(operation);
    else this.performWhole(operation);
    this.figures.operations++;
    if (this.random(8) === 0) this.rig.mount();
  }

  private begin(): void {
    const { rig, plan } = this;
    const { bytes } = rig.device;
    if (this.random(2) === 0) {
      for (let n = 0; n < bytes.length; n++) bytes[n] = this.random(256);
      rig.device.touched.fill(1);
    }
    if (plan.hasStuckBits) this.stickBits();
    rig.mount();
    const formatted = this.isFlash
      ? rig.format(rig.core.storeCapacity())
      : rig.format(plan.cells, 1, EXTENTS);
    if (formatted !== Err.OK) throw new Error("the device cannot be formatted");
    for (let n = this.random(WARM_UP_MAX); n > 0; n--) {
      const operation = nextOperation(this.random, this.keys);
      perform(rig, operation);
      this.model = performOnModel(this.model, operation);
    }
  }

  private stickBits(): void {
    const { device } = this.rig;
    const { eraseSize } = device.geometry;
    device.stuckBits = Array.from({ length: 4 * PAGES }, (_, n) => ({
      address: (n % PAGES) * eraseSize + 32 + this.random(eraseSize - 32),
      bit: this.random(8),
      level: n % 2 === 0 ? 0 : 1,
    }));
  }

  private expect(isRight: boolean, what: string): void {
    if (isRight) return;
    const { medium, seed } = this.plan;
    this.figures.violations.push(`${medium} seed ${seed} ${this.place}: ${what}`);
  }

  private performWhole(operation: Operation): void {
    this.place = `operation ${this.figures.operations} (${operation.kind})`;
    const done = perform(this.rig, operation);
    const isDone = done >= 0 || (operation.kind === "delete" && done === Err.NOT_FOUND);
    this.expect(isDone, `refused with ${Err[done]}`);
    this.model = this.after;
  }

  /** The history goes on from a cut, and perhaps from one in the recovery, too. */
  private performCut(operation: Operation): void {
    const models = tearModels(this.random, { ...this.plan, isExhaustive: false });
    const cutAt = (bytes: number, act: () => void) => {
      const model = models[this.random(models.length)] as TearModel;
      return this.runUntilCut(this.random(bytes), model, act);
    };
    this.place = `operation ${this.figures.operations} (${operation.kind}), power cycled`;
    if (!cutAt(10, () => perform(this.rig, operation))) {
      this.model = this.after;
      return;
    }
    this.figures.powerCycles++;
    while (this.random(2) === 0 && cutAt(14, () => this.boot())) this.figures.powerCycles++;
    this.model = this.judge(this.boot());
  }

  private cutEverywhere(operation: Operation): void {
    const start = this.rig.save();
    const models = tearModels(this.random, this.plan);
    for (let after = 0; ; after++) {
      let isCut = false;
      for (const model of models) {
        this.place = `operation ${this.figures.operations} (${operation.kind}) byte ${after} ${model.name}`;
        this.rig.restore(start);
        this.isUnsteady = this.plan.isUnsteady ?? false;
        isCut = this.runUntilCut(after, model, () => perform(this.rig, operation));
        this.isUnsteady = false;
        if (!isCut) break;
        this.figures.cuts++;
        if (this.plan.isUnsteady) this.bootUnsteady(operation);
        else this.recover(models);
      }
      if (!isCut) break;
    }
    this.rig.restore(start);
  }

  /** False: the action ended before the cut. */
  private runUntilCut(after: number, { tear, tail }: TearModel, act: () => void): boolean {
    const { device } = this.rig;
    const flicker = this.isUnsteady && { flicker: () => this.flicker() };
    const granules = this.isFlash && { isUnreadable: () => this.random(3) === 0 };
    device.cut = { after, tear, ...(tail && { tail }), ...flicker, ...granules };
    return isCutShort(device, act);
  }

  private bootUnsteady(operation: Operation): void {
    const cut = this.rig.save();
    this.bootAgain();
    if (operation.kind === "set") {
      this.comeTrueLater(cut, () => 0);
      this.comeTrueLater(cut, () => 0xff);
    }
    this.flicker = this.anyBits;
  }

  /**
   * The worst order for a value that is set: after a mount that meets the bits as `atMount` says, the first boot reads
   * what was there before; all later boots, what was wanted. What the first boot told must stay.
   */
  private comeTrueLater(cut: Snapshot, atMount: () => number): void {
    this.rig.restore(cut);
    this.flicker = atMount;
    this.rig.mount();
    this.flicker = () => 0;
    const first = this.keys.map((key) => appValue(read(this.rig, key)));
    this.flicker = () => 0xff;
    for (let n = 0; n < 2; n++) {
      const found = this.boot().map(appValue);
      this.expect(
        first.every((value, i) => found[i] === value),
        `bits that came true later changed ${first} to ${found}`,
      );
    }
  }

  /** Five boots with bits that are unsteady until they are written. */
  private bootAgain(): void {
    const first = this.boot();
    this.judge(first);
    let isChanged = false;
    for (let n = 1; n < BOOTS; n++) {
      const found = this.boot();
      this.judge(found);
      isChanged ||= this.keys.some((_, i) => appValue(found[i]) !== appValue(first[i]));
    }
    if (isChanged) this.figures.changes++;
  }

  /** The first boot, one cut inside it, the second boot, and the next write. */
  private recover(models: readonly TearModel[]): void {
    const found = this.rig.save();
    const written = this.rig.device.bytesProgrammed;
    const first = this.boot();
    const wrote = this.rig.device.bytesProgrammed - written;
    this.figures.recoveryBytes = Math.max(this.figures.recoveryBytes, wrote);
    this.judge(first);
    if (wrote > 0) this.cutRecovery(found, wrote, models);
    const second = this.boot();
    const isSame = this.keys.every((_, n) => second[n] === first[n]);
    this.expect(isSame, "the second boot differs from the first");
    this.writeNext(second);
  }

  private boot(): Found[] {
    const state = this.rig.mount();
    this.expect(state === StoreState.READY, `the store is ${StoreState[state]}`);
    if (state !== StoreState.READY) return [];
    return this.keys.map((key) => read(this.rig, key));
  }

  /** Every key has its old value or its new one, and one operation's keys agree. */
  private judge(found: readonly Found[]): Model {
    const isModel = (model: Model) =>
      this.keys.every((key, n) => this.isHeld(found[n], model.get(key)));
    if (isModel(this.before)) return this.before;
    if (isModel(this.after)) return this.after;
    const list = this.keys.map(
      (key, n) =>
        `${CellType[key.type]} ${key.key}=${found[n]} (${this.before.get(key)}, ${this.after.get(key)})`,
    );
    this.expect(false, `neither old nor new: ${list.join(" ")}`);
    return this.after;
  }
  private isHeld(found: Found | undefined, value: number | undefined): boolean {
    if (value !== undefined) return found === value;
    if (found === "stale") this.figures.needlessWarnings++;
    return found === "none" || found === "stale";
  }

  private cutRecovery(found: Snapshot, bytes: number, models: readonly TearModel[]): void {
    const done = this.rig.save();
    const { place } = this;
    for (let n = 0; n < bytes * RECOVERY_TEARS; n++) {
      const after = Math.floor(n / RECOVERY_TEARS);
      const model = models[this.random(models.length)] as TearModel;
      this.place = `${place}, byte ${after} of recovery ${model.name}`;
      this.rig.restore(found);
      if (!this.runUntilCut(after, model, () => this.boot())) break;
      this.figures.recoveryCuts++;
      this.judge(this.boot());
    }
    this.place = place;
    this.rig.restore(done);
  }

  private writeNext(found: readonly Found[]): void {
    const n = this.random(this.keys.length);
    const key = this.keys[n] as Key;
    const value = typeof found[n] === "number" ? found[n] ^ 1 : 1;
    const done = perform(this.rig, { kind: "set", key, value });
    this.expect(done >= 0, "the next write is refused");
    this.rig.mount();
    this.expect(read(this.rig, key) === value, "the next write is lost");
    this.expect(this.rig.device.misprogrammed === 0, "a granule was programmed twice");
    this.rig.device.misprogrammed = 0;
  }
}

/** Runs one plan on a store of its own. */
export async function proveCuts(plan: CutPlan): Promise<CutFigures> {
  const { medium, cells, fault } = plan;
  const size = isFlash(medium) ? GEOMETRY[medium].eraseSize * PAGES : 32 + 8 * cells + EXTENTS * 64;
  const rig = await StoreRig.open(blankDevice(medium, size), coreOf(medium), fault);
  return new CutProof(rig, plan).run();
}
