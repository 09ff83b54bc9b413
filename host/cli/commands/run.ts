// hsx run: images on a node in this process, their streams attached, until all have ended.

import type { Command } from "commander";
import { Err } from "../../../assembly/spec/errors.ts";
import { EventType, StartState, TaskState } from "../../../assembly/spec/node.ts";
import type { LoadOptions } from "../../client/local-node.ts";
import type { TaskInfo } from "../../client/records.ts";
import { explain, NO_REFUSAL } from "../../client/refusal.ts";
import { frameText } from "../../formats/candump.ts";
import { Exit, Failure, usage } from "../exit.ts";
import { pathBeside } from "../files.ts";
import type { ProfileName } from "../install.ts";
import {
  addNodeOptions,
  checkNodeOptions,
  type NodeOptionValues,
  sessionOptions,
} from "../node-options.ts";
import { parseDuration, parseInteger, secondsText } from "../numbers.ts";
import type { Output } from "../output.ts";
import { type Ending, Pace } from "../pace.ts";
import { fillDevice } from "../persist/build.ts";
import { checkNode, contentsOfNode } from "../plant/memory.ts";
import { addCommand, type Context, optionsBut, refuseOptions } from "../program.ts";
import { type Listener, Session, type SessionOptions } from "../session.ts";
import { faultText, hasEnded, stateText } from "../symbols.ts";
import { eventData, eventText, pinText, traceLine } from "../trace.ts";
import { errName } from "../words.ts";
import { type SimBenchOptions, simBench } from "./sim-bench.ts";

/** Ms that a start-up waits for a master at most. */
const MASTER_WAIT_MAX = 65_535;
const SHOWN = ["pins", "values", "events", "can"] as const;
type Shown = (typeof SHOWN)[number];

interface Options extends NodeOptionValues {
  readonly for?: number;
  readonly restarts?: string;
  readonly show?: string;
  readonly realtime?: true;
  readonly profile: ProfileName;
  readonly manifest?: string;
  readonly node?: string;
}

const STATUS_HELP =
  "\nThe exit code is R0 & 0xFF of the first app that did not end with 0, and 1 after a fault.";

function addRunOptions(command: Command, context: Context): void {
  command
    .option("--for <time>", "node time after which to stop: 500ms, 10s, 2m", parseDuration)
    .option("--show <what>", `also show, with commas between: ${SHOWN.join(", ")}`)
    .option("--restarts <n>", "how often a fault restarts an app", "0")
    .option(
      "--realtime",
      "let node time pass as fast as the clock; the default when stdin is a terminal",
    );
  addNodeOptions(command);
  command.addHelpText("after", STATUS_HELP);
  command
    .option(
      "--manifest <plant.toml>",
      "run what a node of this plant runs, set to what it is set to",
    )
    .option("--node <name>", "node of the manifest: its name or id");
  command.action((images: string[], options: Options) => {
    checkNodeOptions(command);
    checkNode(command, options.manifest);
    const isDefault = command.getOptionValueSource("profile") === "default";
    return run(context, images, options, isDefault);
  });
}

/** Options of a bench, and those that it alone has. */
const BENCH_OPTIONS = ["for", "show", "card", "listen", "fast", "log", "powerOn"];
const BENCH_ALONE = ["listen", "fast", "log", "powerOn"];

const isBench = (name: string) => name.endsWith(".toml");

