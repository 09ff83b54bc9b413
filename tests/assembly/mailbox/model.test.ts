// Random histories of several tasks and the host, on the core and on the plain model.

import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { Machine } from "./machine.ts";
import { Model } from "./model.ts";

const NAMES = [
  ...["app:a", "app:b", "app:a@1", "shared:s", "shared:s@2", "svc:x", "x@2", "svc:x@"],
  ...["pid:", "pid:1", "pid:02", "svc:stdio.out@1", "stdio.in", "hal:can:rx", "svc:", "é"],
  ...["app:0123456789012345678901234567890", "app:0123456789012345678901234567", "", "svc:q@z"],
];
const payload = fc.record({
  len: fc.oneof({ weight: 3, arbitrary: fc.nat(12) }, { weight: 1, arbitrary: fc.nat(60) }),
  flags: fc.nat(0xffff),
  channel: fc.nat(0xffff),
});
const max = fc.constantFrom(0, 4, 256);

interface Range {
  pids: number[]; // 0: the host
  names: string[];
  handles: number[];
  capacities: number[];
  modes: number[];
}

/** Steps of tasks that use these. */
function stepsOf(range: Range) {
  const pid = fc.constantFrom(...range.pids);
  const name = fc.constantFrom(...range.names);
  const handle = fc.constantFrom(...range.handles);
  const capacity = fc.constantFrom(...range.capacities);
  const mode = fc.constantFrom(...range.modes);
  const send = fc.record({ do: fc.constant("send" as const), pid, handle, payload });
  const receive = fc.record({ do: fc.constant("receive" as const), pid, handle, max });
  const rare = fc.oneof(
    fc.record({ do: fc.constant("bind" as const), pid, name, capacity, mode }),
    fc.record({ do: fc.constant("open" as const), pid, name }),
    fc.record({ do: fc.constant("post" as const), id: fc.integer({ min: 1, max: 6 }), payload }),
    fc.record({ do: fc.constant("peek" as const), pid, handle }),
    fc.record({ do: fc.constant("tap" as const), pid, handle, on: fc.boolean() }),
    fc.record({ do: fc.constant("close" as const), pid, handle }),
    fc.record({ do: fc.constant("release" as const), pid }),
    fc.record({ do: fc.constant("serve" as const) }),
  );
  return fc.oneof(
    { weight: 2, arbitrary: send },
    { weight: 2, arbitrary: receive },
    { weight: 5, arbitrary: rare },
  );
}

const wide = stepsOf({
  pids: [0, 1, 2, 3],
  names: [...NAMES, "app:a", "shared:s", "app:a", "shared:s"],
  handles: [0, 1, 2, 3, 4, 5, 6, 7, 8],
  capacities: [0, 0, 1, 9, 16, 20, 33, 64, 100],
  modes: [0, 0, 3, 3, 0x0b, 0x0b, 0x13, 0x23, 0x2b, 0x04],
});
/** Everybody at two mailboxes, most of the time fan-outs. */
const narrow = stepsOf({
  pids: [1, 2],
  names: ["app:a", "shared:s"],
  handles: [4, 5, 6],
  capacities: [0, 0, 0, 30, 40, 64],
  modes: [0, 0, 0x0b, 0x2b, 0x0b, 3],
});
type Step = ReturnType<typeof stepsOf> extends fc.Arbitrary<infer T> ? T : never;

function text(len: number, salt: number): string {
  return Array.from({ length: len }, (_, i) => String.fromCharCode(97 + ((salt + i) % 26))).join(
    "",
  );
}

/** Lets one side take a step and returns all it said. */
function take(side: Machine | Model, s: Step, salt: number): unknown {
  switch (s.do) {
    case "bind":
      return side.bind(s.pid, s.name, s.capacity, s.mode);
    case "open":
      return side.open(s.pid, s.name);
    case "send": {
      const { len, flags, channel } = s.payload;
      return side.send(s.pid, s.handle, text(len, salt), flags, channel);
    }
    case "post": {
      const { len, flags, channel } = s.payload;
      if (side instanceof Model ? !side.mailboxes.has(s.id) : !side.probe.isUsed(s.id))
        return "none";
      return side.post(s.id, text(len, salt), flags, channel, 9);
    }
    case "receive":
      return side.receive(s.pid, s.handle, s.max);
    case "peek":
      return side.peek(s.pid, s.handle);
    case "tap":
      return side.tap(s.pid, s.handle, s.on);
    case "close":
      return side.close(s.pid, s.handle);
    case "release":
      side.release(s.pid);
      if (s.pid !== 0) side.attach(s.pid);
      return "released";
    case "serve":
      return side.serve();
  }
}

/** All a machine holds: names, sizes, modes and messages, by id. */
function mailboxesOf(m: Machine, model: Model): unknown[] {
  return [...model.mailboxes.keys()].map((id) => {
    const count = model.mailboxes.get(id)?.queue.length ?? 0;
    const messages = Array.from({ length: count + 1 }, (_, n) => m.inspect(id, n));
    return [m.name(id), m.probe.capacityOf(id), m.probe.modeOf(id), messages];
  });
}

function mailboxesIn(model: Model): unknown[] {
  return [...model.mailboxes.values()].map((box) => {
    const messages = box.queue.map(({ seq: _, ...message }) => message);
    return [box.key, box.capacity, box.mode, [...messages, -12]];
  });
}

/** Lets both sides take the steps, and the tasks end. */
function compare(m: Machine, model: Model, steps: Step[]): void {
  for (const pid of [1, 2, 3]) {
    m.attach(pid);
    model.attach(pid);
  }
  steps.forEach((s, n) => {
    expect(take(m, s, n), `step ${n}: ${JSON.stringify(s)}`).toEqual(take(model, s, n));
    if (n % 16 === 0) expect(mailboxesOf(m, model)).toEqual(mailboxesIn(model));
  });
  expect(mailboxesOf(m, model)).toEqual(mailboxesIn(model));
  for (const pid of [0, 1, 2, 3]) m.release(pid);
}

describe.each([
  ["small", 24, 8],
  ["large", 5, 6],
  ["desktop", 256, 64],
] as const)(
  "the %s profile with %i descriptors and %i handles",
  (profile, descriptors, handles) => {
    it.each([
      ["many names", wide],
      ["two crowded mailboxes", narrow],
    ])("does with %s what the model does, and leaves nothing behind", async (_name, step) => {
      const m = await Machine.start(profile, { descriptors, handles });
      const free = m.probe.arenaFree();
      fc.assert(
        fc.property(fc.array(step, { minLength: 40, maxLength: 200 }), (steps) => {
          compare(m, new Model(descriptors, handles), steps);
          expect(m.isClean()).toBe(true);
          expect(m.probe.arenaFree()).toBe(free);
        }),
        { numRuns: 60 },
      );
    });
  },
);
