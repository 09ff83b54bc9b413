// hsx sim bench.toml: a bench as a bus that others join over TCP.

import { FRAME_BASE_DEFAULT } from "../../../assembly/spec/frame.ts";
import { BusServer } from "../../bus/bus-server.ts";
import { TCP_PORT } from "../../bus/bus-url.ts";
import type { Bench } from "../../client/bench/bench.ts";
import { plural } from "../../formats/text.ts";
import { openBench } from "../bus/bench.ts";
import { BenchPace } from "../bus/bench-pace.ts";
import { FrameLines } from "../bus/frame-lines.ts";
import { Exit, Failure, usage } from "../exit.ts";
import { readCard } from "../files.ts";
import { secondsText } from "../numbers.ts";
import type { Output } from "../output.ts";
import type { Context } from "../program.ts";

export interface SimBenchOptions {
  readonly for?: number;
  readonly show?: string;
  readonly listen?: string;
  readonly fast?: true;
  readonly log?: string;
  readonly card?: readonly string[];
  readonly powerOn?: string;
}

/** `3=card.img`: the card of node 3. */
function parseCards(texts: readonly string[]): Map<number, Uint8Array> {
  const cards = new Map<number, Uint8Array>();
  for (const text of texts) {
    const [, node, file] = /^([1-9]\d{0,2})=(.+)$/.exec(text) ?? [];
    if (node === undefined || file === undefined)
      throw usage(`--card ${text}: of a bench it names a node`, "write --card 1=card.img");
    cards.set(Number(node), readCard(file));
  }
  return cards;
}

function isAllOn(text: string | undefined): boolean {
  if (text === undefined || text === "all") return text === "all";
  throw usage(`--power-on ${text}`, "write --power-on all; the bench file says when each is on");
}

/** `127.0.0.1:29536`, or a host alone. */
function parseListen(text: string): { readonly host: string; readonly port: number } {
  const [, inBrackets, plain, digits] = /^(?:\[([^\]]+)\]|([^:]+))(?::(\d+))?$/.exec(text) ?? [];
  const host = inBrackets ?? plain;
  const port = digits === undefined ? TCP_PORT : Number(digits);
  if (host !== undefined && port <= 65_535) return { host, port };
  throw usage(`--listen ${text}: this is no address`, `write 127.0.0.1:${TCP_PORT}`);
}

function listenFailure(text: string, { code, message }: NodeJS.ErrnoException): Failure {
  if (code === "EADDRINUSE") {
    const remedy = "end the program that has it, or name another port; :0 takes any that is free";
    return new Failure(Exit.BUSY, "address-in-use", `${text} is taken by another program`, {
      remedy,
    });
  }
  return new Failure(Exit.DEVICE, "listen", `cannot listen at ${text}: ${message}`, {
    remedy: `write --listen 127.0.0.1:${TCP_PORT}`,
  });
}

async function serve(bench: Bench, text: string, out: Output): Promise<BusServer> {
  const { host, port } = parseListen(text);
  const server = new BusServer({
    bitRate: bench.spec.bitRate,
    get now_us() {
      return bench.now_us;
    },
    connect: (bitRate) => bench.connect(1e6 / bitRate),
  });
  try {
    const taken = await server.listen(host, port);
    const data = { event: "listening", host, port: taken };
    const how = `join it with --bus tcp:${host}:${taken}, or as an SLCAN or socketcand adapter`;
    out.result(
      "hsx.sim/1",
      data,
      () => `${plural(bench.nodes.length, "node")} at ${host}:${taken}: ${how}`,
    );
  } catch (error) {
    throw listenFailure(text, error as NodeJS.ErrnoException);
  }
  return server;
}

/** What became of the bus and its nodes. */
function endData(bench: Bench, ending: string, late_us: number) {
  const { wire, nodes, timeline } = bench;
  return {
    event: "end",
    at_us: Math.round(bench.now_us),
    ending,
    frames: wire.frames,
    error_frames: wire.errorFrames,
    load: timeline.now_ns === 0 ? 0 : wire.busyCycles / timeline.now_ns,
    late_us: Math.round(late_us),
    trace_sha256: bench.traceHash,
    nodes: nodes.map(({ spec, isOn, overruns, errors, stub }) => ({
      node: spec.number,
      kind: spec.kind,
      on: isOn,
      overruns,
      lost: stub?.lost ?? 0,
      tec: errors.tec,
      rec: errors.rec,
    })),
  };
}
function endText(out: Output, end: ReturnType<typeof endData>): string {
  const head = `${secondsText(end.at_us / 1000)}: ${plural(end.frames, "frame")}, ${end.error_frames} destroyed, bus load ${(100 * end.load).toFixed(1)} %`;
  const rows = end.nodes.map((n) => [
    String(n.node),
    n.kind,
    n.on ? "on" : "off",
    String(n.overruns),
    String(n.lost),
    String(n.tec),
    String(n.rec),
  ]);
  return `${head}\n${out.table(["NODE", "KIND", "POWER", "OVERRUNS", "LOST", "TEC", "REC"], rows)}`;
}

/** Runs a bench until its time is up or Ctrl-C. */
export async function simBench(
  { out, install }: Context,
  file: string,
  options: SimBenchOptions,
): Promise<void> {
  if (options.show !== undefined && options.show !== "can")
    throw usage(`--show ${options.show}: of a bench there is can alone`, "write --show can");
  const cards = parseCards(options.card ?? []);
  const bench = await openBench(file, install, { cards, isAllOn: isAllOn(options.powerOn) });
  const prints = options.show === "can";
  const lines = new FrameLines(out, {
    prints,
    log: options.log,
    base: FRAME_BASE_DEFAULT,
    epoch_us: 0,
  });
  bench.onRecord = ({ time_us, event }) => lines.show(time_us, event.frame, event.isError);
  const server = options.listen === undefined ? undefined : await serve(bench, options.listen, out);
  const pace = new BenchPace(out.terminal, bench, options.fast === true);
  try {
    const ending = await pace.run((options.for ?? Number.POSITIVE_INFINITY) * 1000);
    const end = endData(bench, ending, pace.late_us);
    out.result("hsx.sim/1", end, () => endText(out, end));
    if (pace.late_us > 0)
      out.warn(
        `the bench ran ${secondsText(pace.late_us / 1000)} slower than the clock`,
        "use fewer nodes, or cores in Node in place of avr and stm32f072",
      );
  } finally {
    lines.close();
    await server?.close();
  }
}
