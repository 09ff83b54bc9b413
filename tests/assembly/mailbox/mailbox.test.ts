// Mailboxes: names, limits, memory, stdio and what a task that ends takes with it.

import { beforeEach, describe, expect, it } from "vitest";
import { Err, Machine, Service } from "./machine.ts";

const OVERRUN = 4;
const FULL = 2;
const blob = (len: number) => new Uint8Array(len).fill(0x78);

let m: Machine;

describe("a name", () => {
  beforeEach(async () => {
    m = await Machine.start("small");
  });

  it.each([
    ["app:q", "app:q"],
    ["app:q@3", "app:q@3"],
    ["app:q@", "app:q"],
    ["shared:s", "shared:s"],
    ["shared:s@3", "shared:s"],
    ["svc:log", "svc:log@2"],
    ["svc:log@3", "svc:log@3"],
    ["svc:log@0", "svc:log@0"],
    ["svc:", "svc:@2"],
    ["log", "svc:log@2"],
    ["APP:q", "svc:APP:q@2"],
    ["hal:can:rx", "svc:hal:can:rx@2"],
    ["hal:gpio:7", "svc:hal:gpio:7@2"],
    ["pid:", "pid:2"],
    ["pid:007", "pid:7"],
    ["pid:65534", "pid:65534"],
    ["app:naïve", "app:naïve"],
    ["app:0123456789012345678901234567", "app:0123456789012345678901234567"],
    ["app:0123456789012345678901234567X", "app:0123456789012345678901234567"],
    ["app:01234567890123456789012345é78X", "app:01234567890123456789012345é7"],
    ["app:012345678901234567890123456@9", "app:012345678901234567890123456"],
  ])("%s of task 2 stands for %s", (name, whole) => {
    const id = m.bind(2, name);
    expect(id).toBe(1);
    expect(m.name(id)).toBe(whole);
    expect(m.find(2, whole)).toBe(id);
  });

  it.each(["", "pid:x", "pid:1 ", "pid:-1", "pid:65535", "svc:log@x", "app:q@1@2", "shared:s@q"])(
    "is INVALID when it is '%s'",
    (name) => {
      expect(m.bind(2, name)).toBe(Err.INVALID);
      expect(m.open(2, name)).toBe(Err.INVALID);
      expect(m.find(2, name)).toBe(Err.INVALID);
    },
  );

  it("keeps namespaces and owners apart", () => {
    const names = ["app:q", "svc:q", "shared:q", "svc:q@7", "app:q@7", "app:q1"];
    expect(names.map((name) => m.bind(2, name))).toEqual([1, 2, 3, 4, 5, 6]);
    expect(names.map((name) => m.find(7, name))).toEqual([1, 4, 3, 4, 5, 6]);
    expect(m.find(2, "app:")).toBe(Err.NOT_FOUND);
  });

  it("is TOO_LARGE for a buffer that is a byte short", () => {
    expect(m.bind(2, "svc:log@12345")).toBe(1);
    expect(m.name(1, 13)).toBe("svc:log@12345");
    expect(m.name(1, 12)).toBe(Err.TOO_LARGE);
    expect(m.name(2)).toBe(Err.NOT_FOUND);
  });

  it("of a service is found whoever owns it", () => {
    expect([m.bind(1, "hal:can:rx"), m.bind(2, "hal:can:rx"), m.bind(1, "app:hal:can:rx")]).toEqual(
      [1, 2, 3],
    );
    expect(["hal:can:r", "hal:can:rxx", "hal:can:ry"].map((name) => m.bind(1, name))).toEqual([
      4, 5, 6,
    ]);
    expect([m.bind(3, "hal:uart:rx"), m.bind(3, "provision"), m.bind(3, "hal:can:rx")]).toEqual([
      7, 8, 9,
    ]);
    expect(m.services(Service.CAN)).toEqual([1, 2, 9]);
    expect(m.services(Service.UART)).toEqual([7]);
    expect(m.services(Service.PROVISION)).toEqual([8]);
    expect(m.services(Service.GPIO)).toEqual([]);
  });

  it.each([
    ["7", 7],
    ["0", 0],
    ["42", 42],
    ["07", 100],
    ["100", 100],
    ["x", 100],
    ["1x", 100],
  ])("of a pin tells its number: hal:gpio:%s", (digits, pin) => {
    m.bind(1, "hal:gpio:");
    const id = m.bind(1, `hal:gpio:${digits}`);
    expect(m.services(Service.GPIO)).toEqual([id]);
    expect(m.probe.servicePin(id)).toBe(pin);
  });
});

