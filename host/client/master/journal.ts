// What a master has done, a line each: what it knows again after it was ended at any moment. docs/client.md.

import { crc32 } from "node:zlib";

/** One thing that was done. */
export type JournalEntry =
  /** a master began with this plant */
  | { readonly kind: "begin"; readonly plant: string; readonly version: number }
  /** values and configuration of this content were set at a node */
  | { readonly kind: "applied"; readonly uid: string; readonly content: number }
  /** something was changed at a node that differed */
  | {
      readonly kind: "repaired";
      readonly uid: string;
      readonly app: string;
      readonly what: string;
    };

/** Where entries are kept: durable when `append` returns. */
export interface Journal {
  readonly entries: readonly JournalEntry[];
  append(entry: JournalEntry): void;
}

const SUM = /,"sum":(\d{1,10})\}$/;

/** A line of the file, its end included: the entry as JSON, with the CRC-32 of that JSON as its last member. */
export function journalLine(entry: JournalEntry): string {
  const text = JSON.stringify(entry);
  return `${text.slice(0, -1)},"sum":${crc32(text)}}\n`;
}

function entryOf(line: string): JournalEntry | undefined {
  const sum = SUM.exec(line);
  if (sum === null) return undefined;
  const text = `${line.slice(0, sum.index)}}`;
  return crc32(text) === Number(sum[1]) ? (JSON.parse(text) as JournalEntry) : undefined;
}

/**
 * What a file holds. A line that was cut off while it was written counts for nothing: `length` is where the next one
 * belongs, in bytes. `damaged`: whole lines whose sum is wrong, left out.
 */
export function readJournal(bytes: Uint8Array): {
  entries: JournalEntry[];
  length: number;
  damaged: number;
} {
  const length = bytes.lastIndexOf(0x0a) + 1;
  const lines = new TextDecoder().decode(bytes.subarray(0, length)).split("\n").slice(0, -1);
  const read = lines.map(entryOf);
  const entries = read.filter((entry) => entry !== undefined);
  return { entries, length, damaged: read.length - entries.length };
}

/** A journal that ends with its process. */
export class MemoryJournal implements Journal {
  readonly entries: JournalEntry[];
  constructor(entries: readonly JournalEntry[] = []) {
    this.entries = [...entries];
  }
  append(entry: JournalEntry): void {
    this.entries.push(entry);
  }
}

/** The plant and version a journal has seen last; undefined: none. */
export function lastPlant({ entries }: Journal): { plant: string; version: number } | undefined {
  return entries.findLast((entry) => entry.kind === "begin");
}

/** The content that was applied last at each node, by UID. */
export function appliedContents({ entries }: Journal): Map<string, number> {
  const applied = entries.filter((entry) => entry.kind === "applied");
  return new Map(applied.map(({ uid, content }) => [uid, content]));
}
