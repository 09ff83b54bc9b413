// hsx persist build: an image of a whole device from a calibration file, the same bytes each time.

import type { Command } from "commander";
import { STORED_UNIT } from "../../../assembly/spec/boot.ts";
import { CellType } from "../../../assembly/spec/cell.ts";
import type { PersistImage } from "../../client/persist-image.ts";
import { type Calibration, readCalibration } from "../../formats/calibration.ts";
import { cellsWithin, roomOf } from "../../formats/persist-image.ts";
import { count, plural } from "../../formats/text.ts";
import { Exit, Failure, mistakes, usage } from "../exit.ts";
import { pathBeside, readText } from "../files.ts";
import type { Install } from "../install.ts";
import type { KeyNames } from "../key-names.ts";
import { logOf, type Media, mediaAt, mediaText, parseMedia } from "../media.ts";
import type { Output } from "../output.ts";
import { type Contents, checkNode, contentsOfNode } from "../plant/memory.ts";
import { addCommand, type Context } from "../program.ts";
import { mount } from "./image.ts";
import { addImageOption, type ImageOptions, readNames, writeImage } from "./options.ts";
import { cellsForNode, populate, readApps } from "./populate.ts";

interface Options extends ImageOptions {
  readonly output: string;
  readonly manifest?: string;
  readonly node?: string;
  readonly force?: true;
}

/** Cells that updates need: one for the next version, and room for what a power cut leaves. */
const SPARE_CELLS = 4;
const BLANK = 0xff;

export function addPersistBuild(parent: Command, context: Context): void {
  const command = addCommand(
    parent,
    "build [calib.toml]",
    "make an image from a calibration file, or of a node of a manifest",
    [
      [
        "hsx persist build calib.toml --image pump.hxe -o node7.fram",
        "its media line says of what device",
      ],
      ["hsx persist build calib.toml -o node7.fram --media fram:131072", "for another device"],
      [
        "hsx persist build --manifest plant.toml --node north -o north.fram",
        "what a node holds that has taken its manifest",
      ],
    ],
  );
  addImageOption(command)
    .requiredOption("-o, --output <file>", "the image")
    .option(
      "--media <kind>",
      "device to fill, instead of what the file says: fram:8192, eeprom:4096, flash8:4096",
    )
    .option("--manifest <plant.toml>", "plant of which a node is made")
    .option("--node <name>", "node of the manifest: its name or id")
    .option("--force", "replace an image that is there already")
    .action((file: string | undefined, options: Options) => {
      checkNode(command, options.manifest);
      return build(context, file, options);
    });
}

// ---- Input ----

/** Reads a calibration file and tells of what it warns. */
export function readCalibrationFile(out: Output, file: string, names: KeyNames): Calibration {
  const read = readCalibration(readText(file), file, names.known);
  for (const warning of read.warnings) out.warnAt(warning);
  if (read.calibration === undefined) throw mistakes(read.diagnostics);
  return read.calibration;
}

/** The device to fill: of --media, else of the file. */
function mediaOf(option: string | undefined, { media }: Calibration): Required<Media> {
  const remedy = 'say it with --media fram:8192, or in the file: media = "fram:8192"';
  if (option === undefined && media === undefined) throw usage("for what device?", remedy);
  const parsed =
    option === undefined ? ofFile(media as NonNullable<Calibration["media"]>) : parseMedia(option);
  const { kind, bytes } = parsed;
  if (bytes === undefined) throw usage(`how many bytes has the ${kind}?`, remedy);
  return { kind, bytes };
}
function ofFile(line: NonNullable<Calibration["media"]>): Media {
  const read = mediaAt(line);
  if ("mistake" in read) throw mistakes([read.mistake]);
  return read.media;
}

// ---- Filling ----

/** Cells that fit beside the slots; all that fit, if slots find no room whatever is done. */
function cellsBeside(capacity: number, media: Media, { slots }: Calibration): number {
  if (slots === undefined) return capacity;
  const taken = slots.count * Math.ceil(slots.bytes / STORED_UNIT);
  const end = (Math.floor((media.bytes as number) / STORED_UNIT) - taken) * STORED_UNIT;
  const cells = cellsWithin(end, logOf(media));
  return cells < 1 ? capacity : Math.min(cells, capacity);
}

/** Cells to make. */
function cellsOf(capacity: number, media: Media, calibration: Calibration): number {
  const { storeCells = cellsBeside(capacity, media, calibration) } = calibration;
  if (storeCells <= capacity) return storeCells;
  const message = `${mediaText(media)} has room for ${plural(capacity, "cell")}, not for ${count(storeCells)}`;
  throw new Failure(Exit.DOES_NOT_FIT, "FULL", message, {
    remedy: "take a larger device, or fewer cells",
    details: { need: storeCells, have: capacity },
  });
}

