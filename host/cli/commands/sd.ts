// hsx sd: cards from which nodes come up, made and checked.

import type { Command } from "commander";
import {
  CARD_BYTES_MAX,
  CARD_BYTES_MIN,
  type CardFile,
  cardLayout,
  layCard,
} from "../../formats/fat-card.ts";
import type { FatLayout } from "../../formats/fat-layout.ts";
import { plantId, selectText } from "../../formats/plant.ts";
import { type CardVerdict, cardFiles, checkCard, foreignCard } from "../../formats/plant-card.ts";
import { count, hex, plural } from "../../formats/text.ts";
import { Exit, Failure, mistakes, usage } from "../exit.ts";
import { readText } from "../files.ts";
import { fileCrc } from "../image.ts";
import { cardFailure, type OpenCard, withCard, writeCard, writeFolder } from "../plant/card.ts";
import { checkFit } from "../plant/fit.ts";
import { readLockedPlant, readPlantFile } from "../plant/read.ts";
import { addCommand, type Context, refuseOptions } from "../program.ts";

interface MakeOptions {
  readonly output?: string;
  readonly to?: string;
  readonly size: string;
  readonly fat?: string;
  readonly force?: true;
}

export function addSd(program: Command, context: Context): void {
  const sd = program
    .command("sd")
    .description("make and check SD cards from which nodes come up: make, check");
  addCommand(sd, "make <plant.toml>", "write a card from the manifest of a plant", [
    [
      "hsx sd make plant.toml -o card.img",
      "an image of a card; dd if=card.img of=/dev/sdX brings it there",
    ],
    ["hsx sd make plant.toml --to /media/card", "into the folder where a card is mounted"],
    ["hsx sd make plant.toml -o card.img --size 64M --fat 32", "another size, another kind of FAT"],
  ])
    .option("-o, --output <file>", "image of a card to write")
    .option("--to <folder>", "folder of a mounted card to write to")
    .option("--size <bytes>", "of the image, with K, M, G or T behind it", "16M")
    .option("--fat <bits>", "16 or 32; by default 16 below 512M")
    .option("--force", "replace an image that is there already")
    .action((file: string, options: MakeOptions, command: Command) => {
      if (options.to !== undefined)
        refuseOptions(command, ["size", "fat", "force"], "belongs to -o", "leave it out with --to");
      return make(context, file, options);
    });
  addCommand(sd, "check <card>", "see whether nodes take a card, and say why not", [
    ["hsx sd check card.img", "file system, manifest, and every image by length and CRC"],
    ["hsx sd check /media/card", "the same of a card that is mounted"],
    [
      "hsx sd check card.img --manifest plant.toml",
      "and that it is the card of this plant, and not an older one",
    ],
  ])
    .option("--manifest <plant.toml>", "plant that the card must be of")
    .action((card: string, options: { manifest?: string }) =>
      check(context, card, options.manifest),
    );
}

// ---- make ----

const UNITS: Record<string, number> = { "": 1, K: 2 ** 10, M: 2 ** 20, G: 2 ** 30, T: 2 ** 40 };

function sizeOf(text: string): number {
  const [, digits = "", unit = ""] = /^(\d+)([KMGT]?)$/i.exec(text) ?? [];
  const bytes = Number(digits || Number.NaN) * (UNITS[unit.toUpperCase()] ?? Number.NaN);
  if (bytes >= CARD_BYTES_MIN && bytes <= CARD_BYTES_MAX && bytes % 512 === 0) return bytes;
  throw usage(
    `--size ${text}: a card has 8M to 2T, in blocks of 512 bytes`,
    "write for example --size 64M",
  );
}
function bitsOf(text: string | undefined): 16 | 32 | undefined {
  if (text === undefined) return undefined;
  if (text === "16" || text === "32") return Number(text) as 16 | 32;
  throw usage(`--fat ${text}: nodes read FAT16 and FAT32`, "write --fat 16 or --fat 32");
}

