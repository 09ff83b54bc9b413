// Boot list and configuration of a node, changed, confirmed and rolled back with the power cut before every byte, and what
// the node has at the next power-ons.

import { CONFIG_APP, CONFIG_WORDS } from "../../assembly/spec/boot.ts";
import { Err } from "../../assembly/spec/errors.ts";
import { APP_RECORD_BOOT_OFF } from "../../assembly/spec/node.ts";
import { Core, type CoreExports } from "../../host/node/core.ts";
import { Machine } from "../../host/node/hal.ts";
import type { NvDevice } from "../../host/node/nv.ts";
import { Random } from "../oracle/random.ts";
import { compileModule, type Fault } from "../probes/compile.ts";
import { blankDevice, coreOf, type Medium, storeFor, systemCells } from "./media.ts";
import { isCutIn, TEARS, type TornBy } from "./tears.ts";

export interface WordsPlan {
  readonly medium: Medium;
  readonly seed: number;
  /** Ends with the operation that reaches this many cuts. */
  readonly cuts: number;
  readonly fault?: Fault;
}

export interface WordsFigures {
  cuts: number;
  /** Cuts inside the boot after a cut. */
  bootCuts: number;
  boots: number;
  operations: number;
  /** Bits of words that were changed, one at a time. */
  rotBits: number;
  /** Boots that ended with a configuration which nobody confirmed, at most, after one change. */
  trialBoots: number;
  /** Each tells how to come to it again. */
  violations: string[];
}

/** Two copies of the configuration, the record and the boot words of four apps take 17. */
const KEYS = 30;
const APPS = 4;
const BOOTS = 4;
const POLLS_MAX = 20_000;
const VIOLATIONS_MAX = 5;
/** Bytes of the boot after a cut before which the power is cut again. */
const BOOT_BYTES = 12;
/** Words of which a change could cut the node off: id and role, bit rate, base id. */
const RISKY_WORDS = 3;

type Operation = "boot word" | "safe" | "risky" | "boot" | "confirm" | "roll back";

/** What the node should be. */
interface Life {
  /** The configuration nobody needs to confirm. */
  readonly config: readonly number[];
  /** The one on trial, and the starts it has left. */
  readonly trial: { readonly config: readonly number[]; readonly starts: number } | undefined;
  /** Boot word of each app. */
  readonly boot: readonly number[];
}

/** What a boot finds, as text to be compared. */
const seenText = (config: readonly number[], boot: readonly number[]) =>
  `${config.join(",")} boot ${boot.join(",")}`;

/** The life after one boot. */
function bootOf(life: Life): Life {
  if (life.trial === undefined) return life;
  const { config, starts } = life.trial;
  return { ...life, trial: starts > 0 ? { config, starts: starts - 1 } : undefined };
}
/** What boots find, one after the other. */
function futureOf(life: Life): string {
  const seen: string[] = [];
  for (let next = life; seen.length < BOOTS; ) {
    next = bootOf(next);
    seen.push(seenText(next.trial?.config ?? next.config, next.boot));
  }
  return seen.join("; ");
}

class WordsRig {
  readonly figures: WordsFigures = {
    cuts: 0,
    bootCuts: 0,
    boots: 0,
    operations: 0,
    rotBits: 0,
    trialBoots: 0,
    violations: [],
  };
  private readonly random: Random;
  private life: Life = {
    config: Array<number>(CONFIG_WORDS).fill(0),
    trial: undefined,
    boot: Array<number>(APPS).fill(0),
  };
  private place = "";

  private constructor(
    private readonly core: Core,
    private readonly device: NvDevice,
    private readonly plan: WordsPlan,
  ) {
    this.random = new Random(plan.seed);
  }

  static async open(plan: WordsPlan): Promise<WordsRig> {
    const { medium } = plan;
    const device = blankDevice(medium, storeFor(medium, KEYS).bytes);
    const module = await compileModule("node", coreOf(medium), plan.fault);
    return new WordsRig(await Core.create(module, new Machine({ nv: device })), device, plan);
  }

