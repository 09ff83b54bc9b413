// Random programs survive the round trip; random text never makes the toolchain throw.
import { readdirSync, readFileSync } from "node:fs";
import fc from "fast-check";
import { expect, it } from "vitest";
import { formatDiagnostic } from "../../../host/formats/diagnostic.ts";
import { decodeHxo, encodeHxo } from "../../../host/formats/hxo.ts";
import { ISA, type Mnemonic, printOperand, slotsOf } from "../../../host/formats/isa.ts";
import { hex } from "../../../host/formats/text.ts";
import { assemble } from "../../../host/toolchain/assembler.ts";
import { disassemble } from "../../../host/toolchain/disassembler.ts";
import { link } from "../../../host/toolchain/linker.ts";

// ---- Random programs ----

const LABELS = 6;
const label = fc.nat({ max: LABELS - 1 }).map((n) => `l${n}`);
const dataLabel = fc.nat({ max: 2 }).map((n) => `d${n}`);

/** An instruction with operands that assemble. */
const insn = fc.constantFrom(...(Object.keys(ISA) as Mnemonic[])).chain((mnemonic) => {
  const operands = slotsOf(mnemonic).map((slot) => {
    if (slot.syntax === "label") return label;
    const min = slot.second ? 0 : slot.min;
    const value = fc.record({
      reg: fc.nat({ max: 15 }),
      imm: fc.integer({ min, max: slot.max }),
    });
    const plain = value.map((v) => printOperand(slot, v));
    return mnemonic === "LDI32" && slot.second ? fc.oneof(plain, label, dataLabel) : plain;
  });
  return fc.tuple(...operands).map((texts) => `${mnemonic} ${texts.join(", ")}`.trimEnd());
});
const word = fc.integer({ min: 0, max: 0xffffffff }).map((w) => `.insn ${hex(w, 8)}`);
const gap = fc
  .nat({ max: 1200 })
  .map((n) => `.insn ${new Array(n + 1).fill("0x25000000").join(", ")}`);
const code = fc.array(
  fc.oneof(
    { arbitrary: insn, weight: 12 },
    { arbitrary: word, weight: 2 },
    { arbitrary: gap, weight: 1 },
  ),
  { minLength: 1, maxLength: 30 },
);
const data = fc.array(
  fc.oneof(
    fc.uint8Array({ minLength: 1, maxLength: 20 }).map((b) => `.byte ${[...b].join(", ")}`),
    fc
      .string({ unit: fc.constantFrom(..."abc def;:,xyz"), maxLength: 20 })
      .map((t) => `.asciz "${t}"`),
    fc.nat({ max: 40 }).map((n) => `.zero ${n}`),
    label.map((l) => `.word ${l}`),
  ),
  { maxLength: 6 },
);
const u8 = fc.nat({ max: 255 });
const text = fc.option(
  fc.string({ maxLength: 8 }).map((t) => t.replaceAll("\0", "")),
  { nil: undefined },
);
const value = fc.record({
  group: u8,
  id: u8,
  flags: fc.nat({ max: 63 }),
  auth: fc.nat({ max: 3 }),
  init_raw: fc.nat({ max: 0xffff }),
  name: text,
  unit: text,
  group_name: text,
});
const command = fc.record({ group: u8, id: u8, handler: label, name: text, help: text });
const mailbox = fc.record(
  {
    target: fc
      .string({ minLength: 1, maxLength: 12, unit: "grapheme-ascii" })
      .map((t) => `app:${t}.`),
    capacity: fc.nat({ max: 0xffff }),
    mode_mask: fc.nat({ max: 63 }),
    owner_pid: fc.nat({ max: 9 }),
  },
  { requiredKeys: ["target"] },
);
const byId = (e: { group: number; id: number }): number => e.group * 256 + e.id;

const program = fc
  .record({
    code,
    data,
    bss: fc.nat({ max: 50 }),
    values: fc.uniqueArray(value, { selector: byId, maxLength: 4 }),
    commands: fc.uniqueArray(command, { selector: byId, maxLength: 3 }),
    mailboxes: fc.uniqueArray(mailbox, { selector: (m) => m.target.trim(), maxLength: 3 }),
    stack: fc.option(fc.integer({ min: 1, max: 1024 })),
    single: fc.boolean(),
    manifest: fc.option(fc.dictionary(fc.string({ unit: "grapheme-ascii" }), fc.integer())),
  })
  .map((p) => {
    const lines = [`.app "random"${p.single ? ", single" : ""}`];
    if (p.stack !== null) lines.push(`.stack ${4 * p.stack}`);
    if (p.manifest !== null) lines.push(`.manifest ${JSON.stringify(p.manifest)}`);
    for (const v of p.values) lines.push(`.value ${JSON.stringify(v)}`);
    for (const c of p.commands) lines.push(`.cmd ${JSON.stringify(c)}`);
    for (const m of p.mailboxes) lines.push(`.mailbox ${JSON.stringify(m)}`);
    lines.push(".entry l0");
    const every = Math.ceil(p.code.length / LABELS);
    p.code.forEach((statement, i) => {
      if (i % every === 0) lines.push(`l${i / every}:`);
      lines.push(statement);
    });
    for (let n = Math.ceil(p.code.length / every); n < LABELS; n++) lines.push(`l${n}:`);
    lines.push("RET", ".data", "d0:", ...p.data, "d1:", ".byte 1", ".bss", "d2:", `.zero ${p.bss}`);
    return `${lines.join("\n")}\n`;
  });

