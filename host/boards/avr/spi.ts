// The SPI of an ATmega1284P as a master (data sheet 42719, 24): one byte at a time, with its time, flag and collision.

import type { Appointment } from "../../bus/clock.ts";
import type { Chip } from "./chip.ts";
import type { Ports } from "./ports.ts";

const SPCR = 0x4c;
const SPSR = 0x4d;
const SPDR = 0x4e;
const VECTOR = 19;
/** SPCR. */
const SPIE = 0x80;
const SPE = 0x40;
const MSTR = 0x10;
const SHAPE = 0x2c; // DORD, CPOL, CPHA
/** SPSR. */
const SPIF = 0x80;
const WCOL = 0x40;
const SPI2X = 0x01;

export class Spi {
  /** One byte both ways. `shape`: 0 is mode 0, most significant bit first. */
  onExchange: ((byte: number, hz: number, shape: number) => number) | undefined;
  private isBusy = false;
  private transfer: Appointment | undefined;
  private flag = 0;
  private collision = 0;
  /** SPSR was read with a flag set: the next access to SPDR clears it (24.5.2). */
  private isSeen = false;
  private input = 0;

  constructor(
    private readonly chip: Chip,
    private readonly ports: Ports,
  ) {
    chip.onRead(SPSR, () => {
      const status = this.flag | this.collision | ((chip.data[SPSR] as number) & SPI2X);
      if ((status & (SPIF | WCOL)) !== 0) this.isSeen = true;
      return status;
    });
    chip.onWrite(SPSR, (value) => {
      chip.data[SPSR] = value & SPI2X;
    });
    chip.onWrite(SPCR, (value) => {
      chip.data[SPCR] = value;
      this.yieldMaster();
      this.judge();
    });
    chip.onRead(SPDR, () => {
      this.acknowledge();
      return this.input;
    });
    chip.onWrite(SPDR, (value) => this.write(value));
    chip.onAcknowledge(VECTOR, () => {
      this.flag = 0;
    });
    chip.onReset.push(() => {
      chip.clock.cancel(this.transfer);
      this.isBusy = false;
      this.flag = 0;
      this.collision = 0;
      this.isSeen = false;
    });
  }

  private get control(): number {
    return this.chip.data[SPCR] as number;
  }
  private acknowledge(): void {
    if (!this.isSeen) return;
    this.isSeen = false;
    this.flag = 0;
    this.collision = 0;
    this.judge();
  }
  private judge(): void {
    this.chip.request(VECTOR, this.flag !== 0 && (this.control & SPIE) !== 0);
  }

  /** 24.3.2: SS as an input that is low makes a slave of a master, and sets the flag. */
  private yieldMaster(): void {
    if ((this.control & (SPE | MSTR)) !== (SPE | MSTR)) return;
    if (this.ports.isOutput("PB4") || this.ports.level("PB4") === 1) return;
    this.chip.data[SPCR] = this.control & ~MSTR;
    this.flag = SPIF;
    this.judge();
  }

  /** Cycles of a bit (Table 24-5). */
  private get bitCycles(): number {
    const divider = [4, 16, 64, 128][this.control & 3] as number;
    return (this.chip.data[SPSR] as number) & SPI2X ? divider / 2 : divider;
  }

  private write(byte: number): void {
    if ((this.control & SPE) === 0) return;
    if (this.isBusy) {
      this.collision = WCOL;
      return;
    }
    this.acknowledge();
    this.yieldMaster();
    if ((this.control & MSTR) === 0) return; // a slave waits for its master
    this.isBusy = true;
    const { bitCycles, control } = this;
    this.transfer = this.chip.clock.after(8 * bitCycles, () => {
      this.isBusy = false;
      this.input = this.onExchange?.(byte, this.chip.clock.hz / bitCycles, control & SHAPE) ?? 0xff;
      this.flag = SPIF;
      this.judge();
    });
  }
}
