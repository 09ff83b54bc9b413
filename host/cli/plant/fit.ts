// Whether what a manifest gives a node runs there: found by loading all of it on such a node in this process.

import { STORED_UNIT } from "../../../assembly/spec/boot.ts";
import { LocalNode } from "../../client/local-node.ts";
import { NodeError } from "../../client/refusal.ts";
import type { Diagnostic } from "../../formats/diagnostic.ts";
import type { AppOnNode } from "../../formats/plant-checks.ts";
import type { PlantFile, PlantFileNode } from "../../formats/plant-file.ts";
import { Machine } from "../../node/hal.ts";
import { NvDevice } from "../../node/nv.ts";
import { Exit, mistakes, refusalAt } from "../exit.ts";
import type { Install } from "../install.ts";

/** Bytes of a device that holds the values of any node, and cells of its store. */
const VALUES_BYTES = 8192;
const CELLS = 1000;

/** An empty node of its profile, with the slots it is to have. */
async function emptyNode(install: Install, { profile, slots }: PlantFileNode): Promise<LocalNode> {
  const unit = Math.ceil((slots?.bytes ?? 0) / STORED_UNIT) * STORED_UNIT;
  const bytes = VALUES_BYTES + (slots?.count ?? 0) * unit;
  const nv = new NvDevice(new Uint8Array(bytes).fill(0xff));
  const node = await LocalNode.start(await install.core(profile), new Machine({ nv }));
  node.formatStore(CELLS);
  if (slots !== undefined) node.provision.formatSlots(slots.count, unit);
  return node;
}

/** Brings an app there as the manifest wants it: into a slot, from where code runs that finds no room in memory, or into memory. */
function bring(node: LocalNode, { app, file }: AppOnNode, hasSlots: boolean): void {
  const { groupBase, keyBase, restarts } = app;
  const { name, bytes } = file;
  if (hasSlots) node.provision.activate(node.provision.stage(bytes, { name }), { attempts: 0 });
  else node.load(bytes, { name, groupBase, keyBase, restarts });
}

/** The apps of a node that it refuses beside those before them, each with the reason. */
async function unfitApps(install: Install, node: PlantFileNode): Promise<Diagnostic[]> {
  const tried = await emptyNode(install, node);
  return node.apps.flatMap((entry) => {
    try {
      bring(tried, entry, node.slots !== undefined);
      return [];
    } catch (error) {
      if (!(error instanceof NodeError)) throw error;
      const refusal = refusalAt(error, entry.place);
      return [
        { ...refusal, message: `${refusal.message} (node ${node.node.name}, ${node.profile})` },
      ];
    }
  });
}

/** Throws what does not fit, of all nodes of a manifest. */
export async function checkFit(install: Install, { nodes }: PlantFile): Promise<void> {
  const unfit = await Promise.all(nodes.map((node) => unfitApps(install, node)));
  if (unfit.some((list) => list.length > 0)) throw mistakes(unfit.flat(), Exit.DOES_NOT_FIT);
}
