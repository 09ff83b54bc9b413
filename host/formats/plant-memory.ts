// What the memory of a node holds once it has taken its manifest: values with their meanings, configuration, words.

import { PlantWord, WORD_GROUP_LOG2, WORD_KEY, WordGroup } from "../../assembly/spec/boot.ts";
import { CellType } from "../../assembly/spec/cell.ts";
import { ManifestSelect } from "../../assembly/spec/manifest.ts";
import type { AppEntry, Calibration } from "./calibration.ts";
import type { NodeConfig } from "./node-words.ts";
import { contentOf, type Plant, type PlantNode, plantId } from "./plant.ts";
import type { PlantFileNode } from "./plant-file.ts";
import { noConfig } from "./toml-node-reader.ts";

/** A cell that the node itself would write. */
export interface NotedCell {
  readonly type: CellType.SYSTEM | CellType.MEANING;
  readonly key: number;
  readonly bits: number;
}

/** Meanings of the values, and which manifest was applied. */
export function notedCells(plant: Plant, node: PlantNode): NotedCell[] {
  const values = node.apps.flatMap((app) => app.values);
  const meanings = values.filter(({ meaning }) => meaning !== 0);
  const content = contentOf(node);
  const words: [PlantWord, number][] = [
    [PlantWord.CONTENT_LOW, content & 0xffff],
    [PlantWord.CONTENT_HIGH, content >>> 16],
    [PlantWord.PLANT, plantId(plant.name)],
    [PlantWord.VERSION, plant.version],
  ];
  const group = WORD_KEY + (WordGroup.PLANT << WORD_GROUP_LOG2);
  return [
    ...meanings.map(({ key, meaning }) => ({
      type: CellType.MEANING as const,
      key,
      bits: meaning,
    })),
    ...words.map(([word, bits]) => ({ type: CellType.SYSTEM as const, key: group + word, bits })),
  ];
}

/** The configuration of a node that has none of its own yet: the manifest's, and what it is known by. */
export function ownConfig({ select, config }: PlantNode): NodeConfig | undefined {
  if (config !== undefined || select.kind === ManifestSelect.UID) return config;
  const isId = select.kind === ManifestSelect.ID;
  return { ...noConfig(), [isId ? "id" : "role"]: select.number };
}

/** The memory as a calibration file would say it. */
export function memoryOf({ node, slots, media, apps }: PlantFileNode): Calibration {
  const values = apps.flatMap(({ app, place }) =>
    app.values.map(({ key, bits }) => ({ type: CellType.VALUE as const, key, bits, place })),
  );
  const entries = apps.map(
    ({ app, file, place }, order): AppEntry => ({ ...app, image: file.name, place, order }),
  );
  const stored = slots === undefined ? [] : entries;
  const config = ownConfig(node);
  return {
    schema: 0,
    storeCells: undefined,
    media,
    cells: values,
    node: config,
    slots,
    apps: stored,
  };
}