describe("a ring", () => {
  it.each([31, 40, 64, 97])(
    "of %i bytes holds messages across its end at every offset",
    async (capacity) => {
      m = await Machine.start("small");
      m.bind(0, "app:ring", capacity);
      const handle = m.open(0, "app:ring");
      const sent: { len: number; flags: number; channel: number; source: number; data: string }[] =
        [];
      let used = 0;
      for (let n = 0; n < 8 * capacity; n++) {
        const data = "abcdefg".slice(0, 1 + (n % 7));
        while (used + data.length + 8 > capacity) {
          expect(m.send(0, handle, data)).toBe(Err.WOULD_BLOCK);
          expect(sent.map((_, i) => m.inspect(1, i))).toEqual(sent);
          expect(m.receive(0, handle)).toEqual(sent[0]);
          used -= (sent.shift()?.len ?? 0) + 8;
        }
        expect(m.send(0, handle, data, n, 65535 - n)).toBe(data.length);
        sent.push({ len: data.length, flags: n, channel: 65535 - n, source: 0, data });
        used += data.length + 8;
      }
    },
  );

  it.each([1, 8, 9, 10, 255, 256, 257, 4000])(
    "of %i bytes takes what fits and not a byte more",
    async (capacity) => {
      m = await Machine.start("small");
      m.bind(0, "app:ring", capacity);
      const handle = m.open(0, "app:ring");
      if (capacity > 8) {
        const most = Math.min(capacity - 8, 240);
        expect(m.send(0, handle, blob(most))).toBe(most);
        expect(m.peek(0, handle)).toEqual([1, most + 8, most]);
      }
      const { probe } = m;
      for (const len of [Math.max(capacity - 7, 1), 65535, 65536, -8, -1]) {
        const sent = probe.mailboxSend(probe.hostRow(), handle, probe.io(), len, 0, 0, 0);
        expect(sent, `${len} bytes`).toBe(Err.TOO_LARGE);
      }
      expect(probe.mailboxBind(0, probe.io(), 1, 65536, 0)).toBe(Err.TOO_LARGE);
    },
  );

  it("of 65,535 bytes is held by a desktop node, full to the last byte", async () => {
    m = await Machine.start("desktop");
    m.bind(0, "app:ring", 65535);
    const handle = m.open(0, "app:ring");
    const counts = Array.from({ length: 7281 }, () => m.send(0, handle, "x"));
    expect(counts.every((count) => count === 1)).toBe(true);
    expect(m.peek(0, handle)).toEqual([7281, 65529, 1]);
    expect(m.send(0, handle, "x")).toBe(Err.WOULD_BLOCK);
    expect(m.bind(0, "app:ring", 18)).toBe(1);
    expect(m.peek(0, handle)).toEqual([2, 18, 1]);
  });

  it("moves with its messages when it is bound larger while its neighbours come and go", async () => {
    m = await Machine.start("small");
    m.attach(1);
    m.bind(0, "app:first", 200);
    m.bind(1, "pid:1", 300);
    m.bind(0, "app:ring", 30);
    const handle = m.open(0, "app:ring");
    for (const data of ["a", "b", "c"]) m.send(0, handle, data);
    m.receive(0, handle);
    m.send(0, handle, "de");
    m.release(1);
    expect(m.bind(0, "app:ring", 60)).toBe(3);
    expect(m.send(0, handle, "f")).toBe(1);
    const received = [1, 2, 3, 4].map(() => m.receive(0, handle));
    expect(received).toMatchObject([{ data: "b" }, { data: "c" }, { data: "de" }, { data: "f" }]);
    expect(m.name(3)).toBe("app:ring");
  });
});

