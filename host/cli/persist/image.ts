// Persistence images in files: read, held by the core, and what a node would find in them.

import { statSync } from "node:fs";
import { CellKind, CellType } from "../../../assembly/spec/cell.ts";
import {
  type Cell,
  type Entry,
  type Found,
  PersistImage,
  type WrongBit,
} from "../../client/persist-image.ts";
import { isNodeWord, wordName } from "../../formats/boot-words.ts";
import { blobOf, faultOf, type ImageFault } from "../../formats/persist-image.ts";
import { count, hex } from "../../formats/text.ts";
import { NvDevice } from "../../node/nv.ts";
import { Exit, Failure } from "../exit.ts";
import { fileFailure, readBytes } from "../files.ts";
import type { Install } from "../install.ts";
import type { KeyNames } from "../key-names.ts";
import {
  checkDeviceSize,
  geometryOf,
  logOf,
  type Media,
  NV_KINDS,
  type NvKind,
  parseMedia,
} from "../media.ts";

/** The bytes of a device, as a file has them. */
export interface PersistFile {
  readonly path: string;
  readonly bytes: Uint8Array;
  readonly media: Media & { readonly bytes: number };
}

// ---- Reading ----

/** Reads the bytes of a device. `media`: what --media says; without it FRAM of the file's size. */
export function readPersistFile(path: string, media = "fram"): PersistFile {
  const { kind, bytes: wanted } = parseMedia(media);
  const option = { name: "--media", bytes: wanted };
  const size = sizeOf(path);
  if (size !== undefined) checkDeviceSize(path, size, option);
  const bytes = readBytes(path);
  checkDeviceSize(path, bytes.length, option);
  return { path, bytes, media: { kind, bytes: bytes.length } };
}

/** Bytes of a file before it is read; undefined: it is none, and reading will tell. */
function sizeOf(path: string): number | undefined {
  try {
    const stats = statSync(path);
    return stats.isFile() ? stats.size : undefined;
  } catch (error) {
    throw fileFailure(error, path, "read");
  }
}

// ---- Faults ----

const FAULTS: {
  [K in ImageFault["kind"]]: (
    fault: Extract<ImageFault, { kind: K }>,
    path: string,
  ) => [text: string, remedy: string];
} = {
  short: () => ["is too short to be a persistence image", "name the whole file"],
  blank: (_, path) => [
    "is blank: it was never formatted",
    `make an image with hsx persist build; or hsx shell --nv ${path}, then store format`,
  ],
  none: () => [
    "is no persistence image, or one whose superblocks are damaged",
    "name a file that hsx persist build or a node has made",
  ],
  version: ({ version }) => [
    `has version ${version} of the format; this hsx knows version 1`,
    "use the hsx that made it",
  ],
  large: ({ cells }) => [
    `tells of ${count(cells)} cells, and no node has so many`,
    "use the hsx that made it",
  ],
  truncated: ({ cells, bytes }) => [
    `is cut off, or of a smaller device than declared: its ${count(cells)} cells take ${count(bytes)} bytes`,
    "take the whole file, or the device it was made for",
  ],
  superblock: ({ copy }, path) => [
    `has no sound superblock: one bit of superblock ${copy} is wrong`,
    `hsx persist repair ${path} -o mended`,
  ],
};

/** The kind of device whose store the bytes are; undefined: of none. */
function kindOf(bytes: Uint8Array): NvKind | undefined {
  return NV_KINDS.find((kind) => faultOf(bytes, logOf({ kind })) === undefined);
}

/** Why no node takes an image, as a failure of the command. */
export function faultFailure({ path, bytes, media }: PersistFile, found?: ImageFault): Failure {
  const fault = found ?? { kind: "none" };
  const other = fault.kind === "none" ? kindOf(bytes) : undefined;
  if (other !== undefined) {
    const message = `${path} is no image of ${media.kind}; its bytes are those of ${other}`;
    const remedy = `name the memory it was made for: --media ${other}`;
    const details = { file: path, fault: "medium" };
    return new Failure(Exit.DOES_NOT_FIT, "bad-store", message, { remedy, details });
  }
  const [text, remedy] = FAULTS[fault.kind](fault as never, path);
  const isOther = fault.kind === "version" || fault.kind === "large";
  return new Failure(isOther ? Exit.DOES_NOT_FIT : Exit.VERIFY, "bad-store", `${path} ${text}`, {
    remedy,
    details: { file: path, fault: fault.kind },
  });
}

// ---- Holding ----

/** A copy of an image, held by the core, and its cells as they are in the file. */
export interface OpenImage {
  readonly file: PersistFile;
  readonly image: PersistImage;
  readonly cells: readonly Cell[];
  /** The wrong bit of each damaged cell that one bit explains. */
  readonly wrongBits: ReadonlyMap<Cell, WrongBit>;
}

