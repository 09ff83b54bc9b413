// The apps of plant.toml and the groups in which they start: what the file says of each, and what its image declares.

import { ConfirmAfter } from "../../assembly/spec/boot.ts";
import { ManifestHealth } from "../../assembly/spec/manifest.ts";
import { type Position, suggest } from "./diagnostic.ts";
import { f16ToNumber } from "./f16.ts";
import { type KeptValue, meaningOf } from "./kept-values.ts";
import { APP_LABEL_MAX, type PlantApp, type PlantHealth, type PlantValue } from "./plant.ts";
import { baseMistake } from "./plant-checks.ts";
import { type GroupEntry, groupRanks } from "./plant-groups.ts";
import {
  CardNames,
  instanceKept,
  instanceValues,
  type PlantImageFile,
  plantImage,
  type ReadFile,
} from "./plant-images.ts";
import { hex } from "./text.ts";
import { kindText, memberOf, type TomlMember, type TomlTable } from "./toml.ts";
import { BOOT_KEYS, plainBoot, TomlNodeReader } from "./toml-node-reader.ts";
import type { PlacedText } from "./toml-reader.ts";

export const CONFIRM_WORDS = ["never", "10s", "1m", "10m"] as const;
export const HEALTH_WORDS = ["runs", "confirmed"] as const;
export const ELSE_WORDS = ["hold", "go"] as const;
const APP_KEYS: readonly string[] = [
  "image",
  "group",
  ...BOOT_KEYS,
  "attempts",
  "confirm_after",
  "health",
  "health_limit",
  "health_else",
  "delay",
  "group_base",
  "key_base",
  "values",
];
const HEALTH_KEYS = ["value", "min", "max"];
const MS_MAX = 0xffff;
const ATTEMPTS_MAX = 7;
const MINUS_INFINITY = 0xfc00;
const INFINITY = 0x7c00;

/** A member that is a table. */
export type TableMember = TomlMember & { readonly value: TomlTable };

/** An app of the file, before a node sets values of its own. */
export interface Template {
  readonly app: PlantApp;
  readonly file: PlantImageFile;
}

/** Reads groups and apps. */
export class PlantAppReader extends TomlNodeReader {
  /** Where each image is first named, in this order. */
  protected readonly imagePlaces = new Map<PlantImageFile, Position>();
  /** Undefined: the app is wrong, and that was told. */
  protected readonly apps = new Map<string, Template | undefined>();
  protected groups: ReadonlyMap<string, number> = new Map();
  private readonly cardNames = new CardNames();
  private readonly files = new Map<string, PlantImageFile | undefined>();

  constructor(private readonly readFile: ReadFile) {
    super();
  }

  // ---- Parts that many have ----

  protected need(table: TomlTable, key: string, remedy: string): TomlMember | undefined {
    const member = memberOf(table, key);
    if (member === undefined) this.wrong(table.place, `no-${key}`, `there is no ${key}`, remedy);
    return member;
  }
  /** The tables `[kind.name]` of a member. */
  protected tables(member: TomlMember | undefined): TableMember[] {
    const table = member === undefined ? undefined : this.tableOf(member);
    return (table?.members ?? []).flatMap((item) => {
      const inner = this.tableOf(item);
      return inner === undefined ? [] : [{ ...item, value: inner }];
    });
  }
  /** A text that fits the manifest's field. */
  protected name(member: TomlMember | undefined, max: number): string {
    const read = member === undefined ? undefined : this.text(member);
    if (read !== undefined) this.checkName(read.text, read.place, max);
    return read?.text ?? "";
  }
  protected checkName(text: string, place: Position, max: number): void {
    if (/^[\x20-\x7e]+$/.test(text) && text.length <= max) return;
    const message = `"${text}" is no name: it has 1 to ${max} ASCII characters`;
    this.wrong(place, "bad-name", message, "choose a shorter or plainer one");
  }

  // ---- Groups ----