describe("handles", () => {
  it("start over after 65,535 and pass by those in use", async () => {
    m = await Machine.start("small");
    m.attach(1);
    expect([m.open(1, "app:q"), m.open(1, "app:q")]).toEqual([4, 5]);
    m.close(1, 4);
    m.probe.setLastNumber(0, 65534);
    expect([1, 2, 3].map(() => m.open(1, "app:q"))).toEqual([65535, 4, 6]);
    expect(m.send(1, 0, "x")).toBe(Err.NOT_FOUND);
    expect(m.send(1, 65536, "x")).toBe(Err.NOT_FOUND);
  });

  it("of one task mean nothing to another", async () => {
    m = await Machine.start("small");
    m.attach(1);
    m.attach(2);
    expect(m.open(1, "app:q")).toBe(4);
    expect(m.send(2, 4, "x")).toBe(Err.NOT_FOUND);
    expect(m.probe.handleDescriptor(0, 4)).toBe(1);
    expect(m.probe.handleDescriptor(1, 4)).toBe(Err.NOT_FOUND);
  });
});

describe("stdio", () => {
  beforeEach(async () => {
    m = await Machine.start("small");
    expect(m.attach(1)).toBe(0);
  });

  it("has no mailboxes until somebody uses it", () => {
    expect(m.find(1, "svc:stdio.out")).toBe(Err.NOT_FOUND);
    expect(m.send(1, 2, "out")).toBe(3);
    expect(m.send(1, 3, "error", 2)).toBe(5);
    expect([1, 2].map((id) => m.name(id))).toEqual(["svc:stdio.out@1", "svc:stdio.err@1"]);
    expect([m.probe.modeOf(1), m.probe.capacityOf(1)]).toEqual([3, 64]);
    expect(m.open(0, "svc:stdio.in@1")).toBe(1);
    expect(m.send(0, 1, "typed")).toBe(5);
    expect(m.receive(1, 1)).toMatchObject({ data: "typed", source: 0 });
    expect(m.open(0, "svc:stdio.out@1")).toBe(2);
    expect(m.receive(0, 2)).toMatchObject({ data: "out", source: 1 });
  });

  it("is used by PEEK, TAP, RECV and the descriptor of a handle, too", () => {
    expect(m.peek(1, 1)).toEqual([0, 0, 0]);
    expect(m.tap(1, 2, true)).toBe(0);
    expect(m.receive(1, 3)).toBe(Err.NO_DATA);
    expect([1, 2, 3].map((handle) => m.probe.handleDescriptor(0, handle))).toEqual([1, 2, 3]);
  });

  it("counts as three handles, used or not, until they are closed", () => {
    const opened = Array.from({ length: 6 }, () => m.open(1, "app:q"));
    expect(opened).toEqual([4, 5, 6, 7, 8, Err.FULL]);
    expect([m.close(1, 2), m.close(1, 2)]).toEqual([0, Err.NOT_FOUND]);
    expect(m.send(1, 2, "out")).toBe(Err.NOT_FOUND);
    expect(m.open(1, "app:q")).toBe(9);
    expect(m.send(1, 3, "error")).toBe(5);
    expect(m.open(1, "app:q")).toBe(Err.FULL);
  });

  it("is made at once where the reference's limits are asked for", () => {
    expect(m.attach(2, true)).toBe(0);
    const names = [1, 2, 3, 4, 5].map((id) => m.name(id));
    const stdio = ["svc:stdio.in@2", "svc:stdio.out@2", "svc:stdio.err@2"];
    expect(names).toEqual([...stdio, "pid:2", Err.NOT_FOUND]);
    expect([1, 2, 3, 4].map((id) => m.probe.modeOf(id))).toEqual([3, 3, 3, 3]);
    expect(m.open(2, "app:q")).toBe(4);
  });

  it("that cannot be made leaves no task behind", () => {
    m.probe.configure(3, 8);
    expect(m.attach(2, true)).toBe(Err.FULL);
    m.release(1);
    expect(m.isClean()).toBe(true);
  });

  it("is FULL at its first use when no descriptor is left", () => {
    m.probe.configure(1, 8);
    expect(m.bind(1, "app:only")).toBe(1);
    expect(m.send(1, 2, "out")).toBe(Err.FULL);
    m.probe.configure(2, 8);
    expect(m.send(1, 2, "out")).toBe(3);
  });
});

