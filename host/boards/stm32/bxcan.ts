// bxCAN, the CAN controller of both families (RM0091 chapter 29 and RM0090 chapter 32 describe the same one): modes, three
// transmit mailboxes, two receive FIFOs of three, filter banks, error counters, bus-off. No time-triggered mode.

import { type Failure, FaultConfinement } from "../../bus/fault-confinement.ts";
import { IDLE_BITS, RECOVERIES } from "../../bus/wire.ts";
import type { CanFrame } from "../../formats/can-frame.ts";
import { type Peripheral, type Surroundings, ticksOf } from "./peripheral.ts";

/** A frame as the controller's registers hold it. */
export type Message = Required<CanFrame>;

/** Last error code (LEC, 29.9.2). */
export const ErrorCode = {
  STUFF: 1,
  FORM: 2,
  ACK: 3,
  BIT_RECESSIVE: 4,
  BIT_DOMINANT: 5,
  CRC: 6,
} as const;

/** The four requests; the F0x2 joins them in one interrupt. */
export type CanRequest = "tx" | "rx0" | "rx1" | "sce";

const MCR = 0x00;
const MSR = 0x04;
const TSR = 0x08;
const RF0R = 0x0c;
const RF1R = 0x10;
const IER = 0x14;
const ESR = 0x18;
const BTR = 0x1c;
const MAILBOXES = 0x180;
const FIFOS = 0x1b0;
const FIFOS_END = 0x1d0;
const FMR = 0x200;
const FM1R = 0x204;
const FS1R = 0x20c;
const FFA1R = 0x214;
const FA1R = 0x21c;
const BANKS = 0x240;

const MCR_BITS = {
  INRQ: 1,
  SLEEP: 2,
  TXFP: 4,
  RFLM: 8,
  NART: 16,
  AWUM: 32,
  ABOM: 64,
  RESET: 1 << 15,
} as const;
const MSR_BITS = { INAK: 1, SLAK: 2, ERRI: 4, WKUI: 8, SLAKI: 16, RX: 0xc00 } as const;
const FMP = 3;
const FULL = 1 << 3;
const FOVR = 1 << 4;
const RFOM = 1 << 5;
const TXRQ = 1;
const RTR = 2;
const IDE = 4;
const IER_TME = 1;
const IER_ERRORS = {
  EWG: 1 << 8,
  EPV: 1 << 9,
  BOF: 1 << 10,
  LEC: 1 << 11,
  ERR: 1 << 15,
  WKU: 1 << 16,
} as const;
const ESR_BITS = { EWGF: 1, EPVF: 2, BOFF: 4 } as const;
const WARNING = 96;
const PASSIVE = 128;
const LOOPBACK = 2 ** 30;
const SILENT = 2 ** 31;
const FIFO_DEPTH = 3;

interface Mailbox {
  readonly words: Uint32Array; // TIR, TDTR, TDLR, TDHR
  order: number;
}

interface Received {
  readonly words: readonly number[];
}

export class Bxcan implements Peripheral {
  /** Told when a frame waits for the bus. */
  onOffer: () => void = () => {};
  /** Waits for sequences of eleven recessive bits of so many cycles; without a bus, for the time they take. */
  afterRecessive = (times: number, bitCycles: number, call: () => void): (() => void) => {
    const { clock } = this.around;
    const due = clock.after(times * IDLE_BITS * bitCycles, call);
    return () => clock.cancel(due);
  };
  /** Frames that were lost because a FIFO was full. */
  overruns = 0;
  /** Error counters (29.7.6). */
  readonly errors = new FaultConfinement(119);
  private mcr = 0;
  private inak = false;
  private slak = true;
  private flags = 0; // of MSR
  private tsr = 0; // completion bits only
  private ier = 0;
  private lec = 0;
  private isOff = false;
  private btr = 0;
  private readonly mailboxes: readonly Mailbox[] = [0, 1, 2].map(() => ({
    words: new Uint32Array(4),
    order: 0,
  }));
  private requests = 0;
  private flying: number | undefined;
  private aborting = 0;
  private readonly fifos: Received[][] = [[], []];
  private readonly fifoFlags = [0, 0];
  private readonly filters: Uint32Array;
  private readonly filterWords: Uint32Array;
  /** Cancels what is to come. */
  private cancelWaking = () => {};
  private cancelRecovery = () => {};

