// hsx persist repair: turns over single wrong bits where there is no doubt which; guesses nothing.

import { existsSync } from "node:fs";
import type { Command } from "commander";
import { faultOf } from "../../formats/persist-image.ts";
import { hex, plural } from "../../formats/text.ts";
import { Exit, Failure, usage } from "../exit.ts";
import { writeOutput } from "../files.ts";
import type { KeyNames } from "../key-names.ts";
import { logOf } from "../media.ts";
import { addCommand, type Context } from "../program.ts";
import {
  entryText,
  liveCellOf,
  meantBy,
  type OpenImage,
  openPersist,
  type PersistFile,
  readPersistFile,
} from "./image.ts";
import {
  addImageOption,
  addMediaOption,
  type ImageOptions,
  readNames,
  refuseForce,
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
    .action((file: string, options: Options, command: Command) => {
      if (options.output === undefined) refuseForce(command);
      return repair(context, file, options);
    });
}

// ---- What can be mended ----

interface Repair {
  readonly address: number;
  readonly bit: number;
  readonly text: string;
}

function turn(bytes: Uint8Array, { address, bit }: Omit<Repair, "text">): void {
  bytes[address] = (bytes[address] as number) ^ (1 << bit);
}

/** Mends the superblock in place, if that is what keeps the image from being a store. */
function mendSuperblock(bytes: Uint8Array): Repair[] {
  const fault = faultOf(bytes);
  if (fault?.kind !== "superblock") return [];
  turn(bytes, fault.bit);
  return [{ ...fault.bit, text: `superblock ${fault.copy}` }];
}

/** What can be mended of the cells, and what cannot and why. A key that has a sound value elsewhere needs no mending. */
function mendsOf(open: OpenImage, names: KeyNames): { repairs: Repair[]; left: string[] } {
  const repairs: Repair[] = [];
  const left: string[] = [];
  for (const cell of open.cells.filter((c) => c.state === "damaged")) {
    const wrong = open.wrongBits.get(cell);
    const meant = meantBy(open, cell);
    const isRival = [...open.wrongBits].some(
      ([c, { meant: m }]) => c !== cell && m.type === meant.type && m.key === meant.key,
    );
    if (liveCellOf(open, meant) !== undefined) continue;
    if (wrong === undefined) left.push(`cell ${cell.cell}: more than one bit is wrong`);
    else if (isRival) left.push(`cell ${cell.cell}: two damaged cells claim one key`);
    else repairs.push({ ...wrong, text: `cell ${cell.cell}: ${entryText(names, meant)}` });
  }
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

/** A granule of flash is programmed once: a single bit of one cannot be mended. */
function checkMedium({ path, media }: PersistFile): void {
  if (logOf(media) === undefined) return;
  throw usage(
    `${path}: cells on ${media.kind} are programmed once, and are not mended`,
    "hsx persist export, complete the values, and hsx persist build",
  );
}

async function repair(context: Context, path: string, options: Options): Promise<void> {
  const { out, install } = context;
  checkOptions(options);
  const names = readNames(options);
  const file = readPersistFile(path, options.media);
  checkMedium(file);
  const bytes = file.bytes.slice();
  const supers = mendSuperblock(bytes);
  const open = await openPersist(install, { ...file, bytes });
  const cells = mendsOf(open, names);
  for (const place of cells.repairs) turn(bytes, place);
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
  const written = repairs.length === 0 ? undefined : write(file, bytes, options);
  if (left.length > 0) context.exit = Exit.PARTIAL;
  const mends = repairs.map(({ address, bit, text }) => ({ address, bit, text }));
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
