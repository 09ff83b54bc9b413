// What a person reads when an image is refused: the field by its name, what it says, and what it may say.

import { Err } from "../../assembly/spec/errors.ts";
import {
  HXE_CODE_LEN_OFF,
  HXE_META_COUNT_OFF,
  HXE_META_OFFSET_OFF,
  HXE_RO_LEN_OFF,
  HXE_V1_SIZE,
  HXE_V2_SIZE,
  HXE_VERSION_OFF,
  HxeCap,
  META_ENTRY_SIZE,
  META_OFFSET_OFF,
  META_SIZE_OFF,
  META_TYPE_OFF,
  MetaType,
} from "../../assembly/spec/hxe.ts";
import { FIELD_SIZE, type FieldTable } from "../formats/fields.ts";
import { HXE_V1_FIELDS, HXE_V2_FIELDS, META_FIELDS } from "../formats/hxe.ts";
import { COMMAND_FIELDS, MAILBOX_FIELDS, VALUE_FIELDS } from "../formats/hxe-metadata.ts";
import { count, hex } from "../formats/text.ts";
import type { Refusal } from "./records.ts";

interface Told extends Refusal {
  readonly isTold: boolean;
}

// ---- Places ----

/** Documented names, where they differ from the fields'. */
const snake = (name: string) => name.replace(/[A-Z]/g, (c) => `_${c.toLowerCase()}`);

function fieldAt(table: FieldTable, offset: number): string | undefined {
  for (const [name, [at, type]] of Object.entries(table)) {
    if (offset >= at && offset < at + FIELD_SIZE[type]) return snake(name);
  }
  return undefined;
}

const ENTRIES: Partial<Record<number, { what: string; fields: FieldTable; size: number }>> = {
  [MetaType.VALUE]: { what: "value", fields: VALUE_FIELDS, size: sizeOf(VALUE_FIELDS) },
  [MetaType.COMMAND]: { what: "command", fields: COMMAND_FIELDS, size: sizeOf(COMMAND_FIELDS) },
  [MetaType.MAILBOX]: { what: "mailbox", fields: MAILBOX_FIELDS, size: sizeOf(MAILBOX_FIELDS) },
};

function sizeOf(table: FieldTable): number {
  return Math.max(...Object.values(table).map(([at, type]) => at + FIELD_SIZE[type]));
}

interface Section {
  readonly type: number;
  readonly offset: number;
  readonly size: number;
}

/** A big-endian u32 of the file; 0 beyond its end. */
function u32At(image: Uint8Array, at: number): number {
  return [0, 1, 2, 3].reduce((sum, i) => sum * 256 + (image[at + i] ?? 0), 0);
}

function sectionName({ type }: Section, index: number): string {
  return `metadata section ${index} (${MetaType[type]?.toLowerCase() ?? `type ${type}`})`;
}

function placeInSection(section: Section, index: number, offset: number): string {
  const entry = ENTRIES[section.type];
  if (entry === undefined) return sectionName(section, index);
  const n = Math.floor((offset - section.offset) / entry.size);
  const field = fieldAt(entry.fields, (offset - section.offset) % entry.size);
  return `${sectionName(section, index)}, ${entry.what} ${n}${field ? `, ${field}` : ""}`;
}

function placeInMetadata(image: Uint8Array, offset: number): string | undefined {
  const table = u32At(image, HXE_META_OFFSET_OFF);
  const sections = Math.min(u32At(image, HXE_META_COUNT_OFF), 16);
  for (let i = 0; i < sections; i++) {
    const row = table + i * META_ENTRY_SIZE;
    const [type, start, size] = [META_TYPE_OFF, META_OFFSET_OFF, META_SIZE_OFF].map((off) =>
      u32At(image, row + off),
    ) as [number, number, number];
    const section = { type, offset: start, size };
    if (offset >= row && offset < row + META_ENTRY_SIZE) {
      return `table entry ${i}, ${fieldAt(META_FIELDS, offset - row)}`;
    }
    if (offset >= start && offset < start + size) return placeInSection(section, i, offset);
  }
  return undefined;
}

