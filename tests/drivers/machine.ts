// What a machine that runs the core offers to tests. One corpus runs on all of them: HSX_MACHINE chooses, `node` by default.

import type { LocalNode, NodeOptions } from "../../host/client/local-node.ts";
import type { NvDevice } from "../../host/node/nv.ts";
import type { ProfileName } from "../probes/compile.ts";

export type { ProfileName } from "../probes/compile.ts";

/** The verbs of a node that behaviour is told by. */
export type NodeVerbs = Pick<
  LocalNode,
  | "load"
  | "restart"
  | "kill"
  | "pause"
  | "resume"
  | "step"
  | "poll"
  | "run"
  | "settle"
  | "task"
  | "tasks"
  | "setReg"
  | "readMemory"
  | "values"
  | "getValue"
  | "setValue"
  | "setPersistMode"
  | "saveValue"
  | "commands"
  | "callCommand"
  | "mailboxes"
  | "openMailbox"
  | "closeMailbox"
  | "bindMailbox"
  | "send"
  | "receive"
  | "config"
  | "configure"
  | "events"
  | "store"
  | "formatStore"
  | "resetStore"
  | "pin"
>;

/** What surrounds the node. */
export interface Surroundings {
  /** What the node has written to its console since the last call. */
  takeConsole(): string;
  typeConsole(text: string): void;
  /** Bytes the console takes from now on before it is full. */
  setConsoleRoom(bytes: number): void;
  /** Frames the node has sent since the last call, as `123#0A0B`. */
  takeFrames(): string[];
  receiveFrame(id: number, data: Uint8Array): boolean;
  setCanState(state: "ok" | "busy" | "off"): void;
  applyPin(pin: number, level: 0 | 1): void;
  /** Level a meter would see. */
  pinLevel(pin: number): number;
  /** Lets time pass without a poll. */
  advance_ms(ms: number): void;
}

export interface Rig {
  readonly node: NodeVerbs;
  readonly world: Surroundings;
}

export interface RigOptions extends NodeOptions {
  readonly start_ms?: number;
  readonly nv?: NvDevice;
  readonly pins?: number;
  readonly sd?: Uint8Array;
  readonly uid?: Uint8Array;
}

/** A kind of machine. */
export interface Machine {
  readonly profiles: readonly ProfileName[];
  start(profile: ProfileName, options?: RigOptions): Promise<Rig>;
}
