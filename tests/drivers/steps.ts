// The steps of a behaviour vector: one verb a line, what it yields behind `->`. tests/vectors/behaviour/README.md explains them.

import { Err } from "../../assembly/spec/errors.ts";
import { Config, EventType, Stop, TaskState } from "../../assembly/spec/node.ts";
import { CommandStatus } from "../../assembly/spec/svc.ts";
import type { NodeEvent, TaskInfo } from "../../host/client/records.ts";
import { NodeError } from "../../host/client/refusal.ts";
import { f16FromNumber, f16ToNumber } from "../../host/formats/f16.ts";
import { NV_GEOMETRY, NvDevice } from "../../host/node/nv.ts";
import { type Guest, guestOf } from "./guest.ts";
import type { Machine, ProfileName, Rig, RigOptions } from "./machine.ts";

/** A case: its title and sections by name. */
export interface Vector {
  readonly title: string;
  readonly sections: ReadonlyMap<string, string>;
}

/** The cases of a file of text vectors. A case begins at `# `, a section at `-- `. */
export function readVectors(text: string): Vector[] {
  const vectors: { title: string; sections: Map<string, string> }[] = [];
  let section: string | undefined;
  for (const line of text.split("\n")) {
    const last = vectors.at(-1);
    if (line.startsWith("# ")) {
      vectors.push({ title: line.slice(2), sections: new Map() });
      section = undefined;
    } else if (line.startsWith("-- ") && last !== undefined) {
      section = line.slice(3).trim();
      last.sections.set(section, "");
    } else if (last !== undefined && section !== undefined) {
      last.sections.set(section, `${last.sections.get(section)}${line}\n`);
    }
  }
  return vectors;
}

/** Profiles a case runs on: all that its machine has unless it names some. */
export function profilesOf(vector: Vector, machine: Machine): readonly ProfileName[] {
  const [, ...named] =
    [...vector.sections.keys()].find((k) => k.startsWith("profiles "))?.split(" ") ?? [];
  return machine.profiles.filter((p) => named.length === 0 || named.includes(p));
}

/** A step whose result is not what its line says. */
export class StepFailure extends Error {
  override readonly name = "StepFailure";
}

/** Runs the steps of a case and throws at the first that yields something else than its line says. */
export async function runVector(
  vector: Vector,
  machine: Machine,
  profile: ProfileName,
): Promise<void> {
  const runner = await Runner.start(vector, machine, profile);
  for (const line of (vector.sections.get("steps") ?? "").split("\n")) {
    const step = line.replace(/^\s+|\s+$/g, "");
    if (step !== "" && !step.startsWith(";")) await runner.run(step);
  }
}

const number = (text: string | undefined): number => {
  if (text === undefined || text === "" || Number.isNaN(Number(text)))
    throw new StepFailure(`"${text}" is not a number`);
  return Number(text);
};
const oid = (text = ""): number => {
  const [group, id] = text.split(":");
  return (number(group) << 8) | number(id);
};
const oidText = (id: number) => `${id >> 8}:${id & 0xff}`;
const f16 = (text = "") => (text.startsWith("0x") ? number(text) : f16FromNumber(number(text)));
/** Text in quotes, or bytes in hexadecimal. */
const payload = (text = ""): Uint8Array =>
  text.startsWith('"') ? Buffer.from(JSON.parse(text), "latin1") : Buffer.from(text, "hex");
const hex = (bytes: Uint8Array) => Buffer.from(bytes).toString("hex");
const shown = (bytes: Uint8Array) =>
  bytes.every((b) => b >= 32 && b < 127)
    ? JSON.stringify(Buffer.from(bytes).toString("latin1"))
    : hex(bytes);

/** Words of a step; a text in quotes is one. */
const wordsOf = (step: string) => step.match(/"(?:[^"\\]|\\.)*"|\S+/g) ?? [];

class Runner {
  private rig!: Rig;
  private readonly guests = new Map<string, Guest>();
  private readonly guestOfPid = new Map<number, Guest>();

  private constructor(
    private readonly machine: Machine,
    private readonly profile: ProfileName,
    private readonly options: RigOptions,
  ) {}

