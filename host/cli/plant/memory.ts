// What the memory of a node is made of: the contents of an image, of a calibration file or of a node of a manifest.

import type { Command } from "commander";
import type { Calibration } from "../../formats/calibration.ts";
import type { Diagnostic } from "../../formats/diagnostic.ts";
import type { AppOnNode } from "../../formats/plant-checks.ts";
import type { PlantFileNode } from "../../formats/plant-file.ts";
import { instanceKept } from "../../formats/plant-images.ts";
import { memoryOf, type NotedCell, notedCells } from "../../formats/plant-memory.ts";
import { mistakes, usage } from "../exit.ts";
import { KeyNames } from "../key-names.ts";
import type { Output } from "../output.ts";
import type { AppImages } from "../persist/populate.ts";
import { refuseOptions } from "../program.ts";
import { nodeOf, readLockedPlant } from "./read.ts";

/** What an image is made of. */
export interface Contents {
  readonly calibration: Calibration;
  readonly images: AppImages;
  /** Cells beside those of the calibration. */
  readonly noted: readonly NotedCell[];
  readonly names: KeyNames;
}

/** Refuses --node where no manifest is named that it could be of. */
export function checkNode(command: Command, manifest: string | undefined): void {
  if (manifest === undefined)
    refuseOptions(command, ["node"], "names a node of a manifest", "add --manifest plant.toml");
}

/** What a node of a manifest holds. */
export function contentsOfNode(out: Output, path: string, name: string | undefined) {
  const file = readLockedPlant(out, path);
  if (name === undefined) {
    const names = file.nodes.map(({ node }) => node.name).join(", ");
    throw usage("which node?", `name it with --node: ${names}`);
  }
  const node = nodeOf(file, path, name);
  const instance = node.apps.find(({ app }) => app.groupBase !== 0 || app.keyBase !== 0);
  if (node.slots !== undefined && instance !== undefined) throw mistakes([unstorable(instance)]);
  const calibration = memoryOf(node);
  const images = new Map(calibration.apps.map((app, n) => [app, imageAt(node, n)]));
  const names = new KeyNames(node.apps.flatMap(({ app, file }) => instanceKept(file, app)));
  return { node, calibration, images, noted: notedCells(file.plant, node.node), names };
}
const imageAt = ({ apps }: PlantFileNode, n: number) => (apps[n] as AppOnNode).file.bytes;

/** Stored apps are known by name and have no bases. */
function unstorable({ app, place }: AppOnNode): Diagnostic {
  const message = `"${app.name}" has a group_base or key_base, and slots keep none`;
  const remedy =
    "leave it out of this node, or take its slots away: then its images come at each start";
  return { ...place, code: "stored-instance", message, remedy };
}
