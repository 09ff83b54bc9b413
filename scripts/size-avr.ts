// What the core takes of an ATmega1284P: flash as a whole, by room and by function, and RAM outside linear memory.

import { buildBareNode, sizesOf } from "./avr-build.ts";
import type { Figure } from "./figures.ts";

/** Bytes of flash for the whole firmware without provisioning over CAN; the core with a bare machine is part of it. */
const FLASH_LIMIT = 45_056;
/** Functions that people are shown. */
const SHOWN = 40;

/** Bytes of flash for the node protocol and LOAD; sequences that other rooms share are not counted. */
const PROTOCOL_LIMIT = 10_240;

/** `executive` for `assembly/executive/call/answer`; `arena` for `assembly/arena/arenaStep`; `protocol` for what lies in that folder. */
function roomOf(source: string | undefined): string {
  if (source?.startsWith("assembly/provision/protocol/")) return "protocol";
  return source?.split("/")[1]?.replace(/[^\w-]/g, "") ?? "other";
}

export function avrFigures(): { figures: Figure[]; functions: string } {
  const program = buildBareNode();
  const { flash, statics, symbols } = sizesOf(program);
  const rooms = new Map<string, number>();
  for (const { name, bytes } of symbols) {
    const room = roomOf(program.sources.get(name.replace(/\..*/, "")));
    rooms.set(room, (rooms.get(room) ?? 0) + bytes);
  }
  const named = [...rooms].sort(([, a], [, b]) => b - a);
  return {
    figures: [
      {
        id: "avr.flash",
        value: flash,
        unit: "B",
        must: `<= ${FLASH_LIMIT}`,
        aim: "<= 36864",
        note: "the core with all exports and a bare machine",
      },
      ...named.map(([room, value]): Figure => {
        const must = room === "protocol" ? { must: `<= ${PROTOCOL_LIMIT}` as const } : {};
        return { id: `avr.flash.${room}`, value, unit: "B", ...must };
      }),
      {
        id: "avr.statics",
        value: statics,
        unit: "B",
        must: "<= 512",
        aim: "<= 384",
        note: "C statics of the core",
      },
    ],
    functions: symbols
      .slice(0, SHOWN)
      .map(({ name, bytes }) => `${String(bytes).padStart(8)}  ${name}`)
      .join("\n"),
  };
}
