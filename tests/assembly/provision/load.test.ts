// Loads are all or nothing: whatever refuses or ends one, the node is as it was before.

import { expect, it } from "vitest";
import { Err } from "../../../assembly/spec/errors.ts";
import { Config, Resource } from "../../../assembly/spec/node.ts";
import type { LoadOptions } from "../../../host/client/local-node.ts";
import { NodeError } from "../../../host/client/refusal.ts";
import { guestOf } from "../../drivers/guest.ts";
import type { ProfileName } from "../../drivers/machine.ts";
import { type NodeRig, startNode } from "../../drivers/node.ts";
import { tracesOf } from "../../drivers/traces.ts";

const PROFILES = ["small", "large", "desktop"] as const;
const image = (source: string, name = "app", options = {}) => guestOf(source, name, options).image;
const LOOP = "loop:\n JMP loop\n";

const FULL_OF_METADATA = image(`
.value [{"group":1,"id":1,"name":"v","init":1},{"group":1,"id":2,"name":"w","persist_key":9}]
.cmd {"group":1,"id":1,"name":"c","handler":"loop","help":""}
.mailbox [{"target":"app:jobs","capacity":60},{"target":"svc:own","capacity":40}]
${LOOP}`);

/** A node with an app that holds ids, a key and a name, and with a mailbox of the host with a message in it. */
async function occupied(profile: ProfileName): Promise<NodeRig> {
  const rig = await startNode(profile);
  const holder = `
.value {"group":7,"id":1,"name":"held","persist_key":77}
.cmd {"group":7,"id":1,"name":"held","handler":"loop","help":""}
.mailbox {"target":"app:held","capacity":40}
${LOOP}`;
  rig.node.load(image(holder, "holder", { singleInstance: true }));
  rig.node.send(rig.node.openMailbox("shared:host"), Buffer.from("message"));
  rig.node.kill(rig.node.load(image(LOOP)));
  rig.node.settle();
  return rig;
}

function codeOf(act: () => unknown): Err {
  try {
    act();
    return Err.OK;
  } catch (error) {
    if (error instanceof NodeError) return error.code;
    throw error;
  }
}

const FREE = `.value {"group":2,"id":1,"name":"free"}\n.cmd {"group":2,"id":1,"name":"free","handler":"loop","help":""}
.mailbox {"target":"app:free","capacity":40}\n`;

/** Images this node must refuse, each for another reason, at the latest moment possible. */
const REFUSED: [string, Err, Uint8Array][] = [
  ["needs what there is not", Err.HXE_CAPS, image(`${FREE}.caps FRAM\n${LOOP}`)],
  ["a name that is taken", Err.APP_EXISTS, image(FREE + LOOP, "holder", { singleInstance: true })],
  [
    "the id of a value",
    Err.ID_TAKEN,
    image(`${FREE}.value {"group":7,"id":1,"name":"x"}\n${LOOP}`),
  ],
  [
    "the id of a command",
    Err.ID_TAKEN,
    image(`${FREE}.cmd {"group":7,"id":1,"name":"x","handler":"loop","help":""}\n${LOOP}`),
  ],
  [
    "a key",
    Err.KEY_TAKEN,
    image(`${FREE}.value {"group":9,"id":1,"name":"x","persist_key":77}\n${LOOP}`),
  ],
];

it.each(PROFILES)("leaves nothing of an image it refuses (%s)", async (profile) => {
  const { node } = await occupied(profile);
  const traces = await tracesOf(profile);
  const before = traces.remember(node);
  for (const [why, code, file] of REFUSED) {
    for (const pieceBytes of [1, 61, 256]) {
      expect([why, codeOf(() => node.load(file, { pieceBytes }))]).toEqual([why, code]);
      node.settle();
      traces.compare(node, before);
    }
  }
});

