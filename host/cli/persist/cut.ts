// hsx persist cut: what a node would find after power was lost within an operation.

import type { Command } from "commander";
import { CellType } from "../../../assembly/spec/cell.ts";
import type { Found } from "../../client/persist-image.ts";
import { f16ToNumber } from "../../formats/f16.ts";
import { isWithin, limitsText } from "../../formats/kept-values.ts";
import { hex, plural } from "../../formats/text.ts";
import { PowerCut, type Tear } from "../../node/nv.ts";
import { Exit, usage } from "../exit.ts";
import type { KeyNames } from "../key-names.ts";
import { numberOf, parseF16, parseInteger } from "../numbers.ts";
import { addCommand, type Context, collect } from "../program.ts";
import {
  findAll,
  isNumber,
  kindRank,
  kindText,
  nameOf,
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
} from "./options.ts";

interface Options extends ImageOptions {
  readonly at?: string;
  readonly set?: readonly string[];
  readonly delete?: readonly string[];
  readonly reset?: true;
  readonly keepFactory?: true;
  readonly torn: string;
  readonly output?: string;
  readonly force?: true;
}

export function addCut(parent: Command, context: Context): void {
  const command = addCommand(
    parent,
    "cut <file>",
    "show what a node finds after power was lost in the middle of saving; the file stays as it is",
    [
      [
        "hsx persist cut node7.fram --set 0x0201=23",
        "power lost at each byte of this save, one after the other",
      ],
      [
        "hsx persist cut node7.fram --at 5 --set 0x0201=23 -o cut.fram",
        "after five bytes; cut.fram is the device then",
      ],
      ["hsx persist cut node7.fram --reset --keep-factory", "at each byte of a factory reset"],
      [
        "hsx persist cut node7.fram",
        "at each byte of the next boot, which puts right what an earlier cut left",
      ],
    ],
  );
  addMediaOption(addImageOption(command))
    .option(
      "--at <n>",
      "bytes, on flash granules, that are still written; an erase counts as one; default: every number, one after the other",
    )
    .option("--set <key=value>", "save a value; may be given again", collect)
    .option("--delete <key>", "delete a value; may be given again", collect)
    .option("--reset", "factory reset")
    .option("--keep-factory", "of the reset: factory values stay")
    .option(
      "--torn <what>",
      "what becomes of the byte being written: old, new, ff or any 0x00 to 0xFF",
      "old",
    )
    .option("-o, --output <file>", "with --at: write the device as the cut left it")
    .option("--force", "replace an output that is there already")
    .action((file: string, options: Options, command: Command) => {
      if (options.output === undefined) refuseForce(command);
      return cut(context, file, options);
    });
}

// ---- The operation ----

interface Operation {
  readonly text: string;
  /** One job of the store after the other. */
  readonly jobs: readonly ((open: OpenImage) => void)[];
}

function setOperation(names: KeyNames, text: string): Operation {
  const at = text.lastIndexOf("=");
  if (at < 0) throw usage(`--set ${text}: a value is missing`, "write --set 0x0201=23");
  const key = names.find(text.slice(0, at).trim());
  const bits = parseF16(text.slice(at + 1).trim());
  const value = names.of(key);
  if (value !== undefined && !isWithin(value, f16ToNumber(bits))) {
    throw usage(
      `--set ${text}: ${value.label} is ${limitsText(value)}`,
      "choose a number inside it",
    );
  }
  return {
    text: `set ${names.text(key)} = ${names.valueText(key, bits)}`,
    jobs: [({ image }) => image.write(CellType.VALUE, key, bits)],
  };
}

function operationOf(names: KeyNames, options: Options): Operation {
  const { set = [], delete: deleted = [], reset, keepFactory = false } = options;
  if (keepFactory && !reset) throw usage("--keep-factory belongs to --reset", "add --reset");
  const resets: Operation[] = reset
    ? [
        {
          text: keepFactory ? "factory reset, factory values kept" : "factory reset",
          jobs: [({ image }) => image.reset(keepFactory)],
        },
      ]
    : [];
  const deletes = deleted.map((text): Operation => {
    const key = names.find(text);
    return {
      text: `delete ${names.text(key)}`,
      jobs: [({ image }) => image.delete(CellType.VALUE, key)],
    };
  });
  const all = [...set.map((text) => setOperation(names, text)), ...deletes, ...resets];
  if (all.length === 0) return { text: "the next boot", jobs: [(open) => void findAll(open)] };
  return { text: all.map((o) => o.text).join(", "), jobs: all.flatMap((o) => o.jobs) };
}

