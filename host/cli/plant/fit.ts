// Whether what a manifest gives a node runs there: found by loading all of it on such a node in this process.

import { Err } from "../../../assembly/spec/errors.ts";
import { LocalNode } from "../../client/local-node.ts";
import { NodeError } from "../../client/refusal.ts";
import type { Diagnostic } from "../../formats/diagnostic.ts";
import type { AppOnNode } from "../../formats/plant-checks.ts";
import type { PlantFile, PlantFileNode } from "../../formats/plant-file.ts";
import { Machine } from "../../node/hal.ts";
import { NvDevice } from "../../node/nv.ts";
import { Exit } from "../exit.ts";
import type { Install } from "../install.ts";
import { mistakes } from "./read.ts";

/** Bytes of a device that holds the values of any node, and no images. */
const VALUES_ONLY = 8192;

/** A node's refusal, with the place where the manifest asks for it. */
export function refusalAt(error: unknown, { place }: AppOnNode, node: PlantFileNode): Diagnostic {
  if (!(error instanceof NodeError)) throw error;
  const { code, message, remedy } = error;
  const where = `${message} (node ${node.node.name}, ${node.profile})`;
  return {
    ...place,
    code: Err[code] ?? String(code),
    message: where,
    ...(remedy ? { remedy } : {}),
  };
}

/** The apps of a node that it refuses beside those before them, each with the reason. */
export async function unfitApps(install: Install, node: PlantFileNode): Promise<Diagnostic[]> {
  const nv = new NvDevice(new Uint8Array(VALUES_ONLY).fill(0xff));
  const tried = await LocalNode.start(await install.core(node.profile), new Machine({ nv }));
  tried.formatStore();
  return node.apps.flatMap((entry) => {
    try {
      load(tried, entry);
      return [];
    } catch (error) {
      return [refusalAt(error, entry, node)];
    }
  });
}

/** Loads an app as the manifest wants it. Returns the pid. */
export function load(node: LocalNode, { app, file }: AppOnNode): number {
  const { groupBase, keyBase, restarts } = app;
  return node.load(file.bytes, { name: file.name, groupBase, keyBase, restarts });
}

/** Throws what does not fit, of all nodes of a manifest. */
export async function checkFit(install: Install, { nodes }: PlantFile): Promise<void> {
  const unfit = await Promise.all(nodes.map((node) => unfitApps(install, node)));
  if (unfit.some((list) => list.length > 0)) throw mistakes(unfit.flat(), Exit.DOES_NOT_FIT);
}
