// Plants for tests, and cards that hold them: the manifest as the host writes it, on a file system of mkfs.fat and mtools.

import { crc32 } from "node:zlib";
import { ConfirmAfter, Source } from "../../assembly/spec/boot.ts";
import { ManifestHealth, ManifestSelect } from "../../assembly/spec/manifest.ts";
import { f16FromNumber } from "../../host/formats/f16.ts";
import { decodeHxe } from "../../host/formats/hxe.ts";
import type { NodeConfig } from "../../host/formats/node-words.ts";
import type { NodeSelect, Plant, PlantApp, PlantHealth } from "../../host/formats/plant.ts";
import { encodePlant } from "../../host/formats/plant-manifest.ts";
import { type CardFiles, makeCard } from "./card-image.ts";

export const HEALTH: PlantHealth = {
  when: ManifestHealth.RUNS,
  oid: 0,
  min: 0,
  max: 0,
  limit_ms: 0,
  goesOn: false,
};

/** An app of a plant with this image, in a file of the name given. */
export function plantApp(
  image: Uint8Array,
  file: string,
  more: Partial<Omit<PlantApp, "values">> & {
    values?: Record<number, [key: number, x: number]>;
  } = {},
): PlantApp {
  const { values = {}, ...rest } = more;
  const name = decodeHxe(image).image?.appName.replace(/\0.*$/, "") || "app";
  return {
    name,
    image: { bytes: image.length, crc: crc32(image), nameHash: crc32(name), file },
    group: 0,
    attempts: 0,
    confirmAfter: ConfirmAfter.NEVER,
    health: HEALTH,
    delay_ms: 0,
    groupBase: 0,
    keyBase: 0,
    order: 0,
    restarts: 0,
    fallbackOnFault: false,
    source: Source.STORED,
    quantum: 0,
    ...rest,
    values: Object.entries(values).map(([oid, [key, x]]) => {
      return { oid: Number(oid), key, bits: f16FromNumber(x), meaning: 0 };
    }),
  };
}

export interface PlantOptions {
  readonly name?: string;
  readonly version?: number;
  /** Node 1 where nothing is said, for which the uid 01 02 03 stands. */
  readonly select?: NodeSelect;
  readonly config?: NodeConfig;
}
/** What a node of these tests is known by. */
export const UID = Uint8Array.of(1, 2, 3);

/** The manifest of a plant with one node. */
export function manifestOf(apps: readonly PlantApp[], options: PlantOptions = {}): Uint8Array {
  const { name = "bench", version = 1, config } = options;
  const select = options.select ?? { kind: ManifestSelect.UID, uid: UID };
  const plant: Plant = { name, version, nodes: [{ name: "n", select, config, apps }] };
  const made = encodePlant(plant);
  if ("message" in made) throw new Error(made.message);
  return made.bytes;
}

/** A card of 8 MB, FAT16, one block a cluster, with these files besides the manifest. */
export function plantCard(manifest: Uint8Array, files: CardFiles): Uint8Array {
  const options = { kib: 8192, bits: 16, clusterBlocks: 1 } as const;
  return makeCard(options, { "HSX.HXM": manifest, ...files });
}
