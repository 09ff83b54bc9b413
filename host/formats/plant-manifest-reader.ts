// Reads the manifest of a plant in binary form (docs/manifest.md), strict about what it takes.

import { crc32 } from "node:zlib";
import { APPS_MAX, BOOT_SOURCE_SHIFT, Source } from "../../assembly/spec/boot.ts";
import * as M from "../../assembly/spec/manifest.ts";
import { type Diagnostic, wholeFile } from "./diagnostic.ts";
import { f16ToNumber } from "./f16.ts";
import { fileOf, isShortName, shortName } from "./fat-name.ts";
import { type FieldValues, readFields } from "./fields.ts";
import { bootPolicyOf, nodeConfigWords, readNodeConfig } from "./node-words.ts";
import {
  contentOf,
  type NodeSelect,
  type Plant,
  type PlantApp,
  type PlantNode,
  type PlantValue,
  plantId,
  startsBy,
} from "./plant.ts";
import {
  COUNTS_AFTER_SHIFT,
  COUNTS_MASK,
  excess,
  MANIFEST_APP_FIELDS,
  MANIFEST_HEADER_FIELDS,
  MANIFEST_NODE_FIELDS,
  MANIFEST_VALUE_FIELDS,
  UID_BYTES,
} from "./plant-records.ts";
import { hex, plural } from "./text.ts";

/** What is wrong with a manifest, and where. */
class Mistake extends Error {
  constructor(
    readonly offset: number,
    readonly code: string,
    message: string,
    readonly remedy: string,
  ) {
    super(message);
  }
}
const REMAKE = "make it again: hsx sd make";
function mistaken(offset: number, message: string): Mistake {
  return new Mistake(offset, "bad-manifest", message, REMAKE);
}

/** Reads the bytes of a manifest. What no node takes as it stands is a diagnostic. */
export function decodePlant(
  bytes: Uint8Array,
  file: string,
): { plant?: Plant; diagnostics: Diagnostic[] } {
  try {
    return { plant: new Reader(bytes).read(), diagnostics: [] };
  } catch (error) {
    if (!(error instanceof Mistake)) throw error;
    const { offset, code, message, remedy } = error;
    return { diagnostics: [{ ...wholeFile(file), offset, code, message, remedy }] };
  }
}

class Reader {
  private appsAt = 0;
  private valuesAt = 0;
  private apps: PlantApp[] = [];
  private values: PlantValue[] = [];
  private header: FieldValues<typeof MANIFEST_HEADER_FIELDS>;

  constructor(private readonly bytes: Uint8Array) {
    this.header = this.readHeader();
  }

  read(): Plant {
    const { name, version, nodes, apps, values } = this.header;
    this.values = Array.from({ length: values }, (_, n) => this.value(n));
    this.apps = Array.from({ length: apps }, (_, n) => this.app(n));
    const plant = { name, version, nodes: Array.from({ length: nodes }, (_, n) => this.node(n)) };
    const whom = plant.nodes.map(({ select }) => JSON.stringify(select));
    const twice = whom.findIndex((who, n) => whom.indexOf(who) < n);
    if (twice >= 0) throw mistaken(at(1 + twice), "this node stands here twice");
    return plant;
  }

  private readHeader(): FieldValues<typeof MANIFEST_HEADER_FIELDS> {
    const { bytes } = this;
    const least = M.MANIFEST_RECORD_BYTES + M.MANIFEST_SUM_BYTES;
    if (bytes.length < least)
      throw mistaken(
        bytes.length,
        `${plural(bytes.length, "byte")} are no manifest: it has ${least} at least`,
      );
    const header = readFields(bytes, 0, MANIFEST_HEADER_FIELDS);
    if (header.magic !== M.MANIFEST_MAGIC)
      throw mistaken(0, 'this is no manifest: it does not begin with "HSXM"');
    if (header.format !== M.MANIFEST_FORMAT) {
      const message = `the manifest has format ${header.format}; this version reads ${M.MANIFEST_FORMAT}`;
      throw new Mistake(
        M.MANIFEST_FORMAT_OFF,
        "manifest-format",
        message,
        "make it with this version of hsx, or update hsx",
      );
    }
    if (header.length !== bytes.length) {
      const message = `the manifest should have ${plural(header.length, "byte")} and has ${bytes.length}`;
      throw mistaken(M.MANIFEST_LENGTH_OFF, message);
    }
    if (crc32(bytes) !== M.MANIFEST_RESIDUE)
      throw mistaken(
        bytes.length - M.MANIFEST_SUM_BYTES,
        "the sum over the manifest is wrong: it is damaged",
      );
    this.checkHeader(header);
    return header;
  }

