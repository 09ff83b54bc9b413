// The node's side of docs/protocol.md: identity, census, values, commands, records. Frames are literals of that page where it has them.
import { crc32 } from "node:zlib";
import { beforeEach, describe, expect, it } from "vitest";
import { Err } from "../../../../assembly/spec/errors.ts";
import { Info, LoadEvent } from "../../../../assembly/spec/frame.ts";
import { EventType, TaskState } from "../../../../assembly/spec/node.ts";
import { frameText } from "../../../../host/formats/candump.ts";
import { f16FromNumber } from "../../../../host/formats/f16.ts";
import type { Frame } from "../../../../host/formats/frame.ts";
import { NvDevice } from "../../../../host/node/nv.ts";
import { guestOf } from "../../../drivers/guest.ts";
import { Spread } from "../../../drivers/spread.ts";
import { hashOf, Wire } from "../../../drivers/wire.ts";

const APP = guestOf(`
.value {"group":1,"id":2,"name":"level","init":1,"min":0,"max":100}
.value {"group":1,"id":3,"name":"fixed","init":5,"flags":"RO"}
.value {"group":1,"id":4,"name":"secret","init":7,"auth":"ADMIN"}
.cmd {"group":1,"id":9,"name":"twice","handler":"twice"}
loop:
  SVC 0x600
  JMP loop
twice:
  ADD R0, R3, R3
  RET
`).image;

let wire: Wire;
beforeEach(async () => {
  wire = new Wire();
  await wire.add("small", 1);
  await wire.add("small", 2);
});
const kinds = (frames: Frame[]) => frames.map((frame) => frame.kind);
const status = (frames: Frame[]) => frames.map((f) => (f.kind === "answer" ? f.status : f.kind));
const hexOf = (frames: Frame[]) =>
  frames.map((f) => (f.kind === "answer" ? Buffer.from(f.result).toString("hex") : f.kind));

describe("identity", () => {
  it("keeps a node without an id silent", () => {
    expect(wire.ask("CENSUS", { salt: 0 })).toEqual([]);
    expect(wire.ask("GET", { oid: 0x102 })).toEqual([]);
    expect(wire.ask("INFO", { kind: 0, index: 0, first: 0, count: 0 })).toEqual([]);
  });

  it("answers WHO by six bits of the hash, level by level", () => {
    const { uid } = wire.nodes[0] ?? {};
    const hash = hashOf(uid ?? new Uint8Array());
    for (let depth = 0; depth < 6; depth++) {
      const known = depth === 0 ? 0 : hash & (0xffffffff << (32 - 6 * depth));
      const heard = wire.ask("WHO", { prefix: known >>> 0, depth, filter: 0 });
      const bits = ((hash << (6 * depth)) >>> 26) & 63;
      expect(heard).toContainEqual({ kind: "identity", bits });
    }
    expect(wire.ask("WHO", { prefix: 0, depth: 6, filter: 0 })).toEqual([]);
  });

  it("takes an id by its hash and speaks under it", () => {
    const first = hashOf(wire.nodes[0]?.uid ?? new Uint8Array());
    const heard = wire.ask("ASSIGN", { hash: first, id: 5, flags: 0 });
    expect(heard).toMatchObject([{ kind: "answer", node: 5, status: 0 }]);
    expect(wire.ask("WHO", { prefix: 0, depth: 0, filter: 5 })).toEqual([
      { kind: "identity", bits: first >>> 26 },
    ]);
    expect(kinds(wire.ask("CENSUS", { salt: 0 }))).toEqual(["hello"]);
    expect(status(wire.ask("ASSIGN", { hash: first, id: 128, flags: 0 }))).toEqual([-Err.RANGE]);
  });

  it("goes quiet when its frames are destroyed, and is freed by ASSIGN", () => {
    wire.nameAll();
    const { machine, uid } = wire.nodes[0] ?? {};
    if (machine === undefined || uid === undefined) throw new Error("no node");
    machine.can.fault = "withdrawn";
    expect(wire.ask("GET", { oid: 1 }, { target: 1 })).toEqual([]);
    machine.can.fault = "none";
    expect(wire.ask("GET", { oid: 1 }, { target: 1 })).toEqual([]);
    expect(wire.ask("WHO", { prefix: 0, depth: 0, filter: 0 })).toEqual([
      { kind: "identity", bits: hashOf(uid) >>> 26 },
    ]);
    expect(status(wire.ask("ASSIGN", { hash: hashOf(uid), id: 3, flags: 0 }))).toEqual([0]);
    expect(status(wire.ask("GET", { oid: 1 }, { target: 3 }))).toEqual([-Err.NOT_FOUND]);
  });
});

