// Random lives of calibrated apps on one node: set, saved, upgraded on trial, confirmed, rolled back, with the power cut
// anywhere. Activation is played here: its record is one variable, changed at once.

import { crc32 } from "node:zlib";
import { CellType } from "../../assembly/spec/cell.ts";
import { Err } from "../../assembly/spec/errors.ts";
import {
  CELL_RECORD_KEY_OFF,
  CELL_RECORD_TYPE_OFF,
  CELL_RECORD_VALUE_OFF,
} from "../../assembly/spec/node.ts";
import { f16FromNumber, f16ToNumber } from "../../host/formats/f16.ts";
import { Core, type CoreExports } from "../../host/node/core.ts";
import { Machine } from "../../host/node/hal.ts";
import { type NvDevice, type NvSnapshot, PowerCut, type Tear } from "../../host/node/nv.ts";
import { type App, CalibrationModel, type Declared, type Stored } from "../oracle/calibration.ts";
import { Random } from "../oracle/random.ts";
import { compileModule, type Fault } from "../probes/compile.ts";
import { guestOf } from "./guest.ts";
import { blankDevice, coreOf, type Medium, storeFor } from "./media.ts";

interface Exports extends CoreExports {
  start(): void;
  shadowBegin(pid: number): number;
  shadowDrop(): void;
  shadowIsSettled(): number;
  shadowMerge(): void;
}

export interface CalibrationPlan {
  readonly medium: Medium;
  readonly seed: number;
  readonly sequences: number;
  /** Also cuts the end of trials, and changes of units, before every byte. */
  readonly isSpecial?: boolean;
  readonly fault?: Fault;
}
export interface CalibrationFigures {
  sequences: number;
  operations: number;
  upgrades: number;
  confirmed: number;
  rolledBack: number;
  cuts: number;
  /** Differences from the model. Each tells the seed of its sequence. */
  differences: string[];
}

// ---- The apps ----

const CELLS = 64;
const KEYS = 3;
const UNITS = ["", "bar", "psi", "kPa"];
const VERSIONS = 8;
const DIFFERENCES_MAX = 5;
/** More bytes than the end of a trial of KEYS values writes. */
const BYTES_OF_AN_END = 120;
const BYTES_OF_SAVES = 80;
const POLLS_OF_A_SAVE = 13;
const BYTES_OF_AN_EARLY_END = 40;
/** Key of the app that is never on trial. */
const OTHER_KEY = 0x300;
const OPERATIONS_MAX = 14;
/** Longer than any debounce here, in ms. */
const restOf = (medium: Medium) => (medium === "fram" ? 300 : 70_000);

const ANY: Declared = { unit: undefined, init: 0, min: 0, max: 0 };
const free = (unit: string | undefined, init: number): Declared => ({ ...ANY, unit, init });
const OTHER: App = [{ ...ANY, unit: "V", init: 3 }];

/** Apps that differ in units, limits and starts. */
function appsOf(): App[] {
  const random = new Random(4711);
  return Array.from({ length: VERSIONS }, () =>
    Array.from({ length: KEYS }, (): Declared => {
      const declared = free(random.pick(UNITS) || undefined, random.below(9));
      return random.oneIn(3) ? { ...declared, min: -4, max: 40 } : declared;
    }),
  );
}
function imageOf(app: App, group: number, name: string): Uint8Array {
  const values = app.map(({ unit, init, min, max }, n) => ({
    group,
    id: n,
    name: `v${n}`,
    init,
    min,
    max,
    ...(unit === undefined ? {} : { unit }),
    persist_key: keyOf(group, n),
  }));
  const code = "loop:\n LDI32 R0, 0x7FFFFFFF\n SVC 0x600\n JMP loop\n";
  return guestOf(`.value ${JSON.stringify(values)}\n${code}`, name).image;
}
const keyOf = (group: number, n: number) => (group === 1 ? 0x100 + n : OTHER_KEY + n);
const oidOf = (group: number, n: number) => (group << 8) | n;

