// hsx build: sources and objects to one image, or one source to an object.

import { existsSync } from "node:fs";
import { basename, extname, join } from "node:path";
import type { Command } from "commander";
import type { Diagnostic } from "../../formats/diagnostic.ts";
import { decodeHxo, encodeHxo, type HxoObject } from "../../formats/hxo.ts";
import { hex, plural } from "../../formats/text.ts";
import { assemble } from "../../toolchain/assembler.ts";
import { type LinkOptions, link } from "../../toolchain/linker.ts";
import { renderListing } from "../../toolchain/listing.ts";
import { renderSymbols } from "../../toolchain/symbols.ts";
import { Exit, Failure, mistakes, usage } from "../exit.ts";
import { readText, readTextIfAny, writeOutput } from "../files.ts";
import { fileCrc } from "../image.ts";
import { parseInteger } from "../numbers.ts";
import { addCommand, type Context, collect } from "../program.ts";

interface Options {
  readonly output?: string;
  readonly compile?: true;
  readonly manifest?: string;
  readonly listing?: string;
  readonly symbols?: string;
  readonly stack?: string;
  readonly name?: string;
  readonly singleInstance?: true;
  readonly include?: readonly string[];
}

export function addBuild(program: Command, context: Context): void {
  addCommand(program, "build <files...>", "assemble and link sources to an HXE image", [
    ["hsx build blink.mvasm -o blink.hxe", "one source, one image"],
    ["hsx build main.mvasm math.hxo -o app.hxe", "several files link"],
    ["hsx build blink.mvasm -o blink.hxe --symbols blink.sym", "faults then name the source line"],
    ["hsx build -c math.mvasm -o math.hxo", "an object for later"],
  ])
    .option("-o, --output <file>", "the image; default: the first source with .hxe")
    .option("-c, --compile", "assemble one source to an object (.hxo), without linking")
    .option("--manifest <file>", "JSON object to embed")
    .option("--listing <file>", "write addresses, bytes and source lines")
    .option(
      "--symbols <file>",
      "write symbols and lines for messages; NAME.sym beside NAME.hxe is found by itself",
    )
    .option("--stack <bytes>", "size of the stack, instead of what .stack says")
    .option("--name <app>", "app name, instead of what .app says")
    .option("--single-instance", "the app may be loaded once only")
    .option("-I, --include <folder>", "look for .include files here, too", collect)
    .action((files: string[], options: Options) => build(context, files, options));
}

/** An app may lie in a folder of its name: NAME.mvasm, not found here, is looked for in NAME/. */
function findSource(context: Context, file: string): string {
  if (existsSync(file)) return file;
  const inFolder = join(file.replace(/\.[^.]*$/, ""), basename(file));
  if (!existsSync(inFolder)) return file;
  context.out.note(`${file}: taken from ${inFolder}`);
  return inFolder;
}

function readObject(
  file: string,
  options: Options,
): { object?: HxoObject; diagnostics: readonly Diagnostic[] } {
  const text = readText(file);
  if (text.startsWith("HSXE")) {
    throw new Failure(Exit.FAILED, "is-image", `${file} is an image, which nothing is linked to`, {
      remedy: `give its source; hsx disasm ${file} shows one`,
      details: { file },
    });
  }
  if (extname(file).toLowerCase() === ".hxo") return decodeHxo(text, file);
  return assemble(text, { file, readFile: readTextIfAny, includeDirs: options.include ?? [] });
}

function build(context: Context, names: readonly string[], options: Options): void {
  const files = names.map((file) => findSource(context, file));
  const isObject = options.compile === true;
  if (isObject && files.length > 1) {
    throw usage(`-c takes one source, not ${files.length}`, "assemble each on its own");
  }
  const read = files.map((file) => readObject(file, options));
  const diagnostics = read.flatMap((r) => r.diagnostics);
  if (diagnostics.length > 0) throw mistakes(diagnostics);
  const objects = read.map((r) => r.object as HxoObject);
  const output = options.output ?? defaultOutput(names[0] as string, isObject ? ".hxo" : ".hxe");
  if (isObject) compile(context, objects[0] as HxoObject, output, options);
  else linkImage(context, objects, output, options);
}

function defaultOutput(source: string, extension: string): string {
  return `${basename(source).replace(/\.[^.]*$/, "")}${extension}`;
}

function compile(context: Context, object: HxoObject, output: string, options: Options): void {
  for (const [option, name] of [
    ["listing", "--listing"],
    ["symbols", "--symbols"],
    ["manifest", "--manifest"],
  ] as const) {
    if (options[option] !== undefined) throw usage(`${name} needs a linked image`, "leave out -c");
  }
  writeOutput(output, encodeHxo(object));
  const bytes = { code: 4 * object.code.length, rodata: object.rodata.length, bss: object.bssSize };
  context.out.result(
    "hsx.build/1",
    { kind: "object", output, ...bytes },
    () => `${output}: code ${bytes.code}, rodata ${bytes.rodata}, bss ${bytes.bss} bytes`,
  );
}

function linkOptions(output: string, options: Options): LinkOptions {
  const { stack, name, manifest } = options;
  return {
    defaultName: basename(output).replace(/\.[^.]*$/, ""),
    ...(name === undefined ? {} : { appName: name }),
    ...(options.singleInstance ? { singleInstance: true } : {}),
    ...(stack === undefined ? {} : { stackBytes: parseInteger(stack, "--stack", 4, 0xbffc) }),
    ...(manifest === undefined ? {} : { manifest: { text: readText(manifest), file: manifest } }),
  };
}

function linkImage(context: Context, objects: HxoObject[], output: string, options: Options): void {
  const linked = link(objects, linkOptions(output, options));
  const { image, hxe, diagnostics } = linked;
  if (image === undefined || hxe === undefined) throw mistakes(diagnostics);
  writeOutput(output, image);
  if (options.listing !== undefined) writeOutput(options.listing, renderListing(linked));
  if (options.symbols !== undefined) writeOutput(options.symbols, renderSymbols(linked));
  const crc = fileCrc(image);
  const sizes = { code: hxe.code.length, rodata: hxe.rodata.length, bss: hxe.bssSize };
  const data = { kind: "image", output, app: hxe.appName, bytes: image.length, crc, ...sizes };
  const written = { listing: options.listing, symbols: options.symbols };
  context.out.result(
    "hsx.build/1",
    { ...data, ...written },
    () =>
      `${output}: ${hxe.appName}, ${plural(image.length, "byte")}, CRC ${hex(crc, 8)}; code ${sizes.code}, rodata ${sizes.rodata}, bss ${sizes.bss}`,
  );
}
