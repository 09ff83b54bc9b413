// The non-volatile bytes of a node in Node: FRAM or EEPROM over a byte array, with the time that
// programming takes, power cuts inside it, stuck bits and a device that does not answer.

import type * as Hal from "../../assembly/hal.d.ts";
import { CELL_BYTES, NvMedium } from "../../assembly/spec/cell.ts";
import { Err } from "../../assembly/spec/errors.ts";
import type { LogLayout } from "../formats/persist-image.ts";

export type NvHal = Pick<
  typeof Hal,
  | "nv_size"
  | "nv_erase_size"
  | "nv_medium"
  | "nv_granule"
  | "nv_read"
  | "nv_program"
  | "nv_erase"
  | "nv_busy"
>;

export interface NvGeometry {
  readonly medium: NvMedium;
  /** Bytes programmed together, once between two erasures; 1: any byte. */
  readonly granule: number;
  /** Bytes erased together before programming; 0: bytes are overwritten. Erased bytes are 0xFF. */
  readonly eraseSize: number;
  readonly byteTime_us: number;
  readonly eraseTime_us: number;
}

/**
 * FRAM at 8 MHz SPI; the EEPROM of an ATmega1284P, where writing a byte erases it first (3.4 ms, data sheet "EEPROM
 * Read/Write Access"); the EEPROM of an AVR Dx, erased eight bytes at a time (EEMBER8).
 */
export const NV_GEOMETRY = {
  fram: { medium: NvMedium.FRAM, granule: 1, eraseSize: 0, byteTime_us: 1, eraseTime_us: 0 },
  eeprom: { medium: NvMedium.EEPROM, granule: 1, eraseSize: 0, byteTime_us: 3400, eraseTime_us: 0 },
  eeprom8: {
    medium: NvMedium.EEPROM,
    granule: 1,
    eraseSize: 8,
    byteTime_us: 70,
    eraseTime_us: 10_000,
  },
} as const satisfies Record<string, NvGeometry>;

/**
 * On-chip flash of STM32 families as a store: half-words of the F0 (RM0091, "Flash program memory": 16 bits, 1 or 2 KiB
 * pages), double words with ECC of L4 and G4 (RM0440: 64 bits, 2 KiB), quad words of the U5 (RM0456: 128 bits; its 8 KiB
 * pages are too few here, so these are of 2 KiB). Times are typical values of their data sheets.
 */
export const FLASH_GEOMETRY = {
  flash2: {
    medium: NvMedium.FLASH,
    granule: 2,
    eraseSize: 1024,
    byteTime_us: 27,
    eraseTime_us: 30_000,
  },
  flash4: {
    medium: NvMedium.FLASH,
    granule: 4,
    eraseSize: 1024,
    byteTime_us: 10,
    eraseTime_us: 20_000,
  },
  flash8: {
    medium: NvMedium.FLASH,
    granule: 8,
    eraseSize: 2048,
    byteTime_us: 11,
    eraseTime_us: 22_000,
  },
  flash16: {
    medium: NvMedium.FLASH,
    granule: 16,
    eraseSize: 2048,
    byteTime_us: 8,
    eraseTime_us: 2_000,
  },
} as const satisfies Record<string, NvGeometry>;

/** All kinds of devices. */
export const GEOMETRY = { ...NV_GEOMETRY, ...FLASH_GEOMETRY } as const;

/** How a store lies on a device of pages; undefined: its bytes are overwritten, or erased in small units. */
export function logLayoutOf({ medium, granule, eraseSize }: NvGeometry): LogLayout | undefined {
  if (medium !== NvMedium.FLASH) return undefined;
  return { pageBytes: eraseSize, stride: Math.max(CELL_BYTES, granule) };
}

/** What power loss leaves of a byte that was being changed from `old` to `wanted`. */
export type Tear = (old: number, wanted: number) => number;

/** A power cut that is to come. */
export interface Cut {
  /** Units (bytes programmed, units erased) that still become durable. */
  after: number;
  readonly tear: Tear;
  /** Bytes of the same burst behind the torn one: left alone unless this says what they become. */
  readonly tail?: Tear;
  /** Random bytes. With it the bits that were to change read as they like, each time, until they are written again. */
  readonly flicker?: () => number;
  /** Of a medium with granules: true when the torn one cannot be read any more. */
  readonly isUnreadable?: () => boolean;
}

/** Thrown into the node when its power goes. */
export class PowerCut extends Error {
  override readonly name = "PowerCut";
}

export type NvFault = "none" | "absent" | "stuck-00" | "stuck-ff" | "io";

/** A bit that cannot be changed: always 0 or always 1. */
export interface StuckBit {
  readonly address: number;
  readonly bit: number;
  readonly level: 0 | 1;
}

interface Burst {
  readonly address: number;
  readonly data: Uint8Array;
  readonly isErase: boolean;
  readonly started_us: number;
  done: number;
}

export interface NvOptions {
  readonly geometry?: NvGeometry;
  /** Microseconds of virtual time; without a clock everything is durable at once. */
  readonly clock_us?: () => number;
  /** Hears of bytes that became durable. */
  readonly onChange?: (address: number, bytes: Uint8Array) => void;
}

