// USART0 and USART1 of an ATmega1284P (data sheet 42719, 22 and 23): asynchronous frames with their time, the transmit buffer
// and two received characters behind the shift register, overrun; and SPI-master mode, where each byte sent brings one back.

import type { Appointment } from "../../bus/clock.ts";
import type { Chip } from "./chip.ts";

export interface UsartPlace {
  /** UCSRnA; B, C follow, then UBRRn at + 4 and UDRn at + 6. */
  readonly base: number;
  /** Vector of receive complete; data register empty and transmit complete follow. */
  readonly vector: number;
}

export const USART0: UsartPlace = { base: 0xc0, vector: 20 };
export const USART1: UsartPlace = { base: 0xc8, vector: 28 };

/** UCSRnA. */
const RXC = 0x80;
const TXC = 0x40;
const UDRE = 0x20;
const FE = 0x10;
const DOR = 0x08;
const U2X = 0x02;
/** UCSRnB. */
const RXCIE = 0x80;
const TXCIE = 0x40;
const UDRIE = 0x20;
const RXEN = 0x10;
const TXEN = 0x08;
const UCSZ2 = 0x04;
/** UCSRnC. */
const SPI_MASTER = 0xc0;
const SPI_SHAPE = 0x07; // UDORD, UCPHA, UCPOL

interface Received {
  readonly byte: number;
  readonly errors: number;
}

/** The other end of the line. */
export interface UsartLine {
  /** A byte has been sent, its last bit just now. */
  onSent?: (byte: number) => void;
  /** SPI-master mode: one byte both ways. `shape`: 0 is mode 0, most significant bit first. */
  onExchange?: (byte: number, hz: number, shape: number) => number;
}

export class Usart {
  line: UsartLine = {};
  /** Characters lost because the buffer was full. */
  lost = 0;
  private shifting: number | undefined;
  private buffered: number | undefined;
  private received: Received[] = [];
  /** Complete, but without room in the buffer. */
  private stranded: Received | undefined;
  private overrun = 0;
  private isComplete = false;
  private sending: Appointment | undefined;
  private arriving: Appointment | undefined;
  private readonly incoming: { byte: number; errors: number }[] = [];

  constructor(
    private readonly chip: Chip,
    private readonly place: UsartPlace,
  ) {
    const { base, vector } = place;
    chip.onRead(base, () => this.status);
    chip.onWrite(base, (value) => {
      if ((value & TXC) !== 0) this.isComplete = false; // a one clears
      chip.data[base] = value & (U2X | 1);
      this.judge();
    });
    chip.onWrite(base + 1, (value) => this.setControl(value));
    chip.onRead(base + 6, () => this.readData());
    chip.onWrite(base + 6, (value) => this.writeData(value));
    chip.onAcknowledge(vector + 2, () => {
      this.isComplete = false;
    });
    chip.onReset.push(() => this.reset());
    this.reset();
  }

  private reset(): void {
    this.chip.clock.cancel(this.sending);
    this.chip.clock.cancel(this.arriving);
    this.arriving = undefined;
    this.shifting = undefined;
    this.buffered = undefined;
    this.isComplete = false;
    this.flush();
    this.chip.data[this.place.base + 2] = 0x06; // 22.12.4: eight bits
  }
  private flush(): void {
    this.received = [];
    this.stranded = undefined;
    this.overrun = 0;
  }

  private get control(): number {
    return this.chip.data[this.place.base + 1] as number;
  }
  private get format(): number {
    return this.chip.data[this.place.base + 2] as number;
  }
  private get isSpi(): boolean {
    return (this.format & SPI_MASTER) === SPI_MASTER;
  }

  /** Cycles of a bit (Table 22-1; in SPI-master mode Table 23-1). */
  private get bitCycles(): number {
    const { data } = this.chip;
    const { base } = this.place;
    const ubrr = ((data[base + 5] as number) << 8) | (data[base + 4] as number);
    if (this.isSpi) return 2 * (ubrr + 1);
    return ((data[base] as number) & U2X ? 8 : 16) * (ubrr + 1);
  }
  /** Cycles of a character: start bit, data, parity, stop bits (22.5). */
  get characterCycles(): number {
    if (this.isSpi) return 8 * this.bitCycles;
    const { format } = this;
    if ((this.control & UCSZ2) !== 0) throw new Error("USART: nine bits are not modelled");
    const bits = 1 + 5 + ((format >> 1) & 3) + (format & 0x20 ? 1 : 0) + (format & 0x08 ? 2 : 1);
    return bits * this.bitCycles;
  }

