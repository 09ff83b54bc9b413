// hsx scan: every node of a bus, and what it is and runs.

import type { Command } from "commander";
import { Profile } from "../../../assembly/spec/limits.ts";
import type { BusNode } from "../../client/bus/bus-node.ts";
import type { Present } from "../../client/bus/census.ts";
import type { Settled } from "../../client/bus/master.ts";
import type { NodeRecord } from "../../client/bus/node-record.ts";
import type { StoreInfo, TaskInfo } from "../../client/records.ts";
import { count, hex, plural } from "../../formats/text.ts";
import {
  ASSIGN,
  everyNode,
  nobody,
  tellFailures,
  warnOfShared,
  withMaster,
} from "../bus/bus-host.ts";
import { statesOf, uidText } from "../bus/node-words.ts";
import {
  addBusOptions,
  addLevelOption,
  type BusOptionValues,
  busSettings,
  needBus,
} from "../bus/settings.ts";
import { addCommand, type Context } from "../program.ts";
import { stateText } from "../symbols.ts";
import { memberText, storeStateText } from "../words.ts";

interface Options extends BusOptionValues {
  readonly assign?: true;
  readonly keep?: true;
}

/** What one node told. */
interface Found {
  readonly present: Present;
  readonly about: NodeRecord;
  readonly tasks: readonly TaskInfo[];
  readonly store: StoreInfo;
}

async function look(node: BusNode, present: Present): Promise<Found> {
  const about = await node.about();
  const tasks = present.hello.apps === 0 ? [] : await node.tasks();
  return { present, about, tasks, store: await node.store() };
}

function foundData({ present, about, tasks, store }: Found) {
  return {
    node: present.node,
    uid: uidText(about.uid),
    board: about.board,
    profile: memberText(Profile, about.profile),
    role: about.role,
    firmware: about.firmware,
    states: statesOf(about.flags),
    apps: tasks.map((t) => ({
      pid: t.pid,
      name: t.name,
      state: stateText(t),
      crc: t.imageCrc,
      bytes: t.imageBytes,
    })),
    memory: about.arenaBytes,
    memory_free: about.freeBytes,
    store: storeStateText(store.state),
    damaged: store.damaged,
    shared: present.isShared,
  };
}
type NodeData = ReturnType<typeof foundData>;

function row(node: NodeData): string[] {
  const apps = node.apps.map((a) => `${a.name} ${hex(a.crc, 8)} ${a.state}`);
  const damage = node.damaged === 0 ? "" : `, ${count(node.damaged)} damaged`;
  return [
    node.node === 0 ? "none" : String(node.node),
    node.uid,
    node.board,
    hex(node.firmware, 4),
    count(node.memory_free),
    `${node.store}${damage}`,
    [...(node.shared ? ["SHARES ITS ID"] : []), ...node.states].join(", "),
    apps.join("; "),
  ];
}

function settledData({ id, before, about }: Settled) {
  return { node: id, before: before ?? null, uid: uidText(about.uid) };
}
function settledText({ id, before, about }: Settled): string {
  const was = before === undefined ? "had no id" : `shared id ${before}`;
  return `UID ${uidText(about.uid)} ${was} and is node ${id} now`;
}

async function scan(context: Context, options: Options): Promise<void> {
  const { out } = context;
  if (options.assign || options.keep)
    needBus(
      busSettings(options, out.terminal.env),
      options.keep ? "--keep" : "--assign",
      "give ids on the bus, where it is known which are free",
    );
  await withMaster(context, options, async (master) => {
    let { present, unnamed } = await everyNode(master);
    const settled =
      options.assign || options.keep
        ? await master.settle(present, { keeps: options.keep === true })
        : [];
    if (settled.length > 0) {
      present = await master.census();
      unnamed = 0;
    }
    if (present.length === 0 && unnamed === 0) throw nobody(master.link.transport);
    const byId = new Map(present.map((p) => [p.node, p]));
    const outcomes = await master.each([...byId.keys()], (node) =>
      look(node, byId.get(node.id) as Present),
    );
    const nodes = outcomes.flatMap((o) => ("value" in o ? [foundData(o.value)] : []));
    const data = { nodes, unnamed, settled: settled.map(settledData) };
    out.result("hsx.scan/1", data, () =>
      [
        ...settled.map(settledText),
        out.table(
          ["NODE", "UID", "BOARD", "FIRMWARE", "FREE", "STORE", "STATE", "APPS"],
          nodes.map(row),
        ),
        nodes.length === 0 ? "no node has an id" : plural(nodes.length, "node"),
      ]
        .filter((line) => line !== "")
        .join("\n"),
    );
    warnOfShared(context, present);
    if (unnamed > 0)
      out.warn(`${plural(unnamed, "node")} without an id, or in conflict over one`, ASSIGN);
    tellFailures(context, outcomes);
  });
}

export function addScan(program: Command, context: Context): void {
  const command = addCommand(program, "scan", "list the nodes of a bus", [
    ["hsx scan --bus sim:bench.toml", "id, UID, board, firmware, memory, store and apps of each"],
    ["hsx scan --keep", "give nodes that have no id, or share one, an id of their own for good"],
  ]);
  addLevelOption(addBusOptions(command))
    .option(
      "--assign",
      "give nodes without an id, and all but one of those that share one, a free id until they restart",
    )
    .option("--keep", "the same, and they keep it")
    .action((options: Options) => scan(context, options));
}
