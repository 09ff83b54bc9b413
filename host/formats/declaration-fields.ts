// One declaration read field by field: by any of its names, within its bounds, every mistake told.
import { nearestName, suggest } from "./diagnostic.ts";
import { F16_MAX, f16FromNumber } from "./f16.ts";
import { type JsonMember, type JsonNode, type JsonObject, memberOf } from "./json.ts";

/** Told of each mistake; the node is the part at fault. */
export type DeclarationReport = (
  node: { at: number; end: number },
  code: string,
  message: string,
  remedy?: string,
) => void;

/** Each field and the keys that name it, the one that counts first. */
export type Aliases = Readonly<Record<string, readonly string[]>>;

/** A kind of declaration: its keys, and what becomes of others. */
export interface Kind {
  what: string;
  aliases: Aliases;
  keeps?: "all but slips" | "all";
}

/** Reads the fields of one object by any of their names and reports what is wrong. */
export class Fields {
  failed = false;

  constructor(
    readonly node: JsonObject,
    private readonly kind: Kind,
    private readonly report: DeclarationReport,
  ) {
    for (const member of node.members) this.checkKey(member);
    if (this.isStored) return;
    for (const names of Object.values(kind.aliases)) this.refuseTwice(names);
  }

  /** The entry comes from an image, not from somebody's hand. */
  get isStored(): boolean {
    return this.kind.keeps === "all";
  }

  private get known(): string[] {
    return Object.values(this.kind.aliases).flat();
  }

  /** Whether the entry has keys that are kept for others to read. */
  get hasForeignKeys(): boolean {
    const { known } = this;
    return this.node.members.some((m) => !known.includes(m.key));
  }

  private checkKey(member: JsonMember): void {
    const { known } = this;
    const { what, keeps } = this.kind;
    if (known.includes(member.key) || keeps === "all") return;
    const remedy = suggest(member.key, known);
    if (keeps === "all but slips" && remedy === undefined) return;
    const message = `a ${what} has no key "${member.key}"`;
    this.failAt(keyPlace(member), "unknown-key", message, remedy);
  }

  get(field: string): JsonMember | undefined {
    return this.kind.aliases[field]
      ?.map((key) => memberOf(this.node, key))
      .find((m) => m !== undefined && m.value.kind !== "null");
  }

  has(field: string): boolean {
    return this.get(field) !== undefined;
  }

  fail(field: string, code: string, message: string, remedy?: string): void {
    this.failAt(this.get(field)?.value ?? this.node, code, message, remedy);
  }

  required(field: string, max: number): number {
    if (this.has(field)) return this.integer(field, max);
    const names = (this.kind.aliases[field] ?? []).slice(0, 2).join('" or "');
    this.failAt(this.node, "missing-key", `this ${this.kind.what} lacks "${names}"`);
    return 0;
  }

  /** A whole number 0..max; 0 when absent. */
  integer(field: string, max: number): number {
    const member = this.get(field);
    if (member === undefined) return 0;
    const n = integerIn(member.value);
    if (n !== undefined && n >= 0 && n <= max) return n;
    const problem = n === undefined ? "is a whole number" : `${n} is out of range`;
    this.fail(field, "out-of-range", `${member.key} ${problem}: 0 to ${max}`);
    return 0;
  }

  /** A node takes plain digits only: no text, no fraction, no exponent. */
  refuseInexact(field: string): void {
    const member = this.get(field);
    if (member === undefined) return;
    const isWords = member.value.kind === "string" && integerIn(member.value) === undefined;
    if (field === "mode" && isWords) return;
    if (member.value.kind === "number" && /^\d{1,5}$/.test(member.value.text)) return;
    this.fail(field, "out-of-range", `${member.key} is not a plain number of at most five digits`);
  }

  /** Names joined by `|` or `,`, or the number itself. */
  flags(field: string, tokens: Record<string, number>, max: number): number {
    const member = this.get(field);
    if (member?.value.kind !== "string" || integerIn(member.value) !== undefined) {
      return this.integer(field, max);
    }
    let bits = 0;
    for (const token of member.value.value.split(/[|,]/).map((t) => t.trim().toUpperCase())) {
      const bit = tokens[token];
      if (bit !== undefined) bits |= bit;
      else if (token !== "") this.failToken(member, token, Object.keys(tokens));
    }
    return bits;
  }

  /** A number as binary16 bits; a key ending in _raw holds the bits themselves. */
  f16(field: string): number {
    const member = this.get(field);
    if (member === undefined) return 0;
    if (member.key.endsWith("_raw")) return this.integer(field, 0xffff);
    const x = numberIn(member.value);
    if (x === undefined) {
      this.fail(field, "bad-declaration", `${member.key} is a number`);
      return 0;
    }
    if (Math.abs(x) >= 65520) {
      const message = `${member.key} ${x} does not fit binary16: at most ${F16_MAX}`;
      this.fail(field, "out-of-range", message);
    }
    return f16FromNumber(x);
  }

  /** The texts among `names` that are present. */
  texts<K extends string>(...names: K[]): Partial<Record<K, string>> {
    const found: Partial<Record<K, string>> = {};
    for (const name of names) {
      const member = this.get(name);
      if (member === undefined) continue;
      if (member.value.kind !== "string") {
        this.fail(name, "bad-declaration", `${member.key} is a text in double quotes`);
      } else if (member.value.value.includes("\0")) {
        this.fail(name, "bad-declaration", `${member.key} holds a NUL, which ends a text`);
      } else {
        found[name] = member.value.value;
      }
    }
    return found;
  }

  private failAt(
    node: { at: number; end: number },
    code: string,
    message: string,
    remedy?: string,
  ): void {
    this.failed = true;
    this.report(node, code, message, remedy);
  }

  private failToken(member: JsonMember, token: string, known: string[]): void {
    const near = nearestName(token, known);
    const remedy = near === undefined ? `known are ${known.join(", ")}` : `did you mean "${near}"?`;
    this.failAt(member.value, "unknown-flag", `${member.key} has no "${token}"`, remedy);
  }

  private refuseTwice(names: readonly string[]): void {
    const [first, second] = this.node.members.filter((m) => names.includes(m.key));
    if (first === undefined || second === undefined) return;
    const message = `"${second.key}" says again what "${first.key}" said`;
    this.failAt(keyPlace(second), "duplicate-key", message);
  }
}

function keyPlace(member: JsonMember): { at: number; end: number } {
  return { at: member.at, end: member.at + member.key.length + 2 };
}

function numberIn(node: JsonNode): number | undefined {
  if (node.kind === "number") return node.value;
  if (node.kind === "boolean") return Number(node.value);
  if (node.kind !== "string" || node.value.trim() === "") return undefined;
  const n = Number(node.value);
  return Number.isFinite(n) ? n : undefined;
}

/** A whole number, also one in a text. */
export function integerIn(node: JsonNode): number | undefined {
  const n = numberIn(node);
  return n !== undefined && Number.isInteger(n) ? n : undefined;
}
