// An STM32 by its address map: core, memories, peripherals behind their clock gates, reset.

import type { Clock } from "../../bus/clock.ts";
import { Bxcan, type CanRequest } from "./bxcan.ts";
import { Core, Exception, type Stop } from "./core.ts";
import { type Bus, Fault, type Width } from "./cpu.ts";
import type { Firmware } from "./firmware.ts";
import { FlashF0, FlashF4, type FlashInterface } from "./flash.ts";
import { Gpio } from "./gpio.ts";
import { Iwdg } from "./iwdg.ts";
import { makeM0 } from "./m0.ts";
import { makeM4 } from "./m4.ts";
import type { Peripheral, Surroundings } from "./peripheral.ts";
import { RCC_F0, RCC_F4, Rcc, type RccMap, ResetFlag } from "./rcc.ts";
import { Spi } from "./spi.ts";
import { SystemControl } from "./system.ts";
import { USART_F0, USART_F4, Usart } from "./usart.ts";

export const FLASH_BASE = 0x08000000;
export const SRAM_BASE = 0x20000000;
const CCM_BASE = 0x10000000;
const PPB = 0xe000e000;
const BLOCK = 0x400;
/** What SRAM holds when power comes: nothing one may rely on. */
const POWER_ON_BYTE = 0xa5;

/** What differs between the chips. */
export interface ChipMap {
  readonly name: "stm32f072" | "stm32f405";
  readonly hz: number;
  readonly flashBytes: number;
  readonly sramBytes: number;
  readonly ccmBytes: number;
  readonly rcc: RccMap;
  readonly lsiHz: number;
  readonly uid: number;
  readonly gpio: number;
  readonly blocks: Readonly<
    Record<"rcc" | "flash" | "usart1" | "spi1" | "can1" | "iwdg" | "syscfg", number>
  >;
  readonly interrupts: Readonly<Record<"usart1" | "spi1" | CanRequest, number>>;
  readonly banks: number;
  readonly isM0: boolean;
  /** Fastest system clock for each number of flash wait states, at 2.7 V and more. */
  readonly hertzPerWaitState: number;
}

/** DS9826 and RM0091: memory map 2.2.2, vector table 12.1.3, wait states 3.5.1, UID 33.1. */
export const STM32F072: ChipMap = {
  name: "stm32f072",
  hz: 48_000_000,
  flashBytes: 0x20000,
  sramBytes: 0x4000,
  ccmBytes: 0,
  rcc: RCC_F0,
  lsiHz: 40_000,
  uid: 0x1ffff7ac,
  gpio: 0x48000000,
  blocks: {
    rcc: 0x40021000,
    flash: 0x40022000,
    usart1: 0x40013800,
    spi1: 0x40013000,
    can1: 0x40006400,
    iwdg: 0x40003000,
    syscfg: 0x40010000,
  },
  interrupts: { usart1: 27, spi1: 25, tx: 30, rx0: 30, rx1: 30, sce: 30 },
  banks: 14,
  isM0: true,
  hertzPerWaitState: 24_000_000,
};

/** DS8626 and RM0090: memory map 2.3, vector table 12.2, wait states 3.5.1, UID 39.1. */
export const STM32F405: ChipMap = {
  name: "stm32f405",
  hz: 168_000_000,
  flashBytes: 0x100000,
  sramBytes: 0x20000,
  ccmBytes: 0x10000,
  rcc: RCC_F4,
  lsiHz: 32_000,
  uid: 0x1fff7a10,
  gpio: 0x40020000,
  blocks: {
    rcc: 0x40023800,
    flash: 0x40023c00,
    usart1: 0x40011000,
    spi1: 0x40013000,
    can1: 0x40006400,
    iwdg: 0x40003000,
    syscfg: 0x40013800,
  },
  interrupts: { usart1: 37, spi1: 35, tx: 19, rx0: 20, rx1: 21, sce: 22 },
  banks: 28,
  isM0: false,
  hertzPerWaitState: 30_000_000,
};

/** Registers without behaviour: what is written is read. */
class Registers implements Peripheral {
  private readonly values = new Map<number, number>();
  reset(): void {
    this.values.clear();
  }
  read(offset: number): number {
    return this.values.get(offset) ?? 0;
  }
  write(offset: number, value: number): void {
    this.values.set(offset, value);
  }
}

