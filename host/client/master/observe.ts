// How a node stands against its manifest: what it runs, what it stores, what it lacks.

import { TaskState } from "../../../assembly/spec/node.ts";
import type { PlantApp, PlantNode } from "../../formats/plant.ts";
import type { BusNode } from "../bus/bus-node.ts";
import type { Present } from "../bus/census.ts";
import type { AppInfo, StoredSlotInfo, TaskInfo } from "../records.ts";

/** An app of the manifest at a node, and how it stands there. */
export interface AppStanding {
  readonly app: PlantApp;
  readonly task: TaskInfo | undefined;
  /** Its image lies in a slot, and starts from there. */
  readonly stored: AppInfo | undefined;
}

export interface Standing {
  readonly apps: readonly AppStanding[];
  /** Tasks that the manifest does not know. */
  readonly strangers: readonly TaskInfo[];
  readonly slots: readonly StoredSlotInfo[];
}

const STOPPED = new Set([TaskState.FAULTED, TaskState.EXITED, TaskState.RETURNED]);
/** Whether a task has ended and does not run again by itself. */
export function hasStopped({ state }: TaskInfo): boolean {
  return STOPPED.has(state);
}

/** Sum over the images that a node is to run, as HELLO has it. */
export function appsSum({ apps }: PlantNode): number {
  return apps.reduce((sum, { image }) => (sum + image.crc) >>> 0, 0);
}

/** Whether HELLO alone says that a node runs what it should. */
export function looksRight({ hello }: Present, node: PlantNode): boolean {
  return hello.apps === appsSum(node) && hello.flags === 0;
}

/** Takes the first that fits out of a list: of several instances each counts once. */
function take<T>(list: T[], fits: (item: T) => boolean): T | undefined {
  const at = list.findIndex(fits);
  return at < 0 ? undefined : list.splice(at, 1)[0];
}

/** Asks a node for what it runs and stores. One that runs nothing and has no slots is asked one question. */
export async function observe(
  node: BusNode,
  present: Present,
  wanted: PlantNode,
): Promise<Standing> {
  const tasks = present.hello.apps === 0 ? [] : await node.tasks();
  const slots = await node.provision.slots();
  const stored = slots.some(({ state }) => state === "image") ? await node.provision.apps() : [];
  const apps = wanted.apps.map((app) => {
    const { bytes, crc } = app.image;
    const task = take(tasks, (t) => t.imageCrc === crc && t.imageBytes === bytes);
    const isStored = ({ active }: AppInfo) =>
      slots.some((s) => s.slot === active && s.crc === crc && s.bytes === bytes);
    return { app, task, stored: take(stored, isStored) };
  });
  return { apps, strangers: tasks, slots };
}

/** Where an image goes at a node: into a slot if one takes it, else into memory. */
export function placeFor({ slots }: Standing, { image }: PlantApp): "ram" | "slot" {
  return slots.some(({ roomBytes }) => roomBytes >= image.bytes) ? "slot" : "ram";
}
