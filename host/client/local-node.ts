// A node in this process: the core on a simulated machine, with verbs that return objects or throw a NodeError.

import { StoreState } from "../../assembly/spec/cell.ts";
import { Err } from "../../assembly/spec/errors.ts";
import { Config, HOST_PID, NEVER, TaskState } from "../../assembly/spec/node.ts";
import type { PersistMode } from "../../assembly/spec/svc.ts";
import { Core, type CoreSource } from "../node/core.ts";
import type { NodeMachine } from "../node/hal.ts";
import type { MemoryInfo } from "./node-client.ts";
import { Provisioning } from "./provisioning.ts";
import {
  type CellInfo,
  type CommandInfo,
  labelOf,
  type MailboxInfo,
  type Message,
  type NodeEvent,
  readCell,
  readCommand,
  readEvent,
  readMailbox,
  readMessage,
  readRefusal,
  readSlot,
  readStore,
  readTask,
  readValue,
  type SlotInfo,
  type StoreInfo,
  type TaskInfo,
  type ValueInfo,
} from "./records.ts";
import { NodeError, oidText, type Subject } from "./refusal.ts";

export interface LoadOptions {
  /** Pid of the task whose place the app takes. */
  readonly replaces?: number;
  /** Added to the group of every id, for a further instance. */
  readonly groupBase?: number;
  /** Added to every persist key, for a further instance. */
  readonly keyBase?: number;
  /** How often a fault restarts the app. */
  readonly restarts?: number;
  /** What messages call the image. */
  readonly name?: string;
  /** Bytes handed over at once; default: what the I/O buffer holds. */
  readonly pieceBytes?: number;
}

export interface NodeOptions {
  /** Instructions of a turn. */
  readonly quantum?: number;
  /** NodeMode bits. */
  readonly mode?: number;
  /** Authority of this session (Level). */
  readonly level?: number;
}

/** Instructions of one poll. */
const POLL_BUDGET = 50_000;
/** Virtual time one poll takes at least, so that waiting for a device ends. */
const POLL_US = 10;
/** Instructions a millisecond of node time stands for while tasks run. */
const STEPS_PER_MS = 100_000;
/** Polls after which a load that makes no progress is a defect. */
const POLLS_MAX = 10_000_000;

/**
 * One node, alone in this process. Calls that the core refuses throw a NodeError, which says why in words; the node
 * is then as it was. Node time moves in poll(), run() and what waits for the node: load, restart, call and format.
 */
export class LocalNode {
  readonly core: Core;
  /** Stored images, apps, boot list, configuration. */
  readonly provision: Provisioning;
  private readonly mailboxHandles = new Map<string, number>();

  private constructor(core: Core) {
    this.core = core;
    this.provision = new Provisioning({
      core,
      refused: (code, subject) => this.refused(code, subject),
      pump: () => this.pump(),
    });
  }

  /** Powers a node up and waits until its store is mounted. */
  static async start(
    core: CoreSource,
    machine: NodeMachine,
    options: NodeOptions = {},
  ): Promise<LocalNode> {
    const node = new LocalNode(await Core.create(core, machine));
    node.core.exports.hsx_start();
    if (options.quantum !== undefined) node.configure(Config.QUANTUM, options.quantum);
    if (options.mode !== undefined) node.configure(Config.MODE, options.mode);
    if (options.level !== undefined) node.configure(Config.LEVEL, options.level);
    node.settle();
    return node;
  }

  /** The verbs of a core that runs already. */
  static of(core: Core): LocalNode {
    return new LocalNode(core);
  }

  get machine(): NodeMachine {
    return this.core.machine;
  }
  private get x() {
    return this.core.exports;
  }

  /** Passes a count on, or throws what the core says against the call. `about` is asked for the error only. */
  private check(result: number, about?: () => Subject): number {
    if (result < 0) throw this.refused(result, about?.());
    return result;
  }
  /** The refusal of the last call, with the name of the task that stood in the way. */
  private refused(code: Err, subject?: Subject): NodeError {
    const refusal = readRefusal(this.core.refusal());
    const holder = refusal.pid === 0 ? undefined : this.task(refusal.pid);
    return new NodeError(code, { ...refusal, name: refusal.name || (holder?.name ?? "") }, subject);
  }
  private about(kind: Subject["kind"], name: string): () => Subject {
    return () => ({ kind, name });
  }
  private aboutTask(pid: number): () => Subject {
    return this.about("task", `task ${pid}`);
  }
  private aboutMemory(pid: number): () => Subject {
    return this.about("memory", `task ${pid}`);
  }
  private aboutValue(oid: number): () => Subject {
    return () => {
      const known = this.values().find((v) => v.oid === oid);
      return { kind: "value", name: `value ${known ? labelOf(known) : oidText(oid)}` };
    };
  }
  private aboutCommand(oid: number): () => Subject {
    return () => {
      const known = this.commands().find((k) => k.oid === oid);
      return { kind: "command", name: `command ${known ? labelOf(known) : oidText(oid)}` };
    };
  }

