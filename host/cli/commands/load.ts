// hsx load: one image for many nodes of a bus at once.

import type { Command } from "commander";
import { Err } from "../../../assembly/spec/errors.ts";
import type { LoadJob, LoadReport } from "../../client/bus/load.ts";
import { hasEnded, isGood, type NodeLoad } from "../../client/bus/load-state.ts";
import type { BusMaster } from "../../client/bus/master.ts";
import { decodeHxe } from "../../formats/hxe.ts";
import { count, plural } from "../../formats/text.ts";
import {
  addInstanceOptions,
  addTrialOptions,
  type InstanceValues,
  instanceOf,
  type TrialValues,
  trialOf,
} from "../app-options.ts";
import { meantNodes, partialExit, withMaster } from "../bus/bus-host.ts";
import { LiveLines } from "../bus/live-lines.ts";
import {
  addBusOptions,
  addLevelOption,
  addNodesOption,
  type BusOptionValues,
  busSettings,
  needBus,
} from "../bus/settings.ts";
import { Exit, Failure, failureOf, usage } from "../exit.ts";
import { readBytes } from "../files.ts";
import { fileCrc } from "../image.ts";
import { parseInteger, secondsText } from "../numbers.ts";
import { addCommand, type Context, optionsBut, refuseOptions } from "../program.ts";
import { errName } from "../words.ts";
import { loadManifest } from "./master.ts";

interface Options extends BusOptionValues, InstanceValues, TrialValues {
  readonly manifest?: string;
  readonly slot?: true;
  readonly stage?: true;
  readonly together?: true;
  readonly partial?: true;
  readonly stopFirst?: true;
  readonly dryRun?: true;
  readonly cap: string;
}

const WORDS: Record<NodeLoad["state"], string> = {
  waiting: "waiting",
  clearing: "making room",
  receiving: "receiving",
  checking: "checking",
  prepared: "prepared",
  starting: "starting",
  complete: "complete",
  already: "has it already",
  refused: "refused",
  aborted: "aborted",
  silent: "no answer",
};

function loadData({ node, state, code, pid, slot, bytes }: NodeLoad) {
  const name = code === Err.OK ? null : errName(code);
  return { node, state, code: name, pid: pid ?? null, slot: slot ?? null, bytes };
}
function loadText(load: NodeLoad): string {
  const { node, state, pid, slot } = load;
  const where = pid !== undefined ? `, task ${pid}` : slot !== undefined ? `, slot ${slot}` : "";
  return `node ${node}: ${WORDS[state]}${isGood(load) ? where : ""}`;
}

// ---- Before ----

/** Which nodes run the image already, from a slot if it is to be stored, and what those that do not run. */
async function planned(
  master: BusMaster,
  ids: readonly number[],
  image: Uint8Array,
  isStored: boolean,
) {
  const crc = fileCrc(image);
  return master.each(ids, async (node) => {
    const tasks = await node.tasks();
    const apps = isStored ? await node.provision.apps() : [];
    const isWhereItShould = (pid: number) => !isStored || apps.some((app) => app.pid === pid);
    const hasIt = tasks.some(
      (t) => t.imageCrc === crc && t.imageBytes === image.length && isWhereItShould(t.pid),
    );
    return { hasIt, tasks: tasks.map(({ pid, name }) => ({ pid, name })) };
  });
}
type Plan = Awaited<ReturnType<typeof planned>>;

function tellPlan({ out }: Context, file: string, image: Uint8Array, plan: Plan): void {
  const nodes = plan.map((p) => {
    if ("error" in p) return { node: p.node, plan: "no answer", tasks: [] };
    return { node: p.node, plan: p.value.hasIt ? "has it" : "load", tasks: p.value.tasks };
  });
  const data = { file, bytes: image.length, crc: fileCrc(image), nodes };
  out.result("hsx.load.plan/1", data, () =>
    out.table(
      ["NODE", "PLAN", "RUNS"],
      nodes.map((n) => [String(n.node), n.plan, n.tasks.map((t) => t.name).join(", ")]),
    ),
  );
}

// ---- After ----

