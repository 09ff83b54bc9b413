// The firmware on the simulated AVR board with its own drivers, for tests: apps loaded by a debugger, the outside within reach.

import { StoreState } from "../../assembly/spec/cell.ts";
import {
  type AvrBoard,
  type BoardOptions,
  type Media,
  newMedia,
} from "../../host/boards/avr/board.ts";
import type { Firmware } from "../../host/boards/avr/firmware.ts";
import { BoardMachine, startBoardNode } from "../../host/client/board-node.ts";
import type { LocalNode } from "../../host/client/local-node.ts";
import { readFirmware } from "./avr.ts";

/** Vector of INT2, the interrupt of the MCP2515. */
const CAN_VECTOR = 3;
const RETI = 0x9518;

let firmware: Firmware | undefined;

/** The firmware under test, from the folder it was built in. */
export function useFirmware(folder: string): Firmware {
  firmware = readFirmware(folder);
  return firmware;
}

function theFirmware(): Firmware {
  if (firmware === undefined) throw new Error("no firmware was built");
  return firmware;
}

export interface BoardRig {
  readonly machine: BoardMachine;
  readonly board: AvrBoard;
  readonly node: LocalNode;
  /** Time from power-on until the store was mounted. */
  readonly up_us: number;
  /** What was written to the console since power-on. */
  console(): string;
}

/** What a test does to a board before it runs: sockets that are empty, cards that are out. */
type Prepare = (board: AvrBoard) => void;

/** Powers a board up and waits until its node has mounted, formatting a blank store. */
export async function startBoard(
  options: BoardOptions = {},
  prepare: Prepare = () => {},
): Promise<BoardRig> {
  let text = "";
  const onUart = (bytes: Uint8Array) => {
    text += Buffer.from(bytes).toString("latin1");
  };
  const machine = new BoardMachine(
    theFirmware(),
    { media: newMedia("MB85RS64V"), fram: "MB85RS64V", ...options },
    { onUart },
  );
  prepare(machine.board);
  const node = await startBoardNode(machine);
  const up_us = machine.now_us;
  if (node.store().state === StoreState.BLANK) node.formatStore();
  return { machine, board: machine.board, node, up_us, console: () => text };
}

/** Switches a board off; the next one gets what its media hold. */
export function powerOff({ board }: BoardRig): Media {
  board.powerOff();
  return board.media;
}

/** The longest interrupt of the CAN controller in cycles, entry and return included, from now on. */
export function watchCanInterrupt({ board }: BoardRig): () => number {
  const { chip, firmware: program } = board;
  const handler = program.elf.symbols.get(`__vector_${CAN_VECTOR}`);
  if (handler === undefined) throw new Error("the firmware has no handler of INT2");
  let entered = 0;
  let longest = 0;
  chip.onInterrupt = (vector) => {
    if (vector === CAN_VECTOR) entered = chip.clock.now - 4;
  };
  for (let at = handler.value; at < handler.value + handler.size; at += 2) {
    if (program.flash[at >> 1] !== RETI) continue;
    chip.hook(at, () => {
      longest = Math.max(longest, chip.clock.now + 4 - entered);
    });
  }
  return () => longest;
}