/** Memory in which steps and registers of the apps that run on are as they were. */
async function idle(profile: ProfileName): Promise<NodeRig> {
  const rig = await startNode(profile);
  rig.node.load(image(`.mailbox {"target":"app:held","capacity":40}\n SVC 0x100\n`, "holder"));
  rig.node.send(rig.node.openMailbox("shared:host"), Buffer.from("message"));
  rig.node.kill(rig.node.load(image(LOOP)));
  rig.node.run(5);
  return rig;
}

it.each(PROFILES)(
  "gives back what a load broken off at any byte had taken (%s)",
  async (profile) => {
    const { node } = await idle(profile);
    const traces = await tracesOf(profile);
    const before = traces.remember(node);
    const { core } = node;
    const x = core.exports;
    for (let stop = 0; stop <= FULL_OF_METADATA.length; stop += profile === "small" ? 1 : 17) {
      expect(x.hsx_load_begin(FULL_OF_METADATA.length, 0, 0, 0, 0)).toBe(Err.OK);
      const bytes = FULL_OF_METADATA.subarray(0, stop);
      for (let at = 0; at < stop; at += 200)
        expect(x.hsx_load_data(core.write(bytes.subarray(at, at + 200)))).toBe(Err.OK);
      expect(x.hsx_load_abort()).toBe(Err.OK);
      node.settle();
      traces.compare(node, before);
    }
  },
);

/** Begins a load, hands over all bytes and makes `polls` polls. */
function begin({ node }: NodeRig, file: Uint8Array, polls: number, replaces = 0): void {
  const { core } = node;
  expect(core.exports.hsx_load_begin(file.length, replaces, 0, 0, 0)).toBe(Err.OK);
  for (let at = 0; at < file.length; at += 200)
    expect(core.exports.hsx_load_data(core.write(file.subarray(at, at + 200)))).toBe(Err.OK);
  for (let n = 0; n < polls; n++) core.exports.hsx_poll(0);
}

it.each(PROFILES)(
  "gives back what a load broken off after any poll had taken (%s)",
  async (profile) => {
    const rig = await idle(profile);
    const traces = await tracesOf(profile);
    const before = traces.remember(rig.node);
    const x = rig.node.core.exports;
    let polls = 0;
    for (; ; polls++) {
      begin(rig, FULL_OF_METADATA, polls);
      if (x.hsx_load_abort() !== Err.OK) break; // the change-over is done, or the app runs
      expect(x.hsx_load_result()).toBe(Err.STATE);
      rig.node.settle();
      traces.compare(rig.node, before);
    }
    expect(polls).toBeGreaterThan(8);
    while (x.hsx_load_result() === Err.BUSY) x.hsx_poll(0);
    rig.node.kill(x.hsx_load_result());
    rig.node.settle();
    traces.compare(rig.node, before);
  },
);

it.each(PROFILES)("goes on when the task it replaces is killed meanwhile (%s)", async (profile) => {
  const rig = await idle(profile);
  const traces = await tracesOf(profile);
  const before = traces.remember(rig.node);
  const { node } = rig;
  const x = node.core.exports;
  for (let polls = 0; polls < 30; polls++) {
    const old = node.load(FULL_OF_METADATA);
    begin(rig, FULL_OF_METADATA, polls, old);
    const killed = x.hsx_task_kill(old);
    expect([Err.OK, Err.NOT_FOUND]).toContain(killed);
    while (x.hsx_load_result() === Err.BUSY) x.hsx_poll(0);
    const pid = x.hsx_load_result();
    expect(pid).toBeGreaterThan(0);
    expect(node.values().map((v) => v.owner)).toEqual([pid, pid]);
    expect(node.mailboxes().map((m) => m.name)).toContain(`svc:own@${pid}`);
    node.run(2);
    node.kill(pid);
    node.settle();
    traces.compare(node, before);
  }
});

