// Small images that between them have everything an image can have, built byte by byte from docs/hxe.md.

import { crc32 } from "node:zlib";

export interface SampleSection {
  readonly type: number;
  readonly count: number;
  readonly payload: Uint8Array;
  /** The section lies there, over bytes that are something else as well. */
  readonly offset?: number;
}

export interface SampleParts {
  readonly version: 1 | 2;
  readonly flags?: number;
  readonly code?: Uint8Array;
  readonly rodata?: Uint8Array;
  readonly bss?: number;
  readonly name?: string;
  readonly manifest?: string;
  readonly sections?: readonly SampleSection[];
  /** Sections before the table. */
  readonly tableLast?: boolean;
  readonly trailer?: Uint8Array;
}

// ---- Bytes ----

function u16(...values: number[]): Uint8Array {
  return Uint8Array.from(values.flatMap((v) => [v >>> 8, v & 0xff]));
}
function u32(...values: number[]): Uint8Array {
  return u16(...values.flatMap((v) => [v >>> 16, v & 0xffff]));
}
function bytesOf(text: string): Uint8Array {
  return new TextEncoder().encode(text);
}
function join(...parts: readonly Uint8Array[]): Uint8Array {
  return new Uint8Array(Buffer.concat(parts));
}

/** Puts the checksum the other bytes ask for in its place. A file without a whole header stays as it is. */
export function withChecksum(file: Uint8Array): Uint8Array {
  const sealed = file.slice();
  const size = sealed[5] === 1 ? 32 : 96;
  if (sealed.length < size) return sealed;
  const sum = crc32(sealed.subarray(size), crc32(sealed.subarray(0, 0x1c)));
  new DataView(sealed.buffer).setUint32(0x1c, sum);
  return sealed;
}

/** The image of these parts. */
export function buildSample(parts: SampleParts): Uint8Array {
  const { version, flags = 2, bss = 0, name = "", sections = [], tableLast = false } = parts;
  const { code = u32(0x01000007, 0x04000000), rodata = new Uint8Array(0) } = parts;
  const manifest = parts.manifest === undefined ? undefined : bytesOf(parts.manifest);
  const headerSize = version === 1 ? 32 : 96;
  const prefix = manifest ? join(u32(manifest.length), manifest) : new Uint8Array(0);
  const body = join(code, rodata, prefix);
  const tableSize = 16 * sections.length;
  let at = headerSize + body.length + (tableLast ? 0 : tableSize);
  const rows: Uint8Array[] = [];
  const payloads: Uint8Array[] = [];
  for (const { type, count, payload, offset } of sections) {
    rows.push(u32(type, offset ?? at, payload.length, count));
    if (offset !== undefined) continue;
    payloads.push(payload);
    at += payload.length;
  }
  const table = tableLast ? at : headerSize + body.length;
  const head = join(
    bytesOf("HSXE"),
    u16(version, manifest ? flags | 1 : flags),
    u32(0, code.length, rodata.length, bss, 3, 0),
  );
  const paddedName = new Uint8Array(32);
  paddedName.set(bytesOf(name));
  const extension = join(
    paddedName,
    u32(sections.length > 0 ? table : 0, sections.length),
    new Uint8Array(24),
  );
  const meta = tableLast ? [...payloads, ...rows] : [...rows, ...payloads];
  const extended = version === 1 ? head : join(head, extension);
  return withChecksum(join(extended, body, ...meta, parts.trailer ?? new Uint8Array(0)));
}

// ---- Sections ----

/** Entries that hold string offsets as `(text) => offset`, and the strings behind them. */
function section(
  type: number,
  entrySize: number,
  entries: readonly ((text: (string: string) => number) => Uint8Array)[],
): SampleSection {
  let strings = new Uint8Array(0);
  const text = (string: string) => {
    const offset = entries.length * entrySize + strings.length;
    strings = new Uint8Array(join(strings, bytesOf(string), Uint8Array.of(0)));
    return offset;
  };
  const payload = join(...entries.map((entry) => entry(text)));
  return { type, count: entries.length, payload: join(payload, strings) };
}

