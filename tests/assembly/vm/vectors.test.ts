// The MiniVM on the reference's recorded runs of one bare machine: same registers, memory and trace, bit by bit.

import { createHash } from "node:crypto";
import { readdirSync, readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { Stop } from "../../../assembly/spec/node.ts";
import { CoreGuest } from "../../oracle/guest-memory.ts";
import { compileProbe, type Probe } from "../../probes/compile.ts";

const folder = new URL("../../vectors/recorded/", import.meta.url);
const OURS = /^(isa|mem|flt|stk|ctl|f16|prog)_/;
const TASK_EXIT = 0x100;
const UART_WRITE = 0x101;

// ---- The recorded side ----

interface Recorded {
  outcome: string;
  fault?: string;
  exit_code?: string;
  exit_status?: string;
  regs: string[];
  pc: string;
  sp: string;
  psw: number;
  steps: number;
  uart: { hex: string };
  mem_sha256: string;
  trace: { sha256: string };
}

const divergences = JSON.parse(readFileSync(new URL("divergences.json", folder), "utf8"));

function readCase(name: string): { run: Recorded | undefined; skip: Set<string> } {
  const file = new URL(`expected/${name}.json`, folder);
  const { runs, divergences: ids } = JSON.parse(readFileSync(file, "utf8"));
  const relaxed = divergences.divergences
    .filter(({ id }: { id: string }) => ids.includes(id))
    .flatMap(({ relax }: { relax?: string[] }) => relax ?? []);
  return { run: runs.minivm, skip: new Set([...relaxed, ...(divergences.case_relax[name] ?? [])]) };
}

/** Code, rodata and entry by the header's offsets (docs/hxe.md). */
function readImage(name: string) {
  const file = readFileSync(new URL(`hxe/${name}.hxe`, folder));
  const header = file.readUInt16BE(4) === 1 ? 32 : 96;
  const rodata = header + file.readUInt32BE(0x0c);
  return {
    code: new Uint8Array(file.subarray(header, rodata)),
    data: new Uint8Array(file.subarray(rodata, rodata + file.readUInt32BE(0x10))),
    entry: file.readUInt32BE(0x08),
  };
}

// ---- Our side ----

function hex(value: number, digits: number): string {
  return value.toString(16).padStart(digits, "0");
}

/** UART_WRITE: R0 := length. Returns the bytes in hex. */
function writeUart(guest: CoreGuest): string {
  const at = guest.data + (guest.reg(1) & 0xffff);
  const length = guest.reg(2) & 0xffff;
  guest.setReg(0, length);
  return Buffer.from(guest.bytes.slice(at, at + length)).toString("hex");
}

/** The word at pc, or what the trace shows of it when it lies outside of memory. */
function wordAt({ view, code }: CoreGuest, pc: number): number {
  return pc < 0x10000 ? view.getUint32(code + pc) : 0;
}

/** Runs one instruction at a time, so that every line of the trace can be told. */
function runTraced(probe: Probe, name: string, steps: number) {
  const image = readImage(name);
  const guest = new CoreGuest(probe, { ...image, stackOrigin: 0, sp: 0x8000, isFlat: true });
  const trace = createHash("sha256");
  let uart = "";
  let stop = Stop.BUDGET;
  while (stop === Stop.BUDGET && guest.steps <= steps) {
    const pc = guest.pc;
    const word = wordAt(guest, pc);
    const retired = guest.run(1);
    stop = guest.stop;
    if (stop === Stop.SVC && guest.svc === UART_WRITE) {
      uart += writeUart(guest);
      stop = Stop.BUDGET;
    }
    const regs = guest.regs.map((r) => hex(r, 8)).join(" ");
    if (retired === 1) trace.update(`${hex(pc, 8)} ${hex(word, 8)} ${hex(guest.psw, 2)} ${regs}\n`);
  }
  const isExit = stop === Stop.SVC && guest.svc === TASK_EXIT;
  return { guest, outcome: isExit ? "exit" : Stop[stop], uart, trace: trace.digest("hex") };
}

const OUTCOMES: Record<string, string> = {
  returned: "RETURN",
  illegal_opcode: "ILLEGAL",
  pc_out_of_range: "PC",
  ldi32_truncated: "PC",
  break: "BRK",
  STACK_OVERFLOW: "STACK_OVERFLOW",
  STACK_UNDERFLOW: "STACK_UNDERFLOW",
  MEM_FAULT: "MEMORY",
  DIV_ZERO: "DIV_ZERO",
};

const names = readdirSync(new URL("expected/", folder))
  .map((file) => file.replace(".json", ""))
  .filter((name) => OURS.test(name) && readCase(name).run !== undefined);

describe("the MiniVM as the reference's bare machine", async () => {
  const probe = await compileProbe("vm", "desktop");

  it.each(names)("repeats the recorded run of %s", (name) => {
    const { run, skip } = readCase(name);
    if (run === undefined) throw new Error(`${name} has no recorded run`);
    const { guest, outcome, uart, trace } = runTraced(probe, name, run.steps);

    const actual: Record<string, unknown> = {
      outcome,
      regs: guest.regs.slice(0, 15),
      r15: guest.reg(15),
      pc: guest.pc,
      sp: guest.sp,
      psw: guest.psw,
      steps: guest.steps,
      uart,
      mem: createHash("sha256").update(guest.dataBytes).digest("hex"),
      trace,
    };
    const expected: Record<string, unknown> = {
      outcome: OUTCOMES[run.fault ?? run.outcome] ?? run.outcome,
      regs: run.regs.slice(0, 15).map(Number),
      r15: Number(run.regs[15]),
      pc: Number(run.pc),
      sp: Number(run.sp),
      psw: run.psw,
      steps: run.steps,
      uart: run.uart.hex,
      mem: run.mem_sha256,
      trace: run.trace.sha256,
    };
    if (skip.has("sp")) skip.add("trace").add("r15");
    for (const field of skip) {
      delete actual[field];
      delete expected[field];
    }
    expect(actual).toEqual(expected);
  });
});
