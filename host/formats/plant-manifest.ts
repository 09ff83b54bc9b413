// Writes the manifest of a plant in binary form (docs/manifest.md).

import { crc32 } from "node:zlib";
import * as M from "../../assembly/spec/manifest.ts";
import { shortName } from "./fat-name.ts";
import { type FieldTable, type FieldValues, writeFields } from "./fields.ts";
import { bootWordOf, nodeConfigWords } from "./node-words.ts";
import {
  contentOf,
  type Plant,
  type PlantApp,
  type PlantNode,
  plantId,
  valueWords,
} from "./plant.ts";
import {
  COUNTS_AFTER_SHIFT,
  excess,
  MANIFEST_APP_FIELDS,
  MANIFEST_HEADER_FIELDS,
  MANIFEST_NODE_FIELDS,
  UID_BYTES,
} from "./plant-records.ts";

/** Lists of records in which equal runs lie once. */
class Runs {
  readonly records: Uint8Array[] = [];
  private readonly known = new Map<string, number>();

  /** Index of the first record of a run. */
  add(run: readonly Uint8Array[]): number {
    if (run.length === 0) return 0;
    const key = run.map((record) => Buffer.from(record).toString("hex")).join();
    const first = this.known.get(key) ?? this.records.length;
    if (!this.known.has(key)) this.records.push(...run);
    this.known.set(key, first);
    return first;
  }
}

function record<T extends FieldTable>(table: T, values: FieldValues<T>): Uint8Array {
  const bytes = new Uint8Array(M.MANIFEST_RECORD_BYTES);
  writeFields(bytes, 0, table, values);
  return bytes;
}

function appRecord(app: PlantApp, values: Runs): Uint8Array {
  const { health, image } = app;
  return record(MANIFEST_APP_FIELDS, {
    length: image.bytes,
    crc: image.crc,
    file: shortName(image.file),
    group: app.group,
    boot: bootWordOf(app),
    counts: app.attempts | (app.confirmAfter << COUNTS_AFTER_SHIFT),
    health: health.when | (health.goesOn ? M.MANIFEST_HEALTH_GO : 0),
    delay: app.delay_ms,
    limit: health.limit_ms,
    oid: health.oid,
    min: health.min,
    max: health.max,
    first: values.add(app.values.map(valueWords)),
    values: app.values.length,
    groupBase: app.groupBase,
    keyBase: app.keyBase,
    hash: image.nameHash,
    name: app.name,
  });
}

function nodeRecord(node: PlantNode, apps: Runs, values: Runs): Uint8Array {
  const { select, config } = node;
  const isUid = "uid" in select;
  return record(MANIFEST_NODE_FIELDS, {
    kind: select.kind,
    who: isUid ? select.uid.length : select.number,
    first: apps.add(node.apps.map((app) => appRecord(app, values))),
    count: node.apps.length,
    flags: config === undefined ? 0 : M.ManifestNodeFlag.CONFIG,
    spare: 0,
    content: contentOf(node),
    config: config === undefined ? new Uint8Array(12) : nodeConfigWords(config),
    uid: isUid ? select.uid : new Uint8Array(UID_BYTES),
    name: node.name,
  });
}

/** The bytes of a manifest; the same plant gives the same bytes. Or why there can be none. */
export function encodePlant(plant: Plant): { bytes: Uint8Array } | { message: string } {
  const apps = new Runs();
  const values = new Runs();
  const nodes = plant.nodes.map((node) => nodeRecord(node, apps, values));
  const message = excess(nodes.length, apps.records.length, values.records.length);
  if (message !== undefined) return { message };
  const body = [...nodes, ...apps.records, ...values.records];
  const length = body.reduce((sum, r) => sum + r.length, M.MANIFEST_RECORD_BYTES);
  const header = record(MANIFEST_HEADER_FIELDS, {
    magic: M.MANIFEST_MAGIC,
    format: M.MANIFEST_FORMAT,
    nodes: nodes.length,
    apps: apps.records.length,
    values: values.records.length,
    plant: plantId(plant.name),
    version: plant.version,
    spare: 0,
    length: length + M.MANIFEST_SUM_BYTES,
    name: plant.name,
  });
  const bytes = Buffer.concat([header, ...body, new Uint8Array(M.MANIFEST_SUM_BYTES)]);
  bytes.writeUInt32LE(crc32(bytes.subarray(0, length)), length);
  return { bytes: Uint8Array.from(bytes) };
}
