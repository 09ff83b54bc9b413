// HXE images: bytes to header, code, rodata, manifest and metadata, and back. Explained in docs/hxe.md.
import { crc32 } from "node:zlib";
import {
  HXE_BSS_SIZE_OFF,
  HXE_CODE_LEN_OFF,
  HXE_CODE_MAX,
  HXE_CRC_OFF,
  HXE_DATA_MAX,
  HXE_ENTRY_OFF,
  HXE_FLAGS_OFF,
  HXE_MAGIC,
  HXE_MAGIC_OFF,
  HXE_META_COUNT_OFF,
  HXE_META_OFFSET_OFF,
  HXE_NAME_OFF,
  HXE_REQ_CAPS_OFF,
  HXE_RESERVED_OFF,
  HXE_RO_LEN_OFF,
  HXE_V1_SIZE,
  HXE_V2_SIZE,
  HXE_VERSION_OFF,
  HxeFlag,
  MANIFEST_HEADER_SIZE,
  META_COUNT_OFF,
  META_ENTRY_SIZE,
  META_OFFSET_OFF,
  META_SECTION_MAX,
  META_SIZE_OFF,
  META_TYPE_OFF,
} from "../../assembly/spec/hxe.ts";
import { type Diagnostic, wholeFile } from "./diagnostic.ts";
import { type FieldTable, readFields, writeFields } from "./fields.ts";
import { checkApart, checkDeclarations } from "./hxe-checks.ts";
import {
  decodeSection,
  emptyMetadata,
  type HxeMetadata,
  type HxeSection,
  MetadataFailure,
  refuse,
} from "./hxe-metadata.ts";
import { parseJsonText } from "./json.ts";
import { hex } from "./text.ts";

export const HXE_V1_FIELDS = {
  magic: [HXE_MAGIC_OFF, "u32be"],
  version: [HXE_VERSION_OFF, "u16be"],
  flags: [HXE_FLAGS_OFF, "u16be"],
  entry: [HXE_ENTRY_OFF, "u32be"],
  codeLen: [HXE_CODE_LEN_OFF, "u32be"],
  roLen: [HXE_RO_LEN_OFF, "u32be"],
  bssSize: [HXE_BSS_SIZE_OFF, "u32be"],
  reqCaps: [HXE_REQ_CAPS_OFF, "u32be"],
  crc: [HXE_CRC_OFF, "u32be"],
} satisfies FieldTable;

export const HXE_V2_FIELDS = {
  ...HXE_V1_FIELDS,
  appName: [HXE_NAME_OFF, "ascii32"],
  metaOffset: [HXE_META_OFFSET_OFF, "u32be"],
  metaCount: [HXE_META_COUNT_OFF, "u32be"],
  reserved: [HXE_RESERVED_OFF, "bytes24"],
} satisfies FieldTable;

export const META_FIELDS = {
  type: [META_TYPE_OFF, "u32be"],
  offset: [META_OFFSET_OFF, "u32be"],
  size: [META_SIZE_OFF, "u32be"],
  count: [META_COUNT_OFF, "u32be"],
} satisfies FieldTable;

/** Bytes of a file that no field carries: gaps, what trails, what follows the NUL of the name. */
export interface ByteRun {
  offset: number;
  bytes: Uint8Array;
}

/** An image, field by field. Lengths, offsets and the checksum follow from the rest. */
export interface HxeImage {
  version: 1 | 2;
  /** HxeFlag bits. MANIFEST is set exactly when there is a manifest. */
  flags: number;
  /** Byte offset into the code. */
  entry: number;
  bssSize: number;
  /** HxeCap bits. */
  reqCaps: number;
  /** ASCII, at most 31 characters; version 1 has none. */
  appName: string;
  code: Uint8Array;
  rodata: Uint8Array;
  /** The embedded manifest: UTF-8 JSON. */
  manifest?: Uint8Array;
  sections: HxeSection[];
  /** Place of the metadata table, where it is not right after the rodata and manifest. */
  metaOffset?: number;
  rest?: ByteRun[];
}

/** What `decodeHxe` found: an image and its declarations, or why it is none. */
export interface DecodedHxe {
  image?: HxeImage;
  metadata?: HxeMetadata;
  diagnostics: Diagnostic[];
}

