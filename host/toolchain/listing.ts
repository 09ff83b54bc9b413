// The listing: address, bytes and source of a linked image, in its order.
import { DATA_ORIGIN } from "../../assembly/spec/hxe.ts";
import type { HxeImage } from "../formats/hxe.ts";
import { decodeInsn, printOperand, slotsOf } from "../formats/isa.ts";
import type { LinkedLine, LinkResult } from "./linker.ts";

const BYTES_PER_ROW = 8;
/** Rows of a long directive; what goes beyond is counted, not shown. */
const ROWS_MAX = 8;

/** The listing of a successful link. Parts without known source are disassembled. */
export function renderListing({ hxe, lines }: LinkResult): string {
  if (hxe === undefined) throw new Error("renderListing: the link failed");
  return [
    `; ${hxe.appName}: code ${hxe.code.length}, rodata ${hxe.rodata.length}, bss ${hxe.bssSize} bytes, entry ${digits(hxe.entry)}`,
    "; address  bytes             source",
    "",
    ...codeRows(hxe, ofSection(lines, "text")),
    ...dataRows(hxe, ofSection(lines, "data")),
    ...ofSection(lines, "bss").map((l) => row(l.address, `(${l.size} bytes)`, sourceOf(l))),
    "",
  ].join("\n");
}

function ofSection(lines: readonly LinkedLine[], section: string): LinkedLine[] {
  return lines.filter((l) => l.section === section).sort((a, b) => a.address - b.address);
}

function codeRows({ code }: HxeImage, lines: readonly LinkedLine[]): string[] {
  const rows: string[] = [];
  let at = 0;
  for (const line of [...lines, undefined]) {
    for (const end = line?.address ?? code.length; at < end; ) {
      const { size, text } = insnAt(code, at, end);
      rows.push(row(at, hexOf(code.subarray(at, at + size)), text));
      at += size;
    }
    if (line === undefined) break;
    rows.push(...pieceRows(line.address, code.subarray(at, at + line.size), sourceOf(line)));
    at += line.size;
  }
  return rows;
}

function dataRows({ rodata }: HxeImage, lines: readonly LinkedLine[]): string[] {
  const rows: string[] = [];
  let at = 0;
  for (const line of [...lines, undefined]) {
    const start = line === undefined ? rodata.length : line.address - DATA_ORIGIN;
    if (at < start) rows.push(...pieceRows(DATA_ORIGIN + at, rodata.subarray(at, start), ""));
    if (line === undefined) break;
    at = start + line.size;
    rows.push(...pieceRows(line.address, rodata.subarray(start, at), sourceOf(line)));
  }
  return rows;
}

function insnAt(code: Uint8Array, at: number, end: number): { size: number; text: string } {
  const view = new DataView(code.buffer, code.byteOffset, code.byteLength);
  const next = at + 8 <= end ? view.getUint32(at + 4) : undefined;
  const insn = decodeInsn(view.getUint32(at), next);
  if (insn === undefined) return { size: 4, text: ".insn" };
  const operands = slotsOf(insn.mnemonic).map((slot, i) =>
    printOperand(slot, insn.operands[i] ?? { reg: 0, imm: 0 }),
  );
  return { size: 4 * insn.words, text: `${insn.mnemonic} ${operands.join(", ")}`.trimEnd() };
}

/** Rows of a piece: the source stands in the first. */
function pieceRows(address: number, bytes: Uint8Array, source: string): string[] {
  const rows: string[] = [];
  for (let at = 0; at < bytes.length && rows.length < ROWS_MAX; at += BYTES_PER_ROW) {
    const text = at === 0 ? source : "";
    rows.push(row(address + at, hexOf(bytes.subarray(at, at + BYTES_PER_ROW)), text));
  }
  const left = bytes.length - ROWS_MAX * BYTES_PER_ROW;
  if (left > 0) rows.push(row(address + ROWS_MAX * BYTES_PER_ROW, `(${left} more)`, ""));
  return rows;
}

function row(address: number, bytes: string, source: string): string {
  return `  ${digits(address)}     ${bytes.padEnd(2 * BYTES_PER_ROW)}  ${source}`.trimEnd();
}

function sourceOf(line: LinkedLine): string {
  return `${line.file}:${line.line}: ${line.text.trim()}`;
}

function digits(address: number): string {
  return address.toString(16).padStart(4, "0");
}

function hexOf(bytes: Uint8Array): string {
  return Buffer.from(bytes).toString("hex");
}
