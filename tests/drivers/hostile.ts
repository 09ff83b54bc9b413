// A node under hostile frames: after each spell of them it must be as it was, and still take a valid load.

import { crc32 } from "node:zlib";
import { FRAME_BASE_DEFAULT, LoadEvent } from "../../assembly/spec/frame.ts";
import { TaskState } from "../../assembly/spec/node.ts";
import { configureMedia, makeMedia } from "../../host/client/bench/media.ts";
import { LocalNode } from "../../host/client/local-node.ts";
import type { CanFrame } from "../../host/formats/can-frame.ts";
import { decodeFrame, encodeFrame } from "../../host/formats/frame.ts";
import { Machine } from "../../host/node/hal.ts";
import { NvDevice } from "../../host/node/nv.ts";
import { buildSample, COMMANDS, STACK, VALUES } from "../oracle/image-samples.ts";
import { Random } from "../oracle/random.ts";
import { guestOf } from "./guest.ts";
import { HostileFrames, VICTIM } from "./hostile-frames.ts";
import { coreModule } from "./node.ts";

/** A node that frames reach, in its virtual time. */
export interface Victim {
  readonly node: LocalNode;
  /** What its non-volatile device holds. */
  readonly fram: Uint8Array;
  /** Brings frames to it, one behind the other. */
  send(frames: readonly CanFrame[]): void;
  run(ms: number): void;
  /** Loads that it has refused by STATUS. */
  readonly refusals: number;
  /** What was written where nothing may be; undefined: nothing. */
  trespass(): string | undefined;
}

export interface HostilePlan {
  readonly seed: number;
  readonly frames: number;
}
export interface HostileCounts {
  frames: number;
  /** Loads that had begun and were refused. */
  refusals: number;
  /** Spells after which the node was compared with what it was. */
  spells: number;
  /** Valid loads that were taken in between. */
  loads: number;
  /** What may never happen, with what replays it. */
  readonly faults: string[];
}

export const RESIDENT = guestOf(
  `
.value {"group":1,"id":1,"name":"open","init":1}
.value {"group":1,"id":2,"name":"fixed","init":2,"flags":"RO"}
.value {"group":1,"id":3,"name":"kept","init":3,"flags":"PERSIST","persist_key":7,"auth":"ADMIN"}
.cmd {"group":1,"id":9,"name":"twice","handler":"twice"}
loop:
  LDI R0, 100
  SVC 0x600
  JMP loop
twice:
  RET
`,
  "resident",
).image;
/** An image that any node takes, in between. */
const GUEST = guestOf("loop:\nLDI R0, 50\nSVC 0x600\nJMP loop", "guest").image;
/** What malformed images are made of. */
const SOUND: readonly Uint8Array[] = [
  RESIDENT,
  GUEST,
  buildSample({ version: 2, name: "sample", sections: [VALUES, COMMANDS, STACK] }),
  buildSample({ version: 1 }),
];
const OPEN_OID = 0x101;
const PUBLISH_OPEN = encodeFrame(FRAME_BASE_DEFAULT, {
  kind: "request",
  master: 0,
  target: VICTIM,
  sequence: 0,
  verb: "PUBLISH",
  args: { oid: OPEN_OID, period: 0, on: 1 },
});
const FRAM_BYTES = 131_072;
const SLOTS = { count: 3, bytes: 2048 };
/** Frames between two judgements. */
const SPELL = 5000;
/** Every load is given up that hears nothing for 3 s. */
const SETTLE_MS = 4500;
/** Frames that come at once. */
const BURST = 12;

/** Media of a victim: it runs the resident from a slot, under its id. */
export async function victimMedia(): Promise<Uint8Array<ArrayBuffer>> {
  const desktop = await coreModule("desktop");
  const spec = { fram: FRAM_BYTES, slots: SLOTS };
  const fram = await makeMedia(desktop, spec, [{ name: "resident", bytes: RESIDENT }]);
  await configureMedia(desktop, fram, { id: VICTIM, role: 0, bitRate: 500 });
  return fram;
}

/** All that hostile frames may not change, as text. */
function stateOf({ node, fram }: Victim): string {
  const isWell = (state: TaskState) => state !== TaskState.FAULTED && state !== TaskState.PAUSED;
  const { state, cells, damaged } = node.store();
  const file = Buffer.from(fram.buffer, fram.byteOffset, fram.length).indexOf(RESIDENT);
  return JSON.stringify({
    tasks: node.tasks().map((t) => [t.pid, t.name, t.imageCrc, isWell(t.state)]),
    values: node
      .values()
      .map((v) => [v.oid, v.persistKey, v.owner, v.oid === OPEN_OID ? "" : [v.value, v.flags]]),
    commands: node.commands().map(({ oid, name }) => [oid, name]),
    mailboxes: node.mailboxes().map(({ name }) => name),
    apps: node.provision.apps(),
    config: node.provision.config(),
    freeBytes: node.memory().freeBytes,
    store: [state, cells, damaged],
    file,
  });
}

/** 1 for the frame by which a node refuses a load. */
export function noteRefusals({ id, data }: CanFrame): number {
  const frame = decodeFrame(FRAME_BASE_DEFAULT, { id, data });
  return frame?.kind === "status" && frame.event === LoadEvent.ERROR ? 1 : 0;
}