  static async start(vector: Vector, machine: Machine, profile: ProfileName): Promise<Runner> {
    const runner = new Runner(machine, profile, optionsOf(vector.sections.get("node") ?? ""));
    for (const [name, text] of vector.sections) {
      const [kind, app = "app", single] = name.split(" ");
      const singleInstance = single === "single";
      if (kind === "asm") runner.guests.set(app, guestOf(text, app, { singleInstance }));
    }
    await runner.reboot();
    return runner;
  }

  private async reboot(): Promise<void> {
    this.options.nv?.powerOn();
    this.rig = await this.machine.start(this.profile, this.options);
  }

  async run(step: string): Promise<void> {
    const [action = "", expected] = step.split(/\s*->\s*/);
    const [verb = "", ...args] = wordsOf(action);
    const { found, isRefusal } = await this.yieldOf(verb, args);
    const isTold = expected === undefined ? !isRefusal : found === expected;
    if (!isTold) throw new StepFailure(`${step}\n  yields ${found}`);
  }

  private async yieldOf(
    verb: string,
    args: string[],
  ): Promise<{ found: string; isRefusal: boolean }> {
    if (verb === "reboot") {
      await this.reboot();
      return { found: "", isRefusal: false };
    }
    const handler = (this as unknown as Record<string, unknown>)[`do_${verb}`];
    if (typeof handler !== "function") throw new StepFailure(`there is no step "${verb}"`);
    try {
      const found = handler.apply(this, args);
      return { found: found === undefined ? "" : String(found), isRefusal: false };
    } catch (error) {
      if (error instanceof NodeError) return { found: Err[error.code] ?? "?", isRefusal: true };
      throw error;
    }
  }

  private get node() {
    return this.rig.node;
  }

  private task(pid: string): TaskInfo {
    const task = this.node.task(number(pid));
    if (task === undefined) throw new StepFailure(`there is no task ${pid}`);
    return task;
  }

  /** `name`, `name+4` or a number. */
  private address(pid: string, text: string): number {
    const [, name = "", plus] = /^([^+]*)(?:\+(\d+))?$/.exec(text) ?? [];
    const symbol = this.guestOfPid.get(number(pid))?.symbols.get(name);
    return (symbol ?? number(name)) + (plus === undefined ? 0 : number(plus));
  }

  // ---- Images and tasks ----

