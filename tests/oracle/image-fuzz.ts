// Hostile images against the check: each is judged whole and in pieces, the verdicts are compared with each other and
// with the oracle, and all memory the check may not touch is compared with what it was.

import { Err } from "../../assembly/spec/errors.ts";
import { type Capacity, checkHxe, type Declared, Refused } from "./hxe-check.ts";
import type { ImageRoom } from "./image-room.ts";
import { withChecksum } from "./image-samples.ts";
import type { Random } from "./random.ts";

/** Sizes of pieces, 1 to `most`, for ever. */
export function* pieces(random: Random, most: number): Generator<number> {
  for (;;) yield 1 + random.below(most);
}

// ---- Judging ----

export interface FuzzCounts {
  files: number;
  accepted: number;
  refused: number;
  /** Most calls one file needed. */
  calls: number;
}

const POISON = 0xa5;
/** Bytes behind a profile's memory that are watched as well, and the most that are watched of a large one. */
const GUARD = 4096;
const WATCHED_MAX = 0x20000;

export class ImageFuzzer {
  readonly counts: FuzzCounts = { files: 0, accepted: 0, refused: 0, calls: 0 };
  readonly #room: ImageRoom;
  readonly #capacity: Capacity;
  /** Ranges that a check may write. */
  readonly #free: readonly (readonly [number, number])[];
  readonly #watched: number;