/** The same with the firmware on a board, which is named or the AVR's; or a bench, whose file ends with .toml. */
export function addSim(program: Command, context: Context): void {
  const command = addCommand(
    program,
    "sim [images...]",
    "run images in the firmware on a simulated board, or a bench of nodes on one bus",
    [
      ["hsx sim bench.toml --listen 127.0.0.1:29536", "a bus that hsx and python-can join"],
      [
        "hsx sim bench.toml --fast --for 10s --log bus.log",
        "as fast as it can be had, its frames kept",
      ],
      ["hsx sim --board avr app.hxe --for 5s", "five seconds of the board's time"],
      ["hsx sim --board avr --card card.img --uid 0102030405060708", "what an SD card brings"],
      ["hsx sim --board stm32f072 app.hxe", "the same image on another board"],
      [
        "hsx sim app.hxe --nv node.fram:fram:8192 --json",
        "ends with cycles and a digest of all that came out",
      ],
      ["hsx shell --board avr --preload app.hxe", "a prompt on a board: every verb of the shell"],
    ],
  );
  addRunOptions(command, context);
  command
    .option("--listen <address>", "of a bench: let clients join over TCP; HOST:PORT")
    .option("--fast", "of a bench: let its time pass as fast as it can be had")
    .option("--log <file>", "of a bench: write its frames as candump does")
    .option("--power-on <nodes>", "of a bench: all: every node has power from the start")
    .action((files: string[], options: Options & SimBenchOptions) => {
      const [first = "", ...more] = files;
      if (!isBench(first)) {
        const what = "belongs to a bench";
        refuseOptions(command, BENCH_ALONE, what, "name one, hsx sim bench.toml, or leave it out");
        checkNodeOptions(command);
        checkNode(command, options.manifest);
        return run(context, files, options, false);
      }
      if (more.length > 0) throw usage("a bench runs alone", "name its images in the bench file");
      const idle = optionsBut(command, BENCH_OPTIONS);
      refuseOptions(
        command,
        idle,
        "means nothing to a bench",
        "say it of a node in the bench file",
      );
      return simBench(context, first, options);
    });
  command.setOptionValue("board", "avr");
}

export function addRun(program: Command, context: Context): void {
  const command = addCommand(program, "run [images...]", "run images on a node in this process", [
    [
      "hsx run blink.hxe --for 5s --show pins",
      "five seconds of node time, as fast as they can be had",
    ],
    ["hsx run app.hxe --nv node.fram", "values that persist are kept in node.fram"],
    ["hsx run --nv node7.fram", "the apps that lie in slots of node7.fram"],
    ["hsx run --card card.img --uid 0102", "the apps that an SD card has for this node"],
    [
      "hsx run server.hxe client.hxe --profile small",
      "two apps on a node as small as an ATmega1284P",
    ],
    ["echo hello | hsx run cat.hxe", "stdin goes to svc:stdio.in of the first app"],
    [
      "hsx run --manifest plant.toml --node north --show values",
      "a node of a plant: its apps in their order, its values; no group waits for another",
    ],
  ]);
  addRunOptions(command, context);
}

function parseShown(text: string | undefined): Set<Shown> {
  const names = (text ?? "")
    .split(",")
    .map((name) => name.trim())
    .filter((name) => name !== "");
  for (const name of names) {
    if (!SHOWN.includes(name as Shown))
      throw usage(`--show ${name}: unknown`, `there are ${SHOWN.join(", ")}`);
  }
  return new Set(names as Shown[]);
}

// ---- What is seen ----

/** Tells what happens: bytes of apps as they are, everything else as lines; with --json each an object. */
function makeListener(out: Output, session: Session, shown: Set<Shown>): Listener {
  const now = () => session.now_ms;
  const emit = (event: string, data: object, text: () => string) =>
    out.result("hsx.run/1", { event, at_ms: now(), ...data }, text);
  const say = (stream: "uart" | "out" | "err", pid: number, bytes: Uint8Array) => {
    if (out.json) emit("output", { stream, pid, text: new TextDecoder().decode(bytes) }, () => "");
    else if (stream === "err") out.terminal.stderr.write(bytes);
    else out.bytes(bytes);
  };
  return {
    onUart: (bytes) => say("uart", 0, bytes),
    onStdio: say,
    onPin(pin, level) {
      if (shown.has("pins"))
        emit("pin", { pin, level: level ?? null }, () => traceLine(now(), 0, pinText(pin, level)));
    },
    onCan(frame) {
      const text = frameText(frame);
      if (shown.has("can")) emit("can", { frame: text }, () => traceLine(now(), 0, `can ${text}`));
    },
    onEvent(event) {
      const isValue = event.type === EventType.VALUE_CHANGED;
      if (!shown.has("events") && !(isValue && shown.has("values"))) return;
      const data = eventData(event, session);
      emit("node", { node: data }, () => traceLine(event.ms, event.pid, eventText(event, session)));
    },
  };
}

