// Files as commands read and write them: every failure is a sentence with the name that was given.

import {
  closeSync,
  existsSync,
  fsyncSync,
  mkdirSync,
  openSync,
  readdirSync,
  readFileSync,
  realpathSync,
  renameSync,
  rmSync,
  type Stats,
  statSync,
  writeFileSync,
} from "node:fs";
import { basename, dirname, isAbsolute, join } from "node:path";
import { suggest } from "../formats/diagnostic.ts";
import { plural } from "../formats/text.ts";
import { Exit, Failure } from "./exit.ts";

interface Cause {
  readonly exit: Exit;
  readonly code: string;
  readonly text: string;
  readonly remedy?: string;
}

const CAUSES: Record<string, Cause> = {
  ENOENT: { exit: Exit.NOT_FOUND, code: "missing-file", text: "there is no such file" },
  ENOTDIR: { exit: Exit.NOT_FOUND, code: "missing-file", text: "a part of the path is a file" },
  EISDIR: {
    exit: Exit.FAILED,
    code: "is-directory",
    text: "this is a directory",
    remedy: "name a file in it",
  },
  EACCES: {
    exit: Exit.FAILED,
    code: "permission",
    text: "the system does not permit it",
    remedy: "look at the owner and mode of the file",
  },
  EEXIST: {
    exit: Exit.FAILED,
    code: "exists",
    text: "it exists already",
    remedy: "remove it or choose another name",
  },
  EROFS: {
    exit: Exit.FAILED,
    code: "permission",
    text: "the file system is read-only",
    remedy: "write elsewhere",
  },
  ENOSPC: {
    exit: Exit.FAILED,
    code: "disk-full",
    text: "the disk is full",
    remedy: "make room on it",
  },
};

function nearest(path: string): string | undefined {
  try {
    const near = suggest(basename(path), readdirSync(dirname(path)));
    return near ?? "look at the name and the folder";
  } catch {
    return `there is no folder ${dirname(path)}, either`;
  }
}

/** Writing and opening make the file: what is missing then is its folder. */
const NO_FOLDER: Cause = {
  exit: Exit.NOT_FOUND,
  code: "missing-folder",
  text: "there is no such folder",
  remedy: "make it first, or write elsewhere",
};

/** What the system says against a file, in words. */
export function fileFailure(
  error: unknown,
  path: string,
  verb: "read" | "write" | "open" | "make",
): Failure {
  const { code = "", message } = error as NodeJS.ErrnoException;
  const cause = code === "ENOENT" && verb !== "read" ? NO_FOLDER : CAUSES[code];
  const { exit, text, remedy } = cause ?? { exit: Exit.FAILED, text: message, remedy: undefined };
  const isUnread = code === "ENOENT" && verb === "read";
  return new Failure(exit, cause?.code ?? "file", `cannot ${verb} ${path}: ${text}`, {
    remedy: isUnread ? nearest(path) : (remedy ?? "look at the path"),
    details: { file: path },
  });
}

/** A file's bytes. Throws a Failure, as all that follow. */
export function readBytes(path: string): Uint8Array<ArrayBuffer> {
  try {
    return new Uint8Array(readFileSync(path));
  } catch (error) {
    throw fileFailure(error, path, "read");
  }
}

/** The image of an SD card: blocks of 512 bytes. */
export function readCard(path: string): Uint8Array<ArrayBuffer> {
  const bytes = readBytes(path);
  if (bytes.length > 0 && bytes.length % 512 === 0) return bytes;
  const text = `${path}: an image of a card has blocks of 512 bytes, this file has ${plural(bytes.length, "byte")}`;
  throw new Failure(Exit.VERIFY, "card", text, {
    remedy: "make one: hsx sd make PLANT -o FILE",
    details: { file: path },
  });
}

export function readText(path: string): string {
  return new TextDecoder().decode(readBytes(path));
}

/** Text of a file that may be missing. */
export function readTextIfAny(path: string): string | undefined {
  try {
    return readFileSync(path, "utf8");
  } catch {
    return undefined;
  }
}

/** Path of a file that another one names: from the folder of that one, unless it is absolute. */
export function pathBeside(file: string, name: string): string {
  return isAbsolute(name) ? name : join(dirname(file), name);
}

export function isFolder(path: string): boolean {
  return statIfAny(path)?.isDirectory() === true;
}
/** What lies there that is no folder. */
export function kindOfPath(path: string): "nothing" | "file" | "device" {
  const there = statIfAny(path);
  if (there === undefined) return "nothing";
  return there.isFile() ? "file" : "device";
}

/** Refuses to write over what is there, unless that was asked for. */
export function checkFree(path: string, mayReplace: boolean): void {
  if (mayReplace || !existsSync(path)) return;
  throw new Failure(Exit.FAILED, "exists", `${path} exists already; nothing was changed`, {
    remedy: "choose another name, or add --force to replace it",
    details: { file: path },
  });
}

/** Makes a folder and those above it; one that is there is fine. */
export function makeFolder(path: string): void {
  try {
    mkdirSync(path, { recursive: true });
  } catch (error) {
    throw fileFailure(error, path, "make");
  }
}

function statIfAny(path: string): Stats | undefined {
  return statSync(path, { throwIfNoEntry: false });
}

/** Puts a file into place whole, as `write` fills it: until then what was there stays, whatever happens meanwhile. */
function replaceWhole(path: string, mode: number, write: (file: number) => void): void {
  const temporary = join(dirname(path), `.${basename(path)}.${process.pid}.tmp`);
  try {
    const file = openSync(temporary, "w", mode);
    try {
      write(file);
      fsyncSync(file);
    } finally {
      closeSync(file);
    }
    renameSync(temporary, path);
  } catch (error) {
    rmSync(temporary, { force: true });
    throw error;
  }
}

/** Writes a file, whole or not at all. "wx": only if there is none of that name. A pipe or device gets the bytes as they are. */
export function writeOutput(path: string, data: string | Uint8Array, flag: "w" | "wx" = "w"): void {
  try {
    const there = statIfAny(path);
    if (there !== undefined && flag === "wx") throw Object.assign(new Error(), { code: "EEXIST" });
    if (there?.isFile() === false || path.startsWith("/dev/")) writeFileSync(path, data);
    else writeWhole(path, (file) => writeFileSync(file, data));
  } catch (error) {
    throw fileFailure(error, path, "write");
  }
}
/** Writes a file whole or not at all, as `write` fills the one it gets open. What it throws is thrown. */
export function writeWhole(path: string, write: (file: number) => void): void {
  const there = statIfAny(path);
  if (there === undefined) replaceWhole(path, 0o666, write);
  else replaceWhole(realpathSync(path), there.mode & 0o777, write);
}
