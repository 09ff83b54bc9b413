// hsx val watch: values of many nodes as they change; published on a bus, asked for over a line to one node.

import type { Command } from "commander";
import type { BusNode } from "../../client/bus/bus-node.ts";
import type { BusMaster, Published } from "../../client/bus/master.ts";
import type { ValueInfo } from "../../client/records.ts";
import { plural } from "../../formats/text.ts";
import { meantNodes, tellFailures, withMaster } from "../bus/bus-host.ts";
import { busForOption, watchBus } from "../bus/pass-time.ts";
import {
  addBusOptions,
  addLevelOption,
  addNodesOption,
  type BusOptionValues,
} from "../bus/settings.ts";
import { failureOf } from "../exit.ts";
import { parseDuration } from "../numbers.ts";
import { addCommand, type Context } from "../program.ts";
import { countOption } from "../shell/context.ts";
import { nothingToWatch, tellChange, watchedValues } from "../verbs/val.ts";

interface Options extends BusOptionValues {
  readonly for?: number;
  readonly count?: number;
  readonly period?: number;
}

/** A value of a node, and what was heard of it last. */
interface Watched {
  readonly info: ValueInfo;
  bits: number;
}
type Node = { readonly node: BusNode; readonly values: ReadonlyMap<number, Watched> };

/** Time between two PUB frames of a node: the least there is, and so much that all nodes take a fifth of a bus of 500 kbit/s. */
const PERIOD_LEAST_MS = 5;
const PERIOD_PER_NODE_MS = 1;
/** Over a line to one node, where nothing is published. */
const ASK_PERIOD_MS = 100;

async function findWatched(node: BusNode, names: readonly string[]): Promise<Node> {
  const infos = watchedValues(await node.values(), names);
  return { node, values: new Map(infos.map((info) => [info.oid, { info, bits: info.value }])) };
}

class ValueWatch {
  private told = 0;
  /** Number of the next PUB frame of each node. */
  private readonly next = new Map<number, number>();
  lost = 0;

  constructor(
    private readonly context: Context,
    private readonly master: BusMaster,
    private readonly nodes: ReadonlyMap<number, Node>,
    private readonly limit: number,
  ) {}

  get isDone(): boolean {
    return this.told >= this.limit;
  }
  take(id: number, oid: number, after: number): void {
    const watched = this.nodes.get(id)?.values.get(oid);
    if (watched === undefined || watched.bits === after || this.isDone) return;
    this.told++;
    const at_ms = Math.floor(this.master.link.now_us / 1000);
    tellChange(this.context.out, watched.info, { at_ms, before: watched.bits, after }, id);
    watched.bits = after;
  }
  /** The frames of a node are numbered, so that lost ones are noticed. */
  published({ node, oid, value, count }: Published): void {
    const expected = this.next.get(node);
    if (expected !== undefined) this.lost += (count - expected) & 0xff;
    this.next.set(node, (count + 1) & 0xff);
    this.take(node, oid, value);
  }

  /** Has nodes publish while `work` lasts. */
  async publishing(period_ms: number, work: () => Promise<void>): Promise<void> {
    const ids = [...this.nodes.keys()];
    const stop = this.master.onPublished((published) => this.published(published));
    try {
      await this.switchAll(ids, true, period_ms);
      await work();
      await this.switchAll(ids, false, 0);
    } finally {
      stop();
    }
  }
  private async switchAll(ids: readonly number[], on: boolean, period_ms: number): Promise<void> {
    const outcomes = await this.master.each(ids, async (node) => {
      for (const oid of this.nodes.get(node.id)?.values.keys() ?? [])
        await node.publish(oid, on, period_ms);
    });
    for (const outcome of outcomes)
      if ("error" in outcome)
        this.context.out.error(failureOf(outcome.error), `node ${outcome.node}`);
  }

  /** Asks for each value, until it is done, for `ms` or until Ctrl-C. */
  async asking(period_ms: number, ms: number | undefined): Promise<void> {
    let isOver = false;
    const ask = async () => {
      while (!isOver) {
        for (const [id, { node, values }] of this.nodes)
          for (const oid of values.keys()) this.take(id, oid, await node.getValue(oid));
        await this.master.listen(period_ms, () => isOver);
      }
    };
    const asked = ask();
    const watched = watchBus(this.context, this.master, ms, () => this.isDone);
    try {
      await Promise.race([watched, asked]);
    } finally {
      isOver = true;
      await asked;
    }
  }
}

async function watch(context: Context, names: readonly string[], options: Options): Promise<void> {
  const { out } = context;
  await withMaster(context, options, async (master) => {
    const ids = await meantNodes(context, master, options);
    const outcomes = await master.each(ids, (node) => findWatched(node, names));
    const failed = tellFailures(context, outcomes);
    const found = outcomes.flatMap((o) =>
      "value" in o && o.value.values.size > 0 ? [o.value] : [],
    );
    if (found.length === 0 && failed === 0) throw nothingToWatch();
    if (found.length === 0) return;
    const nodes = new Map(found.map((n) => [n.node.id, n]));
    const watching = new ValueWatch(
      context,
      master,
      nodes,
      options.count ?? Number.POSITIVE_INFINITY,
    );
    if (master.link.transport.isOneNode)
      return watching.asking(options.period ?? ASK_PERIOD_MS, options.for);
    const period_ms = options.period ?? Math.max(PERIOD_LEAST_MS, PERIOD_PER_NODE_MS * nodes.size);
    await watching.publishing(period_ms, () =>
      watchBus(context, master, options.for, () => watching.isDone),
    );
    if (watching.lost > 0)
      out.warn(
        `${plural(watching.lost, "published value was", "published values were")} lost on the way`,
        "choose a longer --period",
      );
  });
}

export function addWatchValues(val: Command, context: Context): void {
  const command = addCommand(val, "watch [values...]", "show values as they change", [
    ["hsx val watch motor:speed --nodes 1-4", "until Ctrl-C"],
    ["hsx val watch --for 10s --json", "all values of all nodes, for programs"],
  ]);
  addLevelOption(addBusOptions(addNodesOption(command)))
    .option(
      "--period <time>",
      "between two frames of a node, 5 ms at least; default: so that all take a fifth of the bus",
      parseDuration,
    )
    .addOption(busForOption())
    .addOption(countOption("changes"))
    .action((names: string[], options: Options) => watch(context, names, options));
}
