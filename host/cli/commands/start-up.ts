// hsx hold, go and start --group: the start of nodes led by hand.

import type { Command } from "commander";
import { BootWhat, HelloFlag } from "../../../assembly/spec/frame.ts";
import type { BusNode } from "../../client/bus/bus-node.ts";
import type { BusMaster } from "../../client/bus/master.ts";
import { groupImages, nodesOfGroup } from "../../client/master/groups.ts";
import { suggest } from "../../formats/diagnostic.ts";
import type { PlantFile } from "../../formats/plant-file.ts";
import { plural } from "../../formats/text.ts";
import { type BusHost, nobody, tellFailures, withMaster } from "../bus/bus-host.ts";
import { busForOption, watchBus } from "../bus/pass-time.ts";
import {
  addBusOptions,
  addLevelOption,
  addNodesOption,
  type BusOptionValues,
  nodesOf,
} from "../bus/settings.ts";
import { Exit, Failure, usage } from "../exit.ts";
import { readLockedPlant } from "../plant/read.ts";
import { addCommand, type Context } from "../program.ts";
import { addTaskVerb } from "../verbs/tasks.ts";

interface Options extends BusOptionValues {
  readonly group?: string;
  readonly manifest?: string;
  readonly for?: number;
}

function addGroupOptions(command: Command): Command {
  return command
    .option("--group <name>", "nodes that have apps of this start group")
    .option("--manifest <plant.toml>", "where the groups are");
}

// ---- Who is meant ----

/** The group and its manifest; undefined: none is named. */
function groupOf(context: Context, { group, manifest }: Options) {
  if (group === undefined && manifest !== undefined)
    throw usage("--manifest: which group of it?", "say it with --group, or leave it out");
  if (group === undefined) return undefined;
  if (manifest === undefined)
    throw usage(`--group ${group}: which manifest?`, "say it with --manifest plant.toml");
  const file = readLockedPlant(context.out, manifest);
  const rank = file.groups.get(group);
  if (rank !== undefined) return { file, rank };
  const names = [...file.groups.keys()];
  throw new Failure(Exit.NOT_FOUND, "unknown-group", `${manifest} has no group "${group}"`, {
    remedy: suggest(group, names, `there are ${names.join(", ")}`) as string,
  });
}
type Group = { readonly file: PlantFile; readonly rank: number };

interface Meant {
  readonly waiting: readonly number[];
  readonly others: readonly number[];
}

/** Nodes that the options and the group mean: those that wait for a master, and the others. */
async function meant(
  master: BusMaster,
  options: Options,
  group: Group | undefined,
): Promise<Meant> {
  const present = await master.census();
  if (present.length === 0) throw nobody(master.link.transport);
  const named = nodesOf(options);
  const ofGroup = group && (await nodesOfGroup(master, group.file.plant, group.rank, present));
  const those = present.filter(
    ({ node }) => named?.has(node) !== false && ofGroup?.has(node) !== false,
  );
  const ids = (waits: boolean) =>
    those.filter(({ hello }) => isWaiting(hello.flags) === waits).map(({ node }) => node);
  return { waiting: ids(true), others: ids(false) };
}
function isWaiting(flags: number): boolean {
  return (flags & HelloFlag.WAITING) !== 0;
}

/** Does something at each node; failures are told and make the exit code. Returns who did it. */
async function eachNode(
  context: Context,
  master: BusMaster,
  ids: readonly number[],
  work: (node: BusNode) => Promise<void>,
): Promise<number[]> {
  const outcomes = await master.each(ids, work);
  tellFailures(context, outcomes);
  return outcomes.filter((o) => "value" in o).map(({ node }) => node);
}

function tell({ out }: Context, what: "hold" | "go", nodes: readonly number[]): void {
  const does = what === "hold" ? "on hold until hsx go" : "started";
  out.result(`hsx.${what}/1`, { nodes }, () =>
    nodes.length === 0
      ? "no node waits for a master"
      : `${plural(nodes.length, "node")} ${does}: ${nodes.join(", ")}`,
  );
}

// ---- The commands ----

async function hold(context: Context, options: Options): Promise<void> {
  const group = groupOf(context, options);
  await withMaster(context, options, async (master) => {
    const held = new Set<number>();
    const take = async () => {
      const { waiting } = await meant(master, options, group);
      const open = waiting.filter((node) => !held.has(node));
      const boot = (node: BusNode) => node.boot(BootWhat.HOLD);
      for (const node of await eachNode(context, master, open, boot)) held.add(node);
    };
    await take();
    let hasNews = false;
    const stop = master.link.listen((frame) => {
      if (frame.kind === "hello" && isWaiting(frame.flags) && !held.has(frame.node)) hasNews = true;
    });
    const end_us = master.link.now_us + (options.for ?? 0) * 1000;
    try {
      while (master.link.now_us < end_us && context.exit !== Exit.INTERRUPTED) {
        const left_ms = (end_us - master.link.now_us) / 1000;
        await watchBus(context, master, left_ms, () => hasNews);
        if (hasNews) await take();
        hasNews = false;
      }
    } finally {
      stop();
    }
    tell(
      context,
      "hold",
      [...held].sort((a, b) => a - b),
    );
  });
}

async function go(context: Context, options: Options): Promise<void> {
  const group = groupOf(context, options);
  await withMaster(context, options, async (master) => {
    const { waiting } = await meant(master, options, group);
    const boot = (node: BusNode) => node.boot(BootWhat.START);
    tell(context, "go", await eachNode(context, master, waiting, boot));
  });
}

/** Waiting nodes of the group start, and at the others its apps go on that were stopped. */
async function startGroup(context: Context, options: Options): Promise<void> {
  const group = groupOf(context, options) as Group;
  const images = groupImages(group.file.plant, group.rank);
  await withMaster(context, options, async (master) => {
    const { waiting, others } = await meant(master, options, group);
    const nodes = await eachNode(context, master, [...waiting, ...others], async (node) => {
      if (waiting.includes(node.id)) return node.boot(BootWhat.START);
      for (const { pid, imageCrc } of await node.tasks())
        if (images.has(imageCrc)) await node.resume(pid);
    });
    tell(context, "go", nodes);
  });
}

export function addGroupStart(program: Command, context: Context, host: BusHost): void {
  const { command, act } = addTaskVerb(program, host, "start");
  addGroupOptions(command).action((task: string | undefined, options: Options) => {
    const isGroup = options.group !== undefined || options.manifest !== undefined;
    if (isGroup && task !== undefined)
      throw usage("a task and a group: which is meant?", "name the one or the other");
    return isGroup ? startGroup(context, options) : act(task, options);
  });
}

export function addStartUp(program: Command, context: Context): void {
  const add = (name: "hold" | "go", does: string, examples: [string, string][]) =>
    addGroupOptions(
      addLevelOption(addBusOptions(addNodesOption(addCommand(program, name, does, examples)))),
    );
  add("hold", "have nodes that wait for a master at their start wait on", [
    ["hsx hold --for 30s", "and those that are switched on within the next 30 s"],
  ])
    .addOption(
      busForOption("hold, too, those that appear within this time; without it nobody later"),
    )
    .action((options: Options) => hold(context, options));
  add("go", "start nodes that wait for a master", [
    ["hsx go --nodes 1-4", "these; the others wait on"],
    ["hsx go --group pumps --manifest plant.toml", "those that have apps of the group"],
  ]).action((options: Options) => go(context, options));
}
