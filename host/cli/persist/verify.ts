// hsx persist verify: every cell explained, and what a node makes of it.

import type { Command } from "commander";
import { CellType } from "../../../assembly/spec/cell.ts";
import {
  type Cell,
  type CellState,
  type Entry,
  type Found,
  isYounger,
} from "../../client/persist-image.ts";
import { f16ToNumber } from "../../formats/f16.ts";
import { isWithin, limitsText } from "../../formats/kept-values.ts";
import { superblocksOf } from "../../formats/persist-image.ts";
import { count, hex, plural } from "../../formats/text.ts";
import { Exit, Failure } from "../exit.ts";
import type { KeyNames } from "../key-names.ts";
import { logOf, mediaText } from "../media.ts";
import { parseInteger } from "../numbers.ts";
import type { Output } from "../output.ts";
import { addCommand, type Context } from "../program.ts";
import {
  entryText,
  findAll,
  isNumber,
  kindText,
  liveCellOf,
  meantBy,
  mends,
  nameOf,
  type OpenImage,
  openPersist,
  readPersistFile,
} from "./image.ts";
import { addImageOption, addMediaOption, type ImageOptions, readNames } from "./options.ts";
import { type Stored, storedIn } from "./stored.ts";

interface Options extends ImageOptions {
  readonly cells?: true;
  readonly node?: string;
  readonly schema?: string;
}

export function addVerify(parent: Command, context: Context): void {
  const command = addCommand(
    parent,
    "verify <file>",
    "check an image cell by cell, and its slots; ends with 5 if a value or an app's image is lost",
    [
      [
        "hsx persist verify node7.fram",
        "what is damaged or unfinished, and what a node makes of it",
      ],
      ["hsx persist verify node7.fram --cells", "every cell"],
      ["hsx persist verify node7.fram --node 7 --schema 2", "and that it is the one for node 7"],
    ],
  );
  addMediaOption(addImageOption(command))
    .option("--cells", "list every cell that was ever written")
    .option("--node <id>", "the id its configuration must have; ends with 7 if it has another")
    .option("--schema <n>", "the schema its keys must have; ends with 7 if they have another")
    .action((file: string, options: Options) => verify(context, file, options));
}

// ---- Whose it is ----

/** Refuses an image that is another node's, or whose keys mean something else. */
function checkOwner({ file, image }: OpenImage, id: number, { node, schema }: Options): void {
  const other = (code: string, message: string, remedy: string, found: object) =>
    new Failure(Exit.DOES_NOT_FIT, code, `${file.path} ${message}`, {
      remedy,
      details: { file: file.path, ...found },
    });
  if (node !== undefined && parseInteger(node, "--node", 1, 255) !== id)
    throw other(
      "other-node",
      `is ${id === 0 ? "no node's in particular: it sets no id" : `for node ${id}`}, not for node ${node}`,
      "take the image of that node, or set [node] id in its calibration file",
      { node: id },
    );
  const keys = image.info().schema;
  if (schema !== undefined && parseInteger(schema, "--schema", 0, 255) !== keys)
    throw other(
      "other-schema",
      `has keys of schema ${keys}, not ${schema}`,
      "take an image made for these apps, or build one with that schema",
      { schema: keys },
    );
}

// ---- What is amiss ----

/** A cell that is not as it should be, and what follows. */
interface Finding {
  readonly cell: Cell;
  readonly isLost: boolean;
  readonly text: string;
}

/** What explanations draw on. */
interface Material {
  readonly open: OpenImage;
  readonly names: KeyNames;
  /** What a node finds, once its boot has put things right. */
  readonly found: readonly Found[];
}

function foundOf({ found }: Material, { type, key }: Entry): Found | undefined {
  return found.find((f) => f.type === type && f.key === key);
}

function damaged(material: Material, cell: Cell): Finding {
  const { open, names } = material;
  const bit = open.wrongBits.get(cell);
  const meant = meantBy(open, cell);
  const isLost = foundOf(material, meant)?.value === undefined;
  const isFlash = logOf(open.file.media) !== undefined;
  const isWord = meant.type === CellType.SYSTEM;
  const lost = isWord
    ? "a node starts without this word"
    : `a node starts the value from init${isFlash ? "" : " and reports it as stale"}`;
  const kept = mends(open, meant)
    ? "a node mends it when it starts"
    : `the key has a sound value elsewhere${isFlash ? ", maybe the one before" : ""}`;
  const after = isLost ? lost : kept;
  const entry = entryText(names, meant);
  const text =
    bit === undefined
      ? `damaged beyond repair; it reads ${entry}; ${after}`
      : `damaged: bit ${bit.bit} of byte ${hex(bit.address, 4)} is wrong, ${entry} was meant; ${after}`;
  return { cell, isLost, text };
}

