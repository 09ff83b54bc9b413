// A USART as a console: of the STM32F0x2 (RM0091 chapter 27) with ISR, ICR and two data registers, of the F405 (RM0090
// chapter 30) with SR and one. Eight bits, no parity, one stop bit; no DMA, no hardware flow control.

import type { Appointment } from "../../bus/clock.ts";
import { type Peripheral, type Surroundings, ticksOf } from "./peripheral.ts";

/** Offsets of one of the two kinds; of the older one SR stands for ISR, DR for RDR and TDR. */
interface UsartMap {
  readonly cr1: number;
  readonly cr3: number;
  readonly brr: number;
  readonly status: number;
  readonly icr: number | undefined;
  readonly rdr: number;
  readonly tdr: number;
  /** Bit of CR1 that switches the USART on. */
  readonly ue: number;
  /** Bit of CR3 that stops overruns from being told; 0: there is none. */
  readonly overrunOff: number;
}

export const USART_F0: UsartMap = {
  cr1: 0x00,
  cr3: 0x08,
  brr: 0x0c,
  status: 0x1c,
  icr: 0x20,
  rdr: 0x24,
  tdr: 0x28,
  ue: 1,
  overrunOff: 1 << 12,
};
export const USART_F4: UsartMap = {
  cr1: 0x0c,
  cr3: 0x14,
  brr: 0x08,
  status: 0x00,
  icr: undefined,
  rdr: 0x04,
  tdr: 0x04,
  ue: 1 << 13,
  overrunOff: 0,
};

// bits that both kinds share
const ORE = 1 << 3;
const RXNE = 1 << 5;
const TC = 1 << 6;
const TXE = 1 << 7;
const CR1_RE = 1 << 2;
const CR1_TE = 1 << 3;
const TEACK = 1 << 21;
const REACK = 1 << 22;
/** A start bit, eight data bits, a stop bit. */
const BITS = 10;

export class Usart implements Peripheral {
  private registers = new Map<number, number>();
  private status = TXE | TC;
  private received = 0;
  private waiting: number | undefined;
  private sending: Appointment | undefined;
  private readonly arriving: number[] = [];
  private arrival: Appointment | undefined;
  private hasReadStatus = false;

  /** `transmit` gets each byte when its stop bit has left the pin. `isHeard`: whether the receive pin is connected. */
  constructor(
    private readonly map: UsartMap,
    private readonly around: Surroundings,
    private readonly transmit: (byte: number) => void,
    private readonly isHeard: () => boolean,
  ) {}

  reset(): void {
    this.registers = new Map();
    this.status = TXE | TC;
    this.waiting = undefined;
    this.around.clock.cancel(this.sending);
    this.sending = undefined;
    this.hasReadStatus = false;
    this.update();
  }

  private get(offset: number): number {
    return this.registers.get(offset) ?? 0;
  }
  private isOn(what: number): boolean {
    return (this.get(this.map.cr1) & this.map.ue) !== 0 && (this.get(this.map.cr1) & what) !== 0;
  }
  /** Bits a second. */
  get baud(): number {
    return this.around.hz() / this.get(this.map.brr);
  }
  private character(): number {
    return ticksOf(this.around, BITS * this.get(this.map.brr));
  }

  /** Bytes from the other side, back to back at this USART's own speed. */
  receive(bytes: Iterable<number>): void {
    this.arriving.push(...bytes);
    this.listen();
  }
  /** Bytes that have not arrived yet. */
  get expected(): number {
    return this.arriving.length;
  }
  private listen(): void {
    if (this.arrival !== undefined || this.arriving.length === 0 || this.get(this.map.brr) === 0)
      return;
    this.arrival = this.around.clock.after(this.character(), () => {
      this.arrival = undefined;
      this.arrive(this.arriving.shift() as number);
      this.listen();
    });
  }
  /** A byte that comes while the last one was not read is lost (27.8.8, ORE). */
  private arrive(byte: number): void {
    if (!this.isOn(CR1_RE) || !this.isHeard()) return;
    if ((this.status & RXNE) === 0) {
      this.received = byte;
      this.status |= RXNE;
    } else if ((this.get(this.map.cr3) & this.map.overrunOff) !== 0) this.received = byte;
    else this.status |= ORE;
    this.update();
  }

  private send(byte: number): void {
    this.status |= TXE;
    this.sending = this.around.clock.after(this.character(), () => {
      this.transmit(byte);
      this.sending = undefined;
      const next = this.waiting;
      this.waiting = undefined;
      if (next === undefined) this.status |= TC;
      else this.send(next);
      this.update();
    });
  }

  /** RXNEIE, TCIE and TXEIE stand at the places of their flags; an overrun shares RXNEIE. */
  private update(): void {
    const cr1 = this.get(this.map.cr1);
    const wanted = cr1 & this.status & (RXNE | TC | TXE);
    const overrun = (this.status & ORE) !== 0 && (cr1 & RXNE) !== 0;
    this.around.interrupt((wanted !== 0 && (cr1 & this.map.ue) !== 0) || overrun);
  }

  read(offset: number): number {
    const { map } = this;
    if (offset === map.status) {
      this.hasReadStatus = true;
      const ready = (this.isOn(CR1_TE) ? TEACK : 0) | (this.isOn(CR1_RE) ? REACK : 0);
      return this.status | (map.icr === undefined ? 0 : ready);
    }
    if (offset !== map.rdr) return this.get(offset);
    this.status &= ~RXNE;
    // without ICR, reading SR and then DR clears the overrun (RM0090 30.6.1)
    if (map.icr === undefined && this.hasReadStatus) this.status &= ~ORE;
    this.hasReadStatus = false;
    this.update();
    return this.received;
  }

  write(offset: number, value: number): void {
    const { map } = this;
    if (offset === map.tdr) this.writeData(value & 0xff);
    else if (offset === map.icr) this.status &= ~(value & (ORE | TC));
    else if (offset === map.status)
      this.status &= value | ~(RXNE | TC); // SR of the older kind: rc_w0
    else if (offset === map.brr && map.icr !== undefined && (this.get(map.cr1) & map.ue) !== 0)
      return; // BRR is locked while the USART is on (27.8.4)
    else this.registers.set(offset, value);
    this.listen();
    this.update();
  }
  private writeData(byte: number): void {
    if (!this.isOn(CR1_TE)) return;
    this.status &= ~TC;
    if (this.sending === undefined) this.send(byte);
    else {
      this.waiting = byte;
      this.status &= ~TXE;
    }
  }
}
