// Two images compared part by part: which bytes of the one the other does not have.
import { HXE_CRC_OFF, HXE_NAME_OFF, META_ENTRY_SIZE, MetaType } from "../../assembly/spec/hxe.ts";
import { FIELD_SIZE, type FieldTable } from "../formats/fields.ts";
import {
  decodeHxe,
  HXE_V1_FIELDS,
  HXE_V2_FIELDS,
  type HxeImage,
  placesOf,
} from "../formats/hxe.ts";

/** Bytes of a file that no source can express. */
export interface InexpressibleRange {
  offset: number;
  length: number;
  reason: string;
}

/** One named stretch of an image. */
interface Part {
  name: string;
  offset: number;
  bytes: Uint8Array;
  /** Why a source may be unable to say this. */
  why: string;
}

const OTHERWISE = "the linker would write other bytes here";

/** The bytes of `original` that `rebuilt` lacks or has otherwise. */
export function differences(
  original: Uint8Array,
  image: HxeImage,
  rebuilt: Uint8Array,
): InexpressibleRange[] {
  const { image: other } = decodeHxe(rebuilt);
  if (other === undefined) throw new Error("the rebuilt image is none");
  const others = new Map(partsOf(other, rebuilt).map((part) => [part.name, part.bytes]));
  const ranges = partsOf(image, original).flatMap((part) => compare(part, others.get(part.name)));
  const own = ranges.filter((range) => range.offset !== HXE_CRC_OFF);
  return own.length > 0 ? own : ranges;
}

function compare(part: Part, other: Uint8Array | undefined): InexpressibleRange[] {
  const { name, offset, bytes, why } = part;
  if (bytes.length === 0) return [];
  if (other !== undefined && Buffer.compare(bytes, other) === 0) return [];
  const reason = `${name}: ${why}`;
  if (other?.length !== bytes.length) return [{ offset, length: bytes.length, reason }];
  const first = bytes.findIndex((b, i) => b !== other[i]);
  const last = bytes.findLastIndex((b, i) => b !== other[i]);
  return [{ offset: offset + first, length: last - first + 1, reason }];
}

function partsOf(image: HxeImage, bytes: Uint8Array): Part[] {
  const places = placesOf(image);
  const part = (name: string, offset: number, length: number, why = OTHERWISE): Part => ({
    name,
    offset,
    bytes: bytes.slice(offset, offset + length),
    why,
  });
  const parts = [
    ...headerParts(image, part),
    part("code", places.code, image.code.length),
    part("rodata", places.rodata, image.rodata.length),
  ];
  if (image.manifest) {
    const why = "the linker embeds JSON without blanks";
    parts.push(part("manifest", places.manifest, 4 + image.manifest.length, why));
  }
  const seen = new Map<number, number>();
  image.sections.forEach((section, i) => {
    const nth = (seen.get(section.type) ?? 0) + 1;
    seen.set(section.type, nth);
    const name = nth === 1 ? sectionName(section.type) : `${sectionName(section.type)} (${nth})`;
    const unknown = MetaType[section.type] === undefined;
    const why = unknown ? "the language has no such section" : OTHERWISE;
    parts.push(part(`table entry of ${name}`, places.table + i * META_ENTRY_SIZE, META_ENTRY_SIZE));
    parts.push(part(name, places.sections[i] as number, section.payload.length, why));
  });
  for (const run of image.rest ?? []) {
    const inName = run.offset >= HXE_NAME_OFF && run.offset < places.code;
    const name = inName ? "app_name after its NUL" : `bytes at ${run.offset}`;
    const why = inName ? "the linker fills it with zeros" : "they belong to no part of the image";
    parts.push(part(name, run.offset, run.bytes.length, why));
  }
  return parts;
}

function headerParts(
  image: HxeImage,
  part: (name: string, offset: number, length: number, why?: string) => Part,
): Part[] {
  const table: FieldTable = image.version === 1 ? HXE_V1_FIELDS : HXE_V2_FIELDS;
  return Object.entries(table).map(([name, [offset, type]]) => {
    const why = name === "version" ? "the linker writes version 2" : OTHERWISE;
    // What follows the NUL of a name is a part of its own.
    const size = type === "ascii32" ? Math.min(image.appName.length + 1, 32) : FIELD_SIZE[type];
    return part(`header field ${name}`, offset, size, why);
  });
}

function sectionName(type: number): string {
  const name = MetaType[type];
  return name === undefined ? `section of type ${type}` : `section ${name.toLowerCase()}`;
}