  protected do_load(app: string, ...words: string[]): number {
    const guest = this.guests.get(app);
    if (guest === undefined) throw new StepFailure(`there is no section "asm ${app}"`);
    const after = (word: string) => {
      const at = words.indexOf(word);
      return at < 0 ? undefined : number(words[at + 1]);
    };
    const pieceBytes = after("pieces");
    const pid = this.node.load(guest.image, {
      replaces: after("replaces") ?? 0,
      groupBase: after("group") ?? 0,
      keyBase: after("key") ?? 0,
      restarts: after("restarts") ?? 0,
      ...(pieceBytes === undefined ? {} : { pieceBytes }),
    });
    this.guestOfPid.set(pid, guest);
    return pid;
  }
  protected do_restart(pid: string): void {
    this.node.restart(number(pid));
  }
  protected do_kill(pid: string): void {
    this.node.kill(number(pid));
  }
  protected do_pause(pid: string): void {
    this.node.pause(number(pid));
  }
  protected do_resume(pid: string): void {
    this.node.resume(number(pid));
  }
  protected do_step(pid: string): number {
    return this.node.step(number(pid));
  }
  protected do_poll(budget: string): number {
    return this.node.poll(number(budget));
  }
  /** Polls with one instruction each and tells how many each of all tasks retired. */
  protected do_interleave(count: string): string {
    const before = new Map(this.node.tasks().map((t) => [t.pid, t.steps]));
    const turns: { pid: number; steps: number }[] = [];
    for (let n = 0; n < number(count); n++) {
      this.node.poll(1);
      for (const { pid, steps } of this.node.tasks()) {
        if (steps === before.get(pid)) continue;
        before.set(pid, steps);
        const last = turns.at(-1);
        if (last?.pid === pid) last.steps++;
        else turns.push({ pid, steps: 1 });
      }
    }
    return turns.map(({ pid, steps }) => `${pid}x${steps}`).join(" ");
  }
  protected do_run(ms: string): void {
    this.node.run(number(ms));
    this.node.poll(0); // the node sees the time it is now
  }
  protected do_pass(ms: string): void {
    this.rig.world.advance_ms(number(ms));
  }
  protected do_tasks(): string {
    return this.node
      .tasks()
      .map((t) => `${t.pid}=${t.name}`)
      .join(" ");
  }
  protected do_state(pid: string): string {
    return TaskState[this.task(pid).state] ?? "";
  }
  protected do_stop(pid: string): string {
    return Stop[this.task(pid).stop] ?? "";
  }
  protected do_steps(pid: string): number {
    return this.task(pid).steps;
  }
  protected do_pc(pid: string): string {
    return `0x${this.task(pid).pc.toString(16)}`;
  }
  protected do_sp(pid: string): string {
    return `0x${this.task(pid).sp.toString(16)}`;
  }
  protected do_restarts(pid: string): number {
    return this.task(pid).restartsLeft;
  }
  protected do_confirmed(pid: string): boolean {
    return this.task(pid).confirmed;
  }
  /** Registers in hexadecimal: `R0`, or several. */
  protected do_regs(pid: string, ...names: string[]): string {
    const { regs } = this.task(pid);
    return names.map((name) => (regs[number(name.slice(1))] ?? 0).toString(16)).join(" ");
  }
  protected do_setreg(pid: string, n: string, value: string): void {
    this.node.setReg(number(pid), number(n.slice(1)), number(value));
  }
  /** 32-bit words of task memory in hexadecimal. */
  protected do_words(pid: string, address: string, count = "1"): string {
    const bytes = this.node.readMemory(number(pid), this.address(pid, address), number(count) * 4);
    const view = new DataView(bytes.buffer);
    const words = Array.from({ length: number(count) }, (_, i) => view.getUint32(i * 4, true));
    return words.map((w) => w.toString(16)).join(" ");
  }
  protected do_memory(pid: string, address: string, count: string): string {
    return hex(this.node.readMemory(number(pid), this.address(pid, address), number(count)));
  }
  protected do_text(pid: string, address: string, count: string): string {
    const bytes = this.node.readMemory(number(pid), this.address(pid, address), number(count));
    return shown(bytes);
  }

  // ---- Values and commands ----

  protected do_value(id: string): number {
    return f16ToNumber(this.node.getValue(oid(id)));
  }
  protected do_set(id: string, value: string): void {
    this.node.setValue(oid(id), f16(value));
  }
  protected do_values(): string {
    return this.node
      .values()
      .map(
        (v) =>
          `${oidText(v.oid)}@${v.owner}${v.isDirty ? " dirty" : ""}${v.isStale ? " stale" : ""}`,
      )
      .join(", ");
  }
  protected do_persist(id: string, mode: string): void {
    this.node.setPersistMode(oid(id), number(mode));
  }
  protected do_save(id: string): void {
    this.node.saveValue(oid(id));
  }
  protected do_commands(): string {
    return this.node
      .commands()
      .map((k) => `${oidText(k.oid)}@${k.owner}`)
      .join(", ");
  }
  protected do_call(id: string, argument = "0"): string {
    const { status, result } = this.node.callCommand(oid(id), number(argument));
    return `${CommandStatus[status]} ${result.toString(16)}`;
  }

  // ---- Mailboxes ----

  protected do_open(name: string): void {
    this.node.openMailbox(name);
  }
  protected do_close(name: string): void {
    this.node.closeMailbox(name);
  }
  protected do_bind(name: string, capacity: string, mode = "0"): void {
    this.node.bindMailbox(name, number(capacity), number(mode));
  }
  protected do_send(name: string, data: string, flags = "0", channel = "0"): number {
    const handle = this.node.openMailbox(name);
    return this.node.send(handle, payload(data), number(flags), number(channel));
  }
  /** The next message: its data, and behind it flags, channel and source. */
  protected do_receive(name: string): string {
    const message = this.node.receive(this.node.openMailbox(name));
    if (message === undefined) return "nothing";
    const { data, flags, channel, source } = message;
    return `${shown(data)} ${flags.toString(16)} ${channel.toString(16)} from ${source}`;
  }
  protected do_mailbox(name: string): string {
    const box = this.node.mailboxes().find((m) => m.name === name);
    return box === undefined ? "none" : `${box.messages} in ${box.used} of ${box.capacity}`;
  }
  protected do_mailboxes(): string {
    return this.node
      .mailboxes()
      .map((m) => m.name)
      .join(" ");
  }

