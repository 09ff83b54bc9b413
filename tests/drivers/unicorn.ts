// Unicorn's Cortex-M4 in this process, a second opinion on that of host/boards: unicorn.c compiled, and calls of functions of
// the program it holds (IHI 0042, 6.5).

import { execFileSync } from "node:child_process";
import { createHash } from "node:crypto";
import { existsSync, mkdirSync, readFileSync, renameSync } from "node:fs";
import { createRequire } from "node:module";
import { join } from "node:path";
import {
  type Call,
  ChipFailure,
  connectCore,
  type DebugPort,
  type Prototype,
  type Served,
} from "../../host/boards/debug-port.ts";
import { SRAM_BASE } from "../../host/boards/stm32/chip.ts";
import type { Firmware } from "../../host/boards/stm32/firmware.ts";
import type { CoreExports, Engine } from "../../host/node/core.ts";

type Handle = { readonly chip: unique symbol };

/** A Cortex-M4 by its handle; unicorn.c tells of the arguments. */
export interface Unicorn {
  create(): Handle;
  map(chip: Handle, base: number, size: number): void;
  view(chip: Handle, address: number): ArrayBuffer;
  stopAt(chip: Handle, address: number): void;
  get(chip: Handle, register: number): number;
  set(chip: Handle, register: number, value: number): void;
  run(chip: Handle, pc: number): number;
  step(chip: Handle, pc: number): void;
  countInstructions(chip: Handle, on: number): void;
  counted(chip: Handle): number;
}

let addon: Unicorn | undefined;

/** Compiles the addon unless that was done before; `folder` keeps it. */
export function loadUnicorn(folder: string): Unicorn {
  const source = new URL("../../tests/drivers/unicorn.c", import.meta.url).pathname;
  const digest = createHash("sha256").update(readFileSync(source)).digest("hex").slice(0, 16);
  const file = join(folder, `unicorn-${digest}.node`);
  if (!existsSync(file)) {
    mkdirSync(folder, { recursive: true });
    const made = `${file}.${process.pid}`;
    const flags = ["-std=gnu11", "-O2", "-Wall", "-Wextra", "-Werror", "-shared", "-fPIC"];
    execFileSync("cc", [...flags, source, "-lunicorn", "-o", made]);
    renameSync(made, file); // a second run at the same time sees a whole file
  }
  return createRequire(import.meta.url)(file);
}

const SP = 13;
const LR = 14;
const PC = 15;
const IN_REGISTERS = 4;
/** Where calls return to: flash that no program fills. */
const RETURN_ADDRESS = 0x080ffff0;
/** Flash, SRAM, CCM and the system control space of an STM32F405 (RM0090 2.3). */
const REGIONS = [
  [0x08000000, 0x100000],
  [0x20000000, 0x20000],
  [0x10000000, 0x10000],
  [0xe000e000, 0x1000],
] as const;

/** An STM32F405 with a firmware, stopped at main. */
export class ThumbChip implements DebugPort {
  private readonly chip: Handle;
  private readonly unit: Unicorn;
  private servedCalls = 0;
  private readonly served = new Map<number, () => void>();
  private readonly firmware: Firmware;

  /** `folder`: where the addon is kept. */
  constructor(firmware: Firmware, folder: string) {
    addon ??= loadUnicorn(folder);
    this.unit = addon;
    this.firmware = firmware;
    this.chip = this.unit.create();
    for (const [base, size] of REGIONS) this.unit.map(this.chip, base, size);
    for (const { loadAddress, bytes } of firmware.elf.segments)
      new Uint8Array(this.view(loadAddress)).set(bytes);
    this.unit.stopAt(this.chip, RETURN_ADDRESS);
    this.start();
  }

  private start(): void {
    const vectors = new DataView(this.view(0x08000000));
    const main = this.firmware.addressOf("main") ?? 0;
    this.unit.set(this.chip, SP, vectors.getUint32(0, true));
    this.unit.stopAt(this.chip, main);
    const reached = this.unit.run(this.chip, vectors.getUint32(4, true));
    if (reached !== main) throw new ChipFailure("the firmware does not reach main");
  }

  /** The memory from an address on. */
  view(address: number): ArrayBuffer {
    return this.unit.view(this.chip, address);
  }
  /** Instructions executed; of each function that is served here Unicorn counts the first. */
  get instructions(): number {
    return this.unit.counted(this.chip) - this.servedCalls;
  }
  countInstructions(on: boolean): void {
    this.unit.countInstructions(this.chip, on ? 1 : 0);
  }

  function({ symbol, result }: Prototype): Call | undefined {
    const address = this.firmware.addressOf(symbol);
    if (address === undefined) return undefined;
    return (...args) => {
      const sp = this.unit.get(this.chip, SP);
      try {
        const value = this.call(address, args);
        return result === undefined ? 0 : value;
      } finally {
        this.unit.set(this.chip, SP, sp);
      }
    };
  }
  private call(address: number, args: readonly number[]): number {
    const { unit, chip } = this;
    const onStack = args.slice(IN_REGISTERS);
    const sp = (unit.get(chip, SP) - 4 * onStack.length) & ~7;
    const stack = new DataView(this.view(sp));
    onStack.forEach((value, n) => {
      stack.setUint32(4 * n, value, true);
    });
    unit.set(chip, SP, sp);
    args.slice(0, IN_REGISTERS).forEach((value, n) => {
      unit.set(chip, n, value >>> 0);
    });
    unit.set(chip, LR, RETURN_ADDRESS | 1);
    for (let pc = unit.run(chip, address); pc !== RETURN_ADDRESS; ) {
      const serve = this.served.get(pc);
      if (serve === undefined) throw new ChipFailure(`stopped at 0x${pc.toString(16)}`);
      serve();
      this.servedCalls++;
      this.leave();
      pc = unit.run(chip, unit.get(chip, PC));
    }
    return unit.get(chip, 0) | 0;
  }

  serve({ symbol, params, result }: Prototype, call: Served): boolean {
    const address = this.firmware.addressOf(symbol);
    if (address === undefined) return false;
    const { unit, chip } = this;
    unit.stopAt(chip, address);
    this.served.set(address, () => {
      const value = call(...params.map((_, n) => unit.get(chip, n) | 0)) ?? 0;
      if (result !== undefined) unit.set(chip, 0, value >>> 0);
    });
    return true;
  }

  leave(): void {
    this.unit.set(this.chip, PC, this.unit.get(this.chip, LR));
  }
}

/** A firmware of the F405 as the engine of nodes; `onChip` sees each chip. */
export function thumbCore(
  firmware: Firmware,
  folder: string,
  onChip: (chip: ThumbChip) => void = () => {},
): Engine {
  return {
    instantiate(imports) {
      const chip = new ThumbChip(firmware, folder);
      onChip(chip);
      const exports = connectCore(chip, firmware, { ...imports });
      return { ...exports, memory: { buffer: chip.view(SRAM_BASE) } } as unknown as CoreExports;
    },
  };
}