/** What a device held at some time. */
export interface NvSnapshot {
  readonly bytes: Uint8Array;
  readonly unsteady: ReadonlyMap<number, number>;
  readonly touched: Uint8Array;
  readonly unreadable: Uint8Array;
}

/** One device, durable in `bytes`; its counters and faults are for tests. */
export class NvDevice {
  readonly bytes: Uint8Array;
  readonly geometry: NvGeometry;
  /** Times each byte was programmed. */
  readonly wear: Uint32Array;
  fault: NvFault = "none";
  stuckBits: readonly StuckBit[] = [];
  cut: Cut | undefined;
  /** Bits that read as they like, by address. */
  unsteady = new Map<number, number>();
  private flicker: () => number = () => 0;
  /** Granules programmed since they were erased; those beyond repair. */
  readonly touched: Uint8Array;
  readonly unreadable: Uint8Array;
  /** Granules that were programmed a second time with anything but zeros, or not whole: a fault of the driver. */
  misprogrammed = 0;
  /** Hears of each unit that was erased. */
  onErase: ((address: number) => void) | undefined;
  bytesRead = 0;
  bytesProgrammed = 0;
  unitsErased = 0;
  private burst: Burst | undefined;
  private readonly clock_us: (() => number) | undefined;
  private readonly onChange: ((address: number, bytes: Uint8Array) => void) | undefined;

  constructor(bytes: Uint8Array, options: NvOptions = {}) {
    this.bytes = bytes;
    this.wear = new Uint32Array(bytes.length);
    this.geometry = options.geometry ?? NV_GEOMETRY.fram;
    const { granule, medium } = this.geometry;
    const hasGranules = granule > 1 || medium === NvMedium.FLASH;
    const granules = hasGranules ? Math.ceil(bytes.length / granule) : 0;
    this.touched = new Uint8Array(granules);
    this.unreadable = new Uint8Array(granules);
    if (hasGranules) this.noteTouched();
    this.clock_us = options.clock_us;
    this.onChange = options.onChange;
  }

  /** Granules that are not blank were programmed. */
  private noteTouched(): void {
    this.bytes.forEach((byte, at) => {
      if (byte !== 0xff) this.touched[Math.floor(at / this.geometry.granule)] = 1;
    });
  }

  /** All it holds, for restore(). */
  snapshot(): NvSnapshot {
    return {
      bytes: this.bytes.slice(),
      unsteady: new Map(this.unsteady),
      touched: this.touched.slice(),
      unreadable: this.unreadable.slice(),
    };
  }
  /** Holds again what it held, and has power. */
  restore(snapshot: NvSnapshot): void {
    this.powerOn();
    this.bytes.set(snapshot.bytes);
    this.unsteady = new Map(snapshot.unsteady);
    this.touched.set(snapshot.touched);
    this.unreadable.set(snapshot.unreadable);
  }

  /** Power comes back: what was being programmed stays as the cut left it. */
  powerOn(): void {
    this.burst = undefined;
    this.cut = undefined;
  }

  /** The HAL functions over the linear memory of a node. */
  hal(memory: () => Uint8Array): NvHal {
    return {
      nv_size: () => (this.fault === "absent" ? 0 : this.bytes.length),
      nv_erase_size: () => this.geometry.eraseSize,
      nv_medium: () => this.geometry.medium,
      nv_granule: () => this.geometry.granule,
      nv_read: (address, data, len) => this.read(address, memory(), data, len),
      nv_program: (address, data, len) =>
        this.begin(address, memory().slice(data, data + len), false),
      nv_erase: (address) => this.beginErase(address),
      nv_busy: () => this.busy(),
    };
  }

  // ---- HAL ----

  private refusal(address: number, len: number): number {
    if (this.fault === "absent") return Err.ABSENT;
    if (this.fault === "io") return Err.IO;
    if (this.busy() > 0) return Err.BUSY;
    return address + len > this.bytes.length ? Err.IO : Err.OK;
  }

  private read(address: number, into: Uint8Array, at: number, len: number): number {
    const err = this.refusal(address, len);
    if (err < 0) return err;
    this.bytesRead += len;
    if (this.isUnreadable(address, len)) return Err.CORRUPT;
    if (this.fault === "stuck-00") into.fill(0, at, at + len);
    else if (this.fault === "stuck-ff") into.fill(0xff, at, at + len);
    else for (let i = 0; i < len; i++) into[at + i] = this.byteAt(address + i);
    return Err.OK;
  }

  private isUnreadable(address: number, len: number): boolean {
    const { granule } = this.geometry;
    if (granule === 1) return false;
    for (let g = Math.floor(address / granule); g * granule < address + len; g++) {
      if (this.unreadable[g]) return true;
    }
    return false;
  }

  private byteAt(address: number): number {
    const byte = this.bytes[address] as number;
    const mask = this.unsteady.size > 0 ? this.unsteady.get(address) : undefined;
    return mask === undefined ? byte : byte ^ (mask & this.flicker());
  }

