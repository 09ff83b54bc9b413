// Random lives of a bus: a calibrated app on every node, the next version by broadcast, and meanwhile lost frames, power cuts and a
// master that vanishes. What may never happen: an outcome nobody reports, calibration that is lost, a node without its app, a leak.

import { crc32 } from "node:zlib";
import { TaskState } from "../../assembly/spec/node.ts";
import type { Bench } from "../../host/client/bench/bench.ts";
import { CoreNode } from "../../host/client/bench/core-node.ts";
import type { SimTransport } from "../../host/client/bench/sim-transport.ts";
import type { LoadJob } from "../../host/client/bus/load.ts";
import { isGood, type NodeLoad } from "../../host/client/bus/load-state.ts";
import { BusMaster } from "../../host/client/bus/master.ts";
import { Random } from "../oracle/random.ts";
import { type BusBench, idsOf, kindsOf, openBusBench } from "./bus-bench.ts";
import { guestOf } from "./guest.ts";

export interface BusRunPlan {
  readonly seed: number;
  readonly nodes: number;
  /** Bytes of code behind the app's loop. */
  readonly padding?: number;
}

export interface BusRunCounts {
  runs: number;
  cuts: number;
  lostMasters: number;
  /** Nodes that got the next version, by their report. */
  loaded: number;
  /** What may never happen, in words. */
  readonly faults: string[];
}

/** Of most lives: two windows. */
const PADDING = 1200;
const OID = 0x0101;
const SLOTS = { count: 3, bytes: 9216 };
const LOSSES = [0, 0.001, 0.01, 0.05];
const FRAM_BYTES = 32_768;
/** Loss begins when every node is up and was heard. */
const LOSS_FROM_MS = 1000;
const SETTLE_US = 1_500_000;
/** A node gives a load up that it hears nothing of for 3 s. */
const GIVE_UP_US = 6_000_000;
/** Power cuts of a life at most. */
const FEW_CUTS = 3;
const MANY_CUTS = 12;
/** Virtual time in which cuts come. */
const CUT_WITHIN_MS = 150;
const DARK_MOST_MS = 300;

function version(number: number, padding: number): Uint8Array {
  const value = `{"group":1,"id":1,"name":"trim","flags":"PERSIST","init":0,"persist_key":257}`;
  const filler = Array.from(
    { length: padding / 4 },
    (_, n) => `LDI R${n % 12}, ${(n * 37 + number) % 2000}`,
  );
  const loop = `start:\nLDI R0, ${1000 + number}\nSVC 0x600\nJMP start`;
  return guestOf(`.app "trim"\n.value ${value}\n.text\n.entry start\n${loop}\n${filler.join("\n")}`)
    .image;
}

/** binary16 of a small integer: the calibration of node n. */
function calibrationOf(id: number): number {
  const exponent = Math.floor(Math.log2(id));
  return ((exponent + 15) << 10) | Math.round((id / 2 ** exponent - 1) * 1024);
}

function coreOf(bench: Bench, id: number): CoreNode {
  const node = bench.node(id);
  if (node instanceof CoreNode) return node;
  throw new Error(`node ${id} is no core in this process`);
}

/** Every node runs the first version from a slot and is calibrated. */
async function prepare(image: Uint8Array, ids: readonly number[]): Promise<Uint8Array[]> {
  const kinds = kindsOf("small", ids.length);
  const { bench, master } = await openBusBench({ kinds, slots: SLOTS, fram: FRAM_BYTES });
  const report = await master.load({ image, nodes: ids, place: "slot" });
  if (!report.nodes.every(isGood)) throw new Error(`not prepared: ${JSON.stringify(report.nodes)}`);
  for (const id of ids) {
    const { local } = coreOf(bench, id);
    local.setValue(OID, calibrationOf(id));
    local.saveValue(OID);
  }
  bench.run_us(SETTLE_US);
  return ids.map((id) => {
    coreOf(bench, id).powerOff();
    return coreOf(bench, id).fram;
  });
}

/** What nodes hold when a life begins, by bytes of padding: made once, for as many nodes as were asked for. */
const prepared = new Map<number, Promise<Uint8Array[]>>();

async function mediaFor(plan: Required<BusRunPlan>): Promise<Uint8Array[]> {
  const { nodes, padding } = plan;
  const known = await prepared.get(padding);
  if (known !== undefined && known.length >= nodes) return known.slice(0, nodes);
  const making = prepare(version(1, padding), idsOf(nodes));
  prepared.set(padding, making);
  return making;
}

/** The transport throws behind so many frames: the master is gone. */
function vanishBehind(transport: SimTransport, frames: number): void {
  let sent = 0;
  const send = transport.send.bind(transport);
  transport.send = async (frame) => {
    if (++sent > frames) throw new Error("the master is gone");
    return send(frame);
  };
}

