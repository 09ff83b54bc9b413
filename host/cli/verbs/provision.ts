// provision: the images a node runs and stores, which of them are on trial, and what is done about it.

import type { Command } from "commander";
import { AppState } from "../../../assembly/spec/boot.ts";
import type { NodeClient } from "../../client/node-client.ts";
import type { AppInfo } from "../../client/records.ts";
import { suggest } from "../../formats/diagnostic.ts";
import type { BootPolicy } from "../../formats/node-words.ts";
import { count, hex, plural } from "../../formats/text.ts";
import { addTrialOptions, type TrialValues, trialOf } from "../app-options.ts";
import { bootText, parseSource, SOURCES } from "../boot-text.ts";
import { Exit, Failure, usage } from "../exit.ts";
import { readBytes } from "../files.ts";
import { parseInteger } from "../numbers.ts";
import { addCommand } from "../program.ts";
import type { VerbContext } from "../shell/context.ts";
import { addNodeVerb, type NodeContext, type NodeHost, ShellHost } from "./node-host.ts";
import { appData, status } from "./provision-status.ts";

// ---- What can be done ----

/** An app of the node by name or number; without a text, the one on trial. */
async function findApp(
  { provision }: NodeClient,
  text: string | undefined,
  otherwise: string,
): Promise<AppInfo> {
  const apps = await provision.apps();
  const found =
    text === undefined
      ? await provision.trial()
      : apps.find((a) => (/^\d+$/.test(text) ? a.app === Number(text) : a.name === text));
  if (found !== undefined) return found;
  const names = apps.map((a) => a.name || String(a.app));
  const message = text === undefined ? "no app is on trial" : `there is no stored app "${text}"`;
  const there = names.length === 0 ? "stage an image and activate it" : otherwise;
  throw new Failure(Exit.NOT_FOUND, "NOT_FOUND", message, {
    remedy: text === undefined ? there : suggest(text, names, "list them: provision status"),
  });
}

async function tell(
  { out, node }: Pick<NodeContext, "out" | "node">,
  app: number,
  text: (app: AppInfo) => string,
): Promise<void> {
  const info = (await node.provision.apps()).find((a) => a.app === app);
  if (info === undefined) throw new Error("an app is gone");
  out.result("hsx.provision.app/1", { app: appData(info) }, () => text(info));
}

const nameOf = ({ name, app }: AppInfo) => name || `app ${app}`;

function stage(
  context: VerbContext,
  file: string,
  options: { slot?: string; node?: string },
): void {
  const { out, session } = context;
  const image = readBytes(file);
  const slot = session.node.provision.stage(image, {
    name: file,
    ...(options.slot === undefined ? {} : { slot: parseSlot(options.slot) }),
    ...(options.node === undefined ? {} : { node: parseInteger(options.node, "--node", 1, 255) }),
  });
  const info = session.node.provision.slots().find((s) => s.slot === slot);
  const data = { file, slot, name: info?.name ?? "", bytes: image.length, crc: info?.crc ?? 0 };
  out.result(
    "hsx.provision.stage/1",
    data,
    () =>
      `slot ${slot}: ${data.name}, ${plural(image.length, "byte")}, CRC ${hex(data.crc, 8)}; provision activate ${slot} starts it`,
  );
}

function parseSlot(text: string): number {
  return parseInteger(text, "slot", 0, 13);
}

async function activate(
  { out, node }: NodeContext,
  text: string,
  options: TrialValues,
): Promise<void> {
  const slot = parseSlot(text);
  const trial = trialOf(options);
  const active = (await node.provision.apps()).find((a) => a.active === slot);
  if (active !== undefined) {
    const message = `slot ${slot} is active already: ${nameOf(active)} runs from it`;
    throw new Failure(Exit.FAILED, "SLOT_IN_USE", message, {
      remedy: "stage another image first: provision stage FILE",
    });
  }
  await node.provision.activate(slot, trial);
  const app = (await node.provision.apps()).find((a) => a.active === slot);
  if (app === undefined) throw new Error("an activated slot has no app");
  await tell({ out, node }, app.app, (a) => {
    const left =
      a.state === AppState.TRIAL
        ? `, on trial: ${plural(a.attemptsLeft, "start")} left unless it is confirmed`
        : "";
    return `${nameOf(a)} runs from slot ${slot}${left}`;
  });
}

async function confirm(context: NodeContext, text: string | undefined): Promise<void> {
  const app = await findApp(context.node, text, "nothing needs to be confirmed");
  await context.node.provision.confirm(app.app);
  await tell(context, app.app, (a) => `${nameOf(a)} is confirmed`);
}

async function rollback(context: NodeContext, text: string | undefined): Promise<void> {
  const { node } = context;
  const app = await findApp(node, text, "name the app: provision rollback APP");
  await node.provision.rollback(app.app);
  await tell(context, app.app, (a) => `${nameOf(a)} runs from slot ${a.active} again`);
}

async function remove({ out, session }: VerbContext, text: string): Promise<void> {
  const { provision } = session.node;
  const app = await findApp(session.node, text, "");
  const slots = provision.remove(app.app);
  const data = { app: app.app, name: app.name, slots, pid: app.pid ?? null };
  out.result("hsx.provision.remove/1", data, () => {
    const empty = slots.length === 0 ? "" : `; empty: slot ${slots.join(", slot ")}`;
    const runs = app.pid === undefined ? "" : `; its task runs on: kill ${app.pid} stops it`;
    return `${nameOf(app)} does not start any more${empty}${runs}`;
  });
}