  /** `banks`: 14 in the F0x2, 28 in the F405. */
  constructor(
    private readonly banks: number,
    private readonly around: Omit<Surroundings, "interrupt">,
    private readonly interrupt: (request: CanRequest, isHigh: boolean) => void,
  ) {
    this.filters = new Uint32Array(8);
    this.filterWords = new Uint32Array(2 * banks);
  }

  reset(): void {
    this.cancelWaking();
    this.cancelRecovery();
    this.errors.reset();
    this.mcr = 0x00010002;
    this.inak = false;
    this.slak = true;
    this.flags = this.tsr = this.ier = this.lec = 0;
    this.isOff = false;
    this.btr = 0x01230000;
    this.flying = undefined;
    this.aborting = 0;
    for (const { words } of this.mailboxes) words[0] = 0;
    this.fifos[0] = [];
    this.fifos[1] = [];
    this.fifoFlags.fill(0);
    this.filters.fill(0);
    this.filters[0] = 0x2a1c0e01;
    this.update();
  }

  // ---- Modes (29.4) ----

  /** Cycles of the virtual clock that a number of bits take. */
  private bits(count: number): number {
    const quanta = 3 + ((this.btr >>> 16) & 15) + ((this.btr >>> 20) & 7);
    return ticksOf(
      { ...this.around, interrupt: () => {} },
      count * quanta * ((this.btr & 1023) + 1),
    );
  }
  /** Bits a second. */
  get bitRate(): number {
    return this.around.clock.hz / this.bits(1);
  }
  /** Place of the sample point, 0 to 1 (29.7.7). */
  get samplePoint(): number {
    const [ts1, ts2] = [((this.btr >>> 16) & 15) + 1, ((this.btr >>> 20) & 7) + 1];
    return (1 + ts1) / (1 + ts1 + ts2);
  }
  private get isNormal(): boolean {
    return !this.inak && !this.slak;
  }
  /** At the bus: hears it and counts errors. */
  get isListening(): boolean {
    return this.isNormal && !this.isOff && !this.isLoopedBack;
  }
  private get isLoopedBack(): boolean {
    return this.btr % SILENT >= LOOPBACK;
  }
  /** Silent mode (29.6.1): it hears and never drives the bus. */
  get isSilent(): boolean {
    return this.btr >= SILENT;
  }

  private writeMcr(value: number): void {
    if ((value & MCR_BITS.RESET) !== 0) return this.reset(); // back to sleep mode (29.9.2)
    this.mcr = value & 0x100ff;
    const wantsSleep = (value & MCR_BITS.SLEEP) !== 0;
    const wantsInit = (value & MCR_BITS.INRQ) !== 0;
    if (wantsInit && !wantsSleep) this.enterInit();
    else if (wantsSleep && !wantsInit) this.enterSleep();
    else if (!wantsInit && !wantsSleep && (this.inak || this.slak)) this.synchronize();
  }
  private enterInit(): void {
    this.cancelWaking();
    this.slak = false;
    this.inak = true;
    this.flying = undefined;
    // leaving bus-off by software begins here (29.7.6)
  }
  private enterSleep(): void {
    this.cancelWaking();
    this.inak = false;
    this.slak = true;
  }
  /** Waits for 11 recessive bits, of a bus that is idle meanwhile. */
  private synchronize(): void {
    this.cancelWaking();
    this.cancelWaking = this.afterRecessive(1, this.bits(1), () => {
      this.inak = false;
      this.slak = false;
      if (this.isOff) this.startRecovery();
      this.offered();
    });
  }

