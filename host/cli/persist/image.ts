// Persistence images in files: read, held by the core, and what a node would find in them.

import { statSync } from "node:fs";
import { CellType } from "../../../assembly/spec/cell.ts";
import { type Found, PersistImage } from "../../client/persist-image.ts";
import {
  blobOf,
  type Cell,
  CellState,
  cellsOf,
  faultOf,
  holdingSuperblock,
  type ImageFault,
  mended,
  wrongBitOfCell,
} from "../../formats/persist-image.ts";
import { count, hex } from "../../formats/text.ts";
import { NvDevice } from "../../node/nv.ts";
import { Exit, Failure } from "../exit.ts";
import { fileFailure, readBytes } from "../files.ts";
import type { Install } from "../install.ts";
import type { KeyNames } from "../key-names.ts";
import { DEVICE_BYTES_MAX, geometryOf, isDeviceSize, type Media, parseMedia } from "../media.ts";

/** The bytes of a device, as a file has them. */
export interface PersistFile {
  readonly path: string;
  readonly bytes: Uint8Array;
  readonly media: Media & { readonly bytes: number };
}

// ---- Reading ----

function wrongSize(path: string, size: number, wanted: string, remedy: string): Failure {
  const message = `${path} has ${count(size)} bytes, ${wanted}`;
  return new Failure(Exit.DOES_NOT_FIT, "nv-size", message, { remedy, details: { file: path } });
}

function checkSize(path: string, size: number): void {
  if (isDeviceSize(size)) return;
  const wanted = `a device has 64 to ${count(DEVICE_BYTES_MAX)}`;
  throw wrongSize(path, size, wanted, "name a file that hsx persist build or a node has made");
}

/** Reads the bytes of a device. `media`: what --media says; without it FRAM of the file's size. */
export function readPersistFile(path: string, media = "fram"): PersistFile {
  const { kind, bytes: wanted } = parseMedia(media);
  const size = sizeOf(path);
  if (size !== undefined) checkSize(path, size);
  const bytes = readBytes(path);
  checkSize(path, bytes.length);
  if (wanted !== undefined && wanted !== bytes.length) {
    throw wrongSize(path, bytes.length, `--media says ${count(wanted)}`, "leave out the size");
  }
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

/** Why no node takes an image, as a failure of the command. */
export function faultFailure(path: string, fault: ImageFault): Failure {
  const [text, remedy] = FAULTS[fault.kind](fault as never, path);
  const isOther = fault.kind === "version" || fault.kind === "large";
  return new Failure(isOther ? Exit.DOES_NOT_FIT : Exit.VERIFY, "bad-store", `${path} ${text}`, {
    remedy,
    details: { file: path, fault: fault.kind },
  });
}

// ---- Holding ----

/** A copy of an image, held by the core, and its cells one by one. */
export interface OpenImage {
  readonly file: PersistFile;
  readonly image: PersistImage;
  /** Every cell as its bytes say. */
  readonly cells: readonly Cell[];
  readonly epoch: number;
}

/** Mounts bytes as a device. Nothing is ever written to the file. */
export function mount(install: Install, bytes: Uint8Array, media: Media): Promise<PersistImage> {
  const device = new NvDevice(bytes, { geometry: geometryOf(media) });
  return install.core("desktop").then((core) => PersistImage.open(core, device));
}

/** Opens a store, whatever the state of its cells. Throws why it is none. */
export async function openPersist(install: Install, file: PersistFile): Promise<OpenImage> {
  const fault = faultOf(file.bytes);
  if (fault !== undefined) throw faultFailure(file.path, fault);
  const image = await mount(install, file.bytes.slice(), file.media);
  if (!image.isReady) throw new Error("core and codec disagree whether this is a store");
  const { eraseSize } = geometryOf(file.media);
  const epoch = holdingSuperblock(file.bytes)?.epoch ?? 0;
  return { file, image, cells: cellsOf(file.bytes, eraseSize), epoch };
}

// ---- What a node finds ----

const isWhole = (cell: Cell) =>
  cell.state === CellState.LIVE ||
  cell.state === CellState.DAMAGED ||
  cell.state === CellState.UNFINISHED;

/** Types and keys that any cell has or had before it was damaged, in order. */
function keysOf(cells: readonly Cell[], epoch: number): { type: CellType; key: number }[] {
  const keys = new Map<number, { type: CellType; key: number }>();
  const add = ({ type, key }: Pick<Cell, "type" | "key">) => {
    if (key !== 0 && key !== 0xffff) keys.set(key * 256 + type, { type, key });
  };
  for (const cell of cells.filter(isWhole)) {
    const bit = wrongBitOfCell(cell, epoch);
    add(bit === undefined ? cell : mended(cell, bit));
  }
  return [...keys].sort(([a], [b]) => a - b).map(([, key]) => key);
}

/** What a node finds for every key that the image tells of; a blob's value is where it lies. Changes the held copy as a boot does. */
export function findAll({ image, cells, epoch }: OpenImage): Found[] {
  return keysOf(cells, epoch)
    .map(({ type, key }) => image.find(type, key))
    .filter((found) => found !== undefined);
}

/** Data of the blob a cell refers to; undefined: it is damaged. */
export function blobData(
  open: OpenImage,
  cell: Pick<Cell, "key" | "value">,
): Uint8Array | undefined {
  return blobOf(open.image.device.bytes, open.cells.length, cell);
}

const KINDS: Partial<Record<CellType, string>> = {
  [CellType.VALUE]: "value",
  [CellType.FACTORY]: "factory",
  [CellType.SYSTEM]: "system",
  [CellType.BLOB]: "blob",
};
/** In the order people are shown them. */
export function kindRank(type: CellType): number {
  return [CellType.VALUE, CellType.FACTORY, CellType.SYSTEM, CellType.BLOB].indexOf(type);
}
/** `value`, `factory`, `system`, `blob`. */
export function kindText(type: CellType): string {
  return KINDS[type] ?? "none";
}
/** `0x0201 thermostat:setpoint = 22.5 degC` */
export function entryText(
  names: KeyNames,
  { type, key, value }: Pick<Cell, "type" | "key" | "value">,
): string {
  if (!isNumber(type)) return `${kindText(type)} ${hex(key, 4)} = ${hex(value, 4)}`;
  const factory = type === CellType.FACTORY ? "factory value " : "";
  return `${factory}${names.text(key)} = ${names.valueText(key, value)}`;
}
export function isNumber(type: CellType): boolean {
  return type === CellType.VALUE || type === CellType.FACTORY;
}
