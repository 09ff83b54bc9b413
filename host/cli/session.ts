// A node of the command line: powered up with its nv file, its apps by name, its time, and what comes out of it.

import { basename } from "node:path";
import { StoreState } from "../../assembly/spec/cell.ts";
import { EventType, NodeMode } from "../../assembly/spec/node.ts";
import { type BoardMachine, startBoardNode } from "../client/board-node.ts";
import { type LoadOptions, LocalNode, type NodeOptions } from "../client/local-node.ts";
import type { NodeEvent, TaskInfo } from "../client/records.ts";
import type { CanFrame } from "../formats/can-frame.ts";
import { Machine } from "../node/hal.ts";
import { NvDevice } from "../node/nv.ts";
import type { PowerSwitch } from "./board.ts";
import { Console, type Stream } from "./console.ts";
import { Exit, Failure } from "./exit.ts";
import { readBytes } from "./files.ts";
import type { BoardName, Install, ProfileName } from "./install.ts";
import { logOf } from "./media.ts";
import { type NvFile, type NvSpec, openNvFile } from "./nv-file.ts";
import { type Place, placeOf, readSymbols, type Symbols } from "./symbols.ts";

/** What a node of the command line is made of. */
export interface SessionOptions {
  readonly profile: ProfileName;
  /** The firmware on this simulated board instead of the core in Node. */
  readonly board?: BoardName | undefined;
  readonly nv?: NvSpec | undefined;
  /** What its FRAM holds, in the place of a file; nobody keeps it. */
  readonly fram?: Uint8Array | undefined;
  /** Flat memory, stack placement and mailbox limits of the reference. */
  readonly reference?: boolean;
  /** Instructions of a turn. */
  readonly quantum?: number | undefined;
  /** Authority of the host (Level). */
  readonly level?: number | undefined;
  /** Accept an nv file that is no sound store, to look at it or to format it. */
  readonly acceptsBadStore?: boolean;
}

/** What happens on the node, as it happens. */
export interface Listener {
  onUart?(bytes: Uint8Array): void;
  onStdio?(stream: Stream, pid: number, bytes: Uint8Array): void;
  onPin?(pin: number, level: number | undefined): void;
  onCan?(frame: CanFrame): void;
  onEvent?(event: NodeEvent): void;
  onWarning?(message: string, remedy?: string): void;
}

/** An image the node was given. */
export interface App {
  readonly path: string;
  readonly image: Uint8Array;
  readonly options: LoadOptions;
  readonly symbols: Symbols | undefined;
}

/** Instructions of a poll: what an app says in it must fit its streams. */
const BUDGET: Record<ProfileName, number> = { small: 64, large: 64, desktop: 2500 };
const EVENTS_KEPT = 10_000;
/** Polls that saving may take: 64 values in an EEPROM take 1.8 s, at 10 µs a poll. */
const FLUSH_POLLS_MAX = 300_000;

const BAD_STORES: Partial<Record<StoreState, string>> = {
  [StoreState.READ_ONLY]: "is no store of a node, or a damaged one",
  [StoreState.BLANK]: "is blank: it was never formatted",
  [StoreState.FAILED]: "cannot be read as a store",
  [StoreState.UNSUPPORTED]: "has a size no store can have",
};

function inMemory(fram: Uint8Array): NvFile {
  return { path: "the memory of the node", device: new NvDevice(fram), close: () => {} };
}

/** Owns the node and its nv file until close(). */
export class Session {
  node!: LocalNode;
  readonly apps = new Map<number, App>();
  /** Events so far, the oldest dropped. */
  readonly events: NodeEvent[] = [];
  readonly options: SessionOptions;
  private readonly listeners = new Set<Listener>();
  private readonly install: Install;
  private nv: NvFile | undefined;
  /** Its time is that of the nv file, already while a node starts. */
  private machine: Machine | undefined;
  private board: BoardMachine | undefined;
  private powerBoard: PowerSwitch | undefined;
  private console!: Console;

  private constructor(install: Install, options: SessionOptions) {
    this.install = install;
    this.options = options;
  }