/** What lies at an offset of an image: a header field, code, a field of a metadata entry. Without the image, the header only. */
export function placeName(offset: number, image?: Uint8Array): string | undefined {
  const isV1 = image !== undefined && image[HXE_VERSION_OFF + 1] === 1;
  const header = isV1 ? HXE_V1_SIZE : HXE_V2_SIZE;
  const field = offset < header ? fieldAt(isV1 ? HXE_V1_FIELDS : HXE_V2_FIELDS, offset) : undefined;
  if (field !== undefined) return `header field ${field}`;
  if (image === undefined) return undefined;
  const metadata = isV1 ? undefined : placeInMetadata(image, offset);
  if (metadata !== undefined) return metadata;
  const codeEnd = header + u32At(image, HXE_CODE_LEN_OFF);
  if (offset < codeEnd) return "code";
  if (offset < codeEnd + u32At(image, HXE_RO_LEN_OFF)) return "rodata";
  return offset >= image.length ? "the end of the file" : undefined;
}

// ---- Sentences ----

interface Says {
  readonly text: (r: Told) => string;
  readonly remedy: string;
}

const NOT_HXE = "give a file made by hsx build";
const REBUILD = "build the image again";
const TRANSFER = "transfer the file again, or build it again";

const CAP_NAMES: Record<HxeCap, string> = {
  [HxeCap.MAILBOX]: "mailboxes",
  [HxeCap.VALUE]: "values",
  [HxeCap.FRAM]: "FRAM",
  [HxeCap.CAN]: "CAN",
  [HxeCap.UART]: "a UART",
  [HxeCap.LONG_BRANCH]: "long branches",
};

/** `req_caps` bits in words. */
export function capsText(caps: number): string {
  const names = Array.from({ length: 32 }, (_, bit) => 2 ** bit)
    .filter((bit) => ((caps >>> 0) & bit) !== 0)
    .map((bit) => CAP_NAMES[bit as HxeCap] ?? `unknown bit ${hex(bit)}`);
  return names.length === 0 ? "nothing" : names.join(", ");
}

const limit = (what: string) => (r: Told) =>
  `${what} is ${count(r.need)}, at most ${count(r.have)} is possible`;
const plain = (text: string) => () => text;

/** A node counts the bytes before it reads them, so a short file of another kind is refused as cut off. */
function isBegunAsImage(image: Uint8Array): boolean {
  return [..."HSXE"].every((c, n) => n >= image.length || image[n] === c.charCodeAt(0));
}