  // ---- Errors (29.7.6) ----

  private goOff(): void {
    this.isOff = true;
    this.flying = undefined;
    if ((this.mcr & MCR_BITS.ABOM) !== 0) this.startRecovery();
    this.raise(IER_ERRORS.BOF);
  }
  private startRecovery(): void {
    this.cancelRecovery();
    this.cancelRecovery = this.afterRecessive(RECOVERIES, this.bits(1), () => {
      this.isOff = false;
      this.errors.reset();
      this.update();
      this.offered();
    });
  }
  /** Sets ERRI if the kind of error is enabled (29.9.2, MSR). */
  private raise(kind: number): void {
    if ((this.ier & kind) !== 0) this.flags |= MSR_BITS.ERRI;
    this.update();
  }
  private error(code: number): void {
    this.lec = code;
    this.raise(IER_ERRORS.LEC);
    const { tec, rec } = this.errors;
    if (tec >= WARNING || rec >= WARNING) this.raise(IER_ERRORS.EWG);
    if (tec >= PASSIVE || rec >= PASSIVE) this.raise(IER_ERRORS.EPV);
  }
  private esr(): number {
    const { tec, rec } = this.errors;
    const warning = tec >= WARNING || rec >= WARNING ? ESR_BITS.EWGF : 0;
    const passive = tec >= PASSIVE || rec >= PASSIVE ? ESR_BITS.EPVF : 0;
    const off = this.isOff ? ESR_BITS.BOFF : 0;
    const counters = ((tec & 255) << 16) | (rec << 24);
    return (warning | passive | off | (this.lec << 4) | counters) >>> 0;
  }

  // ---- The bus asks and tells ----

  /** The frame this node would begin to send now: of the mailboxes that wait, by identifier or by order (29.7.1). */
  offer(): Message | undefined {
    if (!this.isListening || this.isSilent) return undefined;
    const n = this.nextMailbox();
    return n === undefined ? undefined : messageOf(this.mailbox(n));
  }
  /** Its frame is on the bus from now on. */
  started(): void {
    this.flying = this.nextMailbox();
  }
  lostArbitration(): void {
    this.fail(1 << 2);
  }
  /** The frame was acknowledged. */
  sent(): void {
    const n = this.flying;
    this.flying = undefined;
    this.lec = 0;
    this.errors.sent();
    this.update();
    if (n !== undefined) this.complete(n, 1 << 1);
  }
  sendFailed(why: Failure): void {
    this.errors.failed(why);
    if (this.errors.state === "off" && !this.isOff) this.goOff();
    this.error(why === "bit" ? ErrorCode.BIT_DOMINANT : ErrorCode.ACK);
    this.fail(1 << 3);
  }
  /** A whole frame of another node. */
  hear(message: Message): void {
    if (!this.isListening) return;
    this.lec = 0;
    this.errors.received();
    this.accept(message);
  }
  hearFailed(penalty: number): void {
    this.errors.disturbed(penalty);
    this.error(ErrorCode.STUFF);
  }

  private fail(flag: number): void {
    const n = this.flying;
    this.flying = undefined;
    if (n === undefined) return;
    const isOnce = (this.mcr & MCR_BITS.NART) !== 0;
    if (isOnce || (this.aborting & (1 << n)) !== 0) this.complete(n, flag);
    else {
      this.tsr |= flag << (8 * n);
      this.offered();
    }
  }

  // ---- Transmit mailboxes (29.7.1) ----

