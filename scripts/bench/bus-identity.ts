// Forty AVR boards whose media are equal byte for byte: the ids they draw, and how they come to one each.

import { AvrBoard, newMedia } from "../../host/boards/avr/board.ts";
import { Firmware } from "../../host/boards/avr/firmware.ts";
import { rcOscillator } from "../../host/boards/avr/oscillator.ts";
import { Random } from "../../host/bus/random.ts";
import { SOURCES } from "../../tests/drivers/bus-bench.ts";
import { settleNodes } from "../../tests/drivers/identity-runs.ts";
import type { Figure } from "../figures.ts";

const NODES = 40;
/** Where the EEPROM has the unique id, and how long (targets/avr/board/board.h). */
const UID_AT = 4081;
const UID_BYTES = 8;
/** The id is drawn by then. */
const DRAWN_MS = 90;
/** Spreads of the oscillator from one write to the next: none, a quarter of what is assumed, and that. */
const JITTERS = [0, 0.00005, 0.0002];
const SHARED_ID = 5;

/** How many different ids boards draw that differ in nothing but their oscillators. */
function draw(firmware: Firmware, jitter: number): number {
  const drawn = new Set<string>();
  for (let seed = 1; seed <= NODES; seed++) {
    const oscillator = rcOscillator(new Random(seed), jitter);
    const board = new AvrBoard(firmware, { media: newMedia(), oscillator });
    board.run_ms(DRAWN_MS);
    drawn.add(Buffer.from(board.media.eeprom.subarray(UID_AT, UID_AT + UID_BYTES)).toString("hex"));
  }
  return drawn.size;
}

async function settle(id: number): Promise<Figure[]> {
  const name = id === 0 ? "ids.none" : "ids.shared";
  const run = await settleNodes("avr", NODES, id);
  const what = id === 0 ? "without an id" : `all with id ${id}`;
  return [
    {
      id: name,
      value: run.ids,
      unit: "nodes",
      must: `== ${NODES}`,
      note: `with an id of their own, of ${NODES} AVR binaries ${what}, on in the same cycle`,
    },
    {
      id: `${name}.tec`,
      value: run.mostErrors,
      unit: "",
      must: "<= 255",
      note: `highest transmit error counter, ${run.errorFrames} error frames; 256 is bus-off`,
    },
  ];
}

export async function identityFigures(): Promise<Figure[]> {
  const { elf, core } = SOURCES.firmware("avr");
  const firmware = new Firmware(elf, core);
  const draws = JITTERS.map((jitter): Figure => {
    const value = draw(firmware, jitter);
    const note = `different of ${NODES} drawn; RC oscillators off by 10 % at most, spread of a write ${jitter * 100} %`;
    const must = jitter === JITTERS.at(-1) ? ({ must: `== ${NODES}` } as const) : {};
    return { id: `uid.${jitter}`, value, unit: "ids", ...must, note };
  });
  return [...draws, ...(await settle(0)), ...(await settle(SHARED_ID))];
}
