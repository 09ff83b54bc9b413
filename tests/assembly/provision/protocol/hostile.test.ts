// Hostile frames: whatever comes, a node neither traps nor hangs, and only a valid load changes what runs.

import { expect, it } from "vitest";
import { Verb } from "../../../../assembly/spec/frame.ts";
import { guestOf } from "../../../drivers/guest.ts";
import { Wire } from "../../../drivers/wire.ts";
import { Random } from "../../../oracle/random.ts";

const FRAMES = 20_000;
const APP = guestOf(`
.value {"group":1,"id":2,"name":"level","init":1}
.cmd {"group":1,"id":9,"name":"twice","handler":"twice"}
loop:
  LDI R0, 100
  SVC 0x600
  JMP loop
twice:
  RET
`).image;

/** Verbs that do what they are told without a load, and would rightly change what runs. */
const MIGHTY: number[] = [
  Verb.TASK,
  Verb.RESET,
  Verb.CONFIG,
  Verb.STORE,
  Verb.PROVISION,
  Verb.ASSIGN,
];
/** Bytes that a field is often compared with. */
const ODD = [0, 1, 2, 7, 0x10, 0x21, 0x7f, 0x80, 0xfe, 0xff];

function hostile(random: Random): { id: number; data: Uint8Array } {
  const id = random.oneIn(3) ? 0x400 + random.below(8) : 0x400 + random.below(0x300);
  const length = random.oneIn(4) ? random.below(9) : 8;
  const data = Uint8Array.from({ length }, () =>
    random.oneIn(2) ? random.pick(ODD) : random.below(256),
  );
  if (id >= 0x408 || length < 2) return { id, data };
  data[0] = random.below(3);
  const verb = random.below(32);
  data[1] = (MIGHTY.includes(verb) ? Verb.BEGIN : verb) | (random.below(8) << 5);
  // offers that fit together, so that loads begin
  if (random.oneIn(2)) data[2] = 0x21;
  if (verb === Verb.BEGIN && length === 8)
    data.set([0x21, random.below(128), random.below(256), random.below(5), 0], 2);
  return { id, data };
}

it.each([1, 2])("changes nothing that runs (seed %d)", async (seed) => {
  const wire = new Wire();
  const { node } = await wire.add("small", 1);
  wire.nameAll();
  const pid = node.load(APP);
  const random = new Random(seed);
  for (let n = 0; n < FRAMES / 2; n++) {
    const { id, data } = hostile(random);
    wire.sendRaw(id, data);
    if (random.oneIn(3)) wire.run(0.3);
    if (random.oneIn(500)) wire.run(40);
    if (n % 256 === 0) wire.take();
  }
  wire.run(20_000); // whatever had begun is given up
  wire.take();
  expect(node.tasks().map((t) => [t.pid, t.name])).toEqual([[pid, "app"]]);
  expect(wire.ask("GET", { oid: 0x102 }, { target: 1 })).toMatchObject([
    { kind: "answer", status: 0 },
  ]);
});
