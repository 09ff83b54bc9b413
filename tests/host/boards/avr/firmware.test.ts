// The firmware with its own drivers on the simulated board: what works, and what it does when something does not.

import { beforeAll, describe, expect, it } from "vitest";
import { Source } from "../../../../assembly/spec/boot.ts";
import { StoreState } from "../../../../assembly/spec/cell.ts";
import { ManifestSelect } from "../../../../assembly/spec/manifest.ts";
import { TaskState } from "../../../../assembly/spec/node.ts";
import { type AvrBoard, newMedia } from "../../../../host/boards/avr/board.ts";
import type { Firmware } from "../../../../host/boards/avr/firmware.ts";
import { rcOscillator } from "../../../../host/boards/avr/oscillator.ts";
import { Eflg, Reg } from "../../../../host/boards/devices/mcp2515.ts";
import { frameBits } from "../../../../host/bus/frame-bits.ts";
import { Random } from "../../../../host/bus/random.ts";
import type { CanFrame } from "../../../../host/formats/can-frame.ts";
import type { NodeConfig } from "../../../../host/formats/node-words.ts";
import { buildAvr } from "../../../../scripts/firmware/avr.ts";
import { fromRoot } from "../../../../scripts/root.ts";
import {
  type BoardRig,
  startBoard,
  startOnFullBus,
  useFirmware,
} from "../../../drivers/avr-board.ts";
import { cardOf, cardReader, ENDLESS, KEEPER, OID, runProbe } from "../../../drivers/board-rig.ts";
import { type BootFault, cutBoots } from "../../../drivers/boot-cuts.ts";
import { manifestOf, plantApp, plantCard } from "../../../drivers/card-plant.ts";
import { cutChip } from "../../../drivers/chip-cuts.ts";
import { guestOf } from "../../../drivers/guest.ts";
import { settleNodes } from "../../../drivers/identity-runs.ts";
import { comparePlantNode } from "../../../drivers/plant-sources.ts";
import { cardCases } from "../card-cases.ts";

const FOLDER = "build/avr-board";
let firmware: Firmware;
beforeAll(async () => {
  firmware = useFirmware((await buildAvr(fromRoot(FOLDER))).folder);
}, 300_000);

const SIX = 0x4600; // binary16
/** Where the factory writes the id: EEPROM_UID of targets/avr/board/board.h. */
const UID_ADDRESS = 4081;
/** Sends a frame each 5 ms. */
const SENDER = guestOf(
  "LDI32 R1, 0x321\nLDI R2, 0\nLDI R3, 0\nSVC 0x200\nLDI R0, 5\nSVC 0x600\nJMP 0",
  "sender",
).image;

/** Frames of a full bus: eight bytes, and the shortest there are. */
const frameOf = (n: number, bytes: number): CanFrame => ({
  id: 0x123,
  data: new Uint8Array(bytes).fill(n),
});

/** The node answers, runs apps, and the watchdog did not have to help. */
function expectManageable({ node, board }: BoardRig): void {
  expect(runProbe(node)).toMatchObject({ state: TaskState.RETURNED, steps: 1 });
  expect(board.watchdog.bites).toBe(0);
}

