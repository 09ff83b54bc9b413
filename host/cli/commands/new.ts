// hsx new: a folder with a small app to start from: source, manifest, README.

import { existsSync, mkdirSync, readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import type { Command } from "commander";
import { Exit, Failure, usage } from "../exit.ts";
import { fileFailure, writeOutput } from "../files.ts";
import { addCommand, type Context } from "../program.ts";

/** The example every new app is a copy of, under its own name. */
const TEMPLATE = "blink";

export function addNew(program: Command, context: Context): void {
  addCommand(program, "new <name>", "start an app: a folder with source, manifest and README", [
    ["hsx new blink", "makes blink/ with blink.mvasm, blink.json and README.md"],
    ["cd blink && hsx build blink.mvasm -o blink.hxe", "builds it"],
  ]).action((name: string) => create(context, name));
}

function checkName(name: string): void {
  if (/^[A-Za-z][\w-]{0,30}$/.test(name)) return;
  const message = `"${name}" cannot be the name of an app`;
  throw usage(
    message,
    "begin with a letter, go on with letters, digits, - and _; at most 31 characters",
  );
}

function create(context: Context, name: string): void {
  checkName(name);
  if (existsSync(name)) {
    throw new Failure(Exit.FAILED, "exists", `${name} exists already; nothing was changed`, {
      remedy: "choose another name, or remove it",
      details: { file: name },
    });
  }
  const files = copyTemplate(context.install.example(TEMPLATE), name);
  context.out.result("hsx.new/1", { app: name, files }, () =>
    [
      ...files.map((file) => `made ${file}`),
      "",
      "Next:",
      `  cd ${name}`,
      `  hsx build ${name}.mvasm -o ${name}.hxe`,
      `  hsx run ${name}.hxe --for 5s --show pins`,
    ].join("\n"),
  );
}

function copyTemplate(from: string, name: string): string[] {
  const rename = (text: string) => text.replaceAll(TEMPLATE, name);
  try {
    mkdirSync(name);
  } catch (error) {
    throw fileFailure(error, name, "make");
  }
  const sources = readdirSync(from)
    .filter((file) => /\.(mvasm|json|md)$/.test(file))
    .sort();
  return sources.map((file) => {
    const to = join(name, rename(file));
    writeOutput(to, rename(readFileSync(join(from, file), "utf8")), "wx");
    return to;
  });
}