/** A memory the CPU reads and writes at any width, aligned. */
class Memory {
  readonly bytes: Uint8Array<ArrayBuffer>;
  private readonly halves: Uint16Array;
  private readonly words: Uint32Array;

  constructor(size: number) {
    this.bytes = new Uint8Array(size);
    this.halves = new Uint16Array(this.bytes.buffer);
    this.words = new Uint32Array(this.bytes.buffer);
  }
  read(at: number, width: Width): number {
    if (width === 2) return this.halves[at >> 1] as number;
    return (width === 4 ? this.words[at >> 2] : this.bytes[at]) as number;
  }
  write(at: number, value: number, width: Width): void {
    if (width === 4) this.words[at >> 2] = value;
    else if (width === 1) this.bytes[at] = value;
    else this.halves[at >> 1] = value;
  }
}

/** What a chip's pins lead to. */
export interface Connections {
  /** Hertz of the crystal; 0: none. */
  readonly hseHz: number;
  readonly uid: Uint8Array;
  /** A byte the console's TX pin has sent. */
  console(byte: number): void;
  /** A byte over SPI1; the level of each chip select is at its pin. */
  spi(byte: number): number;
}

/** Pins and alternate functions of the schematic: port, pin, function. */
export interface Wiring {
  readonly tx: readonly Wire[];
  readonly rx: readonly Wire[];
  readonly spi: readonly Wire[];
  readonly can: readonly Wire[];
}
export type Wire = readonly [port: Gpio, pin: number, alternate: number];

/** Whether the chip has all its pins of a function set to it. */
function isRouted(wires: readonly Wire[]): boolean {
  return wires.every(([port, pin, alternate]) => port.alternate(pin) === alternate);
}

export class Chip implements Bus {
  readonly core: Core;
  readonly flash: Memory;
  readonly sram: Memory;
  readonly ports: readonly Gpio[];
  readonly rcc: Rcc;
  readonly usart: Usart;
  readonly spi: Spi;
  readonly can: Bxcan;
  readonly iwdg: Iwdg;
  readonly flashInterface: FlashInterface;
  /** Hears of each page or half-word of flash of an F072 that is about to change, to what, and how long that takes. */
  onFlash: ((first: number, wanted: Uint8Array, us: number) => void) | undefined;
  readonly system: SystemControl;
  /** Hears of each reset of the chip, with the flag that tells why. */
  onReset: (flag: number) => void = () => {};
  private readonly ccm: Memory;
  private readonly uidBytes: DataView;
  private readonly blocks = new Map<number, { name: string; peripheral: Peripheral }>();
  private readonly syscfg = new Registers();
  private readonly canLines = new Map<CanRequest, boolean>();