  private checkHeader({
    nodes,
    apps,
    values,
    length,
    ...header
  }: FieldValues<typeof MANIFEST_HEADER_FIELDS>): void {
    this.appsAt = 1 + nodes;
    this.valuesAt = at(this.appsAt + apps);
    const end = this.valuesAt + values * M.MANIFEST_VALUE_BYTES + M.MANIFEST_SUM_BYTES;
    if (end !== length)
      throw mistaken(
        M.MANIFEST_LENGTH_OFF,
        `its records take ${plural(end, "byte")}, not ${length}`,
      );
    const over = excess(nodes, apps, values);
    if (over !== undefined) throw mistaken(M.MANIFEST_NODES_OFF, over);
    if (header.version === 0 || header.version === 0xffff)
      throw mistaken(M.MANIFEST_VERSION_OFF, `version ${header.version} cannot be`);
    this.checkName(0, M.MANIFEST_NAME_OFF, 44);
    if (header.plant !== plantId(header.name))
      throw mistaken(
        M.MANIFEST_PLANT_OFF,
        `${hex(header.plant, 4)} is not what the name "${header.name}" comes to`,
      );
    this.checkZero(14, 2);
  }

  // ---- Checks of any record ----

  private checkZero(offset: number, length: number): void {
    const bad = this.bytes.subarray(offset, offset + length).findIndex((byte) => byte !== 0);
    if (bad >= 0) throw mistaken(offset + bad, "this byte must be 0");
  }
  /** A text of printable ASCII, not empty, with zeros behind it. */
  private checkName(base: number, offset: number, size: number): void {
    const start = base + offset;
    const length = this.bytes[start] as number;
    const text = this.bytes.subarray(start + 1, start + 1 + length);
    if (length === 0 || length >= size || text.some((c) => c < 0x20 || c > 0x7e))
      throw mistaken(start, "this is no name: 1 to ".concat(`${size - 1} printable characters`));
    this.checkZero(start + 1 + length, size - 1 - length);
  }
  private checkRange(
    offset: number,
    first: number,
    count: number,
    have: number,
    what: string,
  ): void {
    if (first + count > have || (count === 0 && first !== 0))
      throw mistaken(offset, `${what} ${first} to ${first + count - 1}: there are ${have}`);
  }

  // ---- Records ----

  private node(index: number): PlantNode {
    const base = at(1 + index);
    const node = readFields(this.bytes, base, MANIFEST_NODE_FIELDS);
    this.checkName(base, M.MANIFEST_NODE_NAME_OFF, 24);
    this.checkZero(base + 6, 2);
    this.checkRange(
      base + M.MANIFEST_NODE_FIRST_OFF,
      node.first,
      node.count,
      this.header.apps,
      "apps",
    );
    if (node.count > APPS_MAX)
      throw mistaken(
        base + M.MANIFEST_NODE_COUNT_OFF,
        `${node.count} apps; a node has ${APPS_MAX} at most`,
      );
    if (node.flags > M.ManifestNodeFlag.CONFIG)
      throw mistaken(base + M.MANIFEST_NODE_FLAGS_OFF, "this flag is unknown");
    const hasConfig = node.flags === M.ManifestNodeFlag.CONFIG;
    if (!hasConfig) this.checkZero(base + M.MANIFEST_NODE_CONFIG_OFF, 12);
    const config = hasConfig ? this.config(base) : undefined;
    const apps = this.apps.slice(node.first, node.first + node.count);
    const isInOrder = apps.every(
      (app, n) => n === 0 || startsBy(apps[n - 1] as PlantApp, app) <= 0,
    );
    if (!isInOrder)
      throw mistaken(
        base + M.MANIFEST_NODE_FIRST_OFF,
        "its apps do not stand in the order in which they start",
      );
    if (node.content !== contentOf({ config, apps }))
      throw mistaken(
        base + M.MANIFEST_NODE_CONTENT_OFF,
        "this is not what configuration and values come to",
      );
    return { name: node.name, select: this.select(base, node), config, apps };
  }

