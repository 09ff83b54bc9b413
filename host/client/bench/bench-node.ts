// What nodes of a bench have in common, whatever they are made of.

import type { Actor, Timeline } from "../../bus/timeline.ts";
import type { CanWire, Stub } from "../../bus/wire.ts";
import type { BenchNodeSpec } from "../../formats/bench.ts";

/** Where a node stands. */
export interface Place {
  readonly timeline: Timeline;
  /** The wire that leads to it: another one while its cable is cut. */
  wire(): CanWire;
  /** How much faster its crystal is, in parts per million. */
  readonly ppm: number;
  /** The SD card in its socket. */
  readonly card?: Uint8Array | undefined;
}

/** A node of a bench. Without power it is not due and hears nothing; its media keep their bytes. */
export interface BenchNode extends Actor {
  readonly spec: BenchNodeSpec;
  readonly isOn: boolean;
  /** Its line to the wire; undefined without power. */
  readonly stub: Stub | undefined;
  /** Frames it lost because it was too slow to take them, since power-on. */
  readonly overruns: number;
  /** Error counters of its controller. */
  readonly errors: { readonly tec: number; readonly rec: number };
  powerOn(): void;
  powerOff(): void;
}

/** Time on the bench, in ns, at which a crystal that deviates has counted `cycles` since `start_ns`. */
export function benchTime(start_ns: number, cycles: number, hz: number, ppm: number): number {
  return start_ns + (cycles * 1e9) / hz / (1 + ppm / 1e6);
}
/** The way back. */
export function cyclesAt(start_ns: number, time_ns: number, hz: number, ppm: number): number {
  return ((time_ns - start_ns) * hz * (1 + ppm / 1e6)) / 1e9;
}
