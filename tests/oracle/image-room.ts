// A node's image room for tests: feeds a file to the check, whole or in pieces, and tells the verdict.

import { Err } from "../../assembly/spec/errors.ts";
import { MetaType } from "../../assembly/spec/hxe.ts";
import {
  REFUSAL_CODE_OFF,
  REFUSAL_HAVE_OFF,
  REFUSAL_NEED_OFF,
  REFUSAL_OFFSET_OFF,
  REFUSAL_RESOURCE_OFF,
} from "../../assembly/spec/node.ts";
import { compileProbe, type Probe, type ProfileName } from "../probes/compile.ts";
import type { DeclaredMailbox } from "./hxe-check.ts";

/** What the check said of a file. */
export interface Verdict {
  /** OK or the refusal. */
  readonly code: Err;
  /** Bytes there when it was said. */
  readonly at: number;
  /** Calls of the check it took. */
  readonly calls: number;
}

/** Calls that no small file may need. */
const CALLS_MAX = 2_000_000;

/** Images of these tests lie in the arena. */
const absent = () => Err.ABSENT;
const NO_DEVICE = {
  nv_size: () => 0,
  nv_erase_size: () => 0,
  nv_medium: () => 0,
  nv_granule: () => 1,
  nv_busy: () => 0,
  nv_read: absent,
  nv_program: absent,
  nv_erase: absent,
};

export class ImageRoom {
  readonly #probe: Probe;

  private constructor(probe: Probe) {
    this.#probe = probe;
  }

  static async create(profile: ProfileName): Promise<ImageRoom> {
    return new ImageRoom(await compileProbe("image", profile, NO_DEVICE));
  }

  get probe(): Probe {
    return this.#probe;
  }

  /** All of linear memory as it is now. */
  get memory(): Uint8Array {
    return new Uint8Array(this.#probe.memory.buffer);
  }

  /** Checks a file that arrives in pieces of the given sizes, the last as long as what remains. The slot stays taken. */
  check(slot: number, file: Uint8Array, pieces: Iterable<number> = []): Verdict {
    const probe = this.#probe;
    const begun = probe.begin(file.length);
    if (begun < 0) return { code: begun, at: 0, calls: 0 };
    const base = probe.address(slot);
    const sizes = pieces[Symbol.iterator]();
    let calls = 0;
    for (let at = 0; ; ) {
      const size = sizes.next();
      const end = size.done ? file.length : Math.min(file.length, at + size.value);
      this.memory.set(file.subarray(at, end), base + at);
      at = end;
      for (let code = Err.BUSY; code === Err.BUSY; ) {
        code = probe.advance(slot, at);
        if (++calls > CALLS_MAX) throw new Error("the check does not end");
        if (code !== Err.BUSY && code !== Err.NO_DATA) return { code, at, calls };
      }
      if (at === file.length) throw new Error("the check waits for more than the whole file");
    }
  }

  /** Checks a file in a slot of its own, which is free again afterwards. */
  judge(file: Uint8Array, pieces: Iterable<number> = []): Verdict {
    if (file.length === 0) return this.check(0, file);
    const slot = this.#probe.allocate(file.length);
    if (slot < 0) throw new Error(`no slot for ${file.length} bytes: ${Err[slot]}`);
    const verdict = this.check(slot, file, pieces);
    this.#probe.drop(slot);
    this.#probe.settle();
    return verdict;
  }

  /** Takes a slot, checks the file in it and returns the slot. */
  accept(file: Uint8Array): number {
    const slot = this.#probe.allocate(file.length);
    const { code } = this.check(slot, file);
    if (code !== Err.OK) throw new Error(`refused: ${Err[code]} at ${this.refusal().offset}`);
    return slot;
  }

  /** The mailboxes an accepted image declares, in the order of its sections. */
  mailboxes(slot: number): DeclaredMailbox[] {
    const probe = this.#probe;
    const mailboxes: DeclaredMailbox[] = [];
    const sections = probe.field(slot, 8);
    for (let at = probe.sectionFind(slot, MetaType.MAILBOX, 0); at < sections; ) {
      probe.mailboxOpen(slot, at);
      for (let code = Err.BUSY; code !== Err.NO_DATA; ) {
        code = probe.mailboxNext();
        if (code !== Err.OK && code !== Err.BUSY && code !== Err.NO_DATA)
          throw new Error(Err[code]);
        if (code === Err.OK) mailboxes.push(this.#mailbox());
      }
      at = probe.sectionFind(slot, MetaType.MAILBOX, at + 1);
    }
    return mailboxes;
  }

  #mailbox(): DeclaredMailbox {
    const probe = this.#probe;
    const owner = probe.mailboxOwner();
    return {
      name: this.text(probe.mailboxName()),
      capacity: probe.mailboxCapacity(),
      mode: probe.mailboxMode(),
      owner: owner === 0xffff ? undefined : owner,
    };
  }

  refusal() {
    const view = new DataView(this.#probe.memory.buffer, this.#probe.REFUSAL.value);
    return {
      code: view.getInt32(REFUSAL_CODE_OFF, true) as Err,
      offset: view.getUint32(REFUSAL_OFFSET_OFF, true),
      need: view.getUint32(REFUSAL_NEED_OFF, true),
      have: view.getUint32(REFUSAL_HAVE_OFF, true),
      resource: view.getUint8(REFUSAL_RESOURCE_OFF),
    };
  }

  /** Text of `length` bytes that the room laid into the I/O buffer. */
  text(length: number): string {
    const from = this.#probe.IO.value;
    return new TextDecoder("utf-8", { ignoreBOM: true }).decode(
      this.memory.slice(from, from + length),
    );
  }
}
