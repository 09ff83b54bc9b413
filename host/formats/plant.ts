// A plant: its nodes, the apps each is to run, what they are set to. What a manifest says, whatever form it has.

import { crc32 } from "node:zlib";
import type { ConfirmAfter } from "../../assembly/spec/boot.ts";
import type { ManifestHealth, ManifestSelect } from "../../assembly/spec/manifest.ts";
import { type BootPolicy, type NodeConfig, nodeConfigWords } from "./node-words.ts";

/** Which node is meant: one of this id, every one of this role, or the one of this UID. */
export type NodeSelect =
  | { readonly kind: ManifestSelect.ID | ManifestSelect.ROLE; readonly number: number }
  | { readonly kind: ManifestSelect.UID; readonly uid: Uint8Array };

/** What an image is known by. */
export interface PlantImage {
  readonly bytes: number;
  /** CRC-32 over every byte of the file. */
  readonly crc: number;
  /** CRC-32 of the name in the image. */
  readonly nameHash: number;
  /** Its file on a card, `PUMP.HXE`. */
  readonly file: string;
}

/** What a value is set to, once. */
export interface PlantValue {
  /** The group base is in it. */
  readonly oid: number;
  /** The key base is in it. */
  readonly key: number;
  /** binary16 */
  readonly bits: number;
  /** Of unit and kind, as a cell MEANING has it; 0: it has none. */
  readonly meaning: number;
}

/** When an app is well, and what happens if it is not. */
export interface PlantHealth {
  readonly when: ManifestHealth;
  /** The value that tells; 0 unless `when` is VALUE, like the limits. */
  readonly oid: number;
  /** binary16 */
  readonly min: number;
  readonly max: number;
  /** Ms from its start; 0: any time. */
  readonly limit_ms: number;
  /** Beyond the limit, what comes behind it starts all the same. */
  readonly goesOn: boolean;
}

export interface PlantApp extends BootPolicy {
  /** What the manifest calls it, at most 19 characters. */
  readonly name: string;
  readonly image: PlantImage;
  /** Start group: lower ones first. */
  readonly group: number;
  /** Starts until a new image must be confirmed, 0: at once. */
  readonly attempts: number;
  readonly confirmAfter: ConfirmAfter;
  readonly health: PlantHealth;
  /** Ms between its turn and its start. */
  readonly delay_ms: number;
  readonly groupBase: number;
  readonly keyBase: number;
  readonly values: readonly PlantValue[];
}

export interface PlantNode {
  /** At most 23 characters. */
  readonly name: string;
  readonly select: NodeSelect;
  /** Undefined: it keeps what it has. */
  readonly config: NodeConfig | undefined;
  /** In the order in which they start. */
  readonly apps: readonly PlantApp[];
}

export interface Plant {
  /** At most 43 characters. */
  readonly name: string;
  /** 1 to 65,534; a higher one is newer. */
  readonly version: number;
  readonly nodes: readonly PlantNode[];
}

/** Most characters of names. */
export const PLANT_NAME_MAX = 43;
export const NODE_NAME_MAX = 23;
export const APP_LABEL_MAX = 19;

/** Below 0xFFFF, which in a store means that nothing is noted. */
const notable = (word: number) => (word === 0xffff ? 0xfffe : word);

/** What nodes know a plant by: 16 bits of its name, neither 0 nor 0xFFFF. */
export function plantId(name: string): number {
  return notable(crc32(name) & 0xffff) || 1;
}

/** A value as it lies in a manifest: four numbers of 16 bits. */
export function valueWords({ oid, key, bits, meaning }: PlantValue): Uint8Array {
  const bytes = new Uint8Array(8);
  const view = new DataView(bytes.buffer);
  [oid, key, bits, meaning].forEach((word, n) => {
    view.setUint16(2 * n, word, true);
  });
  return bytes;
}

/** What a node's configuration and values come to: 32 bits, no half of which is 0xFFFF. */
export function contentOf({ config, apps }: Pick<PlantNode, "config" | "apps">): number {
  let crc = config === undefined ? 0 : crc32(nodeConfigWords(config));
  for (const value of apps.flatMap((app) => app.values)) crc = crc32(valueWords(value), crc);
  return notable(crc >>> 16) * 65536 + notable(crc & 0xffff);
}

/** Below 0: `a` starts before `b` on a node that has both. */
export function startsBy(a: PlantApp, b: PlantApp): number {
  return a.group - b.group || a.order - b.order;
}

/** What people call the choice: `id 5`, `role 2`, `uid 0102…`. */
export function selectText(select: NodeSelect): string {
  if ("uid" in select) return `uid ${Buffer.from(select.uid).toString("hex")}`;
  return `${SELECT_WORDS[select.kind]} ${select.number}`;
}
const SELECT_WORDS = { 1: "role", 2: "id" } as const;
