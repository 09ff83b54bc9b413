// What an image is known by: its length and the CRC-32 over every byte of its file.

import { crc32 } from "node:zlib";

export function fileCrc(image: Uint8Array): number {
  return crc32(image);
}