/** The CRC-32 of an image: all but the checksum itself and what a version 2 header has beyond version 1. */
export function hxeCrc(bytes: Uint8Array, version: number): number {
  const start = version === 1 ? HXE_V1_SIZE : HXE_V2_SIZE;
  return crc32(bytes.subarray(start), crc32(bytes.subarray(0, HXE_CRC_OFF)));
}

/** The file of an image. What a field cannot hold throws: the caller has checked. */
export function encodeHxe(image: HxeImage): Uint8Array {
  const places = placesOf(image);
  const bytes = new Uint8Array(places.size);
  writeHeader(bytes, image, places);
  bytes.set(image.code, places.code);
  bytes.set(image.rodata, places.rodata);
  if (image.manifest) writeManifest(bytes, places.manifest, image.manifest);
  image.sections.forEach((section, i) => {
    const offset = places.sections[i] as number;
    const row = { type: section.type, offset, size: section.payload.length, count: section.count };
    writeFields(bytes, places.table + i * META_ENTRY_SIZE, META_FIELDS, row);
    bytes.set(section.payload, offset);
  });
  for (const run of image.rest ?? []) bytes.set(run.bytes, run.offset);
  const crc = hxeCrc(bytes, image.version);
  writeFields(bytes, 0, { crc: HXE_V1_FIELDS.crc }, { crc });
  return bytes;
}

/** Reads an image and all it declares. Anything wrong is a Diagnostic whose code is the loader's Err name. */
export function decodeHxe(bytes: Uint8Array, file = "image"): DecodedHxe {
  try {
    const image = new HxeReader(bytes).read();
    const metadata = emptyMetadata();
    readSections(image, metadata, bytes);
    return { image, metadata, diagnostics: [] };
  } catch (e) {
    if (!(e instanceof MetadataFailure)) throw e;
    const { code, offset, message } = e;
    return { diagnostics: [{ ...wholeFile(file), code, offset, message }] };
  }
}

// ---- Layout ----

/** Offsets of the parts of a file. */
export interface HxePlaces {
  code: number;
  rodata: number;
  manifest: number;
  table: number;
  sections: number[];
  size: number;
}

/** Where the parts of an image lie in its file. */
export function placesOf(image: HxeImage): HxePlaces {
  const code = headerSize(image.version);
  const rodata = code + image.code.length;
  const manifest = rodata + image.rodata.length;
  const end = manifest + (image.manifest ? MANIFEST_HEADER_SIZE + image.manifest.length : 0);
  const table = image.metaOffset ?? (image.sections.length > 0 ? end : 0);
  let cursor = table + image.sections.length * META_ENTRY_SIZE;
  let size = Math.max(end, image.sections.length > 0 ? cursor : 0);
  const sections = image.sections.map((section) => {
    const offset = section.offset ?? cursor;
    cursor = offset + section.payload.length;
    size = Math.max(size, cursor);
    return offset;
  });
  for (const run of image.rest ?? []) size = Math.max(size, run.offset + run.bytes.length);
  return { code, rodata, manifest, table, sections, size };
}

function headerSize(version: number): number {
  return version === 1 ? HXE_V1_SIZE : HXE_V2_SIZE;
}

function writeHeader(bytes: Uint8Array, image: HxeImage, places: HxePlaces): void {
  if (Boolean(image.flags & HxeFlag.MANIFEST) !== (image.manifest !== undefined)) {
    throw new Error("HxeImage: flag MANIFEST and the manifest disagree");
  }
  const common = {
    magic: HXE_MAGIC,
    version: image.version,
    flags: image.flags,
    entry: image.entry,
    codeLen: image.code.length,
    roLen: image.rodata.length,
    bssSize: image.bssSize,
    reqCaps: image.reqCaps,
    crc: 0,
  };
  if (image.version === 1) {
    writeFields(bytes, 0, HXE_V1_FIELDS, common);
    return;
  }
  writeFields(bytes, 0, HXE_V2_FIELDS, {
    ...common,
    appName: image.appName,
    metaOffset: places.table,
    metaCount: image.sections.length,
    reserved: new Uint8Array(24),
  });
}

function writeManifest(bytes: Uint8Array, at: number, manifest: Uint8Array): void {
  writeFields(bytes, at, MANIFEST_FIELDS, { length: manifest.length });
  bytes.set(manifest, at + MANIFEST_HEADER_SIZE);
}

