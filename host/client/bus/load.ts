// An image for many nodes at once: sent once, repaired where something is missing, settled node by node.

import { crc32 } from "node:zlib";
import { ConfirmAfter } from "../../../assembly/spec/boot.ts";
import { Err } from "../../../assembly/spec/errors.ts";
import {
  BEGIN_AFTER_SHIFT,
  BEGIN_RESTARTS_SHIFT,
  BeginMode,
  DATA_BYTES,
  End,
  LoadEvent,
  LoadPhase,
  Poll,
  Select,
  SLOT_ANY,
  WINDOW_BYTES,
  WINDOW_FRAMES,
  WindowFlag,
} from "../../../assembly/spec/frame.ts";
import type { Frame, VerbArgs } from "../../formats/frame.ts";
import type { BusLink } from "./link.ts";
import { hasEnded, loadAfter, type NodeLoad, newLoad } from "./load-state.ts";
import { parityFrames } from "./parity.ts";
import type { Requests } from "./requests.ts";

export interface LoadJob {
  readonly image: Uint8Array;
  /** Ids of the nodes that are to have it. */
  readonly nodes: readonly number[];
  /** True: those are all nodes there are, so that one frame selects them. */
  readonly isEverybody?: boolean;
  /** Where it goes: "ram": it runs from memory; "stage": into a slot, nothing is started; "slot": into a slot, as its app's active image. */
  readonly place?: "ram" | "stage" | "slot";
  /** True: every node may have the image already; they are heard before any of it is sent. */
  readonly mayBeThere?: boolean;
  /** False: a task of the same name is no reason to make way. */
  readonly replaces?: boolean;
  /** All nodes change over at once, when all are prepared; otherwise none does. */
  readonly together?: boolean;
  /** Together, but those that are prepared change over without the others. */
  readonly allowPartial?: boolean;
  readonly slot?: number;
  readonly attempts?: number;
  readonly confirmAfter?: ConfirmAfter;
  readonly restarts?: number;
  readonly groupBase?: number;
  readonly keyBase?: number;
  /** Least time between two DATA frames: for nodes that take them slower than the bus brings them. */
  readonly frame_us?: number;
  readonly signal?: AbortSignal;
  /** Hears of every change of a node. */
  onNode?(load: NodeLoad): void;
  /** Hears how many bytes of the image were sent for the first time. */
  onSent?(bytes: number): void;
}

export interface LoadReport {
  readonly nodes: readonly NodeLoad[];
  /** DATA frames of the first pass, those that were sent again, and those with parity. */
  readonly dataFrames: number;
  readonly repairFrames: number;
  readonly parityFrames: number;
  /** From the first frame until nobody lacked anything. */
  readonly transfer_us: number;
  /** Until the last node had ended. */
  readonly elapsed_us: number;
}

/** Frames in which what begins a load is said again: one lost frame must not cost a node the whole image. */
const ANNOUNCE_AT = new Set([2, 6]);
/**
 * A pause after which the window is named again, and from which on frames are no stream: half of STREAM_BITS at 1 Mbit/s, so
 * that it holds at any bit rate.
 */
const PAUSE_US = 6_000;
/** Frames that follow one another at once when the host was late: a node has room for 16. */
const BURST = 4;
/** Before nodes were asked for their pace: an AVR at 1 Mbit/s. */
const PACE_UNKNOWN_US = 224;
/** Frames between two looks at what nodes say. */
const LOOK_EVERY = 8;
/** From so many nodes and windows on, asking for single frames takes longer than parity for all. */
const PARITY_NODES = 2;
const PARITY_WINDOWS = 2;
/** Frames of a window that parity has left: from here on smaller groups pay, and up to here asking after each window does not. */
const MANY_LEFT = 3;
const FEW_LEFT = 1;
/** Frames that are sent while the next window is asked about. */
const SOON_MOST = 16;
const ROUNDS_MAX = 400;
/** How long the first node may keep silent while it checks, registers and writes. */
const FINISH_US = 40_000;
/** How long the others may come behind it. */
const STRAGGLE_US = 1_000;
/** Questions that a node does not answer, and time in which it might have been restarted, before it counts as silent. */
const QUESTIONS_MAX = 12;
const SILENT_US = 1_500_000;
/** Longest pause between two questions to nodes that are all silent. */
const PAUSE_MOST_US = 250_000;
/** How long nodes that missed the commit are called: they give the load up after 3 s of silence. */
const COMMIT_US = 3_500_000;
/** How long one frame of another node keeps a NACK waiting, on a bus of 250 kbit/s. */
const OTHERS_US = 500;
/** 128 NACKs and 127 STATUS at 50 kbit/s. */
const NACKS_MOST_US = 500_000;
/** A node says that it clears its slot when it has not done so in 3 ms. */
const CLEARING_SAID_US = 4_000;
/** A job of a slot: erasing 8 KiB of flash. */
const CLEARING_US = 3_000_000;
/** The node clears its sums meanwhile. */
const CHECK_US = 20_000;
const BLOCK_NODES = 32;
/** CHECK has room for 24 bits of a sum. */
const CHECK_SUM_MASK = 0xffffff;

