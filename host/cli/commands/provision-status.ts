// hsx provision status: what the nodes of a bus run and where it came from, and what happens to it.

import type { Command } from "commander";
import { Err } from "../../../assembly/spec/errors.ts";
import { LoadPhase } from "../../../assembly/spec/frame.ts";
import { ResetCause } from "../../../assembly/spec/node.ts";
import type { BusNode } from "../../client/bus/bus-node.ts";
import type { BusMaster } from "../../client/bus/master.ts";
import type { ProvisioningEvent } from "../../client/bus/watch.ts";
import { count, hex, plural } from "../../formats/text.ts";
import { meantNodes, tellFailures, withMaster } from "../bus/bus-host.ts";
import { statesOf, uidText } from "../bus/node-words.ts";
import { busForOption, watchBus } from "../bus/pass-time.ts";
import {
  addBusOptions,
  addLevelOption,
  addNodesOption,
  type BusOptionValues,
} from "../bus/settings.ts";
import { secondsText } from "../numbers.ts";
import type { Output } from "../output.ts";
import { addCommand, type Context, refuseOptions } from "../program.ts";
import { countOption } from "../shell/context.ts";
import { timedLine } from "../trace.ts";
import { STATUS } from "../verbs/provision.ts";
import { statusData, statusText } from "../verbs/provision-status.ts";
import { errName, memberText } from "../words.ts";

interface Options extends BusOptionValues {
  readonly watch?: true;
  readonly for?: number;
  readonly count?: number;
}

// ---- How nodes stand ----

async function nodeData(node: BusNode) {
  const about = await node.about();
  return {
    node: node.id,
    uid: uidText(about.uid),
    board: about.board,
    firmware: about.firmware,
    states: statesOf(about.flags),
    up_ms: about.clock_ms,
    started_by: memberText(ResetCause, about.resetCause).replaceAll(" ", "-"),
    ...(await statusData({ node })),
  };
}
type NodeData = Awaited<ReturnType<typeof nodeData>>;

/** A row for each app of a node, whether it runs or not. */
function appRows(data: NodeData): string[][] {
  const running = data.images.flatMap((image) =>
    image.tasks.map((task) => {
      const stored = data.apps.find((app) => app.pid === task.pid);
      const left =
        stored?.state === "trial" ? `, ${plural(stored.attempts_left, "start")} left` : "";
      const kept = stored === undefined ? "not stored" : `${stored.state}${left}`;
      return [task.name, hex(image.crc, 8), task.state, image.source, kept, ""];
    }),
  );
  const others = data.apps
    .filter((app) => app.pid === null)
    .map((app) => [
      app.name || `app ${app.app}`,
      "",
      "does not run",
      app.active === null ? app.boot.source : `slot ${app.active}`,
      app.state,
      app.refused === null ? "" : `not started: ${app.refused}`,
    ]);
  const rows = [...running, ...others];
  return rows.length === 0 ? [["none", "", "", "", "", ""]] : rows;
}

/** Many nodes: a line for each app. */
function overview(out: Output, nodes: readonly NodeData[]): string {
  const rows = nodes.flatMap((data) =>
    appRows(data).map((row, n) => {
      const remarks = [row.pop() ?? "", ...(n === 0 ? nodeRemarks(data) : [])];
      const remark = remarks.filter((text) => text !== "").join(", ");
      return [n === 0 ? String(data.node) : "", ...row, remark];
    }),
  );
  return out.table(["NODE", "APP", "IMAGE", "STATE", "FROM", "KEPT", "REMARKS"], rows);
}
function nodeRemarks(data: NodeData): string[] {
  const config = data.node_config === "trial" ? ["configuration on trial"] : [];
  const damaged = data.damaged === 0 ? [] : [`${plural(data.damaged, "damaged cell")}`];
  return [...data.states, ...damaged, ...config];
}
/** One node: everything. */
function details(out: Output, data: NodeData): string {
  const { node, board, uid, firmware, up_ms, started_by, states } = data;
  const remarks = states.map((state) => `; ${state}`).join("");
  return [
    `node ${node}: ${board}, UID ${uid}, firmware ${hex(firmware, 4)}, up ${secondsText(up_ms)} after ${started_by}${remarks}`,
    statusText(out, data),
  ].join("\n");
}