  private mailbox(n: number): Uint32Array {
    return (this.mailboxes[n] as Mailbox).words;
  }
  private isWaiting(n: number): boolean {
    return ((this.mailbox(n)[0] as number) & TXRQ) !== 0;
  }
  private nextMailbox(): number | undefined {
    const waiting = [0, 1, 2].filter((n) => this.isWaiting(n));
    const rank = (n: number) =>
      (this.mcr & MCR_BITS.TXFP) !== 0
        ? (this.mailboxes[n] as Mailbox).order
        : (this.mailbox(n)[0] as number) >>> 1;
    return waiting.sort((a, b) => rank(a) - rank(b) || a - b)[0];
  }
  private writeMailbox(offset: number, value: number): void {
    const n = offset >> 4;
    const word = (offset >> 2) & 3;
    if (this.isWaiting(n)) return; // write-protected until it is empty (29.9.3)
    this.mailbox(n)[word] = value;
    if (word !== 0 || (value & TXRQ) === 0) return;
    (this.mailboxes[n] as Mailbox).order = ++this.requests;
    this.tsr &= ~(15 << (8 * n));
    this.offered();
  }
  private offered(): void {
    this.update();
    if (this.isLoopedBack) this.loop();
    else if (this.offer() !== undefined) this.onOffer();
  }
  /** Loop back: what is sent is received, and no acknowledgement is needed (29.6.2). */
  private loop(): void {
    if (!this.isNormal || this.flying !== undefined) return;
    const n = this.nextMailbox();
    if (n === undefined) return;
    const message = messageOf(this.mailbox(n));
    this.flying = n;
    this.around.clock.after(this.bits(47 + 8 * message.data.length), () => {
      this.accept(message);
      this.sent();
      this.offered();
    });
  }
  private complete(n: number, flag: number): void {
    this.mailbox(n)[0] = (this.mailbox(n)[0] as number) & ~TXRQ;
    this.aborting &= ~(1 << n);
    this.tsr |= (1 | flag) << (8 * n);
    this.offered();
  }
  private writeTsr(value: number): void {
    for (let n = 0; n < 3; n++) {
      if (((value >>> (8 * n)) & 1) !== 0) this.tsr &= ~(15 << (8 * n));
      if (((value >>> (8 * n + 7)) & 1) === 0 || !this.isWaiting(n)) continue;
      this.aborting |= 1 << n;
      if (this.flying !== n) this.complete(n, 0);
    }
    this.update();
  }
  private readTsr(): number {
    const free = [0, 1, 2].filter((n) => !this.isWaiting(n));
    const empty = free.reduce((bits, n) => bits | (1 << (26 + n)), 0);
    const low = free.length < 2 ? this.lowest() : 0;
    const code = free[0] ?? this.lastInLine();
    const aborting = [0, 1, 2].reduce(
      (bits, n) => bits | (((this.aborting >> n) & 1) << (8 * n + 7)),
      0,
    );
    return (this.tsr | empty | low | (code << 24) | aborting) >>> 0;
  }
  /** LOW: with more than one waiting, the one that goes last (29.9.2). */
  private lowest(): number {
    return 2 ** (29 + this.lastInLine());
  }
  private lastInLine(): number {
    const waiting = [0, 1, 2].filter((n) => this.isWaiting(n));
    const rank = (n: number) => (this.mailbox(n)[0] as number) >>> 1;
    return waiting.sort((a, b) => rank(b) - rank(a) || b - a)[0] ?? 0;
  }

  // ---- Receive FIFOs (29.7.3) and filters (29.7.4) ----

  private accept(message: Message): void {
    const match = this.match(message);
    if (match === undefined) return;
    const fifo = this.fifos[match.fifo] as Received[];
    const words = [tirOf(message), message.data.length | (match.index << 8), ...dataWords(message)];
    if (fifo.length < FIFO_DEPTH) fifo.push({ words });
    else {
      this.overruns++;
      this.fifoFlags[match.fifo] = (this.fifoFlags[match.fifo] as number) | FOVR;
      if ((this.mcr & MCR_BITS.RFLM) === 0) fifo[FIFO_DEPTH - 1] = { words };
    }
    if (fifo.length === FIFO_DEPTH)
      this.fifoFlags[match.fifo] = (this.fifoFlags[match.fifo] as number) | FULL;
    this.update();
  }

