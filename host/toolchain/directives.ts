// Directives of MVASM: one function each, by name.
import { DATA_ORIGIN, HxeCap, STACK_TOP } from "../../assembly/spec/hxe.ts";
import type { DeclarationReport } from "../formats/declaration-fields.ts";
import { readCommands, readMailboxes, readValues } from "../formats/declarations.ts";
import { type Position, suggest } from "../formats/diagnostic.ts";
import type { RelocType, SectionName } from "../formats/hxo.ts";
import { type JsonNode, printJson } from "../formats/json.ts";
import { compactManifest } from "../formats/manifest.ts";
import type { Operand, Word } from "../formats/mvasm.ts";
import type { Unit } from "./unit.ts";

/** What a directive works with. */
export interface DirectiveContext {
  unit: Unit;
  op: Word;
  operands: readonly Operand[];
  /** Assembles another file in this place. */
  include: (path: string, at: Position) => void;
  /** Text of a file named in this source, or undefined after reporting that it cannot be read. */
  readText: (path: string, at: Position) => string | undefined;
}

type Directive = (context: DirectiveContext) => void;

/** Every directive; also the list from which the nearest name is suggested. */
export const DIRECTIVES: Readonly<Record<string, Directive>> = {
  ".text": (c) => enter(c, "text"),
  ".data": (c) => enter(c, "data"),
  ".bss": (c) => enter(c, "bss"),
  ".entry": setEntry,
  ".export": (c) =>
    declareNames(c, (w) => c.unit.exports.set(w.text, { at: w.at, mustExist: true })),
  ".extern": (c) =>
    declareNames(c, (w) => {
      if (!c.unit.exports.has(w.text)) c.unit.exports.set(w.text, { at: w.at, mustExist: false });
    }),
  ".import": (c) => declareNames(c, (w) => c.unit.imports.set(w.text, w.at)),
  ".include": include,
  ".equ": defineConstant,
  ".org": advanceTo,
  ".insn": addWords,
  ".byte": (c) => addNumbers(c, 1, "data_byte"),
  ".half": (c) => addNumbers(c, 2, "data_half"),
  ".hword": (c) => addNumbers(c, 2, "data_half"),
  ".word": (c) => addNumbers(c, 4, "data_word"),
  ".ascii": (c) => addTexts(c, false),
  ".asciz": (c) => addTexts(c, true),
  ".string": (c) => addTexts(c, true),
  ".align": align,
  ".zero": addZeros,
  ".value": (c) => declare(c, readValues, c.unit.metadata.values),
  ".cmd": (c) => declare(c, readCommands, c.unit.metadata.commands),
  ".mailbox": (c) => declare(c, readMailboxes, c.unit.metadata.mailboxes),
  ".mailbox_form": setMailboxForm,
  ".stack": setStack,
  ".caps": addCaps,
  ".manifest": setManifest,
  ".app": setApp,
};

/** Carries out one directive; an unknown one is reported. */
export function runDirective(context: DirectiveContext): void {
  const { unit, op } = context;
  const name = op.text.toLowerCase();
  if (Object.hasOwn(DIRECTIVES, name)) {
    (DIRECTIVES[name] as Directive)(context);
    return;
  }
  const remedy = suggest(name, Object.keys(DIRECTIVES), "docs/mvasm.md lists all directives");
  unit.report(op.at, "unknown-directive", `there is no directive "${op.text}"`, remedy);
}

// ---- Arguments ----

/** Reports operands beyond the first `count`, or their lack. */
function takeOperands(c: DirectiveContext, min: number, max: number, usage: string): boolean {
  const extra = c.operands[max];
  if (c.operands.length < min) {
    const message = `${c.op.text} lacks an operand`;
    c.unit.report(c.op.at, "missing-operand", message, `write ${c.op.text} ${usage}`);
    return false;
  }
  if (extra === undefined) return true;
  const remedy = `write ${`${c.op.text} ${usage}`.trim()}`;
  c.unit.report(extra.at, "extra-operand", `${c.op.text} takes no more operands`, remedy);
  return false;
}

/** The operand as a lone name. */
function wordIn(operand: Operand | undefined): Word | undefined {
  if (operand?.kind !== "number" || operand.expr.terms.length !== 1) return undefined;
  const [term] = operand.expr.terms;
  return term?.kind === "symbol" && term.sign > 0 ? { text: term.name, at: term.at } : undefined;
}

