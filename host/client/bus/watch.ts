// What happens to images on a bus, whoever brings them: what masters announce and nodes say, as events.

import { Err } from "../../../assembly/spec/errors.ts";
import {
  End,
  LoadEvent,
  LoadPhase,
  WINDOW_BYTES,
  WindowFlag,
} from "../../../assembly/spec/frame.ts";
import type { Frame, Request } from "../../formats/frame.ts";
import type { BusLink } from "./link.ts";
import { placeOf } from "./load-state.ts";

export type ProvisioningKind =
  /** a master begins; `total` says how long the image is */
  | "started"
  | "progress"
  | "complete"
  | "error"
  | "aborted"
  | "persisted"
  | "rollback"
  /** a node clears a slot, or is prepared */
  | "phase"
  /** a master has all that are prepared change over */
  | "commit"
  /** a node is there: it was switched on, or answers a census */
  | "hello";

export interface ProvisioningEvent {
  /** Time of the transport. */
  readonly at_us: number;
  readonly kind: ProvisioningKind;
  /** Undefined: a master said it to all. */
  readonly node: number | undefined;
  /** Slot of the master whose load it is; undefined: it is of none. */
  readonly master: number | undefined;
  readonly phase: LoadPhase;
  readonly code: Err;
  readonly pid: number | undefined;
  readonly slot: number | undefined;
  /** Bytes that came, or that a master has sent; of an error: place in the file. */
  readonly bytes: number;
  /** Bytes of the image; undefined: its beginning was not heard. */
  readonly total: number | undefined;
  /** HelloFlag bits of a node that is there. */
  readonly flags: number;
}

type Status = Extract<Frame, { kind: "status" }>;

const KINDS: Record<LoadEvent, ProvisioningKind> = {
  [LoadEvent.NONE]: "phase",
  [LoadEvent.STARTED]: "started",
  [LoadEvent.PROGRESS]: "progress",
  [LoadEvent.COMPLETE]: "complete",
  [LoadEvent.ERROR]: "error",
  [LoadEvent.ABORTED]: "aborted",
  [LoadEvent.PERSISTED]: "persisted",
  [LoadEvent.ROLLBACK]: "rollback",
};
/** Between two reports of progress of one node or master; all else is told at once. */
const PROGRESS_US = 100_000;
const NOTHING = {
  phase: LoadPhase.IDLE,
  code: Err.OK,
  pid: undefined,
  slot: undefined,
  bytes: 0,
  flags: 0,
};

class Watch {
  /** Bytes of the image of each master's session. */
  private readonly totals = new Map<number, number>();
  private readonly told_us = new Map<string, number>();

  constructor(private readonly tell: (event: ProvisioningEvent) => void) {}

  hear(frame: Frame, at_us: number): void {
    if (frame.kind === "status") this.status(frame, at_us);
    else if (frame.kind === "request") this.request(frame, at_us);
    else if (frame.kind === "hello") {
      const { node, flags } = frame;
      const none = { master: undefined, total: undefined };
      this.tell({ ...NOTHING, ...none, at_us, kind: "hello", node, flags });
    }
  }

  private keyOf(master: number, session: number): number {
    return master * 256 + session;
  }
  private status(frame: Status, at_us: number): void {
    const { node, master, session, event, phase, task, bytes } = frame;
    // an answer to END 0 that tells of no load
    if (event === LoadEvent.NONE && phase === LoadPhase.IDLE) return;
    const kind = KINDS[event];
    if (kind === "progress" && !this.isDue(`node ${node}`, at_us)) return;
    this.tell({
      at_us,
      kind,
      node,
      master,
      phase,
      code: -frame.code,
      ...placeOf(task),
      bytes,
      total: this.totals.get(this.keyOf(master, session)),
      flags: 0,
    });
  }

  private request({ master, verb, args }: Request, at_us: number): void {
    const of = { ...NOTHING, at_us, node: undefined, master };
    if (verb === "BEGIN") {
      const key = this.keyOf(master, args.session);
      // said again, and once more for those that missed it
      if (this.totals.get(key) === args.total) return;
      this.totals.set(key, args.total);
      this.tell({ ...of, kind: "started", total: args.total });
    } else if (verb === "WINDOW" && (args.flags & WindowFlag.STREAM) !== 0) {
      if (!this.isDue(`master ${master}`, at_us)) return;
      const total = this.totals.get(this.keyOf(master, args.session));
      this.tell({ ...of, kind: "progress", bytes: args.window * WINDOW_BYTES, total });
    } else if (verb === "END" && args.what === End.COMMIT) {
      const total = this.totals.get(this.keyOf(master, args.session));
      this.tell({ ...of, kind: "commit", total });
    }
  }

  private isDue(who: string, at_us: number): boolean {
    if (at_us - (this.told_us.get(who) ?? Number.NEGATIVE_INFINITY) < PROGRESS_US) return false;
    this.told_us.set(who, at_us);
    return true;
  }
}

/** Tells what happens to images from now on, until the returned function is called. Progress comes ten times a second at most, all else at once. */
export function watchProvisioning(
  link: BusLink,
  tell: (event: ProvisioningEvent) => void,
): () => void {
  const watch = new Watch(tell);
  return link.listen((frame, time_us) => watch.hear(frame, time_us));
}
