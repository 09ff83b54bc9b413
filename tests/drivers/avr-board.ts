// The firmware on the simulated AVR board with its own drivers, for tests.

import { AvrBoard, type BoardOptions, newMedia } from "../../host/boards/avr/board.ts";
import type { Firmware } from "../../host/boards/avr/firmware.ts";
import type { CanFrame } from "../../host/formats/can-frame.ts";
import { readFirmware } from "./avr.ts";
import { ENDLESS, LISTENER, type BoardRig as Rig, startRig } from "./board-rig.ts";

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

export type BoardRig = Rig<AvrBoard>;

/** Powers a board up, with an FRAM of 8 KiB unless `options` say otherwise. `prepare` sees it before it runs. */
export async function startBoard(
  options: BoardOptions = {},
  prepare: (board: AvrBoard) => void = () => {},
): Promise<BoardRig> {
  const small = { media: newMedia("MB85RS64V"), fram: "MB85RS64V" } as const;
  const board = new AvrBoard(theFirmware(), { ...small, ...options });
  prepare(board);
  return startRig(board);
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

/** A board on a bus that is never idle: one app takes the frames of `source`, another never yields. `longest`: watchCanInterrupt(). */
export async function startOnFullBus(
  source: (n: number) => CanFrame,
): Promise<{ rig: BoardRig; longest: () => number }> {
  const rig = await startBoard();
  rig.node.load(ENDLESS);
  rig.node.load(LISTENER);
  rig.node.run(10);
  const longest = watchCanInterrupt(rig);
  let n = 0;
  rig.machine.live.partner.source = () => source(n++);
  rig.board.wire.wake();
  return { rig, longest };
}
