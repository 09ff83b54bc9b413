// Where verbs of a node find it: the shell has one, a command on a bus as many as its options mean.

import type { Command } from "commander";
import type { NodeClient } from "../../client/node-client.ts";
import type { Output } from "../output.ts";
import { addCommand } from "../program.ts";
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

/** Examples of a verb, without what a host puts before them. */
type Examples = readonly (readonly [line: string, does: string])[];

export interface NodeHost {
  /** What stands before a verb where it is typed: `hsx `, in the shell nothing. */
  readonly prefix: string;
  /** Adds the options that say which nodes are meant. */
  addOptions(command: Command): Command;
  /** Does the work at each of them. */
  each(options: object, work: NodeWork): Promise<void>;
}

/** Adds a verb of a node, with what its host adds to options and examples. */
export function addNodeVerb(
  parent: Command,
  host: NodeHost,
  usage: string,
  does: string,
  examples: Examples = [],
): Command {
  const lines = examples.map(([line, what]) => [`${host.prefix}${line}`, what] as const);
  return host.addOptions(addCommand(parent, usage, does, lines));
}

/** The one node of the shell. */
export class ShellHost implements NodeHost {
  readonly prefix = "";

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