  private select(
    base: number,
    { kind, who, uid }: FieldValues<typeof MANIFEST_NODE_FIELDS>,
  ): NodeSelect {
    if (kind === M.ManifestSelect.UID) {
      if (who === 0 || who > UID_BYTES)
        throw mistaken(base + M.MANIFEST_NODE_WHO_OFF, `a UID has 1 to 16 bytes, not ${who}`);
      this.checkZero(base + M.MANIFEST_NODE_UID_OFF + who, UID_BYTES - who);
      return { kind, uid: uid.slice(0, who) };
    }
    if (kind !== M.ManifestSelect.ID && kind !== M.ManifestSelect.ROLE)
      throw mistaken(base, `a node is chosen by id, role or UID, not by ${kind}`);
    const most = kind === M.ManifestSelect.ID ? 127 : 255;
    if (who === 0 || who > most)
      throw mistaken(base + M.MANIFEST_NODE_WHO_OFF, `${who} is none of 1 to ${most}`);
    this.checkZero(base + M.MANIFEST_NODE_UID_OFF, UID_BYTES);
    return { kind, number: who };
  }

  private config(base: number): PlantNode["config"] {
    const offset = base + M.MANIFEST_NODE_CONFIG_OFF;
    const words = Uint8Array.from(this.bytes.subarray(offset, offset + 12));
    const config = readNodeConfig(new DataView(words.buffer));
    const isSound = config.sources.every((s) => s in Source);
    if (!isSound || Buffer.compare(nodeConfigWords(config), words) !== 0)
      throw mistaken(offset, "these are no words of a configuration");
    return config;
  }

  private app(index: number): PlantApp {
    const base = at(this.appsAt + index);
    const app = readFields(this.bytes, base, MANIFEST_APP_FIELDS);
    this.checkName(base, M.MANIFEST_APP_NAME_OFF, 20);
    const file = fileOf(app.file);
    if (!isShortName(file) || Buffer.compare(shortName(file), app.file) !== 0)
      throw mistaken(base + M.MANIFEST_APP_FILE_OFF, "this is no name of a file on a card");
    if (((app.boot >> BOOT_SOURCE_SHIFT) & 7) > Source.SERIAL || app.boot >= 0x8000)
      throw mistaken(base + M.MANIFEST_APP_BOOT_OFF, "this is no boot word");
    if (app.counts > COUNTS_MASK)
      throw mistaken(base + M.MANIFEST_APP_COUNTS_OFF, "bits 5 to 7 must be 0");
    this.checkRange(
      base + M.MANIFEST_APP_FIRST_OFF,
      app.first,
      app.values,
      this.header.values,
      "values",
    );
    const { length: bytes, crc, hash: nameHash } = app;
    return {
      name: app.name,
      image: { bytes, crc, nameHash, file },
      group: app.group,
      ...bootPolicyOf(app.boot),
      attempts: app.counts & 7,
      confirmAfter: app.counts >> COUNTS_AFTER_SHIFT,
      health: this.health(base, app),
      delay_ms: app.delay,
      groupBase: app.groupBase,
      keyBase: app.keyBase,
      values: this.values.slice(app.first, app.first + app.values),
    };
  }

  private health(base: number, app: FieldValues<typeof MANIFEST_APP_FIELDS>): PlantApp["health"] {
    const when = app.health & ~M.MANIFEST_HEALTH_GO;
    if (!(when in M.ManifestHealth))
      throw mistaken(base + M.MANIFEST_APP_HEALTH_OFF, `health ${when} is unknown`);
    const { oid, min, max } = app;
    if (when !== M.ManifestHealth.VALUE) this.checkZero(base + M.MANIFEST_APP_OID_OFF, 6);
    else if (!(f16ToNumber(min) <= f16ToNumber(max)))
      throw mistaken(base + M.MANIFEST_APP_MIN_OFF, "no value lies between these limits");
    return {
      when,
      oid,
      min,
      max,
      limit_ms: app.limit,
      goesOn: (app.health & M.MANIFEST_HEALTH_GO) !== 0,
    };
  }

  private value(index: number): PlantValue {
    const base = this.valuesAt + index * M.MANIFEST_VALUE_BYTES;
    const value = readFields(this.bytes, base, MANIFEST_VALUE_FIELDS);
    if (value.key === 0 || value.key === 0xffff)
      throw mistaken(base + M.MANIFEST_VALUE_KEY_OFF, `${hex(value.key, 4)} is no key`);
    return value;
  }
}

/** Where record `n` begins. */
function at(n: number): number {
  return n << M.MANIFEST_RECORD_LOG2;
}
