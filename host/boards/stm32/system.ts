// The system control space of a Cortex-M: SysTick, NVIC and the system control block (ARM DDI 0419, B3.2 to B3.4; VTOR as in
// ARM DDI 0403, B3.2.5, where the chip has it).

import type { Appointment } from "../../bus/clock.ts";
import { type Core, Exception } from "./core.ts";
import { Fault, type Width } from "./cpu.ts";
import type { Peripheral } from "./peripheral.ts";

const SYST_CSR = 0x010;
const SYST_RVR = 0x014;
const SYST_CVR = 0x018;
const ISER = 0x100;
const ICER = 0x180;
const ISPR = 0x200;
const ICPR = 0x280;
const IPR = 0x400;
const CPUID = 0xd00;
const ICSR = 0xd04;
const VTOR = 0xd08;
const AIRCR = 0xd0c;
const SHPR2 = 0xd1c;
const SHPR3 = 0xd20;

const CSR = { ENABLE: 1, TICKINT: 2, CLKSOURCE: 4, COUNTFLAG: 1 << 16 } as const;
const VECTKEY = 0x05fa;
const SYSRESETREQ = 4;
const PENDSTSET = 2 ** 26;
const PENDSVSET = 2 ** 28;
/** The counter without CLKSOURCE gets an eighth of the CPU's clock (RM0091 6.2). */
const EXTERNAL_DIVIDER = 8;

export interface SystemOptions {
  readonly cpuid: number;
  readonly hasVtor: boolean;
  readonly interrupts: number;
  /** Bits of a priority that exist: 0xC0 of a Cortex-M0. */
  readonly priorityMask: number;
}

export class SystemControl implements Peripheral {
  private csr = 0;
  private rvr = 0;
  private wraps = 0;
  private wrap: Appointment | undefined;
  private hasCounted = false;

  constructor(
    private readonly core: Core,
    private readonly options: SystemOptions,
    private readonly hclk: () => number,
    private readonly onReset: () => void,
  ) {}

  reset(): void {
    this.csr = 0;
    this.rvr = 0;
    this.hasCounted = false;
    this.core.clock.cancel(this.wrap);
    this.wrap = undefined;
  }

  // ---- SysTick (B3.3) ----

  /** Cycles of the virtual clock of one step of the counter. */
  private step(): number {
    const divider = (this.csr & CSR.CLKSOURCE) !== 0 ? 1 : EXTERNAL_DIVIDER;
    return (this.core.clock.hz / this.hclk()) * divider;
  }
  /** The counter goes from its reload value to 0, which takes one step more than the value says. */
  private start(): void {
    const { clock } = this.core;
    clock.cancel(this.wrap);
    this.wrap = undefined;
    if ((this.csr & CSR.ENABLE) === 0 || this.rvr === 0) return;
    const period = (this.rvr + 1) * this.step();
    this.wraps = clock.now + period;
    this.wrap = clock.after(period, () => this.tick());
  }
  private tick(): void {
    this.hasCounted = true;
    if ((this.csr & CSR.TICKINT) !== 0) this.core.pend(Exception.SYSTICK);
    const period = (this.rvr + 1) * this.step();
    this.wraps += period;
    this.wrap = this.core.clock.after(this.wraps - this.core.clock.now, () => this.tick());
  }
  private current(): number {
    if (this.wrap === undefined) return 0;
    const left = Math.ceil((this.wraps - this.core.clock.now) / this.step());
    return Math.min(this.rvr, Math.max(0, left - 1));
  }
  private readCsr(): number {
    const counted = this.hasCounted ? CSR.COUNTFLAG : 0;
    this.hasCounted = false;
    return this.csr | counted;
  }

  // ---- NVIC (B3.4) ----

  private bits(of: (exception: number) => boolean, word: number): number {
    let bits = 0;
    for (let n = 0; n < 32; n++) if (of(Exception.IRQ0 + 32 * word + n)) bits |= 1 << n;
    return bits >>> 0;
  }
  private forBits(value: number, word: number, act: (exception: number) => void): void {
    for (let n = 0; n < 32; n++)
      if (((value >>> n) & 1) === 1 && 32 * word + n < this.options.interrupts)
        act(Exception.IRQ0 + 32 * word + n);
  }
  private isIn(offset: number, first: number): boolean {
    return offset >= first && offset < first + this.options.interrupts / 8;
  }