// ---- How it ends ----

const statusOf = (task: TaskInfo): number =>
  task.state === TaskState.FAULTED ? 1 : (task.regs[0] ?? 0) & 0xff;

function exitStatus(tasks: readonly TaskInfo[]): number {
  return (
    tasks
      .filter(hasEnded)
      .map(statusOf)
      .find((status) => status !== 0) ?? 0
  );
}

function exitOf(ending: Ending, tasks: readonly TaskInfo[]): number {
  const status = exitStatus(tasks);
  if (status !== 0) return status;
  if (ending === "idle") return Exit.TIMEOUT;
  return ending === "interrupted" ? Exit.INTERRUPTED : Exit.OK;
}

/** A task as it was when all was over, for programs. */
function endData(session: Session, task: TaskInfo) {
  const place = session.placeOf(task);
  const isFaulted = task.state === TaskState.FAULTED;
  return {
    pid: task.pid,
    name: task.name,
    state: stateText(task),
    status: hasEnded(task) ? statusOf(task) : null,
    r0: task.regs[0] ?? 0,
    pc: task.pc,
    steps: task.steps,
    fault: isFaulted ? { text: faultText(task, place), ...place } : null,
  };
}

function report(context: Context, session: Session, ending: Ending): void {
  const { out } = context;
  const tasks = session.node.tasks();
  const exit = exitOf(ending, tasks);
  for (const task of tasks.filter((t) => t.state === TaskState.FAULTED)) {
    out.note(faultText(task, session.placeOf(task)));
  }
  const time = secondsText(session.now_ms);
  if (ending === "idle") {
    const alive = tasks.filter((t) => !hasEnded(t));
    const who = alive.map((t) => `task ${t.pid} (${t.name}) is ${stateText(t)}`).join(", ");
    out.note(`nothing can happen any more after ${time}: ${who}`);
  }
  if (ending === "interrupted") out.note(`interrupted after ${time} of node time`);
  context.exit = exit;
  if (!out.json) return;
  const described = tasks.map((task) => endData(session, task));
  const end = { event: "end", at_ms: session.now_ms, ending, exit, tasks: described };
  const data = { ...end, ...session.boardTrace };
  out.result("hsx.run/1", data, () => "");
}

/** Stored apps that the node could not start, and why. */
function refusedApps({ node, options }: Session): string[] {
  if (options.nv === undefined) return [];
  return node.provision.apps().flatMap(({ app, name, active, refused }) => {
    if (refused === undefined) return [];
    const whose = name === "" ? `app ${app}` : `app ${app}, ${name},`;
    return [`${whose} does not start from slot ${active}: ${errName(refused)}`];
  });
}

/** What was wrong with the card, if anything. */
function tellOfCard({ node }: Session, out: Output): void {
  const { error } = node.provision.start();
  if (error === Err.OK) return;
  const { message, remedy } = explain(error, NO_REFUSAL, { kind: "node", name: "the card" });
  out.warn(message, remedy);
}

/** Pids of the apps that the node started from its slots, the first in line first. */
function bootedApps(session: Session): number[] {
  const { node, options } = session;
  node.run(MASTER_WAIT_MAX, () => node.provision.start().state !== StartState.WAITING);
  node.settle();
  const pids = node.tasks().map((t) => t.pid);
  if (pids.length > 0) return pids;
  const refused = refusedApps(session);
  if (refused.length > 0)
    throw new Failure(Exit.VERIFY, "not-started", `${options.nv?.path}: ${refused.join("; ")}`, {
      remedy: `hsx persist verify ${options.nv?.path} tells what is damaged; stage the image again: provision stage`,
    });
  const who = options.nv?.path ?? "the node";
  throw new Failure(Exit.NOT_FOUND, "NOT_FOUND", `${who} starts no app`, {
    remedy: "name an image, or store one: [[apps]] of hsx persist build, or provision stage",
  });
}