async function tellStatus(context: Context, master: BusMaster, options: Options): Promise<void> {
  const { out } = context;
  const ids = await meantNodes(context, master, options);
  const outcomes = await master.each(ids, (node) => nodeData(node));
  const nodes = outcomes.flatMap((o) => ("value" in o ? [o.value] : []));
  const [first] = nodes;
  const text = () => (first && ids.length === 1 ? details(out, first) : overview(out, nodes));
  for (const data of nodes)
    out.result("hsx.provision.status/1", data, () => (data === first ? text() : ""));
  tellFailures(context, outcomes);
}

// ---- What happens ----

function eventData(event: ProvisioningEvent) {
  const { at_us, kind, node, master, phase, code, pid, slot, bytes, total, flags } = event;
  return {
    event: kind === "hello" ? "node.hello" : `provisioning.${kind}`,
    at_ms: Math.round(at_us) / 1000,
    node: node ?? null,
    master: master ?? null,
    phase: memberText(LoadPhase, phase),
    code: code === Err.OK ? null : errName(code),
    pid: pid ?? null,
    slot: slot ?? null,
    bytes,
    total: total ?? null,
    states: statesOf(flags),
  };
}
type EventData = ReturnType<typeof eventData>;

function doneText({ event, phase, code, pid, slot, bytes, total, states }: EventData): string {
  const of = total === null ? "" : ` of ${count(total)}`;
  const where = pid !== null ? `, task ${pid}` : slot !== null ? `, slot ${slot}` : "";
  switch (event) {
    case "provisioning.started":
      return `begins, ${total === null ? "an image" : plural(total, "byte")}`;
    case "provisioning.progress":
      return `${count(bytes)}${of} bytes`;
    case "provisioning.complete":
      return `complete${where}`;
    case "provisioning.error":
      return `refused: ${code}${bytes > 0 ? ` at byte ${count(bytes)}` : ""}; it is as before`;
    case "provisioning.aborted":
      return `aborted${code === null ? "" : `: ${code}`}; it is as before`;
    case "provisioning.persisted":
      return "a record of what it starts is stored";
    case "provisioning.rollback":
      return `an earlier image came back${where}`;
    case "provisioning.commit":
      return "all that are prepared change over";
    case "node.hello":
      return ["is there", ...states].join(", ");
    default:
      return phase;
  }
}
function eventText(data: EventData): string {
  const who = data.node === null ? `master ${data.master}` : `node ${data.node}`;
  return timedLine(data.at_ms, `${who.padEnd(8)} ${doneText(data)}`);
}

async function watch(context: Context, master: BusMaster, options: Options): Promise<void> {
  const { out } = context;
  const limit = options.count ?? Number.POSITIVE_INFINITY;
  let told = 0;
  const stop = master.onProvisioning((event) => {
    if (told >= limit) return;
    told++;
    const data = eventData(event);
    out.result("hsx.provision.event/1", data, () => eventText(data));
  });
  try {
    await watchBus(context, master, options.for, () => told >= limit);
  } finally {
    stop();
  }
}

export function addProvisionStatus(provision: Command, context: Context): void {
  const command = addCommand(provision, "status", STATUS, [
    ["hsx provision status", "a line for each app of each node"],
    ["hsx provision status --nodes 7", "all of one node: slots, apps, boot list, store"],
    ["hsx provision status --watch", "and then what happens on the bus, as it happens"],
  ]);
  addLevelOption(addBusOptions(addNodesOption(command)))
    .option("--watch", "go on with what masters announce and nodes say")
    .addOption(busForOption())
    .addOption(countOption("events"))
    .action((options: Options) => {
      if (!options.watch)
        refuseOptions(command, ["for", "count"], "belongs to --watch", "add it, or leave this out");
      return withMaster(context, options, async (master) => {
        await tellStatus(context, master, options);
        if (options.watch) await watch(context, master, options);
      });
    });
}
