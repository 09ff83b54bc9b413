// hsx manifest: the manifest of a plant checked, its images locked, the form of the file.

import type { Command } from "commander";
import { plantId, selectText } from "../../formats/plant.ts";
import type { PlantFile, PlantFileNode } from "../../formats/plant-file.ts";
import { type LockedImage, lockedOf, readLock, writeLock } from "../../formats/plant-lock.ts";
import { encodePlant } from "../../formats/plant-manifest.ts";
import { count, hex, plural } from "../../formats/text.ts";
import { readText, readTextIfAny, writeOutput } from "../files.ts";
import { checkFit } from "../plant/fit.ts";
import { checkLock, lockPath, readPlantFile } from "../plant/read.ts";
import { addCommand, type Context } from "../program.ts";

export function addManifest(program: Command, context: Context): void {
  const manifest = program
    .command("manifest")
    .description("check the manifest of a plant, lock its images: check, lock, schema");
  addCommand(manifest, "check <plant.toml>", "find what is wrong with a manifest and its images", [
    [
      "hsx manifest check plant.toml",
      "mistakes by file, line and column; images against plant.lock; whether all of it fits",
    ],
    ["hsx manifest check plant.toml --json", "nodes, apps and images for programs"],
  ]).action((file: string) => check(context, file));
  addCommand(manifest, "lock <plant.toml>", "note what the images are, in plant.lock", [
    ["hsx manifest lock plant.toml", "from then on check refuses any other"],
  ]).action((file: string) => lock(context, file));
  addCommand(manifest, "schema", "print the JSON Schema of manifests, for editors", [
    ["hsx manifest schema > manifest.schema.json", "for a line #:schema manifest.schema.json"],
  ]).action(() => {
    const text = readText(context.install.page("manifest.schema.json"));
    context.out.result("hsx.manifest.schema/1", { json_schema: JSON.parse(text) }, () => text);
  });
}

// ---- check ----

function nodeData({ node, profile, apps }: PlantFileNode) {
  const { name, select, config } = node;
  return {
    name,
    select: selectText(select),
    profile,
    configured: config !== undefined,
    apps: apps.map(({ app, file }) => ({
      name: app.name,
      image: file.name,
      group: app.group,
      order: app.order,
      values: app.values.length,
    })),
  };
}
function imageData(image: LockedImage & { readonly cardFile: string }) {
  const { name, cardFile, bytes, crc, version = null } = image;
  return { name, card_file: cardFile, bytes, crc, version };
}
function imagesOf({ images }: PlantFile) {
  return images.map((file) => imageData({ ...lockedOf(file), cardFile: file.known.file }));
}

async function check(context: Context, path: string): Promise<void> {
  const { out, install } = context;
  const file = readPlantFile(out, path);
  const isLocked = checkLock(file, path);
  await checkFit(install, file);
  const { plant } = file;
  const made = encodePlant(plant);
  const bytes = "bytes" in made ? made.bytes.length : 0;
  const nodes = file.nodes.map(nodeData);
  const images = imagesOf(file);
  const { name, version } = plant;
  const data = {
    file: path,
    plant: name,
    plant_id: plantId(name),
    version,
    bytes,
    locked: isLocked,
    nodes,
    images,
  };
  out.result("hsx.manifest.check/1", data, () => {
    const what = `${plural(nodes.length, "node")}, ${plural(images.length, "image")}, ${isLocked ? "locked" : "not locked"}`;
    const rows = nodes.map((n) => {
      const values = n.apps.reduce((sum, app) => sum + app.values, 0);
      return [n.name, n.select, n.profile, n.apps.map((a) => a.name).join(", "), String(values)];
    });
    const head = `${path}: ${name}, version ${version}; ${what}`;
    return [head, "", out.table(["NODE", "WHO", "TRIED ON", "APPS", "VALUES"], rows)].join("\n");
  });
}

// ---- lock ----

/** What the lock file said before; nothing, if it cannot be read. */
function lockedBefore(path: string): readonly LockedImage[] {
  const text = readTextIfAny(path);
  return (text === undefined ? undefined : readLock(text, path).images) ?? [];
}

function lock({ out }: Context, path: string): void {
  const file = readPlantFile(out, path);
  const to = lockPath(path);
  const before = new Map(lockedBefore(to).map((image) => [image.name, image]));
  const now = file.images.map(lockedOf);
  writeOutput(to, writeLock(now, path));
  const changed = now.filter(({ name, crc, bytes }) => {
    const old = before.get(name);
    return old?.crc !== crc || old.bytes !== bytes;
  });
  const data = {
    file: path,
    lock: to,
    images: imagesOf(file),
    changed: changed.map((i) => i.name),
  };
  out.result("hsx.manifest.lock/1", data, () => {
    const rows = now.map((i) => [
      i.name,
      i.version ?? "",
      count(i.bytes),
      hex(i.crc, 8),
      changed.includes(i) ? "noted" : "as before",
    ]);
    const head = `${to}: ${plural(now.length, "image")}, ${changed.length} of them new or changed`;
    return [head, "", out.table(["IMAGE", "VERSION", "BYTES", "CRC", ""], rows)].join("\n");
  });
}
