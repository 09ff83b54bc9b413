// What a node's FRAM holds before its power comes for the first time: store, slots with images, configuration.

import { AppState } from "../../../assembly/spec/boot.ts";
import type { BenchNodeSpec } from "../../formats/bench.ts";
import { Machine } from "../../node/hal.ts";
import { NvDevice } from "../../node/nv.ts";
import { LocalNode } from "../local-node.ts";

/** An image and what messages call it. */
export interface NamedImage {
  readonly name: string;
  readonly bytes: Uint8Array;
}

/** Cells of a store that leaves room for slots. */
const CELLS_BESIDE_SLOTS = 255;

/** Formats an FRAM and has a node write into it what the bench asks for. `desktop`: the core of that profile. Throws a NodeError. */
export async function makeMedia(
  desktop: WebAssembly.Module,
  spec: Pick<BenchNodeSpec, "fram" | "slots">,
  images: readonly NamedImage[],
): Promise<Uint8Array<ArrayBuffer>> {
  const bytes = new Uint8Array(spec.fram);
  const node = await LocalNode.start(desktop, new Machine({ nv: new NvDevice(bytes) }));
  const { capacityCells } = node.store();
  node.formatStore(
    spec.slots === undefined ? capacityCells : Math.min(capacityCells, CELLS_BESIDE_SLOTS),
  );
  if (spec.slots !== undefined) node.provision.formatSlots(spec.slots.count, spec.slots.bytes);
  for (const { name, bytes: image } of images)
    node.provision.activate(node.provision.stage(image, { name }), { attempts: 0 });
  return bytes;
}

/** Writes id, role and bit rate into media, as a node's configuration, of which none is on trial. */
export async function configureMedia(
  desktop: WebAssembly.Module,
  bytes: Uint8Array,
  settings: { readonly id: number; readonly role: number; readonly bitRate: number },
): Promise<void> {
  const node = await LocalNode.start(desktop, new Machine({ nv: new NvDevice(bytes) }));
  node.provision.setConfig(settings);
  if (node.provision.configState().state === AppState.TRIAL) node.provision.confirmConfig();
}
