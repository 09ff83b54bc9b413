// The journal of a master in a file: every line durable before the next thing is done.

import { closeSync, fsyncSync, ftruncateSync, openSync, readFileSync, writeSync } from "node:fs";
import {
  type Journal,
  type JournalEntry,
  journalLine,
  readJournal,
} from "../../client/master/journal.ts";
import { fileFailure } from "../files.ts";

export class JournalFile implements Journal {
  readonly entries: JournalEntry[];
  /** Whole lines whose sum was wrong. */
  readonly damaged: number;
  private readonly fd: number;

  /** Makes the file when there is none; drops a line that was cut off. */
  constructor(readonly path: string) {
    try {
      this.fd = openSync(path, "a+");
      const { entries, length, damaged } = readJournal(readFileSync(path));
      ftruncateSync(this.fd, length);
      this.entries = entries;
      this.damaged = damaged;
    } catch (error) {
      throw fileFailure(error, path, "write");
    }
  }
  append(entry: JournalEntry): void {
    try {
      writeSync(this.fd, journalLine(entry));
      fsyncSync(this.fd);
    } catch (error) {
      throw fileFailure(error, this.path, "write");
    }
    this.entries.push(entry);
  }
  close(): void {
    closeSync(this.fd);
  }
}