  private filterRegister(offset: number): number {
    return this.filters[(offset - FMR) >> 2] as number;
  }
  /** The first filter that lets a message pass: 32 bits before 16, list before mask, then the lower number. */
  private match(message: Message): { fifo: number; index: number } | undefined {
    if ((this.filterRegister(FMR) & 1) !== 0) return undefined; // no reception while filters are set up
    const wide = tirOf(message) & ~TXRQ;
    const short = shortOf(message);
    const counts = [0, 0];
    let best: { fifo: number; index: number; rank: number } | undefined;
    for (let bank = 0; bank < this.banks; bank++) {
      const isList = ((this.filterRegister(FM1R) >>> bank) & 1) === 1;
      const isWide = ((this.filterRegister(FS1R) >>> bank) & 1) === 1;
      const fifo = (this.filterRegister(FFA1R) >>> bank) & 1;
      const isActive = ((this.filterRegister(FA1R) >>> bank) & 1) === 1;
      const pairs = this.pairs(bank, isList, isWide);
      const rank = (isWide ? 0 : 2) + (isList ? 0 : 1);
      for (const [value, mask] of pairs) {
        const index = counts[fifo] as number;
        counts[fifo] = index + 1;
        const got = isWide ? wide : short;
        const passes = isActive && ((got ^ value) & mask) === 0;
        if (passes && (best === undefined || rank < best.rank)) best = { fifo, index, rank };
      }
    }
    return best;
  }
  /** The filters of a bank: value, and the bits that count. */
  private pairs(bank: number, isList: boolean, isWide: boolean): [number, number][] {
    const [a, b] = [this.filterWords[2 * bank] as number, this.filterWords[2 * bank + 1] as number];
    if (isWide && !isList) return [[a, b & ~1]];
    if (isWide) return [a, b].map((value) => [value, 0xfffffffe]);
    if (!isList) return [a, b].map((word) => [word & 0xffff, word >>> 16]);
    return [a & 0xffff, a >>> 16, b & 0xffff, b >>> 16].map((value) => [value, 0xffff]);
  }

  private readFifo(n: number): number {
    const fifo = this.fifos[n] as Received[];
    return Math.min(FMP, fifo.length) | (this.fifoFlags[n] as number);
  }
  private writeFifo(n: number, value: number): void {
    this.fifoFlags[n] = (this.fifoFlags[n] as number) & ~(value & (FULL | FOVR));
    if ((value & RFOM) !== 0) {
      (this.fifos[n] as Received[]).shift();
      this.fifoFlags[n] = (this.fifoFlags[n] as number) & ~FULL;
    }
    this.update();
  }

  // ---- Requests (29.8) ----

  private update(): void {
    const { ier } = this;
    const completed = (this.tsr & 0x010101) !== 0;
    this.interrupt("tx", completed && (ier & IER_TME) !== 0);
    for (const n of [0, 1]) {
      const state = this.readFifo(n);
      const enables = ier >>> (1 + 3 * n);
      const pending = (state & FMP) !== 0 && (enables & 1) !== 0;
      const full = (state & FULL) !== 0 && (enables & 2) !== 0;
      const overrun = (state & FOVR) !== 0 && (enables & 4) !== 0;
      this.interrupt(n === 0 ? "rx0" : "rx1", pending || full || overrun);
    }
    const error = (this.flags & MSR_BITS.ERRI) !== 0 && (ier & IER_ERRORS.ERR) !== 0;
    this.interrupt("sce", error);
  }

  // ---- Registers (29.9) ----