  // ---- Registers ----

  read(offset: number): number {
    const { core, options } = this;
    if (offset === SYST_CSR) return this.readCsr();
    if (offset === SYST_RVR) return this.rvr;
    if (offset === SYST_CVR) return this.current();
    if (this.isIn(offset, ISER)) return this.bits((n) => core.isEnabled(n), (offset - ISER) >> 2);
    if (this.isIn(offset, ICER)) return this.bits((n) => core.isEnabled(n), (offset - ICER) >> 2);
    if (this.isIn(offset, ISPR)) return this.bits((n) => core.isPending(n), (offset - ISPR) >> 2);
    if (this.isIn(offset, ICPR)) return this.bits((n) => core.isPending(n), (offset - ICPR) >> 2);
    if (offset >= IPR && offset < IPR + options.interrupts)
      return this.priorities(Exception.IRQ0 + offset - IPR);
    if (offset === CPUID) return options.cpuid;
    if (offset === ICSR) return core.cpu.IPSR;
    if (offset === VTOR && options.hasVtor) return core.cpu.VTOR;
    if (offset === SHPR2) return core.priorityOf(Exception.SVCALL) << 24;
    if (offset === SHPR3)
      return (
        (core.priorityOf(Exception.PEND_SV) << 16) | (core.priorityOf(Exception.SYSTICK) << 24)
      );
    return 0;
  }
  private priorities(first: number): number {
    return [0, 1, 2, 3].reduce((word, n) => word | (this.core.priorityOf(first + n) << (8 * n)), 0);
  }

  write(offset: number, value: number, width: Width): void {
    const { core, options } = this;
    if (offset >= IPR && offset < IPR + options.interrupts) {
      for (let n = 0; n < width; n++)
        this.setPriority(Exception.IRQ0 + offset - IPR + n, value >>> (8 * n));
      return;
    }
    if (offset === SYST_CSR) this.control(value);
    else if (offset === SYST_RVR) this.rvr = value & 0xffffff;
    else if (offset === SYST_CVR)
      this.start(); // any write clears the counter, which then loads
    else if (this.isIn(offset, ISER))
      this.forBits(value, (offset - ISER) >> 2, (n) => core.enable(n, true));
    else if (this.isIn(offset, ICER))
      this.forBits(value, (offset - ICER) >> 2, (n) => core.enable(n, false));
    else if (this.isIn(offset, ISPR))
      this.forBits(value, (offset - ISPR) >> 2, (n) => core.pend(n));
    else if (this.isIn(offset, ICPR))
      this.forBits(value, (offset - ICPR) >> 2, (n) => core.unpend(n));
    else if (offset === VTOR && options.hasVtor) core.cpu.VTOR = value;
    else if (offset === ICSR) this.writeIcsr(value);
    else if (offset === AIRCR) this.writeAircr(value);
    else if (offset === SHPR2) this.setPriority(Exception.SVCALL, value >>> 24);
    else if (offset === SHPR3) {
      this.setPriority(Exception.PEND_SV, value >>> 16);
      this.setPriority(Exception.SYSTICK, value >>> 24);
    }
  }
  private setPriority(exception: number, value: number): void {
    this.core.setPriority(exception, value & this.options.priorityMask);
  }
  private control(value: number): void {
    const wasOn = (this.csr & CSR.ENABLE) !== 0;
    this.csr = value & 7;
    if (!wasOn || (value & CSR.ENABLE) === 0) this.start();
  }
  private writeIcsr(value: number): void {
    if ((value & PENDSVSET) !== 0) this.core.pend(Exception.PEND_SV);
    if ((value & PENDSTSET) !== 0) this.core.pend(Exception.SYSTICK);
  }
  private writeAircr(value: number): void {
    if (value >>> 16 !== VECTKEY) throw new Fault("AIRCR without its key", value);
    if ((value & SYSRESETREQ) !== 0) this.onReset();
  }
}
