// The non-volatile bytes of a node in a file: made formatted, written through, used by one process at a time.

import {
  closeSync,
  existsSync,
  openSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
  writeSync,
} from "node:fs";
import { NvDevice } from "../node/nv.ts";
import { Exit, Failure, usage } from "./exit.ts";
import { fileFailure, writeOutput } from "./files.ts";
import {
  checkDeviceSize,
  geometryOf,
  type Media,
  NV_KINDS,
  type NvKind,
  parseMedia,
} from "./media.ts";

/** What `--nv FILE[:kind[:bytes]]` says. */
export interface NvSpec extends Media {
  readonly path: string;
}

/** Open, with its device; every change is in the file at once. */
export interface NvFile {
  readonly path: string;
  readonly device: NvDevice;
  close(): void;
}

/** Of a new file. */
const BYTES_DEFAULT: Record<NvKind, number> = {
  fram: 8192,
  eeprom: 4096,
  eeprom8: 512,
  flash2: 4096,
  flash4: 4096,
  flash8: 4096,
  flash16: 4096,
};
const KINDS = NV_KINDS.join("|");
const MEDIA = new RegExp(`^(.*?)(?::((?:${KINDS})(?::\\d+)?))?$`);
/** What is meant as a device and is none: `FILE:fram:8k`, `FILE:frma:8192`. */
const NO_MEDIA = new RegExp(`:(\\w+:\\d+|(${KINDS}):.*)$`);

/** Reads the argument of --nv. Throws a usage Failure. */
export function parseNv(text: string): NvSpec {
  const [, path = "", media = "fram"] = MEDIA.exec(text) ?? [];
  if (NO_MEDIA.test(path))
    throw usage(`--nv ${text}: this is no kind or size of a device`, "write FILE:fram:8192");
  if (path === "")
    throw usage(`--nv ${text}: no file is named`, "write --nv FILE or --nv FILE:fram:8192");
  return { path, ...parseMedia(media, `--nv ${text}`) };
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === "EPERM";
  }
}

/** Takes FILE.lock, or says which process has it. One left by a process that is gone is taken over. */
export function lockNv(path: string): string {
  const file = `${path}.lock`;
  for (let attempt = 0; attempt < 2; attempt++) {
    try {
      writeFileSync(file, `${process.pid}\n`, { flag: "wx" });
      return file;
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== "EEXIST")
        throw fileFailure(error, path, "open");
    }
    const holder = Number(readFileSync(file, "utf8"));
    if (isAlive(holder)) {
      throw new Failure(Exit.BUSY, "locked", `${path} is in use by process ${holder}`, {
        remedy: "end that process, or use another file",
      });
    }
    rmSync(file, { force: true });
  }
  throw new Failure(Exit.BUSY, "locked", `${path} is in use by another process`, {
    remedy: "try again",
  });
}

function readDevice({ path, bytes }: NvSpec): Uint8Array {
  checkDeviceSize(path, statSync(path).size, { name: "--nv", bytes });
  return new Uint8Array(readFileSync(path));
}

/**
 * Opens the device of a file. A missing file is made by `format`, which gets the blank device and
 * formats it; the file then appears whole.
 */
export async function openNvFile(
  spec: NvSpec,
  clock_us: () => number,
  format: (device: NvDevice) => Promise<void>,
): Promise<NvFile> {
  const { path } = spec;
  const geometry = geometryOf(spec);
  const lockFile = lockNv(path);
  const unlock = () => rmSync(lockFile, { force: true });
  try {
    if (!existsSync(path)) {
      const blank = new NvDevice(
        new Uint8Array(spec.bytes ?? BYTES_DEFAULT[spec.kind]).fill(0xff),
        { geometry },
      );
      await format(blank);
      writeOutput(path, blank.bytes, "wx");
    }
    const bytes = readDevice(spec);
    const file = openSync(path, "r+");
    const onChange = (address: number, changed: Uint8Array) =>
      void writeSync(file, changed, 0, changed.length, address);
    const device = new NvDevice(bytes, { geometry, clock_us, onChange });
    return {
      path,
      device,
      close() {
        closeSync(file);
        unlock();
      },
    };
  } catch (error) {
    unlock();
    throw error instanceof Failure ? error : fileFailure(error, path, "open");
  }
}