const IMAGE: Partial<Record<Err, Says>> = {
  [Err.HXE_MAGIC]: {
    text: (r) =>
      `this is no HXE image: byte ${r.offset} is ${hex(r.need, 2)}, "HSXE" has ${hex(r.have, 2)}`,
    remedy: NOT_HXE,
  },
  [Err.HXE_VERSION]: {
    text: (r) => `version ${r.need} of the format is not known, 1 and 2 are`,
    remedy: "build it with a toolchain for version 2",
  },
  [Err.HXE_FLAGS]: {
    text: (r) => `flags are ${hex(r.need, 4)}, of which only ${hex(r.have, 4)} are known`,
    remedy: "use a newer node, or build the image again",
  },
  [Err.HXE_ENTRY]: {
    text: (r) => `the entry ${hex(r.need)} is not a multiple of 4 inside the code`,
    remedy: REBUILD,
  },
  [Err.HXE_CODE_LEN]: {
    text: (r) => `the code has ${count(r.need)} bytes; it takes a multiple of 4 from 4 to 65,536`,
    remedy: REBUILD,
  },
  [Err.HXE_RO_LEN]: { text: limit("the length of rodata"), remedy: "make .data smaller" },
  [Err.HXE_BSS]: {
    text: (r) => `data and stack take ${count(r.need)} bytes, there is room for ${count(r.have)}`,
    remedy: "make .data, .bss or .stack smaller",
  },
  [Err.HXE_CAPS]: {
    text: (r) =>
      `it needs ${capsText(r.need)}, which this node has not; it has ${capsText(r.have)}`,
    remedy: "give it FRAM with --nv FILE, or use another node",
  },
  [Err.HXE_CRC]: {
    text: (r) =>
      `the file is damaged: its checksum is ${hex(r.need, 8)}, the header says ${hex(r.have, 8)}`,
    remedy: TRANSFER,
  },
  [Err.HXE_TRUNCATED]: {
    text: (r) =>
      r.have === 0
        ? "the file is empty"
        : `the file ends too early: ${count(r.need)} bytes are needed, it has ${count(r.have)}`,
    remedy: TRANSFER,
  },
  [Err.HXE_NAME]: { text: plain("app_name is not ASCII"), remedy: "give the app another name" },
  [Err.HXE_RESERVED]: {
    text: (r) => `a reserved byte is ${hex(r.need, 2)} instead of 0`,
    remedy: REBUILD,
  },
  [Err.HXE_TABLE]: {
    text: (r) =>
      `the metadata table does not fit the file: ${count(r.need)} where ${count(r.have)} is the limit`,
    remedy: REBUILD,
  },
  [Err.HXE_SECTION]: {
    text: (r) =>
      `a metadata section lies outside the file or over another: ${count(r.need)} where ${count(r.have)} is the limit`,
    remedy: REBUILD,
  },
  [Err.HXE_STRING]: {
    text: plain("a text lies outside its section, lacks its NUL or is not UTF-8"),
    remedy: REBUILD,
  },
  [Err.HXE_VALUE]: { text: plain("a value is cut off or holds what cannot be"), remedy: REBUILD },
  [Err.HXE_COMMAND]: {
    text: plain("a command is cut off or holds what cannot be"),
    remedy: REBUILD,
  },
  [Err.HXE_MAILBOX]: {
    text: plain("a mailbox is cut off or holds what cannot be"),
    remedy: REBUILD,
  },
  [Err.HXE_JSON]: {
    text: plain("the mailbox section is not the JSON it should be"),
    remedy: REBUILD,
  },
  [Err.HXE_STACK]: {
    text: (r) => `the stack of ${count(r.need)} bytes is malformed or larger than ${count(r.have)}`,
    remedy: "declare a smaller .stack",
  },
  [Err.HXE_MANIFEST]: {
    text: plain("the embedded manifest is cut off or not JSON"),
    remedy: REBUILD,
  },
  [Err.HXE_DUPLICATE]: {
    text: plain("an id, a persist key or a mailbox is declared twice"),
    remedy: "remove one of the two declarations",
  },
};

/** ` (at 0x0008, header field entry)`. */
export function placeText(offset: number, image?: Uint8Array): string {
  const name = placeName(offset, image);
  return ` (at ${hex(offset, 4)}${name === undefined ? "" : `, ${name}`})`;
}

/** Whether a code is about the bytes of an image. */
export function isImageErr(code: Err): boolean {
  return IMAGE[code] !== undefined;
}

/** What to do about an image that is refused with this code. */
export function imageRemedy(code: Err): string | undefined {
  return IMAGE[code]?.remedy;
}

/** Why an image was refused; undefined: the code is of another kind. */
export function explainImage(
  code: Err,
  refusal: Told,
  image: Uint8Array | undefined,
): { message: string; remedy: string } | undefined {
  const says = IMAGE[code];
  if (says === undefined) return undefined;
  const isOther = image !== undefined && !isBegunAsImage(image);
  if (code === Err.HXE_TRUNCATED && isOther) {
    return { message: 'this is no HXE image: it does not begin with "HSXE"', remedy: NOT_HXE };
  }
  if (!refusal.isTold)
    return { message: `the image is refused: ${Err[code]}`, remedy: says.remedy };
  return { message: says.text(refusal) + placeText(refusal.offset, image), remedy: says.remedy };
}
