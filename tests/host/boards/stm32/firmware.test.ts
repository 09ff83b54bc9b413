// The firmwares of the F072 and the F405 with their own drivers on the simulated boards: what works, and what they do when
// something does not.

import { beforeAll, describe, expect, it } from "vitest";
import { StoreState } from "../../../../assembly/spec/cell.ts";
import { EventType, ResetCause, TaskState } from "../../../../assembly/spec/node.ts";
import type { SdOptions } from "../../../../host/boards/devices/sd-card.ts";
import {
  type BoardOptions,
  newMedia,
  type Stm32Board,
} from "../../../../host/boards/stm32/board.ts";
import type { Firmware } from "../../../../host/boards/stm32/firmware.ts";
import { fromRoot } from "../../../../scripts/root.ts";
import { BOARDS, buildBoard } from "../../../../scripts/stm32-build.ts";
import {
  cardOf,
  cardReader,
  ENDLESS,
  KEEPER,
  LISTENER,
  OID,
  runProbe,
} from "../../../drivers/board-rig.ts";
import { cutBoots } from "../../../drivers/boot-cuts.ts";
import { cutChip } from "../../../drivers/chip-cuts.ts";
import { guestOf } from "../../../drivers/guest.ts";
import { settleNodes } from "../../../drivers/identity-runs.ts";
import { comparePlantNode } from "../../../drivers/plant-sources.ts";
import { readFirmware } from "../../../drivers/stm32.ts";
import { type BoardRig, startBoard } from "../../../drivers/stm32-board.ts";
import { cardCases } from "../card-cases.ts";

type BoardName = keyof typeof BOARDS;

const firmwares = {} as Record<BoardName, Firmware>;

beforeAll(() => {
  for (const board of Object.values(BOARDS)) {
    const folder = `build/stm32-test/${board.name}`;
    buildBoard(board, { folder });
    firmwares[board.name] = readFirmware(fromRoot(folder));
  }
}, 300_000);

const SIX = 0x4600; // binary16
/** What is not the same on both, by the reference manuals and docs/boards.md. */
const BOARD_FACTS = [
  {
    name: "stm32f072",
    hz: 48e6,
    baud: 115_384.6,
    samplePoint: 14 / 16,
    flashBytes: 0x4000,
    buffer: 0x3a00,
    brownOut: "power", // the F0x2 knows no other (RM0091 6.4.10)
  },
  {
    name: "stm32f405",
    hz: 168e6,
    baud: 115_226.3,
    samplePoint: 12 / 14,
    flashBytes: 0xc000,
    buffer: 0xde00,
    brownOut: "brown-out",
  },
] as const;

/** The node answers and runs apps, and did not have to start over. */
function expectManageable({ node, console }: BoardRig): void {
  expect(runProbe(node)).toMatchObject({ state: TaskState.RETURNED, steps: 1 });
  expect(console().match(/hsx: started/g)?.length).toBe(1);
}
/** Lets the board run on its own. */
function pass({ machine, board }: BoardRig, ms: number): void {
  machine.live.runExactly((ms * board.chip.clock.hz) / 1000);
}
const started = (rig: BoardRig) => {
  return rig.node.events().find(({ type }) => type === EventType.STARTED)?.a;
};