function selectArgs(session: number, job: LoadJob, nodes: readonly number[]) {
  if (job.isEverybody && nodes.length === job.nodes.length)
    return [{ session, kind: Select.ALL, bits: 0 }];
  const blocks = new Map<number, number>();
  for (const node of nodes) {
    const block = Math.floor(node / BLOCK_NODES);
    const bit = 2 ** (node % BLOCK_NODES);
    blocks.set(block, (blocks.get(block) ?? 0) + bit);
  }
  return [...blocks].map(([block, bits]) => ({ session, kind: Select.BLOCK + block, bits }));
}

function modeOf(job: LoadJob): number {
  const { place = "ram", replaces = true, together, groupBase, keyBase } = job;
  const kind = { ram: BeginMode.RUN, stage: BeginMode.STAGE, slot: BeginMode.ACTIVATE }[place];
  return (
    kind |
    (replaces && place === "ram" ? BeginMode.REPLACE : 0) |
    (together ? BeginMode.HOLD : 0) |
    (groupBase || keyBase ? BeginMode.BASES : 0)
  );
}

function countsOf({ attempts = 0, confirmAfter = ConfirmAfter.NEVER, restarts = 0 }: LoadJob) {
  return attempts | (confirmAfter << BEGIN_AFTER_SHIFT) | (restarts << BEGIN_RESTARTS_SHIFT);
}

/** One load, from its first frame to the last outcome. */
export class Broadcast {
  private readonly loads = new Map<number, NodeLoad>();
  /** Questions to silent nodes, and since when they are. */
  private readonly questions = new Map<number, { asked: number; since_us: number }>();
  private readonly windows: number;
  private hasData = false;
  private dataFrames = 0;
  private repairFrames = 0;
  private parityFrames = 0;
  private nextData_us: number | undefined;
  /** What all nodes told before the load. */
  private knownPace_us = 0;
  /** When data was sent last, or nobody lacked any. */
  private whole_us = 0;
  private isAborted = false;

  constructor(
    private readonly requests: Requests,
    private readonly job: LoadJob,
    private readonly session: number,
  ) {
    for (const node of job.nodes) this.loads.set(node, newLoad(node));
    this.windows = Math.ceil(job.image.length / WINDOW_BYTES);
  }

  private get link(): BusLink {
    return this.requests.link;
  }
  private pending(): NodeLoad[] {
    return [...this.loads.values()].filter((load) => !hasEnded(load));
  }
  private get isStopped(): boolean {
    return this.job.signal?.aborted === true;
  }

  async run(): Promise<LoadReport> {
    const { link } = this;
    const stop = link.listen((frame) => this.hear(frame));
    const begun_us = link.now_us;
    this.knownPace_us = link.pace_us ?? PACE_UNKNOWN_US;
    link.pace_us = 0;
    try {
      await this.announce(this.job.nodes);
      await this.clear();
      if (this.job.mayBeThere) await this.hearOut();
      await this.stream();
      await this.repair();
      this.whole_us = link.now_us;
      await this.finish();
      if (this.job.together) await this.commit();
      if (this.isStopped) await this.abort();
    } finally {
      stop();
      link.pace_us = Math.max(link.pace_us ?? 0, this.knownPace_us);
    }
    const { dataFrames, repairFrames, parityFrames } = this;
    const transfer_us = this.whole_us - begun_us;
    const elapsed_us = link.now_us - begun_us;
    const nodes = [...this.loads.values()].sort((a, b) => a.node - b.node);
    return { nodes, dataFrames, repairFrames, parityFrames, transfer_us, elapsed_us };
  }

