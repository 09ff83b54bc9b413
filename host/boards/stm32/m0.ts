// A Cortex-M0 by the instructions of rp2040js, which takes V wrong where ADCS and SBCS carry in. Sections are those of the
// ARMv6-M Architecture Reference Manual (ARM DDI 0419).

import { createRequire } from "node:module";
import { dirname, join } from "node:path";
import { type Bus, type Cpu, type CpuEvents, Fault } from "./cpu.ts";

/** The part of rp2040js's CortexM0Core that is used; its bus is whatever object it is made with. */
interface Instructions extends Omit<Cpu, "executeInstruction" | "reset"> {
  currentMode: number;
  SPSEL: number;
  bankedSP: number;
  eventRegistered: boolean;
  executeInstruction(): number;
  exceptionReturn(excReturn: number): void;
  checkForInterrupts(): boolean;
}

const require = createRequire(import.meta.url);
// the package exports its RP2040 only
const file = join(dirname(require.resolve("rp2040js")), "cortex-m0-core.js");
const { CortexM0Core } = require(file) as { CortexM0Core: new (bus: unknown) => Instructions };

const ADCS = 0b0100000101;
const SBCS = 0b0100000110;
const PC = 15;

/** What rp2040js asks of the chip it is made for. */
function around(bus: Bus, fail: (reason: string) => never) {
  const ignore = () => {};
  return {
    readUint32: (a: number) => bus.read(a >>> 0, 4) >>> 0,
    readUint16: (a: number) => bus.read(a >>> 0, 2),
    readUint8: (a: number) => bus.read(a >>> 0, 1),
    writeUint32: (a: number, v: number) => bus.write(a >>> 0, v >>> 0, 4),
    writeUint16: (a: number, v: number) => bus.write(a >>> 0, v & 0xffff, 2),
    writeUint8: (a: number, v: number) => bus.write(a >>> 0, v & 0xff, 1),
    onBreak: () => fail("BKPT or UDF"),
    logger: {
      debug: ignore,
      info: ignore,
      error: ignore,
      warn: () => fail("undefined instruction"),
    },
  };
}

/** ADCS and SBCS as AddWithCarry() of A2.2.1; SBCS adds the complement. */
function withCarry(cpu: Instructions, word: number): void {
  const { registers } = cpu;
  const [d, m] = [word & 7, (word >> 3) & 7];
  const x = registers[d] as number;
  const y = (word >> 6 === SBCS ? ~(registers[m] as number) : (registers[m] as number)) >>> 0;
  const carry = cpu.C ? 1 : 0;
  const sum = x + y + carry;
  const result = sum >>> 0;
  registers[d] = result;
  cpu.N = result >>> 31 === 1;
  cpu.Z = result === 0;
  cpu.C = sum !== result;
  cpu.V = (x | 0) + (y | 0) + carry !== (result | 0);
  registers[PC] = (registers[PC] as number) + 2;
  cpu.cycles++;
}

export function makeM0(bus: Bus, { left, enter }: CpuEvents): Cpu {
  const cpu = new CortexM0Core(
    around(bus, (reason) => {
      throw new Fault(reason, (cpu.registers[PC] as number) - 2);
    }),
  );
  const leave = cpu.exceptionReturn.bind(cpu);
  const execute = cpu.executeInstruction.bind(cpu);
  const take = cpu.exceptionEntry.bind(cpu);
  return Object.assign(cpu, {
    checkForInterrupts: enter,
    exceptionReturn: (how: number) => {
      leave(how);
      left();
    },
    exceptionEntry: (exception: number) => {
      take(exception);
      cpu.registers[PC] = (cpu.registers[PC] as number) & ~1;
    },
    executeInstruction: () => {
      const word = bus.read(cpu.registers[PC] as number, 2);
      if (word >> 6 === ADCS || word >> 6 === SBCS) withCarry(cpu, word);
      else execute();
      return true;
    },
    reset: () => {
      Object.assign(cpu, { PM: false, N: false, Z: false, C: false, V: false, IPSR: 0 });
      Object.assign(cpu, { currentMode: 0, SPSEL: 0, bankedSP: 0, waiting: false });
      Object.assign(cpu, { interruptsUpdated: false, eventRegistered: false });
    },
  });
}
