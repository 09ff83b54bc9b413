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

/** What a board is given: the nv file is its FRAM; without one, it has one that starts blank. */
export interface BoardParts {
  readonly nv?: NvDevice | undefined;
  /** The SD card in its socket. */
  readonly card?: Uint8Array | undefined;
  /** Eight bytes; without, those of the model. */
  readonly uid?: Uint8Array | undefined;
}
/** Switches a board on, and off before if it was on. */
export type PowerSwitch = (hears: BoardEvents, parts: BoardParts) => BoardMachine;

/** Where the AVR board keeps its unique id in its EEPROM. */
const AVR_UID_AT = 4081;

interface Kept {
  readonly fram: Uint8Array<ArrayBuffer>;
  readonly sd: Uint8Array | undefined;
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
  powerUp: (options: { fram: FramName; media: M }, uid: Uint8Array | undefined) => PowerBoard<M>,
): PowerSwitch {
  let board: PowerBoard<M> | undefined;
  return (hears, { nv, card, uid }) => {
    const fram = framFor(nv);
    const kept = board?.powerOff() ?? newMedia(fram);
    const media = { ...kept, sd: card, ...(nv && { fram: nv.bytes as Uint8Array<ArrayBuffer> }) };
    board = powerUp({ fram, media }, uid);
    board.fram.onWrite = (address) => nv?.tellChange(address, 1);
    return new BoardMachine(board, hears);
  };
}

/** The switch of a board with the firmware that was built for it. */
export function boardOf(name: BoardName, install: Install): PowerSwitch {
  const { elf, core } = install.firmware(name);
  if (name === "avr") {
    const firmware = new AvrFirmware(elf, core);
    return powerSwitch(newAvrMedia, (options, uid) => {
      if (uid !== undefined) options.media.eeprom.set(uid, AVR_UID_AT);
      return new AvrBoard(firmware, options);
    });
  }
  const firmware = new Stm32Firmware(elf, core);
  const powerUp = (options: BoardOptions, uid?: Uint8Array) =>
    new Stm32Board(firmware, { ...options, chip: name, ...(uid && { uid }) });
  return powerSwitch(newStm32Media, powerUp);
}