// ---- A node of a plant ----

/** An image to load, and how. */
type Load = readonly [path: string, options: LoadOptions];
interface Work {
  readonly options: SessionOptions;
  readonly loads: readonly Load[];
}

/** What a node of a manifest runs, on memory that holds what it is set to. */
async function plantWork(
  { out, install }: Context,
  manifest: string,
  options: Options,
  isProfileFree: boolean,
): Promise<Work> {
  if (options.nv !== undefined)
    throw usage(
      "--manifest makes the memory of the node itself",
      "leave --nv out, or make a file and run that: hsx persist build --manifest",
    );
  const contents = contentsOfNode(out, manifest, options.node);
  const calibration = { ...contents.calibration, slots: undefined, apps: [] };
  const { bytes } = await fillDevice(install, PLANT_MEDIA, {
    ...contents,
    calibration,
    images: new Map(),
  });
  const { profile, apps, node } = contents.node;
  if (apps.length === 0)
    throw new Failure(
      Exit.NOT_FOUND,
      "no-apps",
      `the node ${node.name} of ${manifest} runs nothing`,
      {
        remedy: 'name apps: apps = ["pump"]',
      },
    );
  const session = sessionOptions(isProfileFree ? { ...options, profile } : options);
  const loads = apps.map(({ app, file }): Load => {
    return [
      pathBeside(manifest, file.name),
      { restarts: app.restarts, groupBase: app.groupBase, keyBase: app.keyBase },
    ];
  });
  return { options: { ...session, fram: bytes }, loads };
}
const PLANT_MEDIA = { kind: "fram", bytes: 8192 } as const;

function imageWork(images: readonly string[], options: Options): Work {
  const restarts = parseInteger(options.restarts ?? "0", "--restarts", 0, 255);
  if (images.length === 0 && options.nv === undefined && options.card === undefined)
    throw usage(
      "which image?",
      "name one, or --nv FILE of a node that has stored some, --card FILE or --manifest plant.toml",
    );
  return { options: sessionOptions(options), loads: images.map((image) => [image, { restarts }]) };
}

function workOf(
  context: Context,
  images: readonly string[],
  options: Options,
  isProfileFree: boolean,
): Work | Promise<Work> {
  const { manifest } = options;
  if (manifest === undefined) return imageWork(images, options);
  if (images.length > 0) throw usage("--manifest names the images", "leave them out");
  return plantWork(context, manifest, options, isProfileFree);
}

/** `isProfileFree`: nobody said how large the node is. */
async function run(
  context: Context,
  images: readonly string[],
  options: Options,
  isProfileFree: boolean,
): Promise<void> {
  const { out, install } = context;
  const shown = parseShown(options.show);
  const work = await workOf(context, images, options, isProfileFree);
  /** What was said while the node started: an app that it starts by itself runs by then. */
  const early: Uint8Array[] = [];
  const warn: Listener = {
    onWarning: (message, remedy) => out.warn(message, remedy),
    onUart: (bytes) => early.push(bytes.slice()),
  };
  const session = await Session.open(install, work.options, warn);
  const listener = makeListener(out, session, shown);
  if (work.loads.length === 0) for (const bytes of early) listener.onUart?.(bytes);
  warn.onUart = undefined;
  session.listen(listener);
  try {
    if (session.node.tasks().length > 0)
      for (const text of refusedApps(session))
        out.warn(text, "provision status in hsx shell shows all apps");
    tellOfCard(session, out);
    const loaded = work.loads.map(([image, how]) => session.load(image, how));
    const pids = loaded.length === 0 ? bootedApps(session) : loaded;
    const pace = new Pace(out.terminal, session, pids[0] as number, options.realtime === true);
    const ending = await pace.run(options.for ?? Infinity);
    session.finishOutput();
    report(context, session, ending);
  } finally {
    session.close();
  }
}
