// Which nodes of a bus have apps of a start group, and which images those are.

import { ManifestSelect } from "../../../assembly/spec/manifest.ts";
import type { Plant, PlantNode } from "../../formats/plant.ts";
import type { Present } from "../bus/census.ts";
import type { BusMaster } from "../bus/master.ts";

/** What is known of a node: by id alone, unless the plant asks for more. */
export interface Identity {
  readonly id: number;
  readonly uid: string | undefined;
  readonly role: number | undefined;
}

/** The record of a node: the one with its UID holds, else the one with its id, else the one with its role. */
export function recordOf({ nodes }: Plant, { id, uid, role }: Identity): PlantNode | undefined {
  const by = (fits: (select: PlantNode["select"]) => boolean) =>
    nodes.find(({ select }) => fits(select));
  return (
    by((s) => "uid" in s && Buffer.from(s.uid).toString("hex") === uid) ??
    by((s) => s.kind === ManifestSelect.ID && s.number === id) ??
    by((s) => s.kind === ManifestSelect.ROLE && s.number === role)
  );
}

/** Whether ids tell all nodes of a plant apart, so that nobody needs to be asked for more. */
export function isById({ nodes }: Plant): boolean {
  return nodes.every(({ select }) => select.kind === ManifestSelect.ID);
}

/** Who the nodes of a census are, as far as the plant needs to know. A node that does not answer is left out. */
export async function identify(
  master: BusMaster,
  plant: Plant,
  present: readonly Present[],
): Promise<Identity[]> {
  const ids = present.map(({ node }) => node);
  if (isById(plant)) return ids.map((id) => ({ id, uid: undefined, role: undefined }));
  const outcomes = await master.each(ids, async (node) => {
    const { uid, role } = await node.about();
    return { id: node.id, uid: Buffer.from(uid).toString("hex"), role };
  });
  return outcomes.flatMap((o) => ("value" in o ? [o.value] : []));
}

/** Ids of the nodes that have apps of a group. */
export async function nodesOfGroup(
  master: BusMaster,
  plant: Plant,
  rank: number,
  present: readonly Present[],
): Promise<Set<number>> {
  const known = await identify(master, plant, present);
  const has = (identity: Identity) =>
    recordOf(plant, identity)?.apps.some(({ group }) => group === rank) === true;
  return new Set(known.filter(has).map(({ id }) => id));
}

/** CRC-32 of the images of a group. */
export function groupImages({ nodes }: Plant, rank: number): Set<number> {
  const apps = nodes.flatMap((node) => node.apps.filter(({ group }) => group === rank));
  return new Set(apps.map(({ image }) => image.crc));
}
