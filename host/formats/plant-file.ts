// plant.toml: a plant as people write it, read with the images it names. docs/manifest.md.

import { APPS_MAX } from "../../assembly/spec/boot.ts";
import { ManifestSelect } from "../../assembly/spec/manifest.ts";
import { type Diagnostic, type Position, suggest } from "./diagnostic.ts";
import type { NodeConfig } from "./node-words.ts";
import {
  NODE_NAME_MAX,
  type NodeSelect,
  PLANT_NAME_MAX,
  type Plant,
  type PlantNode,
  type PlantValue,
  selectText,
  startsBy,
} from "./plant.ts";
import { PlantAppReader, type TableMember, type Template } from "./plant-apps.ts";
import { type AppOnNode, conflictOf } from "./plant-checks.ts";
import type { PlantImageFile, ReadFile } from "./plant-images.ts";
import { encodePlant } from "./plant-manifest.ts";
import { kindText, memberOf, parseToml, type TomlMember, type TomlTable } from "./toml.ts";
import { CONFIG_KEYS, noConfig, type SlotRoom } from "./toml-node-reader.ts";
import type { PlacedText } from "./toml-reader.ts";

/** What a manifest says of a node beyond what the node is told: on what it is tried, and what its memory is made of. */
export interface PlantFileNode {
  readonly node: PlantNode;
  readonly place: Position;
  readonly profile: ProfileWord;
  readonly media: PlacedText | undefined;
  readonly slots: SlotRoom | undefined;
  /** In the order of `node.apps`. */
  readonly apps: readonly AppOnNode[];
}

export interface PlantFile {
  readonly plant: Plant;
  readonly nodes: readonly PlantFileNode[];
  /** In the order in which apps name them. */
  readonly images: readonly PlantImageFile[];
  /** Where each image is first named. */
  readonly imagePlaces: ReadonlyMap<PlantImageFile, Position>;
  /** Names of start groups and their place in the order. */
  readonly groups: ReadonlyMap<string, number>;
}

/** Version of the form of this file. */
export const PLANT_SCHEMA = 1;
export const PROFILE_WORDS = ["small", "large", "desktop"] as const;
type ProfileWord = (typeof PROFILE_WORDS)[number];

const MEMBERS = ["schema", "plant", "version", "defaults", "groups", "apps", "nodes"];
const DEVICE_KEYS = ["profile", "media", "slots"];
const DEFAULT_KEYS = [...CONFIG_KEYS.filter((k) => k !== "id" && k !== "role"), ...DEVICE_KEYS];
const NODE_KEYS = ["uid", "apps", "values", ...CONFIG_KEYS, ...DEVICE_KEYS];
const ID_MAX = 127;

/** What nodes have unless they say otherwise. */
interface Device {
  config: NodeConfig;
  /** Something of the configuration is said. */
  isConfigured: boolean;
  profile: ProfileWord;
  media: PlacedText | undefined;
  slots: SlotRoom | undefined;
}

/** Reads a file. `read`: the files it names. Warnings do not make it wrong. */
export function readPlant(
  text: string,
  file: string,
  read: ReadFile,
): { plant?: PlantFile; diagnostics: Diagnostic[]; warnings: Diagnostic[] } {
  const { root, diagnostics } = parseToml(text, file);
  if (root === undefined) return { diagnostics, warnings: [] };
  const reader = new Reader(read);
  const plant = reader.read(root);
  const { warnings } = reader;
  if (reader.diagnostics.length > 0) return { diagnostics: reader.diagnostics, warnings };
  return { plant, diagnostics: [], warnings };
}

class Reader extends PlantAppReader {
  private readonly nodes: PlantFileNode[] = [];
  /** Ids, roles and UIDs, and whose they are. */
  private readonly taken = new Map<string, Position>();
  private readonly defaults: Device = {
    config: noConfig(),
    isConfigured: false,
    profile: "small",
    media: undefined,
    slots: undefined,
  };

