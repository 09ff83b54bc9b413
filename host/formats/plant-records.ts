// The records of a manifest in binary form (docs/manifest.md): one table of fields each, and how many of them there may be.

import * as M from "../../assembly/spec/manifest.ts";
import type { FieldTable } from "./fields.ts";
import { plural } from "./text.ts";

export const MANIFEST_HEADER_FIELDS = {
  magic: [M.MANIFEST_MAGIC_OFF, "u32le"],
  format: [M.MANIFEST_FORMAT_OFF, "u8"],
  nodes: [M.MANIFEST_NODES_OFF, "u8"],
  apps: [M.MANIFEST_APPS_OFF, "u16le"],
  values: [M.MANIFEST_VALUES_OFF, "u16le"],
  plant: [M.MANIFEST_PLANT_OFF, "u16le"],
  version: [M.MANIFEST_VERSION_OFF, "u16le"],
  spare: [14, "u16le"],
  length: [M.MANIFEST_LENGTH_OFF, "u32le"],
  name: [M.MANIFEST_NAME_OFF, "text44"],
} satisfies FieldTable;

export const MANIFEST_NODE_FIELDS = {
  kind: [M.MANIFEST_NODE_KIND_OFF, "u8"],
  who: [M.MANIFEST_NODE_WHO_OFF, "u8"],
  first: [M.MANIFEST_NODE_FIRST_OFF, "u16le"],
  count: [M.MANIFEST_NODE_COUNT_OFF, "u8"],
  flags: [M.MANIFEST_NODE_FLAGS_OFF, "u8"],
  spare: [6, "u16le"],
  content: [M.MANIFEST_NODE_CONTENT_OFF, "u32le"],
  config: [M.MANIFEST_NODE_CONFIG_OFF, "bytes12"],
  uid: [M.MANIFEST_NODE_UID_OFF, "bytes16"],
  name: [M.MANIFEST_NODE_NAME_OFF, "text24"],
} satisfies FieldTable;

export const MANIFEST_APP_FIELDS = {
  length: [M.MANIFEST_APP_LENGTH_OFF, "u32le"],
  crc: [M.MANIFEST_APP_CRC_OFF, "u32le"],
  file: [M.MANIFEST_APP_FILE_OFF, "bytes11"],
  group: [M.MANIFEST_APP_GROUP_OFF, "u8"],
  boot: [M.MANIFEST_APP_BOOT_OFF, "u16le"],
  counts: [M.MANIFEST_APP_COUNTS_OFF, "u8"],
  health: [M.MANIFEST_APP_HEALTH_OFF, "u8"],
  delay: [M.MANIFEST_APP_DELAY_OFF, "u16le"],
  limit: [M.MANIFEST_APP_LIMIT_OFF, "u16le"],
  oid: [M.MANIFEST_APP_OID_OFF, "u16le"],
  min: [M.MANIFEST_APP_MIN_OFF, "u16le"],
  max: [M.MANIFEST_APP_MAX_OFF, "u16le"],
  first: [M.MANIFEST_APP_FIRST_OFF, "u16le"],
  values: [M.MANIFEST_APP_VALUES_OFF, "u8"],
  groupBase: [M.MANIFEST_APP_GROUP_BASE_OFF, "u8"],
  keyBase: [M.MANIFEST_APP_KEY_BASE_OFF, "u16le"],
  hash: [M.MANIFEST_APP_HASH_OFF, "u32le"],
  name: [M.MANIFEST_APP_NAME_OFF, "text20"],
} satisfies FieldTable;

export const MANIFEST_VALUE_FIELDS = {
  oid: [M.MANIFEST_VALUE_OID_OFF, "u16le"],
  key: [M.MANIFEST_VALUE_KEY_OFF, "u16le"],
  bits: [M.MANIFEST_VALUE_BITS_OFF, "u16le"],
  meaning: [M.MANIFEST_VALUE_MEANING_OFF, "u16le"],
} satisfies FieldTable;

/** Bits 3 and 4 of the counts of an app: what confirms it; bits 0 to 2: attempts. */
export const COUNTS_AFTER_SHIFT = 3;
export const COUNTS_MASK = 0x1f;
export const UID_BYTES = 16;

/** What a manifest has too much of, in words; undefined: all of it fits. */
export function excess(nodes: number, apps: number, values: number): string | undefined {
  const most: [number, number, string][] = [
    [nodes, M.MANIFEST_NODES_MAX, "node"],
    [apps, M.MANIFEST_APPS_MAX, "app"],
    [values, M.MANIFEST_VALUES_MAX, "value"],
  ];
  const over = most.find(([have, max]) => have > max);
  return over && `${plural(over[0], over[2])}; a manifest holds ${over[1]}`;
}
