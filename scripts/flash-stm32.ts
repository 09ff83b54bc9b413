// `npm run flash:stm32`: writes the firmware into an STM32 with openocd, or with st-flash of stlink-tools.

import { existsSync } from "node:fs";
import { parseArgs } from "node:util";
import { type Command, fail, runTool, shellText } from "./flash/command.ts";
import { ROOT } from "./root.ts";

const SCRIPT = "flash:stm32";
const USAGE = `usage: npm run flash:stm32 -- --board stm32f072|stm32f405 [--tool openocd|st-flash] [--offset BYTES] [--dry-run]`;
const USAGE_STATUS = 2;
const FLASH_BASE = 0x08000000;
/** openocd's description of each chip. */
const CHIPS: Readonly<Record<string, string>> = { stm32f072: "stm32f0x", stm32f405: "stm32f4x" };

function readArguments() {
  try {
    return parseArgs({
      options: {
        board: { type: "string" },
        tool: { type: "string", default: "openocd" },
        offset: { type: "string", default: "0" },
        "dry-run": { type: "boolean", default: false },
      },
    }).values;
  } catch (error) {
    return fail(SCRIPT, `${(error as Error).message}\n${USAGE}`, USAGE_STATUS);
  }
}

const { board = "", tool, offset, "dry-run": isDry } = readArguments();
const chip = CHIPS[board] ?? fail(SCRIPT, `--board ${board}: unknown\n${USAGE}`, USAGE_STATUS);
const at = Number(offset);
if (!Number.isInteger(at) || at < 0)
  fail(SCRIPT, `--offset ${offset}: no number of bytes\n${USAGE}`, USAGE_STATUS);

/** Both erase the pages they write and no others: a bootloader, and what the node keeps, stay. */
function commandOf(): { command: Command; file: string } {
  const folder = `build/stm32/${board}`;
  if (tool === "openocd") {
    const file = `${folder}/hsx.elf`; // it has its offset
    const files = ["-f", "interface/stlink.cfg", "-f", `target/${chip}.cfg`];
    return { command: ["openocd", ...files, "-c", `program ${file} verify reset exit`], file };
  }
  if (tool === "st-flash") {
    const file = `${folder}/hsx.bin`;
    const address = `0x${(FLASH_BASE + at).toString(16).padStart(8, "0")}`;
    return { command: ["st-flash", "--reset", "write", file, address], file };
  }
  return fail(SCRIPT, `--tool ${tool}: unknown\n${USAGE}`, USAGE_STATUS);
}

process.chdir(ROOT);
const { command, file } = commandOf();
if (isDry) console.log(shellText(command));
else {
  if (!existsSync(file))
    fail(SCRIPT, `${file} is not there: npm run build:stm32 -- --board ${board}`);
  runTool(SCRIPT, command, "show");
}
