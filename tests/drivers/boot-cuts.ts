// Power cuts at random cycles while a board comes up from its card, or under a master: the firmware's binary, its FRAM with the app of
// before in a slot. From each state a cut leaves the board starts again with the same card or master, and must run what is meant, with
// values that were set once: none is lost, and none that an operator changed afterwards is set again.

import { crc32 } from "node:zlib";
import { Source } from "../../assembly/spec/boot.ts";
import { ManifestSelect } from "../../assembly/spec/manifest.ts";
import { TaskState } from "../../assembly/spec/node.ts";
import { BusMaster } from "../../host/client/bus/master.ts";
import { LocalNode } from "../../host/client/local-node.ts";
import { type JournalEntry, MemoryJournal } from "../../host/client/master/journal.ts";
import { PlantMaster } from "../../host/client/master/plant-master.ts";
import { f16FromNumber } from "../../host/formats/f16.ts";
import type { NodeConfig } from "../../host/formats/node-words.ts";
import type { PlantApp } from "../../host/formats/plant.ts";
import { Machine } from "../../host/node/hal.ts";
import { NvDevice } from "../../host/node/nv.ts";
import { Random } from "../oracle/random.ts";
import { BoardTransport } from "./board-transport.ts";
import { manifestOf, plantApp, plantCard } from "./card-plant.ts";
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
import { coreModule } from "./node.ts";

/** Board, and who brings it up. */
export const BOOT_BEDS = ["avr.card", "avr.master", "stm32f072.card", "stm32f072.master"] as const;
export type BootBed = (typeof BOOT_BEDS)[number];

/**
 * What a judge must find. `order`: the medium writes in another order than it is told to. `again`: what was set once is set again, from
 * a card of other content or by a master that has lost its journal. `early`: a master notes what it has not done.
 */
export type BootFault = "order" | "again" | "early";

export interface BootCutPlan {
  readonly bed: BootBed;
  readonly seed: number;
  /** Cuts at random cycles of each start-up. */
  readonly cutsOfABoot: number;
  /** Start-ups of this life, each with a newer manifest. */
  readonly startUps: number;
  readonly firmware: ChipFirmware;
  readonly fault?: BootFault;
}
export interface BootCutCounts {
  cuts: number;
  /** Different states that those cuts leave; each was started from. */
  states: number;
  boots: number;
  readonly faults: string[];
}

const CELLS = 60;
const SLOTS = { count: 3, bytes: 2048 };
const ID = 9;
const OIDS = [257, 258, 259] as const;
/** The value that an operator changes. */
const CHANGED = 1;
const OPERATOR = f16FromNumber(2000);
const WAIT_MS = 200;
const PASSES_MAX = 4;
/** One state in so many is started from once more, or with neither card nor master. */
const TRY_EACH = 4;
const FAULTS_MAX = 10;

const LOOP = "loop:\n LDI R0, 1000\n SVC 0x600\n JMP loop\n";
const VALUES = [1, 2, 3].map(
  (n) => `.value {"group":1,"id":${n},"name":"v${n}","init":1,"persist_key":${n}}\n`,
);
const versionOf = (n: number) =>
  guestOf(`${VALUES.join("")}LDI R4, ${n}\n${LOOP}.data\n.zero 300\n`, "app").image;
/** The app as it is stored at first, and its newer versions. */
const VERSIONS = Array.from({ length: 5 }, (_, n) => versionOf(n));
const OTHER = guestOf(`LDI R4, 99\n${LOOP}`, "other").image;
const CONFIG: NodeConfig = {
  id: ID,
  role: 0,
  bitRate: 0,
  baseId: 0,
  changeLevel: 0,
  sources: [Source.SD, Source.CAN],
  masterWait_ms: WAIT_MS,
  cardWait_ms: 0,
};

