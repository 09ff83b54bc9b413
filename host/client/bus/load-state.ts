// What becomes of a load at each node: its STATUS frames as one state a node.

import { Err } from "../../../assembly/spec/errors.ts";
import { LoadEvent, LoadPhase, TASK_STORED } from "../../../assembly/spec/frame.ts";
import type { Frame } from "../../formats/frame.ts";

type Status = Extract<Frame, { kind: "status" }>;

export type LoadState =
  /** it has said nothing, which means that it can begin */
  | "waiting"
  /** it must erase first */
  | "clearing"
  | "receiving"
  /** it has every byte */
  | "checking"
  /** it waits for the commit */
  | "prepared"
  | "starting"
  /** the image runs, or lies in its slot */
  | "complete"
  /** it had the image already */
  | "already"
  /** it refused, see `code` */
  | "refused"
  | "aborted"
  /** it says nothing any more */
  | "silent";

/** One node of a load. */
export interface NodeLoad {
  readonly node: number;
  readonly state: LoadState;
  /** Why it refused or gave up. */
  readonly code: Err;
  readonly pid: number | undefined;
  readonly slot: number | undefined;
  /** Bytes that came; of a refusal: place in the file. */
  readonly bytes: number;
}

const ENDED = new Set<LoadState>(["complete", "already", "refused", "aborted", "silent"]);
/** Whether a node will change its state no more. */
export function hasEnded({ state }: NodeLoad): boolean {
  return ENDED.has(state);
}
/** Whether a node has the image. */
export function isGood({ state }: NodeLoad): boolean {
  return state === "complete" || state === "already";
}

const PHASES: Record<LoadPhase, LoadState> = {
  [LoadPhase.IDLE]: "waiting",
  [LoadPhase.CLEARING]: "clearing",
  [LoadPhase.RECEIVING]: "receiving",
  [LoadPhase.CHECKING]: "checking",
  [LoadPhase.PREPARED]: "prepared",
  [LoadPhase.STARTING]: "starting",
  [LoadPhase.STORING]: "starting",
};
const EVENTS: Partial<Record<LoadEvent, LoadState>> = {
  [LoadEvent.COMPLETE]: "complete",
  [LoadEvent.ERROR]: "refused",
  [LoadEvent.ABORTED]: "aborted",
};

export function newLoad(node: number): NodeLoad {
  const none = { pid: undefined, slot: undefined };
  return { node, state: "waiting", code: Err.OK, bytes: 0, ...none };
}

/** Where an image lies, by the task byte of a STATUS: it runs as task `pid`, or is stored in `slot`. */
export function placeOf(task: number): Pick<NodeLoad, "pid" | "slot"> {
  if ((task & TASK_STORED) !== 0) return { pid: undefined, slot: task & ~TASK_STORED };
  return { pid: task === 0 ? undefined : task, slot: undefined };
}

/** The state behind a STATUS. `hasData`: bytes of the image were sent already. */
export function loadAfter(before: NodeLoad, status: Status, hasData: boolean): NodeLoad {
  const { task, bytes, code } = status;
  const state = EVENTS[status.event] ?? PHASES[status.phase];
  return {
    node: before.node,
    state: state === "complete" && !hasData ? "already" : state,
    code: -code,
    ...placeOf(task),
    bytes,
  };
}