  // ---- What nodes say ----

  private hear(frame: Frame): void {
    if (frame.kind === "hello" && this.loads.has(frame.node)) this.stray(frame.node);
    if (frame.kind !== "status" || frame.master !== this.requests.master) return;
    const before = this.loads.get(frame.node);
    if (before === undefined) return;
    this.questions.delete(frame.node);
    if (hasEnded(before) && before.state !== "silent") return;
    const hasBegun = frame.event !== LoadEvent.NONE || frame.phase !== LoadPhase.IDLE;
    if (frame.session !== this.session || !hasBegun) this.stray(frame.node);
    else this.set(loadAfter(before, frame, this.hasData));
  }
  private stray(node: number): void {
    this.strayed.add(node);
    if (this.loads.get(node)?.state === "silent") this.set(newLoad(node));
  }
  /** Nodes that know nothing of the session, or missed how it began. */
  private readonly strayed = new Set<number>();
  private set(load: NodeLoad): void {
    this.loads.set(load.node, load);
    this.job.onNode?.(load);
  }

  // ---- Beginning ----

  /** Says who takes part, and what comes. */
  private async announce(nodes: readonly number[]): Promise<void> {
    const { session, job } = this;
    const { image, slot = SLOT_ANY, groupBase = 0, keyBase = 0 } = job;
    for (const args of selectArgs(session, job, nodes)) await this.requests.tell("SELECT", args);
    const mode = modeOf(job);
    const counts = countsOf(job);
    await this.requests.tell("BEGIN", { session, mode, total: image.length, counts });
    await this.requests.tell("BEGIN_CRC", { session, slot, crc: crc32(image) });
    if (mode & BeginMode.BASES)
      await this.requests.tell("BEGIN_BASES", { session, group: groupBase, key: keyBase });
  }
  /** Waits for nodes that must erase first; those that store images are heard before, as they may be slow, too. */
  private async clear(): Promise<void> {
    const { link } = this;
    const isClear = () => this.pending().every(({ state }) => state !== "clearing");
    if ((this.job.place ?? "ram") === "ram") await link.drain();
    else {
      await link.settle();
      await link.sleep(CLEARING_SAID_US + link.turnaround_us);
    }
    await link.until(() => isClear() || this.isStopped, CLEARING_US);
  }

  /** Lets nodes say that they have the image. */
  private async hearOut(): Promise<void> {
    const { link } = this;
    await link.settle();
    const isStatus = (frame: Frame) => frame.kind === "status";
    const isDone = () => this.pending().length === 0;
    await link.quiet(isStatus, link.turnaround_us, FINISH_US, isDone);
  }

  // ---- Data ----

  private frame(window: number, index: number): Frame {
    const at = window * WINDOW_BYTES + index * DATA_BYTES;
    const bytes = this.job.image.subarray(at, at + DATA_BYTES);
    return { kind: "data", parity: window & 1, index, bytes };
  }
  private framesOf(window: number): number {
    const bytes = this.job.image.length - window * WINDOW_BYTES;
    return Math.min(WINDOW_FRAMES, Math.ceil(bytes / DATA_BYTES));
  }
  /** Least time between two DATA frames: the job's, or that of the slowest node that takes part. */
  private get pace_us(): number {
    const told_us = this.link.pace_us ?? 0;
    const first_us = this.dataFrames < WINDOW_FRAMES ? this.knownPace_us : 0; // what those that take part tell is here by then
    return Math.max(this.job.frame_us ?? 0, told_us, first_us);
  }
  private async sendData(frame: Frame): Promise<void> {
    const { link, pace_us } = this;
    this.nextData_us ??= link.now_us;
    if (pace_us > 0 && link.now_us < this.nextData_us)
      await link.sleep(this.nextData_us - link.now_us);
    this.nextData_us = Math.max(this.nextData_us, link.now_us - BURST * pace_us) + pace_us;
    await link.send(frame);
    this.whole_us = link.now_us;
    this.hasData = true;
  }
  private async openWindow(window: number, flags: number): Promise<void> {
    await this.requests.tell("WINDOW", { session: this.session, window, flags });
  }
  /** True: nobody needs any more. */
  private isOver(): boolean {
    return this.isStopped || this.pending().length === 0;
  }

