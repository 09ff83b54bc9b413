// The simulated boards of the command line: a firmware on its board, with media that outlast power cycles.

import { AvrBoard, newMedia as newAvrMedia } from "../boards/avr/board.ts";
import { Firmware as AvrFirmware } from "../boards/avr/firmware.ts";
import { type FramName, framOf, type SpiFram } from "../boards/devices/spi-fram.ts";
import type { Board } from "../boards/live.ts";
import { type BoardOptions, newMedia as newStm32Media, Stm32Board } from "../boards/stm32/board.ts";
import { Firmware as Stm32Firmware } from "../boards/stm32/firmware.ts";
import { type BoardEvents, BoardMachine } from "../client/board-node.ts";
import type { NvDevice } from "../node/nv.ts";
import { usage } from "./exit.ts";
import type { BoardName, Install } from "./install.ts";

/** Switches a board on, and off before if it was on. The nv file is its FRAM; without one, it has one that starts blank. */
export type PowerSwitch = (hears: BoardEvents, nv: NvDevice | undefined) => BoardMachine;

interface Kept {
  readonly fram: Uint8Array<ArrayBuffer>;
}
interface PowerBoard<M> extends Board {
  readonly fram: SpiFram;
  powerOff(): M;
}

function framFor(nv: NvDevice | undefined): FramName {
  const fram = nv === undefined ? "FM25V10" : framOf(nv.bytes.length);
  if (fram !== undefined) return fram;
  throw usage(`there is no FRAM of ${nv?.bytes.length} bytes`, "write --nv FILE:fram:8192");
}

function powerSwitch<M extends Kept>(
  newMedia: (fram: FramName) => M,
  powerUp: (options: { fram: FramName; media: M }) => PowerBoard<M>,
): PowerSwitch {
  let board: PowerBoard<M> | undefined;
  return (hears, nv) => {
    const fram = framFor(nv);
    const kept = board?.powerOff() ?? newMedia(fram);
    const media = { ...kept, ...(nv && { fram: nv.bytes as Uint8Array<ArrayBuffer> }) };
    board = powerUp({ fram, media });
    board.fram.onWrite = (address) => nv?.tellChange(address, 1);
    return new BoardMachine(board, hears);
  };
}

/** The switch of a board with the firmware that was built for it. */
export function boardOf(name: BoardName, install: Install): PowerSwitch {
  const { elf, core } = install.firmware(name);
  if (name === "avr") {
    const firmware = new AvrFirmware(elf, core);
    return powerSwitch(newAvrMedia, (options) => new AvrBoard(firmware, options));
  }
  const firmware = new Stm32Firmware(elf, core);
  const powerUp = (options: BoardOptions) => new Stm32Board(firmware, { ...options, chip: name });
  return powerSwitch(newStm32Media, powerUp);
}
