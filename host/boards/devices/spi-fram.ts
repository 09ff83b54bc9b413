// Serial FRAM chips. Instructions, status register and write protection after the data sheets of Cypress/Infineon FM25CL64B
// (001-84483), FM25V10 (001-84499), FM25V20A (001-90261) and Fujitsu MB85RS64V (DS501-00015), MB85RS1MT (DS501-00022),
// MB85RS2MTA (DS501-00047). Writing takes no time: a byte is durable once its eighth bit is in.

import { type Clock, cyclesOf } from "../../bus/clock.ts";
import type { SpiDevice } from "./spi.ts";

export interface FramPart {
  readonly bytes: number;
  readonly addressBytes: 2 | 3;
  /** What RDID answers; a part without leaves the instruction unanswered. */
  readonly id: readonly number[] | undefined;
  /** Bits of the status register that always read 1. */
  readonly fixed: number;
  /** Time from the wake-up to the first instruction; undefined: the part has no sleep mode. */
  readonly wake_us: number | undefined;
  readonly maxHz: number;
}

const CYPRESS = [0x7f, 0x7f, 0x7f, 0x7f, 0x7f, 0x7f, 0xc2] as const;
const FUJITSU = [0x04, 0x7f] as const;

export const FRAM_PARTS = {
  FM25CL64B: {
    bytes: 0x2000,
    addressBytes: 2,
    id: undefined,
    fixed: 0,
    wake_us: undefined,
    maxHz: 20e6,
  },
  FM25V10: {
    bytes: 0x20000,
    addressBytes: 3,
    id: [...CYPRESS, 0x24, 0x00],
    fixed: 0x40,
    wake_us: 400,
    maxHz: 40e6,
  },
  FM25V20A: {
    bytes: 0x40000,
    addressBytes: 3,
    id: [...CYPRESS, 0x25, 0x08],
    fixed: 0x40,
    wake_us: 450,
    maxHz: 40e6,
  },
  MB85RS64V: {
    bytes: 0x2000,
    addressBytes: 2,
    id: [...FUJITSU, 0x03, 0x02],
    fixed: 0,
    wake_us: undefined,
    maxHz: 20e6,
  },
  MB85RS1MT: {
    bytes: 0x20000,
    addressBytes: 3,
    id: [...FUJITSU, 0x27, 0x03],
    fixed: 0,
    wake_us: 400,
    maxHz: 30e6,
  },
  MB85RS2MTA: {
    bytes: 0x40000,
    addressBytes: 3,
    id: [...FUJITSU, 0x48, 0x03],
    fixed: 0,
    wake_us: 400,
    maxHz: 40e6,
  },
} as const satisfies Record<string, FramPart>;
export type FramName = keyof typeof FRAM_PARTS;

/** The part of so many bytes that answers with an id; undefined: there is none. */
export function framOf(bytes: number): FramName | undefined {
  const found = Object.entries(FRAM_PARTS).find(([, part]) => part.id && part.bytes === bytes);
  return found?.[0] as FramName | undefined;
}

const Op = {
  WRSR: 0x01,
  WRITE: 0x02,
  READ: 0x03,
  WRDI: 0x04,
  RDSR: 0x05,
  WREN: 0x06,
  FSTRD: 0x0b,
  RDID: 0x9f,
  SLEEP: 0xb9,
} as const;

const WEL = 0x02;
const BLOCK_PROTECT = 0x0c;
/** WPEN and the block protection: what WRSR stores. */
const STORED = 0x80 | BLOCK_PROTECT;
const OPEN = 0xff;

/** One chip; `bytes` keep what they hold without power. */
export class SpiFram implements SpiDevice {
  readonly part: FramPart;
  readonly bytes: Uint8Array;
  /** Bytes of the status register that survive: WPEN, BP1, BP0. */
  stored = 0;
  /** Writes that the protection or a missing WREN refused. */
  refused = 0;
  bytesWritten = 0;
  /** Hears of each byte that was written. */
  onWrite: ((address: number) => void) | undefined;
  private isEnabled = false;
  private opcode: number | undefined;
  /** Bytes of the instruction so far, behind the opcode. */
  private count = 0;
  private address = 0;
  private isAsleep = false;
  private ready = 0;
  private hasWritten = false;

