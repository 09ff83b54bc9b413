// The core on an AVR as an engine of a node: the binary runs on the chip, its HAL is the machine of the node in Node.

import { Chip, Reset, SRAM_BASE, SRAM_END } from "./chip.ts";
import { ChipFailure, DebugPort, type Served } from "./debug-port.ts";
import type { Firmware } from "./firmware.ts";

/** Cycles from reset to main: a start-up that takes longer does not come. */
const START_MAX = 1_000_000;

/** What SRAM holds when the power comes on: nothing anybody should rely on. */
function scramble(sram: Uint8Array): void {
  let state = 0x2545f491;
  for (let n = 0; n < sram.length; n++) {
    state = (Math.imul(state, 0x41c64e6d) + 12345) | 0;
    sram[n] = state >>> 16;
  }
}

/** Powers a chip up and runs its start-up code as far as main. */
function startChip(firmware: Firmware): Chip {
  const chip = new Chip(firmware.flash);
  scramble(chip.data.subarray(SRAM_BASE, SRAM_END));
  const main = firmware.addressOf("main");
  if (main === undefined) throw new ChipFailure("the firmware has no main");
  chip.hook(main, () => chip.stop());
  chip.reset(Reset.POWER_ON);
  if (chip.run(START_MAX) !== "hook") throw new ChipFailure("the firmware does not reach main");
  chip.unhook(main);
  return chip;
}

/** The exports of the core, and its memory, on a chip of their own. */
export function instantiateOnChip(
  firmware: Firmware,
  imports: Readonly<Record<string, (...args: never[]) => unknown>>,
): {
  memory: { buffer: ArrayBuffer };
  exports: Record<string, (...args: number[]) => number>;
  chip: Chip;
} {
  const chip = startChip(firmware);
  const port = new DebugPort(chip, firmware);
  for (const prototype of firmware.imports) {
    const served = imports[prototype.symbol];
    if (served !== undefined) port.serve(prototype, served as unknown as Served);
  }
  port.serve({ symbol: "hsx_trap", params: ["u8"] }, (code) => {
    throw new ChipFailure(`the core trapped: ${code}`);
  });
  port.function({ symbol: "hsx_core_reset", params: [] })?.();
  const exports = firmware.exports.map((prototype) => {
    const absent = () => {
      throw new ChipFailure(`the firmware has no ${prototype.symbol}`);
    };
    return [prototype.symbol, port.function(prototype) ?? absent];
  });
  return {
    memory: { buffer: chip.data.buffer as ArrayBuffer },
    exports: Object.fromEntries(exports),
    chip,
  };
}
