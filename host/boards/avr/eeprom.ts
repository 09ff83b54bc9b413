// The EEPROM of an ATmega1284P (data sheet 42719, 8.4 and 8.6): 4 KiB, the two-step write within four cycles, its times.

import { type Appointment, cyclesOf } from "../../bus/clock.ts";
import type { Chip } from "./chip.ts";
import type { Oscillator } from "./oscillator.ts";

const EECR = 0x3f;
const EEDR = 0x40;
const EEARL = 0x41;
const EEARH = 0x42;
const VECTOR = 25;
const EERE = 0x01;
const EEPE = 0x02;
const EEMPE = 0x04;
const EERIE = 0x08;
const MODE = 0x30;
/** Erase and write, erase only, write only (Table 8-1). */
const TIME_US = [3400, 1800, 1800] as const;
const MASTER_CYCLES = 4;
export const EEPROM_BYTES = 4096;

export class Eeprom {
  readonly bytes: Uint8Array;
  bytesWritten = 0;
  /** What a byte becomes whose programming the power cut ends: erased, unless this says something else. */
  tear: (old: number, wanted: number) => number = () => 0xff;
  /** The oscillator that times a write. */
  oscillator: Oscillator = () => 1;
  /** Hears of each byte whose programming begins, and how many cycles that takes. */
  onProgram: ((address: number, wanted: number, cycles: number) => void) | undefined;
  private masterUntil = -1;
  private writing: { address: number; old: number; wanted: number; done: Appointment } | undefined;

  constructor(
    private readonly chip: Chip,
    bytes = new Uint8Array(EEPROM_BYTES).fill(0xff),
  ) {
    this.bytes = bytes;
    chip.onRead(EECR, () => this.control);
    chip.onWrite(EECR, (value) => this.write(value));
    // 8.6.1, 8.6.2: address and data must not change while a byte is programmed
    for (const register of [EEDR, EEARL, EEARH])
      chip.onWrite(register, (value) => {
        if (this.writing === undefined) chip.data[register] = value;
      });
    chip.onReset.push(() => {
      this.masterUntil = -1;
      this.judge();
    });
  }

  private get control(): number {
    const kept = (this.chip.data[EECR] as number) & (EERIE | MODE);
    const master = this.chip.clock.now <= this.masterUntil ? EEMPE : 0;
    return kept | master | (this.writing === undefined ? 0 : EEPE);
  }
  private get address(): number {
    const { data } = this.chip;
    return (((data[EEARH] as number) << 8) | (data[EEARL] as number)) & (EEPROM_BYTES - 1);
  }
  /** EE_READY is asked for as long as nothing is written. */
  private judge(): void {
    const isEnabled = ((this.chip.data[EECR] as number) & EERIE) !== 0;
    this.chip.request(VECTOR, isEnabled && this.writing === undefined);
  }

  private write(value: number): void {
    const { chip } = this;
    const isMaster = chip.clock.now <= this.masterUntil;
    const kept =
      this.writing === undefined ? value : (value & ~MODE) | ((chip.data[EECR] as number) & MODE);
    chip.data[EECR] = kept & (EERIE | MODE);
    if ((value & EEMPE) !== 0 && (value & EEPE) === 0)
      this.masterUntil = chip.clock.now + MASTER_CYCLES;
    if ((value & EEPE) !== 0 && isMaster && this.writing === undefined) this.begin(value & MODE);
    else if ((value & EERE) !== 0 && this.writing === undefined) {
      chip.data[EEDR] = this.bytes[this.address] as number;
      chip.cpu.cycles += 4; // 8.6.3: the CPU is halted
    }
    this.judge();
  }

  private begin(mode: number): void {
    const { chip, address } = this;
    const kind = mode >> 4;
    const time = TIME_US[kind];
    if (time === undefined) throw new Error("EEPROM: mode 3 is reserved");
    const old = this.bytes[address] as number;
    const data = chip.data[EEDR] as number;
    const wanted = [data, 0xff, old & data][kind] as number;
    this.masterUntil = -1;
    const cycles = cyclesOf(chip.clock, time * this.oscillator());
    this.onProgram?.(address, wanted, cycles);
    const done = chip.clock.after(cycles, () => {
      this.bytes[address] = wanted;
      this.bytesWritten++;
      this.writing = undefined;
      this.judge();
    });
    this.writing = { address, old, wanted, done };
    chip.cpu.cycles += 2; // 8.6.3
  }

  /** Power goes, in the middle of a byte perhaps. */
  powerOff(): void {
    const { writing } = this;
    if (writing === undefined) return;
    this.chip.clock.cancel(writing.done);
    this.writing = undefined;
    this.bytes[writing.address] = this.tear(writing.old, writing.wanted);
  }
}
