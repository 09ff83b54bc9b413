// Hostile frames: random ones, requests that are almost right, loads of malformed images with frames lost, doubled, swapped and
// flipped, and what was sent before once more. None of them is a valid load, and none asks lawfully for what would change a node.

import { crc32 } from "node:zlib";
import {
  BeginMode,
  DATA_BYTES,
  End,
  FRAME_BASE_DEFAULT,
  FRAME_BLOCK,
  Poll,
  ProvisionWhat,
  Select,
  SLOT_ANY,
  Verb,
  WINDOW_BYTES,
  WINDOW_FRAMES,
  WindowFlag,
} from "../../assembly/spec/frame.ts";
import type { CanFrame } from "../../host/formats/can-frame.ts";
import {
  encodeFrame,
  type Request,
  type VerbArgs,
  type VerbName,
} from "../../host/formats/frame.ts";
import { checkHxe, Refused } from "../oracle/hxe-check.ts";
import { mutate } from "../oracle/image-fuzz.ts";
import type { Random } from "../oracle/random.ts";

/** Of `small`. */
const CAPACITY = { values: 64, commands: 16, mailboxes: 24 };
/** Bytes that a field is often compared with. */
const ODD = [0, 1, 2, 7, 0x10, 0x21, 0x7f, 0x80, 0xfe, 0xff];
const MODES = [
  BeginMode.RUN,
  BeginMode.RUN | BeginMode.REPLACE,
  BeginMode.RUN | BeginMode.REPLACE | BeginMode.HOLD,
  BeginMode.STAGE,
  BeginMode.ACTIVATE,
  BeginMode.ACTIVATE | BeginMode.HOLD,
];
/** Frames that may be sent once more. */
const MEMORY = 64;
/** The id of the node, so that requests mean it. */
export const VICTIM = 1;
/** Values and commands of the victim, for requests that find them. */
const OIDS = [0x101, 0x102, 0x103, 0x109];
const MASTERS = 8;
/** Behind a load: time to check it, or none. */
const PAUSES_MS = [0, 5, 60];
/** An app and a task that no node has. */
const NOBODY = 200;

function isMalformed(image: Uint8Array): boolean {
  try {
    checkHxe(image, CAPACITY);
    return false;
  } catch (error) {
    if (error instanceof Refused) return true;
    throw error;
  }
}

function spoilt(image: Uint8Array, random: Random): Uint8Array {
  const changed = image.slice();
  const at = random.below(changed.length);
  changed[at] = (changed[at] as number) ^ (1 + random.below(255));
  return changed;
}

export class HostileFrames {
  /** What is left of the load that goes on. */
  private script: CanFrame[] = [];
  /** Of the load, for requests by the way. */
  private session = 0;
  private master = 0;
  /** How long the node is to be left in peace behind the last frame. */
  pause_ms = 0;
  /** True: it comes as a master would send it. */
  private isClean = false;
  private readonly sent: CanFrame[] = [];

  constructor(
    private readonly random: Random,
    /** Sound images that malformed ones are made of. */
    private readonly images: readonly Uint8Array[],
  ) {}

  next(): CanFrame {
    this.pause_ms = 0;
    const frame = this.choose();
    if (this.sent.length < MEMORY) this.sent.push(frame);
    else this.sent[this.random.below(MEMORY)] = frame;
    return frame;
  }

  private choose(): CanFrame {
    const { random } = this;
    if (!this.isClean && random.oneIn(8)) return random.oneIn(3) ? this.again() : this.fresh();
    if (this.script.length === 0) {
      this.isClean = random.oneIn(4);
      this.script = random.oneIn(4) ? this.noise() : this.load();
    }
    const frame = this.isClean ? (this.script.shift() as CanFrame) : this.distort();
    if (this.script.length === 0) this.pause_ms = random.pick(PAUSES_MS);
    return frame;
  }
  private again(): CanFrame {
    return this.sent.length === 0 ? this.fresh() : this.random.pick(this.sent);
  }

  // ---- Frames by themselves ----

  private fresh(): CanFrame {
    return this.random.oneIn(3) ? this.anything() : this.request();
  }
  private noise(): CanFrame[] {
    return Array.from({ length: 1 + this.random.below(40) }, () => this.fresh());
  }
  private bytes(length: number): Uint8Array {
    const { random } = this;
    return Uint8Array.from({ length }, () =>
      random.oneIn(2) ? random.pick(ODD) : random.below(256),
    );
  }
  /** Any frame but requests, which are made with care. */
  private anything(): CanFrame {
    const { random } = this;
    const data = this.bytes(random.oneIn(4) ? random.below(9) : 8);
    if (random.oneIn(16)) return { id: random.below(2 ** 29), isExtended: true, data };
    if (random.oneIn(8)) return { id: random.below(FRAME_BASE_DEFAULT), data };
    const offset = MASTERS + random.below(FRAME_BLOCK - MASTERS);
    // the victim's own identifiers would be a fight on the wire, which is another matter
    const isOwn = offset === 0x80 + VICTIM || offset === 0x180 + VICTIM;
    return { id: FRAME_BASE_DEFAULT + offset + (isOwn ? 1 : 0), data };
  }
  /** A request whose arguments are chance; too short now and then. */
  private request(): CanFrame {
    const { random } = this;
    const id = FRAME_BASE_DEFAULT + (random.oneIn(2) ? this.master : random.below(MASTERS));
    const data = this.bytes(8);
    data[0] = random.below(3);
    data[1] = random.below(32) | (random.below(8) << 5);
    this.aim(data);
    return { id, data: random.oneIn(8) ? data.slice(0, random.below(8)) : data };
  }
  /** Makes arguments meet what there is, and takes the sting from those that a node rightly obeys. */
  private aim(data: Uint8Array): void {
    const { random } = this;
    const view = new DataView(data.buffer);
    const verb = (data[1] as number) & 31;
    const isOfLoad = verb >= Verb.SELECT && verb <= Verb.END;
    if (isOfLoad && random.oneIn(2)) data[2] = this.session;
    const isAboutOid = verb >= Verb.GET && verb <= Verb.PERSIST;
    if (isAboutOid && random.oneIn(2)) view.setUint16(2, random.pick(OIDS), true);
    if (verb === Verb.TASK && (data[2] as number) <= 4 && data[2] !== 0) data[3] = NOBODY;
    if (verb === Verb.PROVISION && data[2] === ProvisionWhat.BOOT_WORD) data[3] = NOBODY;
    if (verb === Verb.LEVEL) data[2] = 0;
  }

