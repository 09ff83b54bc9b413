// hsx persist diff: in which values and slots two images differ.

import type { Command } from "commander";
import { CellType } from "../../../assembly/spec/cell.ts";
import { hex, plural } from "../../formats/text.ts";
import { Exit } from "../exit.ts";
import type { KeyNames } from "../key-names.ts";
import { numberOf } from "../numbers.ts";
import type { Output } from "../output.ts";
import { addCommand, type Context } from "../program.ts";
import {
  blobData,
  findAll,
  isNumber,
  kindRank,
  kindText,
  nameOf,
  openPersist,
  readPersistFile,
} from "./image.ts";
import { addImageOption, addMediaOption, type ImageOptions, readNames } from "./options.ts";
import { type Stored, storedIn } from "./stored.ts";

export function addDiff(parent: Command, context: Context): void {
  const command = addCommand(
    parent,
    "diff <before> <after>",
    "show in which values and slots two images differ; ends with 1 if they do",
    [["hsx persist diff node7.fram node8.fram --image pump.hxe", "by key and name"]],
  );
  addMediaOption(addImageOption(command)).action((a: string, b: string, options: ImageOptions) =>
    diff(context, [a, b], options),
  );
}

/** What an image holds under a key, comparable. */
interface Held {
  readonly type: CellType;
  readonly key: number;
  /** Bits, or the bytes of a blob; null: damaged. */
  readonly content: number | string | null;
}

async function heldOf(context: Context, path: string, media: string | undefined) {
  const open = await openPersist(context.install, readPersistFile(path, media));
  const all = findAll(open);
  const found = all.filter(({ type }) => type !== CellType.MEANING); // bookkeeping of nodes
  const held = found.map(({ type, key, value }): Held => {
    if (value === undefined) return { type, key, content: null };
    if (kindText(type) !== "blob") return { type, key, content: value };
    const data = blobData(open, { key, value });
    return { type, key, content: data === undefined ? null : Buffer.from(data).toString("hex") };
  });
  return { held, schema: open.image.info().schema, slots: storedIn(open, all).slots };
}

type Slot = Stored["slots"][number];

const slotData = ({ state, name, file, crc }: Slot) => ({ state, name, bytes: file.length, crc });

/** Slots whose images differ. The headers of empty ones count for nothing. */
function changedSlots(before: readonly Slot[], after: readonly Slot[]) {
  const told = (slot?: Slot) =>
    slot?.state === "image" ? `image ${slot.file.length} ${slot.crc}` : slot?.state;
  return Array.from({ length: Math.max(before.length, after.length) }, (_, slot) => ({
    slot,
    a: before[slot],
    b: after[slot],
  })).filter(({ a, b }) => told(a) !== told(b) || a?.state === "damaged");
}

function slotText(slot: Slot | undefined): string {
  if (slot === undefined) return "none";
  return slot.state === "image" ? `${slot.name} ${hex(slot.crc, 8)}` : slot.state;
}

function contentText({ type, key, content }: Held, names: KeyNames): string {
  if (content === null) return "damaged";
  if (typeof content === "string") return content === "" ? "empty" : content;
  return isNumber(type) ? names.valueText(key, content) : hex(content, 4);
}

function sideOf(held: Held | undefined) {
  if (held === undefined) return null;
  const { type, content } = held;
  const isValue = typeof content === "number" && isNumber(type);
  return {
    value: isValue ? numberOf(content) : null,
    bits: typeof content === "number" ? content : null,
    hex: typeof content === "string" ? content : null,
    damaged: content === null,
  };
}

type Image = Awaited<ReturnType<typeof heldOf>>;

/** Keys under which two images hold something else, or something damaged. */
function changedKeys(before: readonly Held[], after: readonly Held[]) {
  const find = (list: readonly Held[], { type, key }: Held) =>
    list.find((h) => h.type === type && h.key === key);
  const all = [...before, ...after.filter((h) => find(before, h) === undefined)];
  const changed = all
    .map((h) => ({ type: h.type, key: h.key, a: find(before, h), b: find(after, h) }))
    .filter(({ a, b }) => a?.content !== b?.content || a?.content === null)
    .sort((x, y) => kindRank(x.type) - kindRank(y.type) || x.key - y.key);
  return { changed, compared: all.length };
}

function differencesText(
  out: Output,
  names: KeyNames,
  [before, after]: readonly [Image, Image],
  changed: ReturnType<typeof changedKeys>["changed"],
  slots: ReturnType<typeof changedSlots>,
): string {
  const side = (held: Held | undefined) => (held === undefined ? "none" : contentText(held, names));
  const keys = changed.map(({ type, key, a, b }) => [
    hex(key, 4),
    nameOf(names, { type, key }) ?? "",
    kindText(type),
    side(a),
    side(b),
  ]);
  const images = slots.map(({ slot, a, b }) => [String(slot), slotText(a), slotText(b)]);
  return [
    before.schema === after.schema ? "" : `schema ${before.schema} -> ${after.schema}`,
    out.table(["KEY", "NAME", "KIND", "BEFORE", "AFTER"], keys),
    out.table(["SLOT", "BEFORE", "AFTER"], images),
  ]
    .filter((part) => part !== "")
    .join("\n");
}

async function diff(
  context: Context,
  paths: readonly [string, string],
  options: ImageOptions,
): Promise<void> {
  const { out } = context;
  const names = readNames(options);
  const before = await heldOf(context, paths[0], options.media);
  const after = await heldOf(context, paths[1], options.media);
  const { changed, compared } = changedKeys(before.held, after.held);
  const slots = changedSlots(before.slots, after.slots);
  const isSame = changed.length + slots.length === 0 && before.schema === after.schema;
  if (!isSame) context.exit = Exit.FAILED;
  const data = {
    before: paths[0],
    after: paths[1],
    same: isSame,
    compared,
    schema_before: before.schema,
    schema_after: after.schema,
    differences: changed.map(({ type, key, a, b }) => ({
      kind: kindText(type),
      key,
      name: nameOf(names, { type, key }),
      before: sideOf(a),
      after: sideOf(b),
    })),
    slots: slots.map(({ slot, a, b }) => ({
      slot,
      before: a === undefined ? null : slotData(a),
      after: b === undefined ? null : slotData(b),
    })),
  };
  out.result("hsx.persist.diff/1", data, () =>
    isSame
      ? `the same: ${plural(compared, "entry", "entries")}`
      : differencesText(out, names, [before, after], changed, slots),
  );
}
