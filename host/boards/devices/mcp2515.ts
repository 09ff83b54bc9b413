// The Microchip MCP2515, a CAN controller on SPI: registers, buffers, filters, modes, error counters and instructions.
// Sections and tables are those of the data sheet DS20001801J. Not modelled: Sleep mode, the pins RXnBF, TXnRTS, CLKOUT.

import { type Appointment, type Clock, cyclesOf } from "../../bus/clock.ts";
import { type Failure, FaultConfinement } from "../../bus/fault-confinement.ts";
import { type CanController, type CanWire, RECOVERIES, type Stub } from "../../bus/wire.ts";
import type { CanFrame } from "../../formats/can-frame.ts";
import type { SpiDevice } from "./spi.ts";

/** Registers, Table 11-1. */
export const Reg = {
  BFPCTRL: 0x0c,
  TXRTSCTRL: 0x0d,
  CANSTAT: 0x0e,
  CANCTRL: 0x0f,
  TEC: 0x1c,
  REC: 0x1d,
  RXM0SIDH: 0x20,
  CNF3: 0x28,
  CNF2: 0x29,
  CNF1: 0x2a,
  CANINTE: 0x2b,
  CANINTF: 0x2c,
  EFLG: 0x2d,
  TXB0CTRL: 0x30,
  RXB0CTRL: 0x60,
  RXB1CTRL: 0x70,
} as const;

/** CANINTF and CANINTE, Register 7-2. */
export const Irq = { RX0: 1, RX1: 2, TX0: 4, ERR: 0x20, WAK: 0x40, MERR: 0x80 } as const;
/** EFLG, Register 6-3. */
export const Eflg = {
  EWARN: 1,
  RXWAR: 2,
  TXWAR: 4,
  RXEP: 8,
  TXEP: 0x10,
  TXBO: 0x20,
  RX0OVR: 0x40,
  RX1OVR: 0x80,
} as const;
/** OPMOD and REQOP, Registers 10-1 and 10-2. */
export const Mode = { NORMAL: 0, SLEEP: 1, LOOPBACK: 2, LISTEN: 3, CONFIG: 4 } as const;

const TXREQ = 0x08;
const TXERR = 0x10;
const MLOA = 0x20;
const ABTF = 0x40;
const BUKT = 0x04;
const OSM = 0x08;
const ABAT = 0x10;
const MASK_OFF = 0x60;
const OPEN = 0xff;
/** Oscillator cycles after RESET in which nothing is understood (8.1, 9.0). */
const START_UP = 128;
const MAX_HZ = 10_000_000;

/** Registers that BIT MODIFY may change bit by bit: shaded in Table 11-1. */
const BITWISE: ReadonlySet<number> = new Set([
  0x0c, 0x0d, 0x0f, 0x28, 0x29, 0x2a, 0x2b, 0x2c, 0x2d, 0x30, 0x40, 0x50, 0x60, 0x70,
]);

/** Bits that WRITE changes, where not all: flags of the device's own are read-only. */
function writable(address: number): number {
  if (address >= 0x60) return address === 0x60 ? 0x64 : address === 0x70 ? 0x60 : 0;
  if (address === Reg.EFLG) return 0xc0;
  if (address === Reg.TEC || address === Reg.REC) return 0;
  if (address === Reg.TXRTSCTRL) return 0x07;
  if (address === Reg.BFPCTRL) return 0x3f;
  return (address & 15) === 0 && address >= 0x30 ? 0x0b : 0xff;
}

/** Filters, masks, bit timing and TXRTSCTRL: written in Configuration mode only (4.5, 5.5, Register 3-2). */
function isSetup(address: number): boolean {
  const isFilter = address < 0x28 && (address & 0x0c) !== 0x0c;
  return isFilter || (address >= 0x28 && address <= 0x2a) || address === Reg.TXRTSCTRL;
}
function isFilterOrMask(address: number): boolean {
  return address < 0x28 && (address & 0x0c) !== 0x0c;
}

/** A position within an instruction. */
interface Instruction {
  readonly opcode: number;
  count: number;
  address: number;
  mask: number;
}