/** Why a node does not have the image. */
async function failureFor(
  master: BusMaster,
  load: NodeLoad,
  file: string,
  image: Uint8Array,
  isStored: boolean,
) {
  if (load.state === "silent")
    return new Failure(Exit.TIMEOUT, "no-answer", `node ${load.node} does not answer`, {
      remedy:
        "hsx scan lists who is there; look at its power and cable, then hsx load again sends only what it lacks",
    });
  if (load.state !== "refused" || load.code === Err.OK)
    return new Failure(Exit.FAILED, "aborted", `the load was given up at node ${load.node}`, {
      remedy: "it runs what it ran before; load again",
    });
  if (isStored && load.code === Err.NOT_FOUND)
    return new Failure(Exit.DOES_NOT_FIT, "no-slot", `it has no slot to keep ${file} in`, {
      remedy: `make some: hsx provision format 3 8192 --nodes ${load.node}; or load without --slot, into memory`,
    });
  const subject = { kind: "image", name: file, image } as const;
  try {
    const failure = failureOf(await master.node(load.node).refused(load.code, subject));
    if (!isStored || load.code !== Err.APP_EXISTS) return failure;
    const remedy = "add --stop-first, which kills it before";
    return new Failure(failure.exit, failure.code, failure.message, { remedy });
  } catch (error) {
    return failureOf(error);
  }
}

function reportText(file: string, report: LoadReport): string {
  const good = report.nodes.filter(isGood).length;
  const sent = `${count(report.dataFrames)} data frames`;
  const again = report.repairFrames + report.parityFrames;
  const repair = again === 0 ? "" : `, ${count(again)} more for repair`;
  const time = secondsText(report.elapsed_us / 1000);
  return `${file}: ${good} of ${plural(report.nodes.length, "node")} in ${time}, ${sent}${repair}`;
}

async function tellReport(
  context: Context,
  master: BusMaster,
  file: string,
  image: Uint8Array,
  report: LoadReport,
  isStored: boolean,
): Promise<void> {
  const { out } = context;
  const { nodes, dataFrames, repairFrames, parityFrames, transfer_us, elapsed_us } = report;
  const bad = nodes.filter((load) => !isGood(load));
  const failures = await Promise.all(
    bad.map((load) => failureFor(master, load, file, image, isStored)),
  );
  const data = {
    file,
    bytes: image.length,
    crc: fileCrc(image),
    nodes: nodes.map(loadData),
    data_frames: dataFrames,
    repair_frames: repairFrames,
    parity_frames: parityFrames,
    transfer_us: Math.round(transfer_us),
    elapsed_us: Math.round(elapsed_us),
  };
  out.result("hsx.load.report/1", data, () => reportText(file, report));
  failures.forEach((failure, n) => {
    out.error(failure, `node ${bad[n]?.node}`);
  });
  context.exit = partialExit(failures, nodes.length);
}

// ---- The load ----

/** Three bits of the request that begins a load. */
const RESTARTS_MAX = 7;

function jobOf(options: Options): Omit<LoadJob, "image" | "nodes"> {
  const { slot, stage, together, partial } = options;
  const place = stage ? "stage" : slot ? "slot" : "ram";
  return {
    place,
    together: together === true,
    allowPartial: partial === true,
    ...trialOf(options),
    ...instanceOf(options, RESTARTS_MAX),
  };
}

/** Bits of a DATA frame on average, and the share of the bus it may take. */
const DATA_FRAME_BITS = 115;
async function frame_us(master: BusMaster, ids: readonly number[], cap: number): Promise<number> {
  const [first] = ids;
  if (cap === 100 || first === undefined) return 0;
  const { bitRate } = await master.node(first).about();
  if (bitRate === 0) return 0;
  return (DATA_FRAME_BITS * 1000) / bitRate / (cap / 100);
}

/** Kills what has the image's name, for want of room beside it. */
async function stopFirst(master: BusMaster, plan: Plan, image: Uint8Array): Promise<void> {
  const name = decodeHxe(image).image?.appName;
  for (const p of plan) {
    if ("error" in p || p.value.hasIt) continue;
    const old = p.value.tasks.filter((task) => task.name === name);
    for (const { pid } of old) await master.node(p.node).kill(pid);
  }
}

