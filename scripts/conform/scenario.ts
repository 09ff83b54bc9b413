// Scenarios: the recorded host actions, carried out on a subject.

import { readFileSync } from "node:fs";
import { basename, join } from "node:path";
import { RegIndex } from "../../assembly/spec/node.ts";
import { MailboxMode } from "../../assembly/spec/svc.ts";
import { NodeError } from "../../host/client/refusal.ts";
import { f16FromNumber } from "../../host/formats/f16.ts";
import type { Subject } from "./subject.ts";

export interface Action {
  readonly action: string;
  readonly image?: string;
  readonly max_steps?: number;
  readonly ms?: number;
  readonly request?: Request;
}
type Request = { readonly cmd?: string } & Record<string, unknown>;

/** A verb of the recorded host that HSX does not have. */
export class NoSuchVerb extends Error {
  override readonly name = "NoSuchVerb";
}

export interface LoadResult {
  readonly status: "ok" | "error";
  readonly pid?: number;
  readonly error?: string;
}

/** Instructions the debugger's "continue" runs at most. */
const CONTINUE_MAX = 100_000;

const number = (value: unknown, otherwise = 0): number =>
  value === undefined || value === null ? otherwise : Number(value);
const text = (value: unknown): string => (typeof value === "string" ? value : "");

export class Scenario {
  readonly loads: LoadResult[] = [];
  private readonly subject: Subject;
  private readonly folder: string;
  private readonly breakpoints = new Set<number>();
  /** Mode bits the stdio mailboxes of further tasks get, by stream. */
  private readonly stdioModes = new Map<string, number>();

  constructor(subject: Subject, folder: string) {
    this.subject = subject;
    this.folder = folder;
  }

  perform(action: Action): void {
    const steps = action.max_steps ?? 0;
    switch (action.action) {
      case "load":
        return this.load(text(action.image));
      case "run":
        return this.run(steps, true);
      case "run_noadvance":
        return this.run(steps, false);
      case "run_plain":
        for (let n = 0; n < steps; n++) this.subject.step();
        return;
      case "advance_ms":
        return this.subject.node.machine.advance(number(action.ms) * 1000);
      case "cmd":
        return this.command(action.request ?? {});
      default:
        throw new NoSuchVerb(`action ${action.action}`);
    }
  }

  private load(image: string): void {
    try {
      const pid = this.subject.load(readFileSync(join(this.folder, image)));
      this.loads.push({ status: "ok", pid });
      for (const [stream, mode] of this.stdioModes) this.bindStdio(pid, stream, mode);
    } catch (error) {
      if (!(error instanceof NodeError)) throw error;
      this.loads.push({ status: "error", error: error.message });
    }
  }

  /** Steps until nothing can run, `max` instructions were tried, or the clock may not move. */
  private run(max: number, advances: boolean): void {
    for (let n = 0; n < max; ) {
      if (this.subject.step() !== 0) n++;
      else if (!this.subject.isReady() && !(advances && this.subject.skip())) return;
    }
  }

  /** Carries out a request; its refusal is part of the recorded reply, which is not compared. */
  private command(request: Request): void {
    try {
      this.request(request);
    } catch (error) {
      if (!(error instanceof NodeError)) throw error;
    }
  }

  private request(request: Request): void {
    const { node } = this.subject;
    const pid = number(request.pid);
    switch (request.cmd) {
      case undefined:
      case "ping":
      case "ps":
      case "info":
      case "sched":
      case "dumpregs":
      case "vm_reg_get":
      case "vm_trace_last":
      case "read_mem":
      case "peek":
      case "val_list":
      case "val_get":
      case "val_stats":
      case "cmd_list":
      case "mailbox_snapshot":
      case "mailbox_stdio_summary":
        return; // they only look
      case "load":
        if (request.path !== undefined) this.load(join("hxe", basename(text(request.path))));
        return;
      case "kill":
        return node.kill(pid);
      case "pause":
        return this.forEach(pid, (p) => node.pause(p));
      case "resume":
        return this.forEach(pid, (p) => node.resume(p));
      case "reset":
        return this.subject.reset();
      case "step":
        return this.step(request);
      case "vm_reg_set":
        return this.setReg(pid, request.reg, number(request.value));
      case "write_mem":
      case "poke":
        return node.writeMemory(pid, number(request.addr), Buffer.from(text(request.data), "hex"));
      case "dbg":
        return this.debug(pid, request);
      case "val_set":
        return this.setValue(request);
      case "cmd_call":
        return this.callCommand(request);
      default:
        return this.mailbox(request, pid);
    }
  }

  private forEach(pid: number, act: (pid: number) => void): void {
    const pids = pid !== 0 ? [pid] : this.subject.node.tasks().map((t) => t.pid);
    for (const one of pids) {
      try {
        act(one);
      } catch (error) {
        if (!(error instanceof NodeError) || pid !== 0) throw error;
      }
    }
  }

