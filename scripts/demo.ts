// The main job on real input: build an app, preload it into a node, watch and set its values, restart the node.
// Then the same for a bus of eight nodes. Every step is a command of its own, shown as it can be typed.

import { spawnSync } from "node:child_process";
import { mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { demoBus } from "./demo-bus.ts";
import { fromRoot, ROOT } from "./root.ts";

const FOLDER = "build/demo";
const IMAGE = `${FOLDER}/thermostat.hxe`;
const STORE = `${FOLDER}/node.fram`;
const SOURCE = "examples/thermostat/thermostat.mvasm";
const NEXT_SOURCE = `${FOLDER}/thermostat-2.mvasm`;
const NEXT_IMAGE = `${FOLDER}/thermostat-2.hxe`;

/** The same app, thinking a second instead of half a one. */
function nextVersion(): string {
  const source = readFileSync(fromRoot(SOURCE), "utf8");
  const manifest = fromRoot("examples/thermostat/thermostat.json");
  return source
    .replace(".equ TICK_MS 500", ".equ TICK_MS 1000")
    .replace('"thermostat.json"', JSON.stringify(manifest));
}

function title(text: string): void {
  const isPlain = !process.stdout.isTTY || Boolean(process.env.NO_COLOR);
  console.log(isPlain ? `\n${text}\n` : `\n\x1b[1m${text}\x1b[0m\n`);
}

/** Shows a command, runs it, and returns what it printed. `npm run demo` has just built what npx would check. */
function hsx(args: readonly string[], script: readonly string[] = []): string {
  const lines = script.length > 0 ? [" <<END", ...script, "END"] : [""];
  console.log(`$ npx hsx ${args.join(" ")}${lines.join("\n")}`);
  const { status, stdout, stderr } = spawnSync(process.execPath, ["build/cli/hsx.mjs", ...args], {
    cwd: ROOT,
    input: script.join("\n"),
    encoding: "utf8",
  });
  console.log(`${stdout}${stderr}`.replace(/^/gm, "  ").trimEnd());
  if (status !== 0) throw new Error(`hsx ended with ${status}`);
  return stdout;
}

rmSync(fromRoot(FOLDER), { recursive: true, force: true });
mkdirSync(fromRoot(FOLDER), { recursive: true });
const shell = ["shell", "--preload", IMAGE, "--nv", STORE];

title("1. Build an app: a thermostat with two values that are kept, a command and a mailbox");
hsx(["build", SOURCE, "-o", IMAGE]);

title("2. Preload it into a node. Its values are there before it runs, and change while it does");
hsx(shell, ["val list", "val watch thermostat:temp thermostat:heater --for 2s"]);

title("3. Set a value, and hear what the app does about it");
hsx(shell, [
  "val set thermostat:setpoint 24.5",
  "val set thermostat:hysteresis 1",
  "mbox listen app:thermostat.log --for 30s",
  "cmd call thermostat:boost 5",
  "store status",
]);

title("4. Restart the node: this is a new process, and the old one left nothing but its FRAM");
const restarted = hsx(shell, ["val list", "provision status"]);

const hasPersisted = /thermostat:setpoint\s+24\.5 /.test(restarted);
console.log(
  hasPersisted ? "\nThe setpoint of 24.5 degC persisted." : "\nThe setpoint did not persist.",
);

writeFileSync(fromRoot(NEXT_SOURCE), nextVersion());
hsx(["build", NEXT_SOURCE, "-o", NEXT_IMAGE]);
const isWhole = await demoBus(title, IMAGE, NEXT_IMAGE);
console.log(
  isWhole
    ? "\nEight nodes, one broadcast each time, nothing lost. Look around yourself:\n"
    : "\nNot every node came through.\n",
);
if (hasPersisted && isWhole) {
  console.log(`  npx hsx ${shell.join(" ")}`);
  console.log("  npx hsx scan --bus sim:examples/bench/bench.toml\n");
}
process.exitCode = hasPersisted && isWhole ? 0 : 1;