  private beginErase(address: number): number {
    const { eraseSize } = this.geometry;
    if (eraseSize === 0) return Err.UNSUPPORTED;
    const first = address - (address % eraseSize);
    return this.begin(first, new Uint8Array(eraseSize).fill(0xff), true);
  }

  private begin(address: number, data: Uint8Array, isErase: boolean): number {
    const err = this.refusal(address, data.length);
    if (err < 0) return err;
    const started_us = this.clock_us?.() ?? 0;
    this.burst = { address, data, isErase, started_us, done: 0 };
    this.settle();
    return Err.OK;
  }

  private busy(): number {
    if (this.fault === "io") return Err.IO;
    this.settle();
    return this.burst === undefined ? 0 : 1;
  }

  // ---- What becomes durable ----

  /** Makes durable what the elapsed time allows. */
  private settle(): void {
    const { burst } = this;
    if (burst === undefined) return;
    const units = burst.isErase ? 1 : burst.data.length / this.geometry.granule;
    const done = Math.min(units, this.unitsElapsed(burst));
    while (burst.done < done) this.change(burst);
    if (burst.done === units) this.burst = undefined;
  }

  private unitsElapsed(burst: Burst): number {
    if (this.clock_us === undefined) return Number.POSITIVE_INFINITY;
    const { eraseTime_us, byteTime_us, granule } = this.geometry;
    const time_us = burst.isErase ? eraseTime_us : byteTime_us * granule;
    return Math.floor((this.clock_us() - burst.started_us) / time_us);
  }

  private change(burst: Burst): void {
    if (this.fault !== "none") {
      burst.done++;
      return; // the bus is stuck: nothing arrives
    }
    const { granule } = this.geometry;
    const first = burst.address + burst.done * granule;
    const len = burst.isErase ? burst.data.length : granule;
    if (this.cut !== undefined && this.cut.after-- <= 0) this.tear(burst, this.cut, first, len);
    if (granule > 1) this.noteGranules(burst, first, len);
    for (let at = first; at < first + len; at++) this.setByte(at, this.wanted(burst, at));
    if (burst.isErase) this.onErase?.(first);
    if (burst.isErase) this.unitsErased++;
    else this.bytesProgrammed += len;
    burst.done++;
    this.onChange?.(first, this.bytes.subarray(first, first + len));
  }

  /** A granule takes one programming after an erase; then zeros at most. */
  private noteGranules(burst: Burst, first: number, len: number): void {
    const { granule } = this.geometry;
    for (let at = first; at < first + len; at += granule) {
      const g = at / granule;
      const isZero = burst.data.subarray(at - burst.address, at - burst.address + granule);
      const isMisused = this.touched[g] === 1 && isZero.some((byte) => byte !== 0);
      if (!burst.isErase && (isMisused || !Number.isInteger(g))) this.misprogrammed++;
      this.touched[g] = burst.isErase ? 0 : 1;
      this.unreadable[g] = 0;
    }
  }

  /** Tells of bytes that something else than the HAL changed, such as the model of a chip. */
  tellChange(address: number, len: number): void {
    this.onChange?.(address, this.bytes.subarray(address, address + len));
  }

  /** Without an erase, a medium that has erase units can only clear bits. */
  private wanted(burst: Burst, address: number): number {
    const value = burst.data[address - burst.address] as number;
    const isOverwritten = burst.isErase || this.geometry.eraseSize === 0;
    return isOverwritten ? value : value & (this.bytes[address] as number);
  }

  private setByte(address: number, value: number): void {
    let kept = value;
    for (const { address: at, bit, level } of this.stuckBits) {
      if (at === address) kept = level === 1 ? kept | (1 << bit) : kept & ~(1 << bit);
    }
    this.bytes[address] = kept;
    if (this.unsteady.size > 0) this.unsteady.delete(address);
    this.wear[address] = (this.wear[address] as number) + 1;
  }

  private tear(burst: Burst, cut: Cut, first: number, len: number): never {
    const end = burst.address + burst.data.length;
    for (let at = first; at < end; at++) {
      const tear = at < first + len ? cut.tear : cut.tail;
      if (tear === undefined) break;
      const old = this.bytes[at] as number;
      const wanted = this.wanted(burst, at);
      this.setByte(at, tear(old, wanted) & 0xff);
      if (cut.flicker !== undefined && old !== wanted) this.unsteady.set(at, old ^ wanted);
    }
    this.tearGranules(cut, first, len);
    this.burst = undefined;
    if (cut.flicker !== undefined) this.flicker = cut.flicker;
    throw new PowerCut(`power lost at byte ${first}`);
  }

  /** Whatever it reads as now, the granule in flight is no longer as if erased. */
  private tearGranules(cut: Cut, first: number, len: number): void {
    const { granule } = this.geometry;
    if (granule === 1) return;
    for (let at = first; at < first + len; at += granule) {
      this.touched[at / granule] = 1;
      this.unreadable[at / granule] = cut.isUnreadable?.() ? 1 : 0;
    }
  }
}