function build(source: string): Uint8Array {
  const { object, diagnostics } = assemble(source, { file: "a.mvasm" });
  const linked = object === undefined ? undefined : link([object]);
  if (linked?.image !== undefined) return linked.image;
  const all = [...diagnostics, ...(linked?.diagnostics ?? [])];
  throw new Error(all.map(formatDiagnostic).join("\n"));
}

it("random programs disassemble to source that makes the same image", () => {
  fc.assert(
    fc.property(program, (source) => {
      // A CALL may lie out of reach of its label; that is refused, and no image.
      let image: Uint8Array;
      try {
        image = build(source);
      } catch (e) {
        return /CALL reaches|CALL cannot/.test(String(e));
      }
      const { source: again, inexpressible } = disassemble(image);
      expect(inexpressible).toEqual([]);
      return Buffer.compare(build(again ?? ""), image) === 0;
    }),
    { numRuns: 80 },
  );
});

it("random programs survive being stored as objects", () => {
  fc.assert(
    fc.property(program, (source) => {
      const { object } = assemble(source, { file: "a.mvasm" });
      if (object === undefined) return;
      const stored = decodeHxo(encodeHxo(object), "a.mvasm").object;
      expect(stored === undefined ? undefined : link([stored]).image).toEqual(link([object]).image);
    }),
    { numRuns: 30 },
  );
});

// ---- Random mutations ----

const sources = (() => {
  const folder = new URL("../../vectors/recorded/mvasm/", import.meta.url);
  const files = readdirSync(folder).filter((_, i) => i % 9 === 0);
  return [
    ...files.map((f) => readFileSync(new URL(f, folder), "utf8")),
    readFileSync(new URL("meta_hxe_all.mvasm", folder), "utf8"),
    readFileSync(new URL("../../vectors/asm/errors.txt", import.meta.url), "utf8"),
    readFileSync(new URL("../../vectors/asm/language.txt", import.meta.url), "utf8"),
  ].map((t) => t.slice(0, 6000));
})();

const PIECES = [
  '"',
  "'",
  "\\",
  "{",
  "}",
  "[",
  "]",
  "(",
  ")",
  ",",
  "+",
  "-",
  ";",
  ":",
  "\n",
  "0x",
  "R1",
  "é",
  "\0",
  ".data",
  ".value ",
  "99999999999",
];

const mutated = fc
  .record({
    source: fc.constantFrom(...sources),
    edits: fc.array(
      fc.tuple(fc.nat({ max: 6000 }), fc.nat({ max: 5 }), fc.constantFrom(...PIECES)),
      { maxLength: 8 },
    ),
  })
  .map(({ source, edits }) =>
    edits.reduce((s, [at, cut, piece]) => s.slice(0, at) + piece + s.slice(at + cut), source),
  );

it("mutated sources give an image or diagnostics, and never throw", () => {
  fc.assert(
    fc.property(mutated, (source) => {
      const { object, diagnostics } = assemble(source, { file: "a.mvasm" });
      expect(object === undefined).toBe(diagnostics.length > 0);
      for (const d of diagnostics) {
        expect(d.line).toBeGreaterThan(0);
        expect(formatDiagnostic(d)).not.toMatch(/undefined:|NaN/);
      }
      if (object !== undefined) link([object]);
    }),
    { numRuns: 250 },
  );
});

it("mutated objects give an object or diagnostics, and never throw", () => {
  const { object } = assemble(sources.at(-3) ?? "", { file: "a.mvasm" });
  const text = object === undefined ? "" : encodeHxo(object);
  expect(text).not.toBe("");
  const edit = fc.tuple(
    fc.nat({ max: text.length }),
    fc.nat({ max: 3 }),
    fc.constantFrom(...PIECES, "1", "null", "-1"),
  );
  fc.assert(
    fc.property(fc.array(edit, { maxLength: 3 }), (edits) => {
      const broken = edits.reduce(
        (s, [at, cut, piece]) => s.slice(0, at) + piece + s.slice(at + cut),
        text,
      );
      const { object: read, diagnostics } = decodeHxo(broken, "a.hxo");
      expect(read === undefined).toBe(diagnostics.length > 0);
      if (read !== undefined) link([read]);
    }),
    { numRuns: 300 },
  );
});
