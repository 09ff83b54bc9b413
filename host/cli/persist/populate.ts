// The part of an image that a node writes itself: slots, stored apps, boot list, configuration.

import { AppState, CONFIG_WORDS } from "../../../assembly/spec/boot.ts";
import { LocalNode } from "../../client/local-node.ts";
import { NodeError } from "../../client/refusal.ts";
import type { AppEntry, Calibration } from "../../formats/calibration.ts";
import { Machine } from "../../node/hal.ts";
import { NvDevice } from "../../node/nv.ts";
import { exitOf, mistakes, refusalAt } from "../exit.ts";
import { readImage } from "../image.ts";
import type { Install } from "../install.ts";
import { geometryOf, type Media } from "../media.ts";

/** Cells that configuration, slots and apps take: six words and a record, one word, and two for each app. */
export function cellsForNode({ node, slots, apps }: Calibration): number {
  const config = node === undefined ? 0 : CONFIG_WORDS + 1;
  return config + (slots === undefined ? 0 : 1) + 2 * apps.length;
}

/** Images of a calibration file, by the names that stand in it. */
export type AppImages = ReadonlyMap<AppEntry, Uint8Array>;

/** Reads the images of all apps. `resolve`: from the name in the file to a path. */
export function readApps({ apps }: Calibration, resolve: (name: string) => string): AppImages {
  return new Map(apps.map((app) => [app, readImage(resolve(app.image)).bytes]));
}

function storeApp({ provision }: LocalNode, app: AppEntry, image: Uint8Array): void {
  try {
    const slot = provision.stage(image, { name: app.image });
    provision.activate(slot, { attempts: 0 });
    const info = provision.apps().find((a) => a.active === slot);
    if (info !== undefined) provision.setBoot(info.app, app);
  } catch (error) {
    if (!(error instanceof NodeError)) throw error;
    throw mistakes([refusalAt(error, app.place)], exitOf(error.code));
  }
}

/** Lets a node on the device write what a node writes. Apps are started, and stopped before their first instruction. */
export async function populate(
  install: Install,
  bytes: Uint8Array,
  media: Media,
  calibration: Calibration,
  images: AppImages,
): Promise<void> {
  const { node: settings, slots } = calibration;
  if (cellsForNode(calibration) === 0) return;
  const nv = new NvDevice(bytes, { geometry: geometryOf(media) });
  const node = await LocalNode.start(await install.core("desktop"), new Machine({ nv }));
  if (slots !== undefined) node.provision.formatSlots(slots.count, slots.bytes);
  for (const [app, image] of images) storeApp(node, app, image);
  if (settings === undefined) return;
  node.provision.setConfig(settings);
  if (node.provision.configState().state === AppState.TRIAL) node.provision.confirmConfig();
}