  constructor(
    readonly map: ChipMap,
    connections: Connections,
    wiring: (ports: readonly Gpio[]) => Wiring,
  ) {
    this.flash = new Memory(map.flashBytes);
    this.flash.bytes.fill(0xff);
    this.sram = new Memory(map.sramBytes);
    this.ccm = new Memory(map.ccmBytes);
    this.uidBytes = new DataView(new ArrayBuffer(12));
    new Uint8Array(this.uidBytes.buffer).set(connections.uid.subarray(0, 12));
    this.core = new Core(this, map.hz, map.isM0 ? makeM0 : makeM4);
    const { clock } = this.core;
    this.rcc = new Rcc(map.rcc, clock, connections.hseHz, (hz) => this.runAt(hz));
    // PA13 and PA14 are SWDIO and SWCLK (RM0091 8.4.1); PA15, PB3 and PB4 are JTAG's on the F405
    const modes = map.isM0 ? [0x28000000, 0, 0] : [0xa8000000, 0x00000280, 0];
    this.ports = modes.map((mode) => new Gpio(mode, map.isM0));
    const wires = wiring(this.ports);
    const around = (name: "usart1" | "spi1"): Surroundings => ({
      clock,
      hz: () => this.rcc.busHz(name),
      interrupt: (isHigh) => this.core.setLine(map.interrupts[name], isHigh),
    });
    this.usart = new Usart(
      map.isM0 ? USART_F0 : USART_F4,
      around("usart1"),
      (byte) => isRouted(wires.tx) && connections.console(byte),
      () => isRouted(wires.rx),
    );
    const exchange = (byte: number) => (isRouted(wires.spi) ? connections.spi(byte) : 0xff);
    this.spi = new Spi(map.isM0, around("spi1"), exchange);
    this.can = new Bxcan(
      map.banks,
      { clock, hz: () => this.rcc.busHz("can1") },
      (request, isHigh) => this.setCanLine(request, isHigh),
    );
    this.isCanRouted = () => isRouted(wires.can);
    this.iwdg = new Iwdg(clock, map.lsiHz, () => this.requestReset(ResetFlag.WATCHDOG));
    const host = {
      bytes: this.flash.bytes,
      base: FLASH_BASE,
      stall: (us: number) => this.core.stall(us),
      onChange: (first: number, wanted: Uint8Array, us: number) =>
        this.onFlash?.(first, wanted, us),
    };
    this.flashInterface = map.isM0 ? new FlashF0(host) : new FlashF4(host);
    this.system = new SystemControl(
      this.core,
      {
        cpuid: map.isM0 ? 0x410cc200 : 0x410fc241,
        hasVtor: !map.isM0,
        interrupts: map.isM0 ? 32 : 96,
        priorityMask: map.isM0 ? 0xc0 : 0xf0,
      },
      () => this.rcc.hclk,
      () => this.requestReset(ResetFlag.SOFTWARE),
    );
    this.place("rcc", map.blocks.rcc, this.rcc);
    this.place("flash", map.blocks.flash, this.flashInterface);
    this.place("usart1", map.blocks.usart1, this.usart);
    this.place("spi1", map.blocks.spi1, this.spi);
    this.place("can1", map.blocks.can1, this.can);
    this.place("iwdg", map.blocks.iwdg, this.iwdg);
    this.place("syscfg", map.blocks.syscfg, this.syscfg);
    this.ports.forEach((port, n) => {
      this.place(`gpio${"abc"[n]}`, map.gpio + n * BLOCK, port);
    });
    this.powerOn();
  }

  /** Whether the CAN pins lead to the transceiver. */
  readonly isCanRouted: () => boolean;

  private place(name: string, address: number, peripheral: Peripheral): void {
    this.blocks.set(address / BLOCK, { name, peripheral });
  }

  // ---- Debugger ----

  get clock(): Clock {
    return this.core.clock;
  }
  get pc(): number {
    return this.core.pc;
  }
  hook(address: number, call: () => void): void {
    this.core.hook(address, call);
  }
  stop(): void {
    this.core.stop();
  }

  // ---- Clock ----

  private runAt(hz: number): void {
    const states = Math.ceil(hz / this.map.hertzPerWaitState) - 1;
    if (this.flashInterface !== undefined && this.flashInterface.latency < states)
      throw new Fault(`flash needs ${states} wait states at ${hz} Hz`, this.core.pc);
    this.core.runAt(hz);
  }

  // ---- Interrupts ----

  /** Several requests may share an interrupt. */
  private setCanLine(request: CanRequest, isHigh: boolean): void {
    this.canLines.set(request, isHigh);
    const irq = this.map.interrupts[request];
    const shared = [...this.canLines].filter(([other]) => this.map.interrupts[other] === irq);
    this.core.setLine(
      irq,
      shared.some(([, level]) => level),
    );
  }

  // ---- Reset ----

  /** Power comes, or comes back after a dip: SRAM holds anything. */
  powerOn(flag: number = ResetFlag.POWER): void {
    for (const memory of [this.sram, this.ccm]) memory.bytes.fill(POWER_ON_BYTE);
    this.startOver(flag);
  }
  /** A low level at the reset pin, or a reset from inside. SRAM keeps its bytes. */
  private requestReset(flag: number): void {
    this.noted = flag;
    this.core.stop("reset");
  }
  private noted = 0;
  private startOver(flag: number): void {
    this.rcc.noteReset(flag);
    this.flashInterface.reset();
    this.canLines.clear();
    for (const { peripheral } of this.blocks.values()) peripheral.reset();
    this.system.reset();
    this.noted = 0;
    const isEmpty = this.flash.read(0, 4) === 0xffffffff;
    if (!isEmpty) this.core.reset(0);
    this.onReset(flag);
  }
  /** Puts bytes into flash, as a programmer does, and starts. */
  load(segments: readonly { readonly loadAddress: number; readonly bytes: Uint8Array }[]): void {
    for (const { loadAddress, bytes } of segments)
      if (loadAddress >= FLASH_BASE) this.flash.bytes.set(bytes, loadAddress - FLASH_BASE);
  }
  /** Pulls the reset pin, or acts as if a cause had. */
  reset(flag: number = ResetFlag.PIN): void {
    this.startOver(flag);
  }