/** The only operand as a number; undefined after reporting. */
function takeNumber(
  c: DirectiveContext,
  what: string,
  min: number,
  max: number,
): number | undefined {
  if (!takeOperands(c, 1, 1, what)) return undefined;
  const [operand] = c.operands;
  if (operand?.kind === "number") return c.unit.constant(operand.expr, what, min, max);
  c.unit.report((operand as Operand).at, "bad-operand", `${c.op.text} needs a number here`);
  return undefined;
}

function requireSection(c: DirectiveContext, sections: SectionName[], remedy: string): boolean {
  if (sections.includes(c.unit.section)) return true;
  const code = c.unit.section === "text" ? "data-in-text" : "code-in-data";
  const message = `${c.op.text} cannot stand in .${c.unit.section}`;
  c.unit.report(c.op.at, code, message, remedy);
  return false;
}

const WRITE_DATA = "write .data before it";

// ---- Sections and names ----

function enter(c: DirectiveContext, section: SectionName): void {
  if (takeOperands(c, 0, 0, "")) c.unit.section = section;
}

function setEntry(c: DirectiveContext): void {
  const { unit } = c;
  if (!takeOperands(c, 0, 1, "label")) return;
  if (unit.entry !== undefined) {
    const message = `the entry is already given on line ${unit.entry.at.line}`;
    unit.report(c.op.at, "duplicate-directive", message);
    return;
  }
  const [operand] = c.operands;
  const name = wordIn(operand);
  if (name !== undefined) unit.entry = { name, at: c.op.at };
  else if (operand === undefined) unit.entry = { offset: 4 * unit.code.length, at: c.op.at };
  else unit.entry = { offset: takeNumber(c, "entry", 0, 0xfffc) ?? 0, at: c.op.at };
}

function declareNames(c: DirectiveContext, declareName: (word: Word) => void): void {
  if (!takeOperands(c, 1, Number.POSITIVE_INFINITY, "name")) return;
  for (const operand of c.operands) {
    const word = wordIn(operand);
    if (word !== undefined) declareName(word);
    else c.unit.report(operand.at, "bad-operand", `${c.op.text} needs the name of a symbol here`);
  }
}

function include(c: DirectiveContext): void {
  if (!takeOperands(c, 1, 1, '"file"')) return;
  const [operand] = c.operands;
  if (operand?.kind === "string") c.include(textOf(operand.bytes), operand.at);
  else c.unit.report((operand as Operand).at, "bad-operand", '.include needs "file" in quotes');
}

function defineConstant(c: DirectiveContext): void {
  if (!takeOperands(c, 2, 2, "NAME value")) return;
  const [first, second] = c.operands;
  const name = wordIn(first);
  if (name === undefined) {
    c.unit.report((first as Operand).at, "bad-operand", ".equ needs a name first");
  } else if (second?.kind === "number") {
    c.unit.defineConstant(name, second.expr);
  } else {
    c.unit.report((second as Operand).at, "bad-operand", ".equ needs a number second");
  }
}

// ---- Code ----

function advanceTo(c: DirectiveContext): void {
  if (!requireSection(c, ["text"], "it moves on in .text only; .zero fills .data")) return;
  const here = 4 * c.unit.code.length;
  const target = takeNumber(c, "offset", 0, 0x10000);
  if (target === undefined) return;
  if (target < here || target % 4 !== 0) {
    const message = `.org ${target}: the code is at ${here}, and goes on in steps of 4`;
    c.unit.report(c.op.at, "out-of-range", message);
    return;
  }
  c.unit.addWords(new Array((target - here) / 4).fill(0), c.op.at);
}

function addWords(c: DirectiveContext): void {
  if (!requireSection(c, ["text"], "write .text before it, or use .word for data")) return;
  if (!takeOperands(c, 1, Number.POSITIVE_INFINITY, "0x…")) return;
  for (const operand of c.operands) {
    if (operand.kind !== "number") {
      c.unit.report(operand.at, "bad-operand", ".insn needs a number here");
      continue;
    }
    const place = c.unit.code.length;
    c.unit.addWords([0], operand.at);
    c.unit.addFixup({
      expr: operand.expr,
      what: ".insn",
      min: -0x8000_0000,
      max: 0xffff_ffff,
      place,
      write: (value) => {
        c.unit.code[place] = value >>> 0;
      },
    });
  }
}

