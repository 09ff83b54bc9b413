// A node of a bench whose core runs in this process: polled when it has something to do, never in between.

import { NEVER, ResetCause } from "../../../assembly/spec/node.ts";
import type { Stub } from "../../bus/wire.ts";
import type { BenchNodeSpec } from "../../formats/bench.ts";
import { Core } from "../../node/core.ts";
import { Machine } from "../../node/hal.ts";
import { NvDevice } from "../../node/nv.ts";
import { LocalNode } from "../local-node.ts";
import { type BenchNode, benchTime, cyclesAt, type Place } from "./bench-node.ts";

const US = 1e6;
/** Virtual time of a poll: what does not depend on instructions, and instructions it stands for. */
const POLL_US = 10;
const STEPS_PER_US = 100;
/** Instructions of a poll at most. */
const POLL_BUDGET = 1000;
/** From a reset until the core runs again. */
const RESET_NS = 1e6;

/** Its time is the bench's; who lets it pass lets the whole bench pass. */
class BenchMachine extends Machine {
  constructor(
    private readonly owner: CoreNode,
    options: ConstructorParameters<typeof Machine>[0],
  ) {
    super(options);
  }
  override get now_us(): number {
    return this.owner.local_us;
  }
  override advance(us: number): void {
    this.owner.letPass(us);
  }
}

export class CoreNode implements BenchNode {
  due_ns = Number.POSITIVE_INFINITY;
  /** What it wrote to its console. */
  onUart: ((bytes: Uint8Array) => void) | undefined;
  private machine: BenchMachine | undefined;
  private core: Core | undefined;
  private nv: NvDevice;
  private start_ns = 0;
  /** Present moment within runTo(). */
  private moment_ns = 0;
  /** When the poll under way has ended. */
  private free_ns = 0;
  private hasReset = false;

  constructor(
    readonly spec: BenchNodeSpec,
    private readonly program: { readonly module: WebAssembly.Module; readonly hash: number },
    /** What its FRAM holds; changed as it writes. */
    readonly fram: Uint8Array,
    private readonly uid: Uint8Array,
    private readonly place: Place,
  ) {
    this.nv = this.device();
  }

  private device(): NvDevice {
    return new NvDevice(this.fram, { clock_us: () => this.now_ns / 1000 });
  }
  private get now_ns(): number {
    return Math.max(this.moment_ns, this.place.timeline.now_ns);
  }
  /** Microseconds its own clock shows. */
  get local_us(): number {
    return cyclesAt(this.start_ns, this.now_ns, US, this.place.ppm);
  }
  get isOn(): boolean {
    return this.core !== undefined;
  }
  get stub(): Stub | undefined {
    return this.machine?.can.stub;
  }
  get overruns(): number {
    return this.machine?.can.overruns ?? 0;
  }
  get errors(): { readonly tec: number; readonly rec: number } {
    return this.machine?.can.errors ?? { tec: 0, rec: 0 };
  }

  /** Its verbs. Those that wait for the node let the time of the whole bench pass. Throws without power. */
  get local(): LocalNode {
    if (this.core === undefined) throw new Error(`node ${this.spec.number} has no power`);
    this.stir();
    return LocalNode.of(this.core);
  }

  // ---- Power ----

  powerOn(): void {
    this.start(ResetCause.POWER_ON);
  }
  private start(resetCause: ResetCause): void {
    if (this.isOn) return;
    const { timeline } = this.place;
    this.start_ns = this.moment_ns = this.free_ns = timeline.now_ns;
    this.nv.powerOn();
    this.machine = new BenchMachine(this, {
      nv: this.nv,
      ...(this.place.card && { sd: this.place.card }),
      uid: this.uid,
      firmware: { hash: this.program.hash, board: "node" },
      canRing: this.spec.ring,
      resetCause,
      onFrame: () => this.stir(),
      onUart: (bytes) => this.onUart?.(bytes),
      onReset: () => {
        this.hasReset = true;
      },
    });
    this.machine.can.join(this.place.wire()).ppm = this.place.ppm;
    this.core = Core.of(this.program.module, this.machine);
    this.core.exports.hsx_start();
    this.stir();
  }

  /** What was durable by now stays; bytes that were still to be programmed are lost. */
  powerOff(): void {
    if (this.core === undefined) return;
    this.nv.hal(() => new Uint8Array()).nv_busy();
    this.stub?.remove();
    this.core = undefined;
    this.machine = undefined;
    this.due_ns = Number.POSITIVE_INFINITY;
  }
  private reset(): void {
    this.hasReset = false;
    this.powerOff();
    this.place.timeline.clock.after(RESET_NS, () => this.start(ResetCause.SOFTWARE));
  }

  // ---- Time ----

  /** Something has reached it: it polls as soon as it can. */
  private stir(): void {
    this.due_ns = Math.min(this.due_ns, Math.max(this.free_ns, this.place.timeline.now_ns));
  }
  /** For its machine. */
  letPass(us: number): void {
    this.stir();
    const { timeline, ppm } = this.place;
    timeline.runTo(benchTime(timeline.now_ns, us, US, ppm));
  }

  runTo(time_ns: number): void {
    while (this.due_ns < time_ns) {
      this.moment_ns = this.due_ns;
      this.poll();
      if (this.hasReset) this.reset();
    }
  }
  private poll(): void {
    const { exports } = this.core as Core;
    const retired = exports.hsx_poll(POLL_BUDGET);
    const us = Math.max(POLL_US, retired / STEPS_PER_US);
    this.free_ns = benchTime(this.moment_ns, us, US, this.place.ppm);
    const rest = exports.hsx_rest() >>> 0;
    const { machine } = this;
    const hasInput = machine?.can.hasFrame || machine?.hasConsoleInput;
    if (hasInput || rest === 0) this.due_ns = this.free_ns;
    else if (rest === NEVER) this.due_ns = Number.POSITIVE_INFINITY;
    else this.due_ns = benchTime(this.free_ns, rest * 1000, US, this.place.ppm);
  }
}
