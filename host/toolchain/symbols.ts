// The symbols file: names and source lines of a linked image, as JSON for debuggers and fault messages.
import { crc32 } from "node:zlib";
import type { LinkResult } from "./linker.ts";

/** Version of the file's layout; additions only within it. */
const SCHEMA = "hsx.symbols/1";

/** The symbols of a successful link: JSON, two blanks a level, the same bytes for the same input. */
export function renderSymbols({ image, hxe, symbols, lines }: LinkResult): string {
  if (image === undefined || hxe === undefined) throw new Error("renderSymbols: the link failed");
  const json = {
    schema: SCHEMA,
    app: hxe.appName,
    // As a node knows the image: its length and the CRC-32 over every byte.
    size: image.length,
    crc32: crc32(image),
    code_size: hxe.code.length,
    rodata_size: hxe.rodata.length,
    bss_size: hxe.bssSize,
    entry: hxe.entry,
    symbols: symbols.map(({ name, section, address, file, exported }) => ({
      name,
      section,
      address,
      file,
      exported,
    })),
    lines: lines.map(({ section, address, size, file, line }) => ({
      section,
      address,
      size,
      file,
      line,
    })),
  };
  return `${JSON.stringify(json, null, 2)}\n`;
}