const APPS = appsOf();

/** CRC-32 of the unit, low half: docs/persistence.md, "Meaning". */
const MEANINGS = new Map([...UNITS, "V"].map((unit) => [crc32(unit) & 0xffff, unit]));

// ---- The node ----

type Activation =
  | { readonly state: "confirmed"; readonly app: number }
  | { readonly state: "trial" | "rolling-back"; readonly app: number; readonly before: number };

class Difference extends Error {}

class Life {
  private readonly x: Exports;
  private readonly core: Core;
  private record: Activation = { state: "confirmed", app: 0 };
  private model: CalibrationModel;
  private other: CalibrationModel;
  private pid = 0;
  private isLateConfirm = false;
  readonly log: string[] = [];

  constructor(
    private readonly rig: CalibrationRig,
    private readonly random: Random,
  ) {
    this.core = rig.core;
    this.x = rig.core.exports as Exports;
    this.model = new CalibrationModel(APPS[0] as App);
    this.other = new CalibrationModel(OTHER);
  }

  // ---- Time ----

  private poll(budget = 0): void {
    this.x.hsx_poll(budget);
    this.rig.machine.advance(10);
  }
  private pollUntil(isDone: () => boolean): void {
    for (let n = 0; !isDone(); n++) {
      if (n > 100_000) throw new Difference("the node does not come to an end");
      this.poll();
    }
  }
  private rest(): void {
    const end = this.rig.machine.now_us + restOf(this.rig.medium) * 1000;
    while (this.rig.machine.now_us < end) {
      this.poll(100);
      const rest = Math.min(this.x.hsx_rest() >>> 0, 100_000);
      this.rig.machine.advance(Math.min(rest * 1000, Math.max(end - this.rig.machine.now_us, 0)));
    }
  }

  // ---- Node ----

  private load(image: Uint8Array, replaced: number): number {
    const err = this.x.hsx_load_begin(image.length, replaced, 0, 0, 0);
    if (err < 0) throw new Error(`load: ${Err[err]}`);
    for (let at = 0; at < image.length; at += 256) {
      const sent = this.x.hsx_load_data(this.core.write(image.subarray(at, at + 256)));
      if (sent < 0) throw new Error(`load: ${Err[sent]}`);
    }
    this.pollUntil(() => this.x.hsx_load_result() !== Err.BUSY);
    const pid = this.x.hsx_load_result();
    if (pid < 0) throw new Error(`load: ${Err[pid]}`);
    this.poll(100); // it goes to sleep
    return pid;
  }
  private values(group: number, count: number): number[] {
    return Array.from({ length: count }, (_, n) =>
      f16ToNumber(this.x.hsx_value_get(oidOf(group, n))),
    );
  }
  private cells(): Map<number, Stored> {
    const found = new Map<number, { value?: number; unit?: string; shadow?: number }>();
    for (let from = 0; ; ) {
      const cell = this.x.hsx_store_next(from);
      if (cell < 0) break;
      from = cell + 1;
      const view = this.core.view();
      const key = view.getUint16(CELL_RECORD_KEY_OFF, true);
      const value = view.getUint16(CELL_RECORD_VALUE_OFF, true);
      const entry = found.get(key) ?? {};
      const type = view.getUint8(CELL_RECORD_TYPE_OFF);
      if (type === CellType.VALUE) entry.value = f16ToNumber(value);
      if (type === CellType.SHADOW) entry.shadow = f16ToNumber(value);
      if (type === CellType.MEANING && value !== 0xffff) entry.unit = MEANINGS.get(value) ?? "?";
      found.set(key, entry);
    }
    return found as Map<number, Stored>;
  }

  // ---- What is checked ----