  read(root: TomlTable): PlantFile {
    const member = (key: string) => memberOf(root, key);
    for (const item of root.members) if (!MEMBERS.includes(item.key)) this.unknown(item, MEMBERS);
    this.readSchema(root);
    const name = this.name(this.need(root, "plant", 'add plant = "pump house"'), PLANT_NAME_MAX);
    const version = member("version");
    this.readDefaults(member("defaults"));
    this.groups = this.readGroups(member("groups"));
    for (const item of this.tables(member("apps"))) this.readApp(item);
    for (const item of this.tables(member("nodes"))) this.readNode(item);
    if (this.nodes.length === 0 && this.diagnostics.length === 0)
      this.wrong(
        root.place,
        "no-nodes",
        "this plant has no nodes",
        "add [nodes.north] with id = 1",
      );
    const plant = {
      name,
      version: version === undefined ? 1 : this.integer(version, 1, 0xfffe),
      nodes: this.nodes.map(({ node }) => node),
    };
    if (this.diagnostics.length === 0) this.checkSize(root.place, plant);
    const images = [...this.imagePlaces.keys()];
    return { plant, nodes: this.nodes, images, imagePlaces: this.imagePlaces, groups: this.groups };
  }

  private checkSize(place: Position, plant: Plant): void {
    const made = encodePlant(plant);
    if ("message" in made)
      this.wrong(
        place,
        "too-large",
        made.message,
        "choose nodes by role, or make two plants of it",
      );
  }

  private readSchema(root: TomlTable): void {
    const member = this.need(root, "schema", `add schema = ${PLANT_SCHEMA}`);
    if (member === undefined || this.integer(member, 0, 0xff) === PLANT_SCHEMA) return;
    if (member.value.kind !== "integer") return;
    const message = `this manifest has schema ${kindText(member.value)}; this hsx reads ${PLANT_SCHEMA}`;
    const remedy = `write it as schema ${PLANT_SCHEMA} (docs/manifest.md), or use the hsx it was written for`;
    this.wrong(member.value.place, "bad-schema", message, remedy);
  }

  /** Reads what a node is and how it is configured. False: the key is about something else. */
  private deviceItem(item: TomlMember, device: Device): boolean {
    const config = { ...device.config };
    if (item.key === "profile") device.profile = this.word(item, PROFILE_WORDS);
    else if (item.key === "media") device.media = this.text(item);
    else if (item.key === "slots") device.slots = this.slotRoom(item);
    else if (this.configItem(item, config)) {
      device.config = config;
      device.isConfigured = true;
    } else return false;
    return true;
  }
  private readDefaults(member: TomlMember | undefined): void {
    const table = member === undefined ? undefined : this.tableOf(member);
    for (const item of table?.members ?? [])
      if (!DEFAULT_KEYS.includes(item.key) || !this.deviceItem(item, this.defaults))
        this.unknown(item, DEFAULT_KEYS);
  }

  // ---- Nodes ----

  private readNode({ key: name, place, value: table }: TableMember): void {
    const device = { ...this.defaults };
    let uid: Uint8Array | undefined;
    this.checkName(name, place, NODE_NAME_MAX);
    for (const item of table.members) {
      if (item.key === "uid") uid = this.uid(item);
      else if (!this.deviceItem(item, device) && !NODE_KEYS.includes(item.key))
        this.unknown(item, NODE_KEYS);
    }
    const select = this.select(table, device.config, uid);
    if (select === undefined) return;
    const apps = this.appsOf(table).sort((a, b) => startsBy(a.app, b.app));
    const config = this.configOf(device, select);
    const node = { name, select, config, apps: apps.map(({ app }) => app) };
    const { profile, media, slots } = device;
    this.nodes.push({ node, place, profile, media, slots, apps });
  }

