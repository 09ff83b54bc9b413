// The command line in this process: one call runs one command and returns what it printed.

import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Readable } from "node:stream";
import { afterAll, beforeAll } from "vitest";
import { runCli } from "../../../host/cli/cli.ts";
import { Install } from "../../../host/cli/install.ts";
import type { Terminal } from "../../../host/cli/terminal.ts";
import { SCHEMAS } from "../../../scripts/cli-schemas.ts";
import { fromRoot, ROOT } from "../../../scripts/root.ts";
import { layPlants } from "../../drivers/plants.ts";

const install = new Install(ROOT);

export interface Result {
  readonly exit: number;
  readonly out: string;
  readonly err: string;
}

export interface Outside {
  readonly stdin?: string;
  readonly env?: Record<string, string>;
  readonly isTTY?: boolean;
  /** The installation; the clone's unless given. */
  readonly install?: Install;
  /** Ctrl-C is pressed when the clock is asked for the time so often. */
  readonly interruptAt?: number;
  /** Is handed what presses Ctrl-C, when the command listens for it. */
  readonly onListening?: (press: () => void) => void;
}

/** Milliseconds of the wall clock between two looks at it. */
const LOOK_MS = 1;

/** Runs one command line. */
export async function hsx(args: readonly string[], outside: Outside = {}): Promise<Result> {
  const { stdin = "", env = {}, isTTY = false } = outside;
  const written: Record<"out" | "err", Uint8Array[]> = { out: [], err: [] };
  const sink = (name: "out" | "err") => ({
    isTTY,
    columns: 100,
    write: (data: string | Uint8Array) => void written[name].push(Buffer.from(data)),
  });
  let looks = 0;
  let press = () => {};
  const terminal: Terminal = {
    env,
    stdin: Readable.from(stdin === "" ? [] : [Buffer.from(stdin)]),
    stdout: sink("out"),
    stderr: sink("err"),
    onInterrupt(listener) {
      press = listener;
      outside.onListening?.(listener);
      return () => {};
    },
    now_ms: () => {
      if (++looks === outside.interruptAt) press();
      return looks * LOOK_MS;
    },
    epoch_ms: 0,
  };
  const exit = await runCli(args, terminal, outside.install ?? install);
  return {
    exit,
    out: Buffer.concat(written.out).toString(),
    err: Buffer.concat(written.err).toString(),
  };
}

/** Runs lines in the shell. */
export function shell(lines: readonly string[], args: readonly string[] = []): Promise<Result> {
  return hsx(["shell", ...args], { stdin: lines.map((line) => `${line}\n`).join("") });
}

// ---- Files ----

const folder = mkdtempSync(join(tmpdir(), "hsx-cli-"));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

/** Lets the tests of a file run in a folder with the example plants and their images. */
export function amongPlants(): void {
  const back = process.cwd();
  beforeAll(() => {
    layPlants(folder);
    process.chdir(folder);
  });
  afterAll(() => process.chdir(back));
}

export function inFolder(name: string): string {
  return join(folder, name);
}

export function file(name: string, content: string | Uint8Array): string {
  writeFileSync(inFolder(name), content);
  return inFolder(name);
}

/** Builds a source and returns the path of the image. */
export async function image(name: string, source: string, args: readonly string[] = []) {
  const from = file(`${name}.mvasm`, source);
  const to = inFolder(`${name}.hxe`);
  const built = await hsx(["build", from, "-o", to, ...args]);
  if (built.exit !== 0) throw new Error(built.err);
  return to;
}

/** Builds an example of the project. */
export async function example(name: string, args: readonly string[] = []): Promise<string> {
  const to = inFolder(`${name}.hxe`);
  const built = await hsx([
    "build",
    fromRoot("examples", name, `${name}.mvasm`),
    "-o",
    to,
    ...args,
  ]);
  if (built.exit !== 0) throw new Error(built.err);
  return to;
}

// ---- JSON ----

type Json = Record<string, unknown>;

/** The JSON lines of a text, each as its schema says; anything else is an error. */
export function jsonLines(text: string): Json[] {
  const lines = text.split("\n").filter((line) => line !== "");
  return lines.map((line) => {
    const object = JSON.parse(line) as Json;
    const schema = SCHEMAS.get(String(object.schema));
    if (schema === undefined) throw new Error(`no schema ${object.schema}`);
    const { success, error } = schema.safeParse(object);
    if (!success) throw new Error(`${object.schema}: ${error.message}\n${line}`);
    return object;
  });
}

export function json(text: string): Json {
  const [first, ...rest] = jsonLines(text);
  if (first === undefined || rest.length > 0) throw new Error(`not one object: ${text}`);
  return first;
}
