// The firmware of the AVR: the same bytes wherever it is built, and everything in its place.

import { execFileSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { beforeAll, describe, expect, it } from "vitest";
import { AvrBoard } from "../../host/boards/avr/board.ts";
import { flashOf } from "../../host/boards/avr/chip.ts";
import { readElf } from "../../host/formats/elf.ts";
import { buildAvr, type Firmware } from "../../scripts/firmware/avr.ts";
import { fromRoot } from "../../scripts/root.ts";
import { readFirmware } from "../drivers/avr.ts";

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