  /** Every frame of the image, once. */
  private async stream(): Promise<void> {
    for (let window = 0; window < this.windows && !this.isOver(); window++) {
      await this.streamWindow(window);
      this.job.onSent?.(Math.min(this.job.image.length, (window + 1) * WINDOW_BYTES));
    }
  }
  private async streamWindow(window: number): Promise<void> {
    const { link, job } = this;
    const flags = (job.frame_us ?? 0) < PAUSE_US ? WindowFlag.STREAM : 0;
    await this.openWindow(window, flags);
    for (let index = 0; index < this.framesOf(window); index++) {
      if (index % LOOK_EVERY === 0) {
        await link.drain();
        if (this.isOver()) return;
      }
      if (window === 0 && ANNOUNCE_AT.has(index)) {
        await this.announce(job.nodes);
        await this.openWindow(window, flags);
      }
      if (flags !== 0 && (await link.hasPaused(PAUSE_US))) await this.openWindow(window, flags);
      await this.sendData(this.frame(window, index));
      this.dataFrames++;
    }
  }

  // ---- Repair ----

  /**
   * Asks what is missing, and returns the numbers of NACKs. `meanwhile` is sent while they come: they have priority, so
   * that listening costs the bus nothing.
   */
  private async poll(
    kind: Poll,
    window: number,
    meanwhile: () => Promise<void> = async () => {},
  ): Promise<Set<number>> {
    const { link } = this;
    const missing = new Set<number>();
    let newest_us = link.now_us;
    const stop = link.listen((frame) => {
      newest_us = Math.min(link.now_us, newest_us + OTHERS_US); // a NACK may wait for any other frame
      if (frame.kind !== "nack") return;
      missing.add(frame.index);
      newest_us = link.now_us;
    });
    try {
      await this.requests.tell("POLL", { session: this.session, kind, window });
      await link.settle();
      newest_us = link.now_us;
      await meanwhile();
      await link.settle();
      const end_us = link.now_us + NACKS_MOST_US;
      const rest_us = () => Math.min(end_us, newest_us + link.turnaround_us) - link.now_us;
      for (let us = rest_us(); us > 0; us = rest_us()) await link.sleep(us);
    } finally {
      stop();
    }
    return missing;
  }
  /** Windows that somebody lacks something of. */
  private async missingWindows(): Promise<number[]> {
    const missing: number[] = [];
    for (let first = 0; first < this.windows; first += WINDOW_FRAMES)
      for (const n of await this.poll(Poll.WINDOWS, first)) missing.push(first + n);
    return missing.filter((window) => window < this.windows).sort((a, b) => a - b);
  }