it("refuses a second load while one goes on, and bytes nobody waits for", async () => {
  const rig = await idle("small");
  const x = rig.node.core.exports;
  expect(x.hsx_load_data(1)).toBe(Err.STATE);
  expect(x.hsx_load_abort()).toBe(Err.STATE);
  expect(x.hsx_load_begin(1000, 0, 0, 0, 0)).toBe(Err.OK);
  expect(x.hsx_load_begin(1000, 0, 0, 0, 0)).toBe(Err.BUSY);
  expect(x.hsx_task_restart(1)).toBe(Err.BUSY);
  expect(x.hsx_load_result()).toBe(Err.NO_DATA);
  expect(x.hsx_load_abort()).toBe(Err.OK);
  rig.node.restart(1);
});

it("refuses bytes beyond what was announced, and ends the load", async () => {
  const rig = await idle("small");
  const { core } = rig.node;
  const traces = await tracesOf("small");
  const before = traces.remember(rig.node);
  expect(core.exports.hsx_load_begin(FULL_OF_METADATA.length, 0, 0, 0, 0)).toBe(Err.OK);
  core.exports.hsx_load_data(core.write(FULL_OF_METADATA.subarray(0, 200)));
  expect(core.exports.hsx_load_data(256)).toBe(Err.LENGTH);
  expect(core.exports.hsx_load_result()).toBe(Err.LENGTH);
  rig.node.settle();
  traces.compare(rig.node, before);
});

it.each(PROFILES)("keeps one copy of an image two instances run from (%s)", async (profile) => {
  const { node } = await startNode(profile);
  const app = image(LOOP);
  const free = () => node.config(Config.ARENA_FREE);
  const whole = free();
  const first = node.load(app);
  const one = whole - free();
  const second = node.load(app);
  expect(node.slots().map((s) => s.users)).toEqual([2]);
  expect(whole - free()).toBeLessThan(2 * one);
  node.kill(first);
  expect(node.slots().map((s) => s.users)).toEqual([1]);
  node.kill(second);
  expect(node.slots()).toEqual([]);
  expect(free()).toBe(whole);
});

it("tells how much memory an image needs and how much there is", async () => {
  const { node } = await startNode("small");
  const traces = await tracesOf("small");
  const before = traces.remember(node);
  const refusal = (options: LoadOptions, source: string) => {
    try {
      node.load(image(source), options);
      return undefined;
    } catch (error) {
      if (!(error instanceof NodeError)) throw error;
      const { resource, need, have } = error.refusal;
      return { code: error.code, resource, need, have };
    }
  };
  // 10,000 bytes of stack and a header of 4 do not fit what the image leaves of the arena
  const free = node.config(Config.ARENA_FREE);
  const app = image(`.stack 10000\n${LOOP}`);
  const slot = Math.ceil((app.length + 4) / 4) * 4;
  expect(refusal({}, `.stack 10000\n${LOOP}`)).toEqual({
    code: Err.NO_MEMORY,
    resource: Resource.MEMORY,
    need: 10004,
    have: free - slot,
  });
  node.settle();
  traces.compare(node, before);
});

it("gives back everything wherever the memory runs out", async () => {
  const traces = await tracesOf("small");
  const seen = new Set<Err>();
  for (let room = 40; room < 900; room += 4) {
    const { node } = await idle("small");
    const probe = node.load(image(".stack 64\n RET\n", "ballast"));
    const ballast = node.config(Config.ARENA_FREE) - room;
    node.kill(probe);
    node.load(image(`.stack 64\n RET\n.bss\n .zero ${ballast}\n`, "ballast"));
    node.run(1);
    const free = node.config(Config.ARENA_FREE);
    const before = traces.remember(node);
    const code = codeOf(() => node.kill(node.load(FULL_OF_METADATA)));
    seen.add(code);
    node.settle();
    expect([room, node.config(Config.ARENA_FREE)]).toEqual([room, free]);
    traces.compare(node, before);
  }
  expect([...seen]).toEqual([Err.NO_MEMORY, Err.OK]);
});