// ---- Data ----

function addNumbers(c: DirectiveContext, size: number, reloc: RelocType): void {
  if (!requireSection(c, ["data"], WRITE_DATA)) return;
  if (!takeOperands(c, 1, Number.POSITIVE_INFINITY, "number")) return;
  for (const operand of c.operands) {
    if (operand.kind === "string" && size === 1) c.unit.addBytes(operand.bytes, operand.at);
    else if (operand.kind === "number") addNumber(c, operand, size, reloc);
    else {
      const remedy =
        operand.kind === "string" ? "text stands in .asciz, .ascii or .byte" : undefined;
      c.unit.report(operand.at, "bad-operand", `${c.op.text} needs a number here`, remedy);
    }
  }
}

function addNumber(
  c: DirectiveContext,
  operand: Extract<Operand, { kind: "number" }>,
  size: number,
  reloc: RelocType,
): void {
  const { data } = c.unit;
  const place = data.length;
  c.unit.addBytes(new Uint8Array(size), operand.at);
  c.unit.addFixup({
    expr: operand.expr,
    what: c.op.text,
    min: -(2 ** (8 * size - 1)),
    max: 2 ** (8 * size) - 1,
    place,
    reloc,
    write: (value) => {
      for (let i = 0; i < size; i++) data[place + i] = (value >>> (8 * i)) & 0xff;
    },
  });
}

function addTexts(c: DirectiveContext, terminated: boolean): void {
  if (!requireSection(c, ["data"], WRITE_DATA)) return;
  if (!takeOperands(c, 1, Number.POSITIVE_INFINITY, '"text"')) return;
  for (const operand of c.operands) {
    if (operand.kind !== "string") {
      c.unit.report(operand.at, "bad-operand", `${c.op.text} needs "text" in double quotes`);
      continue;
    }
    c.unit.addBytes(operand.bytes, operand.at);
    if (terminated) c.unit.addBytes([0], operand.at);
  }
}

function align(c: DirectiveContext): void {
  if (!requireSection(c, ["data", "bss"], WRITE_DATA)) return;
  const n = takeNumber(c, "alignment", 1, 4096);
  if (n === undefined) return;
  if (n & (n - 1)) {
    const at = (c.operands[0] as Operand).at;
    c.unit.report(at, "out-of-range", `an alignment is a power of two, ${n} is not`);
    return;
  }
  c.unit.addZeros((n - (c.unit.offset % n)) % n, c.op.at);
}

function addZeros(c: DirectiveContext): void {
  if (!requireSection(c, ["data", "bss"], WRITE_DATA)) return;
  const count = takeNumber(c, "size", 0, 0x10000);
  if (count !== undefined) c.unit.addZeros(count, c.op.at);
}

// ---- Declarations ----

function declare<T>(
  c: DirectiveContext,
  read: (node: JsonNode, report: DeclarationReport) => T[],
  into: (T & { place?: Position })[],
): void {
  if (!takeOperands(c, 1, 1, "{…}")) return;
  const [operand] = c.operands;
  if (operand?.kind !== "json") {
    c.unit.report((operand as Operand).at, "bad-json", `${c.op.text} needs JSON: {…} or […]`);
    return;
  }
  const items = operand.node.kind === "array" ? operand.node.items : [operand.node];
  for (const item of items) {
    const entries = read(item, (part, code, message, remedy) => {
      c.unit.report(spanOf(operand.placeOf(part.at), part.end - part.at), code, message, remedy);
    });
    into.push(...entries.map((entry) => ({ ...entry, place: operand.placeOf(item.at) })));
  }
}

/** The place, underlined over `length` characters but not beyond its line. */
function spanOf(at: Position, length: number): Position {
  const left = (at.source ?? "").length - at.column + 1;
  return { ...at, width: Math.max(1, Math.min(length, left)) };
}

function setMailboxForm(c: DirectiveContext): void {
  if (!takeOperands(c, 1, 1, "binary|json")) return;
  const form = wordIn(c.operands[0])?.text.toLowerCase();
  if (form === "binary" || form === "json") c.unit.metadata.mailboxForm = form;
  else {
    const message = ".mailbox_form is binary or json";
    c.unit.report((c.operands[0] as Operand).at, "bad-operand", message);
  }
}

/** Most bytes a stack can have: all data memory up to its top. */
const STACK_MAX = STACK_TOP - DATA_ORIGIN;