interface BootValues {
  readonly order?: string;
  readonly restarts?: string;
  readonly fallback?: boolean;
  readonly source?: string;
  readonly quantum?: string;
}

function parseQuantum(text: string): number {
  const quantum = parseInteger(text, "--quantum", 0, 16384);
  if (quantum === 0 || Number.isInteger(Math.log2(quantum))) return quantum;
  throw usage(`--quantum: ${text} is no power of two`, "choose 0, 1, 2, 4, ... 16384");
}

async function boot(context: NodeContext, text: string, values: BootValues): Promise<void> {
  const { node } = context;
  const app = await findApp(node, text, "");
  const { order, restarts, fallback, source, quantum } = values;
  const policy: BootPolicy = {
    order: order === undefined ? app.boot.order : parseInteger(order, "--order", 0, 15),
    restarts:
      restarts === undefined ? app.boot.restarts : parseInteger(restarts, "--restarts", 0, 7),
    fallbackOnFault: fallback ?? app.boot.fallbackOnFault,
    source: source === undefined ? app.boot.source : parseSource(source),
    quantum: quantum === undefined ? app.boot.quantum : parseQuantum(quantum),
  };
  await node.provision.setBoot(app.app, policy);
  await tell(context, app.app, (a) => `${nameOf(a)}: ${bootText(appData(a).boot)}`);
}

async function format({ out, node }: NodeContext, number: string, bytes: string): Promise<void> {
  const slots = parseInteger(number, "slots", 0, 14);
  const room = parseInteger(bytes, "bytes", 256, 0xfff00);
  await node.provision.formatSlots(slots, room);
  const data = { slots, bytes: room };
  out.result(
    "hsx.provision.format/1",
    data,
    () => `${plural(slots, "slot")} of ${count(room)} bytes`,
  );
}

/** What status tells. */
export const STATUS = "images and tasks, slots, apps with their state, health of the store";

/** The verbs that need nothing but a node. */
export function addProvisionVerbs(provision: Command, host: NodeHost): void {
  const verb = addNodeVerb.bind(undefined, provision, host);
  verb("format <slots> <bytes>", "make slots for images behind the store; what lies there stays", [
    ["provision format 4 8192", "four slots of 8,192 bytes, 16 of them for a header"],
  ]).action((slots: string, bytes: string, options: object) =>
    host.each(options, (context) => format(context, slots, bytes)),
  );
  const activating = verb("activate <slot>", "start the image in a slot in place of its app", [
    ["provision activate 1", "on trial: confirm it within three starts, or the old one comes back"],
    ["provision activate 1 --attempts 0", "for good"],
  ]);
  addTrialOptions(activating).action((slot: string, options: TrialValues) =>
    host.each(options, (context) => activate(context, slot, options)),
  );
  addTrialVerbs(provision, host, "provision ");
  verb("boot <app>", "say how an app comes up at power-on", [
    ["provision boot pump --order 1 --restarts 3 --fallback", "what is not named stays as it is"],
  ])
    .option("--order <n>", "0 to 15, lower ones first")
    .option("--restarts <n>", "restarts after a fault, 0 to 7")
    .option("--fallback", "a fault beyond them brings the fallback back, also when confirmed")
    .option("--no-fallback", "it does not")
    .option(
      "--source <name>",
      `where the image comes from when no slot holds it: ${SOURCES.join(", ")}`,
    )
    .option("--quantum <n>", "instructions of a turn, a power of two; 0: as the node")
    .action((app: string, values: BootValues) =>
      host.each(values, (context) => boot(context, app, values)),
    );
}

/** How a trial ends. `group`: what the verbs are typed behind. */
export function addTrialVerbs(parser: Command, host: NodeHost, group = ""): void {
  addNodeVerb(parser, host, "confirm [app]", "keep the app that is on trial", [
    [`${group}confirm`, "the one that is on trial"],
    [`${group}confirm pump`, "by the name of the app, or its number"],
  ]).action((app: string | undefined, options: object) =>
    host.each(options, (context) => confirm(context, app)),
  );
  const does = "bring the fallback of an app back, of the one on trial without a name";
  addNodeVerb(parser, host, "rollback [app]", does, [
    [`${group}rollback pump`, "also when it is confirmed"],
  ]).action((app: string | undefined, options: object) =>
    host.each(options, (context) => rollback(context, app)),
  );
}

export function addProvision(parser: Command, context: VerbContext): void {
  const provision = parser
    .command("provision")
    .description(
      "stored images of the node: status, format, stage, activate, confirm, rollback, boot, remove",
    );
  const host = new ShellHost(context);
  addCommand(provision, "status", STATUS).action((options: object) => host.each(options, status));
  addProvisionVerbs(provision, host);
  addCommand(
    provision,
    "stage <file>",
    "put an image into a slot and check it there; the old app runs on",
    [["provision stage pump.hxe", "into a slot that nobody needs"]],
  )
    .option("--slot <n>", "into this slot")
    .option("--node <id>", "not if the node has another id; one without an id takes it")
    .action((file: string, options) => stage(context, file, options));
  addCommand(provision, "remove <app>", "take an app off the boot list and empty its slots", [
    ["provision remove pump", "its task runs on until it is killed, or the node restarts"],
  ]).action((app: string) => remove(context, app));
}
