// hsx persist repair: turns over single wrong bits where there is no doubt which; guesses nothing.

import { existsSync } from "node:fs";
import type { Command } from "commander";
import {
  type Cell,
  CellState,
  cellsOf,
  faultOf,
  holdingSuperblock,
  mended,
  type WrongBit,
  wrongBitOfCell,
} from "../../formats/persist-image.ts";
import { hex, plural } from "../../formats/text.ts";
import { Exit, Failure, usage } from "../exit.ts";
import { writeOutput } from "../files.ts";
import type { KeyNames } from "../key-names.ts";
import { geometryOf } from "../media.ts";
import { addCommand, type Context } from "../program.ts";
import {
  entryText,
  faultFailure,
  openPersist,
  type PersistFile,
  readPersistFile,
} from "./image.ts";
import {
  addImageOption,
  addMediaOption,
  type ImageOptions,
  readNames,
  writeImage,
  writeLocked,
} from "./options.ts";

interface Options extends ImageOptions {
  readonly output?: string;
  readonly inPlace?: true;
  readonly force?: true;
}

export function addRepair(parent: Command, context: Context): void {
  const command = addCommand(
    parent,
    "repair <file>",
    "mend single wrong bits, and nothing that is in doubt",
    [
      ["hsx persist repair node7.fram -o mended.fram", "a mended copy"],
      ["hsx persist repair node7.fram --in-place", "keeps the damaged file as node7.fram.bak"],
    ],
  );
  addMediaOption(addImageOption(command))
    .option("-o, --output <file>", "write the mended image here")
    .option("--in-place", "mend the file itself, and keep a copy beside it")
    .option("--force", "replace an output that is there already")
    .action((file: string, options: Options) => repair(context, file, options));
}

// ---- What can be mended ----

interface Repair {
  readonly bit: WrongBit;
  readonly text: string;
}

function turn(bytes: Uint8Array, { address, bit }: WrongBit): void {
  bytes[address] = (bytes[address] as number) ^ (1 << bit);
}

/** Mends the superblock in place, if that is what keeps the image from being a store. */
function mendSuperblock(file: PersistFile, bytes: Uint8Array): Repair[] {
  const fault = faultOf(bytes);
  if (fault?.kind !== "superblock") {
    if (fault !== undefined) throw faultFailure(file.path, fault);
    return [];
  }
  turn(bytes, fault.bit);
  const still = faultOf(bytes);
  if (still !== undefined) throw faultFailure(file.path, still);
  return [{ bit: fault.bit, text: `superblock ${fault.copy}` }];
}

/** True when the key has a sound value already, which is the newer: the damaged one was on its way out. */
function isOutdone(cells: readonly Cell[], { type, key }: Pick<Cell, "type" | "key">): boolean {
  return cells.some((c) => c.state === CellState.LIVE && c.type === type && c.key === key);
}

/** Mends cells in place. Returns what was mended, and what was not and why. */
function mendCells(
  bytes: Uint8Array,
  eraseUnit: number,
  names: KeyNames,
): { repairs: Repair[]; left: string[] } {
  const epoch = holdingSuperblock(bytes)?.epoch ?? 0;
  const cells = cellsOf(bytes, eraseUnit);
  const damaged = cells.filter((c) => c.state === CellState.DAMAGED);
  const bits = new Map<Cell, WrongBit>();
  for (const cell of damaged) {
    const bit = wrongBitOfCell(cell, epoch);
    if (bit !== undefined) bits.set(cell, bit);
  }
  const repairs: Repair[] = [];
  const left: string[] = [];
  for (const cell of damaged) {
    const bit = bits.get(cell);
    const meant = bit === undefined ? cell : mended(cell, bit);
    const isRival = [...bits].some(
      ([c, b]) => c !== cell && c.type === cell.type && mended(c, b).key === meant.key,
    );
    if (isOutdone(cells, meant)) continue;
    if (bit === undefined) left.push(`cell ${cell.index}: more than one bit is wrong`);
    else if (isRival) left.push(`cell ${cell.index}: two damaged cells claim one key`);
    else repairs.push({ bit, text: `cell ${cell.index}: ${entryText(names, meant)}` });
  }
  for (const { bit } of repairs) turn(bytes, bit);
  return { repairs, left };
}

// ---- Writing ----

/** A name that nothing has yet: FILE.bak, FILE.bak2, … */
function backupName(path: string): string {
  for (let n = 1; ; n++) {
    const name = `${path}.bak${n === 1 ? "" : n}`;
    if (!existsSync(name)) return name;
  }
}

function write(
  file: PersistFile,
  bytes: Uint8Array,
  options: Options,
): { output: string; backup?: string } {
  if (options.output !== undefined) {
    writeImage(options.output, bytes, options.force === true);
    return { output: options.output };
  }
  const backup = backupName(file.path);
  writeOutput(backup, file.bytes, "wx");
  writeLocked(file.path, bytes);
  return { output: file.path, backup };
}

function checkOptions({ output, inPlace }: Options): void {
  if ((output === undefined) === (inPlace === undefined))
    throw usage("where does the mended image go?", "write -o FILE, or --in-place");
}

async function repair(context: Context, path: string, options: Options): Promise<void> {
  const { out, install } = context;
  checkOptions(options);
  const names = readNames(options);
  const file = readPersistFile(path, options.media);
  const bytes = file.bytes.slice();
  const supers = mendSuperblock(file, bytes);
  const cells = mendCells(bytes, geometryOf(file.media).eraseSize, names);
  const repairs = [...supers, ...cells.repairs];
  const { left } = cells;
  if (repairs.length === 0 && left.length > 0) {
    throw new Failure(
      Exit.VERIFY,
      "CORRUPT",
      `${path}: nothing can be mended; ${left.join("; ")}`,
      {
        remedy: "restore the values from a calibration file; nothing was changed",
        details: { file: path, left },
      },
    );
  }
  await openPersist(install, { ...file, bytes });
  const written = repairs.length === 0 ? undefined : write(file, bytes, options);
  if (left.length > 0) context.exit = Exit.PARTIAL;
  const mends = repairs.map(({ bit, text }) => ({ address: bit.address, bit: bit.bit, text }));
  const data = {
    file: path,
    output: written?.output ?? null,
    backup: written?.backup ?? null,
    mended: mends,
    left,
  };
  out.result("hsx.persist.repair/1", data, () => {
    if (written === undefined) return `${path}: nothing to mend; nothing was written`;
    const where = written.backup === undefined ? "" : `; ${written.backup} is the file as it was`;
    return [
      `${written.output}: ${plural(repairs.length, "bit")} mended${where}`,
      ...mends.map((m) => `  ${m.text} (bit ${m.bit} of byte ${hex(m.address, 4)})`),
      ...left.map((text) => `  left as it is: ${text}`),
    ].join("\n");
  });
}