/** Identifier bytes SIDH, SIDL, EID8, EID0 as one number of 29 bits, and whether it is an extended one. */
function identifierAt(
  r: Uint8Array,
  at: number,
): { sid: number; eid: number; isExtended: boolean } {
  const [sidh = 0, sidl = 0, eid8 = 0, eid0 = 0] = r.subarray(at, at + 4);
  return {
    sid: (sidh << 3) | (sidl >> 5),
    eid: ((sidl & 3) << 16) | (eid8 << 8) | eid0,
    isExtended: (sidl & 8) !== 0,
  };
}

export class Mcp2515 implements SpiDevice, CanController {
  /** Level of the INT pin: 0 while an enabled interrupt is pending (7.0). */
  onInterrupt: ((level: 0 | 1) => void) | undefined;
  /** Frames that were lost because both buffers were full. */
  overruns = 0;
  /** Times it went off the bus. */
  busOffs = 0;
  isActive = false;
  private readonly r = new Uint8Array(0x80);
  private mode: number = Mode.CONFIG;
  readonly errors = new FaultConfinement();
  readonly stub: Stub;
  private level: 0 | 1 = 1;
  private instruction: Instruction | undefined;
  private isSelected = false;
  private ready = 0;
  /** Transmit buffer whose frame is on the bus. */
  private sending: number | undefined;
  /** Cancels what is to come. */
  private cancelMode = () => {};
  private cancelRecovery = () => {};

  constructor(
    private readonly clock: Clock,
    wire: CanWire,
    /** Its crystal. */
    private readonly oscillatorHz = 16_000_000,
  ) {
    this.stub = wire.attach(this);
    this.reset();
  }

  /** Power comes, or the RESET instruction (8.1, 12.2). */
  reset(): void {
    this.r.fill(0);
    this.r[Reg.CANCTRL] = 0x87; // Register 10-1: Configuration mode, CLKOUT on, divided by 8
    this.cancelMode();
    this.cancelRecovery();
    this.sending = undefined;
    this.errors.reset();
    this.enter(Mode.CONFIG);
    this.ready = this.clock.now + Math.ceil((START_UP * this.clock.hz) / this.oscillatorHz);
    this.update();
  }

  /** A register as the device sees it, for tests. */
  peek(address: number): number {
    return this.read(address);
  }

  // ---- Registers ----

  private reg(address: number): number {
    return this.r[address] as number;
  }
  private set(address: number, bits: number): void {
    this.r[address] = this.reg(address) | bits;
  }
  private clear(address: number, bits: number): void {
    this.r[address] = this.reg(address) & ~bits;
  }

  /** CANSTAT and CANCTRL appear in every row of the map. */
  private read(address: number): number {
    const at = address & 0x7f;
    if ((at & 15) === Reg.CANSTAT) return (this.mode << 5) | this.interruptCode();
    if ((at & 15) === Reg.CANCTRL) return this.reg(Reg.CANCTRL);
    if (at === Reg.TEC) return Math.min(this.errors.tec, 255);
    if (at === Reg.REC) return this.errors.rec;
    // 4.5: filters and masks read 0 outside Configuration mode
    return isFilterOrMask(at) && this.mode !== Mode.CONFIG ? 0 : this.reg(at);
  }

  private write(address: number, value: number, mask = 0xff): void {
    const at = (address & 0x0f) === Reg.CANCTRL ? Reg.CANCTRL : address & 0x7f;
    if ((at & 15) === Reg.CANSTAT) return;
    if (isSetup(at) && this.mode !== Mode.CONFIG) return;
    if (this.isLocked(at)) return;
    const bits = mask & writable(at);
    const before = this.reg(at);
    this.r[at] = (before & ~bits) | (value & bits);
    if (at === Reg.CANCTRL) this.control(before);
    else if ((at & 0x0f) === 0 && at >= 0x30 && at < 0x60) this.request(at, before);
    this.update();
  }

  /** A transmit buffer that waits to be sent cannot be written but for its control register (3.1). */
  private isLocked(at: number): boolean {
    return at >= 0x30 && at < 0x60 && (at & 15) !== 0 && (this.reg(at & 0x70) & TXREQ) !== 0;
  }

  // ---- Modes ----