class HostileRun {
  private readonly random: Random;
  private readonly frames: HostileFrames;
  private readonly before: string;
  private step = 0;

  constructor(
    private readonly victim: Victim,
    private readonly plan: HostilePlan,
    private readonly counts: HostileCounts,
  ) {
    this.random = new Random(plan.seed);
    this.frames = new HostileFrames(this.random, SOUND);
    this.rest();
    this.before = stateOf(victim);
    if (victim.node.tasks()[0]?.imageCrc !== crc32(RESIDENT)) throw new Error("no resident");
  }

  private fault(what: string): void {
    this.counts.faults.push(`seed ${this.plan.seed}, step ${this.step}: ${what}`);
  }

  run(): void {
    const { counts, plan } = this;
    try {
      while (this.step < plan.frames && this.spell());
    } catch (error) {
      this.fault(String(error));
    }
    counts.frames += this.step;
    counts.refusals += this.victim.refusals;
  }

  /** Frames, then silence, then a look. False: no need to go on. */
  private spell(): boolean {
    const { random, victim, plan } = this;
    const end = Math.min(plan.frames, this.step + SPELL);
    while (this.step < end) {
      const burst: CanFrame[] = [];
      for (let n = random.below(BURST); n >= 0 && this.step < end; n--) {
        burst.push(this.frames.next());
        this.step++;
        if (this.frames.pause_ms > 0) break;
      }
      victim.send(burst);
      victim.run(this.frames.pause_ms);
      if (random.oneIn(400)) victim.run(random.pick([12, 100, 1000, 4000]));
    }
    this.rest();
    return this.judge();
  }
  /** Whatever had begun is given up, and the list of what is published takes its memory, as it lawfully may. */
  private rest(): void {
    this.victim.send([PUBLISH_OPEN]);
    this.victim.run(SETTLE_MS);
  }

  private judge(): boolean {
    const { victim, counts } = this;
    counts.spells++;
    const wrong = victim.trespass() ?? this.difference();
    if (wrong !== undefined) {
      this.fault(wrong);
      return false;
    }
    const pid = victim.node.load(GUEST); // a node that takes nothing any more hangs, too
    victim.run(10);
    victim.node.kill(pid);
    victim.run(10);
    counts.loads++;
    return true;
  }
  private difference(): string | undefined {
    const now = stateOf(this.victim);
    return now === this.before ? undefined : `it is ${now}, it was ${this.before}`;
  }
}

/** Sends the frames of a plan to a node that nobody has used; what may never happen is added to the counts. */
export function runHostile(victim: Victim, plan: HostilePlan, counts: HostileCounts): void {
  new HostileRun(victim, plan, counts).run();
}
export function newHostileCounts(): HostileCounts {
  return { frames: 0, refusals: 0, spells: 0, loads: 0, faults: [] };
}

// ---- A core in Node ----

/** Between the RAM of a chip and the constant tables of `small`: nothing may ever be written there. */
const BEYOND = [0x3c00, 0x8000] as const;
const POISON = 0xa5;
/** A frame of eight bytes at 500 kbit/s. */
const FRAME_US = 228;
const POLL_US = 40;
const POLL_BUDGET = 200;

/** A core of `small`, its frames and its time. */
class CoreVictim implements Victim {
  private constructor(
    readonly node: LocalNode,
    private readonly machine: Machine,
    readonly fram: Uint8Array,
    private readonly refused: () => number,
  ) {}

  get refusals(): number {
    return this.refused();
  }

  static async start(module: WebAssembly.Module, media: Uint8Array): Promise<CoreVictim> {
    const fram = media.slice();
    let refusals = 0;
    const machine = new Machine({
      nv: new NvDevice(fram),
      uid: Uint8Array.of(1, 2, 3, 4),
      onCan: (frame) => {
        refusals += noteRefusals(frame);
      },
    });
    const node = await LocalNode.start(module, machine);
    node.core.memory().fill(POISON, ...BEYOND);
    return new CoreVictim(node, machine, fram, () => refusals);
  }

  send(frames: readonly CanFrame[]): void {
    for (const frame of frames) {
      this.machine.receiveFrame(frame);
      this.pass(FRAME_US);
    }
  }
  run(ms: number): void {
    this.pass(ms * 1000);
  }
  /** Polls as a main loop does: rests until its time is up or a frame waits. */
  private pass(us: number): void {
    const { machine } = this;
    const { exports } = this.node.core;
    const end = machine.now_us + us;
    while (machine.now_us < end) {
      exports.hsx_poll(POLL_BUDGET);
      const rest = exports.hsx_rest() >>> 0;
      const isBusy = rest === 0 || machine.can.hasFrame;
      machine.advance(
        isBusy ? POLL_US : Math.min(rest * 1000, Math.max(POLL_US, end - machine.now_us)),
      );
    }
  }
  trespass(): string | undefined {
    const beyond = this.node.core.memory().subarray(...BEYOND);
    const at = beyond.findIndex((byte) => byte !== POISON);
    return at < 0
      ? undefined
      : `written beyond the RAM of a chip, at 0x${(BEYOND[0] + at).toString(16)}`;
  }
}

/** A victim whose core runs in this process: the built one, or another, such as one with a fault. */
export async function coreVictim(media: Uint8Array, core?: WebAssembly.Module): Promise<Victim> {
  return CoreVictim.start(core ?? (await coreModule("small")), media);
}
