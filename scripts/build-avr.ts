// `npm run build:avr`: build/avr/hsx.{elf,hex,map}, and how much of the chip they take.

import { parseArgs } from "node:util";
import { buildCore } from "./build-core.ts";
import { PROFILES } from "./core.ts";
import { type Figure, show } from "./figures.ts";
import { buildAvr, type Firmware } from "./firmware/avr.ts";
import { constant, readMemoryMap } from "./memory-map.ts";
import { fromRoot } from "./root.ts";

const USAGE = "usage: npm run build:avr -- [--out FOLDER] [--json]";
/** Where applications start on every AVR with a boot section: the boot section is at the end. */
const AVR_OFFSET = "0";

function fail(message: string): never {
  process.stderr.write(`build:avr: ${message}\n${USAGE}\n`);
  process.exit(2);
}

function readArguments() {
  try {
    return parseArgs({
      options: {
        out: { type: "string", default: "build/avr" },
        offset: { type: "string", default: AVR_OFFSET },
        json: { type: "boolean" },
      },
    }).values;
  } catch (error) {
    return fail((error as Error).message);
  }
}

const CORE = "core.o";

function sum(firmware: Firmware, of: "flash" | "ram", isCore?: boolean): number {
  const objects = firmware.objects.filter(({ object }) => {
    return isCore === undefined || (object === CORE) === isCore;
  });
  return objects.reduce((bytes, object) => bytes + object[of], 0);
}

async function figuresOf(firmware: Firmware): Promise<Figure[]> {
  const small = PROFILES.find(({ name }) => name === "small");
  if (small === undefined) throw new Error("asconfig.json has no profile small");
  const map = await readMemoryMap(small);
  const { stack } = firmware;
  const arena = constant(map, "RAM_END") - constant(map, "ARENA_BASE");
  const { name, bytes } = stack.interrupt;
  return [
    {
      id: "avr.flash",
      value: sum(firmware, "flash"),
      unit: "B",
      must: "<= 45056",
      aim: "<= 36864",
      note: "of 131,072, with initial values",
    },
    { id: "avr.flash.core", value: sum(firmware, "flash", true), unit: "B", note: "translated" },
    {
      id: "avr.flash.rest",
      value: sum(firmware, "flash", false),
      unit: "B",
      aim: "<= 4608",
      note: "board, drivers, libraries",
    },
    { id: "avr.statics", value: sum(firmware, "ram"), unit: "B", must: "<= 512", aim: "<= 384" },
    {
      id: "avr.stack",
      value: stack.bytes,
      unit: "B",
      must: "<= 768",
      aim: "<= 512",
      note: `${stack.path.join(" > ")}; and ${name}, ${bytes} B`,
    },
    {
      id: "avr.arena",
      value: arena,
      unit: "B",
      must: ">= 9472",
      aim: ">= 10752",
      note: "for apps",
    },
  ];
}

const { out, offset } = readArguments();
if (Number(offset) !== Number(AVR_OFFSET))
  fail("--offset: the firmware of an AVR starts at 0; a bootloader has the end of the flash");
if (!(await buildCore())) process.exit(1);
// the linker has refused what the chip cannot hold: a figure that is missed is told, and is no failure of the build
show({ command: "build:avr", figures: await figuresOf(await buildAvr(fromRoot(out))) });