  /** Tells a listener what happens from now on, until the returned function is called. */
  listen(listener: Listener): () => void {
    this.listeners.add(listener);
    return () => this.listeners.delete(listener);
  }
  private tell(call: (listener: Listener) => void): void {
    for (const listener of [...this.listeners]) call(listener);
  }

  static async open(
    install: Install,
    options: SessionOptions,
    listener: Listener = {},
  ): Promise<Session> {
    const session = new Session(install, options);
    session.listen(listener);
    if (options.nv !== undefined) session.nv = await session.openStore(options.nv);
    else if (options.fram !== undefined) session.nv = inMemory(options.fram);
    try {
      await session.powerOn();
      session.checkStore();
    } catch (error) {
      session.nv?.close();
      throw error;
    }
    return session;
  }

  // ---- Power ----

  private get nodeOptions(): NodeOptions {
    const { quantum, level, reference } = this.options;
    return {
      ...(quantum === undefined ? {} : { quantum }),
      ...(level === undefined ? {} : { level }),
      ...(reference ? { mode: NodeMode.REFERENCE } : {}),
    };
  }
  private async startNode(machine: Machine): Promise<LocalNode> {
    const { profile, nv } = this.options;
    const core = await this.install.core(profile, nv !== undefined && logOf(nv) !== undefined);
    return LocalNode.start(core, machine, this.nodeOptions);
  }

  private openStore(spec: NvSpec): Promise<NvFile> {
    const format = async (nv: NvDevice) => {
      const node = await this.startNode(new Machine({ nv }));
      node.formatStore();
    };
    return openNvFile(spec, () => this.machine?.now_us ?? 0, format);
  }

  private async powerOn(): Promise<void> {
    const nv = this.nv?.device;
    const hears = {
      onUart: (bytes: Uint8Array) => this.tell((l) => l.onUart?.(bytes)),
      onPin: (pin: number, level: number | undefined) => this.tell((l) => l.onPin?.(pin, level)),
      onCan: (frame: CanFrame) => this.tell((l) => l.onCan?.(frame)),
    };
    const { board } = this.options;
    if (board !== undefined) {
      this.powerBoard ??= await this.openBoard(board);
      this.board = this.powerBoard(hears, nv);
      this.node = await startBoardNode(this.board, this.nodeOptions);
    } else {
      this.machine = new Machine({ ...(nv && { nv }), ...hears });
      this.node = await this.startNode(this.machine);
    }
    this.console = new Console(this.node, (stream, pid, bytes) =>
      this.tell((l) => l.onStdio?.(stream, pid, bytes)),
    );
    this.takeEvents();
  }

  /** The models are brought in when a board is asked for: no other command waits for them. */
  private async openBoard(board: BoardName): Promise<PowerSwitch> {
    const { boardOf } = await import("./board.ts");
    return boardOf(board, this.install);
  }
  /** Lets a board send what its console still holds: until a millisecond passes in silence, 100 ms at most. */
  finishOutput(): void {
    let isHeard = this.board !== undefined;
    const stop = this.listen({
      onUart: () => {
        isHeard = true;
      },
    });
    for (let ms = 0; isHeard && ms < 100; ms++) {
      isHeard = false;
      this.board?.advance(1000);
    }
    stop();
  }
  /** What a board has done: cycles of its CPU, and the digest of all that came out of it. */
  get boardTrace(): { cycles: number; trace_sha256: string } | undefined {
    return this.board && { cycles: this.board.cycles, trace_sha256: this.board.live.traceHash };
  }

  /** A store that would keep nothing is refused, because keeping is what --nv asks for. */
  private checkStore(): void {
    if (this.nv === undefined) return;
    const bad = BAD_STORES[this.node.store().state as StoreState];
    if (bad === undefined) return;
    const { path } = this.nv;
    if (this.options.acceptsBadStore) {
      const message = `${path} ${bad}; nothing is read from it or written to it`;
      this.tell((l) => l.onWarning?.(message, "store format empties it"));
      return;
    }
    throw new Failure(Exit.VERIFY, "bad-store", `${path} ${bad}; it is left as it is`, {
      remedy: `see why: hsx persist verify ${path}; name another file, or empty this one: hsx shell --nv ${path}, then store format`,
    });
  }