  private get x(): CoreExports {
    return this.core.exports;
  }
  private get isLost(): boolean {
    return this.figures.violations.length >= VIOLATIONS_MAX;
  }
  private expect(isRight: boolean, what: string): void {
    if (isRight || this.isLost) return;
    const { medium, seed } = this.plan;
    const { operations } = this.figures;
    this.figures.violations.push(
      `${medium}:${seed} operation ${operations} ${this.place}: ${what}`,
    );
  }

  // ---- The node ----

  /** Polls until the job of the node has ended. */
  private settle(): number {
    for (let n = 0; n < POLLS_MAX; n++) {
      const result = this.x.hsx_provision_result();
      if (result !== Err.BUSY) return result;
      this.x.hsx_start_hold(0); // a master says START to a boot that waits for one
      this.x.hsx_poll(0);
    }
    throw new Error(`${this.place}: the node does not come to an end`);
  }
  private perform(begin: () => number): number {
    const begun = begin();
    return begun < 0 ? begun : this.settle();
  }
  /** Powers the node up; what it has then. */
  private boot(): string {
    this.x.hsx_start();
    this.settle();
    this.figures.boots++;
    this.x.hsx_node_config_get(0);
    const view = this.core.view();
    const config = Array.from({ length: CONFIG_WORDS }, (_, n) => view.getUint16(2 * n, true));
    const boot = Array.from({ length: APPS }, (_, app) => {
      this.x.hsx_provision_info(app);
      return this.core.view().getUint16(APP_RECORD_BOOT_OFF, true);
    });
    return seenText(config, boot);
  }
  private save() {
    return { device: this.device.snapshot(), memory: this.core.memory().slice() };
  }
  private restore(saved: ReturnType<WordsRig["save"]>): void {
    this.device.restore(saved.device);
    this.core.memory().set(saved.memory);
  }

  // ---- Operations ----

  private choose(): Operation {
    const { trial } = this.life;
    const free = ["boot word", "safe", "risky"] as const;
    const fresh = ["boot word", "boot", "boot", "roll back"] as const;
    const started = ["boot", "confirm", "roll back"] as const;
    const choices = trial === undefined ? free : trial.starts > 0 ? fresh : started;
    return choices[this.random.below(choices.length)] as Operation;
  }
  /** Another word than it was; 0xFFFF is none. */
  private otherWord(word: number): number {
    return (word + 1 + this.random.below(0xfffe)) % 0xffff;
  }
  /** The life after the operation. */
  private changed(operation: Operation): Life {
    const { life } = this;
    if (operation === "boot") return bootOf(life);
    if (operation === "boot word") {
      const app = this.random.below(APPS);
      return { ...life, boot: life.boot.map((w, n) => (n === app ? this.otherWord(w) : w)) };
    }
    if (operation === "roll back") return { ...life, trial: undefined };
    if (operation === "confirm")
      return { ...life, config: life.trial?.config ?? [], trial: undefined };
    if (operation === "risky") {
      const config = life.config.map((w) => this.otherWord(w));
      return { ...life, trial: { config, starts: 1 } };
    }
    const config = life.config.map((w, n) => (n < RISKY_WORDS ? w : this.otherWord(w)));
    return { ...life, config };
  }
  private act(operation: Operation, to: Life): number {
    if (operation === "boot") {
      this.boot();
      return Err.OK;
    }
    if (operation === "confirm") return this.perform(() => this.x.hsx_app_confirm(CONFIG_APP));
    if (operation === "roll back") return this.perform(() => this.x.hsx_app_rollback(CONFIG_APP));
    if (operation === "boot word") {
      const app = to.boot.findIndex((word, n) => word !== this.life.boot[n]);
      return this.perform(() => this.x.hsx_boot_set(app, to.boot[app] as number));
    }
    const words = new Uint8Array(Uint16Array.from(to.trial?.config ?? to.config).buffer);
    return this.perform(() => {
      this.core.write(words);
      return this.x.hsx_node_config_set();
    });
  }

  // ---- Cuts ----