describe("on a sound board", () => {
  it("is up within 150 ms, with nothing to complain of", async () => {
    const media = newMedia("MB85RS64V");
    media.eeprom.fill(0x5a, UID_ADDRESS, UID_ADDRESS + 8); // as a factory leaves it
    const rig = await startBoard({ media });
    expect(rig.up_us).toBeLessThan(150_000);
    expect(rig.board.can.peek(Reg.CANSTAT) >> 5).toBe(0);
    expect(rig.board.can.bit_ns).toBe(2000);
    expect(rig.node.store()).toMatchObject({ state: StoreState.READY, deviceBytes: 8192 });
    rig.node.run(100);
    expect(rig.console()).toBe("");
    expectManageable(rig);
  });

  it("draws an id at its first start, while it notes its FRAM, and has it from then on", async () => {
    const idOf = ({ machine, board }: BoardRig) => {
      const buffer = 0x3900; // end of linear memory, free without a large app
      const call = { symbol: "node_uid", params: ["u16"], result: "s8" } as const;
      expect(machine.live.port.function(call)?.(buffer)).toBe(8);
      return Buffer.from(board.memory, buffer, 8).toString("hex");
    };
    const first = await startBoard();
    const id = idOf(first);
    expect(id).not.toBe("ffffffffffffffff");
    const again = await startBoard({ media: first.board.powerOff() });
    expect(idOf(again)).toBe(id);
    const written = [first, again].map(({ board }) => board.eeprom.bytesWritten);
    expect(written).toEqual([17, 0]); // two a byte, and that there is an FRAM
    expect(first.up_us).toBeLessThan(200_000); // once in its life
  });

  it("keeps values in FRAM over a power-off", async () => {
    for (const fram of ["MB85RS64V", "FM25V10"] as const) {
      const rig = await startBoard({ fram, media: undefined as never });
      rig.node.load(KEEPER);
      rig.node.setValue(OID, SIX);
      rig.node.saveValue(OID);
      rig.node.run(20);
      expect(rig.node.values()[0]).toMatchObject({ isDirty: false });
      const again = await startBoard({ fram, media: rig.board.powerOff() });
      again.node.load(KEEPER);
      expect(again.node.getValue(OID)).toBe(SIX);
    }
  });

  it("carries the console both ways", async () => {
    const rig = await startBoard();
    const echo = guestOf(
      `LDI32 R1, name
       LDI R2, 0
       SVC 0x500
       MOV R9, R1
       wait:
       MOV R1, R9
       LDI32 R2, buffer
       LDI R3, 8
       LDI32 R4, 0xFFFF
       LDI R5, 0
       SVC 0x503
       MOV R2, R1
       LDI32 R1, buffer
       SVC 0x101
       JMP wait
       .data
       name: .asciz "hal:uart:rx"
       .bss
       buffer: .zero 8`,
      "echo",
    );
    rig.node.load(echo.image);
    rig.node.run(20);
    rig.machine.typeConsole(Buffer.from("hi!"));
    rig.node.run(50);
    expect(rig.console()).toBe("hi!");
  });

  it("puts the frames of apps on the bus", async () => {
    const rig = await startBoard();
    const app = guestOf(
      `LDI32 R1, 0x321
       LDI32 R2, data
       LDI R3, 3
       SVC 0x200
       LDI R0, 10
       SVC 0x600
       JMP 0
       .data
       data: .byte 1, 2, 3`,
      "sender",
    );
    rig.node.load(app.image);
    rig.node.run(95);
    const { heard } = rig.machine.live.partner;
    expect(heard.length).toBeGreaterThanOrEqual(8);
    expect(heard[0]).toMatchObject({ id: 0x321, data: Uint8Array.of(1, 2, 3) });
  });

  it.each([8, 0])("loses no frame of %i bytes on a full bus while apps run", async (bytes) => {
    const { rig, longest } = await startOnFullBus((n) => frameOf(n, bytes));
    const { partner } = rig.machine.live;
    const before = rig.board.wire.frames;
    rig.node.run(200);
    const frames = rig.board.wire.frames - before;
    // 200 ms of bits at 500 kbit/s, with three bits between frames
    expect(frames).toBeGreaterThan((100_000 / (frameBits(frameOf(1, bytes)) + 3)) * 0.9);
    expect(rig.board.can.overruns).toBe(0);
    expect(rig.board.canPort.lost).toBe(0);
    expect(longest()).toBeGreaterThan(300); // each frame is taken, not only looked at
    expect(longest()).toBeLessThanOrEqual(650);
    expect(rig.node.task(2)?.regs[7]).toBeGreaterThan(20);
    partner.source = undefined;
    expectManageable(rig);
  });

  it("gives an endless task no way to stop the others", async () => {
    const rig = await startBoard();
    rig.node.load(ENDLESS);
    rig.node.run(700); // longer than the watchdog's 500 ms
    expectManageable(rig);
  });
});