  /** Saves what changed since the last save, without letting apps run on: nobody expects Ctrl-D to lose a value. */
  private flush(): void {
    const dirty = () => this.node.values().filter((v) => v.isDirty);
    for (const { oid } of dirty()) this.node.saveValue(oid);
    for (let n = 0; n < FLUSH_POLLS_MAX && dirty().length > 0; n++) this.node.poll(0);
  }

  /** Switches the node off and on again. Its store keeps its bytes, its apps are loaded anew. */
  async powerCycle(): Promise<void> {
    if (this.nv !== undefined) this.flush();
    const apps = [...this.apps.values()];
    this.apps.clear();
    this.events.length = 0;
    this.nv?.device.powerOn();
    await this.powerOn();
    for (const { path, options } of apps) this.load(path, { ...options, replaces: 0 });
  }

  /** Saves what is to be saved and lets go of the nv file. */
  close(): void {
    if (this.nv === undefined) return;
    try {
      this.flush();
    } finally {
      this.nv.close();
      this.nv = undefined;
    }
  }

  // ---- Apps ----

  /** Loads an image from a file and returns the pid of its task. */
  load(path: string, options: LoadOptions = {}): number {
    const image = readBytes(path);
    const { symbols, isStale } = readSymbols(path, image);
    const stale = `${basename(path)}: its .sym file belongs to another build and is ignored`;
    if (isStale) this.tell((l) => l.onWarning?.(stale));
    const pid = this.node.load(image, { ...options, name: path });
    if (options.replaces) this.forget(options.replaces);
    this.apps.set(pid, { path, image, options, symbols });
    if (!this.options.reference) this.console.attach(pid);
    return pid;
  }

  kill(pid: number): void {
    this.node.kill(pid);
    this.forget(pid);
  }
  restart(pid: number): void {
    this.console.detach(pid);
    this.node.restart(pid);
    if (!this.options.reference) this.console.attach(pid);
  }
  private forget(pid: number): void {
    this.apps.delete(pid);
    this.console.detach(pid);
  }

  placeOf(task: Pick<TaskInfo, "pid" | "pc">): Place {
    return placeOf(this.apps.get(task.pid)?.symbols, task.pc);
  }

  // ---- Time ----

  get now_ms(): number {
    return this.node.machine.now_us / 1000;
  }

  /** One poll, and what came out of it. */
  private poll(): void {
    this.node.poll(BUDGET[this.options.profile]);
    this.drain();
  }

  /** Hears what came out of the node outside of a poll. */
  drain(): void {
    this.console.drain();
    this.takeEvents();
  }

  /** Joins the streams of a task that the node started from a slot. */
  private adopt(pid: number): void {
    const isOurs = this.apps.has(pid) || this.node.task(pid) === undefined;
    if (!isOurs && !this.options.reference) this.console.attach(pid);
  }

  private takeEvents(): void {
    for (const event of this.node.events()) {
      if (event.type === EventType.LOADED) this.adopt(event.pid);
      this.events.push(event);
      this.tell((l) => l.onEvent?.(event));
    }
    if (this.events.length > 2 * EVENTS_KEPT)
      this.events.splice(0, this.events.length - EVENTS_KEPT);
  }

  /** Runs `ms` of node time at most, jumping over times when nothing is to be done. `isDone` is asked before and after each poll. */
  advance(ms: number, isDone: () => boolean = () => false): void {
    this.node.run(ms, isDone, () => this.poll());
  }

  // ---- Input ----

  type(bytes: Uint8Array): void {
    this.console.type(bytes);
  }
  get hasInput(): boolean {
    return this.console.hasPending;
  }
  /** Hands queued input to a task as far as it takes it. */
  feed(pid: number): boolean {
    return this.console.feed(pid);
  }
}
