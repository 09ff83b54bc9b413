// SPI as a master with software chip select: of the STM32F0x2 (RM0091 chapter 28) with its two FIFOs of four bytes and the
// rules of DS and FRXTH, of the F405 (RM0090 chapter 28) with one buffer each way. Eight bits; no CRC, no DMA.

import type { Appointment } from "../../bus/clock.ts";
import { Fault, type Width } from "./cpu.ts";
import { type Peripheral, type Surroundings, ticksOf } from "./peripheral.ts";

const CR1 = 0x00;
const CR2 = 0x04;
const SR = 0x08;
const DR = 0x0c;

const CR1_MSTR = 1 << 2;
const CR1_SPE = 1 << 6;
const CR1_SSI = 1 << 8;
const CR1_SSM = 1 << 9;
const CR1_DFF = 1 << 11; // F405: 16 bits
const CR2_FRXTH = 1 << 12;
const SR_RXNE = 1;
const SR_TXE = 1 << 1;
const SR_MODF = 1 << 5;
const SR_OVR = 1 << 6;
const SR_BSY = 1 << 7;
const EIGHT_BITS = 7;

export class Spi implements Peripheral {
  private cr1 = 0;
  private cr2 = 0;
  private flags = 0;
  private tx: number[] = [];
  private rx: number[] = [];
  private shifting: Appointment | undefined;
  private readonly depth: number;

  /** `exchange`: a byte out, a byte in, as the last bit is sampled. */
  constructor(
    private readonly hasFifo: boolean,
    private readonly around: Surroundings,
    private readonly exchange: (byte: number) => number,
  ) {
    this.depth = hasFifo ? 4 : 1;
  }

  reset(): void {
    this.cr1 = 0;
    this.cr2 = this.hasFifo ? 0x700 : 0;
    this.flags = 0;
    this.tx = [];
    this.rx = [];
    this.around.clock.cancel(this.shifting);
    this.shifting = undefined;
  }

  /** Bits a second on SCK: the bus clock divided by 2 to 256 (28.9.1, BR). */
  get baud(): number {
    return this.around.hz() / 2 ** (((this.cr1 >> 3) & 7) + 1);
  }

  private shift(): void {
    const runs = (this.cr1 & CR1_SPE) !== 0 && (this.cr1 & CR1_MSTR) !== 0;
    if (!runs || this.shifting !== undefined || this.tx.length === 0) return;
    this.checkFormat();
    const byte = this.tx.shift() as number;
    const { clock } = this.around;
    this.shifting = clock.after(ticksOf(this.around, (8 * this.around.hz()) / this.baud), () => {
      const answer = this.exchange(byte);
      this.shifting = undefined;
      if (this.rx.length < this.depth) this.rx.push(answer);
      else this.flags |= SR_OVR; // what was received first stays (28.5.10)
      this.shift();
    });
  }
  private checkFormat(): void {
    const isEight = this.hasFifo
      ? ((this.cr2 >> 8) & 15) === EIGHT_BITS
      : (this.cr1 & CR1_DFF) === 0;
    if (!isEight) throw new Fault("SPI with other than 8 bits is not modelled", this.cr2);
  }

  private status(): number {
    const threshold = this.hasFifo && (this.cr2 & CR2_FRXTH) === 0 ? 2 : 1;
    const hasRoom = this.tx.length <= this.depth >> 1 && (this.hasFifo || this.tx.length === 0);
    const busy = this.shifting !== undefined || (this.tx.length > 0 && (this.cr1 & CR1_SPE) !== 0);
    return (
      this.flags |
      (this.rx.length >= threshold ? SR_RXNE : 0) |
      (hasRoom ? SR_TXE : 0) |
      (busy ? SR_BSY : 0) |
      (this.hasFifo ? (this.level(this.rx.length) << 9) | (this.level(this.tx.length) << 11) : 0)
    );
  }
  /** FRLVL, FTLVL: empty, a quarter, a half, full (three and four bytes). */
  private level(bytes: number): number {
    return Math.min(3, bytes);
  }

  read(offset: number, width: Width): number {
    if (offset === CR1) return this.cr1;
    if (offset === CR2) return this.cr2;
    if (offset === SR) return this.status();
    if (offset !== DR) return 0;
    const value = this.rx.shift() ?? 0;
    // an access of 16 bits takes two bytes out of the FIFO (28.5.9, data packing)
    const high = width > 1 && this.hasFifo ? (this.rx.shift() ?? 0) : 0;
    this.flags &= ~SR_OVR;
    return value | (high << 8);
  }

  write(offset: number, value: number, width: Width): void {
    if (offset === CR1) {
      this.cr1 = value;
      this.checkMode();
    } else if (offset === CR2) this.writeCr2(value);
    else if (offset === DR) {
      this.put(value & 0xff);
      if (width > 1 && this.hasFifo) this.put((value >> 8) & 0xff);
    }
    this.shift();
  }
  private put(byte: number): void {
    if (this.tx.length === this.depth) throw new Fault("SPI: TXFIFO is full", byte);
    this.tx.push(byte);
  }
  /** A length that is not offered becomes 8 bits (28.9.2, DS). */
  private writeCr2(value: number): void {
    const isOffered = ((value >> 8) & 15) >= 3;
    this.cr2 = !this.hasFifo || isOffered ? value : (value & ~0xf00) | (EIGHT_BITS << 8);
  }
  /** A master whose select is low has lost the bus: MODF, and it is neither on nor master any more (28.5.11). */
  private checkMode(): void {
    const low = (this.cr1 & CR1_SSM) !== 0 && (this.cr1 & CR1_SSI) === 0;
    if ((this.cr1 & CR1_MSTR) === 0 || !low) return;
    this.flags |= SR_MODF;
    this.cr1 &= ~(CR1_MSTR | CR1_SPE);
  }
}