function writeImage(
  path: string,
  files: readonly CardFile[],
  serial: number,
  options: MakeOptions,
): FatLayout {
  const bytes = sizeOf(options.size);
  const bits = bitsOf(options.fat);
  const layout = cardLayout(bytes, bits);
  if (layout === undefined)
    throw usage(
      `there is no FAT${bits} of ${options.size}`,
      "FAT16 has 8M to 4G, FAT32 36M and more",
    );
  const pieces = layCard(layout, files, serial);
  if (pieces === undefined)
    throw new Failure(
      Exit.DOES_NOT_FIT,
      "card-full",
      `what the plant needs does not fit a card of ${options.size}`,
      {
        remedy: "make a larger one: --size",
      },
    );
  writeCard(path, bytes, pieces, options.force === true);
  return layout;
}

async function make(context: Context, path: string, options: MakeOptions): Promise<void> {
  const { out, install } = context;
  const { output, to } = options;
  if ((output === undefined) === (to === undefined))
    throw usage("where to?", "write an image, -o card.img, or to a mounted card, --to FOLDER");
  const file = readLockedPlant(out, path);
  await checkFit(install, file);
  const files = cardFiles(file, readText(path));
  const serial = fileCrc(files.at(-1)?.bytes ?? new Uint8Array());
  const layout = output === undefined ? undefined : writeImage(output, files, serial, options);
  if (to !== undefined) writeFolder(to, files);
  const { name, version } = file.plant;
  const rows = files.map(({ name, bytes }) => ({ name, bytes: bytes.length, crc: fileCrc(bytes) }));
  const where = output ?? (to as string);
  const data = {
    file: path,
    card: where,
    plant: name,
    plant_id: plantId(name),
    version,
    format: formatData(layout),
    files: rows,
  };
  out.result("hsx.sd.make/1", data, () => {
    const kind = layout === undefined ? "" : `, ${options.size}, FAT${layout.bits}`;
    const head = `${where}: ${name}, version ${version}${kind}; ${plural(rows.length, "file")}`;
    return [head, "", filesText(context, rows)].join("\n");
  });
}

// ---- check ----

function formatData(layout: FatLayout | undefined) {
  if (layout === undefined) return null;
  const { bits, first, clusters, clusterBlocks } = layout;
  return { fat: bits, first_block: first, clusters, cluster_bytes: clusterBlocks * 512 };
}
function filesText(
  { out }: Context,
  rows: readonly { name: string; bytes: number; crc: number }[],
): string {
  const cells = rows.map(({ name, bytes, crc }) => [name, count(bytes), hex(crc, 8)]);
  return out.table(["FILE", "BYTES", "CRC"], cells);
}

/** Reads a card whole. Throws what is wrong with its file system. */
function verdictOf(path: string): CardVerdict & { readonly layout: FatLayout | undefined } {
  const look = ({ content, fat }: OpenCard) => ({ ...checkCard(content), layout: fat?.layout });
  try {
    return withCard(path, look);
  } catch (error) {
    throw cardFailure(path, error);
  }
}

function check(context: Context, path: string, manifest: string | undefined): void {
  const { out } = context;
  const { plant, images, diagnostics, layout } = verdictOf(path);
  const wanted = manifest === undefined ? undefined : readPlantFile(out, manifest).plant;
  const foreign = plant && wanted && foreignCard(path, plant, wanted);
  const all = [...diagnostics, ...(foreign ? [foreign] : [])];
  if (plant === undefined || all.length > 0) throw mistakes(all, Exit.VERIFY);
  const nodes = plant.nodes.map(({ name, select, apps }) => ({
    name,
    select: selectText(select),
    apps: apps.map((app) => app.name),
  }));
  const files = images.map(({ file, bytes, crc }) => ({ name: file, bytes, crc }));
  const { name, version } = plant;
  const data = {
    card: path,
    plant: name,
    plant_id: plantId(name),
    version,
    format: formatData(layout),
    nodes,
    files,
  };
  out.result("hsx.sd.check/1", data, () => {
    const kind = layout === undefined ? "" : `FAT${layout.bits}, `;
    const what = `${plural(nodes.length, "node")}, ${plural(files.length, "image")}`;
    return [
      `${path}: sound; ${kind}${name}, version ${version}; ${what}`,
      "",
      filesText(context, files),
    ].join("\n");
  });
}