describe("without FRAM", () => {
  it.each(["absent", "stuck-00", "stuck-ff"] as const)(
    "%s, on a board that never had one: the EEPROM keeps values",
    async (fault) => {
      const prepare = ({ framSocket }: BoardRig["board"]) => {
        framSocket.fault = fault;
      };
      const rig = await startBoard({}, prepare);
      expect(rig.node.store().state).toBe(StoreState.READY);
      rig.node.load(KEEPER);
      rig.node.setValue(OID, SIX);
      rig.node.saveValue(OID);
      rig.node.run(200);
      const again = await startBoard({ media: rig.board.powerOff() }, prepare);
      again.node.load(KEEPER);
      expect(again.node.getValue(OID)).toBe(SIX);
      expectManageable(again);
    },
  );

  it.each(["absent", "stuck-00", "stuck-ff"] as const)(
    "%s, where one was: it says so and runs on",
    async (fault) => {
      const first = await startBoard();
      const rig = await startBoard({ media: first.board.powerOff() }, ({ framSocket }) => {
        framSocket.fault = fault;
      });
      rig.node.run(50);
      expect(rig.console()).toBe("hsx: no FRAM\r\n");
      expectManageable(rig);
    },
  );

  it("that goes while the node runs, values are still served", async () => {
    const rig = await startBoard();
    rig.node.load(KEEPER);
    rig.board.framSocket.fault = "absent";
    rig.node.setValue(OID, SIX);
    rig.node.run(300);
    expect(rig.node.getValue(OID)).toBe(SIX);
    expectManageable(rig);
  });
});

describe("without CAN", () => {
  it.each(["absent", "stuck-00", "stuck-ff"] as const)(
    "%s: it says so and runs on",
    async (fault) => {
      const rig = await startBoard({}, ({ canSocket }) => {
        canSocket.fault = fault;
      });
      rig.node.run(50);
      expect(rig.console()).toBe("hsx: no CAN\r\n");
      expectManageable(rig);
    },
  );

  it("off the bus, it comes back by itself when the short is gone", async () => {
    const rig = await startBoard();
    rig.node.load(SENDER);
    rig.board.wire.isShorted = true;
    rig.node.run(30);
    expect(rig.board.can.busOffs).toBeGreaterThan(0); // it comes back of itself, and goes off again
    rig.board.wire.isShorted = false;
    rig.node.run(500);
    expect(rig.board.can.peek(Reg.EFLG) & Eflg.TXBO).toBe(0);
    expect(rig.machine.live.partner.heard.length).toBeGreaterThan(10);
    expectManageable(rig);
  });
});

describe("more console input than it takes", () => {
  it("is lost in part, and the node goes on", async () => {
    const rig = await startBoard();
    rig.node.load(ENDLESS);
    rig.machine.typeConsole(new Uint8Array(2000).fill(0x55));
    rig.node.run(600);
    expect(rig.board.console.pending).toBe(0);
    expectManageable(rig);
  });
});

describe("the SD card", () => {
  /** The end of linear memory, free without an app. */
  const BUFFER = 0x3a00;
  cardCases(async (sd) => {
    const rig = await startBoard({ media: { ...newMedia("MB85RS64V"), sd: cardOf(2048) }, sd });
    return { rig, ...cardReader(rig, BUFFER) };
  }, expectManageable);

  it("out, or pulled while the node starts: the node runs on", async () => {
    const media = { ...newMedia("MB85RS64V"), sd: new Uint8Array(512 * 2048) };
    const without = await startBoard({ media }, (board) => board.pullCard());
    expect(without.board.sd.commands).toEqual([]);
    expectManageable(without);
    const pulled = await startBoard({ media }, (board) => {
      board.chip.clock.after(160_000, () => board.pullCard());
    });
    expectManageable(pulled);
  });
});

