// The firmware on a simulated STM32 board with its own drivers, for tests: apps loaded by a debugger, the outside within reach.

import { StoreState } from "../../assembly/spec/cell.ts";
import { type BoardOptions, newMedia, type Stm32Board } from "../../host/boards/stm32/board.ts";
import type { Firmware } from "../../host/boards/stm32/firmware.ts";
import { LocalNode } from "../../host/client/local-node.ts";
import { Stm32Machine } from "../../host/client/stm32-node.ts";

export interface BoardRig {
  readonly machine: Stm32Machine;
  readonly board: Stm32Board;
  readonly node: LocalNode;
  /** What was written to the console since power-on. */
  console(): string;
}

/** Powers a board up and waits until its node has mounted, formatting a blank store. `prepare` sees it before it runs. */
export async function startBoard(
  firmware: Firmware,
  options: BoardOptions = {},
  prepare: (board: Stm32Board) => void = () => {},
): Promise<BoardRig> {
  let text = "";
  const media = newMedia("MB85RS64V");
  const onUart = (bytes: Uint8Array) => {
    text += Buffer.from(bytes).toString("latin1");
  };
  const machine = new Stm32Machine(firmware, { media, fram: "MB85RS64V", ...options }, { onUart });
  prepare(machine.board);
  const node = await LocalNode.start(machine.engine(), machine);
  if (node.store().state === StoreState.BLANK) node.formatStore();
  return { machine, board: machine.board, node, console: () => text };
}