describe("HELLO", () => {
  it("tells firmware, apps and state under the node's id", async () => {
    const third = new Wire();
    const { node } = await third.add("small", 1, { firmware: { hash: 0xbeef, board: "bench" } });
    third.nameAll();
    node.load(APP);
    expect(third.ask("CENSUS", { salt: 3 })).toEqual([
      {
        kind: "hello",
        node: 1,
        check: hashOf(Uint8Array.of(1, 2, 3, 4, 5, 6, 0, 1), 3) >>> 26,
        firmware: 0xbeef,
        apps: crc32(APP),
        flags: 0,
        version: 1,
      },
    ]);
  });
});

describe("values and commands", () => {
  beforeEach(() => {
    wire.nameAll();
    wire.nodes[0]?.node.load(APP);
  });

  it("are read and set as the page says", () => {
    wire.take();
    wire.request("SET", { oid: 0x0102, value: 0x4d00 }, { target: 1, sequence: 1 });
    wire.run();
    expect(wire.take().map(frameText)).toEqual(["481#01000201004D0000"]);
    expect(hexOf(wire.ask("GET", { oid: 0x102 }, { target: 1 }))).toEqual(["0201004d0000"]);
  });

  it("refuse what the declaration refuses", () => {
    const set = (oid: number, value: number) =>
      status(wire.ask("SET", { oid, value: f16FromNumber(value) }, { target: 1 }));
    expect(set(0x102, 101)).toEqual([-Err.RANGE]);
    expect(set(0x103, 1)).toEqual([-Err.READ_ONLY]);
    expect(set(0x104, 1)).toEqual([-Err.NO_ACCESS]);
    expect(set(0x999, 1)).toEqual([-Err.NOT_FOUND]);
  });

  it("are open to a master that asked for the level, and to no other", () => {
    expect(hexOf(wire.ask("LEVEL", { level: 3 }, { target: 1, master: 2 }))).toEqual([
      "020000000000",
    ]);
    const set = (master: number) =>
      status(wire.ask("SET", { oid: 0x104, value: 0 }, { target: 1, master }));
    expect(set(2)).toEqual([0]);
    expect(set(1)).toEqual([-Err.NO_ACCESS]);
  });

  it("answer every node when all are asked", () => {
    expect(status(wire.ask("GET", { oid: 0x102 }))).toEqual([0, -Err.NOT_FOUND]);
  });

  it("call a command once, however often the request is repeated", () => {
    const call = { oid: 0x109, argument: 21 };
    const heard = wire.ask("CALL", call, { target: 1, sequence: 3 });
    expect(status(heard)).toEqual([128]);
    expect(hexOf(heard)).toEqual(["09012a000000"]);
    const calls = () =>
      (wire.nodes[0]?.node.events() ?? []).filter((e) => e.type === EventType.COMMAND_CALLED);
    expect(calls()).toHaveLength(1);
    expect(hexOf(wire.ask("CALL", call, { target: 1, sequence: 3 }))).toEqual(["09012a000000"]);
    expect(calls()).toHaveLength(0);
    wire.ask("GET", { oid: 0x102 }, { target: 1, sequence: 4 });
    wire.ask("CALL", call, { target: 1, sequence: 3 });
    expect(calls()).toHaveLength(1);
  });

  it("are published when asked for, at the period asked for, and no longer", () => {
    const pubs = (frames: Frame[]) => frames.filter((f) => f.kind === "pub");
    expect(
      status(wire.ask("PUBLISH", { oid: 0x102, period: 20, on: 1 }, { target: 1, ms: 1 })),
    ).toEqual([0]);
    wire.run(100);
    wire.take();
    for (let n = 1; n <= 50; n++) {
      wire.nodes[0]?.node.setValue(0x102, f16FromNumber(n));
      wire.run(2);
    }
    const heard = pubs(wire.heard());
    expect(heard.length).toBeGreaterThan(3);
    expect(heard.length).toBeLessThanOrEqual(6); // 100 ms / 20 ms
    wire.run(25);
    expect(pubs(wire.heard()).at(-1) ?? heard.at(-1)).toMatchObject({
      oid: 0x102,
      value: f16FromNumber(50),
    });
    wire.ask("PUBLISH", { oid: 0xffff, period: 0, on: 0 }, { target: 1 });
    wire.nodes[0]?.node.setValue(0x102, f16FromNumber(1));
    wire.run(100);
    expect(wire.heard()).toEqual([]);
  });
});

