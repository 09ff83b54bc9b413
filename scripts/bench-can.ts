// `npm run bench:can`: what a broadcast takes, against the bound of its data frames alone. --json, --runs N (seeds of the rows with
// losses), --rows a,b (of ROWS), --image FILE, --bench FILE: the figures of this image on this bench instead.

import { readFileSync } from "node:fs";
import { parseArgs } from "node:util";
import { Bench } from "../host/client/bench/bench.ts";
import { BenchClients } from "../host/client/bench/sim-transport.ts";
import type { LoadJob, LoadReport } from "../host/client/bus/load.ts";
import { isGood } from "../host/client/bus/load-state.ts";
import { BusMaster } from "../host/client/bus/master.ts";
import { type NodeKind, readBench } from "../host/formats/bench.ts";
import { formatDiagnostic } from "../host/formats/diagnostic.ts";
import {
  type BusBenchOptions,
  bulkImage,
  idsOf,
  kindsOf,
  openBusBench,
  SOURCES,
} from "../tests/drivers/bus-bench.ts";
import { identityFigures } from "./bench/bus-identity.ts";
import { resumeFigures } from "./bench/bus-resume.ts";
import { swapFigures } from "./bench/bus-swap.ts";
import { type Figure, type Limit, report } from "./figures.ts";
import { buildAvr } from "./firmware/avr.ts";
import { fromRoot } from "./root.ts";
import { BOARDS, buildBoard } from "./stm32-build.ts";

/** A DATA frame of 8 random bytes with average stuffing and its intermission, in bits. */
const DATA_FRAME_BITS = 114.35;
const IMAGE_BYTES = 8192;
const TIMED_RUNS = 9;
/** Power cuts of the rows that cut it; a board takes some seconds for each. */
const RESUME_CUTS = 100;
const RESUME_CUTS_AVR = 20;

const { values } = parseArgs({
  options: {
    json: { type: "boolean" },
    runs: { type: "string", default: "100" },
    rows: { type: "string" },
    image: { type: "string" },
    bench: { type: "string" },
  },
});
const runs = Number(values.runs);
const image = values.image === undefined ? bulkImage(IMAGE_BYTES) : readFileSync(values.image);

function bound_us(bitRate = 500): number {
  return (Math.ceil(image.length / 8) * DATA_FRAME_BITS * 1000) / bitRate;
}
const say = (text: string) => process.stderr.write(`\r${text.padEnd(60)}`);

interface Run {
  readonly report: LoadReport;
  /** Nodes that have the image in the end. */
  readonly good: number;
  readonly overruns: number;
}

/** Room for an image in a slot. */
const SLOTS = { count: 2, bytes: 9216 };

async function run(options: BusBenchOptions, job: Partial<LoadJob> = {}): Promise<Run> {
  const { bench, master } = await openBusBench(options);
  await master.census(4);
  const nodes = idsOf(options.kinds.length);
  const done = await master.load({ image, nodes, isEverybody: true, ...job });
  const overruns = bench.nodes.reduce((sum, node) => sum + node.overruns, 0);
  return { report: done, good: done.nodes.filter(isGood).length, overruns };
}
function percent(part: number): number {
  return Math.round(part * 1000) / 10;
}
function ratio(value: number): number {
  return Math.round(value * 1000) / 1000;
}

// ---- Rows ----

/** Share of the bound, until nobody lacks anything. */
async function share(kind: NodeKind): Promise<Figure[]> {
  const near = await run({ kinds: [kind] });
  const far = await run({ kinds: [kind], latency_ms: [2, 10] });
  const row = (id: string, { report: r }: Run, must: Limit, note: string): Figure => {
    return { id, value: percent(bound_us() / r.transfer_us), unit: "%", must, note };
  };
  const who = kind === "avr" ? "one AVR binary" : `one core in Node, ${kind}`;
  return [
    row(`share.${kind}`, near, ">= 94", `of the bound, ${who}, ${image.length} bytes`),
    row(`share.latency.${kind}`, far, ">= 85", "2 to 10 ms between host and bus, each way"),
  ];
}

async function scale(): Promise<Figure[]> {
  const one = await run({ kinds: ["small"] });
  const many = await run({ kinds: kindsOf("small", 100) });
  const value = ratio(many.report.elapsed_us / one.report.elapsed_us);
  const note = "100 nodes over 1, until every node has ended";
  return [{ id: "scale", value, unit: "x", must: "<= 1.12", note }];
}