  private must(wrong: string | undefined): void {
    if (wrong !== undefined) throw new Difference(wrong);
  }
  private compare(): void {
    this.pollUntil(() => this.x.hsx_rest() !== 0);
    const cells = this.cells();
    const none = { value: undefined, unit: undefined, shadow: undefined };
    this.must(this.model.compare(APPS[0]?.map((_, n) => cells.get(keyOf(1, n)) ?? none) ?? []));
    this.must(this.other.compare([cells.get(OTHER_KEY) ?? none]));
  }

  // ---- Power-on ----

  private start(): void {
    this.rig.device.powerOn();
    this.x.start();
    this.pollUntil(() => this.x.hsx_rest() !== 0);
  }
  private boot(): void {
    this.start();
    if (this.record.state === "rolling-back") this.endRollBack();
    if (this.record.state === "confirmed") this.x.shadowMerge();
    const { app } = this.record;
    this.must(this.other.restored(OTHER, this.loadOther()));
    if (this.record.state === "trial") this.begin();
    this.pid = this.load(this.rig.images[app] as Uint8Array, 0);
    this.must(this.model.restored(APPS[app] as App, this.values(1, KEYS)));
    this.isLateConfirm = false;
  }
  private loadOther(): number[] {
    this.pid = this.load(this.rig.other, 0);
    return this.values(2, 1);
  }
  /** Puts the app that is loaded next on trial. */
  private begin(): void {
    if (this.x.shadowBegin(this.pid + 1) < 0) throw new Difference("a trial cannot begin");
  }

  // ---- Operations ----

  private set(): void {
    const k = this.random.below(KEYS + 1);
    const [group, n, model] = k === KEYS ? [2, 0, this.other] : [1, k, this.model];
    const value = this.random.below(50) - 5;
    if (this.x.hsx_value_set(oidOf(group as number, n as number), f16FromNumber(value)) < 0) return;
    this.log.push(`set ${group}:${n} ${value}`);
    (model as CalibrationModel).set(n as number, value);
  }
  private settle(): void {
    this.log.push("rest");
    this.rest();
    this.model.settle();
    this.other.settle();
    this.compare();
  }
  private upgrade(app = this.random.below(VERSIONS)): void {
    if (this.record.state !== "confirmed") return;
    this.pollUntil(() => this.x.shadowIsSettled() !== 0);
    this.log.push(`upgrade to ${app}`);
    this.rig.figures.upgrades++;
    this.record = { state: "trial", app, before: this.record.app };
    this.model.isTrial = true;
    this.begin();
    this.pid = this.load(this.rig.images[app] as Uint8Array, this.pid);
    this.must(this.model.replaced(APPS[app] as App, true, this.values(1, KEYS)));
  }
  private confirm(): void {
    if (this.record.state !== "trial") return;
    this.log.push("confirm");
    this.rig.figures.confirmed++;
    this.record = { state: "confirmed", app: this.record.app };
    this.isLateConfirm = true;
    this.model.confirm();
    this.x.shadowMerge();
    if (this.random.oneIn(2)) this.pollUntil(() => this.x.shadowIsSettled() !== 0);
  }
  private rollBack(): void {
    if (this.record.state !== "trial") return;
    this.log.push("roll back");
    this.rig.figures.rolledBack++;
    const { app, before } = this.record;
    this.record = { state: "rolling-back", app, before };
    this.model.rollBack();
    this.endRollBack();
    this.pid = this.load(this.rig.images[before] as Uint8Array, this.pid);
    this.must(this.model.restored(APPS[before] as App, this.values(1, KEYS)));
  }
  private endRollBack(): void {
    if (this.record.state !== "rolling-back") return;
    this.x.shadowDrop();
    this.pollUntil(() => this.x.shadowIsSettled() !== 0);
    this.record = { state: "confirmed", app: this.record.before };
  }

