// Text of a flat module to the translator's form. What has no translation is refused with the function's name.

import {
  type Expr,
  type Func,
  type Global,
  type Import,
  type Module,
  type Segment,
  type Signature,
  type Statement,
  Unsupported,
  type ValueType,
} from "./ir.ts";
import { type Item, type List, readList, stringBytes, stringText } from "./s-expression.ts";

const TYPES = ["i32", "i64", "f32", "f64"];
const UNARY = new Set(
  `i32.eqz i64.eqz i32.clz i32.ctz i32.popcnt i32.extend8_s i32.extend16_s i32.wrap_i64
   i64.extend_i32_s i64.extend_i32_u
   f32.neg f32.abs f32.ceil f32.floor f32.trunc f32.nearest f32.sqrt
   f64.neg f64.abs f64.ceil f64.floor f64.trunc f64.nearest f64.sqrt
   f32.convert_i32_s f32.convert_i32_u f64.convert_i32_s f64.convert_i32_u f32.demote_f64 f64.promote_f32
   i32.trunc_f32_s i32.trunc_f32_u i32.trunc_f64_s i32.trunc_f64_u
   i32.reinterpret_f32 f32.reinterpret_i32 i64.reinterpret_f64 f64.reinterpret_i64`.split(/\s+/),
);
const INTEGER =
  "add sub mul and or xor shl shr_u shr_s eq ne lt_u lt_s le_u le_s gt_u gt_s ge_u ge_s";
const DIVISION = "div_u div_s rem_u rem_s";
const FLOAT = "add sub mul div copysign eq ne lt le gt ge";
const BINARY = new Set([
  ...`${INTEGER} ${DIVISION} rotl rotr`.split(" ").map((op) => `i32.${op}`),
  ...`${INTEGER} ${DIVISION}`.split(" ").map((op) => `i64.${op}`),
  ...FLOAT.split(" ").flatMap((op) => [`f32.${op}`, `f64.${op}`]),
]);
const COMPARISON = /\.(eqz?|ne|lt|le|gt|ge)(_[us])?$/;
const ACCESS = /^(i32|i64|f32|f64)\.(load|store)(8|16|32)?(_[us])?$/;

/** The type of what an operator gives. */
function typeOf(op: string): ValueType {
  return COMPARISON.test(op) ? "i32" : (op.slice(0, 3) as ValueType);
}

function lists(items: readonly Item[]): List[] {
  return items.filter((item) => typeof item !== "string");
}

function words(items: readonly Item[]): string[] {
  return items.filter((item) => typeof item === "string");
}

function isResult(item: Item): boolean {
  return typeof item !== "string" && item.head === "result";
}

function isType(word: string): word is ValueType {
  return TYPES.includes(word);
}

function signatureOf(list: List, where: string): Signature {
  const typesOf = (head: string) =>
    lists(list.items)
      .filter((item) => item.head === head)
      .flatMap((item) => words(item.items).filter((word) => !word.startsWith("$")));
  const params = typesOf("param");
  const results = typesOf("result");
  for (const type of [...params, ...results])
    if (!isType(type)) throw new Unsupported(`${where}: values of type ${type}`);
  if (results.length > 1) throw new Unsupported(`${where}: more than one result`);
  return { params: params as ValueType[], result: results[0] as ValueType | undefined };
}

/** Reads the body of one function. */
class BodyReader {
  private readonly name: string;
  private readonly locals: ReadonlyMap<string, number>;
  private readonly types: readonly ValueType[];
  private readonly signatures: ReadonlyMap<string, Signature>;
  private readonly globals: ReadonlyMap<string, Global>;

  constructor(
    name: string,
    locals: ReadonlyMap<string, number>,
    types: readonly ValueType[],
    signatures: ReadonlyMap<string, Signature>,
    globals: ReadonlyMap<string, Global>,
  ) {
    this.name = name;
    this.locals = locals;
    this.types = types;
    this.signatures = signatures;
    this.globals = globals;
  }

  private refuse(what: string): never {
    throw new Unsupported(`${this.name}: ${what}`);
  }

  private local(word: Item | undefined): number {
    return this.locals.get(word as string) ?? this.refuse(`local ${word}`);
  }

  private argument(list: List, n: number): Expr {
    const item = lists(list.items)[n];
    return item === undefined ? this.refuse(`${list.head} without its operand`) : this.expr(item);
  }

  // ---- Expressions ----