  /** `bytes`: the contents, kept by the caller over a power-off. */
  constructor(
    part: FramPart,
    private readonly clock: Clock,
    bytes = new Uint8Array(part.bytes),
  ) {
    this.part = part;
    this.bytes = bytes;
  }

  /** Power goes: contents and protection stay, the write enable latch does not (WREN powers up clear). */
  powerOff(): void {
    this.isEnabled = false;
    this.isAsleep = false;
    this.opcode = undefined;
    this.ready = 0;
  }

  select(): void {
    this.opcode = undefined;
    this.count = 0;
    this.hasWritten = false;
    if (!this.isAsleep) return;
    this.isAsleep = false;
    this.ready = this.clock.now + cyclesOf(this.clock, this.part.wake_us ?? 0);
  }

  /** The latch is cleared behind WRDI, WRSR and WRITE when chip select rises ("WEL" in each data sheet). */
  deselect(): void {
    const { opcode } = this;
    if (opcode === Op.WREN) this.isEnabled = true;
    else if (opcode === Op.WRDI || opcode === Op.WRSR) this.isEnabled = false;
    else if (opcode === Op.WRITE && this.hasWritten) this.isEnabled = false;
    else if (opcode === Op.SLEEP && this.part.wake_us !== undefined) this.isAsleep = true;
    this.opcode = undefined;
  }

  exchange(byte: number, hz: number): number {
    if (hz > this.part.maxHz)
      throw new Error(`FRAM clocked at ${hz} Hz, ${this.part.maxHz} allowed`);
    if (this.clock.now < this.ready) return OPEN;
    if (this.opcode === undefined) {
      this.opcode = byte;
      this.address = 0;
      return OPEN;
    }
    return this.operand(this.opcode, byte, this.count++);
  }

  private operand(opcode: number, byte: number, n: number): number {
    switch (opcode) {
      case Op.RDSR:
        return this.stored | this.part.fixed | (this.isEnabled ? WEL : 0);
      case Op.WRSR:
        if (n === 0) this.writeStatus(byte);
        return OPEN;
      case Op.RDID:
        return this.part.id?.[n % this.part.id.length] ?? OPEN;
      case Op.READ:
        return this.access(byte, n, 0, () => this.readNext());
      case Op.FSTRD: // one dummy byte behind the address; parts without sleep mode are without it, too
        return this.part.wake_us === undefined
          ? OPEN
          : this.access(byte, n, 1, () => this.readNext());
      case Op.WRITE:
        return this.access(byte, n, 0, () => this.writeNext(byte));
      default:
        return OPEN;
    }
  }

  /** Address bytes, most significant first, then `then` for each byte. Unused upper bits of the address do not matter. */
  private access(byte: number, n: number, dummies: number, then: () => number): number {
    const { addressBytes, bytes } = this.part;
    if (n < addressBytes) {
      this.address = ((this.address << 8) | byte) % bytes;
      return OPEN;
    }
    return n < addressBytes + dummies ? OPEN : then();
  }

  /** The address goes round at the end of the chip. */
  private next(): number {
    const { address } = this;
    this.address = (address + 1) % this.part.bytes;
    return address;
  }
  private readNext(): number {
    return this.bytes[this.next()] as number;
  }
  private writeNext(byte: number): number {
    const address = this.next();
    this.hasWritten = true;
    if (!this.isEnabled || address >= this.protectedFrom) {
      this.refused++;
      return OPEN;
    }
    this.bytes[address] = byte;
    this.bytesWritten++;
    this.onWrite?.(address);
    return OPEN;
  }

  private writeStatus(byte: number): void {
    if (this.isEnabled) this.stored = byte & STORED;
    else this.refused++;
  }

  /** First protected address: none, the upper quarter, the upper half, all. */
  private get protectedFrom(): number {
    const { bytes } = this.part;
    return [bytes, (bytes / 4) * 3, bytes / 2, 0][(this.stored & BLOCK_PROTECT) >> 2] as number;
  }
}
