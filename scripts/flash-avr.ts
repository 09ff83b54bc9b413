// `npm run flash:avr`: writes the firmware into an ATmega1284P with avrdude, once its fuses are as the board needs them.

import { existsSync } from "node:fs";
import { parseArgs } from "node:util";
import { type Command, fail, runTool, shellText } from "./flash/command.ts";
import { checkFuses, correctFuses, type Fuses, parseFuses } from "./flash/fuses.ts";
import { ROOT } from "./root.ts";

const SCRIPT = "flash:avr";
const USAGE = `usage: npm run flash:avr -- --programmer NAME [--port PORT] [--bitclock US] [--hex FILE]
       [--bootloader FILE] [--write-fuses] [--dry-run]`;
const USAGE_STATUS = 2;
const NAMES: readonly (keyof Fuses)[] = ["lfuse", "hfuse", "efuse"];

function readArguments() {
  try {
    return parseArgs({
      options: {
        programmer: { type: "string", short: "c" },
        port: { type: "string", short: "P" },
        bitclock: { type: "string", short: "B" },
        hex: { type: "string", default: "build/avr/hsx.hex" },
        bootloader: { type: "string" },
        "write-fuses": { type: "boolean", default: false },
        "dry-run": { type: "boolean", default: false },
      },
    }).values;
  } catch (error) {
    return fail(SCRIPT, `${(error as Error).message}\n${USAGE}`, USAGE_STATUS);
  }
}

const values = readArguments();
const isDry = values["dry-run"];
const programmer = values.programmer ?? fail(SCRIPT, `no --programmer\n${USAGE}`, USAGE_STATUS);

function avrdude(...args: string[]): Command {
  const port = values.port === undefined ? [] : ["-P", values.port];
  const clock = values.bitclock === undefined ? [] : ["-B", values.bitclock];
  return ["avrdude", "-p", "m1284p", "-c", programmer, ...port, ...clock, ...args];
}

const hex = (byte: number) => `0x${byte.toString(16).padStart(2, "0")}`;

function fuseWrites(before: Fuses, after: Fuses): string[] {
  const changed = NAMES.filter((name) => before[name] !== after[name]);
  return changed.flatMap((name) => ["-U", `${name}:w:${hex(after[name])}:m`]);
}

const readCommand = avrdude("-qq", ...NAMES.flatMap((name) => ["-U", `${name}:r:-:h`]));

/** Ends the process when the fuses are wrong and must not be written. */
function prepareFuses(): void {
  const text = runTool(SCRIPT, readCommand, "read");
  const fuses = parseFuses(text) ?? fail(SCRIPT, `avrdude gave no fuses but: ${text.trim()}`);
  const faults = checkFuses(fuses);
  if (faults.length === 0) return;
  const write = avrdude(...fuseWrites(fuses, correctFuses(fuses)));
  for (const { fuse, name, why } of faults)
    process.stderr.write(`${SCRIPT}: ${name} in ${fuse} ${hex(fuses[fuse])}: ${why}\n`);
  if (!values["write-fuses"])
    fail(SCRIPT, `nothing was written. With --write-fuses: ${shellText(write)}`);
  runTool(SCRIPT, write, "show");
}

/** A chip erase comes first: a bootloader goes with it and is written again. */
function flashCommand(): Command {
  const files = [values.hex, ...(values.bootloader === undefined ? [] : [values.bootloader])];
  return avrdude(...files.flatMap((file) => ["-U", `flash:w:${file}:i`]));
}

process.chdir(ROOT);
if (isDry) {
  console.log(shellText(readCommand));
  console.log(shellText(flashCommand()));
} else {
  for (const file of [values.hex, values.bootloader])
    if (file !== undefined && !existsSync(file))
      fail(SCRIPT, `${file} is not there: npm run build:avr`);
  prepareFuses();
  runTool(SCRIPT, flashCommand(), "show");
}