/** Time over the bound, mean of the seeds. */
async function lossy(
  id: string,
  kinds: readonly NodeKind[],
  loss: number,
  must: Limit,
): Promise<Figure[]> {
  let sum = 0;
  let most = 0;
  let bad = 0;
  for (let seed = 1; seed <= runs; seed++) {
    say(`${id}: seed ${seed}`);
    const { report: r, good } = await run({ kinds, loss, seed });
    const times = r.elapsed_us / bound_us();
    sum += times;
    most = Math.max(most, times);
    bad += kinds.length - good;
  }
  const note = `mean of ${runs} seeds, at most ${most.toFixed(3)}; ${kinds.length} nodes lose ${loss} of all frames`;
  return [
    { id, value: ratio(sum / runs), unit: "x", must, note },
    { id: `${id}.left`, value: bad, unit: "nodes", must: "== 0", note: "without the image" },
  ];
}

async function fifth(): Promise<Figure[]> {
  let finished = 0;
  const seeds = Math.max(1, Math.floor(runs / 10));
  for (let seed = 1; seed <= seeds; seed++) {
    say(`loss.fifth: seed ${seed}`);
    const { good } = await run({ kinds: kindsOf("small", 8), loss: 0.2, seed });
    if (good === 8) finished++;
  }
  const must: Limit = ">= 100";
  const note = `of ${seeds} loads to 8 nodes that lose one frame in five`;
  return [{ id: "loss.fifth", value: percent(finished / seeds), unit: "%", must, note }];
}

async function census(): Promise<Figure[]> {
  const { master } = await openBusBench({ kinds: kindsOf("small", 100) });
  const begun_us = master.link.now_us;
  const present = await master.census(1);
  const ms = (master.link.now_us - begun_us) / 1000;
  const nodes = present.map(({ node }) => node);
  await master.load({ image, nodes });
  const again = await master.load({ image, nodes, mayBeThere: true });
  const note = `${present.length} nodes heard`;
  return [
    { id: "census", value: ratio(ms), unit: "ms", must: "<= 30", note },
    { id: "census.heard", value: present.length, unit: "nodes", must: "== 100" },
    {
      id: "again.data",
      value: again.dataFrames,
      unit: "frames",
      must: "== 0",
      note: "the same image a second time, 100 nodes",
    },
  ];
}

/** Frames the firmware lost because it was too slow to take them. */
async function overruns(): Promise<Figure[]> {
  const kinds = ["avr", "avr"] as const;
  const slow = await run({ kinds });
  const stored = await run({ kinds, slots: SLOTS }, { place: "slot" });
  const fast = await run({ kinds, bitRate: 1000 }); // at the pace that the nodes tell
  const rows = (id: string, { overruns: value, good, report: r }: Run, where: string): Figure[] => {
    const note = `${good} of 2 AVR binaries loaded ${where}`;
    const again = r.repairFrames + r.parityFrames;
    const why = "sent again though the wire lost none: the firmware did not keep them";
    return [
      { id: `overruns.${id}`, value, unit: "frames", must: "== 0", note },
      { id: `overruns.${id}.again`, value: again, unit: "frames", must: "== 0", note: why },
    ];
  };
  return [
    ...rows("500k", slow, "into memory"),
    ...rows("500k.slot", stored, "into a slot"),
    ...rows("1M", fast, "into memory"),
  ];
}

async function simulation(): Promise<Figure[]> {
  const times: number[] = [];
  for (let n = 0; n < TIMED_RUNS; n++) {
    const { master } = await openBusBench({ kinds: kindsOf("small", 32) });
    const begun = performance.now();
    await master.load({ image, nodes: idsOf(32), isEverybody: true });
    times.push((performance.now() - begun) / 1000);
  }
  times.sort((a, b) => a - b);
  const note = `median of ${TIMED_RUNS}, ${times[0]?.toFixed(2)} to ${times.at(-1)?.toFixed(2)}; 32 cores in Node receive ${image.length} bytes`;
  return [{ id: "simulation", value: ratio(times[4] as number), unit: "s", aim: "<= 2", note }];
}

const MIXED = [...kindsOf("avr", 8), ...kindsOf("stm32f072", 4), ...kindsOf("small", 20)];

/** Seeds of each row of the mixed bench. */
const MIXED_RUNS = 5;

