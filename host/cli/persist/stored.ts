// What an image holds besides values: slots, apps with their records, boot list, configuration, as they lie there.

import {
  APPS_MAX,
  AppState,
  CONFIG_WORDS,
  WORD_GROUP_LOG2,
  WORD_KEY,
  WORD_NONE,
  WordGroup,
} from "../../../assembly/spec/boot.ts";
import { CellType } from "../../../assembly/spec/cell.ts";
import type { Found } from "../../client/persist-image.ts";
import { type ActivationInfo, readActivation } from "../../client/records.ts";
import { decodeHxe } from "../../formats/hxe.ts";
import {
  type BootPolicy,
  bootPolicyOf,
  type NodeConfig,
  readNodeConfig,
} from "../../formats/node-words.ts";
import { type StoredImage, storedImages } from "../../formats/persist-image.ts";
import { geometryOf, logOf } from "../media.ts";
import type { OpenImage } from "./image.ts";

export interface StoredApp extends ActivationInfo {
  readonly app: number;
  /** Of the image in its active slot. */
  readonly name: string;
  readonly boot: BootPolicy;
}

export interface Stored {
  /** Slots with the names of the apps in them. */
  readonly slots: readonly (StoredImage & { readonly name: string })[];
  readonly apps: readonly StoredApp[];
  /** Undefined: none was ever set. */
  readonly config: NodeConfig | undefined;
  /** Of the configuration. */
  readonly configState: AppState;
}

/** A view whose first words these are, as records lie in a node's buffer. */
function viewOf(words: readonly number[]): DataView {
  const view = new DataView(new ArrayBuffer(2 * words.length));
  words.forEach((word, n) => void view.setUint16(2 * n, word, true));
  return view;
}

/** Reads what the words of an image tell. `found`: what a node finds in it. */
export function storedIn({ file, image }: OpenImage, found: readonly Found[]): Stored {
  const words = new Map(
    found.filter((f) => f.type === CellType.SYSTEM).map((f) => [f.key, f.value]),
  );
  const word = (group: WordGroup, n: number) =>
    words.get(WORD_KEY + (group << WORD_GROUP_LOG2) + n) ?? WORD_NONE;
  const activation = (n: WordGroup, index: number) => readActivation(viewOf([word(n, index)]));

  const slotsWord = word(WordGroup.NODE, 1);
  const { eraseSize } = geometryOf(file.media);
  const log = logOf(file.media);
  const slots =
    slotsWord === WORD_NONE
      ? []
      : storedImages(image.device.bytes, slotsWord, eraseSize, log).map((slot) => ({
          ...slot,
          name: slot.state === "image" ? (decodeHxe(slot.file).image?.appName ?? "") : "",
        }));
  const apps = Array.from({ length: APPS_MAX }, (_, app): StoredApp => {
    const record = activation(WordGroup.APPS, app);
    const name = slots.find((s) => s.slot === record.active)?.name ?? "";
    const bootWord = word(WordGroup.BOOT, app);
    const boot = bootPolicyOf(bootWord === WORD_NONE ? 0 : bootWord);
    return { app, ...record, name, boot };
  }).filter((app) => app.state !== AppState.EMPTY);

  const config = activation(WordGroup.NODE, 0);
  const first = (config.active ?? 0) * CONFIG_WORDS;
  const settings = Array.from({ length: CONFIG_WORDS }, (_, k) => {
    const value = word(WordGroup.CONFIG, first + k);
    return value === WORD_NONE ? 0 : value;
  });
  return {
    slots,
    apps,
    config: config.active === undefined ? undefined : readNodeConfig(viewOf(settings)),
    configState: config.state,
  };
}
