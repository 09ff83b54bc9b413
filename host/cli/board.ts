// The simulated boards of the command line: a firmware on its board, with media that outlast power cycles.

import { newMedia as newAvrMedia } from "../boards/avr/board.ts";
import { Firmware as AvrFirmware } from "../boards/avr/firmware.ts";
import { type FramName, framOf, type SpiFram } from "../boards/devices/spi-fram.ts";
import { newMedia as newStm32Media } from "../boards/stm32/board.ts";
import { Firmware as Stm32Firmware } from "../boards/stm32/firmware.ts";
import { type BoardEvents, BoardMachine, type SimMachine } from "../client/board-node.ts";
import { Stm32Machine } from "../client/stm32-node.ts";
import type { NvDevice } from "../node/nv.ts";
import { usage } from "./exit.ts";
import type { BoardName, Install } from "./install.ts";

/** Switches a board on, and off before if it was on. The nv file is its FRAM; without one, it has one that starts blank. */
export type PowerSwitch = (hears: BoardEvents, nv: NvDevice | undefined) => SimMachine;

interface Kept {
  readonly fram: Uint8Array<ArrayBuffer>;
}
interface Powered<M> extends SimMachine {
  readonly board: { readonly fram: SpiFram; powerOff(): M };
}

function framFor(nv: NvDevice | undefined): FramName {
  const fram = nv === undefined ? "FM25V10" : framOf(nv.bytes.length);
  if (fram !== undefined) return fram;
  throw usage(`there is no FRAM of ${nv?.bytes.length} bytes`, "write --nv FILE:fram:8192");
}

function powerSwitch<M extends Kept>(
  newMedia: (fram: FramName) => M,
  start: (options: { fram: FramName; media: M }, hears: BoardEvents) => Powered<M>,
): PowerSwitch {
  let powered: Powered<M> | undefined;
  return (hears, nv) => {
    const fram = framFor(nv);
    const kept = powered?.board.powerOff() ?? newMedia(fram);
    const media = { ...kept, ...(nv && { fram: nv.bytes as Uint8Array<ArrayBuffer> }) };
    powered = start({ fram, media }, hears);
    powered.board.fram.onWrite = (address) => nv?.tellChange(address, 1);
    return powered;
  };
}

/** The switch of a board with the firmware that was built for it. */
export function boardOf(name: BoardName, install: Install): PowerSwitch {
  const { elf, core } = install.firmware(name);
  if (name === "avr") {
    const firmware = new AvrFirmware(elf, core);
    return powerSwitch(newAvrMedia, (options, hears) => new BoardMachine(firmware, options, hears));
  }
  const firmware = new Stm32Firmware(elf, core);
  return powerSwitch(
    newStm32Media,
    (options, hears) => new Stm32Machine(firmware, { ...options, chip: name }, hears),
  );
}
