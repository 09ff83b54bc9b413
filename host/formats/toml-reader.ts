// What files in TOML share when they are read: members of a kind and range, and a diagnostic for those that are not.

import { type Diagnostic, type Position, suggest } from "./diagnostic.ts";
import { kindText, type TomlMember, type TomlTable } from "./toml.ts";

/** A text and where it stands. */
export interface PlacedText {
  readonly text: string;
  readonly place: Position;
}

/** Reads members one by one and collects what is wrong. Of a wrong member it returns something of the right kind. */
export class TomlReader {
  readonly diagnostics: Diagnostic[] = [];

  protected wrong(place: Position, code: string, message: string, remedy: string): void {
    this.diagnostics.push({ ...place, code, message, remedy });
  }
  protected unknown({ key, place }: TomlMember, known: readonly string[]): void {
    const remedy = suggest(key, known, `there are ${known.join(", ")}`) as string;
    this.wrong(place, "unknown-key", `nothing is called "${key}" here`, remedy);
  }
  protected tableOf({ key, value, place }: TomlMember): TomlTable | undefined {
    if (value.kind === "table") return value;
    this.wrong(place, "bad-table", `${key} is ${kindText(value)}; it is a table`, `write [${key}]`);
    return undefined;
  }
  /** The tables of `[[key]]`, each with what an item of it is called in messages: `apps are tables, one for each app`. */
  protected tablesOf({ key, value, place }: TomlMember, item: string): TomlTable[] {
    const items = value.kind === "array" ? value.items : [];
    const tables = items.flatMap((node) => (node.kind === "table" ? [node] : []));
    if (value.kind === "array" && tables.length === items.length) return tables;
    this.wrong(place, "bad-table", `${key} are tables, one for each ${item}`, `write [[${key}]]`);
    return [];
  }
  protected boolean({ key, value }: TomlMember): boolean {
    if (value.kind === "boolean") return value.value;
    const message = `${key} is ${kindText(value)}; it is true or false`;
    this.wrong(value.place, "bad-boolean", message, "write true or false");
    return false;
  }
  protected integer({ key, value }: TomlMember, min: number, max: number): number {
    const isInteger = value.kind === "integer" && value.value >= min && value.value <= max;
    if (isInteger) return value.value;
    const message = `${key} is ${kindText(value)}; it is an integer from ${min} to ${max}`;
    this.wrong(value.place, "bad-number", message, "correct it");
    return min;
  }
  /** An integer or a fraction. */
  protected number({ key, value }: TomlMember, min: number, max: number): number {
    const isNumber = value.kind === "integer" || value.kind === "float";
    if (isNumber && value.value >= min && value.value <= max) return value.value;
    const message = `${key} is ${kindText(value)}; it is a number from ${min} to ${max}`;
    this.wrong(value.place, "bad-number", message, "correct it");
    return min;
  }
  protected text({ key, value }: TomlMember): PlacedText | undefined {
    if (value.kind === "string") return { text: value.value, place: value.place };
    const message = `${key} is ${kindText(value)}; it is a text`;
    this.wrong(value.place, "bad-text", message, "write it in quotes");
    return undefined;
  }
  /** One of several words. */
  protected word<T extends string>(member: TomlMember, words: readonly T[]): T {
    const read = this.text(member);
    const known = words.find((word) => word === read?.text);
    if (known !== undefined) return known;
    if (read !== undefined) {
      const remedy = suggest(read.text, words, `there are ${words.join(", ")}`) as string;
      this.wrong(read.place, "bad-word", `"${read.text}" is no ${member.key}`, remedy);
    }
    return words[0] as T;
  }
}