describe("a mailbox", () => {
  beforeEach(async () => {
    m = await Machine.start("small");
    for (const pid of [1, 2, 3]) m.attach(pid);
  });

  it("outlives its handles while its creator lives", () => {
    const handle = m.open(1, "app:q");
    m.send(1, handle, "kept");
    m.close(1, handle);
    expect(m.receive(2, m.open(2, "app:q"))).toMatchObject({ data: "kept", source: 1 });
    m.close(2, 4);
    expect(m.find(1, "app:q")).toBe(1);
    m.release(1);
    expect(m.find(2, "app:q")).toBe(Err.NOT_FOUND);
  });

  it("outlives its creator while others have handles", () => {
    m.bind(1, "shared:q", 40, 3);
    const [second, third] = [m.open(2, "shared:q"), m.open(3, "shared:q")];
    m.release(1);
    expect(m.send(2, second, "still")).toBe(5);
    m.close(2, second);
    expect(m.receive(3, third)).toMatchObject({ data: "still" });
    m.release(3);
    expect(m.find(2, "shared:q")).toBe(Err.NOT_FOUND);
  });

  it("finds a new creator in whoever asks for it after the first is gone", () => {
    m.bind(1, "app:q", 40);
    m.open(2, "app:q");
    m.release(1);
    m.attach(1);
    expect(m.bind(1, "app:q")).toBe(1);
    m.release(2);
    expect(m.find(1, "app:q")).toBe(1);
    expect(m.probe.capacityOf(1)).toBe(40);
  });

  it("is not kept by the host, which only looks", () => {
    m.bind(1, "app:q");
    const handle = m.open(0, "app:q");
    m.release(1);
    const another = m.open(0, "app:q");
    m.close(0, handle);
    expect(m.find(0, "app:q")).toBe(1);
    m.close(0, another);
    expect(m.find(0, "app:q")).toBe(Err.NOT_FOUND);
  });

  it("the host made goes with its last handle, unless a task takes it over", () => {
    m.close(0, m.open(0, "app:q"));
    expect(m.find(0, "app:q")).toBe(Err.NOT_FOUND);
    const handle = m.open(0, "app:q");
    m.close(1, m.open(1, "app:q"));
    m.close(0, handle);
    expect(m.find(0, "app:q")).toBe(1);
    m.release(1);
    expect(m.find(0, "app:q")).toBe(Err.NOT_FOUND);
  });

  it("goes with its owner, and handles of others become invalid", () => {
    m.bind(1, "pid:1");
    m.bind(2, "svc:log@1");
    const [first, second] = [m.open(2, "pid:1"), m.open(2, "svc:log@1")];
    m.tap(2, second, true);
    m.send(2, first, "x");
    m.release(1);
    expect([m.send(2, first, "x"), m.receive(2, second)]).toEqual([Err.NOT_FOUND, Err.NOT_FOUND]);
    expect(m.close(2, first)).toBe(Err.NOT_FOUND);
    expect(m.serve()).toEqual([]);
    for (const pid of [2, 3]) m.release(pid);
    expect(m.isClean()).toBe(true);
  });

  it("frees what a reader that ends was the last to read", () => {
    m.bind(1, "shared:f", 64, 0x2b);
    const [sender, slow, quick] = [1, 2, 3].map((pid) => m.open(pid, "shared:f"));
    for (const data of ["a", "b", "c", "d", "e", "f", "g"]) m.send(1, sender ?? 0, data);
    expect(m.send(1, sender ?? 0, "h")).toBe(Err.WOULD_BLOCK);
    for (let n = 0; n < 7; n++) m.receive(3, quick ?? 0);
    expect(m.send(1, sender ?? 0, "h")).toBe(Err.WOULD_BLOCK);
    expect(m.receive(2, slow ?? 0)).toMatchObject({ data: "a", flags: 0 });
    expect(m.send(1, sender ?? 0, "h")).toBe(1);
    m.release(2);
    expect(m.peek(3, quick ?? 0)).toEqual([1, 9, 1]);
  });

  it.each([
    ["first", 0],
    ["last", 1],
  ])(
    "keeps what a task that ends had still to read: its lagging handle is the %s",
    (_, lagging) => {
      m.bind(3, "shared:f", 64, 0x0b);
      const handles = [m.open(1, "shared:f"), m.open(1, "shared:f")];
      m.send(3, m.open(3, "shared:f"), "a");
      m.receive(1, handles[1 - lagging] ?? 0);
      m.release(1); // at once: no moment in which one of its handles had read all
      expect(m.peek(2, m.open(2, "shared:f"))).toEqual([1, 9, 0]);
    },
  );

  it("is fresh once for all that happened, and tells it", () => {
    const id = m.bind(1, "shared:f", 18, 0x0b);
    const handle = m.open(2, "shared:f");
    expect(m.serve()).toEqual([]);
    m.post(id, "a");
    expect(m.serve()).toEqual([[id, 0]]);
    m.post(id, "b");
    m.post(id, "c");
    expect(m.serve()).toEqual([[id, OVERRUN]]);
    expect(m.post(id, "")).toBe(0);
    expect(m.serve()).toEqual([]);
    m.bind(1, "shared:f", 0, 0x2b);
    for (const data of ["d", "e", "f"]) m.post(id, data);
    expect(m.serve()).toEqual([[id, FULL]]);
    expect(m.receive(2, handle)).toMatchObject({ data: "d", flags: 0 });
    expect(m.post(id, "too long for it")).toBe(Err.TOO_LARGE);
    expect(m.serve()).toEqual([]);
  });

  it("takes nothing for a descriptor that is none", () => {
    expect(m.post(7, "x")).toBe(Err.TOO_LARGE);
    expect(m.inspect(7, 0)).toBe(Err.NOT_FOUND);
  });
});

