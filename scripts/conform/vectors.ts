// One case of a folder of vectors: a program in one of the two harnesses, a scenario, or an image to judge.

import { existsSync, readdirSync, readFileSync } from "node:fs";
import { basename, join } from "node:path";
import { LocalNode } from "../../host/client/local-node.ts";
import { NodeError } from "../../host/client/refusal.ts";
import type { CoreSource } from "../../host/node/core.ts";
import { Machine } from "../../host/node/hal.ts";
import { IN_OWN_MEMORY } from "./own-memory.ts";
import { type Line, mailboxResults, taskResult, valueResults } from "./results.ts";
import { type Action, NoSuchVerb, Scenario } from "./scenario.ts";
import { Subject, type SubjectOptions } from "./subject.ts";

interface Case {
  readonly name: string;
  readonly image?: string;
  readonly max_steps?: number;
  readonly mailbox_profile?: string;
  readonly options?: { readonly mailbox_profile?: string; readonly dev_libm?: boolean };
  readonly actions?: readonly Action[];
  readonly runs: Readonly<Record<string, unknown>>;
}

/** Instructions of a program that names no limit. */
const MAX_STEPS = 200_000;
const NOT_HELD =
  "it needs the reference's machine, for whose flat 64 KiB of memory a task the profile has no room";

/** How a case runs on a profile; undefined: the profile cannot hold it. */
function optionsOf(c: Case, harness: string, profile: string): SubjectOptions | undefined {
  const bare = harness === "minivm";
  if (profile !== "desktop") {
    const fits = !bare && IN_OWN_MEMORY.has(c.name);
    return fits ? { bare, isOwn: true, libm: false, embedded: false } : undefined;
  }
  const mailboxes = c.mailbox_profile ?? c.options?.mailbox_profile;
  return { bare, libm: c.options?.dev_libm === true, embedded: mailboxes === "embedded" };
}

/** What the two program harnesses do: load, then run. */
function programActions(c: Case): Action[] {
  return [
    { action: "load", image: c.image ?? `hxe/${c.name}.hxe` },
    { action: "run", max_steps: c.max_steps ?? MAX_STEPS },
  ];
}

async function runCase(
  c: Case,
  harness: string,
  folder: string,
  core: CoreSource,
  profile: string,
): Promise<Line> {
  const base = { name: c.name, harness };
  const options = optionsOf(c, harness, profile);
  if (options === undefined) return { ...base, skipped: NOT_HELD };
  const subject = await Subject.create(core, options);
  const scenario = new Scenario(subject, folder);
  try {
    for (const action of c.actions ?? programActions(c)) scenario.perform(action);
  } catch (error) {
    if (error instanceof NoSuchVerb) return { ...base, skipped: error.message };
    return { ...base, outcome: "host_exception", error: String(error) };
  }
  const tasks = subject.node.tasks();
  if (harness === "minivm") return { ...base, ...(tasks[0] && taskResult(subject, tasks[0])) };
  return {
    ...base,
    tasks: Object.fromEntries(tasks.map((t) => [t.pid, taskResult(subject, t)])),
    loads: scenario.loads,
    mailboxes: mailboxResults(subject),
    values: valueResults(subject),
  };
}

/** Whether a node, in its own memory, takes an image. */
async function judgeImage(file: string, core: CoreSource): Promise<Line> {
  const name = basename(file, ".hxe");
  const node = await LocalNode.start(core, new Machine());
  try {
    node.load(readFileSync(file));
    return { kind: "image", name, rejected: false };
  } catch (error) {
    if (!(error instanceof NodeError)) throw error;
    return { kind: "image", name, rejected: true, reason: error.message };
  }
}

/** Runs every case of a folder of vectors on the core of a profile; only `desktop` has the reference's machine, others run what needs none of it. */
export async function* runVectors(
  folder: string,
  core: CoreSource,
  profile: string,
): AsyncGenerator<Line> {
  const index: { cases: { name: string }[] } = JSON.parse(
    readFileSync(join(folder, "index.json"), "utf8"),
  );
  for (const { name } of index.cases) {
    const c: Case = JSON.parse(readFileSync(join(folder, "expected", `${name}.json`), "utf8"));
    for (const harness of Object.keys(c.runs)) {
      yield await runCase(c, harness, folder, core, profile);
    }
  }
  const invalid = join(folder, "invalid");
  for (const file of existsSync(invalid) ? readdirSync(invalid).sort() : []) {
    if (file.endsWith(".hxe")) yield await judgeImage(join(invalid, file), core);
  }
}