/** The mixed bench: the mean of some seeds. */
async function mixed(): Promise<Figure[]> {
  const figures: Figure[] = [];
  for (const [name, loss, must] of [
    ["none", 0, undefined],
    ["1e-3", 0.001, "<= 1.15"],
    ["1e-2", 0.01, "<= 1.3"],
  ] as const) {
    const found: Run[] = [];
    for (let seed = 1; seed <= (loss === 0 ? 1 : MIXED_RUNS); seed++) {
      say(`mixed.${name} ${seed}/${MIXED_RUNS}`);
      found.push(await run({ kinds: MIXED, loss, seed }));
    }
    const over = (pick: (r: LoadReport) => number) => found.map((r) => pick(r.report) / bound_us());
    const mean = (values: readonly number[]) =>
      ratio(values.reduce((sum, value) => sum + value, 0) / values.length);
    const elapsed = over((r) => r.elapsed_us);
    const good = Math.min(...found.map((r) => r.good));
    const lost = Math.max(...found.map((r) => r.overruns));
    const note = `mean of ${found.length} seeds, at most ${ratio(Math.max(...elapsed))}; 8 AVR and 4 STM32 binaries among 32 nodes; ${good} loaded, at most ${lost} overruns`;
    figures.push(
      { id: `mixed.${name}`, value: mean(elapsed), unit: "x", ...(must && { must }), note },
      {
        id: `mixed.${name}.transfer`,
        value: mean(over((r) => r.transfer_us)),
        unit: "x",
        note: "until nobody lacked anything",
      },
    );
  }
  return figures;
}

const ROWS: Readonly<Record<string, () => Promise<Figure[]>>> = {
  share: () => share("small"),
  "share-avr": () => share("avr"),
  scale,
  "loss-32-1e-3": () => lossy("loss.1e-3.32", kindsOf("small", 32), 0.001, "<= 1.15"),
  "loss-100-1e-3": () => lossy("loss.1e-3.100", kindsOf("small", 100), 0.001, "<= 1.2"),
  "loss-32-1e-2": () => lossy("loss.1e-2.32", kindsOf("small", 32), 0.01, "<= 1.3"),
  "loss-100-1e-2": () => lossy("loss.1e-2.100", kindsOf("small", 100), 0.01, "<= 1.6"),
  fifth,
  census,
  overruns,
  mixed,
  "swap-avr": () => swapFigures("avr"),
  "swap-stm32": () => swapFigures("stm32f072"),
  identity: identityFigures,
  resume: () => resumeFigures("small", image, RESUME_CUTS),
  "resume-avr": () => resumeFigures("avr", image, RESUME_CUTS_AVR),
  simulation,
};

// ---- A bench of one's own ----

async function ownBench(file: string): Promise<Figure[]> {
  const { bench: spec, diagnostics } = readBench(readFileSync(file, "utf8"), file);
  if (spec === undefined) throw new Error(diagnostics.map(formatDiagnostic).join("\n"));
  const bench = await Bench.create(spec, SOURCES);
  const master = await BusMaster.open(new BenchClients(bench).client());
  await master.link.sleep(400_000);
  const nodes = (await master.census(4)).map(({ node }) => node);
  const done = await master.load({ image, nodes });
  const over = (us: number) => ratio(us / bound_us(spec.bitRate));
  return [
    { id: "nodes", value: nodes.length, unit: "nodes" },
    { id: "loaded", value: done.nodes.filter(isGood).length, unit: "nodes" },
    { id: "transfer", value: over(done.transfer_us), unit: "x", note: "time over the bound" },
    { id: "elapsed", value: over(done.elapsed_us), unit: "x", note: "until every node has ended" },
    { id: "repair", value: done.repairFrames + done.parityFrames, unit: "frames" },
  ];
}

const wanted = values.rows?.split(",") ?? Object.keys(ROWS);
const unknown = wanted.filter((row) => !(row in ROWS));
if (unknown.length > 0 || !(runs > 0)) {
  process.stderr.write(
    `usage: npm run bench:can -- [--json] [--runs N] [--rows ${Object.keys(ROWS).join(",")}] [--image FILE] [--bench FILE]\n`,
  );
  process.exit(2);
}
say("building the firmware of the boards");
await buildAvr(fromRoot("build/avr"));
buildBoard(BOARDS.stm32f072);
const figures: Figure[] = [];
if (values.bench !== undefined) figures.push(...(await ownBench(values.bench)));
else for (const row of wanted) figures.push(...(await (ROWS[row] as () => Promise<Figure[]>)()));
say("");
report({ command: "bench:can", figures });
