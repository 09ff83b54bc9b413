// A manifest as commands take it: read with the images beside it, every mistake with its place, and looked up in its lock file.

import { existsSync } from "node:fs";
import { sortDiagnostics, suggest } from "../../formats/diagnostic.ts";
import { selectText } from "../../formats/plant.ts";
import { type PlantFile, type PlantFileNode, readPlant } from "../../formats/plant-file.ts";
import type { FileRead } from "../../formats/plant-images.ts";
import { compareLock, readLock } from "../../formats/plant-lock.ts";
import { Exit, Failure, mistakes } from "../exit.ts";
import { pathBeside, readBytes, readText } from "../files.ts";
import { mediaAt } from "../media.ts";
import type { Output } from "../output.ts";

/** A file that a manifest names, by its path from there. */
function fileBeside(manifest: string, name: string): FileRead {
  try {
    return { bytes: readBytes(pathBeside(manifest, name)) };
  } catch (error) {
    if (!(error instanceof Failure)) throw error;
    const remedy = error.code === "missing-file" ? buildRemedy(name, error.remedy) : error.remedy;
    return { message: error.message, remedy: remedy ?? "look at the path" };
  }
}
/** What is missing is mostly not built yet. */
function buildRemedy(name: string, remedy: string | undefined): string {
  if (remedy?.startsWith("did you mean")) return remedy;
  return `build it: hsx build ${name.replace(/\.hxe$/, "")}.mvasm -o ${name}, or correct the name`;
}

/** Reads a manifest and tells of what it warns. Throws its mistakes. */
export function readPlantFile(out: Output, path: string): PlantFile {
  const read = readPlant(readText(path), path, (name) => fileBeside(path, name));
  for (const warning of read.warnings) out.warnAt(warning);
  if (read.plant === undefined) throw mistakes(read.diagnostics);
  const bad = read.plant.nodes.flatMap(({ media }) => {
    const device = media && mediaAt(media);
    return device && "mistake" in device ? [device.mistake] : [];
  });
  if (bad.length > 0) throw mistakes(sortDiagnostics(bad));
  return read.plant;
}

/** `plant.lock` of `plant.toml`. */
export function lockPath(manifest: string): string {
  return pathOfKind(manifest, "lock");
}
/** `plant.journal`, likewise. */
export function journalPath(manifest: string): string {
  return pathOfKind(manifest, "journal");
}
function pathOfKind(manifest: string, kind: string): string {
  return `${manifest.replace(/\.toml$/, "")}.${kind}`;
}

/** Compares images with the lock file, if there is one. False: there is none. Throws what differs. */
export function checkLock(plant: PlantFile, path: string): boolean {
  const lock = lockPath(path);
  if (!existsSync(lock)) return false;
  const { images, diagnostics } = readLock(readText(lock), lock);
  if (images === undefined) throw mistakes(diagnostics);
  const differences = compareLock(plant, images, lock);
  if (differences.length > 0) throw mistakes(differences, Exit.VERIFY);
  return true;
}

/** A manifest as it must be before anything is done with it: read, and its images those that are locked. */
export function readLockedPlant(out: Output, path: string): PlantFile {
  const file = readPlantFile(out, path);
  checkLock(file, path);
  return file;
}

/** The node that a name, or an id as a number, means. */
export function nodeOf({ nodes }: PlantFile, path: string, text: string): PlantFileNode {
  const isId = /^\d+$/.test(text);
  const found =
    nodes.find(({ node }) => node.name === text) ?? (isId ? byId(nodes, Number(text)) : undefined);
  if (found !== undefined) return found;
  const names = nodes.map(({ node }) => node.name);
  const there = nodes.map(({ node }) => `${node.name} (${selectText(node.select)})`).join(", ");
  throw new Failure(Exit.NOT_FOUND, "unknown-node", `${path} has no node "${text}"`, {
    remedy: suggest(text, names, `there are ${there}`),
    details: { nodes: names },
  });
}
function byId(nodes: readonly PlantFileNode[], id: number): PlantFileNode | undefined {
  return nodes.find(({ node }) => {
    const own =
      "number" in node.select && node.select.kind === 2 ? node.select.number : node.config?.id;
    return own === id;
  });
}