/** Media of a node that runs the first version from a slot. */
async function firstMemory(): Promise<Memory> {
  const memory = blankMemory([1, 2, 3, 4, 5, 6, 7, 8]);
  const machine = new Machine({ nv: new NvDevice(memory.fram) });
  const node = await LocalNode.start(await coreModule("small"), machine);
  node.formatStore(CELLS);
  node.provision.formatSlots(SLOTS.count, SLOTS.bytes);
  node.provision.activate(node.provision.stage(VERSIONS[0] as Uint8Array), { attempts: 0 });
  node.provision.setConfig(CONFIG);
  node.provision.confirmConfig();
  return memory;
}

/** What a node must be once it is up. */
interface Meant {
  /** CRC-32 of the images that run. */
  readonly images: readonly number[];
  readonly role: number;
  /** binary16 of each value. */
  readonly values: readonly number[];
}
/** What is known of a cut, besides what the media hold. */
interface Cut {
  /** Whether the operator's change may be there, and whether it must. */
  readonly mayBeChanged: boolean;
  readonly isChanged: boolean;
  /** Lines of the master's journal at that moment. */
  readonly noted: number;
}

/** One life of a board: a start-up with each newer manifest, and cuts in all of it. */
abstract class BootCuts {
  readonly counts: BootCutCounts = { cuts: 0, states: 0, boots: 0, faults: [] };
  protected readonly random: Random;
  protected version = 0;
  protected x = 0;
  private readonly known = new Set<string>();

  constructor(protected readonly plan: BootCutPlan) {
    this.random = new Random(plan.seed);
  }

  /** Card or master of the next version. */
  protected abstract prepare(): Promise<void>;
  protected abstract meant(): Meant;
  /** Starts with the card or the master, and waits until all is done. `noted`: lines of the master's journal. */
  protected abstract start(memory: Memory, noted: number): Promise<Powered>;
  /** Lines that the master's journal has at a cycle of the start-up under way. */
  protected abstract notedAt(cycle: number): number;

  protected app(): PlantApp {
    const image = VERSIONS[this.version % VERSIONS.length] as Uint8Array;
    const values = OIDS.map((oid, n) => [oid, [n + 1, this.x + n]] as const);
    return plantApp(image, "APP.HXE", { values: Object.fromEntries(values) as never });
  }
  protected wantedValues(): number[] {
    return OIDS.map((_, n) => f16FromNumber(this.x + n));
  }
  protected config(): NodeConfig {
    return { ...CONFIG, role: 1 + (this.version % 200) };
  }
  /** Powers a board up and runs it until its start-up has ended, or waits for a master. */
  protected power(memory: Memory, sd?: Uint8Array): Promise<Powered> {
    const { bed, firmware } = this.plan;
    const media = copyOf(memory);
    const chip = bed.startsWith("avr.") ? "avr" : "stm32f072";
    this.counts.boots++;
    return powerOn(chipBoard(chip, firmware, media, { sd }), media);
  }

  // ---- Looking ----

  private fault(what: string): void {
    const { bed, seed } = this.plan;
    this.counts.faults.push(`${bed}, seed ${seed}, version ${this.version}: ${what}`);
  }
  /** Why a node that is up is not what it must be. */
  private wrong({ node }: Powered, cut: Cut): string | undefined {
    const { images, role, values } = this.meant();
    const tasks = node.tasks();
    const bad = tasks.find(({ state }) => state === TaskState.FAULTED);
    const running = tasks.map(({ imageCrc }) => imageCrc).sort();
    if (bad !== undefined || String(running) !== String([...images].sort()))
      return `it runs ${running} instead of ${images}`;
    const own = node.provision.config().role;
    if (own !== role) return `it has role ${own} instead of ${role}, cut ${JSON.stringify(cut)}`;
    const found = OIDS.map((oid) => node.getValue(oid));
    const allowed = values.map((value, n) => {
      if (n !== CHANGED) return [value];
      return [...(cut.isChanged ? [] : [value]), ...(cut.mayBeChanged ? [OPERATOR] : [])];
    });
    if (found.every((value, n) => allowed[n]?.includes(value))) return undefined;
    return `values ${found} instead of ${allowed.join(" ")}, cut ${JSON.stringify(cut)}`;
  }
  /** Without card and master what is stored runs. */
  private async startAlone(memory: Memory): Promise<string | undefined> {
    const { node, machine } = await this.power(memory);
    machine.advance(2 * WAIT_MS * 1000);
    node.settle();
    const own = [this.version - 1, this.version].map((n) => VERSIONS[n % VERSIONS.length]);
    const crcs = [VERSIONS[0], ...own].map((image) => crc32(image as Uint8Array));
    const runs = node
      .tasks()
      .filter(({ imageCrc, state }) => crcs.includes(imageCrc) && state !== TaskState.FAULTED);
    return runs.length === 1 ? undefined : "alone it runs no app";
  }
  /** A start behind one that has ended changes nothing any more. */
  private async startAgain(board: Powered, cut: Cut): Promise<string | undefined> {
    const next = await this.start(board.memory(), Number.POSITIVE_INFINITY);
    if (next.journal.length > 0) return `the next start writes ${next.journal.length} bytes again`;
    return this.wrong(next, cut);
  }

