// The firmware of the AVR: the same bytes wherever it is built, and everything in its place.

import { execFileSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { beforeAll, describe, expect, it } from "vitest";
import { StoreState } from "../../assembly/spec/cell.ts";
import type { CType } from "../../host/boards/avr/abi.ts";
import { AvrBoard, newMedia } from "../../host/boards/avr/board.ts";
import { flashOf } from "../../host/boards/avr/chip.ts";
import type { SdOptions } from "../../host/boards/devices/sd-card.ts";
import { readElf } from "../../host/formats/elf.ts";
import { buildAvr, type Firmware } from "../../scripts/firmware/avr.ts";
import { fromRoot } from "../../scripts/root.ts";
import { readFirmware } from "../drivers/avr.ts";
import { type BoardRig, startBoard, useFirmware } from "../drivers/avr-board.ts";
import { DIVIDER, KEEPER, OID } from "../drivers/board-rig.ts";
import { guestOf } from "../drivers/guest.ts";

const FILES = ["hsx.elf", "hsx.hex", "hsx.map", "hsx-test.elf"];
/** Limit for two builds, the core's own compilation included. */
const BUILD_MS = 300_000;
let one: Firmware;
let other: Firmware;

beforeAll(async () => {
  one = await buildAvr(fromRoot("build/avr"));
  other = await buildAvr(fromRoot("build/avr-again/elsewhere"));
}, BUILD_MS);

/** Addresses of symbols of a program. */
function symbols(file: string): Map<string, number> {
  const lines = execFileSync("avr-nm", [file], { encoding: "utf8" }).split("\n");
  return new Map(
    lines.map((line) => {
      const [address = "", , name = ""] = line.split(" ");
      return [name, Number.parseInt(address, 16)];
    }),
  );
}

describe("the firmware of the AVR", () => {
  it.each(FILES)("is the same bytes in every folder: %s", (file) => {
    const bytes = readFileSync(join(one.folder, file));
    expect(bytes.length).toBeGreaterThan(1000);
    expect(readFileSync(join(other.folder, file)).equals(bytes)).toBe(true);
  });

  it("keeps tables within the reach of LPM and the boot section free", () => {
    const at = symbols(join(one.folder, "hsx.elf"));
    expect(at.get("__progmem_end")).toBeLessThanOrEqual(0x10000);
    expect(at.get("_etext")).toBeLessThanOrEqual(0x1e000);
  });

  it("has its variables between linear memory and the stack, the boot request last", () => {
    const at = symbols(join(one.folder, "hsx.elf"));
    expect(at.get("__data_start")).toBe(0x803c00);
    expect(at.get("__bss_end")).toBeLessThanOrEqual(0x803dfa);
    expect(at.get("reset_kept")).toBe(0x803dfa); // flags, note, check, then the request at 0x3DFE
  });

  it("takes no more RAM than the plan gives it", () => {
    expect(one.objects.reduce((bytes, { ram }) => bytes + ram, 0)).toBeLessThanOrEqual(512);
    expect(one.stack.bytes).toBeLessThanOrEqual(768);
  });

  it("offers every export of the core to a debugger", () => {
    const at = symbols(join(one.folder, "hsx-test.elf"));
    expect(["hsx_load_begin", "hsx_task_info", "hsx_reg_set"].filter((n) => !at.has(n))).toEqual(
      [],
    );
  });
});

// ---- With a bootloader ----

/** First byte of the boot section with BOOTSZ 00, where the fuse BOOTRST makes every reset begin (data sheet 42719, 27.7.14). */
const BOOT_SECTION = 0x1e000;
const RESET_PIN = 4;
const RESET_SOFTWARE = 3;
const RESET_BROWN_OUT = 1;

/** A board with the stub of a bootloader in its boot section; what the console said. */
function bootBoard() {
  const firmware = readFirmware(one.folder);
  const stub = flashOf(readElf(readFileSync(join(one.folder, "boot-stub.elf"))));
  firmware.flash.set(stub.subarray(BOOT_SECTION >> 1), BOOT_SECTION >> 1);
  const board = new AvrBoard(firmware);
  const begin = () => {
    board.chip.cpu.pc = BOOT_SECTION >> 1;
  };
  board.chip.onReset.push(begin);
  begin();
  let said = "";
  board.onConsole = (byte) => {
    said += String.fromCharCode(byte);
  };
  const cause = () =>
    board.chip.data[(symbols(join(one.folder, "hsx-test.elf")).get("cause") ?? 0) & 0xffff];
  return { board, cause, said: () => said };
}

/** Has the firmware call node_reset(1) from its main loop. */
function askForBootloader(board: AvrBoard): void {
  const at = (symbol: string) => board.firmware.addressOf(symbol) ?? 0;
  board.chip.hook(at("board_turn"), () => {
    board.chip.data[24] = 1; // r24: the argument
    board.chip.cpu.pc = at("node_reset") >> 1;
  });
  board.run_ms(10);
  board.chip.unhook(at("board_turn"));
}

describe("with a bootloader in the boot section", () => {
  it("starts, and is given the reset cause that the bootloader has cleared", () => {
    const { board, cause } = bootBoard();
    board.run_ms(100);
    expect(cause()).toBe(0); // power-on
    board.pressReset();
    board.run_ms(100);
    expect(cause()).toBe(RESET_PIN);
    board.brownOut();
    board.run_ms(100);
    expect(cause()).toBe(RESET_BROWN_OUT);
  });

  it("hands over on request, and runs on when the bootloader lets it", () => {
    const { board, cause, said } = bootBoard();
    board.run_ms(100);
    expect(said()).toBe("");
    askForBootloader(board);
    board.run_ms(100);
    expect(said()).toBe("?"); // the bootloader stays
    board.console.receive(Buffer.from("g"));
    board.run_ms(100);
    expect(said()).toBe("?");
    expect(cause()).toBe(RESET_SOFTWARE);
  });
});

// ---- On the board ----

const SIX = 0x4600; // binary16
/** Milliseconds at 16 MHz in cycles. */
const TURN_MAX = 1.5 * 16_000;
/** Any place in linear memory that nobody uses on an empty node: the end of the arena. */
const BUFFER = 0x3900;
const OK = 0;
const BUSY = -16;
const IO = -2;
const ABSENT = -19;

/** A function of the HAL as the chip has it; each call also gives its cycles. */
function driver({ machine }: BoardRig, symbol: string, params: readonly CType[], result: CType) {
  const call = machine.live.port.function({ symbol, params, result });
  if (call === undefined) throw new Error(`no ${symbol}`);
  const { chip } = machine.board;
  return (...args: number[]) => {
    const from = chip.cpu.cycles;
    return { result: call(...args), cycles: chip.cpu.cycles - from };
  };
}

/** Reads a block as a core would: again while it is BUSY. */
function readBlock(rig: BoardRig, block: number) {
  const read = driver(rig, "sd_read", ["u32", "u16"], "s8");
  let longest = 0;
  for (let calls = 1; ; calls++) {
    const { result, cycles } = read(block, BUFFER);
    longest = Math.max(longest, cycles);
    if (result !== BUSY) return { result, calls, longest };
    rig.machine.advance(1000);
  }
}

function startWithCard(sd: SdOptions = {}) {
  const media = newMedia("MB85RS64V", 4096);
  media.sd?.forEach((_, at, bytes) => {
    bytes[at] = (at >> 9) + at;
  });
  return startBoard({ media, sd });
}

describe("the drivers on the AVR board", () => {
  beforeAll(() => {
    useFirmware(one.folder);
  });

  it.each([
    ["SDHC", { isHighCapacity: true }],
    ["SDSC", { isHighCapacity: false }],
    ["version 1", { isVersion1: true, isHighCapacity: false }],
    ["slow", { isHighCapacity: true, access_us: 50_000, initTries: 40 }],
  ])("read a card in calls of less than 1.5 ms: %s", async (_name, sd) => {
    const rig = await startWithCard(sd);
    expect(driver(rig, "sd_blocks", [], "u32")().result).toBe(4096);
    const { result, longest } = readBlock(rig, 3);
    expect(result).toBe(OK);
    expect(longest).toBeLessThan(TURN_MAX);
    const bytes = rig.board.chip.data.subarray(BUFFER, BUFFER + 512);
    expect([bytes[0], bytes[1], bytes[511]]).toEqual([3, 4, 2]); // 3 + 1536 + n, modulo 256
    expect(readBlock(rig, 4096).result).toBe(IO);
  });

  it("keep the FRAM from a bus that a card holds, and let go when nobody asks on", async () => {
    const rig = await startWithCard({ isHighCapacity: true, access_us: 100_000 });
    const read = driver(rig, "sd_read", ["u32", "u16"], "s8");
    const fram = driver(rig, "nv_read", ["u32", "u16", "u16"], "s8");
    expect(read(0, BUFFER).result).toBe(BUSY);
    expect(fram(0, BUFFER, 8).result).toBe(BUSY);
    rig.machine.advance(300_000); // READ_MS is 250
    expect(fram(0, BUFFER, 8).result).toBe(OK);
    rig.machine.advance(300_000);
    expect(readBlock(rig, 1).result).toBe(OK);
  });

  it("tell that a card was pulled while a block was under way", async () => {
    const rig = await startWithCard({ isHighCapacity: true, access_us: 20_000 });
    const read = driver(rig, "sd_read", ["u32", "u16"], "s8");
    expect(read(0, BUFFER).result).toBe(BUSY);
    rig.board.pullCard();
    expect(read(0, BUFFER).result).toBe(ABSENT);
    rig.machine.advance(10_000);
    expect(rig.node.store().state).toBe(StoreState.READY);
  });

  it("save a value at once when the supply warns", async () => {
    const rig = await startBoard({ fram: "FM25V10", media: newMedia("FM25V10") });
    rig.node.load(KEEPER);
    rig.node.setValue(OID, SIX);
    rig.board.warnOfPowerFail(true);
    rig.machine.advance(10_000); // the debounce is 100 ms
    const again = await startBoard({ fram: "FM25V10", media: rig.board.powerOff() });
    again.node.load(KEEPER);
    expect(again.node.getValue(OID)).toBe(SIX);
  });

  it("keep a turn of the main loop below 1.5 ms, and the stack within its bound", async () => {
    const rig = await startBoard();
    rig.node.load(DIVIDER);
    rig.node.load(KEEPER);
    const { chip, firmware } = rig.board;
    let last = 0;
    let longest = 0;
    chip.hook(firmware.addressOf("board_turn") ?? 0, () => {
      const now = chip.cpu.cycles - chip.sleptCycles;
      if (last > 0) longest = Math.max(longest, now - last);
      last = now;
    });
    rig.machine.advance(100_000);
    expect(longest).toBeGreaterThan(10_000); // the divisions are in it
    expect(longest).toBeLessThan(TURN_MAX);
    const unused = chip.data.subarray(0x3e00, 0x4100).findIndex((byte) => byte !== 0xc5);
    expect(0x300 - unused).toBeGreaterThan(60); // something was used
    expect(0x300 - unused).toBeLessThanOrEqual(one.stack.bytes);
  });

  it("put a pin at its safe level when its app is killed", async () => {
    // GPIO_CONFIGURE 9.2 pin 3 as an output, GPIO_WRITE 9.1 level 1
    const rig = await startBoard();
    const drive = guestOf(
      `LDI R1, 3
       LDI R2, 2
       SVC 0x902
       LDI R1, 3
       LDI R2, 1
       SVC 0x901
       wait:
       LDI R1, 1000
       SVC 0x600
       JMP wait`,
      "driver",
    ).image;
    const pid = rig.node.load(drive);
    rig.node.run(20);
    expect([rig.board.ports.isOutput("PA3"), rig.board.ports.level("PA3")]).toEqual([true, 1]);
    rig.node.kill(pid);
    expect(rig.board.ports.isOutput("PA3")).toBe(false);
  });
});