export const VALUES: SampleSection = section(1, 20, [
  (text) =>
    join(
      Uint8Array.of(1, 1, 0x02, 0),
      u16(0x3c00, text("speed"), text("rpm"), 0x2e66, 0xd640, 0x5640, 0x0101, text("motor")),
    ),
  (text) =>
    join(Uint8Array.of(1, 2, 0x21, 3), u16(0x7e00, text("größe €"), 0, 0, 0, 0x4500, 0x0102, 0)),
  () => join(Uint8Array.of(2, 1, 0x10, 0), u16(0, 0, 0, 0, 0, 0, 0, 0)),
]);

export const COMMANDS: SampleSection = section(2, 16, [
  (text) =>
    join(
      Uint8Array.of(1, 1, 0, 0),
      u32(4),
      u16(text("reset"), text("Resets it"), 0, text("motor")),
    ),
  (text) => join(Uint8Array.of(1, 2, 3, 2), u32(0), u16(text("run"), 0, 0, 0)),
]);

export const BINARY_MAILBOXES: SampleSection = section(3, 16, [
  (text) => join(u32(text("app:log")), u16(96, 0x0f), u32(0, 0)),
  (text) => join(u32(text("shared:gemeß")), u16(0, 0), u32(0, 0)),
]);

export const STACK: SampleSection = { type: 4, count: 1, payload: u32(256) };
export const UNKNOWN: SampleSection = { type: 0x80000001, count: 9, payload: bytesOf("?!") };

/** A section of mailboxes in JSON. */
export function jsonMailboxes(text: string): SampleSection {
  return { type: 3, count: 0, payload: bytesOf(text) };
}

const OBJECT = String.raw`{"mailboxes":[{"capacity":96,"mode_mask":15,"target":"app:te\u006cemetry"},
 {"queue_depth":80,"target":"pid:","x":[1.5e-3,{"target":[]},true]},
 {"bindings":[{"flags":1,"pid":0}],"mode":"rdwr|FANOUT_DROP, tap","name":"shared:\ud83d\ude00 é"},
 {"mode_mask":null,"flags":0,"owner_pid":9,"reserved":-0.0,"target":"svc:ctrl@9"}],"version":1}`;
const ARRAY = `\n[{"name":"app:b","target":"app:a"},{"target":"\\"\\\\"}]\n\0\0`;

// ---- The samples ----

const rodata = bytesOf("read only");

export const SAMPLES: Readonly<Record<string, Uint8Array>> = {
  "version 1": buildSample({ version: 1, flags: 0, rodata, trailer: bytesOf("more") }),
  "version 1 with a manifest": buildSample({ version: 1, manifest: `{"a":[1,"\\n"]}` }),
  "no metadata": buildSample({ version: 2, rodata, bss: 12, name: "plain" }),
  "all binary": buildSample({
    version: 2,
    rodata,
    name: " all ",
    sections: [VALUES, COMMANDS, BINARY_MAILBOXES, STACK, UNKNOWN],
  }),
  "mailboxes in JSON": buildSample({
    version: 2,
    name: "a name of thirty-two characters!",
    sections: [jsonMailboxes(ARRAY), jsonMailboxes(OBJECT), BINARY_MAILBOXES],
  }),
  "a manifest, then sections, then their table": buildSample({
    version: 2,
    manifest: ` {"image_name":"m","fram_keys":[{"key":257,"mode":"loadsave"}]} `,
    sections: [STACK, COMMANDS, VALUES],
    tableLast: true,
  }),
  "a section in the code": buildSample({
    version: 2,
    code: u32(0x0000_0080, 0x04000000),
    sections: [
      { ...STACK, offset: 96 },
      { ...VALUES, count: 2 },
    ],
  }),
};

/** An app that claims ids and keys of the samples, but no mailbox: those may be shared, and then take the last one's size. */
export const RESIDENT: Uint8Array = buildSample({
  version: 2,
  name: "resident",
  sections: [VALUES, COMMANDS],
});
