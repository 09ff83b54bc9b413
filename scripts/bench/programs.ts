// The programs that benchmarks time: their images, and what those for chips leave behind.

import { readFileSync } from "node:fs";
import { assemble } from "../../host/toolchain/assembler.ts";
import { type LinkResult, link } from "../../host/toolchain/linker.ts";
import { fromRoot } from "../root.ts";

/** Programs of scripts/bench/avr, for every chip, and what each leaves in R0. */
export const CHIP_PROGRAMS: Readonly<Record<string, number>> = {
  countdown: 0,
  crc32: 0x1f9ab551, // zlib.crc32 of the buffer, chained once
  sieve: 168, // primes below 1,000
};
export const CHIP_FOLDER = "scripts/bench/avr";

/** A program of a folder, which must assemble. */
export function buildProgram(
  folder: string,
  name: string,
): Required<Pick<LinkResult, "hxe" | "image">> {
  const file = fromRoot(folder, `${name}.mvasm`);
  const { object, diagnostics } = assemble(readFileSync(file, "utf8"), { file });
  const { hxe, image } = object === undefined ? {} : link([object]);
  if (hxe && image) return { hxe, image };
  throw new Error(`${file}: ${JSON.stringify(diagnostics)}`);
}