class BusRun {
  private readonly random: Random;
  private readonly ids: readonly number[];
  private readonly first: Uint8Array;
  private readonly next: Uint8Array;
  private loads: readonly NodeLoad[] | undefined;
  private bus!: BusBench;
  private free!: readonly number[];

  constructor(
    private readonly plan: Required<BusRunPlan>,
    private readonly counts: BusRunCounts,
  ) {
    const { seed, nodes, padding } = plan;
    this.random = new Random(seed);
    this.ids = idsOf(nodes);
    this.first = version(1, padding);
    this.next = version(2, padding);
  }

  async run(): Promise<void> {
    const { seed, nodes } = this.plan;
    const loss = this.random.pick(LOSSES);
    const media = await mediaFor(this.plan);
    const kinds = kindsOf("small", nodes);
    this.bus = await openBusBench({
      kinds,
      loss,
      lossFrom_ms: LOSS_FROM_MS,
      seed,
      slots: SLOTS,
      media,
    });
    await this.bus.master.link.sleep(LOSS_FROM_MS * 1000 - this.bus.master.link.now_us);
    this.free = this.ids.map((id) => coreOf(this.bus.bench, id).local.memory().freeBytes);
    this.planCuts();
    await this.load();
    for (const id of this.ids) coreOf(this.bus.bench, id).powerOn();
    this.bus.bench.run_us(GIVE_UP_US);
    for (const id of this.ids) this.judge(id);
    if (this.loads === undefined) {
      await this.succeed();
      for (const id of this.ids) this.judge(id);
    }
    this.counts.runs++;
  }

  private planCuts(): void {
    const { clock } = this.bus.bench.timeline;
    const most = this.random.oneIn(4) ? MANY_CUTS : FEW_CUTS;
    for (let n = this.random.below(most + 1); n > 0; n--) {
      const node = coreOf(this.bus.bench, this.random.pick(this.ids));
      const at_ms = this.random.below(CUT_WITHIN_MS * 100) / 100;
      const dark_ms = 1 + this.random.below(DARK_MOST_MS);
      clock.after(at_ms * 1e6, () => node.powerOff());
      clock.after((at_ms + dark_ms) * 1e6, () => node.powerOn());
      this.counts.cuts++;
    }
  }

  private async load(): Promise<void> {
    await this.bus.master.close();
    const transport = this.bus.clients.client();
    const master = await BusMaster.open(transport, { slot: 1 });
    const isLost = this.random.oneIn(4);
    if (isLost) {
      this.counts.lostMasters++;
      vanishBehind(transport, this.random.below(250));
    }
    try {
      this.loads = (await master.load(this.job)).nodes;
      this.counts.loaded += this.loads.filter(isGood).length;
    } catch (error) {
      if (!isLost) throw error;
    }
    await transport.close();
    this.bus.bench.run_us(SETTLE_US);
  }
  private get job(): LoadJob {
    return { image: this.next, nodes: this.ids, place: "slot" };
  }
  /** Whatever became of the master before, another brings the same image to every node. */
  private async succeed(): Promise<void> {
    const master = await BusMaster.open(this.bus.clients.client(), { slot: 2 });
    const { nodes } = await master.load(this.job);
    for (const load of nodes)
      if (!isGood(load))
        this.fault(load.node, `another master gets it no further than ${load.state}`);
    this.loads = nodes;
  }

  private fault(id: number, what: string): void {
    this.counts.faults.push(`seed ${this.plan.seed}, node ${id}: ${what}`);
  }
  private judge(id: number): void {
    const { local } = coreOf(this.bus.bench, id);
    const tasks = local.tasks();
    const [task] = tasks;
    const load = this.loads?.find(({ node }) => node === id);
    if (task === undefined || tasks.length > 1 || task.state === TaskState.FAULTED)
      return this.fault(id, `${tasks.length} tasks, state ${task?.state}`);
    const isNext = task.imageCrc === crc32(this.next);
    if (!isNext && task.imageCrc !== crc32(this.first)) this.fault(id, "another image");
    if (load !== undefined && isGood(load) && !isNext)
      this.fault(id, `reported ${load.state}, and runs the first version`);
    if (load !== undefined && (load.state === "refused" || load.state === "aborted") && isNext)
      this.fault(id, `reported ${load.state}, and runs the next version`);
    const value = local.getValue(OID);
    if (value !== calibrationOf(id)) this.fault(id, `calibration is 0x${value.toString(16)}`);
    const { freeBytes } = local.memory();
    const before = this.free[id - 1] as number;
    if (freeBytes !== before) this.fault(id, `${freeBytes} bytes free, ${before} before`);
  }
}

/** One life; what may never happen is added to the counts. */
export async function runBus(plan: BusRunPlan, counts: BusRunCounts): Promise<void> {
  await new BusRun({ padding: PADDING, ...plan }, counts).run();
}
export function newCounts(): BusRunCounts {
  return { runs: 0, cuts: 0, lostMasters: 0, loaded: 0, faults: [] };
}