  private step(request: Request): void {
    const steps = number(request.steps ?? request.cycles, 1);
    const pid = request.pid === undefined ? undefined : number(request.pid);
    for (let n = 0; n < steps; n++) this.subject.step(pid);
    if (pid !== undefined) this.forEach(pid, (p) => this.subject.node.resume(p));
  }

  private setReg(pid: number, reg: unknown, value: number): void {
    const name = text(reg).toUpperCase();
    const index =
      name === "PC"
        ? RegIndex.PC
        : name === "PSW"
          ? RegIndex.PSW
          : number(name.replace(/^R/, "") || reg);
    this.subject.node.setReg(pid, index, value >>> 0);
  }

  /** The debugger's verbs, by single steps of one task. */
  private debug(pid: number, request: Request): void {
    const { node } = this.subject;
    switch (text(request.op)) {
      case "break":
        return node.pause(pid);
      case "detach":
        this.breakpoints.clear();
        return node.resume(pid);
      case "step":
        return this.trace(pid, number(request.count, 1), false);
      case "cont":
      case "continue":
        return this.trace(pid, number(request.cycles, CONTINUE_MAX), true);
      case "bp":
        return this.breakpoint(text(request.action), number(request.addr) & 0xffff);
      default:
        return; // attach and regs only look
    }
  }

  /** Runs a task alone for at most `max` instructions; until a breakpoint if `stops`. */
  private trace(pid: number, max: number, stops: boolean): void {
    for (let n = 0; n < max && this.subject.step(pid) !== 0; n++) {
      const pc = this.subject.node.task(pid)?.pc ?? 0;
      if (stops && this.breakpoints.has(pc)) return;
    }
  }

  private breakpoint(action: string, address: number): void {
    if (action === "add") this.breakpoints.add(address);
    else if (action !== "" && action !== "list") this.breakpoints.delete(address);
  }

  private setValue(request: Request): void {
    const oid = number(request.oid);
    const owner = this.subject.node.values().find((v) => v.oid === oid)?.owner;
    this.subject.authority(request.pid === undefined || number(request.pid) === owner);
    this.subject.node.setValue(oid, f16FromNumber(number(request.value)));
  }

  private callCommand(request: Request): void {
    const oid = number(request.oid);
    const owner = this.subject.node.commands().find((k) => k.oid === oid)?.owner;
    this.subject.authority(request.pid === undefined || number(request.pid) === owner);
    this.subject.node.core.exports.hsx_command_call(oid, 0);
  }

  // ---- Mailboxes in the place of a task ----

  private name(target: unknown): number {
    return this.subject.node.core.write(Buffer.from(text(target)));
  }

  private mailbox(request: Request, pid: number): void {
    const x = this.subject.node.core.exports;
    const handle = number(request.handle);
    switch (request.cmd) {
      case "mailbox_open":
        x.hsx_mailbox_open(pid, this.name(request.target));
        return;
      case "mailbox_close":
        x.hsx_mailbox_close(pid, handle);
        return;
      case "mailbox_bind": {
        const capacity = number(request.capacity);
        x.hsx_mailbox_bind(pid, this.name(request.target), capacity, number(request.mode));
        return;
      }
      case "mailbox_send":
        return this.send(request, pid);
      case "mailbox_recv":
        x.hsx_mailbox_receive(pid, handle, number(request.max_len, 512));
        return;
      case "mailbox_peek":
        x.hsx_mailbox_peek(pid, handle);
        return;
      case "mailbox_tap":
        x.hsx_mailbox_tap(pid, handle, number(request.enable, 1));
        return;
      case "mailbox_config_stdio":
        return this.configureStdio(request);
      default:
        return; // unknown requests get an error reply and change nothing
    }
  }

  /** Gives the stdio mailboxes of all tasks, present and to come, a mode. */
  private configureStdio(request: Request): void {
    const stream = text(request.stream) || "out";
    const mode = number(request.mode, MailboxMode.RDWR);
    this.stdioModes.set(stream, mode);
    if (request.update_existing === false) return;
    for (const { pid } of this.subject.node.tasks()) this.bindStdio(pid, stream, mode);
  }
  private bindStdio(pid: number, stream: string, mode: number): void {
    const x = this.subject.node.core.exports;
    x.hsx_mailbox_bind(pid, this.name(`svc:stdio.${stream}`), 0, mode);
  }

  /** Sends by a handle, or by a target through a handle that is closed again. */
  private send(request: Request, pid: number): void {
    const x = this.subject.node.core.exports;
    const given = number(request.handle);
    const handle = given > 0 ? given : x.hsx_mailbox_open(pid, this.name(request.target));
    if (handle < 0) return;
    const hexData = request.data_hex;
    const data =
      typeof hexData === "string" ? Buffer.from(hexData, "hex") : Buffer.from(text(request.data));
    const bytes = this.subject.node.core.write(data);
    x.hsx_mailbox_send(pid, handle, bytes, number(request.flags), number(request.channel));
    if (given <= 0) x.hsx_mailbox_close(pid, handle);
  }
}