  read(offset: number): number {
    if (offset >= BANKS) return this.filterWords[(offset - BANKS) >> 2] ?? 0;
    if (offset >= FMR) return this.filterRegister(offset);
    if (offset >= FIFOS && offset < FIFOS_END) return this.readReceived(offset - FIFOS);
    if (offset >= MAILBOXES && offset < FIFOS)
      return this.mailbox((offset - MAILBOXES) >> 4)[(offset >> 2) & 3] as number;
    switch (offset) {
      case MCR:
        return this.mcr;
      case MSR:
        return (this.inak ? 1 : 0) | (this.slak ? 2 : 0) | this.flags | MSR_BITS.RX;
      case TSR:
        return this.readTsr();
      case RF0R:
        return this.readFifo(0);
      case RF1R:
        return this.readFifo(1);
      case IER:
        return this.ier;
      case ESR:
        return this.esr();
      case BTR:
        return this.btr;
      default:
        return 0;
    }
  }
  private readReceived(offset: number): number {
    const first = (this.fifos[offset >> 4] as Received[])[0];
    return (first?.words[(offset >> 2) & 3] ?? 0) >>> 0;
  }

  write(offset: number, value: number): void {
    if (offset >= BANKS) return this.writeBank(offset, value);
    if (offset >= FMR) return this.writeFilterRegister(offset, value);
    if (offset >= MAILBOXES && offset < FIFOS) return this.writeMailbox(offset - MAILBOXES, value);
    switch (offset) {
      case MCR:
        return this.writeMcr(value);
      case MSR:
        this.flags &= ~(value & (MSR_BITS.ERRI | MSR_BITS.WKUI | MSR_BITS.SLAKI));
        return this.update();
      case TSR:
        return this.writeTsr(value);
      case RF0R:
        return this.writeFifo(0, value);
      case RF1R:
        return this.writeFifo(1, value);
      case IER:
        this.ier = value;
        return this.update();
      case ESR:
        this.lec = (value >> 4) & 7;
        return;
      case BTR:
        if (this.inak) this.btr = value; // in initialization mode only
        return;
    }
  }
  private writeFilterRegister(offset: number, value: number): void {
    const isSetUp = (this.filterRegister(FMR) & 1) !== 0;
    const needsSetUp = offset === FM1R || offset === FS1R || offset === FFA1R;
    if (needsSetUp && !isSetUp) return;
    this.filters[(offset - FMR) >> 2] = value;
  }
  /** A bank may be changed while it is off, or while filters are set up (29.9.4). */
  private writeBank(offset: number, value: number): void {
    const word = (offset - BANKS) >> 2;
    const isActive = ((this.filterRegister(FA1R) >>> (word >> 1)) & 1) === 1;
    const isSetUp = (this.filterRegister(FMR) & 1) !== 0;
    if (word < this.filterWords.length && (!isActive || isSetUp)) this.filterWords[word] = value;
  }
}

/** TIR and RIR: STID in 31..21, EXID in 20..3, IDE, RTR. */
function tirOf({ id, isExtended, isRemote }: Message): number {
  const place = isExtended ? id * 8 + IDE : id * 2 ** 21;
  return place + (isRemote ? RTR : 0);
}
/** The same as filters of 16 bits see it: STID in 15..5, RTR, IDE, EXID 17..15 (figure 314). */
function shortOf({ id, isExtended, isRemote }: Message): number {
  const place = isExtended ? ((id >>> 18) << 5) | 8 | ((id >>> 15) & 7) : id << 5;
  return place | (isRemote ? 16 : 0);
}
function dataWords({ data }: Message): number[] {
  const padded = new DataView(new ArrayBuffer(8));
  data.forEach((byte, n) => {
    padded.setUint8(n, byte);
  });
  return [padded.getUint32(0, true), padded.getUint32(4, true)];
}
function messageOf(words: Uint32Array): Message {
  const tir = words[0] as number;
  const isExtended = (tir & IDE) !== 0;
  const isRemote = (tir & RTR) !== 0;
  const length = isRemote ? 0 : Math.min(8, (words[1] as number) & 15);
  const data = new Uint8Array(new Uint32Array([words[2] as number, words[3] as number]).buffer);
  return {
    id: isExtended ? tir >>> 3 : tir >>> 21,
    isExtended,
    isRemote,
    data: data.slice(0, length),
  };
}