  private control(before: number): void {
    const now = this.reg(Reg.CANCTRL);
    if ((now & ABAT) !== 0 && (before & ABAT) === 0) this.abortAll();
    const wanted = now >> 5;
    if (wanted === before >> 5) return;
    if (wanted === Mode.SLEEP) throw new Error("MCP2515: Sleep mode is not modelled");
    this.cancelMode();
    // 10.0: a mode is entered when no message is on its way; onto the bus, after eleven recessive bits
    const isJoining = this.mode === Mode.CONFIG && wanted !== Mode.LOOPBACK;
    if (isJoining) this.cancelMode = this.afterRecessive(1, () => this.enter(wanted));
    else this.changeIn(0, wanted);
  }
  private changeIn(bits: number, wanted: number): void {
    const pending = this.afterBits(bits, () => {
      if (this.sending !== undefined) this.changeIn(1, wanted);
      else this.enter(wanted);
    });
    this.cancelMode = () => this.clock.cancel(pending);
  }
  private enter(mode: number): void {
    this.mode = mode;
    if (mode === Mode.CONFIG) {
      this.cancelRecovery();
      this.errors.reset(); // 10.1: Configuration mode resets the error counters
      this.r[Reg.EFLG] = this.reg(Reg.EFLG) & (Eflg.RX0OVR | Eflg.RX1OVR);
    }
    this.isActive = mode === Mode.NORMAL && !this.isBusOff;
    this.offerAgain();
  }

  private get isBusOff(): boolean {
    return (this.reg(Reg.EFLG) & Eflg.TXBO) !== 0;
  }

  // ---- Bit timing ----

  /** TQ = 2 (BRP + 1) / Fosc; a bit is SyncSeg 1, PropSeg, PS1 and PS2 (5.0, Registers 5-1 to 5-3). */
  private bitDuration(): number {
    const [cnf1, cnf2, cnf3] = [this.reg(Reg.CNF1), this.reg(Reg.CNF2), this.reg(Reg.CNF3)];
    const prop = (cnf2 & 7) + 1;
    const ps1 = ((cnf2 >> 3) & 7) + 1;
    const ps2 = (cnf2 & 0x80) !== 0 ? (cnf3 & 7) + 1 : Math.max(ps1, 2);
    const jump = (cnf1 >> 6) + 1;
    // 5.3: PropSeg + PS1 >= PS2, PS2 > SJW, and PS2 is at least 2 TQ
    if (prop + ps1 < ps2 || ps2 <= jump || ps2 < 2) return Number.NaN;
    return (2 * ((cnf1 & 0x3f) + 1) * (1 + prop + ps1 + ps2) * 1e9) / this.oscillatorHz;
  }
  get bit_ns(): number | undefined {
    const isOnBus = this.mode === Mode.NORMAL || this.mode === Mode.LISTEN;
    return isOnBus && !this.isBusOff ? this.bitDuration() : undefined;
  }
  private afterBits(bits: number, call: () => void): Appointment {
    return this.clock.after(cyclesOf(this.clock, (bits * (this.bitDuration() || 0)) / 1000), call);
  }
  private afterRecessive(times: number, call: () => void): () => void {
    return this.stub.afterRecessive(times, this.bitDuration() || 0, call);
  }
  get isPassive(): boolean {
    return this.errors.state === "passive";
  }

  // ---- Sending ----

  private request(at: number, before: number): void {
    const now = this.reg(at);
    if ((now & TXREQ) !== 0 && (before & TXREQ) === 0) {
      this.clear(at, ABTF | MLOA | TXERR); // Register 3-1
      this.offerAgain();
    }
  }
  private abortAll(): void {
    for (let n = 0; n < 3; n++) {
      const at = Reg.TXB0CTRL + 16 * n;
      if (this.sending === n || (this.reg(at) & TXREQ) === 0) continue;
      this.clear(at, TXREQ);
      this.set(at, ABTF);
    }
  }
  private offerAgain(): void {
    if (this.nextBuffer() === undefined) return;
    if (this.mode === Mode.NORMAL && !this.isBusOff) this.stub.wake();
    else if (this.mode === Mode.LOOPBACK) this.loop();
  }