describe("a card with two apps", () => {
  const LOOP = "loop:\n LDI R0, 1000\n SVC 0x600\n JMP loop\n";
  const FIRST = guestOf(LOOP, "first").image;
  const SECOND = guestOf(`LDI R4, 2\n${LOOP}`, "second").image;
  const CONFIG: NodeConfig = {
    ...{ id: 9, role: 0, bitRate: 0, baseId: 0, changeLevel: 0 },
    ...{ sources: [Source.SD], masterWait_ms: 0, cardWait_ms: 1 },
  };

  it("is asked for each of them, however short the wait for its first answer is", async () => {
    const apps = [plantApp(FIRST, "A.HXE"), plantApp(SECOND, "B.HXE")];
    const select = { kind: ManifestSelect.UID, uid: new Uint8Array(8).fill(0x5a) } as const;
    const files = { "A.HXE": FIRST, "B.HXE": SECOND };
    const card = plantCard(manifestOf(apps, { config: CONFIG, select }), files);
    const media = { ...newMedia("MB85RS64V"), sd: Uint8Array.from(card) };
    media.eeprom.fill(0x5a, UID_ADDRESS, UID_ADDRESS + 8);
    (await startBoard({ media })).board.powerOff(); // formats the store
    const { machine, node } = await startBoard({ media });
    machine.advance(500_000);
    expect(node.tasks().map(({ name }) => name)).toEqual(["first", "second"]);
  });
});

describe("a reset", () => {
  /** What a node says when it has started over. */
  function saidAfter(rig: BoardRig, ms: number): string {
    const before = rig.console().length;
    rig.machine.advance(ms * 1000);
    return rig.console().slice(before);
  }

  it("by the watchdog, when the main loop hangs: it starts over and says so", async () => {
    const rig = await startBoard();
    const { chip } = rig.board;
    // a main loop that has lost its way: it stays where board_turn is called
    const turn = rig.board.firmware.addressOf("board_turn") as number;
    let hangs = true;
    chip.hook(turn, () => {
      if (hangs) chip.cpu.pc = 0xfffe; // erased flash behind which RJMP stands
    });
    chip.cpu.progMem[0xfffe] = 0xcfff;
    chip.onReset.push(() => {
      hangs = false;
    });
    expect(saidAfter(rig, 900)).toBe("hsx: watchdog\r\n");
    chip.cpu.progMem[0xfffe] = 0xffff;
    chip.unhook(turn);
    expect(rig.board.watchdog.bites).toBe(1);
    rig.node.settle();
    expect(rig.node.store().state).toBe(StoreState.READY);
  });

  it("by a brown-out at any cycle leaves the store whole, and is told", async () => {
    const first = await startBoard();
    let media = first.board.powerOff();
    let state = 12345;
    for (let round = 0; round < 4; round++) {
      const rig = await startBoard({ media });
      rig.node.load(KEEPER);
      rig.node.setValue(OID, 0x4000 + round);
      rig.node.saveValue(OID);
      state = (Math.imul(state, 0x41c64e6d) + 12345) >>> 0;
      rig.machine.live.runExactly(1000 + (state % 400_000)); // somewhere within the saving
      rig.board.brownOut(round + 1);
      expect(saidAfter(rig, 200)).toBe("hsx: brown-out\r\n");
      rig.node.settle();
      expect(rig.node.store().state).toBe(StoreState.READY);
      rig.node.load(KEEPER);
      expect([0x4000 + round, 0x4000 + round - 1, 0x3c00]).toContain(rig.node.getValue(OID));
      expectManageable(rig);
      rig.node.load(SENDER);
      rig.node.run(20);
      expect(rig.machine.live.partner.heard.at(-1)?.id).toBe(0x321); // it is on the bus again
      media = rig.board.powerOff();
    }
  });
});

describe("a board without a factory id", () => {
  /** EEPROM_UID of targets/avr/board/board.h. */
  const UID_AT = 4081;
  const uidOf = (board: AvrBoard) =>
    Buffer.from(board.media.eeprom.subarray(UID_AT, UID_AT + 8)).toString("hex");
  const start = (seed: number) =>
    startBoard({ media: newMedia("MB85RS64V"), oscillator: rcOscillator(new Random(seed)) });

  it("draws one from its oscillator at its first start, unlike that of its twin, and keeps it", async () => {
    const one = (await start(1)).board;
    const other = (await start(2)).board;
    expect(uidOf(one)).not.toBe("ffffffffffffffff");
    expect(uidOf(other)).not.toBe(uidOf(one));
    const drawn = uidOf(one);
    const again = await startBoard({
      media: one.powerOff(),
      oscillator: rcOscillator(new Random(3)),
    });
    expect(uidOf(again.board)).toBe(drawn);
  });
});