  private async judge(memory: Memory, cut: Cut): Promise<string | undefined> {
    const board = await this.start(memory, cut.noted);
    const wrong = this.wrong(board, cut);
    if (wrong !== undefined) return wrong;
    const again = this.random.oneIn(TRY_EACH) ? await this.startAgain(board, cut) : undefined;
    if (again !== undefined) return `once more: ${again}`;
    return this.random.oneIn(TRY_EACH) ? this.startAlone(memory) : undefined;
  }
  private async judgeNew(memory: Memory, cut: Cut): Promise<void> {
    const key = `${digestOf(memory)} ${JSON.stringify(cut)}`;
    if (this.known.has(key)) return;
    this.known.add(key);
    this.counts.states++;
    try {
      const wrong = await this.judge(memory, cut);
      if (wrong !== undefined) this.fault(wrong);
    } catch (error) {
      this.fault(String(error));
    }
  }

  // ---- Cutting ----

  private async startUp(before: Memory): Promise<Memory> {
    const board = await this.start(before, Number.POSITIVE_INFINITY);
    const wrong = this.wrong(board, { mayBeChanged: false, isChanged: false, noted: 0 });
    if (wrong !== undefined) throw new Error(`without a cut: ${wrong}`);
    const changing = board.now;
    setAndSave(board, OIDS[CHANGED], OPERATOR); // as an operator does
    const changed = board.now;
    const journal = this.plan.fault === "order" ? reversed(board.journal) : board.journal;
    const noted = (cycle: number) => this.notedAt(cycle);
    for (let n = 0; n < this.plan.cutsOfABoot && this.counts.faults.length < FAULTS_MAX; n++) {
      const cycle = cutCycle(journal, { start: 0, end: changed }, this.random);
      this.counts.cuts++;
      const [mayBeChanged, isChanged] = [cycle >= changing, cycle >= changed];
      const cut = { mayBeChanged, isChanged, noted: noted(cycle) };
      await this.judgeNew(memoryAt(before, journal, cycle, this.random), cut);
    }
    // nothing is cut after the operator's change more often than it is made: the state behind it counts, too
    const whole = { mayBeChanged: true, isChanged: true, noted: noted(changed) };
    this.counts.cuts++;
    await this.judgeNew(board.memory(), whole);
    return board.memory();
  }

  async run(): Promise<BootCutCounts> {
    let memory = (await this.power(await firstMemory())).memory();
    for (let n = 0; n < this.plan.startUps; n++) {
      this.version++;
      this.x = this.random.below(1000);
      await this.prepare();
      memory = await this.startUp(memory);
    }
    return this.counts;
  }
}

// ---- From a card ----

class CardCuts extends BootCuts {
  private card = new Uint8Array(0);
  private otherCard = new Uint8Array(0);

