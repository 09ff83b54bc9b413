// On-chip flash and its interface: pages of 2 KiB programmed by half-words in the STM32F0x2 (RM0091 chapter 3), sectors of
// 16, 64 and 128 KiB in the F405 (RM0090 chapter 3). While a program or erase goes on, the CPU waits for its next instruction.

import { Fault, type Width } from "./cpu.ts";
import type { Peripheral } from "./peripheral.ts";

const KEY1 = 0x45670123;
const KEY2 = 0xcdef89ab;
const ERASED = 0xff;

/** The array, and what the CPU sees of time: code is fetched from the very array that is busy. */
export interface FlashHost {
  readonly bytes: Uint8Array;
  readonly base: number;
  /** Holds the CPU. */
  stall(us: number): void;
  /** Hears what is about to be changed, and to what. */
  onChange?(first: number, wanted: Uint8Array, us: number): void;
}

/** What an erase or program does to power that goes: the host asks it when it cuts. */
export interface Torn {
  readonly first: number;
  readonly length: number;
}

/** The unlock sequence: a wrong key locks the interface until the next reset (RM0091 3.2.2). */
class Lock {
  isLocked = true;
  private isBlocked = false;
  private isHalf = false;

  reset(): void {
    this.isLocked = true;
    this.isBlocked = false;
    this.isHalf = false;
  }
  key(value: number): void {
    if (this.isBlocked || !this.isLocked) throw new Fault("flash: key out of turn", value);
    if (!this.isHalf && value === KEY1) this.isHalf = true;
    else if (this.isHalf && value === KEY2) this.isLocked = false;
    else this.block(value);
  }
  private block(value: number): never {
    this.isBlocked = true;
    throw new Fault("flash: wrong key", value);
  }
  lock(): void {
    this.isLocked = true;
    this.isHalf = false;
  }
}

/** A flash interface in the address map; `program` takes the CPU's writes to the array itself. */
export interface FlashInterface extends Peripheral {
  program(address: number, value: number, width: Width): void;
  /** Wait states, for the check against the system clock. */
  readonly latency: number;
  /** What is being changed at this moment. */
  readonly torn: Torn | undefined;
}

const ACR = 0x00;
const KEYR = 0x04;
const SR = 0x0c;
const CR = 0x10;
const AR = 0x14;

// ---- STM32F0x2 ----

/** Worst cases of DS9826, table 50: half-word 70 us, page erase 40 ms. */
const F0_PROGRAM_US = 70;
const F0_ERASE_US = 40_000;
const F0_PAGE = 2048;

const F0 = { PG: 1, PER: 2, MER: 4, STRT: 1 << 6, LOCK: 1 << 7 } as const;
const F0_SR = { BSY: 1, PGERR: 4, EOP: 1 << 5 } as const;

export class FlashF0 implements FlashInterface {
  torn: Torn | undefined;
  private acr = 0;
  private cr = 0;
  private sr = 0;
  private ar = 0;
  private readonly gate = new Lock();

  constructor(private readonly host: FlashHost) {}

  reset(): void {
    this.acr = 0x30; // the prefetch buffer is on
    this.cr = 0;
    this.sr = 0;
    this.ar = 0;
    this.gate.reset();
  }
  get latency(): number {
    return this.acr & 7;
  }

  read(offset: number): number {
    if (offset === ACR) return this.acr;
    if (offset === SR) return this.sr;
    if (offset === CR) return this.cr | (this.gate.isLocked ? F0.LOCK : 0);
    return offset === AR ? this.ar : 0;
  }
  write(offset: number, value: number): void {
    if (offset === ACR) this.acr = value;
    else if (offset === KEYR) this.gate.key(value);
    else if (offset === SR) this.sr &= ~(value & 0x34);
    else if (offset === AR && !this.gate.isLocked) this.ar = value;
    else if (offset === CR) this.control(value);
  }
  private control(value: number): void {
    if (this.gate.isLocked) return; // no bit of a locked CR can be written (3.5.5)
    if ((value & F0.LOCK) !== 0) this.gate.lock();
    this.cr = value & (F0.PG | F0.PER | F0.MER);
    if ((value & F0.STRT) === 0) return;
    if ((value & F0.PER) === 0) throw new Fault("flash: only pages are erased here", value);
    this.erase();
  }