function unfinished(material: Material, cell: Cell): Finding {
  const holds = foundOf(material, cell)?.value;
  const comesBack = liveCellOf(material.open, cell) === undefined && holds === cell.value;
  const isFlash = logOf(material.open.file.media) !== undefined;
  const left = isFlash ? "a node passes it over" : "the next boot clears it away";
  const then = comesBack ? "the next boot completes it" : left;
  const entry = entryText(material.names, cell);
  const text = `unfinished: a power cut stopped the commit or the end of ${entry}; ${then}`;
  return { cell, isLost: false, text };
}

/** The older of two versions. */
function superseded({ open, names }: Material, cell: Cell): Finding | undefined {
  const { type, key } = cell;
  const isOlder = open.cells.some(
    (c) => c.state === "live" && c.type === type && c.key === key && isYounger(c, cell),
  );
  if (!isOlder) return undefined;
  const text = `superseded: a power cut came before ${entryText(names, cell)} was ended; the next boot ends it`;
  return { cell, isLost: false, text };
}

function outOfRange({ names }: Material, cell: Cell): Finding | undefined {
  const value = names.of(cell.key);
  if (!isNumber(cell.type) || value === undefined) return undefined;
  if (isWithin(value, f16ToNumber(cell.value))) return undefined;
  const text = `out of range: ${names.text(cell.key)} = ${names.valueText(cell.key, cell.value)}, its app takes ${limitsText(value)}`;
  return { cell, isLost: false, text };
}

function findingOf(material: Material, cell: Cell): Finding | undefined {
  switch (cell.state) {
    case "damaged":
      return damaged(material, cell);
    case "unfinished":
      return unfinished(material, cell);
    case "live":
      return superseded(material, cell) ?? outOfRange(material, cell);
    default:
      return undefined;
  }
}

/** A slot that a node cannot start from, though it once took an image or an app counts on it. */
interface DamagedSlot {
  readonly slot: number;
  readonly address: number;
  /** Apps, by number. */
  readonly activeOf: readonly number[];
  readonly fallbackOf: readonly number[];
}

function damagedSlots({ slots, apps }: Stored): DamagedSlot[] {
  const users = (kind: "active" | "fallback", slot: number) =>
    apps.filter((app) => app[kind] === slot).map(({ app }) => app);
  return slots
    .map(({ slot, address, state }) => ({
      slot,
      address,
      state,
      activeOf: users("active", slot),
      fallbackOf: users("fallback", slot),
    }))
    .filter(({ state, activeOf, fallbackOf }) =>
      state === "empty" ? activeOf.length + fallbackOf.length > 0 : state === "damaged",
    );
}

function slotText({ slot, address, activeOf, fallbackOf }: DamagedSlot): string {
  const uses = [
    ...activeOf.map((app) => `app ${app} starts from it`),
    ...fallbackOf.map((app) => `app ${app} falls back to it`),
  ];
  const use = uses.length === 0 ? "no app needs it" : uses.join(", ");
  return `  slot ${slot} at ${hex(address, 4)} holds no whole image; ${use}`;
}

// ---- Report ----

function countsOf(cells: readonly Cell[]): Record<CellState, number> {
  const counts = { live: 0, blank: 0, dead: 0, old: 0, damaged: 0, unfinished: 0 };
  for (const { state } of cells) counts[state]++;
  return counts;
}

function verdict(path: string, report: Report): string {
  const { findings, slots, lostValues, lostImages, isCutReset } = report;
  const lost = [
    ...(lostValues > 0 ? [plural(lostValues, "value is", "values are")] : []),
    ...(lostImages > 0 ? [plural(lostImages, "image is", "images are")] : []),
  ];
  if (lost.length > 0) return `${path}: ${lost.join(", ")} lost`;
  const isSound = findings.length + slots.length === 0 && !isCutReset;
  return `${path}: ${isSound ? "sound" : "nothing is lost"}`;
}

function cellData({ names }: Material, cell: Cell, text: string | null) {
  const { address, state, type, key, value, generation, bytes } = cell;
  const isKnown = kindText(type) !== "none";
  return {
    cell: cell.cell,
    address,
    state,
    kind: isKnown ? kindText(type) : null,
    key,
    name: isKnown ? nameOf(names, cell) : null,
    bits: value,
    generation,
    hex: Buffer.from(bytes).toString("hex"),
    text,
  };
}