  // ---- Time ----

  /** One poll without instructions, and the time it takes. */
  private pump(): void {
    this.x.hsx_poll(0);
    this.machine.advance(POLL_US);
  }

  /** Polls until nothing is left to do but what tasks do: mounting, booting, loading, formatting; or until a start-up waits for somebody. */
  settle(): void {
    const isReady = (t: TaskInfo) => t.state === TaskState.READY;
    for (let n = 0; n < POLLS_MAX; n++) {
      this.pump();
      if (this.provision.isHeld()) return;
      if (this.provision.isBusy()) continue;
      const rest = this.x.hsx_rest() >>> 0;
      if (rest > 1 || this.tasks().some(isReady)) return;
    }
  }

  /** Saves what is not saved yet, as a board does when its power fails. Returns false: not all could be saved. */
  powerFail(): boolean {
    while (this.x.hsx_power_fail() === Err.BUSY) this.machine.advance(POLL_US);
    return this.values().every((v) => !v.isDirty);
  }

  /** Ms until the node has something to do; undefined: until something comes from outside. */
  rest_ms(): number | undefined {
    const rest = this.x.hsx_rest() >>> 0;
    return rest === NEVER ? undefined : rest;
  }

  /** One poll of the node at its present time. Returns the instructions retired. */
  poll(budget = POLL_BUDGET): number {
    const retired = this.x.hsx_poll(budget);
    this.machine.advance(Math.max(POLL_US, Math.floor((retired * 1000) / STEPS_PER_MS)));
    return retired;
  }

  /**
   * Runs `ms` of node time, jumping over times when nothing is to be done; ends early when `until`,
   * asked before and after each poll, says so. `poll` does what poll() does, and more.
   */
  run(ms: number, until: () => boolean = () => false, poll: () => void = () => this.poll()): void {
    const end = this.machine.now_us + ms * 1000;
    while (this.machine.now_us < end && !until()) {
      poll();
      if (until()) return;
      const rest = this.rest_ms();
      const next = rest === undefined ? end : this.machine.now_us + rest * 1000;
      if (next > this.machine.now_us)
        this.machine.advance(Math.min(next, end) - this.machine.now_us);
    }
  }
  wait(ms: number): void {
    this.run(ms);
  }

  // ---- Loading ----

  /** Loads an image and returns the pid of its task. Throws the refusal; the node is then as it was. */
  load(image: Uint8Array, options: LoadOptions = {}): number {
    const { replaces = 0, groupBase = 0, keyBase = 0, restarts = 0 } = options;
    const about = (): Subject => ({ kind: "image", name: options.name ?? "image", image });
    const begun = this.x.hsx_load_begin(image.length, replaces, groupBase, keyBase, restarts);
    this.check(begun, begun === Err.NOT_FOUND ? this.aboutTask(replaces) : about);
    const piece = Math.min(options.pieceBytes ?? Infinity, this.config(Config.IO_BYTES));
    for (let at = 0; at < image.length; at += piece) {
      const bytes = this.core.write(image.subarray(at, at + piece));
      this.check(this.x.hsx_load_data(bytes), about);
    }
    return this.finishLoad(about);
  }

  /** Starts a task over from its image. */
  restart(pid: number): void {
    this.check(this.x.hsx_task_restart(pid), this.aboutTask(pid));
    this.finishLoad(this.aboutTask(pid));
  }

  private finishLoad(about: () => Subject): number {
    for (let n = 0; n < POLLS_MAX; n++) {
      const result = this.x.hsx_load_result();
      if (result !== Err.BUSY) return this.check(result, about);
      this.pump();
    }
    throw new Error("a load does not end");
  }

  // ---- Tasks ----

  /** All records a call lays out by index; those that are free are passed by. */
  private *records(
    info: (index: number) => number,
    from = 0,
  ): Generator<[DataView, number, number]> {
    for (let index = from; ; index++) {
      const bytes = info(index);
      if (bytes === Err.INVALID) return;
      if (bytes >= 0) yield [this.core.view(), index, bytes];
    }
  }

