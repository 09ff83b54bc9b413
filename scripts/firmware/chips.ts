// The firmware of each chip, built for proofs that run on boards, and read by their workers.

import { readFirmware as readAvr } from "../../tests/drivers/avr.ts";
import { CHIPS, type ChipFirmware, type ChipName } from "../../tests/drivers/chip-board.ts";
import { readFirmware as readStm32 } from "../../tests/drivers/stm32.ts";
import { fromRoot } from "../root.ts";
import { BOARDS, buildBoard } from "../stm32-build.ts";
import { buildAvr } from "./avr.ts";

const AVR_FOLDER = "build/avr";

export async function buildChips(chips: readonly ChipName[] = CHIPS): Promise<void> {
  for (const chip of chips) {
    if (chip === "avr") await buildAvr(fromRoot(AVR_FOLDER));
    else buildBoard(BOARDS[chip]);
  }
}

/** What `buildChips` has built. */
export function readChips(chips: readonly ChipName[] = CHIPS): ChipFirmware {
  const read = (chip: ChipName) =>
    chip === "avr" ? readAvr(fromRoot(AVR_FOLDER)) : readStm32(fromRoot(`build/stm32/${chip}`));
  return Object.fromEntries(chips.map((chip) => [chip, read(chip)]));
}
