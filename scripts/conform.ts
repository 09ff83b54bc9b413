// Runs a folder of recorded vectors on a machine and writes one result line per case and harness:
//   npm run -s conform -- --vectors DIR --machine node [--profile P] --out results.jsonl

import { existsSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { basename, join } from "node:path";
import { parseArgs } from "node:util";
import { LocalNode } from "../host/client/local-node.ts";
import { NodeError } from "../host/client/refusal.ts";
import { Machine } from "../host/node/hal.ts";
import { type Line, mailboxResults, taskResult, valueResults } from "./conform/results.ts";
import { type Action, NoSuchVerb, Scenario } from "./conform/scenario.ts";
import { Subject, type SubjectOptions } from "./conform/subject.ts";
import { PROFILES } from "./core.ts";
import { fromRoot } from "./root.ts";

interface Case {
  readonly name: string;
  readonly kind: string;
  readonly image?: string;
  readonly max_steps?: number;
  readonly mailbox_profile?: string;
  readonly options?: { readonly mailbox_profile?: string; readonly dev_libm?: boolean };
  readonly actions?: readonly Action[];
  readonly runs: Readonly<Record<string, unknown>>;
}

const USAGE =
  "usage: npm run -s conform -- --vectors DIR --machine node [--profile small|large|desktop] --out FILE";

function fail(message: string): never {
  process.stderr.write(`${message}\n${USAGE}\n`);
  process.exit(2);
}

const { values: args } = parseArgs({
  options: {
    vectors: { type: "string" },
    machine: { type: "string", default: "node" },
    profile: { type: "string", default: "desktop" },
    out: { type: "string" },
  },
});
const { vectors = fail("--vectors is missing"), out = fail("--out is missing") } = args;
if (args.machine !== "node") fail(`--machine ${args.machine}: only "node" is built yet`);
const profile = PROFILES.find((p) => p.name === args.profile) ?? fail(`--profile ${args.profile}: unknown`);
if (!existsSync(join(vectors, "index.json"))) fail(`${vectors}: no index.json in this folder`);
const module = await WebAssembly.compile(readFileSync(fromRoot(profile.outFile)));
const NOT_HELD = "the profile has no room for the reference's flat 64 KiB of memory a task";

function optionsOf(c: Case, bare: boolean): SubjectOptions {
  const mailboxes = c.mailbox_profile ?? c.options?.mailbox_profile;
  return { bare, libm: c.options?.dev_libm === true, embedded: mailboxes === "embedded" };
}

/** The steps of the recorded program harnesses: load, then run. */
function programActions(c: Case): Action[] {
  const max_steps = c.max_steps ?? 200_000;
  return [
    { action: "load", image: c.image ?? `hxe/${c.name}.hxe` },
    { action: "run", max_steps },
  ];
}

async function runCase(c: Case, harness: string): Promise<Line> {
  const base = { name: c.name, harness };
  if (profile.name !== "desktop") return { ...base, skipped: NOT_HELD };
  const subject = await Subject.create(module, optionsOf(c, harness === "minivm"));
  const scenario = new Scenario(subject, vectors);
  try {
    for (const action of c.actions ?? programActions(c)) scenario.perform(action);
  } catch (error) {
    if (!(error instanceof NoSuchVerb)) throw error;
    return { ...base, skipped: error.message };
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

/** Whether a node of this profile, in its own memory, takes an image. */
async function runImage(file: string): Promise<Line> {
  const name = basename(file, ".hxe");
  const node = await LocalNode.start(module, new Machine());
  try {
    node.load(readFileSync(file));
    return { kind: "image", name, rejected: false };
  } catch (error) {
    if (!(error instanceof NodeError)) throw error;
    return { kind: "image", name, rejected: true, reason: error.message };
  }
}

const lines: Line[] = [];
const index: { cases: { name: string }[] } = JSON.parse(readFileSync(join(vectors, "index.json"), "utf8"));
for (const { name } of index.cases) {
  const c: Case = JSON.parse(readFileSync(join(vectors, "expected", `${name}.json`), "utf8"));
  for (const harness of Object.keys(c.runs)) lines.push(await runCase(c, harness));
}
const invalid = join(vectors, "invalid");
for (const file of existsSync(invalid) ? readdirSync(invalid).sort() : []) {
  if (file.endsWith(".hxe")) lines.push(await runImage(join(invalid, file)));
}
writeFileSync(out, lines.map((line) => `${JSON.stringify(line)}\n`).join(""));
const skipped = lines.filter((line) => "skipped" in line).length;
process.stdout.write(`${lines.length - skipped} results, ${skipped} skipped: ${out}\n`);