  /** The node starts again; what was not saved is lost. */
  private restart(): void {
    if (this.isLateConfirm) this.model.confirmLate();
    this.model.lose();
    this.other.lose();
    this.boot();
  }
  private operate(): void {
    const dice = this.random.below(100);
    if (dice < 40) this.set();
    else if (dice < 60) this.settle();
    else if (dice < 74) this.upgrade();
    else if (dice < 82) this.confirm();
    else if (dice < 91) this.rollBack();
    else {
      this.log.push("restart");
      this.restart();
    }
  }
  /** What `operate` does as far as it comes before the power goes; then a boot. */
  private cutShort(after: number, mask: number, operate: () => void): void {
    const tear: Tear = (old, wanted) => (old & ~mask) | (wanted & mask);
    this.rig.device.cut = { after, tear };
    try {
      operate();
    } catch (error) {
      if (!(error instanceof PowerCut)) throw error;
      this.log.push(`cut before byte ${after}, mask ${mask}`);
      this.rig.figures.cuts++;
      this.recover();
    }
    this.rig.device.cut = undefined;
  }
  private cut(): void {
    const masks = [0, 0xff, 1 << this.random.below(8), this.random.below(256)];
    const after = this.random.below(this.random.oneIn(2) ? 12 : 120);
    this.cutShort(after, this.random.pick(masks), () => {
      if (this.random.oneIn(2)) this.operate();
      if (this.random.oneIn(2)) this.set();
      this.settle();
    });
  }
  /** Boots, and is cut again now and then. */
  private recover(): void {
    if (this.isLateConfirm) this.model.confirmLate();
    this.model.lose();
    this.other.lose();
    for (;;) {
      try {
        this.rig.device.powerOn();
        if (this.random.oneIn(3))
          this.rig.device.cut = { after: this.random.below(60), tear: (old) => old };
        this.boot();
        return;
      } catch (error) {
        if (!(error instanceof PowerCut)) throw error;
        this.log.push("cut again");
        this.rig.figures.cuts++;
        if (this.record.state === "confirmed") this.model.confirmLate();
        this.model.lose();
        this.other.lose();
      }
    }
  }
  /** The end of a trial, cut short at one byte, and another trial that must know nothing of it. */
  endTrial(isConfirmed: boolean, after: number, mask: number): void {
    this.boot();
    this.setAll();
    this.settle();
    this.upgrade(0);
    this.setAll();
    this.settle();
    this.cutShort(after, mask, () => {
      if (isConfirmed) this.confirm();
      else this.rollBack();
      this.settle();
    });
    this.upgrade(0);
    this.restart();
    this.settle();
  }

  private setAll(): void {
    for (let n = 0; n < 3 * KEYS; n++) this.set();
  }
  /** The first saves of an app that came with other units, cut short at one byte. */
  changeUnits(app: number, after: number, mask: number): void {
    this.boot();
    this.setAll();
    this.settle();
    this.upgrade(app);
    this.confirm();
    this.settle();
    this.setAll();
    this.cutShort(after, mask, () => this.settle());
    this.restart();
    this.settle();
  }
  /** A confirmation while what the app before had is still being saved, cut short at one byte. */
  confirmEarly(app: number, polls: number, after: number): void {
    this.boot();
    this.setAll();
    this.settle();
    this.upgrade(0);
    this.confirm(); // from here on no value knows its cell
    this.setAll();
    this.upgrade(app);
    this.poll();
    this.rig.machine.advance((this.x.hsx_rest() >>> 0) * 1000); // the first save is due
    for (let n = 0; n < polls; n++) this.poll();
    this.cutShort(after, 0xff, () => {
      this.confirm();
      this.settle();
    });
    this.settle();
  }

  live(): void {
    this.boot();
    const count = 4 + this.random.below(OPERATIONS_MAX - 4);
    for (let n = 0; n < count; n++) {
      this.rig.figures.operations++;
      if (this.random.oneIn(3)) this.cut();
      else this.operate();
    }
    this.settle();
    this.restart();
    this.settle();
  }
}