/** Refuses more values than there are cells, and names the keys that find no room. */
function checkRoom(room: number, media: Media, { calibration, names, noted }: Contents): void {
  const { cells } = calibration;
  const own = cellsForNode(calibration) + noted.length;
  const need = cells.length + own;
  if (need <= room) return;
  const left = cells.slice(Math.max(0, room - own));
  const keys = left.map((cell) => names.text(cell.key));
  const few = `${keys.slice(0, 8).join(", ")}${keys.length > 8 ? ", …" : ""}`;
  const what = own === 0 ? "" : `, ${own} of them for configuration and apps`;
  const message = `${mediaText(media)} has ${plural(room, "cell")}, and ${count(need)} are needed${what}; no room is left for ${few || "them"}`;
  throw new Failure(Exit.DOES_NOT_FIT, "FULL", message, {
    remedy: "take a larger device, or fewer values",
    details: { need, have: room, keys: left.map((c) => c.key) },
  });
}

/** What was written must be what a node finds. */
function check(image: PersistImage, { cells }: Calibration): void {
  const wrong = cells.find(({ type, key, bits }) => image.find(type, key)?.value !== bits);
  if (wrong !== undefined) throw new Error(`key ${wrong.key} was not kept`);
}

/** The bytes of a device that holds what was asked for, its cells, and those that stay free. */
export async function fillDevice(
  install: Install,
  media: Required<Media>,
  contents: Contents,
): Promise<{ bytes: Uint8Array; cells: number; free: number }> {
  const { calibration, images, noted } = contents;
  const bytes = new Uint8Array(media.bytes as number).fill(BLANK);
  const image = await mount(install, bytes, media);
  const storeCells = cellsOf(image.info().capacityCells, media, calibration);
  image.format(storeCells, calibration.schema, 0);
  const cells = roomOf(image.info().cells, logOf(media));
  checkRoom(cells, media, contents);
  for (const { type, key, bits } of calibration.cells) image.write(type, key, bits);
  for (const { type, key, bits } of noted) image.write(type, key, bits);
  await populate(install, bytes, media, calibration, images);
  const made = await mount(install, bytes.slice(), media);
  check(made, calibration);
  return { bytes, cells, free: cells - made.info().live };
}

// ---- What is asked for ----

function ofCalibration(out: Output, path: string, options: Options): Contents {
  const names = readNames(options);
  const calibration = readCalibrationFile(out, path, names);
  const images = readApps(calibration, (name) => pathBeside(path, name));
  return { calibration, images, noted: [], names };
}

function contentsOf(out: Output, path: string | undefined, options: Options): Contents {
  const { manifest, node } = options;
  if ((path === undefined) === (manifest === undefined))
    throw usage("of what?", "name a calibration file, or --manifest plant.toml and --node");
  if (path !== undefined) return ofCalibration(out, path, options);
  return contentsOfNode(out, manifest as string, node);
}

async function build(
  { out, install }: Context,
  path: string | undefined,
  options: Options,
): Promise<void> {
  const contents = contentsOf(out, path, options);
  const { calibration } = contents;
  const media = mediaOf(options.media, calibration);
  const { bytes, cells, free } = await fillDevice(install, media, contents);
  writeImage(options.output, bytes, options.force === true);
  if (free < SPARE_CELLS) {
    const message = `${plural(free, "cell")} of ${count(cells)} stay free; a node that saves values needs ${SPARE_CELLS}`;
    out.warn(message, "take a larger device, or fewer values");
  }
  const number = (type: CellType) => calibration.cells.filter((c) => c.type === type).length;
  const [values, factory] = [number(CellType.VALUE), number(CellType.FACTORY)];
  const { schema } = calibration;
  const data = {
    output: options.output,
    media: mediaText(media),
    bytes: media.bytes,
    schema_of_keys: schema,
    values,
    factory,
    apps: calibration.apps.length,
    cells,
    free,
  };
  out.result("hsx.persist.build/1", data, () => {
    const apps = calibration.apps.length;
    const parts = [plural(values, "value"), plural(factory, "factory value")];
    const held = [...parts, ...(apps === 0 ? [] : [plural(apps, "app")])].join(", ");
    return `${options.output}: ${mediaText(media)}, ${held}; ${count(free)} of ${plural(cells, "cell")} free`;
  });
}