const MANIFEST_FIELDS = { length: [0, "u32be"] } satisfies FieldTable;

// ---- Reading ----

/** Reads one file front to back; the first thing wrong is thrown as MetadataFailure. */
class HxeReader {
  constructor(private readonly bytes: Uint8Array) {}

  read(): HxeImage {
    const { bytes } = this;
    const version = this.readVersion();
    const size = headerSize(version);
    const whole = new Uint8Array(HXE_V2_SIZE);
    whole.set(bytes.subarray(0, size));
    const head = readFields(whole, 0, HXE_V2_FIELDS);
    this.checkHeader(head);
    const rodataAt = size + head.codeLen;
    const rodataEnd = rodataAt + head.roLen;
    if (rodataEnd > bytes.length) {
      const message = `code and rodata end at ${rodataEnd}, the file at ${bytes.length}`;
      refuse("HXE_TRUNCATED", bytes.length, message);
    }
    this.checkCrc(head.crc, version);
    const image: HxeImage = {
      version,
      flags: head.flags,
      entry: head.entry,
      bssSize: head.bssSize,
      reqCaps: head.reqCaps,
      appName: head.appName,
      code: bytes.slice(size, rodataAt),
      rodata: bytes.slice(rodataAt, rodataEnd),
      sections: [],
    };
    if (head.flags & HxeFlag.MANIFEST) image.manifest = this.readManifest(rodataEnd);
    const contentEnd =
      rodataEnd + (image.manifest ? MANIFEST_HEADER_SIZE + image.manifest.length : 0);
    this.readTable(image, head.metaOffset, head.metaCount, contentEnd);
    const rest = this.restOf(image);
    if (rest.length > 0) image.rest = rest;
    return image;
  }

  private readVersion(): 1 | 2 {
    const { bytes } = this;
    const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    if (bytes.length === 0) refuse("HXE_TRUNCATED", 0, "the file is empty");
    if (bytes.length >= 4 && view.getUint32(HXE_MAGIC_OFF) !== HXE_MAGIC) {
      refuse("HXE_MAGIC", HXE_MAGIC_OFF, 'not an HXE image: it does not begin with "HSXE"');
    }
    const version = bytes.length >= 6 ? view.getUint16(HXE_VERSION_OFF) : 2;
    if (version !== 1 && version !== 2) {
      refuse("HXE_VERSION", HXE_VERSION_OFF, `version ${version} is not supported: 1 and 2 are`);
    }
    const size = headerSize(version);
    if (bytes.length < size) {
      const message = `the header takes ${size} bytes, the file has ${bytes.length}`;
      refuse("HXE_TRUNCATED", bytes.length, message);
    }
    return version;
  }

  private checkHeader(head: ReturnType<typeof readFields<typeof HXE_V2_FIELDS>>): void {
    const unknown = head.flags & ~(HxeFlag.MANIFEST | HxeFlag.MULTIPLE);
    if (unknown) refuse("HXE_FLAGS", HXE_FLAGS_OFF, `unknown flag ${hex(unknown)}`);
    if (head.codeLen === 0 || head.codeLen % 4 !== 0 || head.codeLen > HXE_CODE_MAX) {
      const message = `code_len ${head.codeLen} is not a multiple of 4 from 4 to ${HXE_CODE_MAX}`;
      refuse("HXE_CODE_LEN", HXE_CODE_LEN_OFF, message);
    }
    if (head.entry % 4 !== 0 || head.entry >= head.codeLen) {
      const message = `entry ${head.entry} is not a multiple of 4 inside ${head.codeLen} bytes of code`;
      refuse("HXE_ENTRY", HXE_ENTRY_OFF, message);
    }
    if (head.roLen > HXE_DATA_MAX) {
      refuse("HXE_RO_LEN", HXE_RO_LEN_OFF, `ro_len ${head.roLen} exceeds ${HXE_DATA_MAX}`);
    }
    if (head.bssSize > HXE_DATA_MAX - head.roLen) {
      const message = `bss_size ${head.bssSize} with ro_len ${head.roLen} exceeds ${HXE_DATA_MAX}`;
      refuse("HXE_BSS", HXE_BSS_SIZE_OFF, message);
    }
    if ([...head.appName].some((c) => c > "\x7f")) {
      refuse("HXE_NAME", HXE_NAME_OFF, "app_name is not ASCII");
    }
    const reserved = head.reserved.findIndex((b) => b !== 0);
    if (reserved >= 0) {
      refuse("HXE_RESERVED", HXE_RESERVED_OFF + reserved, "a reserved byte is not zero");
    }
  }

