// Entry of the bundle: this process, this installation, this command line.

import { dirname } from "node:path";
import { fileURLToPath } from "node:url";
import { runCli } from "./cli.ts";
import { Exit, failureOf } from "./exit.ts";
import { Install } from "./install.ts";
import { Output } from "./output.ts";
import { processTerminal } from "./terminal.ts";

/** The bundle is build/cli/hsx.mjs. */
const root = dirname(dirname(dirname(fileURLToPath(import.meta.url))));
// What is thrown outside of a command, by a timer or a stream, is told like anything else.
process.on("uncaughtException", (error) => {
  const out = new Output(processTerminal(), process.argv.includes("--json"));
  out.error(failureOf(error));
  out.stack(error);
  process.exit(Exit.FAILED);
});

process.exitCode = await runCli(process.argv.slice(2), processTerminal(), new Install(root));