  /** Asks once more when nobody says that anything is missing, and some node does not have everything. */
  private async repairKnown(): Promise<void> {
    const before = this.repairFrames + this.parityFrames;
    await this.repair();
    const isOpen = this.unsettled().some(({ state }) => state === "receiving");
    if (isOpen && before === this.repairFrames + this.parityFrames) this.link.slowDown();
  }
  /** Until nobody says that anything is missing. */
  private async repair(): Promise<void> {
    for (let round = 0; round < ROUNDS_MAX && !this.isOver(); round++) {
      const missing = await this.missingWindows();
      if (missing.length === 0) return;
      this.whole_us = this.link.now_us;
      const isShared = this.pending().length >= PARITY_NODES && missing.length >= PARITY_WINDOWS;
      if (round === 0 && isShared) await this.repairByParity(missing);
      else await this.repairWindows(missing);
    }
  }
  /**
   * One parity frame repairs the losses of many nodes, if each lost one of its group. What the first window still lacks
   * tells how many were lost: the groups of the others are chosen by it, and whether asking after each is worth its time.
   */
  private async repairByParity(windows: readonly number[]): Promise<void> {
    let size: 16 | 32 = 32;
    let isProbed = true;
    let sent = 0;
    let resend = async () => {};
    const sendNext = async () => {
      const next = windows[sent++];
      if (next !== undefined && !this.isOver()) await this.sendParity(next, size);
    };
    await sendNext();
    for (const [n, window] of windows.entries()) {
      if (this.isOver()) return;
      const resendLast = resend;
      if (!isProbed) {
        await resendLast();
        await sendNext();
        resend = async () => {};
        continue;
      }
      const missing = await this.missingFrames(window, async () => {
        await resendLast();
        if (n > 0) await sendNext();
      });
      if (missing.length > MANY_LEFT) size = 16;
      isProbed = missing.length > FEW_LEFT;
      resend = await this.resendSoon(window, missing);
      if (n === 0) await sendNext();
    }
    await resend();
  }
  /** Asks what each window lacks, and sends what the one before does while the answers come. */
  private async repairWindows(windows: readonly number[]): Promise<void> {
    let resend = async () => {};
    for (const window of windows) {
      if (this.isOver()) return;
      let missing = await this.missingFrames(window, resend);
      if (missing.length === 0) {
        this.link.slowDown(); // somebody said that the window is not whole
        missing = await this.missingFrames(window);
      }
      resend = await this.resendSoon(window, missing);
    }
    await resend();
  }
  /** What sends these frames while the next question is answered; many are sent at once, lest a node that lacks most has to take and answer together. */
  private async resendSoon(
    window: number,
    frames: readonly number[],
  ): Promise<() => Promise<void>> {
    const resend = () => this.resend(window, frames);
    if (frames.length <= SOON_MOST) return resend;
    await resend();
    return async () => {};
  }
  private async sendParity(window: number, size: 16 | 32): Promise<void> {
    await this.openWindow(window, size === 16 ? WindowFlag.PARITY_16 : WindowFlag.PARITY_32);
    const frames = Array.from({ length: this.framesOf(window) }, (_, n) => {
      const at = window * WINDOW_BYTES + n * DATA_BYTES;
      return this.job.image.subarray(at, at + DATA_BYTES);
    });
    for (const [index, bytes] of parityFrames(frames, size).entries()) {
      await this.sendData({ kind: "data", parity: window & 1, index, bytes });
      this.parityFrames++;
    }
  }
  /** Frames of a window that somebody lacks. */
  private async missingFrames(window: number, meanwhile?: () => Promise<void>): Promise<number[]> {
    const missing = await this.poll(Poll.FRAMES, window, meanwhile);
    return [...missing].filter((n) => n < this.framesOf(window)).sort((a, b) => a - b);
  }
  private async resend(window: number, frames: readonly number[]): Promise<void> {
    if (frames.length === 0 || this.isOver()) return;
    await this.openWindow(window, 0);
    for (const index of frames) {
      await this.sendData(this.frame(window, index));
      this.repairFrames++;
    }
  }

  // ---- The end ----

  /** Until every node has ended, or waits for the commit; who is silent is asked. */
  private async finish(): Promise<void> {
    const isDone = () => this.isStopped || this.unsettled().length === 0;
    for (let round = 0; round < ROUNDS_MAX; round++) {
      await this.awaitStatus(isDone);
      if (isDone()) return;
      await this.question(this.unsettled());
      await this.pause(isDone);
      if (isDone()) return;
      await this.recheck();
      await this.rejoin();
      await this.repairKnown();
    }
  }
  /** Until `isDone`, or those who have ended are no longer followed by others. */
  private async awaitStatus(isDone: () => boolean): Promise<void> {
    const { link } = this;
    const open = this.unsettled().length;
    const hasBegun = open < this.loads.size;
    const first_us = hasBegun ? STRAGGLE_US : FINISH_US;
    await link.until(
      () => isDone() || this.unsettled().length < open,
      first_us + link.turnaround_us,
    );
    const isStatus = (frame: Frame) => frame.kind === "status";
    await link.quiet(isStatus, STRAGGLE_US + link.turnaround_us, CLEARING_US, isDone);
  }
  /** Nodes that still have something to do by themselves. */
  private unsettled(): NodeLoad[] {
    return this.pending().filter(({ state }) => state !== "prepared");
  }
  /** Asks nodes how they stand. */
  private async question(loads: readonly NodeLoad[]): Promise<void> {
    const { link } = this;
    const open = new Set(loads.map(({ node }) => node));
    const stop = link.listen((frame) => {
      if (frame.kind === "status") open.delete(frame.node);
    });
    try {
      for (const { node } of loads) await this.say(node, End.STATUS);
      await link.settle();
      const isStatus = (frame: Frame) => frame.kind === "status";
      await link.quiet(isStatus, link.turnaround_us, FINISH_US, () => open.size === 0);
    } finally {
      stop();
    }
    for (const node of open) this.noteSilence(node);
  }
  private noteSilence(node: number): void {
    const { now_us } = this.link;
    const { asked, since_us } = this.questions.get(node) ?? { asked: 0, since_us: now_us };
    this.questions.set(node, { asked: asked + 1, since_us });
    const load = this.loads.get(node) as NodeLoad;
    if (asked + 1 >= QUESTIONS_MAX && now_us - since_us >= SILENT_US) this.callSilent([load]);
  }
  /** Before nodes that are all silent are asked again; one that comes back says HELLO. */
  private async pause(isDone: () => boolean): Promise<void> {
    const asked = this.unsettled().map(({ node }) => this.questions.get(node)?.asked ?? 0);
    const least = Math.min(...asked);
    if (least === 0) return;
    const pause_us = Math.min(PAUSE_MOST_US, FINISH_US * 2 ** (least - 1));
    await this.link.until(() => isDone() || this.strayed.size > 0, pause_us);
  }
  private async say(node: number, what: End): Promise<void> {
    await this.requests.tellNode(node, "END", { session: this.session, what });
  }