  expr(list: List): Expr {
    const { head } = list;
    if (ACCESS.test(head)) return this.load(list);
    if (UNARY.has(head))
      return { kind: "unary", type: typeOf(head), op: head, a: this.argument(list, 0) };
    if (BINARY.has(head)) {
      const [a, b] = [this.argument(list, 0), this.argument(list, 1)];
      return { kind: "binary", type: typeOf(head), op: head, a, b };
    }
    switch (head) {
      case "i32.const":
        return { kind: "const", type: "i32", value: Number(list.items[0]) | 0 };
      case "i64.const":
        return {
          kind: "const",
          type: "i64",
          value: BigInt.asIntN(64, BigInt(list.items[0] as string)),
        };
      case "f32.const":
      case "f64.const":
        return { kind: "const", type: head.slice(0, 3) as "f32", value: this.float(list.items[0]) };
      case "local.get": {
        const index = this.local(list.items[0]);
        return { kind: "local", type: this.types[index] as ValueType, index };
      }
      case "global.get": {
        const name = list.items[0] as string;
        const global = this.globals.get(name) ?? this.refuse(`global ${name}`);
        return { kind: "global", type: global.type, name };
      }
      case "select": {
        const [a, b, condition] = [0, 1, 2].map((n) => this.argument(list, n)) as [
          Expr,
          Expr,
          Expr,
        ];
        return { kind: "select", type: a.type as ValueType, a, b, condition };
      }
      case "call": {
        const target = list.items[0] as string;
        const signature = this.signatures.get(target) ?? this.refuse(`call of ${target}`);
        const args = lists(list.items).map((item) => this.expr(item));
        return { kind: "call", type: signature.result, target, args };
      }
      case "memory.size":
        return { kind: "pages", type: "i32" };
      default:
        return this.refuse(head);
    }
  }

  private float(word: Item | undefined): number {
    if (word === "inf") return Number.POSITIVE_INFINITY;
    if (word === "-inf") return Number.NEGATIVE_INFINITY;
    const text = String(word);
    const hex = /^(-?)0x([0-9a-f]+)(?:\.([0-9a-f]*))?(?:p([-+]?\d+))?$/i.exec(text);
    if (hex === null)
      return /nan/.test(text) ? this.refuse("a constant that is no number") : Number(text);
    const [, sign, whole = "", fraction = "", exponent = "0"] = hex;
    const digits = Number.parseInt(whole + fraction, 16);
    const value = digits * 2 ** (Number(exponent) - 4 * fraction.length);
    return sign === "-" ? -value : value;
  }

  private offset(list: List): number {
    const word = words(list.items).find((item) => item.startsWith("offset="));
    return word === undefined ? 0 : Number(word.slice("offset=".length));
  }

  private bytes(list: List): number {
    const [, type, , bits] = ACCESS.exec(list.head) ?? [];
    return bits === undefined ? Number(type?.slice(1)) / 8 : Number(bits) / 8;
  }

  private load(list: List): Expr {
    const [, type, verb, , sign] = ACCESS.exec(list.head) ?? [];
    if (verb !== "load") this.refuse(`${list.head} as a value`);
    return {
      kind: "load",
      type: type as ValueType,
      bytes: this.bytes(list),
      isSigned: sign === "_s",
      offset: this.offset(list),
      address: this.argument(list, 0),
    };
  }

  // ---- Statements ----

  body(items: readonly List[]): Statement[] {
    return items.flatMap((item) => {
      const at = locationOf(item);
      return this.statement(item).map((s) => ({ ...s, at }));
    });
  }

  private statement(list: List): Statement[] {
    const { head, items } = list;
    const value = () => this.argument(list, 0);
    switch (head) {
      case "nop":
        return [];
      case "unreachable":
        return [{ kind: "unreachable" }];
      case "local.set":
        return [{ kind: "set", index: this.local(items[0]), value: value() }];
      case "global.set":
        return [{ kind: "setGlobal", name: items[0] as string, value: value() }];
      case "drop":
        return this.drop(list);
      case "call":
        return [{ kind: "run", value: this.expr(list) }];
      case "memory.fill":
      case "memory.copy": {
        const kind = head === "memory.fill" ? "fill" : "copy";
        const [to, from, size] = [0, 1, 2].map((n) => this.argument(list, n)) as [Expr, Expr, Expr];
        return [{ kind, to, from, size }];
      }
      case "block":
      case "loop":
        return this.nest(list, head);
      case "if":
        return [this.conditional(list)];
      case "br":
        return [{ kind: "branch", label: items[0] as string, condition: undefined }];
      case "br_if":
        return [{ kind: "branch", label: items[0] as string, condition: value() }];
      case "br_table": {
        const labels = words(items);
        return [
          {
            kind: "switch",
            value: value(),
            labels: labels.slice(0, -1),
            fallback: labels.at(-1) ?? "",
          },
        ];
      }
      case "return":
        return [{ kind: "return", value: lists(items).length === 0 ? undefined : value() }];
      default:
        return ACCESS.test(head) && head.includes("store")
          ? [this.store(list)]
          : [{ kind: "run", value: this.expr(list) }];
    }
  }

  /** A value that nobody wants may still be nested: then so are the statements that compute it. */
  private drop(list: List): Statement[] {
    const [dropped] = lists(list.items);
    if (dropped?.head === "if" || dropped?.head === "block")
      return this.statement({ ...dropped, items: dropped.items.filter((item) => !isResult(item)) });
    return [{ kind: "run", value: this.argument(list, 0) }];
  }

  private store(list: List): Statement {
    const [address, value] = [this.argument(list, 0), this.argument(list, 1)];
    return { kind: "store", bytes: this.bytes(list), offset: this.offset(list), address, value };
  }