  /** What was there before the operation holds, or what it makes; a boot that was cut may have counted, or not. */
  private judge(to: Life, tear: TornBy): void {
    const lives = [this.life, to];
    const seen: string[] = [];
    if (this.random.below(4) === 0) {
      const cut = { after: this.random.below(BOOT_BYTES), tear, random: this.random };
      const isCut = isCutIn(this.device, cut, () => seen.push(this.boot()));
      if (isCut) {
        this.figures.bootCuts++;
        lives.push(...lives.map(bootOf));
      }
    }
    while (seen.length < BOOTS) seen.push(this.boot());
    const allowed = lives.map(futureOf);
    const found = seen.join("; ");
    this.expect(allowed.includes(found), `boots found ${found}, not ${allowed.join(" or ")}`);
    this.countTrial(to.trial ?? this.life.trial, seen);
    this.judgeRest(seen.at(-1) as string);
  }
  /** Boots that had the configuration on trial without being its last word. */
  private countTrial(trial: Life["trial"], seen: readonly string[]): void {
    if (trial === undefined) return;
    const start = `${trial.config.join(",")} `;
    if (seen.at(-1)?.startsWith(start)) return;
    const boots = seen.filter((text) => text.startsWith(start)).length;
    this.figures.trialBoots = Math.max(this.figures.trialBoots, boots);
  }
  /** Nothing is left to be done, and the next change succeeds. */
  private judgeRest(last: string): void {
    const written = this.device.bytesProgrammed;
    this.expect(this.boot() === last, "it does not come to rest");
    const bytes = this.device.bytesProgrammed - written;
    this.expect(bytes === 0, `a settled boot wrote ${bytes} bytes`);
    const set = this.perform(() => this.x.hsx_boot_set(APPS - 1, 0x0042));
    this.expect(set === Err.OK, `the next change is refused: ${set}`);
    this.expect(this.boot().endsWith(",66"), "the next change is lost");
  }
  private cutEverywhere(operation: Operation, to: Life): void {
    const start = this.save();
    for (let after = 0, isCut = true; isCut && !this.isLost; after++) {
      for (const tear of TEARS) {
        this.place = `${operation}, byte ${after} ${tear.name}`;
        this.restore(start);
        const cut = { after, tear, random: this.random };
        isCut = isCutIn(this.device, cut, () => this.act(operation, to));
        if (!isCut) break;
        this.figures.cuts++;
        this.judge(to, tear);
      }
    }
    this.restore(start);
  }
  /** Each bit of each word changes by itself: the node has what it had, and once it has booted, the change is gone. */
  private rot(): void {
    const before = futureOf(this.life);
    const start = this.save();
    const { bytes } = this.device;
    for (const at of systemCells(this.device, storeFor(this.plan.medium, KEYS))) {
      for (let bit = 0; bit < 64; bit++) {
        this.place = `bit ${bit} of the word at ${at}`;
        this.restore(start);
        bytes[at + (bit >> 3)] = (bytes[at + (bit >> 3)] as number) ^ (1 << (bit & 7));
        const found = Array.from({ length: BOOTS }, () => this.boot()).join("; ");
        this.expect(found === before, `boots found ${found}, not ${before}`);
        this.figures.rotBits++;
      }
    }
    this.restore(start);
  }
  private step(): void {
    const operation = this.choose();
    const to = this.changed(operation);
    this.cutEverywhere(operation, to);
    this.place = operation;
    const result = this.act(operation, to);
    this.expect(result >= 0, `refused: ${result}`);
    this.life = to;
    this.figures.operations++;
  }

  run(): WordsFigures {
    this.x.hsx_start();
    this.settle();
    this.x.hsx_store_format(storeFor(this.plan.medium, KEYS).cells, 1, 0);
    for (let n = 0; n < 1000; n++) this.x.hsx_poll(0);
    this.settle();
    while (this.figures.cuts < this.plan.cuts && !this.isLost) this.step();
    if (!this.isLost) this.rot();
    return this.figures;
  }
}

/** Runs one plan on a node of its own. */
export async function proveWords(plan: WordsPlan): Promise<WordsFigures> {
  return (await WordsRig.open(plan)).run();
}