  /** Nodes whose sum over the file is wrong forget the windows that are. */
  private async recheck(): Promise<void> {
    const isWrong = ({ state, code }: NodeLoad) => state === "checking" && code === Err.HXE_CRC;
    if (!this.pending().some(isWrong)) return;
    for (let window = 0; window < this.windows; window++) {
      const at = window * WINDOW_BYTES;
      const sum = crc32(this.job.image.subarray(at, at + WINDOW_BYTES)) & CHECK_SUM_MASK;
      const args: VerbArgs<"CHECK"> = { session: this.session, window, sum };
      await this.requests.tell("CHECK", args);
      await this.link.sleep(CHECK_US);
    }
  }
  /** Nodes that missed how it began, or were restarted, take part again with what they hold. */
  private async rejoin(): Promise<void> {
    const nodes = [...this.strayed].filter((node) => {
      const load = this.loads.get(node);
      return load !== undefined && !hasEnded(load);
    });
    this.strayed.clear();
    if (nodes.length === 0) return;
    await this.announce(nodes);
    await this.clear();
  }

  // ---- Commit and abort ----

  private async commit(): Promise<void> {
    const loads = [...this.loads.values()];
    const prepared = loads.filter(({ state }) => state === "prepared");
    const isWhole = loads.every(({ state }) => state === "prepared" || state === "already");
    if (this.isStopped || prepared.length === 0) return;
    if (!isWhole && !this.job.allowPartial) return this.abort();
    await this.requests.tell("END", { session: this.session, what: End.COMMIT });
    const { link } = this;
    const end_us = link.now_us + COMMIT_US;
    const isDone = () => prepared.every(({ node }) => this.isSettled(node));
    while (!(await link.until(isDone, FINISH_US + link.turnaround_us)) && link.now_us < end_us)
      await this.commitAgain(prepared.filter(({ node }) => !this.isSettled(node)));
    this.callSilent(this.pending());
  }
  private callSilent(loads: readonly NodeLoad[]): void {
    for (const load of loads) this.set({ ...load, state: "silent", code: Err.TIMEOUT });
  }
  /** Whether a node has said what came of it; a silent one may yet. */
  private isSettled(node: number): boolean {
    const load = this.loads.get(node) as NodeLoad;
    return hasEnded(load) && load.state !== "silent";
  }
  /** Nodes that did not hear the commit hear it again; those that were restarted prepare themselves anew from what they hold. */
  private async commitAgain(open: readonly NodeLoad[]): Promise<void> {
    for (const { node } of open) {
      if (this.loads.get(node)?.state === "prepared") await this.say(node, End.COMMIT);
    }
    await this.question(open);
    if (this.strayed.size === 0) return;
    await this.rejoin();
    await this.repairKnown();
  }
  /** Takes everything back at the nodes that have not ended. */
  private async abort(): Promise<void> {
    if (this.isAborted) return;
    this.isAborted = true;
    const isDone = () => this.pending().length === 0;
    for (let n = 0; n < QUESTIONS_MAX && !isDone(); n++) {
      await this.requests.tell("END", { session: this.session, what: End.ABORT });
      await this.link.settle();
      if (await this.link.until(isDone, FINISH_US + this.link.turnaround_us)) return;
    }
    this.callSilent(this.pending());
  }
}