  private checkCrc(stored: number, version: number): void {
    const crc = hxeCrc(this.bytes, version);
    if (crc === stored) return;
    const message = `the file is damaged: its checksum is ${hex(crc, 8)}, the header says ${hex(stored, 8)}`;
    refuse("HXE_CRC", HXE_CRC_OFF, message);
  }

  private readManifest(at: number): Uint8Array {
    const { bytes } = this;
    const length =
      at + MANIFEST_HEADER_SIZE <= bytes.length
        ? readFields(bytes, at, MANIFEST_FIELDS).length
        : bytes.length;
    const start = at + MANIFEST_HEADER_SIZE;
    if (start + length > bytes.length) refuse("HXE_MANIFEST", at, "the manifest is cut off");
    const manifest = bytes.slice(start, start + length);
    if (!isJson(manifest)) refuse("HXE_MANIFEST", start, "the manifest is not JSON");
    return manifest;
  }

  private readTable(image: HxeImage, offset: number, count: number, contentEnd: number): void {
    if (offset === 0 && count === 0) return;
    const end = offset + count * META_ENTRY_SIZE;
    if (offset < contentEnd || end > this.bytes.length) {
      const message = `the metadata table at ${offset}, ${count} entries, lies outside ${contentEnd}..${this.bytes.length}`;
      refuse("HXE_TABLE", HXE_META_OFFSET_OFF, message);
    }
    if (count > META_SECTION_MAX) {
      const message = `${count} metadata sections, at most ${META_SECTION_MAX} are possible`;
      refuse("HXE_TABLE", HXE_META_COUNT_OFF, message);
    }
    if (offset !== (count > 0 ? contentEnd : 0)) image.metaOffset = offset;
    const floor = image.manifest === undefined ? HXE_V2_SIZE : contentEnd;
    let cursor = end;
    for (let i = 0; i < count; i++) {
      const section = this.readSection(offset + i * META_ENTRY_SIZE, i, floor, cursor);
      image.sections.push(section);
      cursor = (section.offset ?? cursor) + section.payload.length;
    }
  }

  /** Sections lie behind the header, and behind the manifest if there is one. */
  private readSection(at: number, index: number, floor: number, expected: number): HxeSection {
    const row = readFields(this.bytes, at, META_FIELDS);
    const end = row.offset + row.size;
    if (row.offset < floor || end > this.bytes.length) {
      const message = `metadata section ${index} at ${row.offset}, ${row.size} bytes, lies outside the file`;
      refuse("HXE_SECTION", at, message);
    }
    const payload = this.bytes.slice(row.offset, end);
    const section: HxeSection = { type: row.type, count: row.count, payload };
    if (row.offset !== expected) section.offset = row.offset;
    return section;
  }

  /** The bytes that encoding the image so far would not give back. */
  private restOf(image: HxeImage): ByteRun[] {
    const { bytes } = this;
    const known = encodeHxe(image);
    const differs = (i: number): boolean =>
      known[i] !== bytes[i] && !(i >= HXE_CRC_OFF && i < HXE_V1_SIZE);
    const runs: ByteRun[] = [];
    for (let i = 0; i < bytes.length; i++) {
      if (!differs(i)) continue;
      const offset = i;
      while (i < bytes.length && differs(i)) i++;
      runs.push({ offset, bytes: bytes.slice(offset, i) });
    }
    return runs;
  }
}

function isJson(bytes: Uint8Array): boolean {
  try {
    const text = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(bytes);
    return !("error" in parseJsonText(text));
  } catch {
    return false;
  }
}

// ---- Declarations ----

function readSections(image: HxeImage, metadata: HxeMetadata, bytes: Uint8Array): void {
  const places = placesOf(image);
  checkApart(image, places);
  image.sections.forEach((section, i) => {
    try {
      decodeSection(section, metadata);
    } catch (e) {
      if (!(e instanceof MetadataFailure)) throw e;
      const at = Math.min((places.sections[i] as number) + e.offset, bytes.length);
      refuse(e.code, at, `metadata section ${i}: ${e.message}`);
    }
  });
  checkDeclarations(image, metadata, places);
}
