// Virtual time of a board: the cycles of its CPU, and the calls that are due at a cycle.

/** The time of a board, as its devices see it. */
export interface Clock {
  /** Cycles a second. */
  readonly hz: number;
  /** Cycles since power-on. */
  readonly now: number;
  /** Has `call` made once `cycles` have passed. */
  after(cycles: number, call: () => void): Appointment;
  cancel(appointment: Appointment | undefined): void;
}

export interface Appointment {
  readonly cycle: number;
  readonly call: () => void;
}

/** Cycles that `us` microseconds take, rounded up. */
export function cyclesOf(clock: Clock, us: number): number {
  return Math.ceil((us * clock.hz) / 1e6);
}

/** A clock whose cycles somebody else counts. That somebody calls run() whenever `due` is reached. */
export class Agenda implements Clock {
  /** Cycle of the next appointment; infinite without one. */
  due = Number.POSITIVE_INFINITY;
  private readonly list: Appointment[] = [];

  constructor(
    readonly hz: number,
    private readonly cycles: () => number,
  ) {}

  get now(): number {
    return this.cycles();
  }

  /** Appointments of one cycle are kept in the order in which they were made. */
  after(cycles: number, call: () => void): Appointment {
    const appointment = { cycle: this.now + Math.max(1, Math.ceil(cycles)), call };
    let at = this.list.length;
    while (at > 0 && (this.list[at - 1] as Appointment).cycle > appointment.cycle) at--;
    this.list.splice(at, 0, appointment);
    this.due = (this.list[0] as Appointment).cycle;
    return appointment;
  }

  cancel(appointment: Appointment | undefined): void {
    const at = appointment === undefined ? -1 : this.list.indexOf(appointment);
    if (at < 0) return;
    this.list.splice(at, 1);
    this.due = this.list[0]?.cycle ?? Number.POSITIVE_INFINITY;
  }

  /** Makes the calls that are due. */
  run(): void {
    const { now } = this;
    for (let next = this.list[0]; next !== undefined && next.cycle <= now; next = this.list[0]) {
      this.list.shift();
      this.due = this.list[0]?.cycle ?? Number.POSITIVE_INFINITY;
      next.call();
    }
  }

  /** Forgets everything. */
  clear(): void {
    this.list.length = 0;
    this.due = Number.POSITIVE_INFINITY;
  }
}

/** A clock that moves when it is told to: for devices without a CPU. */
export class ManualClock extends Agenda {
  private count: { cycles: number };

  constructor(hz: number) {
    const count = { cycles: 0 };
    super(hz, () => count.cycles);
    this.count = count;
  }

  /** Sets the clock, which never goes back, and makes no call. */
  moveTo(cycle: number): void {
    this.count.cycles = Math.max(this.count.cycles, cycle);
  }
  advance(cycles: number): void {
    const end = this.count.cycles + cycles;
    while (this.due <= end) {
      this.moveTo(this.due);
      this.run();
    }
    this.count.cycles = end;
  }
}