function tearOf(text: string): Tear {
  if (text === "old") return (old) => old;
  if (text === "new") return (_, wanted) => wanted;
  if (!/^((0x)?[\da-f]{1,2}|\d+)$/i.test(text))
    throw usage(`--torn: "${text}" is no fate of a byte`, "write old, new, ff, or 0x00 to 0xFF");
  const byte = parseInteger(/^[\da-f]{2}$/i.test(text) ? `0x${text}` : text, "--torn", 0, 255);
  return () => byte;
}

// ---- One cut ----

/** Runs the operation on a copy, with power lost after so many bytes; without a cut, all of it. */
async function attempt(
  { install }: Context,
  file: PersistFile,
  { jobs }: Operation,
  cut?: { after: number; tear: Tear },
) {
  const open = await openPersist(install, file);
  const { device } = open.image;
  device.cut = cut;
  /** The bytes after each job. */
  const stages: Uint8Array[] = [];
  try {
    for (const job of jobs) {
      job(open);
      stages.push(device.bytes.slice());
    }
  } catch (error) {
    if (!(error instanceof PowerCut)) throw error;
  }
  const steps = device.bytesProgrammed / device.geometry.granule + device.unitsErased;
  return { bytes: device.bytes, stages, steps };
}

/** Bits, that a damaged cell held it, or that there is nothing. */
type Content = number | "damaged" | "none";
type Verdict = "old" | "new" | "between" | "same" | "lost";

interface Outcome {
  readonly type: CellType;
  readonly key: number;
  readonly before: Content;
  readonly wanted: Content;
  readonly found: Content;
  readonly verdict: Verdict;
}

async function foundIn(context: Context, file: PersistFile, bytes: Uint8Array): Promise<Found[]> {
  return findAll(await openPersist(context.install, { ...file, bytes }));
}

/** `states`: what the key holds before the operation, after each of its jobs, and at its end. */
function verdictOf(states: readonly Content[], found: Content): Verdict {
  if (found === states.at(-1)) return states.every((state) => state === found) ? "same" : "new";
  if (found === states[0]) return "old";
  return states.includes(found) ? "between" : "lost";
}

function contentOf(list: readonly Found[], { type, key }: Found): Content {
  const found = list.find((f) => f.type === type && f.key === key);
  return found === undefined ? "none" : (found.value ?? "damaged");
}

/** Compares what is found with the states that the operation goes through, key by key. */
function compare(states: readonly (readonly Found[])[], found: readonly Found[]): Outcome[] {
  const keys = new Map([...states.flat(), ...found].map((f) => [f.key * 256 + f.type, f]));
  return [...keys.values()]
    .sort((a, b) => kindRank(a.type) - kindRank(b.type) || a.key - b.key)
    .map((f): Outcome => {
      const contents = states.map((state) => contentOf(state, f));
      const [before = "none"] = contents;
      const now = contentOf(found, f);
      const verdict = verdictOf(contents, now);
      return { ...f, before, wanted: contents.at(-1) ?? "none", found: now, verdict };
    });
}

// ---- Report ----

/** Cuts that end alike, one behind the other. */
interface Span {
  readonly from: number;
  to: number;
  readonly outcomes: readonly Outcome[];
}

function signature(outcomes: readonly Outcome[]): string {
  return outcomes.map((o) => `${o.type}.${o.key}=${o.found}`).join();
}
function spansOf(cuts: readonly Cut[]): Span[] {
  const spans: Span[] = [];
  for (const { at, outcomes } of cuts) {
    const last = spans.at(-1);
    if (last !== undefined && signature(last.outcomes) === signature(outcomes)) last.to = at;
    else spans.push({ from: at, to: at, outcomes });
  }
  return spans;
}

function contentText(names: KeyNames, { type, key }: Outcome, content: Content): string {
  if (typeof content !== "number") return content;
  return isNumber(type) ? names.valueText(key, content) : hex(content, 4);
}