describe("a tap", () => {
  beforeEach(async () => {
    m = await Machine.start("small");
    m.attach(1);
  });

  it("of a fan-out counts as a reader that reads nothing", () => {
    m.bind(1, "shared:f", 27, 0x0b);
    const [sender, tap] = [m.open(1, "shared:f"), m.open(1, "shared:f")];
    m.tap(1, tap, true);
    for (const data of ["a", "b"]) m.send(1, sender, data);
    expect(m.receive(1, tap)).toMatchObject({ data: "a" });
    expect(m.receive(1, tap)).toMatchObject({ data: "b" });
    expect(m.peek(1, tap)).toEqual([2, 18, 1]);
    m.tap(1, tap, false);
    expect(m.receive(1, tap)).toMatchObject({ data: "a", flags: 0 });
  });

  it("follows another capacity of its mailbox", () => {
    m.bind(1, "app:t", 18);
    const [main, tap] = [m.open(1, "app:t"), m.open(1, "app:t")];
    m.tap(1, tap, true);
    m.bind(1, "app:t", 45);
    for (const data of ["a", "b", "c", "d", "e"]) m.send(1, main, data);
    expect(m.receive(1, tap)).toMatchObject({ data: "a", flags: 0 });
    m.bind(1, "app:t", 18);
    m.receive(1, main);
    m.send(1, main, "f");
    expect(m.receive(1, tap)).toMatchObject({ data: "e", flags: 8 });
    expect(m.receive(1, tap)).toMatchObject({ data: "f", flags: 0 });
    expect(m.receive(1, tap)).toBe(Err.NO_DATA);
  });

  it("that is turned off forgets what it missed", () => {
    m.bind(1, "app:t", 18);
    const [main, tap] = [m.open(1, "app:t"), m.open(1, "app:t")];
    m.tap(1, tap, true);
    for (const data of ["a", "b", "c"]) {
      m.send(1, main, data);
      m.receive(1, main);
    }
    m.tap(1, tap, false);
    m.tap(1, tap, true);
    m.send(1, main, "d");
    expect(m.receive(1, tap)).toMatchObject({ data: "d", flags: 0 });
  });

  it("keeps what it has when it is turned on twice", () => {
    const [main, tap] = [m.open(1, "app:t"), m.open(1, "app:t")];
    m.tap(1, tap, true);
    m.send(1, main, "a");
    m.tap(1, tap, true);
    expect(m.receive(1, tap)).toMatchObject({ data: "a" });
  });
});

