// `npm run build:stm32`: the firmware of the STM32 boards, and what it takes. --board NAME builds one of them, --offset N
// leaves N bytes of flash to a bootloader.

import { parseArgs } from "node:util";
import { Large, Small, STATIC_ORIGIN } from "../assembly/spec/limits.ts";
import { buildCore } from "./build-core.ts";
import { type Figure, show } from "./figures.ts";
import {
  BOARDS,
  type BoardBuild,
  type BoardName,
  buildBoard,
  sectionsOf,
  stackOf,
} from "./stm32-build.ts";

/** Flash and SRAM of a board that firmware may take. */
const ROOM: Readonly<Record<BoardName, { flash: number; sram: number }>> = {
  stm32f072: { flash: 0x1c000, sram: 0x4000 },
  stm32f405: { flash: 0x100000 - 0xc000, sram: 0x20000 },
};

/** Vector table and hand-over. */
const BELOW_MEMORY = 256;

const { values } = parseArgs({
  options: {
    board: { type: "string" },
    offset: { type: "string", default: "0" },
    json: { type: "boolean" },
  },
});

function fail(message: string): never {
  process.stderr.write(`build:stm32: ${message}\n`);
  process.exit(2);
}

function figuresOf(board: BoardBuild, offset: number): Figure[] {
  const built = buildBoard(board, { offset });
  const sections = sectionsOf(built);
  const stack = stackOf(built);
  const of = (name: string) => sections.get(name) ?? 0;
  const flash = of(".vectors") + of(".text") + of(".data");
  const statics = of(".data") + of(".bss");
  const memory = (board.profile === "large" ? Large : Small).RAM_LIMIT - STATIC_ORIGIN;
  const { name } = board;
  const room = ROOM[name];
  const left = room.sram - BELOW_MEMORY - memory - statics;
  return [
    { id: `${name}.flash`, value: flash, unit: "B", must: `<= ${room.flash - offset}` },
    { id: `${name}.statics`, value: statics, unit: "B", note: "beside linear memory" },
    { id: `${name}.memory`, value: memory, unit: "B", note: "state of the core and arena" },
    {
      id: `${name}.stack`,
      value: stack.bytes,
      unit: "B",
      must: `<= ${left}`,
      note: `${stack.path.join(" > ")}; and ${stack.interrupt.name}, ${stack.interrupt.bytes} B`,
    },
  ];
}

const offset = Number(values.offset);
const names = values.board === undefined ? Object.keys(BOARDS) : [values.board];
const boards = names.map((name) => BOARDS[name as BoardName] ?? fail(`no board is called ${name}`));
if (!Number.isInteger(offset) || offset % 0x800 !== 0)
  fail(`--offset ${values.offset}: a multiple of 2048, a page of flash`);
if (!(await buildCore())) process.exit(1);
// as with the AVR, the linker has refused what the chip cannot hold
show({ command: "build:stm32", figures: boards.flatMap((board) => figuresOf(board, offset)) });
