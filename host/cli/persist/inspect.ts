// hsx persist inspect: what an image holds, by key and name.

import type { Command } from "commander";
import { isYounger } from "../../client/persist-image.ts";
import {
  holdingSuperblock,
  roomOf,
  type Superblock,
  superblocksOf,
} from "../../formats/persist-image.ts";
import { count, hex, plural } from "../../formats/text.ts";
import { appRecordData, bootText, configData, nodeTable } from "../boot-text.ts";
import type { KeyNames } from "../key-names.ts";
import { logOf, mediaText } from "../media.ts";
import { numberOf } from "../numbers.ts";
import type { Output } from "../output.ts";
import { addCommand, type Context } from "../program.ts";
import { wearData, wearText } from "../wear-text.ts";
import {
  blobData,
  findAll,
  isNumber,
  kindRank,
  kindText,
  nameOf,
  type OpenImage,
  openPersist,
  readPersistFile,
} from "./image.ts";
import { addImageOption, addMediaOption, type ImageOptions, readNames } from "./options.ts";
import { type Stored, storedIn } from "./stored.ts";

export function addInspect(parent: Command, context: Context): void {
  const command = addCommand(parent, "inspect <file>", "show what an image holds", [
    ["hsx persist inspect node7.fram", "keys and values"],
    ["hsx persist inspect node7.fram --image pump.hxe", "with names and units"],
  ]);
  addMediaOption(addImageOption(command)).action((file: string, options: ImageOptions) =>
    inspect(context, file, options),
  );
}

type Row = ReturnType<typeof rowsOf>[number];

/** The live cells, by kind and key. Of two versions that a power cut left, the younger holds. */
function rowsOf(open: OpenImage, names: KeyNames) {
  const live = open.cells.filter((c) => c.state === "live");
  return live
    .map((own) => {
      const { cell, type, key, value, generation } = own;
      const isNewest = !live.some((c) => c.type === type && c.key === key && isYounger(c, own));
      const data = kindText(type) === "blob" ? blobData(open, { key, value }) : undefined;
      return {
        type,
        kind: kindText(type),
        key,
        name: nameOf(names, own),
        value: isNumber(type) ? numberOf(value) : null,
        bits: value,
        unit: isNumber(type) ? (names.of(key)?.unit ?? "") : "",
        cell,
        generation,
        holds: isNewest,
        hex: data === undefined ? null : Buffer.from(data).toString("hex"),
      };
    })
    .sort((a, b) => kindRank(a.type) - kindRank(b.type) || a.key - b.key || a.cell - b.cell)
    .map(({ type: _, ...row }) => row);
}

function superText(block: Superblock, holds: boolean): string {
  if (holds) return `${block.copy} holds (sequence ${block.seq})`;
  if (block.isSound) return `${block.copy} is older`;
  const isBlank =
    block.bytes.every((byte) => byte === 0xff) || block.bytes.every((byte) => byte === 0);
  return `${block.copy} is ${isBlank ? "blank" : block.isWhole ? "ended" : "not sound"}`;
}

/** Slots, apps and configuration, as far as there are any. */
function storedText(out: Output, { slots, apps, config }: Stored): string[] {
  const slotRows = slots.map((s) => [
    String(s.slot),
    s.state === "image" ? s.name : s.state,
    s.state === "image" ? count(s.file.length) : "",
    count(s.room),
    hex(s.address, 4),
  ]);
  const appRows = apps
    .map(appRecordData)
    .map((a) => [
      String(a.app),
      a.name,
      a.state,
      String(a.active ?? ""),
      String(a.fallback ?? ""),
      bootText(a.boot),
    ]);
  const table = (header: string[], rows: string[][]) =>
    rows.length === 0 ? [] : ["", out.table(header, rows)];
  return [
    ...table(["SLOT", "HOLDS", "BYTES", "ROOM", "ADDRESS"], slotRows),
    ...table(["APP", "NAME", "STATE", "ACTIVE", "FALLBACK", "BOOT"], appRows),
    ...(config === undefined ? [] : ["", nodeTable(config)]),
  ];
}

function valueText(row: Row, names: KeyNames): string {
  if (row.kind === "blob") return row.hex === null ? "damaged" : row.hex;
  const isWord = row.kind === "system" || row.kind === "meaning";
  return isWord ? hex(row.bits, 4) : names.valueText(row.key, row.bits);
}

/** What inspect shows. */
function inspectData(open: OpenImage, names: KeyNames, stored: Stored) {
  const { file } = open;
  const log = logOf(file.media);
  const info = open.image.info();
  const cells = roomOf(info.cells, log);
  return {
    file: file.path,
    media: mediaText(file.media),
    bytes: file.bytes.length,
    superblock: holdingSuperblock(file.bytes, log)?.copy,
    epoch: info.epoch,
    schema_of_keys: info.schema,
    cells,
    live: info.live,
    free: info.free - (info.cells - cells),
    damaged: info.damaged,
    ...wearData(info),
    node: stored.config === undefined ? null : configData(stored.config),
    slots: stored.slots.map(({ slot, address, room, state, name, file: { length }, crc }) => {
      return { slot, address, room, state, name, bytes: length, crc };
    }),
    apps: stored.apps.map(appRecordData),
    entries: rowsOf(open, names),
  };
}
type Inspected = ReturnType<typeof inspectData>;

function headText(out: Output, open: OpenImage, d: Inspected): string[] {
  const { file } = open;
  const supers = superblocksOf(file.bytes, logOf(file.media)).map((block) =>
    superText(block, block.copy === d.superblock),
  );
  return [
    `${out.style("bold", d.file)}: ${plural(d.bytes, "byte")}, epoch ${d.epoch}, schema ${d.schema_of_keys}`,
    `  ${count(d.live)} of ${plural(d.cells, "cell")} in use, ${count(d.free)} free, ${count(d.damaged)} damaged; superblock ${supers.join(", ")}`,
    `  ${wearText(d)}`,
  ];
}

function entriesText(out: Output, names: KeyNames, entries: readonly Row[]): string[] {
  const rows = entries.map((row) => [
    hex(row.key, 4),
    row.name ?? "",
    row.kind,
    valueText(row, names),
    hex(row.bits, 4),
    String(row.cell),
    String(row.generation),
    row.holds ? "" : "older",
  ]);
  const header = ["KEY", "NAME", "KIND", "VALUE", "BITS", "CELL", "GENERATION", ""];
  return rows.length === 0 ? [] : ["", out.table(header, rows)];
}

async function inspect(context: Context, path: string, options: ImageOptions): Promise<void> {
  const { out, install } = context;
  const names = readNames(options);
  const open = await openPersist(install, readPersistFile(path, options.media));
  const stored = storedIn(open, findAll(open));
  const data = inspectData(open, names, stored);
  out.result("hsx.persist.inspect/1", data, () =>
    [
      ...headText(out, open, data),
      ...entriesText(out, names, data.entries),
      ...storedText(out, stored),
    ].join("\n"),
  );
}
