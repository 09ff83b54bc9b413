// The node under test: the core in Node, driven one instruction at a time, with what each task did kept apart.

import { createHash, type Hash } from "node:crypto";
import { StoreState } from "../../assembly/spec/cell.ts";
import { DATA_ORIGIN, STACK_TOP } from "../../assembly/spec/hxe.ts";
import { Config, EventType, NEVER, NodeMode, Stop, TaskState } from "../../assembly/spec/node.ts";
import { Level } from "../../assembly/spec/svc.ts";
import { LocalNode } from "../../host/client/local-node.ts";
import type { TaskInfo } from "../../host/client/records.ts";
import type { CoreSource } from "../../host/node/core.ts";
import { Machine } from "../../host/node/hal.ts";
import { NV_GEOMETRY, NvDevice } from "../../host/node/nv.ts";

/** Bytes of non-volatile memory behind the recorded persist store. */
const NV_BYTES = 8192;
/** The recorded reference starts with this file. */
const FILE = { name: "/hello.txt", text: "Hi from FS!\n" };

export interface SubjectOptions {
  readonly bare: boolean;
  /** In the memory a task of the node has, instead of the reference's. */
  readonly isOwn?: boolean;
  readonly libm: boolean;
  /** Mailbox limits of the recorded `embedded` profile. */
  readonly embedded: boolean;
}

/** What one task did, as the vectors record it. */
export class Diary {
  readonly uart: Buffer[] = [];
  readonly can: { id: number; data: string }[] = [];
  lines = 0;
  private readonly full: Hash = createHash("sha256");
  private readonly withoutR15: Hash = createHash("sha256");

  /** Notes one retired instruction: its place and word, and the state after it. */
  note(pc: number, word: number, after: TaskInfo): void {
    const line = [hex(pc, 8), hex(word, 8), hex(after.psw, 2), ...after.regs.map((r) => hex(r, 8))];
    this.full.update(`${line.join(" ")}\n`);
    this.withoutR15.update(`${line.slice(0, -1).join(" ")}\n`);
    this.lines++;
  }
  hashes(): { trace_sha256: string; trace_sha256_without_r15: string } {
    return {
      trace_sha256: this.full.copy().digest("hex"),
      trace_sha256_without_r15: this.withoutR15.copy().digest("hex"),
    };
  }
}

export function hex(n: number, digits: number): string {
  return (n >>> 0).toString(16).padStart(digits, "0");
}

export class Subject {
  readonly node: LocalNode;
  /** By pid; a task that was killed keeps its own. */
  readonly diaries = new Map<number, Diary>();
  /** Code of the BRK a task stopped at, by pid. */
  readonly breaks = new Map<number, number>();
  private readonly code = new Map<number, DataView>();
  private readonly options: SubjectOptions;
  private uart: Buffer[] = [];
  private can: { id: number; data: string }[] = [];

  private constructor(node: LocalNode, options: SubjectOptions) {
    this.node = node;
    this.options = options;
  }

  static async create(core: CoreSource, options: SubjectOptions): Promise<Subject> {
    const heard: { subject?: Subject } = {};
    const nv = new NvDevice(new Uint8Array(NV_BYTES).fill(0xff), { geometry: NV_GEOMETRY.fram });
    const machine = new Machine({
      nv,
      onUart: (bytes) => heard.subject?.uart.push(Buffer.from(bytes)),
      onCan: ({ id, data }) => {
        heard.subject?.can.push({ id, data: Buffer.from(data).toString("hex") });
      },
    });
    const node = await LocalNode.start(core, machine);
    const subject = new Subject(node, options);
    heard.subject = subject;
    subject.prepare();
    return subject;
  }

  /** Makes a node that has just started act as the recorded reference. */
  private prepare(): void {
    const { bare, libm, embedded, isOwn } = this.options;
    const mode = NodeMode.REFERENCE | (bare ? NodeMode.BARE : 0) | (libm ? NodeMode.LIBM : 0);
    if (!isOwn) this.node.configure(Config.MODE, mode);
    this.node.configure(Config.QUANTUM, 1);
    if (this.node.store().state === StoreState.BLANK) this.node.formatStore();
    if (isOwn) return;
    this.node.putFile(FILE.name, Buffer.from(FILE.text));
    if (!embedded) return;
    this.node.configure(Config.DESCRIPTOR_LIMIT, 16);
    this.node.configure(Config.HANDLE_LIMIT, 8);
  }

  /** Starts the node anew: no tasks, pids from 1. */
  reset(): void {
    this.node.core.exports.hsx_start();
    this.node.settle();
    this.prepare();
  }

