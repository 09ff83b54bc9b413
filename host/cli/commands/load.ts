// hsx load: one image for many nodes of a bus at once.

import type { Command } from "commander";
import type { LoadJob } from "../../client/bus/load.ts";
import { hasEnded, type NodeLoad } from "../../client/bus/load-state.ts";
import type { BusMaster } from "../../client/bus/master.ts";
import { decodeHxe } from "../../formats/hxe.ts";
import { count } from "../../formats/text.ts";
import {
  addInstanceOptions,
  addTrialOptions,
  type InstanceValues,
  instanceOf,
  type TrialValues,
  trialOf,
} from "../app-options.ts";
import { meantNodes, withMaster } from "../bus/bus-host.ts";
import { LiveLines } from "../bus/live-lines.ts";
import {
  type LoadPlan,
  type LoadSubject,
  loadData,
  loadText,
  planLoad,
  tellPlan,
  tellReport,
} from "../bus/load-told.ts";
import {
  addBusOptions,
  addLevelOption,
  addNodesOption,
  type BusOptionValues,
  busSettings,
  needBus,
} from "../bus/settings.ts";
import { Exit, usage } from "../exit.ts";
import { readBytes } from "../files.ts";
import { parseInteger } from "../numbers.ts";
import { addCommand, type Context, optionsBut, refuseOptions } from "../program.ts";
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
async function stopFirst(master: BusMaster, plan: LoadPlan, image: Uint8Array): Promise<void> {
  const name = decodeHxe(image).image?.appName;
  for (const p of plan) {
    if ("error" in p || p.value.hasIt) continue;
    const old = p.value.tasks.filter((task) => task.name === name);
    for (const { pid } of old) await master.node(p.node).kill(pid);
  }
}

/** Brings the image to nodes, with a line for each while it goes on. */
async function broadcast(
  context: Context,
  master: BusMaster,
  subject: LoadSubject,
  job: Omit<LoadJob, "image">,
): Promise<void> {
  const { out } = context;
  const { image } = subject;
  const stop = new AbortController();
  const { signal } = stop;
  const release = out.terminal.onInterrupt(() => stop.abort());
  const lines = new LiveLines(out, job.nodes.length + 1);
  const onNode = (state: NodeLoad) => {
    if (out.json) out.result("hsx.load.node/1", loadData(state), () => "");
    else lines.set(String(state.node), loadText(state), hasEnded(state));
  };
  const onSent = (bytes: number) =>
    lines.set("sent", `sent ${count(bytes)} of ${count(image.length)} bytes`, false);
  try {
    const report = await master.load({ ...job, image, signal, onNode, onSent });
    await tellReport(context, master, subject, report);
    if (signal.aborted) context.exit = Exit.INTERRUPTED;
  } finally {
    release();
  }
}

async function load(context: Context, file: string, options: Options): Promise<void> {
  const image = readBytes(file);
  const job = jobOf(options);
  const subject = { file, image, isStored: job.place !== "ram" };
  const cap = parseInteger(options.cap, "--cap", 1, 100);
  if (cap !== 100)
    needBus(
      busSettings(options, context.out.terminal.env),
      "--cap",
      "leave it out: the line is the image's",
    );
  await withMaster(context, options, async (master) => {
    const nodes = await meantNodes(context, master, options);
    const plan = await planLoad(master, nodes, subject);
    if (options.dryRun) return tellPlan(context, subject, plan);
    if (options.stopFirst) await stopFirst(master, plan, image);
    const mayBeThere = plan.every((p) => "error" in p || p.value.hasIt);
    const pace_us = await frame_us(master, nodes, cap);
    await broadcast(context, master, subject, { ...job, nodes, mayBeThere, frame_us: pace_us });
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