  // ---- Registers ----

  private get status(): number {
    const next = this.received[0];
    return (
      ((this.chip.data[this.place.base] as number) & (U2X | 1)) |
      (next === undefined ? 0 : RXC | next.errors) |
      (this.isComplete ? TXC : 0) |
      (this.buffered === undefined ? UDRE : 0)
    );
  }
  private setControl(value: number): void {
    this.chip.data[this.place.base + 1] = value;
    if ((value & RXEN) === 0) this.flush(); // 22.8.6
    this.judge();
  }
  private judge(): void {
    const { chip, control, status } = this;
    const { vector } = this.place;
    chip.request(vector, (control & RXCIE) !== 0 && (status & RXC) !== 0);
    chip.request(vector + 1, (control & UDRIE) !== 0 && (status & UDRE) !== 0);
    chip.request(vector + 2, (control & TXCIE) !== 0 && (status & TXC) !== 0);
  }

  // ---- Sending ----

  /** 22.12.1: what is written while the data register is not empty is ignored. */
  private writeData(byte: number): void {
    if ((this.control & TXEN) === 0 || this.buffered !== undefined) return;
    if (this.shifting === undefined) this.shift(byte);
    else this.buffered = byte;
    this.judge();
  }
  private shift(byte: number): void {
    this.shifting = byte;
    this.sending = this.chip.clock.after(this.characterCycles, () => this.shifted(byte));
  }
  private shifted(byte: number): void {
    const next = this.buffered;
    this.buffered = undefined;
    this.shifting = undefined;
    if (this.isSpi) {
      const hz = this.chip.clock.hz / this.bitCycles;
      const answer = this.line.onExchange?.(byte, hz, this.format & SPI_SHAPE) ?? 0xff;
      if ((this.control & RXEN) !== 0) this.arrive({ byte: answer, errors: 0 });
    } else this.line.onSent?.(byte);
    if (next === undefined) this.isComplete = true;
    else this.shift(next);
    this.judge();
  }

  // ---- Receiving ----

  /** Characters come in, one behind the other at the chip's own rate. `isBroken`: their stop bit is low. */
  receive(bytes: Iterable<number>, isBroken = false): void {
    for (const byte of bytes) this.incoming.push({ byte, errors: isBroken ? FE : 0 });
    this.listen();
  }
  /** Characters that are still to come. */
  get pending(): number {
    return this.incoming.length;
  }
  private listen(): void {
    if (this.arriving !== undefined || this.incoming.length === 0) return;
    this.startBit();
    this.arriving = this.chip.clock.after(this.characterCycles, () => {
      this.arriving = undefined;
      const next = this.incoming.shift() as Received;
      if ((this.control & RXEN) === 0 || this.isSpi) this.lost++;
      else this.arrive(next);
      this.judge();
      this.listen();
    });
  }
  /** 22.8.4: a start bit while the buffer is full and a character waits in the shift register is an overrun. */
  private startBit(): void {
    if (this.stranded === undefined) return;
    this.stranded = undefined;
    this.overrun = DOR;
    this.lost++;
  }
  private arrive(character: Received): void {
    if (this.received.length < 2) this.keep(character);
    else if (this.isSpi) this.lost++;
    else this.stranded = character;
  }
  /** The overrun shows with the first character behind the gap. */
  private keep(character: Received): void {
    this.received.push({ ...character, errors: character.errors | this.overrun });
    this.overrun = 0;
  }
  private readData(): number {
    const first = this.received.shift();
    if (this.stranded !== undefined) {
      this.keep(this.stranded);
      this.stranded = undefined;
    }
    this.judge();
    return first?.byte ?? 0;
  }
}