  /** The buffer to be sent next: the highest TXP, among equals the highest number (3.2). */
  private nextBuffer(): number | undefined {
    let best: number | undefined;
    let priority = -1;
    for (let n = 0; n < 3; n++) {
      const ctrl = this.reg(Reg.TXB0CTRL + 16 * n);
      if ((ctrl & TXREQ) === 0 || (ctrl & 3) < priority) continue;
      best = n;
      priority = ctrl & 3;
    }
    return best;
  }
  private frameOf(buffer: number): CanFrame {
    const at = Reg.TXB0CTRL + 16 * buffer + 1;
    const { sid, eid, isExtended } = identifierAt(this.r, at);
    const dlc = this.reg(at + 4);
    const length = Math.min(dlc & 15, 8);
    const id = isExtended ? sid * 0x40000 + eid : sid;
    const data = this.r.slice(at + 5, at + 5 + length);
    return { id, isExtended, isRemote: (dlc & 0x40) !== 0, data };
  }

  offer(): CanFrame | undefined {
    const buffer = this.nextBuffer();
    this.sending = buffer;
    return buffer === undefined ? undefined : this.frameOf(buffer);
  }
  sent(): void {
    const buffer = this.sending;
    this.sending = undefined;
    if (buffer === undefined) return;
    this.clear(Reg.TXB0CTRL + 16 * buffer, TXREQ);
    this.set(Reg.CANINTF, Irq.TX0 << buffer);
    this.errors.sent();
    this.count();
  }
  lost(): void {
    this.unsent(MLOA);
    this.update();
  }
  failed(why: Failure): void {
    this.unsent(TXERR);
    this.set(Reg.CANINTF, Irq.MERR);
    this.errors.failed(why);
    this.count();
  }
  private unsent(flag: number): void {
    const buffer = this.sending;
    this.sending = undefined;
    if (buffer === undefined) return;
    const at = Reg.TXB0CTRL + 16 * buffer;
    this.set(at, flag);
    if ((this.reg(Reg.CANCTRL) & OSM) !== 0) this.clear(at, TXREQ); // 3.5: one shot
  }

  /** Loopback: the frame goes from a transmit buffer to a receive buffer, without the bus (10.4). */
  private loop(): void {
    if (this.sending !== undefined) return;
    this.sending = this.nextBuffer();
    if (this.sending === undefined) return;
    const frame = this.frameOf(this.sending);
    this.afterBits(64, () => {
      this.sent();
      this.receive(frame);
      this.loop();
    });
  }

  // ---- Receiving ----

  receive(frame: CanFrame): void {
    this.errors.received();
    this.assemble(frame);
    this.count();
  }
  disturbed(penalty: number): void {
    this.set(Reg.CANINTF, Irq.MERR);
    if (this.mode === Mode.NORMAL) this.errors.disturbed(penalty);
    this.count();
  }

  /** Figure 4-3: what becomes of the message in the assembly buffer. */
  private assemble(frame: CanFrame): void {
    const ctrl0 = this.reg(Reg.RXB0CTRL);
    const first = this.hit(frame, ctrl0, Reg.RXM0SIDH, [0, 1]);
    if (first !== undefined) {
      if (!this.isFull(0)) return this.keep(frame, 0, first);
      if ((ctrl0 & BUKT) === 0) return this.overflow(Eflg.RX0OVR);
      return this.isFull(1) ? this.overflow(Eflg.RX1OVR) : this.keep(frame, 1, first);
    }
    const second = this.hit(frame, this.reg(Reg.RXB1CTRL), Reg.RXM0SIDH + 4, [2, 3, 4, 5]);
    if (second === undefined) return;
    if (this.isFull(1)) this.overflow(Eflg.RX1OVR);
    else this.keep(frame, 1, second);
  }
  private isFull(buffer: number): boolean {
    return (this.reg(Reg.CANINTF) & (Irq.RX0 << buffer)) !== 0;
  }
  private overflow(flag: number): void {
    this.overruns++;
    this.set(Reg.EFLG, flag);
    this.set(Reg.CANINTF, Irq.ERR);
  }