  private erase(): void {
    const { bytes, base } = this.host;
    const first = this.ar - base - ((this.ar - base) % F0_PAGE);
    if (first < 0 || first >= bytes.length) throw new Fault("flash: no such page", this.ar);
    this.change(first, new Uint8Array(F0_PAGE).fill(ERASED), F0_ERASE_US);
  }
  private change(first: number, wanted: Uint8Array, us: number): void {
    const { host } = this;
    host.onChange?.(first, wanted, us);
    this.torn = { first, length: wanted.length };
    this.sr |= F0_SR.BSY;
    host.stall(us);
    this.torn = undefined;
    host.bytes.set(wanted, first);
    this.sr = (this.sr & ~F0_SR.BSY) | F0_SR.EOP;
  }

  /** Half-words only, and only over erased ones, except that zero may always be written (3.2.2, main flash programming). */
  program(address: number, value: number, width: Width): void {
    if (this.gate.isLocked || (this.cr & F0.PG) === 0)
      throw new Fault("write to locked flash", address);
    if (width !== 2) throw new Fault("flash is programmed by half-words", address);
    const { bytes, base } = this.host;
    const at = address - base;
    const old = (bytes[at] as number) | ((bytes[at + 1] as number) << 8);
    if (old !== 0xffff && value !== 0) {
      this.sr |= F0_SR.PGERR;
      return;
    }
    this.change(at, Uint8Array.of(value & 0xff, value >> 8), F0_PROGRAM_US);
  }
}

// ---- STM32F405 ----

/** DS8626, tables 39 and 40: programming 16 us typical, 100 us at most; 16 KiB 500 ms, 64 KiB 1.1 s, 128 KiB 2 s (x32). */
const F4_PROGRAM_US = 100;
const F4_SECTORS: readonly (readonly [size: number, erase_us: number])[] = [
  ...new Array(4).fill([0x4000, 500_000]),
  [0x10000, 1_100_000],
  ...new Array(7).fill([0x20000, 2_000_000]),
];
const F4 = { PG: 1, SER: 2, STRT: 2 ** 16, LOCK: 2 ** 31 } as const;
const F4_SR = { EOP: 1, PGPERR: 1 << 6, PGSERR: 1 << 7, BSY: 2 ** 16 } as const;

export class FlashF4 implements FlashInterface {
  torn: Torn | undefined;
  private acr = 0;
  private cr = 0;
  private sr = 0;
  private readonly gate = new Lock();

  constructor(private readonly host: FlashHost) {}

  reset(): void {
    this.acr = 0;
    this.cr = 0;
    this.sr = 0;
    this.gate.reset();
  }
  get latency(): number {
    return this.acr & 7;
  }
  read(offset: number): number {
    if (offset === ACR) return this.acr;
    if (offset === SR) return this.sr;
    return offset === CR ? this.cr + (this.gate.isLocked ? F4.LOCK : 0) : 0;
  }
  write(offset: number, value: number): void {
    if (offset === ACR) this.acr = value;
    else if (offset === KEYR) this.gate.key(value);
    else if (offset === SR) this.sr &= ~(value & 0xf3);
    else if (offset === CR) this.control(value);
  }
  private control(value: number): void {
    if (this.gate.isLocked) return;
    if (value >= F4.LOCK) this.gate.lock();
    this.cr = value & 0x3ff;
    if ((value & F4.STRT) === 0) return;
    if ((value & F4.SER) === 0) throw new Fault("flash: only sectors are erased here", value);
    this.erase((value >> 3) & 15);
  }
  private erase(sector: number): void {
    const row = F4_SECTORS[sector];
    if (row === undefined) throw new Fault("flash: no such sector", sector);
    const first = F4_SECTORS.slice(0, sector).reduce((sum, [size]) => sum + size, 0);
    this.busy(first, row[0], row[1]);
    this.host.bytes.fill(ERASED, first, first + row[0]);
  }
  private busy(first: number, length: number, us: number): void {
    this.torn = { first, length };
    this.sr += F4_SR.BSY;
    this.host.stall(us);
    this.torn = undefined;
    this.sr -= F4_SR.BSY;
  }

  /** The width is that of PSIZE; bits only become 0 (3.6.1, 3.8.5). */
  program(address: number, value: number, width: Width): void {
    if (this.gate.isLocked || (this.cr & F4.PG) === 0) {
      this.sr |= F4_SR.PGSERR;
      return;
    }
    if (width !== 2 ** ((this.cr >> 8) & 3)) {
      this.sr |= F4_SR.PGPERR;
      return;
    }
    const at = address - this.host.base;
    this.busy(at, width, F4_PROGRAM_US);
    for (let n = 0; n < width; n++) {
      const byte = (value >>> (8 * n)) & 0xff;
      this.host.bytes[at + n] = (this.host.bytes[at + n] as number) & byte;
    }
  }
}