  // ---- Loads ----

  /** Half of them wrong in one byte, which nothing but the sums may show. */
  private malformed(): Uint8Array {
    const { random } = this;
    for (;;) {
      const sound = random.pick(this.images);
      const image = random.oneIn(2) ? mutate(sound, random) : spoilt(sound, random);
      if (image.length > 0 && isMalformed(image)) return image;
    }
  }
  private tell<V extends VerbName>(master: number, verb: V, args: VerbArgs<V>): CanFrame {
    const sequence = this.random.below(8);
    const request = { kind: "request", master, target: 0, sequence, verb, args } as Request;
    return encodeFrame(FRAME_BASE_DEFAULT, request);
  }
  /** A whole load, as a master would send it, of an image no node may take. */
  private load(): CanFrame[] {
    const { random } = this;
    const image = this.malformed();
    const before = this.tell(this.master, "END", { session: this.session, what: End.ABORT });
    this.master = random.below(2);
    this.session = random.oneIn(2) ? 0x21 : random.below(256);
    const { master, session } = this;
    const mode = random.pick(MODES);
    const total = random.oneIn(8) ? random.below(2 ** 24) : image.length;
    const crc = random.oneIn(8) ? random.word() : crc32(image);
    const frames = [
      ...(random.oneIn(4) ? [] : [before]),
      this.tell(master, "SELECT", { session, kind: Select.ALL, bits: 0 }),
      this.tell(master, "BEGIN", {
        session,
        mode,
        total,
        counts: random.oneIn(2) ? 0 : random.below(256),
      }),
      this.tell(master, "BEGIN_CRC", {
        session,
        slot: random.oneIn(4) ? random.below(4) : SLOT_ANY,
        crc,
      }),
    ];
    for (let window = 0; window * WINDOW_BYTES < image.length; window++)
      frames.push(...this.window(master, session, window, image));
    frames.push(
      this.tell(master, "POLL", { session, kind: Poll.WINDOWS, window: 0 }),
      this.tell(master, "END", { session, what: random.pick([End.STATUS, End.COMMIT, End.ABORT]) }),
    );
    return frames;
  }
  private window(master: number, session: number, window: number, image: Uint8Array): CanFrame[] {
    const { random } = this;
    const other = random.oneIn(2) ? window : random.below(70);
    const flags = random.oneIn(8) ? random.below(8) : WindowFlag.STREAM;
    const frames = [this.tell(master, "WINDOW", { session, window, flags })];
    for (let index = 0; index < WINDOW_FRAMES; index++) {
      const at = window * WINDOW_BYTES + index * DATA_BYTES;
      if (at >= image.length) break;
      const bytes = image.subarray(at, at + DATA_BYTES);
      frames.push(
        encodeFrame(FRAME_BASE_DEFAULT, { kind: "data", parity: window & 1, index, bytes }),
      );
    }
    if (random.oneIn(8))
      frames.push(this.tell(master, "POLL", { session, kind: Poll.FRAMES, window: other }));
    if (random.oneIn(8))
      frames.push(
        this.tell(master, "CHECK", { session, window: other, sum: random.below(2 ** 24) }),
      );
    return frames;
  }

  /** The next frame of the script: as it is mostly, or not, or twice, or behind its follower, or with a bit flipped. */
  private distort(): CanFrame {
    const { random, script } = this;
    const [first, second] = script as [CanFrame, CanFrame | undefined];
    const what = random.below(64);
    if (what < 2 && second !== undefined)
      script.splice(0, 1); // lost
    else if (what < 4)
      return first; // twice
    else if (what < 6 && second !== undefined) script.splice(0, 2, second, first);
    const frame = script.shift() as CanFrame;
    return what === 6 ? this.flip(frame) : frame;
  }
  private flip(frame: CanFrame): CanFrame {
    if (frame.id < FRAME_BASE_DEFAULT + MASTERS || frame.data.length === 0) return frame;
    const data = frame.data.slice();
    const at = this.random.below(data.length);
    data[at] = (data[at] as number) ^ (1 << this.random.below(8));
    return { ...frame, data };
  }
}
