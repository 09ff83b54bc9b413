// What a card holds of a plant: the manifest, the images under their short names, a text for people; and whether it does.

import { crc32 } from "node:zlib";
import { type Diagnostic, wholeFile } from "./diagnostic.ts";
import type { CardFile } from "./fat-card.ts";
import { type Plant, type PlantApp, plantId, selectText } from "./plant.ts";
import type { PlantFile } from "./plant-file.ts";
import { encodePlant } from "./plant-manifest.ts";
import { decodePlant } from "./plant-manifest-reader.ts";
import { count, hex, plural } from "./text.ts";

export const MANIFEST_FILE = "HSX.HXM";
export const PEOPLE_FILE = "HSX.TXT";
/** No manifest is longer. */
export const MANIFEST_BYTES_MAX = 114_620;

// ---- Writing ----

/** The text for people: what lies on the card, who runs what, and the manifest as it was written. */
function peopleText(
  { plant, images, nodes }: PlantFile,
  manifest: Uint8Array,
  source: string,
): string {
  const files = images.map(({ name, known, version }) => {
    const note = version === undefined ? name : `${name}, version ${version}`;
    return `${known.file.padEnd(12)}  ${count(known.bytes).padStart(7)} bytes  CRC ${hex(known.crc, 8)}  ${note}`;
  });
  const rows = nodes.map(({ node }) => {
    const apps = node.apps.map(({ name }) => name).join(", ") || "nothing";
    return `${node.name}, ${selectText(node.select)}: ${apps}`;
  });
  const lines = [
    `${plant.name}, version ${plant.version}. Made by hsx sd make.`,
    `Nodes read ${MANIFEST_FILE} and the images; this file is for people.`,
    "",
    `${MANIFEST_FILE.padEnd(12)}  ${count(manifest.length).padStart(7)} bytes  CRC ${hex(crc32(manifest), 8)}`,
    ...files,
    "",
    ...rows,
    "",
    "The manifest as it was written:",
    "",
    ...source.trimEnd().split(/\r?\n/),
    "",
  ];
  return lines.join("\r\n");
}

/** The files of a card. The manifest is the last: a card without it is none. `source`: of the manifest. */
export function cardFiles(file: PlantFile, source: string): CardFile[] {
  const made = encodePlant(file.plant);
  if ("message" in made) throw new Error(made.message); // whoever read the file has said so
  const manifest = { name: MANIFEST_FILE, bytes: made.bytes };
  const text = Uint8Array.from(Buffer.from(peopleText(file, made.bytes, source)));
  const images = file.images.map(({ known, bytes }) => ({ name: known.file, bytes }));
  return [...images, { name: PEOPLE_FILE, bytes: text }, manifest];
}

// ---- Checking ----

/** A card, or a folder that is one, as a check sees it. */
export interface CardContent {
  /** What messages call it. */
  readonly name: string;
  readonly files: readonly {
    readonly name: string;
    readonly longName: string | undefined;
    readonly bytes: number;
  }[];
  /** The bytes of a file of that list. Throws what is wrong with it. */
  readFile(index: number): Uint8Array;
}
/** An image that a manifest names. */
export interface CardImage {
  readonly file: string;
  readonly bytes: number;
  readonly crc: number;
}
export interface CardVerdict {
  readonly plant?: Plant;
  readonly images: readonly CardImage[];
  readonly diagnostics: readonly Diagnostic[];
}

function mistake({ name }: CardContent, code: string, message: string, remedy: string): Diagnostic {
  return { ...wholeFile(name), code, message, remedy };
}