function rowsOf(names: KeyNames, { from, to, outcomes }: Span): string[][] {
  const changed = outcomes.filter((o) => o.verdict !== "same");
  const where = from === to ? String(from) : `${from} to ${to}`;
  if (changed.length === 0) return [[where, "", "", "", "", "", "", "as it was"]];
  return changed.map((o, n) => [
    n === 0 ? where : "",
    hex(o.key, 4),
    nameOf(names, o) ?? "",
    kindText(o.type),
    contentText(names, o, o.before),
    contentText(names, o, o.wanted),
    contentText(names, o, o.found),
    o.verdict,
  ]);
}

function contentData(content: Content) {
  return typeof content === "number" ? { bits: content, value: numberOf(content) } : content;
}
function outcomeData(names: KeyNames, o: Outcome) {
  return {
    kind: kindText(o.type),
    key: o.key,
    name: nameOf(names, o),
    before: contentData(o.before),
    wanted: contentData(o.wanted),
    found: contentData(o.found),
    verdict: o.verdict,
  };
}

const HEADER = ["AFTER", "KEY", "NAME", "KIND", "BEFORE", "WANTED", "A NODE FINDS", "THAT IS"];

/** Numbers of bytes after which power is lost. */
function placesOf(options: Options, steps: number, text: string): number[] {
  if (options.at === undefined) return Array.from({ length: steps }, (_, n) => n);
  const at = parseInteger(options.at, "--at", 0, 0xffff_ffff);
  if (at < steps) return [at];
  const message = `--at ${at}: ${text} writes ${plural(steps, "byte")}, so that power is lost after it`;
  throw usage(
    message,
    steps === 0 ? "there is nothing to cut" : `choose a number from 0 to ${steps - 1}`,
  );
}

/** A cut, and what a node finds after it. */
interface Cut {
  readonly at: number;
  readonly outcomes: readonly Outcome[];
}

/** Cuts the operation wherever the options say. Returns what came of it, and the bytes it writes uncut. */
async function cutsOf(
  context: Context,
  file: PersistFile,
  operation: Operation,
  options: Options,
): Promise<{ readonly steps: number; readonly cuts: readonly Cut[] }> {
  const tear = tearOf(options.torn);
  const { stages, steps } = await attempt(context, file, operation);
  const states: Found[][] = [];
  for (const bytes of [file.bytes, ...stages]) states.push(await foundIn(context, file, bytes));
  const cuts: Cut[] = [];
  for (const at of placesOf(options, steps, operation.text)) {
    const { bytes } = await attempt(context, file, operation, { after: at, tear });
    if (options.output !== undefined) writeImage(options.output, bytes, options.force === true);
    cuts.push({ at, outcomes: compare(states, await foundIn(context, file, bytes)) });
  }
  return { steps, cuts };
}

/** What all cuts come to. */
function sumText(cuts: readonly Cut[], lost: number, at: string | undefined): string {
  const others = (cuts[0]?.outcomes ?? []).filter((o) => o.verdict === "same").length;
  const tried =
    at === undefined ? plural(cuts.length, "cut") : `a cut after ${plural(Number(at), "byte")}`;
  const sum = lost === 0 ? "nothing is lost" : `${plural(lost, "loses", "lose")} a value`;
  return `${tried}: ${sum}; ${plural(others, "other key")} unchanged`;
}

async function cut(context: Context, path: string, options: Options): Promise<void> {
  const { out } = context;
  if (options.output !== undefined && options.at === undefined)
    throw usage("-o needs --at: the device after which cut?", "add --at");
  const names = readNames(options);
  const file = readPersistFile(path, options.media);
  const operation = operationOf(names, options);
  const { steps, cuts } = await cutsOf(context, file, operation, options);
  const spans = spansOf(cuts);
  const lost = cuts.filter((c) => c.outcomes.some((o) => o.verdict === "lost")).length;
  if (lost > 0) context.exit = Exit.VERIFY;
  const data = {
    file: path,
    operation: operation.text,
    steps,
    torn: options.torn,
    cuts: spans.map(({ from, to, outcomes }) => ({
      from,
      to,
      keys: outcomes.map((o) => outcomeData(names, o)),
    })),
    lost,
    output: options.output ?? null,
  };
  out.result("hsx.persist.cut/1", data, () => {
    const head = `${path}: ${operation.text}, ${plural(steps, "byte")}`;
    if (cuts.length === 0) return `${head}: there is nothing to cut`;
    const rows = spans.flatMap((span) => rowsOf(names, span));
    return [head, "", out.table(HEADER, rows), "", sumText(cuts, lost, options.at)].join("\n");
  });
}
