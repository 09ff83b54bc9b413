// Entry of the bundle: this process, this installation, this command line.

import { dirname } from "node:path";
import { fileURLToPath } from "node:url";
import { runCli } from "./cli.ts";
import { Install } from "./install.ts";
import { processTerminal } from "./terminal.ts";

/** The bundle is build/cli/hsx.mjs. */
const root = dirname(dirname(dirname(fileURLToPath(import.meta.url))));
process.exitCode = await runCli(process.argv.slice(2), processTerminal(), new Install(root));
