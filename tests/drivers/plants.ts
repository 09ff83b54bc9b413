// The example plants and the images they name, built in this process, and laid into a folder for commands.

import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { assemble } from "../../host/toolchain/assembler.ts";
import { link } from "../../host/toolchain/linker.ts";

const EXAMPLES = new URL("../../examples/", import.meta.url).pathname;

export const PLANTS = ["single", "pumps", "mixed"] as const;

const SOURCES: Record<string, string> = {
  "supply.hxe": "plants/supply.mvasm",
  "pump.hxe": "plants/pump.mvasm",
  "thermostat.hxe": "thermostat/thermostat.mvasm",
  "blink.hxe": "blink/blink.mvasm",
};

function built(path: string): Uint8Array {
  const file = join(EXAMPLES, path);
  const readFile = (name: string) => readFileSync(name, "utf8");
  const { object } = assemble(readFileSync(file, "utf8"), { file, readFile });
  const linked = link(object === undefined ? [] : [object]);
  if (linked.image === undefined) throw new Error(`${path} does not build`);
  return linked.image;
}

/** The images by the names that manifests use. */
export const PLANT_IMAGES: ReadonlyMap<string, Uint8Array> = new Map(
  Object.entries(SOURCES).map(([name, path]) => [name, built(path)]),
);

export function plantText(name: (typeof PLANTS)[number]): string {
  return readFileSync(join(EXAMPLES, "plants", `${name}.toml`), "utf8");
}

/** Writes manifests and images into a folder. */
export function layPlants(folder: string): void {
  for (const name of PLANTS) writeFileSync(join(folder, `${name}.toml`), plantText(name));
  for (const [name, bytes] of PLANT_IMAGES) writeFileSync(join(folder, name), bytes);
}