  private cardOf(version: number): Uint8Array<ArrayBuffer> {
    const app = this.app();
    const select = { kind: ManifestSelect.ID, number: ID } as const;
    const cardWait_ms = version === this.version ? 0 : 5000;
    const config = { ...this.config(), sources: [Source.SD], masterWait_ms: 0, cardWait_ms };
    const manifest = manifestOf([app, plantApp(OTHER, "OTHER.HXE")], { version, config, select });
    const image = VERSIONS[this.version % VERSIONS.length] as Uint8Array;
    return Uint8Array.from(plantCard(manifest, { "APP.HXE": image, "OTHER.HXE": OTHER }));
  }
  protected async prepare(): Promise<void> {
    this.card = this.cardOf(this.version);
    this.otherCard = this.plan.fault === "again" ? this.cardOf(this.version + 1) : this.card;
  }
  protected meant(): Meant {
    const image = VERSIONS[this.version % VERSIONS.length] as Uint8Array;
    const images = [crc32(image), crc32(OTHER)];
    return { images, role: this.config().role, values: this.wantedValues() };
  }
  protected notedAt(): number {
    return 0;
  }
  protected start(memory: Memory, noted: number): Promise<Powered> {
    return this.power(memory, noted === 0 ? this.otherCard : this.card);
  }
}

// ---- Under a master ----

class MasterCuts extends BootCuts {
  /** What the master has noted, and at which cycle of the start-up under way. */
  private lines: { readonly cycle: number; readonly entry: JournalEntry }[] = [];

  /** What the version before has set. */
  private role = 0;

  protected async prepare(): Promise<void> {
    this.lines = [];
    if (this.saysConfig) this.role = super.config().role;
  }
  /** Every other version says nothing of the configuration: values are the last thing that is set then. */
  private get saysConfig(): boolean {
    return this.version % 2 === 1;
  }
  protected override config(): NodeConfig {
    return { ...CONFIG, id: 0, role: this.role };
  }
  protected meant(): Meant {
    const { image } = this.app();
    return { images: [image.crc], role: this.config().role, values: this.wantedValues() };
  }
  protected notedAt(cycle: number): number {
    if (this.plan.fault === "again") return 0;
    if (this.plan.fault === "early") return this.lines.length;
    return this.lines.filter((line) => line.cycle <= cycle).length;
  }

  /** The master of this version, with so much of its journal; what it notes goes to `lines` when it is the first. */
  private async master(board: Powered, noted: number): Promise<PlantMaster> {
    const isFirst = this.lines.length === 0;
    const known = this.lines.slice(0, noted).map(({ entry }) => entry);
    const journal = new MemoryJournal(known);
    const { lines } = this;
    const append = (entry: JournalEntry) => {
      journal.append(entry);
      if (isFirst) lines.push({ cycle: board.now, entry });
    };
    const select = { kind: ManifestSelect.ID, number: ID } as const;
    const app = this.app();
    const node = {
      name: "n",
      select,
      config: this.saysConfig ? this.config() : undefined,
      apps: [app],
    };
    const image = VERSIONS[this.version % VERSIONS.length] as Uint8Array;
    const master = await BusMaster.open(new BoardTransport(board.machine), { slot: 0 });
    return new PlantMaster(master, {
      plant: { name: "bench", version: this.version, nodes: [node] },
      images: new Map([[app.image.crc, image]]),
      journal: { entries: journal.entries, append },
      repairs: true,
      tell: () => {},
    });
  }
  protected async start(memory: Memory, noted: number): Promise<Powered> {
    const board = await this.power(memory);
    const master = await this.master(board, noted);
    let passes = 0;
    while (!(await master.pass()))
      if (++passes === PASSES_MAX) throw new Error("the master does not bring it up");
    board.node.settle(); // what it was told to start last
    return board;
  }
}

/** One life of a board that comes up with newer and newer manifests, and loses its power at random cycles. */
export function cutBoots(plan: BootCutPlan): Promise<BootCutCounts> {
  const life = plan.bed.endsWith(".card") ? new CardCuts(plan) : new MasterCuts(plan);
  return life.run();
}
