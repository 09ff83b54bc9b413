// hsx persist export: the calibration file that build makes the same values of.

import type { Command } from "commander";
import type { Found } from "../../client/persist-image.ts";
import { type StoredValue, writeCalibration } from "../../formats/calibration.ts";
import { plural } from "../../formats/text.ts";
import { writeOutput } from "../files.ts";
import { mediaText } from "../media.ts";
import { numberOf } from "../numbers.ts";
import { addCommand, type Context } from "../program.ts";
import { findAll, isNumber, kindText, openPersist, readPersistFile } from "./image.ts";
import { addImageOption, addMediaOption, type ImageOptions, readNames } from "./options.ts";

interface Options extends ImageOptions {
  readonly output?: string;
}

export function addExport(parent: Command, context: Context): void {
  const command = addCommand(parent, "export <file>", "write the calibration file of an image", [
    ["hsx persist export node7.fram --image pump.hxe -o calib.toml", "with names and units"],
    ["hsx persist export node7.fram", "to the terminal, by key"],
  ]);
  addMediaOption(addImageOption(command))
    .option("-o, --output <file>", "write it here")
    .action((file: string, options: Options) => exportFile(context, file, options));
}

const isStored = (found: Found): found is Found & { value: number } => found.value !== undefined;

async function exportFile(context: Context, path: string, options: Options): Promise<void> {
  const { out, install } = context;
  const names = readNames(options);
  const file = readPersistFile(path, options.media);
  const open = await openPersist(install, file);
  const found = findAll(open).filter(({ type }) => isNumber(type));
  for (const { key } of found.filter((f) => !isStored(f))) {
    const message = `${path}: the value of key ${names.text(key)} is damaged and left out`;
    out.warn(message, `hsx persist repair ${path} may mend it`);
  }
  const cells = found
    .filter(isStored)
    .map((f) => ({ type: f.type, key: f.key, bits: f.value }) as StoredValue);
  const { schema, cells: storeCells } = open.image.info();
  const media = mediaText(file.media);
  const text = writeCalibration(
    { schema, media, storeCells, cells },
    names.known,
    `values of ${path.replace(/\p{Cc}/gu, " ")}`,
  );
  if (options.output !== undefined) writeOutput(options.output, text);
  const values = cells.map(({ type, key, bits }) => ({
    kind: kindText(type),
    key,
    name: names.of(key)?.label ?? null,
    value: numberOf(bits),
    bits,
    unit: names.of(key)?.unit ?? "",
  }));
  const data = {
    file: path,
    media,
    schema_of_keys: schema,
    values,
    ...(options.output === undefined ? { text } : { output: options.output }),
  };
  out.result("hsx.persist.export/1", data, () => (options.output === undefined ? text : ""));
  if (options.output !== undefined) out.note(`${options.output}: ${plural(cells.length, "value")}`);
}
