// Image files: read, decoded, and what they are known by.

import { crc32 } from "node:zlib";
import { Err } from "../../assembly/spec/errors.ts";
import { imageRemedy, placeText } from "../client/image-refusal.ts";
import type { Diagnostic } from "../formats/diagnostic.ts";
import { decodeHxe, type HxeImage } from "../formats/hxe.ts";
import type { HxeMetadata } from "../formats/hxe-metadata.ts";
import { exitOf, Failure } from "./exit.ts";
import { readBytes } from "./files.ts";

/** CRC-32 over every byte: with its length, what a node knows an image by. */
export function fileCrc(image: Uint8Array): number {
  return crc32(image);
}

/** Why bytes are no image, as a node would put it. */
function imageFailure(file: string, bytes: Uint8Array, diagnostic: Diagnostic): Failure {
  const { code, message, offset = 0 } = diagnostic;
  const err = Err[code as keyof typeof Err];
  return new Failure(exitOf(err), code, `${file}: ${message}${placeText(offset, bytes)}`, {
    remedy: imageRemedy(err),
    details: { file, offset },
  });
}

export interface ImageFile {
  readonly bytes: Uint8Array;
  readonly image: HxeImage;
  readonly metadata: HxeMetadata;
}

/** Reads and decodes an image. */
export function readImage(file: string): ImageFile {
  const bytes = readBytes(file);
  const { image, metadata, diagnostics } = decodeHxe(bytes, file);
  if (image !== undefined && metadata !== undefined) return { bytes, image, metadata };
  throw imageFailure(file, bytes, diagnostics[0] as Diagnostic);
}