  // ---- The node and its surroundings ----

  protected do_level(level: string): void {
    this.node.configure(Config.LEVEL, number(level));
  }
  protected do_quantum(steps: string): void {
    this.node.configure(Config.QUANTUM, number(steps));
  }
  protected do_config(name: string): number {
    return this.node.config(Config[name as keyof typeof Config]);
  }
  /** Events since the last such step, of the types named or of all: type, pid, a, b. */
  protected do_events(...types: string[]): string {
    return this.node
      .events()
      .filter((e) => types.length === 0 || types.includes(EventType[e.type] ?? ""))
      .map(eventText)
      .join(", ");
  }
  protected do_console(): string {
    return JSON.stringify(this.rig.world.takeConsole());
  }
  protected do_type(text: string): void {
    this.rig.world.typeConsole(JSON.parse(text));
  }
  protected do_room(bytes: string): void {
    this.rig.world.setConsoleRoom(number(bytes));
  }
  protected do_frames(): string {
    return this.rig.world.takeFrames().join(" ");
  }
  protected do_frame(text: string): boolean {
    const [id, data] = text.split("#");
    return this.rig.world.receiveFrame(Number.parseInt(id ?? "", 16), payload(data));
  }
  protected do_bus(state: string): void {
    this.rig.world.setCanState(state as "ok" | "busy" | "off");
  }
  protected do_apply(pin: string, level: string): void {
    this.rig.world.applyPin(number(pin), number(level) === 1 ? 1 : 0);
  }
  protected do_level_of(pin: string): number {
    return this.rig.world.pinLevel(number(pin));
  }
  protected do_holder(pin: string): number {
    return this.node.pin(number(pin)).holder;
  }

  // ---- The store ----

  protected do_format(): void {
    this.node.formatStore();
  }
  protected do_reset(): void {
    this.node.resetStore();
  }
  protected do_live(): number {
    return this.node.store().live;
  }
  /** Breaks every live cell of the device that holds this key. */
  protected do_damage(key: string): void {
    const bytes = this.options.nv?.bytes;
    if (bytes === undefined) throw new StepFailure("no device is fitted");
    for (let at = 32; at + 8 <= bytes.length; at += 8) {
      const isKey = (bytes[at] as number) + 256 * (bytes[at + 1] as number) === number(key);
      if (isKey && bytes[at + 7] !== 0) bytes[at + 4] = (bytes[at + 4] as number) ^ 0x10;
    }
  }
  protected do_device(fault: "none" | "absent" | "io"): void {
    if (this.options.nv !== undefined) this.options.nv.fault = fault;
  }
}

function eventText({ type, pid, a, b }: NodeEvent): string {
  return `${EventType[type]} ${pid} ${a} ${b.toString(16)}`;
}

/** The section `node`: words with a number each, like `quantum 7`, `start_ms 4294966796`, `fram 1024`. */
function optionsOf(text: string): RigOptions {
  const words = text.trim().split(/\s+/);
  const after = (word: string) => {
    const at = words.indexOf(word);
    return at < 0 ? undefined : number(words[at + 1]);
  };
  const fram = after("fram");
  const eeprom = after("eeprom");
  const options: Record<string, unknown> = {};
  for (const key of ["quantum", "level", "start_ms", "pins", "mode"]) {
    const value = after(key);
    if (value !== undefined) options[key] = value;
  }
  if (fram !== undefined) options.nv = new NvDevice(new Uint8Array(fram));
  if (eeprom !== undefined)
    options.nv = new NvDevice(new Uint8Array(eeprom), { geometry: NV_GEOMETRY.eeprom8 });
  return options as RigOptions;
}