/** Mounts bytes as a device. Nothing is ever written to the file. */
export async function mount(
  install: Install,
  bytes: Uint8Array,
  media: Media,
): Promise<PersistImage> {
  const device = new NvDevice(bytes, { geometry: geometryOf(media) });
  return PersistImage.open(await install.core("desktop"), device);
}

/** Opens a store, whatever the state of its cells. Throws why it is none. */
export async function openPersist(install: Install, file: PersistFile): Promise<OpenImage> {
  const image = await mount(install, file.bytes.slice(), file.media);
  if (!image.isReady) throw faultFailure(file, faultOf(file.bytes, logOf(file.media)));
  const cells = image.cells();
  const wrongBits = new Map<Cell, WrongBit>();
  for (const cell of cells.filter((c) => c.state === "damaged")) {
    const bit = image.wrongBit(cell);
    if (bit !== undefined) wrongBits.set(cell, bit);
  }
  return { file, image, cells, wrongBits };
}

/** What a damaged cell said before, as far as that can be known; of any other, what it says. */
export function meantBy({ wrongBits }: OpenImage, cell: Cell): Entry {
  return wrongBits.get(cell)?.meant ?? cell;
}

/** The sound version of an entry, of several any. */
export function liveCellOf({ cells }: OpenImage, { type, key }: Entry): Cell | undefined {
  return cells.find((c) => c.state === "live" && c.type === type && c.key === key);
}

// ---- What a node finds ----

/** Types and keys that any cell has, or had before it was damaged, in order. */
function keysOf(open: OpenImage): Entry[] {
  const keys = new Map<number, Entry>();
  for (const cell of open.cells) {
    const isEnded = cell.state !== "live" && cell.kind === CellKind.LIVE; // superseded, on flash
    if (cell.kind === CellKind.FREE || isEnded) continue;
    const meant = meantBy(open, cell);
    if (meant.key !== 0 && meant.key !== 0xffff) keys.set(meant.key * 256 + meant.type, meant);
  }
  return [...keys].sort(([a], [b]) => a - b).map(([, entry]) => entry);
}

/** True for a word that a node mends when it starts: one bit of its cell has changed. */
export function mends({ wrongBits }: OpenImage, { type, key }: Omit<Entry, "value">): boolean {
  if (type !== CellType.SYSTEM || !isNodeWord(key)) return false;
  return [...wrongBits.values()].some(({ meant }) => meant.type === type && meant.key === key);
}

/** What a node finds for every key that the image tells of; a blob's value is where it lies. Changes the held copy as a boot does. */
export function findAll(open: OpenImage): Found[] {
  return keysOf(open)
    .map(({ type, key, value }) => {
      const found = open.image.find(type, key);
      const isMended = found !== undefined && found.value === undefined && mends(open, found);
      return isMended ? { ...found, value } : found;
    })
    .filter((found) => found !== undefined);
}

/** Data of the blob a cell refers to; undefined: it is damaged. */
export function blobData({ image, cells }: OpenImage, cell: Omit<Entry, "type">) {
  return blobOf(image.device.bytes, cells.length, cell);
}

/** In the order people are shown them. */
const KINDS = new Map<CellType, string>([
  [CellType.VALUE, "value"],
  [CellType.FACTORY, "factory"],
  [CellType.SHADOW, "shadow"],
  [CellType.MEANING, "meaning"],
  [CellType.SYSTEM, "system"],
  [CellType.BLOB, "blob"],
]);

/** `value`, `factory`, `shadow`, `meaning`, `system`, `blob`; `none` of what is no type. */
export function kindText(type: CellType): string {
  return KINDS.get(type) ?? "none";
}
/** Place in the order that people are shown kinds. */
export function kindRank(type: CellType): number {
  return [...KINDS.keys()].indexOf(type);
}
/** Name of what a key holds; null: no image tells. */
export function nameOf(names: KeyNames, { type, key }: Omit<Entry, "value">): string | null {
  if (type === CellType.SYSTEM) return wordName(key) ?? null;
  return type === CellType.BLOB ? null : (names.of(key)?.label ?? null);
}

/** `0x0201 thermostat:setpoint = 22.5 degC` */
export function entryText(names: KeyNames, { type, key, value }: Entry): string {
  if (!isNumber(type)) {
    const name = nameOf(names, { type, key });
    return `${kindText(type)} ${hex(key, 4)}${name === null ? "" : ` ${name}`} = ${hex(value, 4)}`;
  }
  const kind = type === CellType.VALUE ? "" : `${kindText(type)} value `;
  return `${kind}${names.text(key)} = ${names.valueText(key, value)}`;
}
export function isNumber(type: CellType): boolean {
  return type === CellType.VALUE || type === CellType.FACTORY || type === CellType.SHADOW;
}