  /** Number of the filter that lets a frame into a buffer. */
  private hit(
    frame: CanFrame,
    ctrl: number,
    mask: number,
    filters: readonly number[],
  ): number | undefined {
    if ((ctrl & MASK_OFF) === MASK_OFF) return filters[0];
    return filters.find((n) => this.passes(frame, n, mask));
  }
  /** 4.5: a zero in the mask lets its bit pass; EXIDE of the filter chooses the kind of frame; of a standard frame the
   * first two data bytes are compared with the lower 16 bits of the extended identifier. */
  private passes(frame: CanFrame, filter: number, mask: number): boolean {
    const want = identifierAt(this.r, filter < 3 ? 4 * filter : 0x10 + 4 * (filter - 3));
    const care = identifierAt(this.r, mask);
    const isExtended = frame.isExtended === true;
    if (want.isExtended !== isExtended) return false;
    const sid = isExtended ? Math.floor(frame.id / 0x40000) : frame.id;
    const [first = 0, second = 0] = frame.data;
    const eid = isExtended ? frame.id % 0x40000 : (first << 8) | second;
    const eidCare = isExtended ? care.eid : care.eid & 0xffff;
    return ((sid ^ want.sid) & care.sid) === 0 && ((eid ^ want.eid) & eidCare) === 0;
  }

  /** Registers 4-1 to 4-9. */
  private keep(frame: CanFrame, buffer: number, filter: number): void {
    const at = Reg.RXB0CTRL + 16 * buffer;
    const isExtended = frame.isExtended === true;
    const isRemote = frame.isRemote === true;
    const sid = isExtended ? Math.floor(frame.id / 0x40000) : frame.id;
    const eid = isExtended ? frame.id % 0x40000 : 0;
    const srr = !isExtended && isRemote ? 0x10 : 0;
    const rtr = isExtended && isRemote ? 0x40 : 0;
    this.clear(at, buffer === 0 ? 0x09 : 0x0f);
    this.set(at, (isRemote ? 8 : 0) | filter);
    this.r[at + 1] = sid >> 3;
    this.r[at + 2] = ((sid & 7) << 5) | srr | (isExtended ? 8 : 0) | (eid >> 16);
    this.r[at + 3] = (eid >> 8) & 0xff;
    this.r[at + 4] = eid & 0xff;
    this.r[at + 5] = rtr | frame.data.length;
    if (!isRemote) this.r.set(frame.data, at + 6);
    this.set(Reg.CANINTF, Irq.RX0 << buffer);
  }

  // ---- Errors and interrupts ----

  /** Puts the error counters into EFLG (Register 6-3, Figure 6-1). */
  private count(): void {
    if (this.errors.state === "off" && !this.isBusOff) this.goOff();
    const { tec, rec } = this.errors;
    const before = this.reg(Reg.EFLG);
    let flags = before & (Eflg.RX0OVR | Eflg.RX1OVR | Eflg.TXBO);
    if (rec >= 96) flags |= Eflg.RXWAR | Eflg.EWARN;
    if (tec >= 96) flags |= Eflg.TXWAR | Eflg.EWARN;
    if (rec > 127) flags |= Eflg.RXEP;
    if (tec > 127) flags |= Eflg.TXEP;
    this.r[Reg.EFLG] = flags;
    if (((flags ^ before) & ~(Eflg.RX0OVR | Eflg.RX1OVR)) !== 0) this.set(Reg.CANINTF, Irq.ERR);
    this.update();
  }
  /** Bus-off ends by itself after 128 times eleven recessive bits (6.0). */
  private goOff(): void {
    this.busOffs++;
    this.set(Reg.EFLG, Eflg.TXBO);
    this.set(Reg.CANINTF, Irq.ERR);
    this.isActive = false;
    this.cancelRecovery = this.afterRecessive(RECOVERIES, () => {
      this.errors.reset();
      this.clear(Reg.EFLG, Eflg.TXBO);
      this.isActive = this.mode === Mode.NORMAL;
      this.count();
      this.offerAgain();
    });
  }

  private update(): void {
    const level = (this.reg(Reg.CANINTF) & this.reg(Reg.CANINTE)) === 0 ? 1 : 0;
    if (level === this.level) return;
    this.level = level;
    this.onInterrupt?.(level);
  }
  /** ICOD of CANSTAT: the enabled interrupt of the highest rank (Table 7-1). */
  private interruptCode(): number {
    const active = this.reg(Reg.CANINTF) & this.reg(Reg.CANINTE);
    const ranks = [Irq.ERR, Irq.WAK, Irq.TX0, Irq.TX0 << 1, Irq.TX0 << 2, Irq.RX0, Irq.RX1];
    return 2 * (ranks.findIndex((bit) => (active & bit) !== 0) + 1);
  }