  private nest(list: List, kind: "block" | "loop"): Statement[] {
    const inner = lists(list.items);
    if (inner.some(isResult)) this.refuse(`${kind} with a value`);
    const label = words(list.items)[0];
    const body = this.body(inner);
    return label === undefined ? body : [{ kind, label, body }];
  }

  private conditional(list: List): Statement {
    const inner = lists(list.items);
    if (inner.some(isResult)) this.refuse("if with a value");
    const arm = (head: string) => {
      const found = inner.find((item) => item.head === head);
      return found === undefined ? [] : this.body(lists(found.items));
    };
    return {
      kind: "if",
      condition: this.argument(list, 0),
      yes: arm("then"),
      no: arm("else"),
    };
  }
}

/** The first location in a statement that is not of a statement inside it. */
function locationOf(list: List): List["at"] {
  const isNest = ["block", "loop", "then", "else"].includes(list.head);
  if (list.at !== undefined || isNest) return list.at;
  for (const item of lists(list.items)) {
    const at = locationOf(item);
    if (at !== undefined) return at;
  }
  return undefined;
}

// ---- The module ----

function readFunction(
  list: List,
  exports: readonly string[],
  signatures: ReadonlyMap<string, Signature>,
  globals: ReadonlyMap<string, Global>,
): Func {
  const name = list.items[0] as string;
  const signature = signatureOf(list, name);
  const declared = lists(list.items).filter(({ head }) => head === "param" || head === "local");
  const locals = new Map<string, number>();
  for (const { items } of declared) locals.set(items[0] as string, locals.size);
  const types = declared.map(({ items }) => items[1] as ValueType);
  for (const type of types)
    if (!isType(type)) throw new Unsupported(`${name}: values of type ${type}`);
  const isCode = ({ head }: List) => !["type", "param", "result", "local"].includes(head);
  const reader = new BodyReader(name, locals, types, signatures, globals);
  const body = reader.body(lists(list.items).filter(isCode));
  const last = body.at(-1);
  if (signature.result !== undefined && last?.kind === "run")
    body[body.length - 1] = { ...last, kind: "return", value: last.value };
  return { ...signature, name, exports, locals: types, body };
}

function readImport(list: List): Import | undefined {
  const [module, name, what] = list.items as [string, string, List];
  const path = `${stringText(module)}.${stringText(name)}`;
  if (what.head === "memory") return undefined;
  if (what.head !== "func") throw new Unsupported(`import of a ${what.head}, ${path}`);
  const signature = signatureOf(what, path);
  return { ...signature, name: what.items[0] as string, path, symbol: stringText(name) };
}

function readSegment(list: List): Segment {
  const offset = lists(list.items)[0];
  if (offset?.head !== "i32.const") throw new Unsupported("a data segment without a fixed place");
  const strings = words(list.items).filter((word) => word.startsWith('"'));
  const bytes = Uint8Array.from(strings.flatMap((word) => [...stringBytes(word)]));
  return { address: Number(offset.items[0]) >>> 0, bytes };
}

function readGlobal(list: List): Global {
  const name = list.items[0] as string;
  const type = list.items[1] as Item;
  const isMutable = typeof type !== "string" && type.head === "mut";
  const value = (isMutable ? words(type.items)[0] : type) as ValueType;
  const init = lists(list.items).at(-1) as List;
  if (!init.head.endsWith(".const"))
    throw new Unsupported(`global ${name}: ${init.head} as its first value`);
  const reader = new BodyReader(name, new Map(), [], new Map(), new Map());
  return { name, type: value, isMutable, init: reader.expr(init) };
}

function readExports(items: readonly List[]): Map<string, string[]> {
  const exports = new Map<string, string[]>();
  for (const {
    items: [name, what],
  } of items) {
    if (typeof what !== "object" || what.head !== "func") continue;
    const target = what.items[0] as string;
    exports.set(target, [...(exports.get(target) ?? []), stringText(name as string)]);
  }
  return exports;
}

/** Reads the text of a flat module. Throws Unsupported. */
export function readModule(text: string): Module {
  const module = readList(text);
  const all = (head: string) => lists(module.items).filter((item) => item.head === head);
  for (const head of ["start", "tag"])
    if (all(head).length > 0) throw new Unsupported(`the module has a ${head}`);
  const imports = new Map<string, Import>();
  for (const list of all("import")) {
    const found = readImport(list);
    if (found !== undefined) imports.set(found.name, found);
  }
  const globals = new Map(all("global").map((list) => [list.items[0] as string, readGlobal(list)]));
  const signatures = new Map<string, Signature>(imports);
  for (const list of all("func")) {
    const name = list.items[0] as string;
    signatures.set(name, signatureOf(list, name));
  }
  const exports = readExports(all("export"));
  const functions = all("func").map((list) => {
    const name = list.items[0] as string;
    return [name, readFunction(list, exports.get(name) ?? [], signatures, globals)] as const;
  });
  const memory = words(all("memory")[0]?.items ?? []).filter((word) => /^\d+$/.test(word));
  return {
    imports,
    functions: new Map(functions),
    globals,
    segments: all("data").map(readSegment),
    pages: Number(memory[0] ?? 0),
  };
}