function setStack(c: DirectiveContext): void {
  const bytes = takeNumber(c, "stack size", 4, STACK_MAX);
  if (bytes === undefined) return;
  const { metadata } = c.unit;
  if (bytes % 4 !== 0) {
    const at = (c.operands[0] as Operand).at;
    c.unit.report(at, "out-of-range", `a stack size is a multiple of 4, ${bytes} is not`);
  } else if (metadata.stackBytes !== undefined && metadata.stackBytes !== bytes) {
    const message = `the stack is already given as ${metadata.stackBytes} bytes`;
    c.unit.report(c.op.at, "duplicate-directive", message);
  } else {
    metadata.stackBytes = bytes;
  }
}

const CAPS = Object.entries(HxeCap).filter(
  (pair): pair is [string, number] => typeof pair[1] === "number",
);

function addCaps(c: DirectiveContext): void {
  if (!takeOperands(c, 1, Number.POSITIVE_INFINITY, "NAME")) return;
  for (const operand of c.operands) {
    const word = wordIn(operand);
    const cap = CAPS.find(([name]) => name === word?.text.toUpperCase());
    if (cap !== undefined) {
      c.unit.metadata.caps = (c.unit.metadata.caps | cap[1]) >>> 0;
    } else if (word !== undefined) {
      const names = CAPS.map(([name]) => name);
      const remedy = suggest(word.text, names, `known are ${names.join(", ")}`);
      c.unit.report(word.at, "unknown-capability", `there is no capability "${word.text}"`, remedy);
    } else if (operand.kind === "number") {
      const bits = c.unit.constant(operand.expr, "capabilities", 0, 0xffff_ffff) ?? 0;
      c.unit.metadata.caps = (c.unit.metadata.caps | bits) >>> 0;
    } else {
      c.unit.report(operand.at, "bad-operand", ".caps needs a name or a number here");
    }
  }
}

function setManifest(c: DirectiveContext): void {
  if (!takeOperands(c, 1, 1, '"file" or {…}')) return;
  const operand = c.operands[0] as Operand;
  if (c.unit.metadata.manifest !== undefined) {
    c.unit.report(c.op.at, "duplicate-directive", "the manifest is already given");
  } else if (operand.kind === "json") {
    if (operand.node.kind === "object") c.unit.metadata.manifest = printJson(operand.node);
    else c.unit.report(operand.at, "bad-manifest", "a manifest is a JSON object {…}");
  } else if (operand.kind === "string") {
    const path = textOf(operand.bytes);
    const text = c.readText(path, operand.at);
    if (text !== undefined) addManifestFile(c, text, path);
  } else {
    c.unit.report(operand.at, "bad-operand", '.manifest needs "file" or {…}');
  }
}

function addManifestFile(c: DirectiveContext, text: string, path: string): void {
  const { manifest, diagnostics } = compactManifest(text, path);
  c.unit.diagnostics.push(...diagnostics);
  if (manifest !== undefined) c.unit.metadata.manifest = manifest;
}

function setApp(c: DirectiveContext): void {
  if (!takeOperands(c, 1, 2, '"name", single')) return;
  const [name, mode] = c.operands as [Operand, Operand | undefined];
  if (name.kind === "string") {
    const text = textOf(name.bytes);
    const problem = appNameProblem(text);
    if (problem === undefined) c.unit.metadata.appName = text;
    else c.unit.report(name.at, "bad-app-name", problem);
  } else {
    c.unit.report(name.at, "bad-operand", '.app needs "name" in double quotes');
  }
  if (mode === undefined) return;
  const word = wordIn(mode)?.text.toLowerCase();
  if (word === "single") c.unit.metadata.single = true;
  else if (word !== "multiple") {
    c.unit.report(mode.at, "bad-operand", "after the name stands single or multiple");
  }
}

/** Why a text cannot be the name of an app; undefined if it can. */
export function appNameProblem(name: string): string | undefined {
  if (!/^[\x20-\x7e]*$/.test(name)) return `app name "${name}" is not printable ASCII`;
  if (name.length > 31) return `app name "${name}" is longer than 31 characters`;
  if (name.trim() !== name) return `app name "${name}" begins or ends with a blank`;
  return undefined;
}

function textOf(bytes: Uint8Array): string {
  return new TextDecoder().decode(bytes);
}