  protected readGroups(member: TomlMember | undefined): ReadonlyMap<string, number> {
    const entries = this.tables(member).map((item): GroupEntry => {
      const after = memberOf(item.value, "after");
      for (const other of item.value.members)
        if (other.key !== "after") this.unknown(other, ["after"]);
      return {
        name: item.key,
        place: item.place,
        after: after === undefined ? [] : this.texts(after),
      };
    });
    const { ranks, mistakes } = groupRanks(entries);
    this.diagnostics.push(...mistakes);
    return ranks;
  }
  /** An array of texts. */
  protected texts({ key, value, place }: TomlMember): PlacedText[] {
    if (value.kind === "array")
      return value.items.flatMap((item) => this.text({ key, place, value: item }) ?? []);
    this.wrong(
      value.place,
      "bad-array",
      `${key} is ${kindText(value)}; it is an array`,
      `write ${key} = ["a", "b"]`,
    );
    return [];
  }

  // ---- Apps ----

  private image(member: TomlMember | undefined): PlantImageFile | undefined {
    const read = member === undefined ? undefined : this.text(member);
    if (read === undefined) return undefined;
    if (!this.files.has(read.text)) this.files.set(read.text, this.openImage(read));
    return this.files.get(read.text);
  }
  private openImage({ text, place }: PlacedText): PlantImageFile | undefined {
    const found = this.readFile(text);
    if ("message" in found) {
      this.wrong(place, "missing-file", found.message, found.remedy);
      return undefined;
    }
    const made = plantImage(text, found.bytes, this.cardNames.add(text));
    if ("file" in made) {
      this.imagePlaces.set(made.file, place);
      return made.file;
    }
    const { code, message } = made.mistake;
    this.wrong(place, code, `${text} is no sound image: ${message}`, "build it again: hsx build");
    return undefined;
  }

  protected readApp({ key: name, place, value: table }: TableMember): void {
    const before = this.diagnostics.length;
    this.checkName(name, place, APP_LABEL_MAX);
    const file = this.image(this.need(table, "image", 'add image = "app.hxe"'));
    const boot = plainBoot();
    const numbers = { group: 0, attempts: 0, delay_ms: 0, groupBase: 0, keyBase: 0 };
    let confirmAfter: ConfirmAfter | undefined;
    for (const item of table.members) {
      if (item.key === "attempts") numbers.attempts = this.integer(item, 0, ATTEMPTS_MAX);
      else if (item.key === "confirm_after")
        confirmAfter = CONFIRM_WORDS.indexOf(this.word(item, CONFIRM_WORDS));
      else if (item.key === "delay") numbers.delay_ms = this.integer(item, 0, MS_MAX);
      else if (item.key === "group_base") numbers.groupBase = this.integer(item, 0, 0xff);
      else if (item.key === "key_base") numbers.keyBase = this.integer(item, 0, 0xffff);
      else if (item.key === "group") numbers.group = this.group(item);
      else if (!this.bootItem(item, boot) && !APP_KEYS.includes(item.key))
        this.unknown(item, APP_KEYS);
    }
    if (confirmAfter !== undefined && numbers.attempts === 0)
      this.wrong(
        place,
        "no-trial",
        "nothing is on trial that confirm_after could confirm",
        "add attempts = 3",
      );
    if (file === undefined) return void this.apps.set(name, undefined);
    const base = baseMistake(file, numbers);
    if (base !== undefined) this.wrong(place, base.code, base.message, base.remedy);
    const health = this.readHealth(table, instanceValues(file, numbers));
    const values = this.values(memberOf(table, "values"), file, numbers);
    const app = {
      name,
      image: file.known,
      ...boot,
      ...numbers,
      confirmAfter: confirmAfter ?? ConfirmAfter.NEVER,
      health,
      values,
    };
    this.apps.set(name, this.diagnostics.length > before ? undefined : { app, file });
  }

  private group(item: TomlMember): number {
    const read = this.text(item);
    const rank = read === undefined ? 0 : this.groups.get(read.text);
    if (rank !== undefined || read === undefined) return rank ?? 0;
    const remedy = suggest(read.text, this.groups.keys(), `add [groups.${read.text}]`) as string;
    this.wrong(read.place, "unknown-group", `there is no group "${read.text}"`, remedy);
    return 0;
  }