// A short version of `npm run bench:can -- --rows identity`: 96 is the warning limit, 256 bus-off.
describe("boards that share an id", () => {
  it("fall silent at the warning limit and get an id each", { timeout: 300_000 }, async () => {
    const run = await settleNodes("avr", 4, 5, fromRoot(FOLDER));
    expect(run.ids).toBe(4);
    expect(run.mostErrors).toBeGreaterThanOrEqual(96);
    expect(run.mostErrors).toBeLessThan(256);
  });
  it("or have none, get one each without an error", { timeout: 300_000 }, async () => {
    const run = await settleNodes("avr", 4, 0, fromRoot(FOLDER));
    expect(run).toMatchObject({ ids: 4, mostErrors: 0, before: 0 });
  });
});

// A short version of `npm run proof:chips`.
describe("the power cut at any cycle", () => {
  it.each([
    ["avr.fram", 5],
    ["avr.eeprom", 2],
  ] as const)("leaves what was, or what was to be: %s", { timeout: 300_000 }, async (bed, cuts) => {
    const plan = { bed, seed: 3, cutsOfAnOperation: cuts, firmware: { avr: firmware } };
    const counts = await cutChip(plan);
    expect(counts.faults).toEqual([]);
    expect(counts.states).toBeGreaterThan(4);
  });

  it("is found to do harm on a medium that writes out of order", { timeout: 300_000 }, async () => {
    const plan = { bed: "avr.fram", seed: 3, cutsOfAnOperation: 6, isLying: true } as const;
    const counts = await cutChip({ ...plan, firmware: { avr: firmware } });
    expect(counts.faults.length).toBeGreaterThan(0);
  });
});

// A short version of `npm run proof:boot -- --rows chips`.
describe("the power cut while the board comes up", () => {
  const cut = (bed: "avr.card" | "avr.master", fault?: BootFault) =>
    cutBoots({
      // the second manifest of a master says nothing but values
      ...{ bed, seed: 3, cutsOfABoot: 12, startUps: fault === undefined ? 2 : 1 },
      firmware: { avr: firmware },
      ...(fault && { fault }),
    });

  it.each(["avr.card", "avr.master"] as const)(
    "leaves a node that comes up as is meant, with values set once: %s",
    { timeout: 300_000 },
    async (bed) => {
      const counts = await cut(bed);
      expect(counts.faults).toEqual([]);
      expect(counts.states).toBeGreaterThan(4);
    },
  );

  it.each([
    ["avr.card", "again"],
    ["avr.master", "early"],
  ] as const)("is found to do harm: %s, %s", { timeout: 300_000 }, async (bed, fault) => {
    expect((await cut(bed, fault)).faults.length).toBeGreaterThan(0);
  });
});

// A short version of `npm run proof:boot -- --rows plants`.
describe("a node of an example plant", () => {
  it("is the same from host, card, bus, serial line and its slots", {
    timeout: 300_000,
  }, async () => {
    const found = await comparePlantNode("single.heater", { avr: firmware }, ["avr"]);
    expect(found.differences).toEqual([]);
    expect(found.runs).toBe(5);
    expect(found.items).toBeGreaterThan(40);
  });
  it("is told from one whose values differ by a bit", { timeout: 300_000 }, async () => {
    const found = await comparePlantNode(
      "pumps.north",
      { avr: firmware },
      ["avr"],
      ["host", "host"],
      true,
    );
    // speed, 900: docs/manifest.md; persist key 1025 of pump.mvasm
    expect(found.differences).toContainEqual(
      expect.stringContaining("VALUE 1025 is 25353, not 25352"),
    );
  });
});
