// The second part of the demo: eight nodes on a simulated bus get an app by broadcast, are calibrated, and get the next version of
// it while one of them loses its power. Commands are those that can be typed; time is the bench's.

import { readFileSync } from "node:fs";
import { Readable } from "node:stream";
import { FRAME_BASE_DEFAULT } from "../assembly/spec/frame.ts";
import type { CanTransport } from "../host/bus/transport.ts";
import { runCli } from "../host/cli/cli.ts";
import { Install } from "../host/cli/install.ts";
import type { Terminal } from "../host/cli/terminal.ts";
import { Bench } from "../host/client/bench/bench.ts";
import { CoreNode } from "../host/client/bench/core-node.ts";
import { BenchClients } from "../host/client/bench/sim-transport.ts";
import { readBench } from "../host/formats/bench.ts";
import { decodeFrame } from "../host/formats/frame.ts";
import { fromRoot, ROOT } from "./root.ts";

const BENCH = "examples/bench/bench.toml";
const URL = `sim:${BENCH}`;
/** Nodes have mounted their stores by then. */
const START_US = 400_000;
/** The node that loses its power, behind how many DATA frames, and for how long. */
const VICTIM = 5;
const CUT_BEHIND = 60;
const DARK_MS = 50;

/** An installation whose one bench outlives its commands. */
class BenchInstall extends Install {
  private readonly clients: BenchClients;
  constructor(readonly bench: Bench) {
    super(ROOT);
    this.clients = new BenchClients(bench);
  }
  override async transport(): Promise<CanTransport> {
    return this.clients.client(URL);
  }
}

/** Runs a command line on the bench and returns what it printed. */
async function hsx(install: BenchInstall, args: readonly string[]): Promise<string> {
  console.log(`$ npx hsx ${args.join(" ")}`);
  let text = "";
  const write = (data: string | Uint8Array) => {
    text += typeof data === "string" ? data : Buffer.from(data).toString();
  };
  const sink = { isTTY: false, columns: 120, write };
  const terminal: Terminal = {
    env: { HSX_BUS: URL },
    stdin: Readable.from([]),
    stdout: sink,
    stderr: sink,
    onInterrupt: () => () => {},
    now_ms: () => install.bench.now_us / 1000,
    epoch_ms: 0,
  };
  const exit = await runCli(args, terminal, install);
  console.log(text.replace(/^/gm, "  ").trimEnd());
  if (exit !== 0) throw new Error(`hsx ended with ${exit}`);
  return text;
}

function nodeOf(bench: Bench, number: number): CoreNode {
  const node = bench.node(number);
  if (node instanceof CoreNode) return node;
  throw new Error(`node ${number} of ${BENCH} is no core in this process`);
}

/** Cuts the power of a node for a while when the next load is half through. */
function cutPower(bench: Bench): void {
  let frames = 0;
  bench.onRecord = ({ event }) => {
    if (decodeFrame(FRAME_BASE_DEFAULT, event.frame)?.kind !== "data") return;
    if (++frames !== CUT_BEHIND) return;
    console.log(`  (${frames} data frames are through; node ${VICTIM} loses its power)`);
    nodeOf(bench, VICTIM).powerOff();
    bench.timeline.clock.after(DARK_MS * 1e6, () => {
      console.log(`  (${DARK_MS} ms later it has power again)`);
      nodeOf(bench, VICTIM).powerOn();
    });
  };
}

async function openBench(): Promise<BenchInstall> {
  const { bench: spec } = readBench(readFileSync(fromRoot(BENCH), "utf8"), BENCH);
  if (spec === undefined) throw new Error(`${BENCH} is no bench`);
  const install = new Install(ROOT);
  const bench = await Bench.create(spec, {
    core: (profile) => install.core(profile),
    coreHash: (profile) => install.coreHash(profile),
    firmware: (board) => install.firmware(board),
    read: (name) => readFileSync(fromRoot(name)),
  });
  bench.run_us(START_US);
  return new BenchInstall(bench);
}

/** Brings `first` and then `second`, which are versions of one app, to all nodes. Returns whether all is as it should be. */
export async function demoBus(
  title: (text: string) => void,
  first: string,
  second: string,
): Promise<boolean> {
  const install = await openBench();
  title("5. A bus of eight nodes: who is there, and one broadcast that gives all of them the app");
  console.log(`$ export HSX_BUS=${URL}`);
  await hsx(install, ["scan"]);
  await hsx(install, ["load", first, "--slot", "--attempts", "0"]);

  title("6. Calibrate them, each on its own");
  for (const [node, value] of [
    [1, "19.5"],
    [VICTIM, "23.5"],
  ] as const)
    await hsx(install, ["val", "set", "setpoint", value, "--nodes", String(node)]);
  install.bench.run_us(2_000_000); // they are saved half a second later

  title(`7. The next version for all of them, while node ${VICTIM} loses its power in the middle`);
  cutPower(install.bench);
  await hsx(install, ["load", second, "--slot", "--attempts", "0"]);

  title("8. Every node runs the new version, and its calibration is what it was");
  const list = await hsx(install, ["val", "get", "setpoint"]);
  const scan = await hsx(install, ["scan"]);
  const versions = new Set([...scan.matchAll(/thermostat (0x[\dA-F]{8})/g)].map(([, crc]) => crc));
  const counted = [...scan.matchAll(/thermostat 0x/g)].length;
  const isKept = /node 1 {2}19\.5 degC/.test(list) && /node 5 {2}23\.5 degC/.test(list);
  return counted === 8 && versions.size === 1 && isKept;
}
