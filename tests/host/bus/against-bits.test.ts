// The event-driven wire against a model that moves every bit through every controller.

import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { ManualClock } from "../../../host/bus/clock.ts";
import { CanPartner } from "../../../host/bus/partner.ts";
import { CanWire, type Stub } from "../../../host/bus/wire.ts";
import type { CanFrame } from "../../../host/formats/can-frame.ts";
import {
  type Attempt,
  type OracleFrame,
  plainBits,
  runScenario,
  type Scenario,
} from "../../oracle/can-bits.ts";

const CYCLES_PER_BIT = 2;

/** Notes what it is told. */
class Witness extends CanPartner {
  constructor(
    wire: CanWire,
    private readonly tell: (
      kind: "sent" | "failed" | "received" | "disturbed",
      what: string,
    ) => void,
  ) {
    super(wire);
  }
  override sent(): void {
    super.sent();
    this.tell("sent", "");
  }
  override failed(why: "bit" | "acknowledge"): void {
    super.failed(why);
    this.tell("failed", ` ${why}`);
  }
  override receive(frame: CanFrame): void {
    super.receive(frame);
    this.tell("received", ` ${plainBits({ ...frame, data: [...frame.data] } as OracleFrame)}`);
  }
  override disturbed(penalty: number): void {
    super.disturbed(penalty);
    this.tell("disturbed", ` ${penalty}`);
  }
}

interface Note {
  readonly start: number;
  readonly bits: number;
  readonly sent: string[];
  readonly failed: string[];
  readonly received: string[];
  readonly disturbed: string[];
}

function runWire(scenario: Scenario): { attempts: Attempt[]; nodes: Witness[] } {
  const clock = new ManualClock(1e9);
  const wire = new CanWire(clock, CYCLES_PER_BIT);
  const notes: Note[] = [];
  wire.onEvent = ({ start, bits }) =>
    notes.push({
      start: start / CYCLES_PER_BIT,
      bits,
      sent: [],
      failed: [],
      received: [],
      disturbed: [],
    });
  const nodes = scenario.nodes.map(({ isActive }, n) => {
    const node = new Witness(wire, (kind, what) => notes.at(-1)?.[kind].push(`${n}${what}`));
    node.isActive = isActive;
    return node;
  });
  let attempt = 0;
  wire.disturbance = {
    errors(_senders, _receivers, bits) {
      const errors = new Map<Stub, number>();
      for (const { attempt: when, node, back } of scenario.errors)
        if (when === attempt) errors.set(nodes[node]?.stub as Stub, bits - 1 - back);
      attempt++;
      return errors;
    },
  };
  for (const { bit, node, frame } of scenario.frames) {
    const send = () => nodes[node]?.send({ ...frame, data: Uint8Array.from(frame.data) });
    if (bit === 0) send();
    else clock.after(bit * CYCLES_PER_BIT, send);
  }
  clock.advance(scenario.bits * CYCLES_PER_BIT);
  const inOrder = (list: string[]) =>
    list.sort((a, b) => Number.parseInt(a, 10) - Number.parseInt(b, 10));
  const attempts = notes.map((note) => ({
    ...note,
    sent: inOrder(note.sent).map(Number),
    failed: inOrder(note.failed),
    received: inOrder(note.received),
    disturbed: inOrder(note.disturbed),
  }));
  return { attempts, nodes };
}

const anyFrame: fc.Arbitrary<OracleFrame> = fc
  .record({
    isExtended: fc.boolean(),
    isRemote: fc.boolean(),
    // few bits, so that frames often have much in common
    id: fc.oneof(fc.constantFrom(0, 0x10, 0x11, 0x7f0), fc.nat(0x7ff)),
    low: fc.constantFrom(0, 1, 0x3ffff),
    data: fc.array(fc.oneof(fc.constantFrom(0, 0xff, 0x55), fc.nat(255)), { maxLength: 8 }),
  })
  .map(({ isExtended, isRemote, id, low, data }) => ({
    isExtended,
    isRemote,
    id: isExtended ? id * 0x40000 + low : id,
    data: isRemote ? data.map(() => 0) : data,
  }));

/** Frames of one identifier and kind differ in nothing else: their senders would destroy each other until they are passive. */
const byIdentifier = (frames: Scenario["frames"]): Scenario["frames"] => {
  const first = new Map<string, OracleFrame>();
  return frames.map((item) => {
    const key = `${item.frame.id} ${item.frame.isExtended} ${item.frame.isRemote}`;
    const frame = first.get(key) ?? item.frame;
    first.set(key, frame);
    return { ...item, frame };
  });
};

const BITS = 3000;
const RUNS = Number(process.env.HSX_RUNS ?? 60);
const nodeCount = 4;

const scenarioOf = (errors: fc.Arbitrary<Scenario["errors"]>): fc.Arbitrary<Scenario> =>
  fc.record({
    nodes: fc
      .constantFrom([true, true, true, true], [true, true, true, false])
      .map((active) => active.map((isActive) => ({ isActive }))),
    frames: fc
      .array(
        fc.record({
          bit: fc.oneof(fc.constantFrom(1, 2, 3), fc.integer({ min: 1, max: 1500 })),
          node: fc.nat(1),
          frame: anyFrame,
        }),
        { minLength: 1, maxLength: 12 },
      )
      .map((frames) => byIdentifier([...frames].sort((a, b) => a.bit - b.bit))),
    errors,
    bits: fc.constant(BITS),
  });

const withoutErrors = scenarioOf(fc.constant([]));
const withErrors = scenarioOf(
  fc.uniqueArray(
    fc.record({
      attempt: fc.nat(8),
      node: fc.nat(nodeCount - 1),
      back: fc.integer({ min: 1, max: 10 }),
    }),
    { maxLength: 8, selector: ({ attempt, node }) => `${attempt} ${node}` },
  ),
);

/** What both saw; an attempt that the end of the run cuts off is left out. */
function compare(scenario: Scenario): void {
  const wire = runWire(scenario);
  const oracle = runScenario(scenario);
  const ended = (list: readonly Attempt[]) => list.filter((a) => a.start + a.bits < BITS - 1);
  expect(ended(wire.attempts)).toEqual(ended(oracle));
}

describe("the event-driven wire", () => {
  it("does what moving every bit through every controller does", () => {
    fc.assert(fc.property(withoutErrors, compare), { numRuns: RUNS });
  });

  it("does so when controllers see errors, too", () => {
    fc.assert(fc.property(withErrors, compare), { numRuns: RUNS });
  });

  it("does so when two send different data under one identifier", () => {
    fc.assert(
      fc.property(anyFrame, fc.array(fc.nat(255), { minLength: 1, maxLength: 8 }), (a, data) => {
        fc.pre(JSON.stringify(a.data) !== JSON.stringify(data));
        const frame = { ...a, isRemote: false };
        const scenario: Scenario = {
          nodes: [true, true, true].map((isActive) => ({ isActive })),
          frames: [
            { bit: 1, node: 0, frame },
            { bit: 1, node: 1, frame: { ...frame, data } },
          ],
          errors: [],
          bits: 400, // error active all the while
        };
        const { attempts } = runWire(scenario);
        const oracle = runScenario(scenario);
        expect(attempts.slice(0, oracle.length)).toEqual(oracle);
        expect(oracle.length).toBeGreaterThan(2);
        expect(oracle[0]?.failed).toEqual(["0 bit", "1 bit"]);
      }),
      { numRuns: 60 },
    );
  });
});