async function load(context: Context, file: string, options: Options): Promise<void> {
  const { out } = context;
  const image = readBytes(file);
  const job = jobOf(options);
  const cap = parseInteger(options.cap, "--cap", 1, 100);
  if (cap !== 100)
    needBus(
      busSettings(options, out.terminal.env),
      "--cap",
      "leave it out: the line is the image's",
    );
  await withMaster(context, options, async (master) => {
    const nodes = await meantNodes(context, master, options);
    const plan = await planned(master, nodes, image, job.place !== "ram");
    if (options.dryRun) return tellPlan(context, file, image, plan);
    if (options.stopFirst) await stopFirst(master, plan, image);
    const stop = new AbortController();
    const release = out.terminal.onInterrupt(() => stop.abort());
    const lines = new LiveLines(out, nodes.length + 1);
    const onNode = (state: NodeLoad) => {
      if (out.json) out.result("hsx.load.node/1", loadData(state), () => "");
      else lines.set(String(state.node), loadText(state), hasEnded(state));
    };
    const onSent = (bytes: number) =>
      lines.set("sent", `sent ${count(bytes)} of ${count(image.length)} bytes`, false);
    try {
      const mayBeThere = plan.every((p) => "error" in p || p.value.hasIt);
      const pace_us = await frame_us(master, nodes, cap);
      const { signal } = stop;
      const what = { image, nodes, mayBeThere, frame_us: pace_us, signal, onNode, onSent };
      const report = await master.load({ ...job, ...what });
      await tellReport(context, master, file, image, report, job.place !== "ram");
      if (signal.aborted) context.exit = Exit.INTERRUPTED;
    } finally {
      release();
    }
  });
}

export function addLoad(program: Command, context: Context): void {
  const command = addCommand(
    program,
    "load [image]",
    "bring an image, or what a manifest says, to many nodes of a bus at once",
    [
      [
        "hsx load pump.hxe --nodes 1-20,!7",
        "one broadcast; it runs from memory, in the place of the app of its name",
      ],
      ["hsx load pump.hxe --slot", "stored, and on trial until it is confirmed"],
      ["hsx load pump.hxe --together", "all change over within a millisecond, or none does"],
      ["hsx load pump.hxe --dry-run", "who has it, and who would get it"],
      ["hsx load --manifest plant.toml", "images, values and configuration, group by group"],
    ],
  );
  addLevelOption(addBusOptions(addNodesOption(command)))
    .option("--manifest <plant.toml>", "all that it says, in the place of one image")
    .option("--slot", "keep it in a slot, as the active image of its app")
    .option("--stage", "keep it in a slot, and start nothing")
    .option("--together", "change over at once when all are prepared; otherwise nobody does")
    .option("--partial", "with --together: those that are prepared do")
    .option(
      "--stop-first",
      "kill the app of its name before: where old and new do not fit side by side",
    )
    .option("--dry-run", "show what would be done");
  addInstanceOptions(addTrialOptions(command, "with --slot: "), RESTARTS_MAX)
    .option("--cap <percent>", "share of the bus that the image may take", "100")
    .action((file: string | undefined, options: Options) => {
      const { manifest } = options;
      if ((file === undefined) === (manifest === undefined))
        throw usage("load what?", "name an image, or --manifest plant.toml");
      if (manifest === undefined) {
        checkOptions(command, options);
        return load(context, file as string, options);
      }
      const idle = optionsBut(command, MANIFEST_OPTIONS);
      refuseOptions(
        command,
        idle,
        "means nothing with --manifest",
        "leave it out: the file says all",
      );
      return loadManifest(context, manifest, options);
    });
}

/** Options of `hsx load --manifest`. */
const MANIFEST_OPTIONS = ["manifest", "bus", "base", "level"];

/** Refuses options without those they belong to. */
function checkOptions(command: Command, { together, slot, stage }: Options): void {
  if (!together)
    refuseOptions(command, ["partial"], "belongs to --together", "add --together, or leave it out");
  if (!slot && !stage)
    refuseOptions(
      command,
      ["attempts", "confirmAfter"],
      "belongs to --slot: what runs from memory is never on trial",
      "add --slot, or leave it out",
    );
}
