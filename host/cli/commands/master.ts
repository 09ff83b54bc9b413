// hsx master: a bus kept as its manifest says.

import type { Command } from "commander";
import type { BusMaster } from "../../client/bus/master.ts";
import { type Journal, lastPlant, MemoryJournal } from "../../client/master/journal.ts";
import { PlantMaster } from "../../client/master/plant-master.ts";
import type { PlantEvent } from "../../client/master/roster.ts";
import type { PlantFile } from "../../formats/plant-file.ts";
import { plural } from "../../formats/text.ts";
import { withMaster } from "../bus/bus-host.ts";
import { JournalFile } from "../bus/journal-file.ts";
import { busForOption, watchBus } from "../bus/pass-time.ts";
import {
  addBusOptions,
  addLevelOption,
  type BusOptionValues,
  busSettings,
  needBus,
} from "../bus/settings.ts";
import { Exit, Failure } from "../exit.ts";
import { journalPath, readLockedPlant } from "../plant/read.ts";
import { addCommand, type Context } from "../program.ts";
import { timedLine } from "../trace.ts";

interface Options extends BusOptionValues {
  readonly repair?: true;
  readonly once?: true;
  readonly journal?: string;
  readonly for?: number;
}

// ---- What a master tells ----

function tellEvent({ out }: Context, event: PlantEvent): void {
  const { at_us, kind, node, name, app, text, remedy } = event;
  const at_ms = Math.round(at_us) / 1000;
  const data = { event: kind, at_ms, node: node ?? null, name: name ?? null, app: app ?? null };
  out.result("hsx.master/1", { ...data, text, remedy: remedy ?? null }, () => {
    const who = node === undefined ? "" : `node ${node}${name === undefined ? "" : ` ${name}`}`;
    const what = app === undefined ? text : `${app} ${text}`;
    return timedLine(
      at_ms,
      `${who.padEnd(14)} ${what}${remedy === undefined ? "" : `; ${remedy}`}`,
    );
  });
}

/** The master of a manifest, with the images it names. */
function plantMaster(
  context: Context,
  master: BusMaster,
  file: PlantFile,
  { journal, repairs }: { journal: Journal; repairs: boolean },
): PlantMaster {
  return new PlantMaster(master, {
    plant: file.plant,
    images: new Map(file.images.map(({ known, bytes }) => [known.crc, bytes])),
    journal,
    repairs,
    tell: (event) => tellEvent(context, event),
  });
}

// ---- master ----

/** Runs until Ctrl-C or the time is up. */
async function keep(context: Context, plants: PlantMaster, master: BusMaster, ms?: number) {
  const stop = new AbortController();
  const running = plants.run(stop.signal).finally(() => stop.abort());
  await watchBus(context, master, ms, () => stop.signal.aborted);
  stop.abort();
  await running;
}

/** A manifest that is older than what was done, or another plant's, would undo it. */
function checkPlant({ plant }: PlantFile, journal: JournalFile, path: string): void {
  const last = lastPlant(journal);
  if (last === undefined) return;
  if (last.plant !== plant.name)
    throw new Failure(
      Exit.DOES_NOT_FIT,
      "other-plant",
      `${journal.path} is of the plant "${last.plant}", ${path} of "${plant.name}"`,
      {
        remedy: "name another journal: --journal FILE",
      },
    );
  if (last.version > plant.version)
    throw new Failure(
      Exit.DOES_NOT_FIT,
      "older-manifest",
      `${path} is version ${plant.version}, and version ${last.version} was on this bus before`,
      {
        remedy: `give it a version above ${last.version}, or name another journal: --journal FILE`,
      },
    );
}

async function masterOf(context: Context, path: string, options: Options): Promise<void> {
  const { out } = context;
  needBus(busSettings(options, out.terminal.env), "master", "name the bus that its nodes are on");
  const file = readLockedPlant(out, path);
  const journal = new JournalFile(options.journal ?? journalPath(path));
  if (journal.damaged > 0)
    out.warn(
      `${plural(journal.damaged, "line of the journal is", "lines of the journal are")} damaged and left out`,
      "values may be set once more",
    );
  try {
    checkPlant(file, journal, path);
    await withMaster(context, options, async (master) => {
      const plants = plantMaster(context, master, file, {
        journal,
        repairs: options.repair === true,
      });
      if (options.once) return settle(context, plants);
      await keep(context, plants, master, options.for);
    });
  } finally {
    journal.close();
  }
}

/** One pass; what is not as it should be then makes the exit code. */
async function settle(context: Context, plants: PlantMaster): Promise<void> {
  const isRight = await plants.pass();
  for (const { name } of plants.lacking)
    context.out.warn(
      `node ${name} of the manifest is not there`,
      "look at its power and cable: hsx scan",
    );
  if (!isRight) context.exit = plants.present === 0 ? Exit.TIMEOUT : Exit.PARTIAL;
}

/** `hsx load --manifest`: what the manifest says, brought to the nodes that are there. */
export async function loadManifest(
  context: Context,
  path: string,
  options: BusOptionValues,
): Promise<void> {
  const file = readLockedPlant(context.out, path);
  await withMaster(context, options, (master) =>
    settle(
      context,
      plantMaster(context, master, file, { journal: new MemoryJournal(), repairs: true }),
    ),
  );
}

export function addMaster(program: Command, context: Context): void {
  const command = addCommand(program, "master <plant.toml>", "keep a bus as its manifest says", [
    ["hsx master plant.toml", "brings nodes that appear up to date, and tells what differs"],
    ["hsx master plant.toml --repair", "and puts it right"],
    ["hsx master plant.toml --once", "one look at all nodes; ends with 6 if not all are right"],
  ]);
  addLevelOption(addBusOptions(command))
    .option("--repair", "put right what differs at nodes that were up to date")
    .option("--once", "look once, do what is to be done, and end")
    .option(
      "--journal <file>",
      "what was done, so that it is not done twice; default: PLANT.journal",
    )
    .addOption(busForOption())
    .action((path: string, options: Options) => masterOf(context, path, options));
}