describe("a node without memory", () => {
  beforeEach(async () => {
    m = await Machine.start("small");
    m.attach(1);
  });
  const fill = (left: number) => {
    const size = m.probe.arenaFree() - left - 4;
    expect(m.probe.arenaAllocate(size, m.probe.io() + 200)).toBe(1);
    expect(m.probe.arenaFree()).toBe(left);
  };

  it("makes no mailbox, and nothing of one stays", () => {
    fill(64);
    expect(m.bind(1, "app:q")).toBe(Err.NO_MEMORY);
    expect(m.open(1, "app:q")).toBe(Err.NO_MEMORY);
    expect(m.send(1, 2, "out")).toBe(Err.NO_MEMORY);
    expect(m.find(1, "app:q")).toBe(Err.NOT_FOUND);
    expect(m.bind(1, "app:q", 59)).toBe(1);
  });

  it("leaves a mailbox as it was when it cannot grow, mode and messages included", () => {
    const handle = m.open(1, "app:q");
    m.send(1, handle, "kept");
    fill(64);
    expect(m.bind(1, "app:q", 70, 0x0b)).toBe(Err.NO_MEMORY);
    expect([m.probe.capacityOf(1), m.probe.modeOf(1)]).toEqual([64, 0]);
    expect(m.name(1)).toBe("app:q");
    expect(m.receive(1, handle)).toMatchObject({ data: "kept" });
  });

  it("shrinks a mailbox it cannot move", () => {
    const handle = m.open(1, "app:q");
    for (const data of ["a", "b", "c"]) m.send(1, handle, data);
    fill(0);
    expect(m.bind(1, "app:q", 20)).toBe(1);
    expect([m.probe.capacityOf(1), m.probe.ringSizeOf(1)]).toEqual([20, 64]);
    expect(m.peek(1, handle)).toEqual([2, 18, 1]);
    expect(m.send(1, handle, "d")).toBe(Err.WOULD_BLOCK);
    expect(m.name(1)).toBe("app:q");
  });

  it("refuses a tap, and lets one that cannot grow drop more", () => {
    const [main, tap, other] = [1, 2, 3].map(() => m.open(1, "app:q"));
    expect(m.tap(1, tap ?? 0, true)).toBe(0);
    fill(108);
    expect(m.bind(1, "app:q", 100)).toBe(1);
    expect(m.probe.arenaFree()).toBeLessThan(104);
    expect(m.tap(1, other ?? 0, true)).toBe(Err.NO_MEMORY);
    expect(m.receive(1, other ?? 0)).toBe(Err.NO_DATA);
    for (let n = 0; n < 10; n++) expect(m.send(1, main ?? 0, "x", 0, n)).toBe(1);
    expect(m.receive(1, tap ?? 0)).toMatchObject({ channel: 3, flags: 8 });
  });
});

describe.each([
  ["small", 4, 24, 8],
  ["large", 8, 64, 16],
  ["desktop", 32, 256, 64],
] as const)("the %s profile", (profile, tasks, descriptors, handles) => {
  it("holds all its mailboxes and all its handles at once", async () => {
    m = await Machine.start(profile);
    for (let pid = 1; pid <= tasks; pid++) m.attach(pid);
    for (let n = 0; n < descriptors; n++) expect(m.bind(0, `app:mailbox${n}`)).toBe(n + 1);
    expect(m.bind(0, "app:more")).toBe(Err.FULL);
    for (let pid = 0; pid <= tasks; pid++) {
      for (const handle of [1, 2, 3]) m.close(pid, handle);
      for (let n = 0; n < handles; n++) {
        expect(m.open(pid, `app:mailbox${(pid * 7 + n) % descriptors}`)).toBeGreaterThan(0);
      }
      expect(m.open(pid, "app:mailbox0")).toBe(Err.FULL);
    }
    for (let n = 0; n < descriptors; n++) expect(m.post(n + 1, blob(56))).toBe(56);
    for (let pid = 0; pid <= tasks; pid++) m.release(pid);
    expect(m.isClean()).toBe(true);
  });
});
