// The firmware on a simulated STM32 board with its own drivers, for tests.

import { type BoardOptions, newMedia, Stm32Board } from "../../host/boards/stm32/board.ts";
import type { Firmware } from "../../host/boards/stm32/firmware.ts";
import { type BoardRig as Rig, startRig } from "./board-rig.ts";

export type BoardRig = Rig<Stm32Board>;

/** Powers a board up, with an FRAM of 8 KiB unless `options` say otherwise. `prepare` sees it before it runs. */
export async function startBoard(
  firmware: Firmware,
  options: BoardOptions = {},
  prepare: (board: Stm32Board) => void = () => {},
): Promise<BoardRig> {
  const small = { media: newMedia("MB85RS64V"), fram: "MB85RS64V" } as const;
  const board = new Stm32Board(firmware, { ...small, ...options });
  prepare(board);
  return startRig(board);
}