/** What verify finds out. */
interface Report {
  readonly material: Material;
  readonly findings: readonly Finding[];
  readonly slots: readonly DamagedSlot[];
  readonly lostValues: number;
  /** Images that apps count on. */
  readonly lostImages: number;
  /** A factory reset was stopped behind its commit. */
  readonly isCutReset: boolean;
}

function examine(material: Material, stored: Stored): Report {
  const { file, cells } = material.open;
  const findings = cells.map((cell) => findingOf(material, cell)).filter((f) => f !== undefined);
  const slots = damagedSlots(stored);
  return {
    material,
    findings,
    slots,
    lostValues: findings.filter((f) => f.isLost).length,
    lostImages: slots.filter((s) => s.activeOf.length + s.fallbackOf.length > 0).length,
    isCutReset:
      logOf(file.media) === undefined && superblocksOf(file.bytes).every((block) => block.isSound),
  };
}

function reportData(report: Report, listed: readonly Cell[] | undefined) {
  const { material, findings, slots, lostValues, lostImages, isCutReset } = report;
  const { file, cells } = material.open;
  return {
    file: file.path,
    media: mediaText(file.media),
    ok: lostValues + lostImages === 0,
    lost: lostValues,
    counts: countsOf(cells),
    reset_unfinished: isCutReset,
    findings: findings.map(({ cell, isLost, text }) => ({
      ...cellData(material, cell, text),
      lost: isLost,
    })),
    damaged_slots: slots.map(({ slot, address, activeOf, fallbackOf }) => ({
      slot,
      address,
      active_of: activeOf,
      fallback_of: fallbackOf,
    })),
    ...(listed && { cells: listed.map((cell) => cellData(material, cell, null)) }),
  };
}

/** What to do about what is lost. */
function remedies({ material, lostValues, lostImages }: Report): string[] {
  const { path, media } = material.open.file;
  const mend = logOf(media) === undefined ? `hsx persist repair ${path} -o mended, or ` : "";
  return [
    ...(lostValues > 0 ? [`  remedy: ${mend}restore the values from a calibration file`] : []),
    ...(lostImages > 0
      ? ["  remedy: stage the images again: provision stage, or build the device anew"]
      : []),
  ];
}

function reportText(out: Output, report: Report, listed: readonly Cell[] | undefined): string {
  const { file, cells } = report.material.open;
  const counts = Object.entries(countsOf(cells)).filter(([, n]) => n > 0);
  const table = () => out.table(CELL_HEADER, (listed ?? []).map(cellRow));
  return [
    out.style("bold", verdict(file.path, report)),
    `  ${plural(cells.length, "cell")}: ${counts.map(([state, n]) => `${count(n)} ${state}`).join(", ")}`,
    ...(report.isCutReset
      ? ["  a power cut stopped a factory reset behind its commit; the next boot completes it"]
      : []),
    ...report.findings.map(
      ({ cell, text }) => `  cell ${cell.cell} at ${hex(cell.address, 4)} is ${text}`,
    ),
    ...report.slots.map(slotText),
    ...remedies(report),
    ...(listed === undefined ? [] : ["", table()]),
  ].join("\n");
}

async function verify(context: Context, path: string, options: Options): Promise<void> {
  const { out, install } = context;
  const names = readNames(options);
  const open = await openPersist(install, readPersistFile(path, options.media));
  const material: Material = { open, names, found: findAll(open) };
  const stored = storedIn(open, material.found);
  checkOwner(open, stored.config?.id ?? 0, options);
  const report = examine(material, stored);
  if (report.lostValues + report.lostImages > 0) context.exit = Exit.VERIFY;
  const listed = options.cells ? open.cells.filter((c) => c.state !== "blank") : undefined;
  out.result("hsx.persist.verify/1", reportData(report, listed), () =>
    reportText(out, report, listed),
  );
}

const CELL_HEADER = ["CELL", "ADDRESS", "STATE", "KIND", "KEY", "BITS", "GENERATION", "BYTES"];
function cellRow({ cell, address, state, type, key, value, generation, bytes }: Cell): string[] {
  const kind = kindText(type) === "none" ? "" : kindText(type);
  return [
    String(cell),
    hex(address, 4),
    state,
    kind,
    hex(key, 4),
    hex(value, 4),
    String(generation),
    Buffer.from(bytes).toString("hex"),
  ];
}