  /** Loads an image; throws NodeError. */
  load(image: Uint8Array): number {
    const pid = this.node.load(image);
    const view = new DataView(image.buffer, image.byteOffset, image.length);
    const header = view.getUint16(4) === 1 ? 32 : 96;
    this.code.set(pid, new DataView(image.buffer, image.byteOffset + header, view.getUint32(12)));
    this.diaries.set(pid, new Diary());
    return pid;
  }

  /** The instruction word at an offset of a task's code; 0 beyond it. */
  wordAt(pid: number, pc: number): number {
    const code = this.code.get(pid);
    return code !== undefined && pc + 4 <= code.byteLength ? code.getUint32(pc) : 0;
  }

  /**
   * One turn of one instruction at the present time, or of task `pid` alone. Returns the pid of the task that tried one,
   * 0 when none could.
   */
  step(pid?: number): number {
    const before = new Map(this.node.tasks().map((t) => [t.pid, t]));
    if (pid === undefined) this.node.core.exports.hsx_poll(1);
    else this.node.core.exports.hsx_task_step(pid);
    for (const event of this.node.events()) {
      if (event.type === EventType.BREAK) this.breaks.set(event.pid, event.a);
    }
    const actor = this.node.tasks().find((t) => hasMoved(before.get(t.pid), t));
    if (actor === undefined) return 0;
    this.credit(actor, before.get(actor.pid));
    return actor.pid;
  }

  private credit(after: TaskInfo, before: TaskInfo | undefined): void {
    const diary = this.diaries.get(after.pid);
    if (diary === undefined || before === undefined) return;
    diary.uart.push(...this.uart);
    diary.can.push(...this.can);
    this.uart = [];
    this.can = [];
    if (after.steps !== before.steps)
      diary.note(before.pc, this.wordAt(after.pid, before.pc), after);
  }

  /** Moves the clock to the next deadline. False: there is none. */
  skip(): boolean {
    const rest = this.node.core.exports.hsx_rest() >>> 0;
    if (rest === NEVER || this.node.tasks().every((t) => t.timer_ms === undefined)) return false;
    this.node.machine.advance(Math.max(1, rest) * 1000);
    return true;
  }

  isReady(): boolean {
    return this.node.tasks().some((t) => t.state === TaskState.READY);
  }

  /** All 64 KiB of a task's memory; what a task in the node's own memory does not have is 0. */
  memory(pid: number): Uint8Array {
    return this.options.isOwn ? this.ownMemory(pid) : this.node.readMemory(pid, 0, 0x10000);
  }

  private ownMemory(pid: number): Uint8Array {
    const memory = new Uint8Array(0x10000);
    const { dataBytes = 0, stackBytes = 0 } = this.node.task(pid) ?? {};
    for (const [start, bytes] of [
      [DATA_ORIGIN, dataBytes],
      [STACK_TOP - stackBytes, stackBytes],
    ] as const) {
      if (bytes > 0) memory.set(this.node.readMemory(pid, start, bytes), start);
    }
    return memory;
  }

  /** Acts with the authority of the task that owns a value, or as one that does not. */
  authority(owns: boolean): void {
    this.node.configure(Config.LEVEL, owns ? 0xff : Level.PUBLIC);
  }
}

/** True when a step was the task's: it retired an instruction, or ended or faulted at one. */
function hasMoved(before: TaskInfo | undefined, after: TaskInfo): boolean {
  if (before === undefined) return false;
  const hasEnded = after.state === TaskState.FAULTED || after.state === TaskState.RETURNED;
  return after.steps !== before.steps || (hasEnded && before.state !== after.state);
}

/** Outcome, code and fault of a task as the vectors name them. */
export function outcomeOf(
  task: TaskInfo,
  wordAtPc: number,
): { outcome: string; code?: number; fault?: string } {
  const r0 = task.regs[0] ?? 0;
  switch (task.state) {
    case TaskState.EXITED:
      return { outcome: "exit", code: r0 };
    case TaskState.RETURNED:
      return { outcome: "returned", code: r0 };
    case TaskState.FAULTED:
      if (task.stop === Stop.ILLEGAL) return { outcome: "illegal_opcode", code: r0 };
      if (task.stop !== Stop.PC) return { outcome: "fault", code: r0, fault: Stop[task.stop] };
      return {
        outcome: wordAtPc >>> 24 === 0x60 ? "ldi32_truncated" : "pc_out_of_range",
        code: r0,
      };
    case TaskState.PAUSED:
      return { outcome: task.stop === Stop.BRK ? "break" : "paused" };
    case TaskState.RECEIVING:
      return { outcome: "blocked_mailbox" };
    case TaskState.SLEEPING:
      return { outcome: "sleeping" };
    default:
      return { outcome: "still_running" };
  }
}
