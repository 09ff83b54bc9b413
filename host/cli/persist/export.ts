// hsx persist export: the calibration file that build makes the same values of.

import { dirname, join, relative } from "node:path";
import type { Command } from "commander";
import { Source, STORED_HEADER_BYTES } from "../../../assembly/spec/boot.ts";
import { CellType } from "../../../assembly/spec/cell.ts";
import type { Found } from "../../client/persist-image.ts";
import { type StoredValue, writeCalibration } from "../../formats/calibration.ts";
import { plural } from "../../formats/text.ts";
import { nodeTable, sourceText } from "../boot-text.ts";
import { makeFolder, writeOutput } from "../files.ts";
import type { KeyNames } from "../key-names.ts";
import { mediaText } from "../media.ts";
import { numberOf } from "../numbers.ts";
import { addCommand, type Context } from "../program.ts";
import { findAll, kindText, openPersist, readPersistFile } from "./image.ts";
import { addImageOption, addMediaOption, type ImageOptions, readNames } from "./options.ts";
import { type Stored, type StoredApp, storedIn } from "./stored.ts";

interface Options extends ImageOptions {
  readonly output?: string;
  readonly extract?: string;
}

export function addExport(parent: Command, context: Context): void {
  const command = addCommand(parent, "export <file>", "write the calibration file of an image", [
    ["hsx persist export node7.fram --image pump.hxe -o calib.toml", "with names and units"],
    ["hsx persist export node7.fram", "to the terminal, by key"],
  ]);
  addMediaOption(addImageOption(command))
    .option("-o, --output <file>", "write it here")
    .option("--extract <folder>", "write the images of stored apps here, and name them")
    .action((file: string, options: Options) => exportFile(context, file, options));
}

const isStored = (found: Found): found is Found & { value: number } => found.value !== undefined;

// ---- What a node keeps besides values ----

/** Writes the images of all apps into a folder. Returns their paths by slot. */
function extract(stored: Stored, folder: string): Map<number, string> {
  makeFolder(folder);
  const paths = new Map<number, string>();
  for (const { active } of stored.apps) {
    const slot = stored.slots.find((s) => s.slot === active && s.state === "image");
    if (slot === undefined) continue;
    const name = slot.name.replace(/[^\w.-]/g, "_") || `slot-${slot.slot}`;
    const path = join(folder, `${name}.hxe`);
    writeOutput(path, slot.file);
    paths.set(slot.slot, path);
  }
  return paths;
}

function appTable({ active, boot }: StoredApp, paths: ReadonlyMap<number, string>, from: string) {
  const path = paths.get(active ?? -1) as string;
  const { order, restarts, fallbackOnFault, source, quantum } = boot;
  const lines = [
    "[[apps]]",
    `image = ${JSON.stringify(relative(from, path))}`,
    ...(order === 0 ? [] : [`order = ${order}`]),
    ...(restarts === 0 ? [] : [`restarts = ${restarts}`]),
    ...(fallbackOnFault ? ["fallback_on_fault = true"] : []),
    ...(source === Source.STORED ? [] : [`source = "${sourceText(source)}"`]),
    ...(quantum === 0 ? [] : [`quantum = ${quantum}`]),
  ];
  return lines.join("\n");
}

/** The tables of configuration, slots and apps. Apps without an extracted image are left out. */
function storedTables(stored: Stored, paths: ReadonlyMap<number, string>, from: string): string[] {
  const [first] = stored.slots;
  const bytes = first === undefined ? 0 : first.room + STORED_HEADER_BYTES;
  const slots = `[slots]\ncount = ${stored.slots.length}\nbytes = ${bytes}`;
  const apps = stored.apps.filter((app) => paths.has(app.active ?? -1));
  return [
    ...(stored.config === undefined ? [] : [nodeTable(stored.config)]),
    ...(first === undefined ? [] : [slots]),
    ...apps.map((app) => appTable(app, paths, from)),
  ];
}

function warnOfLoss({ out }: Context, path: string, stored: Stored, options: Options): void {
  if (stored.apps.length === 0 || options.extract !== undefined) return;
  const what = plural(stored.apps.length, "app is", "apps are");
  out.warn(`${path}: ${what} left out`, "add --extract FOLDER, which writes their images there");
}

// ---- All of it ----

async function exportFile(context: Context, path: string, options: Options): Promise<void> {
  const { out, install } = context;
  const names = readNames(options);
  const file = readPersistFile(path, options.media);
  const open = await openPersist(install, file);
  const all = findAll(open);
  const stored = storedIn(open, all);
  const found = all.filter(({ type }) => type === CellType.VALUE || type === CellType.FACTORY);
  for (const { key } of found.filter((f) => !isStored(f))) {
    const message = `${path}: the value of key ${names.text(key)} is damaged and left out`;
    out.warn(message, `hsx persist repair ${path} may mend it`);
  }
  warnOfLoss(context, path, stored, options);
  const cells = found
    .filter(isStored)
    .map((f) => ({ type: f.type, key: f.key, bits: f.value }) as StoredValue);
  const { schema, cells: storeCells } = open.image.info();
  const media = mediaText(file.media);
  const paths =
    options.extract === undefined ? new Map<number, string>() : extract(stored, options.extract);
  const remark = `values of ${path.replace(/\p{Cc}/gu, " ")}`;
  const tables = storedTables(stored, paths, dirname(options.output ?? "."));
  const values = writeCalibration({ schema, media, storeCells, cells }, names.known, remark);
  const text = [values, ...tables.map((table) => `${table}\n`)].join("\n");
  if (options.output !== undefined) writeOutput(options.output, text);
  const data = {
    file: path,
    media,
    schema_of_keys: schema,
    values: cells.map((cell) => valueData(names, cell)),
    extracted: [...paths.values()],
    ...(options.output === undefined ? { text } : { output: options.output }),
  };
  out.result("hsx.persist.export/1", data, () => (options.output === undefined ? text : ""));
  if (options.output !== undefined) out.note(`${options.output}: ${plural(cells.length, "value")}`);
}

function valueData(names: KeyNames, { type, key, bits }: StoredValue) {
  const known = names.of(key);
  const name = known?.label ?? null;
  return { kind: kindText(type), key, name, value: numberOf(bits), bits, unit: known?.unit ?? "" };
}
