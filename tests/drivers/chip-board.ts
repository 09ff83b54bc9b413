// A board of each chip with an FRAM of 128 KiB and media that a test keeps: its firmware, and what it holds without power.

import { AvrBoard } from "../../host/boards/avr/board.ts";
import { EEPROM_BYTES } from "../../host/boards/avr/eeprom.ts";
import type { Firmware as AvrFirmware } from "../../host/boards/avr/firmware.ts";
import { FRAM_PARTS } from "../../host/boards/devices/spi-fram.ts";
import { Stm32Board } from "../../host/boards/stm32/board.ts";
import type { Firmware as Stm32Firmware } from "../../host/boards/stm32/firmware.ts";

export const CHIPS = ["avr", "stm32f072", "stm32f405"] as const;
export type ChipName = (typeof CHIPS)[number];
/** What was built; that of the chip in question must be there. */
export interface ChipFirmware {
  readonly avr?: AvrFirmware;
  readonly stm32f072?: Stm32Firmware;
  readonly stm32f405?: Stm32Firmware;
}

/** What keeps its bytes without power. */
export type Region = "fram" | "eeprom" | "flash";
/** `flash`: empty means as it is made. */
export type Memory = Readonly<Record<Region, Uint8Array<ArrayBuffer>>>;

const PART = "FM25V10";
export const FRAM_BYTES = FRAM_PARTS[PART].bytes;
/** Where an AVR board keeps its id (docs/boards.md). */
const AVR_UID_AT = 4081;

/** Blank FRAM and flash, and an EEPROM with nothing but the id of an AVR, if there is one. */
export function blankMemory(uid: readonly number[] = []): Memory {
  const eeprom = new Uint8Array(EEPROM_BYTES).fill(0xff);
  eeprom.set(uid, AVR_UID_AT);
  return { fram: new Uint8Array(FRAM_BYTES), eeprom, flash: new Uint8Array(0) };
}

export interface ChipOptions {
  readonly sd?: Uint8Array | undefined;
  /** The UID of an STM32. */
  readonly uid?: Uint8Array;
  /** Changes what SRAM of an AVR holds when power comes. */
  readonly seed?: number;
}

/** A board without power, on media that are its own from here on. */
export function chipBoard(
  chip: ChipName,
  firmware: ChipFirmware,
  { fram, eeprom, flash }: Memory,
  { sd, uid, seed = 1 }: ChipOptions = {},
): AvrBoard | Stm32Board {
  const program = firmware[chip];
  if (program === undefined) throw new Error(`no firmware for ${chip}`);
  if (chip === "avr") {
    const media = { fram, eeprom, sd };
    return new AvrBoard(program as AvrFirmware, { fram: PART, media, seed });
  }
  const media = { fram, flash: flash.length === 0 ? undefined : flash, sd };
  return new Stm32Board(program as Stm32Firmware, { chip, fram: PART, media, ...(uid && { uid }) });
}