  tasks(): TaskInfo[] {
    const tasks: TaskInfo[] = [];
    for (const [view] of this.records(this.x.hsx_task_info)) tasks.push(readTask(view));
    return tasks.sort((a, b) => a.pid - b.pid);
  }
  task(pid: number): TaskInfo | undefined {
    return this.tasks().find((t) => t.pid === pid);
  }
  kill(pid: number): void {
    this.check(this.x.hsx_task_kill(pid), this.aboutTask(pid));
  }
  pause(pid: number): void {
    this.check(this.x.hsx_task_pause(pid), this.aboutTask(pid));
  }
  resume(pid: number): void {
    this.check(this.x.hsx_task_resume(pid), this.aboutTask(pid));
  }
  /** Runs one instruction; the task is paused afterwards. */
  step(pid: number): number {
    return this.check(this.x.hsx_task_step(pid), this.aboutTask(pid));
  }
  setReg(pid: number, n: number, value: number): void {
    this.check(this.x.hsx_reg_set(pid, n, value), this.aboutTask(pid));
  }
  /** Bytes of task memory at a data address. */
  readMemory(pid: number, address: number, bytes: number): Uint8Array {
    const io = this.config(Config.IO_BYTES);
    const out = new Uint8Array(bytes);
    for (let at = 0; at < bytes; at += io) {
      const piece = Math.min(io, bytes - at);
      const read = this.x.hsx_mem_read(pid, address + at, piece);
      out.set(this.core.read(this.check(read, this.aboutMemory(pid))), at);
    }
    return out;
  }
  writeMemory(pid: number, address: number, bytes: Uint8Array): void {
    const io = this.config(Config.IO_BYTES);
    for (let at = 0; at < bytes.length; at += io) {
      const piece = this.core.write(bytes.subarray(at, at + io));
      this.check(this.x.hsx_mem_write(pid, address + at, piece), this.aboutMemory(pid));
    }
  }
  slots(): SlotInfo[] {
    const slots: SlotInfo[] = [];
    for (const [view] of this.records(this.x.hsx_slot_info)) slots.push(readSlot(view));
    return slots.filter((s) => s.bytes > 0);
  }

  // ---- Values and commands ----

  values(): ValueInfo[] {
    const values: ValueInfo[] = [];
    for (const [view] of this.records(this.x.hsx_value_info)) values.push(readValue(view));
    return values;
  }
  /** binary16 bits. */
  getValue(oid: number): number {
    return this.check(this.x.hsx_value_get(oid), this.aboutValue(oid));
  }
  setValue(oid: number, f16: number): void {
    this.check(this.x.hsx_value_set(oid, f16), this.aboutValue(oid));
  }
  setPersistMode(oid: number, mode: PersistMode): void {
    this.check(this.x.hsx_value_persist(oid, mode), this.aboutValue(oid));
  }
  /** Saves a value now instead of after its debounce. */
  saveValue(oid: number): void {
    this.check(this.x.hsx_value_save(oid), this.aboutValue(oid));
  }

  commands(): CommandInfo[] {
    const commands: CommandInfo[] = [];
    for (const [view] of this.records(this.x.hsx_command_info)) commands.push(readCommand(view));
    return commands;
  }
  /** Calls a command and runs the node until its handler has returned, `timeout_ms` at most. Returns status and result. */
  callCommand(oid: number, argument = 0, timeout_ms = 1000): { status: number; result: number } {
    const about = this.aboutCommand(oid);
    const call = this.check(this.x.hsx_command_call(oid, argument), about);
    let status = this.x.hsx_command_result(call);
    this.run(timeout_ms, () => {
      if (status === Err.BUSY) status = this.x.hsx_command_result(call);
      return status !== Err.BUSY;
    });
    if (status === Err.BUSY) throw this.refused(Err.TIMEOUT, about());
    return { status: this.check(status, about), result: this.core.view().getUint32(0, true) };
  }

  // ---- Mailboxes ----

