// The common time of several machines on wires: each runs ahead only as far as nothing can reach it from another.

import { ManualClock } from "./clock.ts";
import type { CanWire } from "./wire.ts";

/** What lives on a timeline. All times are nanoseconds since its beginning. */
export interface Actor {
  /** When it next does something by itself; infinite: when something reaches it. */
  readonly due_ns: number;
  /** Runs it up to a time, and no farther than an instruction beyond. */
  runTo(time_ns: number): void;
}

export class Timeline {
  /** Its cycles are nanoseconds. */
  readonly clock = new ManualClock(1e9);
  private readonly actors = new Set<Actor>();
  private readonly wires: CanWire[] = [];

  get now_ns(): number {
    return this.clock.now;
  }

  add(actor: Actor): void {
    this.actors.add(actor);
  }
  remove(actor: Actor): void {
    this.actors.delete(actor);
  }
  /** A wire whose clock is this one. */
  addWire(wire: CanWire): void {
    this.wires.push(wire);
  }

  private nextDue(): number {
    let due = Number.POSITIVE_INFINITY;
    for (const actor of this.actors) if (actor.due_ns < due) due = actor.due_ns;
    return due;
  }
  /** How far an actor may run from now on before another has to know what it did: to the next bit of a wire that is free. */
  private lookahead(): number {
    let ahead = Number.POSITIVE_INFINITY;
    for (const wire of this.wires) if (!wire.isTaken && wire.bit_ns < ahead) ahead = wire.bit_ns;
    return ahead;
  }

  /** Lets time pass until `end_ns`, or until `until`, asked at every step, says so. */
  runTo(end_ns: number, until: () => boolean = () => false): void {
    const { clock } = this;
    while (clock.now < end_ns && !until()) {
      const due = Math.max(clock.now, this.nextDue());
      if (due > clock.now) clock.moveTo(Math.min(due, clock.due, end_ns));
      const stop = Math.min(end_ns, clock.due, clock.now + this.lookahead());
      this.run(stop);
    }
  }
  private run(stop: number): void {
    const { clock } = this;
    for (const actor of this.actors) if (actor.due_ns < stop) actor.runTo(stop);
    clock.moveTo(Math.min(stop, clock.due));
    clock.run();
  }
}