describe.each(BOARD_FACTS)("the firmware of the $name", (facts) => {
  const { name, hz, baud, samplePoint, flashBytes, buffer, brownOut } = facts;
  const said = new RegExp(`started by ${brownOut}\\r\\n$`);
  const start = (options: BoardOptions = {}, prepare?: (board: Stm32Board) => void) =>
    startBoard(firmwares[name], { chip: name, ...options }, prepare);
  /** A board with a card of a megabyte, and the card as its core sees it. */
  async function withCard(sd: SdOptions) {
    const rig = await start({ media: { ...newMedia("MB85RS64V"), sd: cardOf(2048) }, sd });
    return { rig, ...cardReader(rig, buffer) };
  }
  /** The millisecond counter of time.c. */
  function readTicks(board: BoardRig["board"]): number {
    return board.chip.read(firmwares[name].addressOf("ticks") ?? 0, 4);
  }

  describe("an SD card", () => {
    cardCases(withCard, expectManageable);
  });

  describe("on a sound board", () => {
    it("says why it started, mounts its FRAM, runs apps and rests", async () => {
      const rig = await start();
      expect(rig.console()).toBe("\r\nhsx: started by power\r\n");
      expect(rig.node.store()).toMatchObject({ state: StoreState.READY, deviceBytes: 8192 });
      expectManageable(rig);
      expect(rig.board.chip.rcc.hclk).toBe(hz);
    });
    it("runs on HSI where the crystal is missing", async () => {
      const rig = await start({ hasCrystal: false });
      expect(rig.board.chip.rcc.hclk).toBe(hz);
      expectManageable(rig);
    });
    it("keeps time", async () => {
      const rig = await start();
      const { board, node } = rig;
      const before = node.core.exports.hsx_config_get(0); // any call: the node is at rest
      expect(before).toBe(64);
      const [since, ticks] = [board.now_us, readTicks(board)];
      pass(rig, 1000);
      expect(readTicks(board) - ticks).toBeCloseTo((board.now_us - since) / 1000, -0.5);
    });
    it("finds FRAM of every size by its id", async () => {
      for (const fram of ["FM25CL64B", "FM25V10", "FM25V20A", "MB85RS1MT", "MB85RS2MTA"] as const) {
        const { node, board } = await start({ fram, media: newMedia(fram) });
        expect(node.store().deviceBytes).toBe(board.fram.bytes.length);
      }
    });
    it("speaks over the console at 115,200 baud, within 0.2 %", async () => {
      const rig = await start();
      expect(rig.board.chip.usart.baud).toBeCloseTo(baud, 1);
    });
    it("takes and sends CAN frames at 500 kbit/s", async () => {
      const rig = await start();
      const { machine, node, board } = rig;
      expect([board.chip.can.bitRate, board.chip.can.samplePoint]).toEqual([500_000, samplePoint]);
      const pid = node.load(LISTENER);
      node.run(5);
      for (let n = 0; n < 20; n++) machine.receiveFrame({ id: 0x100 + n, data: new Uint8Array(8) });
      node.run(40);
      expect(node.task(pid)?.regs[7]).toBe(20);
      const sender = guestOf(
        'LDI32 R1, 0x321\nLDI32 R2, text\nLDI R3, 3\nSVC 0x200\nRET\n.data\ntext: .ascii "abc"',
        "sender",
      ).image;
      node.load(sender);
      node.run(5);
      const heard = machine.live.partner.heard.map(({ id, data }) => [
        id,
        Buffer.from(data).toString(),
      ]);
      expect(heard).toEqual([[0x321, "abc"]]);
    });
    it("keeps values over a power cut", async () => {
      const first = await start();
      first.node.load(KEEPER);
      first.node.setValue(OID, SIX);
      first.node.run(300);
      const second = await start({ media: first.board.powerOff() });
      second.node.load(KEEPER);
      expect(second.node.getValue(OID)).toBe(SIX);
    });
    it("starts over as the reset pin says", async () => {
      const rig = await start();
      rig.board.pressReset();
      pass(rig, 50);
      expect(rig.console()).toMatch(/started by pin\r\n$/);
    });
  });

  describe("when something fails", () => {
    it.each(["absent", "stuck-00", "stuck-ff"] as const)(
      "FRAM %s: flash holds the store",
      async (fault) => {
        const breakFram = (board: BoardRig["board"]) => {
          board.framSocket.fault = fault;
        };
        const rig = await start({}, breakFram);
        expect(rig.node.store()).toMatchObject({
          state: StoreState.READY,
          deviceBytes: flashBytes,
        });
        const pid = rig.node.load(KEEPER);
        rig.node.setValue(OID, SIX);
        rig.node.saveValue(OID);
        rig.node.run(10);
        rig.node.kill(pid);
        expectManageable(rig);
        const second = await start({ media: rig.board.powerOff() }, breakFram);
        second.node.load(KEEPER);
        expect(second.node.getValue(OID)).toBe(SIX);
      },
    );
    it("FRAM that stops answering: saving fails and is told, the node goes on", async () => {
      const rig = await start();
      rig.node.load(KEEPER);
      rig.node.run(10);
      rig.board.framSocket.fault = "absent";
      rig.node.setValue(OID, SIX);
      rig.node.run(500);
      expect(rig.node.events().some(({ type }) => type === EventType.SAVE_FAILED)).toBe(true);
      expectManageable(rig);
    });
    it("a bus that is shorted: bus-off, then it comes back by itself", async () => {
      const rig = await start();
      const sender = guestOf(
        "LDI32 R1, 0x321\nLDI R2, 0\nLDI R3, 0\nSVC 0x200\nRET",
        "sender",
      ).image;
      rig.board.wire.isShorted = true;
      rig.node.load(sender);
      pass(rig, 3);
      expect(rig.board.chip.can.read(0x18) & 4).toBe(4); // ESR.BOFF
      rig.board.wire.isShorted = false;
      pass(rig, 10);
      expect(rig.machine.live.partner.heard.map(({ id }) => id)).toEqual([0x321]);
      expectManageable(rig);
    });
    it("no other node on the bus: the frame waits, error-passive, and the node lives", async () => {
      const rig = await start();
      rig.machine.live.partner.isActive = false;
      rig.node.load(guestOf("LDI32 R1, 1\nLDI R2, 0\nLDI R3, 0\nSVC 0x200\nRET", "sender").image);
      pass(rig, 100);
      expect(rig.board.chip.can.errors.tec).toBe(128);
      expectManageable(rig);
    });
    it("more bytes than the console can take: some are lost, none stays stuck", async () => {
      const rig = await start();
      rig.board.type(Buffer.from("x".repeat(5000)));
      pass(rig, 600);
      expectManageable(rig);
    });
    it("a task that loops for ever: others run, and the watchdog stays quiet", async () => {
      const rig = await start();
      rig.node.load(ENDLESS);
      pass(rig, name === "stm32f072" ? 2200 : 20); // the watchdog bites after 2 s
      expectManageable(rig);
    });
    it("a firmware that hangs: the watchdog restarts it, and it says so", async () => {
      const rig = await start();
      rig.board.chip.core.hook(firmwares[name].addressOf("watchdog_reload") ?? 0, () => {
        const r = rig.board.chip.core.registers;
        r[15] = (r[14] as number) & ~1; // the reload is skipped
      });
      pass(rig, 2100);
      expect(rig.console()).toMatch(/started by watchdog\r\n$/);
    });
    it("a trap of the core: it restarts and names the trap", async () => {
      const rig = await start();
      const { core } = rig.board.chip;
      core.registers[0] = 1;
      core.registers[15] = firmwares[name].addressOf("hsx_trap") ?? 0;
      pass(rig, 50);
      expect(rig.console()).toMatch(/started by software, trap 00000001\r\n$/);
    });
    it("a brown-out at any cycle: it starts over, says so, is on the bus again, and the store is whole", async () => {
      const rig = await start();
      let state = 12_345;
      let held: number = 0x3c00;
      for (let round = 0; round < 4; round++) {
        rig.node.load(KEEPER);
        expect([held, 0x4000 + round - 1]).toContain(rig.node.getValue(OID));
        held = rig.node.getValue(OID);
        rig.node.setValue(OID, 0x4000 + round);
        rig.node.saveValue(OID);
        state = (Math.imul(state, 1_103_515_245) + 12_345) >>> 0;
        rig.machine.live.runExactly(100 + (state >>> 16)); // somewhere within the saving
        rig.board.brownOut();
        pass(rig, 50);
        expect(rig.console()).toMatch(said);
        rig.machine.advance(0);
        rig.node.settle();
        expect(rig.node.store().state).toBe(StoreState.READY);
      }
      rig.node.load(
        guestOf("LDI32 R1, 0x321\nLDI R2, 0\nLDI R3, 0\nSVC 0x200\nRET", "sender").image,
      );
      rig.node.run(20);
      expect(rig.machine.live.partner.heard.map(({ id }) => id)).toContain(0x321);
    });
    it.each([
      // the debounce of FRAM ends at 100 ms; on flash a cell takes less than one
      ["FRAM", false, 95, 10],
      ["flash", true, 0, 1],
    ] as const)(
      "power cuts at random cycles while %s is written: the value is the old or the new one, and the node starts",
      async (_, isFlash, least_ms, more_ms) => {
        const prepare = ({ framSocket }: BoardRig["board"]) => {
          if (isFlash) framSocket.fault = "absent";
        };
        let media = newMedia("MB85RS64V");
        let state = 12_345;
        let held: number | undefined;
        const seen = new Set<number>();
        for (let cut = 0; cut < 12; cut++) {
          const rig = await start({ media }, prepare);
          rig.node.load(KEEPER);
          const found = rig.node.getValue(OID);
          if (held !== undefined) expect([held, 0x4000 + cut - 1]).toContain(found);
          held = found;
          seen.add(found);
          rig.node.setValue(OID, 0x4000 + cut);
          if (isFlash) rig.node.saveValue(OID);
          state = (Math.imul(state, 1_103_515_245) + 12_345) >>> 0;
          pass(rig, least_ms + ((state >>> 20) / 4096) * more_ms);
          media = rig.board.powerOff();
        }
        expect(seen.size).toBeGreaterThan(2);
      },
    );
    it("a card that takes its time: the FRAM waits, and nothing is mixed up", async () => {
      const { rig, read } = await withCard({ isHighCapacity: true, access_us: 50_000 });
      rig.node.load(KEEPER);
      rig.node.setValue(OID, SIX);
      rig.node.saveValue(OID);
      expect(read(3)).toEqual(["OK", 3, 0]);
      rig.node.run(50);
      expect(rig.node.values()[0]).toMatchObject({ isDirty: false });
      expect(rig.board.spiCollisions).toBe(0);
    });
    it("tells the core why it started", async () => {
      expect(started(await start())).toBe(ResetCause.POWER_ON);
    });
  });
});