  /** `health = "confirmed"` or `health = { value = "pump:pressure", min = 2 }`, with its limit. */
  private readHealth(table: TomlTable, known: readonly KeptValue[]): PlantHealth {
    const health = memberOf(table, "health");
    const limit = memberOf(table, "health_limit");
    const other = memberOf(table, "health_else");
    const limit_ms = limit === undefined ? 0 : this.integer(limit, 0, MS_MAX);
    const goesOn = other !== undefined && this.word(other, ELSE_WORDS) === "go";
    const none = { when: ManifestHealth.RUNS, oid: 0, min: 0, max: 0, limit_ms, goesOn };
    if (health === undefined) return none;
    if (health.value.kind === "table")
      return { ...none, ...this.healthValue(health, health.value, known) };
    const when = HEALTH_WORDS.indexOf(this.word(health, HEALTH_WORDS));
    return { ...none, when };
  }
  private healthValue(health: TomlMember, table: TomlTable, known: readonly KeptValue[]) {
    let min = MINUS_INFINITY;
    let max = INFINITY;
    for (const item of table.members) {
      if (item.key === "min") min = this.bitsOf(item.value, undefined) ?? min;
      else if (item.key === "max") max = this.bitsOf(item.value, undefined) ?? max;
      else if (item.key !== "value") this.unknown(item, HEALTH_KEYS);
    }
    const oid = this.oid(this.need(table, "value", 'add value = "group:name"'), known);
    if (!(f16ToNumber(min) <= f16ToNumber(max)))
      this.wrong(
        health.value.place,
        "bad-range",
        "no number lies between min and max",
        "let max be the greater",
      );
    return { when: ManifestHealth.VALUE, oid, min, max };
  }
  /** The id of a value by its name, or by `group.id`. */
  private oid(member: TomlMember | undefined, known: readonly KeptValue[]): number {
    const read = member === undefined ? undefined : this.text(member);
    if (read === undefined) return 0;
    const { text, place } = read;
    const found = known.filter((v) => (text.includes(":") ? v.label : v.name) === text);
    const [first, ...others] = found;
    if (first !== undefined && others.length === 0) return first.oid;
    const labels = (found.length > 0 ? found : known).map((v) => v.label);
    const message =
      found.length > 0 ? `"${text}" is ambiguous` : `the image declares no value "${text}"`;
    const there = labels.length > 0 ? `there are ${labels.join(", ")}` : "it declares none at all";
    this.wrong(
      place,
      "bad-value",
      message,
      (found.length > 0 ? undefined : suggest(text, labels)) ?? there,
    );
    return 0;
  }

  // ---- Values ----

  /** Values of `[apps.name.values]`, or of a node for an app. */
  protected values(
    member: TomlMember | undefined,
    file: PlantImageFile,
    bases: Pick<PlantApp, "groupBase" | "keyBase">,
  ): PlantValue[] {
    const table = member === undefined ? undefined : this.tableOf(member);
    if (table === undefined) return [];
    const known = instanceKept(file, bases);
    const values = new Map<number, PlantValue>();
    this.eachValue(table, (name, place, node) => {
      const read = this.keyedBits(known, name, place, node);
      if (read === undefined) return;
      const { key, bits, value } = read;
      if (value === undefined) return this.unkept(name, place, file, known);
      if (values.has(key))
        return this.wrong(
          place,
          "duplicate-value",
          `${value.label} stands here twice`,
          "keep one of the two",
        );
      values.set(key, {
        oid: value.oid,
        key,
        bits,
        meaning: meaningOf(value.unit, value.flags) ?? 0,
      });
    });
    return [...values.values()];
  }
  private unkept(
    name: string,
    place: Position,
    file: PlantImageFile,
    known: readonly KeptValue[],
  ): void {
    const labels = known.map((v) => `${v.label} (${hex(v.key, 4)})`).join(", ");
    const message = `${file.name} keeps nothing under the key ${name}`;
    this.wrong(
      place,
      "bad-key",
      message,
      labels === "" ? "it keeps no values at all" : `there are ${labels}`,
    );
  }
}