  /** Runs until the clock shows `end` or a hook stops it; resets on the way begin anew. */
  run(end: number): Stop {
    for (;;) {
      const stop = this.core.run(end);
      if (stop !== "reset") return stop;
      this.startOver(this.noted);
    }
  }

  // ---- The bus ----

  read(address: number, width: Width): number {
    const inFlash = address - FLASH_BASE;
    if ((address & (width - 1)) !== 0) throw new Fault("unaligned read", address);
    if (inFlash >= 0 && inFlash < this.map.flashBytes) return this.flash.read(inFlash, width);
    const inSram = address - SRAM_BASE;
    if (inSram >= 0 && inSram < this.map.sramBytes) return this.sram.read(inSram, width);
    return this.readElsewhere(address, width);
  }

  private readElsewhere(address: number, width: Width): number {
    if (address < this.map.flashBytes) return this.aliased().read(address, width);
    const inCcm = address - CCM_BASE;
    if (inCcm >= 0 && inCcm < this.map.ccmBytes) return this.ccm.read(inCcm, width);
    const inUid = address - this.map.uid;
    if (inUid >= 0 && inUid < 12) return this.uid(inUid, width);
    const inPpb = address - PPB;
    if (inPpb >= 0 && inPpb < 0x1000) return this.system.read(inPpb);
    const block = this.blocks.get(Math.floor(address / BLOCK));
    if (block === undefined) throw new Fault("read of nothing", address);
    // a peripheral without its clock reads 0 (RM0091 6.2.14)
    return this.rcc.isOn(block.name) ? this.readRegister(block.peripheral, address, width) : 0;
  }
  private readRegister(peripheral: Peripheral, address: number, width: Width): number {
    const offset = address % BLOCK;
    const value = peripheral.read(offset & ~3, width) >>> (8 * (offset & 3));
    return width === 4 ? value >>> 0 : value & (2 ** (8 * width) - 1);
  }
  private uid(at: number, width: Width): number {
    if (width === 4) return this.uidBytes.getUint32(at, true);
    return width === 2 ? this.uidBytes.getUint16(at, true) : this.uidBytes.getUint8(at);
  }
  /** What address 0 shows: main flash, or SRAM if SYSCFG says so (RM0091 2.5, MEM_MODE 3). */
  private aliased(): Memory {
    return this.map.isM0 && (this.syscfg.read(0) & 3) === 3 ? this.sram : this.flash;
  }

  write(address: number, value: number, width: Width): void {
    const inSram = address - SRAM_BASE;
    if ((address & (width - 1)) !== 0) throw new Fault("unaligned write", address);
    if (inSram >= 0 && inSram < this.map.sramBytes) this.sram.write(inSram, value, width);
    else this.writeElsewhere(address, value, width);
  }

  private writeElsewhere(address: number, value: number, width: Width): void {
    const inCcm = address - CCM_BASE;
    if (inCcm >= 0 && inCcm < this.map.ccmBytes) return this.ccm.write(inCcm, value, width);
    const inFlash = address - FLASH_BASE;
    if (inFlash >= 0 && inFlash < this.map.flashBytes)
      return this.flashInterface.program(address, value, width);
    const inPpb = address - PPB;
    if (inPpb >= 0 && inPpb < 0x1000) return this.system.write(inPpb, value, width);
    const block = this.blocks.get(Math.floor(address / BLOCK));
    if (block === undefined) throw new Fault("write to nothing", address);
    if (this.rcc.isOn(block.name)) block.peripheral.write(address % BLOCK, value, width);
  }

  /** Whether an exception is being handled. */
  get isHandling(): boolean {
    return (this.core.cpu.IPSR & 0x3f) >= Exception.HARD_FAULT;
  }
}

/** Linear memory: the linker scripts put it to its own addresses in SRAM, so nothing is copied. */
export function memoryOf(chip: Chip, firmware: Firmware): ArrayBuffer {
  if (firmware.addressOf("hsx_memory") !== SRAM_BASE + 0x100)
    throw new RangeError("linear memory is not where SRAM begins");
  return chip.sram.bytes.buffer;
}