  // ---- Instructions, Table 12-1 ----

  select(): void {
    this.instruction = undefined;
    this.isSelected = true;
  }
  deselect(): void {
    const { instruction } = this;
    this.instruction = undefined;
    this.isSelected = false;
    if (instruction === undefined || (instruction.opcode & 0xf9) !== 0x90) return;
    // 12.4: READ RX BUFFER clears its flag when chip select rises
    this.clear(Reg.CANINTF, (instruction.opcode & 4) === 0 ? Irq.RX0 : Irq.RX1);
    this.update();
  }

  exchange(byte: number, hz: number): number {
    if (hz > MAX_HZ) throw new Error(`MCP2515 clocked at ${hz} Hz, ${MAX_HZ} allowed`);
    if (!this.isSelected || this.clock.now < this.ready) return OPEN;
    if (this.instruction === undefined) {
      this.begin(byte);
      return OPEN;
    }
    const { instruction } = this;
    return this.operand(instruction, byte, instruction.count++);
  }

  private begin(opcode: number): void {
    this.instruction = { opcode, count: 0, address: 0, mask: 0 };
    if (opcode === 0xc0) this.reset();
    else if ((opcode & 0xf8) === 0x80) this.requestToSend(opcode & 7);
    else if ((opcode & 0xf9) === 0x90)
      this.instruction.address = 0x61 + 16 * ((opcode >> 2) & 1) + 5 * ((opcode >> 1) & 1);
    else if ((opcode & 0xf8) === 0x40) {
      const place = opcode & 7; // a,b,c: buffer and, in the last bit, the data bytes
      this.instruction.address = 0x31 + 16 * (place >> 1) + 5 * (place & 1);
    }
  }
  private requestToSend(buffers: number): void {
    for (let n = 0; n < 3; n++) {
      if ((buffers & (1 << n)) === 0) continue;
      const at = Reg.TXB0CTRL + 16 * n;
      this.write(at, TXREQ, TXREQ);
    }
  }

  private operand(i: Instruction, byte: number, n: number): number {
    const { opcode } = i;
    if (opcode === 0x03 && n > 0) return this.read(i.address++);
    if ((opcode & 0xf9) === 0x90) return this.read(i.address++);
    if (opcode === 0xa0) return this.status();
    if (opcode === 0xb0) return this.receiveStatus();
    if (opcode === 0x03 || ((opcode === 0x02 || opcode === 0x05) && n === 0)) i.address = byte;
    else if (opcode === 0x02 || (opcode & 0xf8) === 0x40) this.write(i.address++, byte);
    else if (opcode === 0x05 && n === 1) i.mask = byte;
    else if (opcode === 0x05 && n === 2) this.modify(i.address, i.mask, byte);
    return OPEN;
  }

  /** 12.10: of other registers, the mask counts as 0xFF. */
  private modify(address: number, mask: number, data: number): void {
    const at = (address & 15) === Reg.CANCTRL ? Reg.CANCTRL : address & 0x7f;
    this.write(at, data, BITWISE.has(at) ? mask : 0xff);
  }

  /** READ STATUS, Figure 12-8. */
  private status(): number {
    const flags = this.reg(Reg.CANINTF);
    let status = flags & 3;
    for (let n = 0; n < 3; n++) {
      if ((this.reg(Reg.TXB0CTRL + 16 * n) & TXREQ) !== 0) status |= 4 << (2 * n);
      if ((flags & (Irq.TX0 << n)) !== 0) status |= 8 << (2 * n);
    }
    return status;
  }
  /** RX STATUS, Figure 12-9. Of two full buffers, the first one's. */
  private receiveStatus(): number {
    const full = this.reg(Reg.CANINTF) & 3;
    if (full === 0) return 0;
    const at = (full & 1) !== 0 ? Reg.RXB0CTRL : Reg.RXB1CTRL;
    const filter = this.reg(at) & (at === Reg.RXB0CTRL ? 1 : 7);
    const match = at === Reg.RXB1CTRL && filter < 2 ? 6 + filter : filter;
    const kind = ((this.reg(at + 2) & 8) << 1) | (this.reg(at) & 8);
    return (full << 6) | kind | match;
  }
}
