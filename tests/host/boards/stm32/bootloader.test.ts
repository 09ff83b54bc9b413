// The firmware behind a bootloader: linked at an offset, given the reset cause, handing over on request.

import { execFileSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { beforeAll, expect, it } from "vitest";
import { newMedia, Stm32Board } from "../../../../host/boards/stm32/board.ts";
import type { Firmware } from "../../../../host/boards/stm32/firmware.ts";
import { readElf } from "../../../../host/formats/elf.ts";
import { fromRoot } from "../../../../scripts/root.ts";
import { BOARDS, buildBoard } from "../../../../scripts/stm32-build.ts";
import { readFirmware } from "../../../drivers/stm32.ts";

const OFFSET = 0x1000;
const APP = 0x08000000 + OFFSET;
/** The place of tests/drivers/boot_stub.c that says whether it stays. */
const STAYING = 0x200000f8;

let firmware: Firmware;
let flash: Uint8Array;

beforeAll(() => {
  const folder = "build/stm32-offset";
  buildBoard(BOARDS.stm32f072, { folder, offset: OFFSET });
  firmware = readFirmware(fromRoot(folder));
  const stub = fromRoot(folder, "stub.elf");
  execFileSync("arm-none-eabi-gcc", [
    ...["-mcpu=cortex-m0", "-mthumb", "-std=gnu11", "-Os", "-Wall", "-Wextra", "-Werror"],
    ...[
      "-nostdlib",
      `-DAPP=${APP}`,
      "-Wl,--section-start=.vectors=0x08000000",
      "-Wl,-Ttext=0x08000010",
    ],
    ...["targets/common", "targets/stm32/drivers"].map((path) => `-I${fromRoot(path)}`),
    ...["-Wl,-e,vectors", "-Wl,--build-id=none", fromRoot("tests/drivers/boot_stub.c"), "-o", stub],
  ]);
  flash = new Uint8Array(0x20000).fill(0xff);
  for (const { elf } of [firmware, { elf: readElf(readFileSync(stub)) }])
    for (const { loadAddress, bytes } of elf.segments) flash.set(bytes, loadAddress - 0x08000000);
});

function start(): { board: Stm32Board; console: () => string } {
  const media = { ...newMedia("MB85RS64V"), flash: flash.slice() };
  const board = new Stm32Board(firmware, { media, fram: "MB85RS64V" });
  let text = "";
  board.onConsole = (byte) => {
    text += String.fromCharCode(byte);
  };
  board.run_ms(50);
  return { board, console: () => text };
}

/** Lets the chip call a function that does not return. */
function call(board: Stm32Board, symbol: string, argument: number): void {
  const { registers } = board.chip.core;
  registers[0] = argument;
  registers[15] = firmware.addressOf(symbol) ?? 0;
}

it("leaves the bootloader's flash alone and starts behind it", () => {
  expect(Math.min(...firmware.elf.segments.map((s) => s.loadAddress))).toBe(APP);
  const { board, console } = start();
  expect(console()).toBe("\r\nhsx: started by power\r\n"); // the bootloader has cleared the flags
  board.run_ms(20);
  expect(board.chip.read(firmware.addressOf("ticks") ?? 0, 4)).toBeGreaterThan(15); // its own vectors serve
});

it("hands over on request, and the bootloader stays", () => {
  const { board, console } = start();
  expect(board.chip.read(STAYING, 4)).toBe(0);
  call(board, "node_reset", 1);
  board.run_ms(50);
  expect(board.chip.read(STAYING, 4)).toBe(1);
  expect(console().match(/started/g)?.length).toBe(1);
});

it("a plain restart comes back through the bootloader as one by software", () => {
  const { board, console } = start();
  call(board, "node_reset", 0);
  board.run_ms(50);
  expect(console()).toMatch(/started by software\r\n$/);
});

it("a trap is told behind a bootloader, too", () => {
  const { board, console } = start();
  call(board, "hsx_trap", 2);
  board.run_ms(50);
  expect(console()).toMatch(/started by software, trap 00000002\r\n$/);
});
