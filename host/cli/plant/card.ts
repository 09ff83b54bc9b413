// Cards as files of this system: an image of one with holes where nothing is, a folder where one is mounted, both read as nodes read them.

import {
  closeSync,
  existsSync,
  fstatSync,
  ftruncateSync,
  openSync,
  readdirSync,
  readSync,
  statSync,
  writeSync,
} from "node:fs";
import { join } from "node:path";
import type { CardFile, CardPiece } from "../../formats/fat-card.ts";
import { CardMistake, FatCard } from "../../formats/fat-reader.ts";
import type { CardContent } from "../../formats/plant-card.ts";
import { Exit, Failure } from "../exit.ts";
import {
  checkFree,
  fileFailure,
  isFolder,
  kindOfPath,
  readBytes,
  writeOutput,
  writeWhole,
} from "../files.ts";

// ---- Writing ----

/** Writes the image of a card; its zeros are holes. */
export function writeCard(
  path: string,
  bytes: number,
  pieces: readonly CardPiece[],
  mayReplace: boolean,
): void {
  if (existsSync(path) && !statSync(path).isFile())
    throw new Failure(Exit.FAILED, "not-a-file", `${path} is no file; nothing was written`, {
      remedy:
        "write an image and copy it to the card with dd, or name the folder of the mounted card: --to",
    });
  checkFree(path, mayReplace);
  try {
    writeWhole(path, (file) => {
      ftruncateSync(file, bytes);
      for (const piece of pieces) writeSync(file, piece.bytes, 0, piece.bytes.length, piece.at);
    });
  } catch (error) {
    throw fileFailure(error, path, "write");
  }
}

/** What is to be done where there is no folder of a mounted card. */
const NO_FOLDER = {
  nothing: ["there is no folder", "mount the card, and name the folder where it is"],
  file: ["it is a file, not the folder of a mounted card", "an image of a card is written by -o"],
  device: [
    "it is a device, not the folder of a mounted card",
    "mount it and name that folder, or write an image, -o card.img, and copy it to the device with dd",
  ],
} as const;

/** Writes the files of a card into a folder, the manifest last. */
export function writeFolder(folder: string, files: readonly CardFile[]): void {
  if (!isFolder(folder)) {
    const [why, remedy] = NO_FOLDER[kindOfPath(folder)];
    const told = `--to ${folder}: ${why}; nothing was written`;
    throw new Failure(Exit.NOT_FOUND, "missing-folder", told, { remedy });
  }
  for (const { name, bytes } of files) writeOutput(join(folder, name), bytes);
}

// ---- Reading ----

/** Bytes of an open file from an offset on; fewer at its end. */
function pieceOf(file: number, at: number, bytes: number): Uint8Array {
  const piece = new Uint8Array(bytes);
  return piece.subarray(0, readSync(file, piece, 0, bytes, at));
}

function folderContent(path: string): CardContent {
  const names = readdirSync(path).filter((name) => statSync(join(path, name)).isFile());
  const files = names.map((name) => {
    const isShort = /^[^.]{1,8}(\.[^.]{1,3})?$/.test(name) && !name.includes(" ");
    const upper = name.toUpperCase(); // a system shows short names in small letters, too
    return {
      name: isShort ? upper : "",
      longName: isShort ? undefined : name,
      bytes: statSync(join(path, name)).size,
    };
  });
  return { name: path, files, readFile: (index) => readBytes(join(path, names[index] as string)) };
}

/** A card and what is known of its file system; undefined: of a folder. */
export interface OpenCard {
  readonly content: CardContent;
  readonly fat: FatCard | undefined;
}

/** Reads an image of a card, or the folder where one is mounted, as long as `use` runs. Throws a CardMistake. */
export function withCard<T>(path: string, use: (card: OpenCard) => T): T {
  if (isFolder(path)) return use({ content: folderContent(path), fat: undefined });
  const file = open(path);
  try {
    const fat = new FatCard((at, bytes) => pieceOf(file, at, bytes), fstatSync(file).size);
    const files = fat.files();
    fat.checkShared(files);
    const readFile = (index: number) => fat.readFile(files[index] as (typeof files)[number]);
    return use({ content: { name: path, files, readFile }, fat });
  } finally {
    closeSync(file);
  }
}
function open(path: string): number {
  try {
    return openSync(path, "r");
  } catch (error) {
    throw fileFailure(error, path, "read");
  }
}

/** What is wrong with a card, as a failure. */
export function cardFailure(path: string, error: unknown): unknown {
  if (!(error instanceof CardMistake)) return error;
  const { code, message, remedy } = error;
  return new Failure(Exit.VERIFY, code, `${path}: ${message}`, { remedy, details: { file: path } });
}