class CalibrationRig {
  readonly figures: CalibrationFigures = {
    sequences: 0,
    operations: 0,
    upgrades: 0,
    confirmed: 0,
    rolledBack: 0,
    cuts: 0,
    differences: [],
  };
  readonly images = APPS.map((app) => imageOf(app, 1, "app"));
  readonly other = imageOf(OTHER, 2, "other");
  private readonly blank: NvSnapshot;

  private constructor(
    readonly core: Core,
    readonly machine: Machine,
    readonly device: NvDevice,
    readonly medium: Medium,
  ) {
    const x = core.exports;
    x.hsx_start();
    for (let n = 0; n < 10_000; n++) this.poll();
    x.hsx_store_format(storeFor(medium, CELLS).cells, 1, 0);
    for (let n = 0; n < 100_000; n++) this.poll();
    this.blank = device.snapshot();
  }
  private poll(): void {
    this.core.exports.hsx_poll(0);
    this.machine.advance(100);
  }

  static async open({ medium, fault }: CalibrationPlan): Promise<CalibrationRig> {
    let machine: Machine | undefined;
    const clock_us = () => machine?.now_us ?? 0;
    const device = blankDevice(medium, storeFor(medium, CELLS).bytes, clock_us);
    machine = new Machine({ nv: device });
    const module = await compileModule("calibration", coreOf(medium), fault);
    const core = await Core.create(module, machine);
    return new CalibrationRig(core, machine, device, medium);
  }

  /** Cuts the end of a trial before every byte, with every bit of the torn one changed alone, with none and all. */
  runEnds(): void {
    const masks = [0, 0xff, ...Array.from({ length: 8 }, (_, bit) => 1 << bit)];
    for (const isConfirmed of [false, true]) {
      for (let after = 0; after < BYTES_OF_AN_END; after++) {
        for (const mask of masks) this.run(1, (life) => life.endTrial(isConfirmed, after, mask));
      }
    }
  }

  /** Cuts before every byte what random lives seldom meet. */
  runSpecial(): void {
    for (let app = 1; app < VERSIONS; app++) {
      for (let after = 0; after < BYTES_OF_SAVES; after++) {
        for (const mask of [0, 0xff]) this.run(app, (life) => life.changeUnits(app, after, mask));
      }
      this.runEarlyConfirmations(app);
    }
    this.runEnds();
  }
  /** A poll does one step of a save at most, so that a confirmation comes before and after each. */
  private runEarlyConfirmations(app: number): void {
    for (let polls = 0; polls < POLLS_OF_A_SAVE; polls++) {
      for (let after = 0; after < BYTES_OF_AN_EARLY_END; after++)
        this.run(app, (life) => life.confirmEarly(app, polls, after));
    }
  }

  run(seed: number, live: (life: Life) => void = (life) => life.live()): void {
    if (this.figures.differences.length >= DIFFERENCES_MAX) return;
    this.device.restore(this.blank);
    const life = new Life(this, new Random(seed));
    try {
      live(life);
    } catch (error) {
      if (!(error instanceof Difference))
        throw new Error(`seed ${seed}: ${life.log.join(", ")}`, { cause: error });
      this.figures.differences.push(
        `${this.medium}, seed ${seed}: ${error.message}, after ${life.log.join(", ")}`,
      );
    }
    this.device.cut = undefined;
    this.figures.sequences++;
  }
}

/** Runs sequences `seed`, `seed` + 1, … against the model, until some differ. */
export async function proveCalibration(
  plan: CalibrationPlan,
  say: (done: number) => void = () => {},
): Promise<CalibrationFigures> {
  const rig = await CalibrationRig.open(plan);
  if (plan.isSpecial) rig.runSpecial();
  for (let n = 0; n < plan.sequences; n++) {
    rig.run(plan.seed + n);
    if (rig.figures.differences.length >= DIFFERENCES_MAX) break;
    if (n % 1000 === 0) say(n);
  }
  return rig.figures;
}
