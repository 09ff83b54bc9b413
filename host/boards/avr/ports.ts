// Pins of an ATmega1284P: ports A to D (data sheet 42719, 18), external interrupts INT0 to INT2 and pin changes (17).

import type { Chip } from "./chip.ts";

/** Pins by port and bit, as the data sheet names them: "PB3". */
export type PinName = `P${"A" | "B" | "C" | "D"}${0 | 1 | 2 | 3 | 4 | 5 | 6 | 7}`;

/** First register of a port: PIN, DDR, PORT follow each other (38). */
const PORT_BASE = { A: 0x20, B: 0x23, C: 0x26, D: 0x29 } as const;
const PCIFR = 0x3b;
const EIFR = 0x3c;
const EIMSK = 0x3d;
const PCICR = 0x68;
const EICRA = 0x69;
const PCMSK = [0x6b, 0x6c, 0x6d, 0x73] as const;
const INT_VECTOR = 1;
const PCINT_VECTOR = 4;
/** The pins of INT0, INT1, INT2 (1.1). */
const INT_PINS = [
  [3, 2],
  [3, 3],
  [1, 2],
] as const;
const Sense = { LOW: 0, ANY: 1, FALLING: 2, RISING: 3 } as const;

type Listener = (level: 0 | 1) => void;

class Port {
  /** What the outside drives: 0, 1; undefined: nothing. */
  readonly outside: (0 | 1 | undefined)[] = new Array(8).fill(undefined);
  readonly listeners: (Listener | undefined)[] = new Array(8).fill(undefined);
  /** Levels at the pins. */
  levels = 0;

  constructor(
    private readonly chip: Chip,
    private readonly base: number,
    private readonly onChange: (before: number, after: number) => void,
  ) {
    chip.onRead(base, () => this.levels);
    // 18.2.2: a one written to PIN toggles the bit of PORT
    chip.onWrite(base, (value, mask) => this.drive(this.port ^ (value & mask)));
    chip.onWrite(base + 1, (value) => {
      chip.data[base + 1] = value;
      this.update();
    });
    chip.onWrite(base + 2, (value) => this.drive(value));
    chip.onReset.push(() => this.update());
  }

  get ddr(): number {
    return this.chip.data[this.base + 1] as number;
  }
  get port(): number {
    return this.chip.data[this.base + 2] as number;
  }
  private drive(value: number): void {
    this.chip.data[this.base + 2] = value;
    this.update();
  }

  /** 18.2.1: an output drives its bit; an input has what the outside drives, or its pull-up; one that floats reads 0 here. */
  private levelAt(bit: number): number {
    const mask = 1 << bit;
    if ((this.ddr & mask) !== 0) return this.port & mask;
    const outside = this.outside[bit];
    if (outside !== undefined) return outside << bit;
    return this.port & mask;
  }
  update(): void {
    let now = 0;
    for (let bit = 0; bit < 8; bit++) now |= this.levelAt(bit);
    const before = this.levels;
    if (now === before) return;
    this.levels = now;
    for (let bit = 0; bit < 8; bit++)
      if (((now ^ before) >> bit) & 1) this.listeners[bit]?.(((now >> bit) & 1) as 0 | 1);
    this.onChange(before, now);
  }
}

/** All pins of the chip. */
export class Ports {
  private readonly ports: readonly Port[];

  constructor(private readonly chip: Chip) {
    this.ports = Object.values(PORT_BASE).map(
      (base, n) => new Port(chip, base, (before, after) => this.changed(n, before, after)),
    );
    for (let n = 0; n < 3; n++) {
      const flag = 1 << n;
      chip.onAcknowledge(INT_VECTOR + n, () => {
        chip.data[EIFR] = (chip.data[EIFR] as number) & ~flag;
        this.judge();
      });
    }
    for (let n = 0; n < 4; n++)
      chip.onAcknowledge(PCINT_VECTOR + n, () => {
        chip.data[PCIFR] = (chip.data[PCIFR] as number) & ~(1 << n);
      });
    for (const register of [EIMSK, EICRA, PCICR])
      chip.onWrite(register, (value) => {
        chip.data[register] = value;
        this.judge();
      });
    for (const register of [EIFR, PCIFR])
      chip.onWrite(register, (value) => {
        chip.data[register] = (chip.data[register] as number) & ~value; // a one clears
        this.judge();
      });
  }

  private place(pin: PinName): [Port, number] {
    const port = this.ports["ABCD".indexOf(pin[1] as string)] as Port;
    return [port, Number(pin[2])];
  }

  /** Level a meter would see. */
  level(pin: PinName): 0 | 1 {
    const [port, bit] = this.place(pin);
    return ((port.levels >> bit) & 1) as 0 | 1;
  }
  isOutput(pin: PinName): boolean {
    const [port, bit] = this.place(pin);
    return ((port.ddr >> bit) & 1) === 1;
  }
  /** Applies a level from outside; undefined: lets go. An output does not care. */
  apply(pin: PinName, level: 0 | 1 | undefined): void {
    const [port, bit] = this.place(pin);
    port.outside[bit] = level;
    port.update();
  }
  /** Tells of changes of a pin's level, whoever drives it. */
  listen(pin: PinName, call: Listener): void {
    const [port, bit] = this.place(pin);
    port.listeners[bit] = call;
  }

  // ---- Interrupts ----

  private senseOf(n: number): number {
    return ((this.chip.data[EICRA] as number) >> (2 * n)) & 3;
  }
  private changed(port: number, before: number, after: number): void {
    const { chip } = this;
    for (const [n, [of, bit]] of INT_PINS.entries()) {
      if (of !== port || (((before ^ after) >> bit) & 1) === 0) continue;
      const sense = this.senseOf(n);
      const isRising = ((after >> bit) & 1) === 1;
      if (sense === Sense.ANY || sense === (isRising ? Sense.RISING : Sense.FALLING))
        chip.data[EIFR] = (chip.data[EIFR] as number) | (1 << n);
    }
    if (((before ^ after) & (chip.data[PCMSK[port] as number] as number)) !== 0)
      chip.data[PCIFR] = (chip.data[PCIFR] as number) | (1 << port);
    this.judge();
  }
  /** Requests what is enabled: by its flag, or by a low level, which has no flag (17.2.3). */
  private judge(): void {
    const { chip } = this;
    const enabled = chip.data[EIMSK] as number;
    const flags = chip.data[EIFR] as number;
    for (const [n, [port, bit]] of INT_PINS.entries()) {
      const isLow = (((this.ports[port] as Port).levels >> bit) & 1) === 0;
      const asks = this.senseOf(n) === Sense.LOW ? isLow : ((flags >> n) & 1) === 1;
      chip.request(INT_VECTOR + n, asks && ((enabled >> n) & 1) === 1);
    }
    const changes = (chip.data[PCIFR] as number) & (chip.data[PCICR] as number);
    for (let n = 0; n < 4; n++) chip.request(PCINT_VECTOR + n, ((changes >> n) & 1) === 1);
  }
}