  mailboxes(): MailboxInfo[] {
    const mailboxes: MailboxInfo[] = [];
    for (const [view, id] of this.records(this.x.hsx_mailbox_info, 1)) {
      mailboxes.push(readMailbox(view, id));
    }
    return mailboxes;
  }
  /** The messages that wait in a mailbox; they stay there. */
  messages(id: number): Message[] {
    const messages: Message[] = [];
    for (let n = 0; ; n++) {
      const bytes = this.x.hsx_mailbox_message(id, n);
      if (bytes < 0) return messages;
      messages.push(readMessage(this.core.view(), bytes));
    }
  }
  /** A further handle of the host on a mailbox, which is made if need be. It has read nothing yet; closeHandle() gives it back. */
  openHandle(name: string): number {
    const opened = this.x.hsx_mailbox_open(HOST_PID, this.writeText(name));
    return this.check(opened, this.about("mailbox", `mailbox ${name}`));
  }
  closeHandle(handle: number): void {
    this.check(this.x.hsx_mailbox_close(HOST_PID, handle));
  }
  /** The handle the host keeps on a mailbox, which is made if need be. */
  openMailbox(name: string): number {
    const known = this.mailboxHandles.get(name);
    if (known !== undefined) return known;
    const handle = this.openHandle(name);
    this.mailboxHandles.set(name, handle);
    return handle;
  }
  closeMailbox(name: string): void {
    const handle = this.mailboxHandles.get(name);
    if (handle === undefined) return;
    this.mailboxHandles.delete(name);
    this.closeHandle(handle);
  }
  bindMailbox(name: string, capacity: number, mode: number): number {
    const bound = this.x.hsx_mailbox_bind(HOST_PID, this.writeText(name), capacity, mode);
    return this.check(bound, this.about("mailbox", `mailbox ${name}`));
  }
  send(handle: number, data: Uint8Array, flags = 0, channel = 0): number {
    const bytes = this.core.write(data);
    const sent = this.x.hsx_mailbox_send(HOST_PID, handle, bytes, flags, channel);
    return this.check(sent, this.aboutHandle(handle));
  }
  /** The next message; undefined: none waits. */
  receive(handle: number): Message | undefined {
    const bytes = this.x.hsx_mailbox_receive(HOST_PID, handle, 0xffff);
    if (bytes === Err.NO_DATA) return undefined;
    return readMessage(this.core.view(), this.check(bytes, this.aboutHandle(handle)));
  }
  tap(handle: number, on: boolean): void {
    this.check(this.x.hsx_mailbox_tap(HOST_PID, handle, on ? 1 : 0), this.aboutHandle(handle));
  }
  private aboutHandle(handle: number): () => Subject {
    const [name] = [...this.mailboxHandles].find(([, h]) => h === handle) ?? [];
    return this.about("mailbox", `mailbox ${name ?? handle}`);
  }

  private writeText(text: string): number {
    return this.core.write(new TextEncoder().encode(text));
  }

  // ---- Node ----

  config(key: Config): number {
    return this.x.hsx_config_get(key) >>> 0;
  }
  configure(key: Config, value: number): void {
    const name = `setting ${Config[key]?.toLowerCase()}`;
    this.check(this.x.hsx_config_set(key, value), this.about("setting", name));
  }
  /** Events since the last call, oldest first. A gap in `seq` is what was dropped. */
  events(): NodeEvent[] {
    const events: NodeEvent[] = [];
    while (this.x.hsx_event() === Err.OK) events.push(readEvent(this.core.view()));
    return events;
  }
  memory(): MemoryInfo {
    return { profile: this.config(Config.PROFILE), freeBytes: this.config(Config.ARENA_FREE) };
  }
  store(): StoreInfo {
    this.check(this.x.hsx_store_info());
    return readStore(this.core.view());
  }
  /** Polls until a job of the whole store has ended; apps wait meanwhile. */
  private awaitStore(): void {
    this.settle();
    for (let n = 0; n < POLLS_MAX && this.store().state === StoreState.MOUNTING; n++) this.pump();
  }
  /** Formats the device for as many cells as it holds, or `cells`, and behind them `extents` for blobs. What it held is lost. */
  formatStore(cells = this.store().capacityCells, schema = 0, extents = 0): void {
    this.check(this.x.hsx_store_format(cells, schema, extents), this.about("store", "the store"));
    this.awaitStore();
  }
  /** Factory reset: no value is kept any more but, if so wished, those of the factory. */
  resetStore({ keepsFactory = false } = {}): void {
    const begun = this.x.hsx_store_reset(keepsFactory ? 1 : 0);
    this.check(begun, this.about("store", "the store"));
    this.awaitStore();
  }
  /** Every live cell of the store, in order of place. */
  storeCells(): CellInfo[] {
    const cells: CellInfo[] = [];
    this.settle();
    for (let from = 0; ; ) {
      const cell = this.x.hsx_store_next(from);
      if (cell === Err.NOT_FOUND) return cells;
      this.check(cell, this.about("store", "the store"));
      cells.push(readCell(cell, this.core.view()));
      from = cell + 1;
    }
  }
  /** Pid that holds a pin, and its PinMode and PinEdge bits. */
  pin(pin: number): { holder: number; mode: number; level: number } {
    const info = this.x.hsx_pin_info(pin);
    return { holder: info & 0xff, mode: info >> 8, level: this.machine.pinLevel(pin) };
  }
  /** Gives the node a file. */
  putFile(name: string, data: Uint8Array): void {
    const nameLength = this.writeText(name);
    this.core.write(data, nameLength);
    this.check(this.x.hsx_file_put(nameLength, data.length), this.about("file", `file ${name}`));
  }
}