  /** Whom the node's table means: by its UID, else its id, else its role. */
  private select(
    table: TomlTable,
    config: NodeConfig,
    uid: Uint8Array | undefined,
  ): NodeSelect | undefined {
    const [uidItem, id, role] = ["uid", "id", "role"].map((key) => memberOf(table, key));
    if (id !== undefined) this.checkId(id, config.id);
    if (uidItem !== undefined) {
      if (uid === undefined) return undefined;
      const select = { kind: ManifestSelect.UID, uid } as const;
      return this.take(select, uidItem);
    }
    if (id !== undefined) return { kind: ManifestSelect.ID, number: config.id };
    if (role !== undefined && config.role > 0)
      return this.take({ kind: ManifestSelect.ROLE, number: config.role }, role);
    this.wrong(
      table.place,
      "no-node",
      "which node is this?",
      'add id = 1, uid = "0102030405060708", or role = 1 for every node of that role',
    );
    return undefined;
  }
  private checkId(member: TomlMember, id: number): void {
    if (id < 1 || id > ID_MAX)
      this.wrong(
        member.value.place,
        "bad-id",
        `${id} is no id of a node: 1 to ${ID_MAX}`,
        "correct it",
      );
    else this.take({ kind: ManifestSelect.ID, number: id }, member);
  }
  private take(select: NodeSelect, { value }: TomlMember): NodeSelect {
    const text = selectText(select);
    const other = this.taken.get(text);
    if (other === undefined) this.taken.set(text, value.place);
    else
      this.wrong(
        value.place,
        "duplicate-node",
        `${text} stands here twice: in line ${other.line}, too`,
        "keep one of the two nodes",
      );
    return select;
  }
  /** Undefined: nothing is said but who is meant. */
  private configOf({ config, isConfigured }: Device, select: NodeSelect): NodeConfig | undefined {
    const isMeant =
      "uid" in select ? 0 : Number(select.kind === ManifestSelect.ID ? config.id : config.role);
    const bare = { ...noConfig(), [select.kind === ManifestSelect.ID ? "id" : "role"]: isMeant };
    return isConfigured && JSON.stringify(bare) !== JSON.stringify(config) ? config : undefined;
  }

  /** The apps a node names, each with what the node sets. */
  private appsOf(table: TomlTable): AppOnNode[] {
    const names = memberOf(table, "apps");
    const own = this.ownValues(memberOf(table, "values"));
    const apps: AppOnNode[] = [];
    for (const { text, place } of names === undefined ? [] : this.texts(names)) {
      const template = this.template(text, place);
      if (template === undefined) continue;
      const app = { ...template.app, values: this.valuesOn(template, own.get(text)) };
      const next = { app, file: template.file, place };
      const conflict = conflictOf(apps, next);
      if (conflict === undefined) apps.push(next);
      else this.wrong(place, conflict.code, conflict.message, conflict.remedy);
      own.delete(text);
    }
    for (const { place, key } of own.values())
      this.wrong(
        place,
        "unknown-app",
        `this node runs no app "${key}"`,
        "name it in apps, or take its values out",
      );
    if (names !== undefined && apps.length > APPS_MAX)
      this.wrong(
        names.value.place,
        "too-many-apps",
        `${apps.length} apps; a node has ${APPS_MAX} at most`,
        "spread them over more nodes",
      );
    return apps;
  }
  private template(name: string, place: Position): Template | undefined {
    const template = this.apps.get(name);
    if (template !== undefined || this.apps.has(name)) return template;
    const remedy = suggest(name, this.apps.keys(), `add [apps.${name}]`) as string;
    this.wrong(place, "unknown-app", `there is no app "${name}"`, remedy);
    return undefined;
  }
  /** `[nodes.north.values.pump]` by app. */
  private ownValues(member: TomlMember | undefined): Map<string, TableMember> {
    return new Map(this.tables(member).map((item) => [item.key, item]));
  }
  /** What a node says of a value comes before what its app says. */
  private valuesOn({ app, file }: Template, own: TomlMember | undefined): PlantValue[] {
    const values = new Map(app.values.map((value) => [value.key, value]));
    for (const value of this.values(own, file, app)) values.set(value.key, value);
    return [...values.values()];
  }
}