  constructor(room: ImageRoom) {
    const { probe } = room;
    this.#room = room;
    this.#capacity = {
      values: probe.VALUE_MAX.value,
      commands: probe.COMMAND_MAX.value,
      mailboxes: probe.DESCRIPTOR_MAX.value,
    };
    this.#free = [
      [probe.SESSION.value, probe.CHECK_END.value],
      [probe.CURSORS.value, probe.CURSORS_END.value],
      [probe.REFUSAL.value, probe.REFUSAL_END.value],
      [probe.SLOTS.value, probe.SLOTS_END.value],
    ];
    this.#watched = Math.min(probe.RAM_END.value + GUARD, WATCHED_MAX);
  }

  /** Judges a file whole and in pieces. Throws when anything is not as it must be. */
  run(file: Uint8Array, random: Random): void {
    const whole = this.#judge(file, []);
    const most = random.pick([1, 2, 5, 17, 64, 300]);
    const streamed = this.#judge(file, pieces(random, most));
    if (streamed !== whole)
      throw new Error(`whole: ${whole}; in pieces up to ${most}: ${streamed}`);
    const wanted = this.#oracle(file);
    if (whole !== wanted && (whole.startsWith("OK") || wanted.startsWith("OK"))) {
      throw new Error(`the node: ${whole}; the oracle: ${wanted}`);
    }
    this.counts.files++;
    this.counts[whole.startsWith("OK") ? "accepted" : "refused"]++;
  }

  #oracle(file: Uint8Array): string {
    try {
      return `OK ${JSON.stringify(checkHxe(file, this.#capacity))}`;
    } catch (error) {
      if (error instanceof Refused) return error.reason;
      throw error;
    }
  }

  /** What the readers find in the image that was just accepted. */
  #declared(slot: number): Declared {
    const { probe } = this.#room;
    const idsOf = (type: number) => {
      return Array.from({ length: probe.entryTotal(slot, type) }, (_, n) => {
        return probe.u16At(slot, probe.entryFind(slot, type, n)) as number;
      });
    };
    const [values, commands] = [idsOf(1), idsOf(2)];
    const mailboxes = this.#room.mailboxes(slot).map(({ name, capacity, mode, owner }) => {
      return { name, capacity, mode, owner };
    });
    return { values, commands, mailboxes, stack: probe.field(slot, 7) };
  }

  /** Verdict and refusal in words. */
  #judge(file: Uint8Array, pieces: Iterable<number>): string {
    const { probe } = this.#room;
    if (file.length === 0) return Err[this.#room.check(0, file).code] ?? "";
    const slot = probe.allocate(file.length);
    if (slot < 0) throw new Error(`no slot for ${file.length} bytes`);
    const block = probe.address(slot);
    const memory = this.#room.memory;
    const end = probe.RAM_END.value;
    memory.fill(POISON, block, Math.min(end, block + file.length + 256)); // what has not come yet tells nothing
    const before = memory.slice(0, this.#watched);
    const { code, at, calls } = this.#room.check(slot, file, pieces);
    this.counts.calls = Math.max(this.counts.calls, calls);
    if (block < this.#watched) before.set(file.subarray(0, at), block);
    this.#compare(before);
    const declared = code === Err.OK ? JSON.stringify(this.#declared(slot)) : "";
    const { offset, need, have } = this.#room.refusal();
    memory.fill(0, block, Math.min(end, block + file.length + 256));
    probe.drop(slot);
    probe.settle();
    return code === Err.OK ? `OK ${declared}` : `${Err[code]} at ${offset}: ${need}, ${have}`;
  }

  #compare(before: Uint8Array): void {
    const after = this.#room.memory.subarray(0, this.#watched);
    for (const [start, end] of this.#free) before.set(after.subarray(start, end), start);
    if (Buffer.compare(before, after) === 0) return;
    const at = before.findIndex((byte, index) => byte !== after[index]);
    throw new Error(`the check wrote at 0x${at.toString(16)}`);
  }
}

/** Fills what the check may not touch with a pattern. */
export function poison(room: ImageRoom): void {
  const { probe, memory } = room;
  memory.fill(POISON, 0, probe.STATIC.value);
  memory.fill(POISON, probe.CHECK_END.value, probe.SESSION_END.value);
  memory.fill(POISON, probe.IO.value, probe.IO.value + 256);
}

// ---- Making files ----

/** Every beginning of a file shorter than it. */
export function* truncations(file: Uint8Array): Generator<Uint8Array> {
  for (let length = 0; length < file.length; length++) yield file.subarray(0, length);
}

/** Every file that differs in one bit. */
export function* bitFlips(file: Uint8Array): Generator<Uint8Array> {
  for (let bit = 0; bit < file.length * 8; bit++) {
    const flipped = file.slice();
    flipped[bit >> 3] = (flipped[bit >> 3] ?? 0) ^ (1 << (bit & 7));
    yield flipped;
  }
}

const EXTREMES: Readonly<Record<number, readonly number[]>> = {
  1: [0, 1, 0x7f, 0x80, 0xfe, 0xff],
  2: [0, 1, 0x7fff, 0x8000, 0xfffe, 0xffff],
  4: [0, 1, 0x7fffffff, 0x80000000, 0xfffffffe, 0xffffffff],
};

function put(file: Uint8Array, at: number, width: number, value: number): void {
  for (let i = 0; i < width; i++) file[at + i] = (value / 2 ** (8 * (width - 1 - i))) & 0xff;
}

/** A file with 1, 2 or 4 bytes at every `step`th place set to the extremes of a field of that width, and sealed again. */
export function* extremes(file: Uint8Array, step: 1 | 2): Generator<Uint8Array> {
  for (const width of [1, 2, 4]) {
    for (let at = 0; at + width <= file.length; at += width === 1 ? 1 : step) {
      for (const value of EXTREMES[width] ?? []) {
        const changed = file.slice();
        put(changed, at, width, value);
        yield withChecksum(changed);
      }
    }
  }
}

const WORDS = ["{", "}", "[", "]", ",", ":", '"', "\\", "\\u0000", "\\ud800", "null", "-1", "1e2"];
const NAMES = ["target", "name", "mode", "flags", "capacity", "version", "mailboxes", "owner_pid"];
const TOKENS = [...WORDS, ...NAMES.map((name) => `"${name}":`), "65536", '"RO"', "\0", "\u{1f600}"];

const MUTATIONS: readonly ((file: number[], random: Random) => void)[] = [
  (file, random) => {
    file[random.below(file.length)] = random.below(256);
  },
  (file, random) => {
    const at = random.below(file.length);
    file[at] = (file[at] ?? 0) ^ (1 << random.below(8));
  },
  (file, random) => {
    const width = random.pick([1, 2, 4]);
    const bytes = Uint8Array.from({ length: width }, () => 0);
    put(bytes, 0, width, random.pick(EXTREMES[width] ?? []));
    file.splice(random.below(file.length), width, ...bytes);
  },
  (file, random) => {
    // a number a little off, as a wrong offset or size is
    const at = random.below(file.length);
    file[at] = ((file[at] ?? 0) + random.pick([-20, -16, -4, -1, 1, 4, 16, 20])) & 0xff;
  },
  (file, random) => {
    file.splice(random.below(file.length), random.below(9));
  },
  (file, random) => {
    const at = random.below(file.length);
    const copy = file.slice(at, at + 1 + random.below(24));
    file.splice(random.below(file.length), random.below(2) * copy.length, ...copy);
  },
  (file, random) => {
    file.splice(
      random.below(file.length),
      random.below(3),
      ...new TextEncoder().encode(random.pick(TOKENS)),
    );
  },
  (file, random) => {
    file.push(...Array.from({ length: 1 + random.below(8) }, () => random.below(256)));
  },
];

/** A file with one to four random changes, most of the time sealed again. */
export function mutate(file: Uint8Array, random: Random): Uint8Array {
  const bytes = Array.from(file);
  for (let n = random.below(4); n >= 0 && bytes.length > 0; n--)
    random.pick(MUTATIONS)(bytes, random);
  const changed = Uint8Array.from(bytes);
  return random.below(8) === 0 ? changed : withChecksum(changed);
}