/** Looks a file up as a node does. Not there: what may be meant instead. */
function find(card: CardContent, file: string): number | Diagnostic {
  const index = card.files.findIndex(({ name }) => name === file);
  if (index >= 0) return index;
  const [base = "", extension = ""] = file.toLowerCase().split(".");
  const isAlike = (long: string) =>
    long.toLowerCase().endsWith(`.${extension}`) && long.toLowerCase().startsWith(base.slice(0, 6));
  const long = card.files.find(({ longName }) => longName !== undefined && isAlike(longName));
  const hasManifest = file === MANIFEST_FILE;
  if (long !== undefined) {
    const short = long.name === "" ? "" : `, whose short name is ${long.name}`;
    const message = `the card has no ${file}, only ${long.longName}${short}: nodes see no long names`;
    return mistake(
      card,
      "long-name",
      message,
      `name it ${file}, or let hsx sd make write the card`,
    );
  }
  const others = card.files.filter(({ longName }) =>
    longName?.toLowerCase().endsWith(`.${extension}`),
  );
  const what =
    others.length > 0
      ? `; what it has is ${others.map((o) => o.longName).join(", ")}, and nodes see no long names`
      : "";
  const code = others.length > 0 ? "long-name" : hasManifest ? "no-manifest" : "missing-image";
  return mistake(
    card,
    code,
    `the card has no ${file}${what}`,
    "write it again: hsx sd make, or hsx sd make --to the folder of the card",
  );
}

/** Bytes of a file, or what is wrong with it. */
function bytesOf(card: CardContent, file: string, most: number): Uint8Array | Diagnostic {
  const index = find(card, file);
  if (typeof index !== "number") return index;
  const { bytes } = card.files[index] as CardContent["files"][number];
  if (bytes <= most) return card.readFile(index);
  return mistake(
    card,
    "bad-length",
    `${file} has ${plural(bytes, "byte")}; there can be ${count(most)}`,
    "write it again: hsx sd make",
  );
}

function imageMistake(card: CardContent, { file, bytes, crc }: CardImage): Diagnostic | undefined {
  const read = bytesOf(card, file, Math.max(bytes, 2 ** 24));
  if (!(read instanceof Uint8Array)) return read;
  const remedy = "write the card again with the image that is meant: hsx sd make";
  if (read.length !== bytes)
    return mistake(
      card,
      "wrong-image",
      `${file} has ${plural(read.length, "byte")}; the manifest names one of ${count(bytes)}`,
      remedy,
    );
  const found = crc32(read);
  if (found === crc) return undefined;
  return mistake(
    card,
    "wrong-image",
    `${file} has the CRC ${hex(found, 8)}; the manifest names one of ${hex(crc, 8)}`,
    remedy,
  );
}

function imagesOf({ nodes }: Plant): CardImage[] {
  const apps: PlantApp[] = nodes.flatMap((node) => node.apps);
  const files = new Map(
    apps.map(({ image: { file, bytes, crc } }) => [
      `${file} ${crc} ${bytes}`,
      { file, bytes, crc },
    ]),
  );
  return [...files.values()];
}

/** Whether a card is one that nodes take: its manifest, and every image that it names. */
export function checkCard(card: CardContent): CardVerdict {
  const manifest = bytesOf(card, MANIFEST_FILE, MANIFEST_BYTES_MAX);
  if (!(manifest instanceof Uint8Array)) return { images: [], diagnostics: [manifest] };
  const { plant, diagnostics } = decodePlant(manifest, `${card.name}: ${MANIFEST_FILE}`);
  if (plant === undefined) return { images: [], diagnostics };
  const images = imagesOf(plant);
  const bad = images.flatMap((image) => imageMistake(card, image) ?? []);
  return { plant, images, diagnostics: bad };
}

/** Why a card is not that of a plant; undefined: it is. */
export function foreignCard(
  card: string,
  { name, version }: Plant,
  wanted: Plant,
): Diagnostic | undefined {
  const told = (code: string, message: string, remedy: string) => ({
    ...wholeFile(card),
    code,
    message,
    remedy,
  });
  if (plantId(name) !== plantId(wanted.name))
    return told(
      "other-plant",
      `the card is of the plant ${name}, not of ${wanted.name}`,
      "take the card of this plant, or write one: hsx sd make",
    );
  if (version < wanted.version)
    return told(
      "older-card",
      `the card has version ${version} of the plant, which is at ${wanted.version}`,
      "write the card again: hsx sd make",
    );
  return undefined;
}