describe("INFO", () => {
  const record = (frames: Frame[]) =>
    Buffer.concat(frames.flatMap((f) => (f.kind === "record" ? [f.bytes] : [])));

  it("sends a record piece by piece", async () => {
    wire.nameAll();
    const pid = wire.nodes[0]?.node.load(APP);
    const heard = wire.ask(
      "INFO",
      { kind: Info.TASK, index: 0, first: 0, count: 0 },
      { target: 1, ms: 5 },
    );
    expect(heard[0]).toMatchObject({ kind: "answer", status: 0 });
    expect(heard.slice(1).map((f) => f.kind === "record" && f.piece)).toEqual(
      Array.from({ length: 23 }, (_, n) => n), // 136 bytes
    );
    const bytes = record(heard);
    expect(bytes[0]).toBe(pid);
    expect(bytes[1]).toBe(TaskState.READY);
    expect(bytes.subarray(105, 105 + (bytes[104] ?? 0)).toString()).toBe("app");
  });

  it("sends single pieces again", () => {
    wire.nameAll();
    const heard = wire.ask(
      "INFO",
      { kind: Info.NODE, index: 0, first: 4, count: 2 },
      { target: 2 },
    );
    expect(heard.slice(1)).toMatchObject([
      { kind: "record", piece: 4, bytes: Uint8Array.of(8, 1, 2, 3, 4, 5) }, // UID, from byte 24
      { kind: "record", piece: 5, bytes: Uint8Array.of(6, 0, 2, 0, 0, 0) },
    ]);
  });

  it("refuses what there is not", () => {
    wire.nameAll();
    const refused = (kind: number, index: number) =>
      status(wire.ask("INFO", { kind, index, first: 0, count: 0 }, { target: 1 }));
    expect(refused(Info.TASK, 0)).toEqual([-Err.NOT_FOUND]);
    expect(refused(99, 0)).toEqual([-Err.INVALID]);
  });
});

