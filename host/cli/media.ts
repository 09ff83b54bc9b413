// Kinds and sizes of non-volatile devices as people write them: `fram:8192`.

import type { Diagnostic } from "../formats/diagnostic.ts";
import type { LogLayout } from "../formats/persist-image.ts";
import { count } from "../formats/text.ts";
import type { PlacedText } from "../formats/toml-reader.ts";
import { GEOMETRY, logLayoutOf, type NvGeometry } from "../node/nv.ts";
import { Exit, Failure, usage } from "./exit.ts";

export type NvKind = keyof typeof GEOMETRY;

/** A kind of device; without bytes, of the size that a file has. */
export interface Media {
  readonly kind: NvKind;
  readonly bytes: number | undefined;
}

export const NV_KINDS = Object.keys(GEOMETRY) as NvKind[];
const DEVICE_BYTES_MIN = 64;
const DEVICE_BYTES_MAX = 1 << 20;

export function geometryOf({ kind }: Media): NvGeometry {
  return GEOMETRY[kind];
}

/** How a store lies in the pages of flash; undefined: the device is none. */
export function logOf(media: Pick<Media, "kind">): LogLayout | undefined {
  return logLayoutOf(GEOMETRY[media.kind]);
}

/** True for a number of bytes a device may have. */
function isDeviceSize(bytes: number): boolean {
  return bytes >= DEVICE_BYTES_MIN && bytes <= DEVICE_BYTES_MAX;
}

/** Refuses a file whose size no device has, or not the one that `option` says. */
export function checkDeviceSize(
  path: string,
  size: number,
  option: { readonly name: string; readonly bytes: number | undefined },
): void {
  const wrong = (wanted: string, remedy: string) => {
    const message = `${path} has ${count(size)} bytes, ${wanted}`;
    return new Failure(Exit.DOES_NOT_FIT, "nv-size", message, { remedy, details: { file: path } });
  };
  if (!isDeviceSize(size))
    throw wrong(
      `a device has ${DEVICE_BYTES_MIN} to ${count(DEVICE_BYTES_MAX)}`,
      "name a file that hsx persist build or a node has made, or for --nv one that does not exist yet",
    );
  if (option.bytes !== undefined && option.bytes !== size)
    throw wrong(`${option.name} says ${count(option.bytes)}`, "leave out the size");
}

/** Refuses flash that is not whole pages, or fewer than two. */
function checkPages({ kind, bytes }: Media, whole: string): void {
  const log = logOf({ kind });
  if (log === undefined || bytes === undefined) return;
  const { pageBytes } = log;
  if (bytes % pageBytes === 0 && bytes >= 2 * pageBytes) return;
  const message = `${whole}: ${kind} has pages of ${pageBytes} bytes, and a store takes two at least`;
  throw usage(message, `write for example ${kind}:${2 * pageBytes}`);
}

/** Reads `fram:8192` or `fram`. `whole` is what was written, for messages. Throws a usage Failure. */
export function parseMedia(text: string, whole = `--media ${text}`): Media {
  const [, kind = "", digits] = /^([a-z]\w*)(?::(\d+))?$/.exec(text) ?? [];
  const bytes = digits === undefined ? undefined : Number(digits);
  if (!(NV_KINDS as string[]).includes(kind)) {
    const remedy = `write for example fram:8192; there are ${NV_KINDS.join(", ")}`;
    throw usage(`${whole}: this is no kind or size of a device`, remedy);
  }
  if (bytes !== undefined && !isDeviceSize(bytes)) {
    const message = `${whole}: a device has ${DEVICE_BYTES_MIN} to ${count(DEVICE_BYTES_MAX)} bytes`;
    throw usage(message, "write for example fram:8192");
  }
  checkPages({ kind: kind as NvKind, bytes }, whole);
  return { kind: kind as NvKind, bytes };
}

/** The device that a line of a file names, or why it names none. */
export function mediaAt({
  text,
  place,
}: PlacedText): { readonly media: Media } | { readonly mistake: Diagnostic } {
  try {
    return { media: parseMedia(text, `media = "${text}"`) };
  } catch (error) {
    if (!(error instanceof Failure)) throw error;
    const { message, remedy } = error;
    return { mistake: { ...place, code: "bad-media", message, ...(remedy ? { remedy } : {}) } };
  }
}

/** `fram:8192` */
export function mediaText({ kind, bytes }: Media): string {
  return bytes === undefined ? kind : `${kind}:${bytes}`;
}