describe("F072 boards that share an id", () => {
  it("fall silent at the warning limit and get an id each", { timeout: 300_000 }, async () => {
    const folder = fromRoot("build/stm32-test/stm32f072");
    const run = await settleNodes("stm32f072", 3, 5, folder);
    expect(run.ids).toBe(3);
    expect(run.mostErrors).toBeGreaterThanOrEqual(96);
    expect(run.mostErrors).toBeLessThan(256);
  });
});

// A short version of `npm run proof:chips`.
describe("the power of an F072 cut at any cycle", () => {
  it.each(["stm32f072.fram", "stm32f072.flash"] as const)(
    "leaves what was, or what was to be: %s",
    { timeout: 300_000 },
    async (bed) => {
      const firmware = { stm32f072: firmwares.stm32f072 as Firmware };
      const counts = await cutChip({ bed, seed: 3, cutsOfAnOperation: 5, firmware });
      expect(counts.faults).toEqual([]);
      expect(counts.states).toBeGreaterThan(4);
    },
  );
});

// A short version of `npm run proof:boot -- --rows chips`.
describe("the power of an F072 cut while it comes up", () => {
  it.each(["stm32f072.card", "stm32f072.master"] as const)(
    "leaves a node that comes up as is meant, with values set once: %s",
    { timeout: 300_000 },
    async (bed) => {
      const firmware = { stm32f072: firmwares.stm32f072 as Firmware };
      const counts = await cutBoots({ bed, seed: 3, cutsOfABoot: 8, startUps: 2, firmware });
      expect(counts.faults).toEqual([]);
      expect(counts.states).toBeGreaterThan(4);
    },
  );
});

// A short version of `npm run proof:boot -- --rows plants`.
describe("a node of an example plant", () => {
  it("is the same on both boards, from card, bus and serial line", {
    timeout: 300_000,
  }, async () => {
    const sources = ["sd", "can", "serial"] as const;
    const chips = ["stm32f072", "stm32f405"] as const;
    const found = await comparePlantNode("pumps.south", firmwares, chips, sources);
    expect(found.differences).toEqual([]);
    expect(found.runs).toBe(6);
  });
});