describe("a change of the configuration", () => {
  const stored = async () => {
    const bench = new Wire();
    const nv = new NvDevice(new Uint8Array(32768));
    const { node } = await bench.add("small", 1, { nv });
    node.formatStore(60);
    node.settle();
    bench.nameAll();
    bench.ask("LEVEL", { level: 2 }, { target: 1 });
    return { bench, node };
  };
  const part = (first: number, firstWord: number, second = 255, secondWord = 0) => ({
    ...{ first, firstWord, second, secondWord },
  });
  const asked = (bench: Wire, args: ReturnType<typeof part>, master = 0) =>
    status(bench.ask("CONFIG", args, { target: 1, master, ms: 20 }))[0];

  // docs/protocol.md, "Management": role 2 of id 1, 250 kbit/s, a wait of 500 ms
  it("of three words holds when its last part came, and not before", async () => {
    const { bench, node } = await stored();
    expect(asked(bench, part(0x80, 0x0201, 1, 250))).toBe(0);
    expect(node.provision.config()).toMatchObject({ id: 0, bitRate: 0, masterWait_ms: 0 });
    expect(asked(bench, part(0x80, 0x0201, 1, 250))).toBe(0); // its answer was lost
    expect(asked(bench, part(0x0c, 500))).toBe(0);
    const config = { id: 1, role: 2, bitRate: 250, masterWait_ms: 500 };
    expect(node.provision.config()).toMatchObject(config);
    expect(node.provision.config("fallback")).toMatchObject({ id: 0, bitRate: 0 });
  });

  it("is refused when a part is missing, or another master began one", async () => {
    const { bench, node } = await stored();
    expect(asked(bench, part(0x0c, 500))).toBe(-Err.STATE);
    expect(asked(bench, part(0x80, 0x0201))).toBe(0);
    expect(asked(bench, part(0x10 | 4, 500))).toBe(-Err.STATE); // the third without the second
    bench.ask("LEVEL", { level: 2 }, { target: 1, master: 3 });
    expect(asked(bench, part(0x80, 0x0301), 3)).toBe(0);
    expect(asked(bench, part(0x0c, 500))).toBe(-Err.STATE);
    expect(node.provision.config()).toMatchObject({ role: 0, masterWait_ms: 0 });
  });

  it("asks for the level that the present one declares, and so does all that changes the node", async () => {
    const { bench, node } = await stored();
    const tried = (master: number) => {
      const to = { target: 1, master };
      return [
        status(bench.ask("TASK", { what: 4, pid: 9 }, to))[0],
        status(bench.ask("PROVISION", { what: 2, index: 0, a: 0 }, to))[0],
        status(bench.ask("BOOT", { what: 2 }, to))[0],
        status(bench.ask("RESET", { what: 0, key: 0 }, to))[0],
        asked(bench, part(0x0c, 500), master),
      ];
    };
    const open = [-Err.NOT_FOUND, -Err.NO_TRIAL, -Err.STATE, -Err.INVALID, -Err.NO_ACCESS];
    expect(tried(1)).toEqual(open);
    node.provision.setConfig({ changeLevel: 1 });
    const locked = Array(5).fill(-Err.NO_ACCESS);
    expect(tried(1)).toEqual(locked);
    bench.ask("LEVEL", { level: 1 }, { target: 1, master: 1 });
    expect(tried(1)).toEqual(open);
    expect(status(bench.ask("PROVISION", { what: 0, index: 0, a: 0 }, { target: 1 }))).toEqual([0]);
    const hash = hashOf(bench.nodes[0]?.uid ?? new Uint8Array());
    expect(status(bench.ask("ASSIGN", { hash, id: 9, flags: 0 }, { master: 2 }))).toEqual([
      -Err.NO_ACCESS,
    ]);
    expect(status(bench.ask("ASSIGN", { hash, id: 1, flags: 0 }, { master: 2 }))).toEqual([0]);
    expect(status(bench.ask("ASSIGN", { hash, id: 9, flags: 0 }, { master: 1 }))).toEqual([0]);
  });

  it("to FACTORY leaves nobody on the bus who may change the node, a load included", async () => {
    const { bench, node } = await stored();
    node.provision.setConfig({ changeLevel: 3 });
    expect(asked(bench, part(0x0c, 500))).toBe(-Err.NO_ACCESS);
    const spread = new Spread(bench, APP);
    spread.offer();
    const refused = { event: LoadEvent.ERROR, code: -Err.NO_ACCESS };
    expect(spread.outcomes.get(1)).toMatchObject(refused);
  });
});

describe("management", () => {
  beforeEach(() => wire.nameAll());

  it("restarts, stops, starts and kills a task", () => {
    const node = wire.nodes[0]?.node;
    const pid = node?.load(APP) ?? 0;
    const task = (what: number) => status(wire.ask("TASK", { what, pid }, { target: 1 }));
    expect(task(2)).toEqual([0]);
    expect(node?.task(pid)?.state).toBe(TaskState.PAUSED);
    expect(task(3)).toEqual([0]);
    expect(task(1)).toEqual([0]);
    expect(task(4)).toEqual([0]);
    expect(node?.tasks()).toEqual([]);
    expect(task(4)).toEqual([-Err.NOT_FOUND]);
  });

  it("asks for ADMIN before configuration and store are changed", () => {
    expect(status(wire.ask("STORE", { what: 2, a: 0, b: 0 }, { target: 1 }))).toEqual([
      -Err.NO_ACCESS,
    ]);
    const words = { first: 0, firstWord: 7, second: 255, secondWord: 0 };
    expect(status(wire.ask("CONFIG", words, { target: 1 }))).toEqual([-Err.NO_ACCESS]);
  });

  it("answers verbs it does not know", () => {
    wire.take();
    wire.sendRaw(0x400, Uint8Array.of(1, 25, 0, 0, 0, 0, 0, 0));
    wire.run();
    expect(status(wire.heard())).toEqual([-Err.UNSUPPORTED]);
  });
});
