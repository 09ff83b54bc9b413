// Where verbs of a node find it: the shell has one, a command on a bus as many as its options mean.

import type { Command } from "commander";
import type { NodeClient } from "../../client/node-client.ts";
import type { Output } from "../output.ts";
import type { VerbContext } from "../shell/context.ts";

/** What a verb works with, wherever the node is. */
export interface NodeContext {
  readonly out: Output;
  readonly node: NodeClient;
  /** Time of the node, or of the bus it is on. */
  readonly now_ms: number;
  /** Its id, where several nodes are within reach; and how many of them are meant. */
  readonly id?: number;
  readonly nodes: number;
  /** File that a task's image was read from, where that is known. */
  fileOf?(pid: number): string | undefined;
}

export type NodeWork = (context: NodeContext) => Promise<void>;

export interface NodeHost {
  /** Adds the options that say which nodes are meant. */
  addOptions(command: Command): Command;
  /** Does the work at each of them. */
  each(options: object, work: NodeWork): Promise<void>;
}

/** The one node of the shell. */
export class ShellHost implements NodeHost {
  constructor(private readonly context: VerbContext) {}

  addOptions(command: Command): Command {
    return command;
  }
  async each(_options: object, work: NodeWork): Promise<void> {
    const { out, session } = this.context;
    const fileOf = (pid: number) => session.apps.get(pid)?.path;
    await work({ out, node: session.node, now_ms: session.now_ms, nodes: 1, fileOf });
    session.drain();
  }
}
