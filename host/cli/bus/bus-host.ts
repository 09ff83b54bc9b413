// Commands on a bus: a master for as long as one runs, its work done at each node that is meant, and what came of it told.

import type { Command } from "commander";
import { BusError } from "../../client/bus/bus-error.ts";
import type { BusNode } from "../../client/bus/bus-node.ts";
import type { Present } from "../../client/bus/census.ts";
import { BusMaster, type Outcome } from "../../client/bus/master.ts";
import { plural } from "../../formats/text.ts";
import { Exit, type Failure, failureOf } from "../exit.ts";
import type { Context } from "../program.ts";
import type { NodeHost, NodeWork } from "../verbs/node-host.ts";
import { NodeOutput } from "./node-output.ts";
import {
  addBusOptions,
  addLevelOption,
  addNodesOption,
  type BusOptionValues,
  busSettings,
  isExclusion,
  levelOf,
  nodesOf,
} from "./settings.ts";

/** Opens the bus, does the work, and closes it whatever happens. */
export async function withMaster<T>(
  { out, install }: Context,
  options: BusOptionValues,
  work: (master: BusMaster) => Promise<T>,
): Promise<T> {
  const { url, base } = busSettings(options, out.terminal.env);
  const transport = await install.transport(url, () => out.terminal.now_ms() * 1000);
  const master = await BusMaster.open(transport, { base, level: levelOf(options) });
  try {
    return await work(master);
  } finally {
    await master.close();
  }
}

/** When nobody answers. */
export function nobody({ name }: { readonly name: string }): BusError {
  return new BusError(
    "no-nodes",
    `no node answers on ${name}`,
    "look at power and cable, at the bit rate of the adapter, and at --base",
  );
}

/** The nodes that are there, those that fell silent called back. */
export async function everyNode(
  master: BusMaster,
): Promise<{ present: readonly Present[]; unnamed: number }> {
  const present = await master.census();
  const { revived, unnamed } = await master.revive(present);
  return { present: revived.length === 0 ? present : await master.census(), unnamed };
}
/** What gives ids to nodes that have none, or share one. */
export const ASSIGN = "give each an id: hsx scan --assign, or --keep for good";

/** Nodes of one id disturb each other: whatever is done with it may come to one of them, or to none. */
export function warnOfShared({ out }: Context, present: readonly Present[]): void {
  for (const { node } of present.filter((p) => p.isShared))
    out.warn(`several nodes have id ${node}`, "name them and give each its own: hsx scan --assign");
}

/** The ids that are there, or a BusError when there are none. */
async function presentIds(context: Context, master: BusMaster): Promise<readonly number[]> {
  const { out } = context;
  const { present, unnamed } = await everyNode(master);
  if (present.length > 0) {
    warnOfShared(context, present);
    if (unnamed > 0)
      out.warn(`${plural(unnamed, "node")} without an id, which cannot be meant`, ASSIGN);
    return present.map(({ node }) => node);
  }
  const { transport } = master.link;
  if (unnamed === 0) throw nobody(transport);
  const message = `no node on ${transport.name} has an id; ${plural(unnamed, "node")} without one`;
  throw new BusError("no-ids", message, ASSIGN);
}

/** Ids that the options mean: those that are there, and those that are named. */
export async function meantNodes(
  context: Context,
  master: BusMaster,
  options: BusOptionValues,
): Promise<readonly number[]> {
  const named = nodesOf(options);
  const there = await presentIds(context, master);
  if (named !== undefined && !isExclusion(options)) return [...named].sort((a, b) => a - b);
  return named === undefined ? there : there.filter((id) => named.has(id));
}

/** Tells at which nodes work failed and why, and makes the exit code of it. Returns how many did. */
export function tellFailures(context: Context, outcomes: readonly Outcome<unknown>[]): number {
  const failures = outcomes.flatMap((outcome) => {
    if (!("error" in outcome)) return [];
    const failure = failureOf(outcome.error);
    context.out.error(failure, `node ${outcome.node}`);
    return [failure];
  });
  if (failures.length > 0) context.exit = partialExit(failures, outcomes.length);
  return failures.length;
}

/** Exit code of a command of which `failures` of `count` parts failed. */
export function partialExit(failures: readonly Failure[], count: number): Exit {
  const [first] = failures;
  if (first === undefined) return Exit.OK;
  return failures.length < count ? Exit.PARTIAL : first.exit;
}

/** Does the work at each node, all at once, and tells what came of it in order of id. */
export async function atEach(
  context: Context,
  master: BusMaster,
  ids: readonly number[],
  work: NodeWork,
): Promise<void> {
  const outputs = new Map(ids.map((id) => [id, new NodeOutput(context.out, id)]));
  const outcomes = await master.each(ids, (node: BusNode) =>
    work({
      out: outputs.get(node.id) as NodeOutput,
      node,
      now_ms: Math.floor(master.link.now_us / 1000),
      id: node.id,
      nodes: ids.length,
    }),
  );
  for (const output of outputs.values()) output.flush();
  const failed = tellFailures(context, outcomes);
  if (failed > 0 && ids.length > 1)
    context.out.note(`${failed} of ${plural(ids.length, "node")} failed`);
}

/** Verbs at the nodes of a bus. */
export class BusHost implements NodeHost {
  readonly prefix = "hsx ";

  constructor(private readonly context: Context) {}

  addOptions(command: Command): Command {
    return addLevelOption(addBusOptions(addNodesOption(command)));
  }
  async each(options: BusOptionValues, work: NodeWork): Promise<void> {
    await withMaster(this.context, options, async (master) =>
      atEach(this.context, master, await meantNodes(this.context, master, options), work),
    );
  }
}
