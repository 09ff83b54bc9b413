// hsx disasm: an image as source that builds to it again.

import type { Command } from "commander";
import { hex, plural } from "../../formats/text.ts";
import { type DisassembleResult, disassemble } from "../../toolchain/disassembler.ts";
import { writeOutput } from "../files.ts";
import { readImage } from "../image.ts";
import { addCommand, type Context } from "../program.ts";

interface Options {
  readonly output?: string;
}

export function addDisasm(program: Command, context: Context): void {
  addCommand(
    program,
    "disasm <image>",
    "show the source of an image; it builds to the same bytes",
    [
      ["hsx disasm blink.hxe", "to the terminal"],
      ["hsx disasm blink.hxe -o again.mvasm", "to a file, ready for hsx build"],
    ],
  )
    .option("-o, --output <file>", "write the source here")
    .action((image: string, options: Options) => disasm(context, image, options));
}

function remarks({ inexpressible }: DisassembleResult): string[] {
  return inexpressible.map(
    ({ offset, length, reason }) =>
      `${hex(offset, 4)}: ${plural(length, "byte")} no source can express: ${reason}`,
  );
}

function disasm(context: Context, file: string, { output }: Options): void {
  const { out } = context;
  const { bytes } = readImage(file);
  const result = disassemble(bytes, { file });
  const { source, exact, inexpressible } = result;
  if (source === undefined) throw new Error("the disassembler and the decoder disagree");
  if (output !== undefined) writeOutput(output, source);
  const data = { file, exact, inexpressible, ...(output === undefined ? { source } : { output }) };
  out.result("hsx.disasm/1", data, () => (output === undefined ? source : ""));
  for (const remark of remarks(result)) out.note(`; ${file}: ${remark}`);
  if (output !== undefined) {
    out.note(
      `${output}: ${plural(source.split("\n").length - 1, "line")}${exact ? ", builds to the identical image" : ""}`,
    );
  }
}
