// The clock of a board: calls at their cycle, in order.

import { expect, it } from "vitest";
import { cyclesOf, ManualClock } from "../../../host/bus/clock.ts";

it("makes calls at their cycle, those of one cycle in the order in which they were asked for", () => {
  const clock = new ManualClock(16_000_000);
  const seen: string[] = [];
  const note = (name: string) => () => seen.push(`${name} at ${clock.now}`);
  clock.after(20, note("c"));
  clock.after(10, note("a"));
  clock.after(10, note("b"));
  clock.advance(9);
  expect(seen).toEqual([]);
  clock.advance(100);
  expect(seen).toEqual(["a at 10", "b at 10", "c at 20"]);
  expect(clock.now).toBe(109);
});

it("lets a call ask for another one", () => {
  const clock = new ManualClock(1_000_000);
  const seen: number[] = [];
  const tick = () => {
    seen.push(clock.now);
    if (seen.length < 3) clock.after(5, tick);
  };
  clock.after(5, tick);
  clock.advance(50);
  expect(seen).toEqual([5, 10, 15]);
  expect(clock.due).toBe(Number.POSITIVE_INFINITY);
});

it("forgets a call that is cancelled", () => {
  const clock = new ManualClock(1_000_000);
  const seen: string[] = [];
  const first = clock.after(5, () => seen.push("first"));
  clock.after(6, () => seen.push("second"));
  clock.cancel(first);
  clock.cancel(undefined);
  expect(clock.due).toBe(6);
  clock.advance(10);
  expect(seen).toEqual(["second"]);
});

it("turns microseconds into cycles, rounded up", () => {
  expect(cyclesOf(new ManualClock(16_000_000), 3400)).toBe(54_400);
  expect(cyclesOf(new ManualClock(16_000_000), 0.1)).toBe(2);
});
