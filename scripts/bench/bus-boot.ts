// Nodes without stored images, from power-on until all run what the manifest says, under a master that is there already.

import { ConfirmAfter, Source } from "../../assembly/spec/boot.ts";
import { ManifestHealth, ManifestSelect } from "../../assembly/spec/manifest.ts";
import { Bench } from "../../host/client/bench/bench.ts";
import { BenchClients } from "../../host/client/bench/sim-transport.ts";
import { BusMaster } from "../../host/client/bus/master.ts";
import { MemoryJournal } from "../../host/client/master/journal.ts";
import { PlantMaster } from "../../host/client/master/plant-master.ts";
import type { PlantEvent } from "../../host/client/master/roster.ts";
import { readBench } from "../../host/formats/bench.ts";
import type { Plant, PlantApp } from "../../host/formats/plant.ts";
import { plantImage } from "../../host/formats/plant-images.ts";
import { bulkImage, SOURCES } from "../../tests/drivers/bus-bench.ts";
import type { Figure, Limit } from "../figures.ts";

const NODES = 32;
const IMAGE_BYTES = 8192;
/** Power comes when the master has had its first look at an empty bus. */
const POWER_MS = 1000;
const MOST_MS = 10_000;

/** An app of the plant that runs from memory. */
function appOf(bytes: Uint8Array, name: string): PlantApp {
  const made = plantImage(name, bytes, `${name.toUpperCase()}.HXE`);
  if ("mistake" in made) throw new Error(made.mistake.message);
  return {
    name,
    image: made.file.known,
    group: 0,
    order: 0,
    restarts: 0,
    fallbackOnFault: false,
    source: Source.CAN,
    quantum: 0,
    attempts: 0,
    confirmAfter: ConfirmAfter.NEVER,
    health: { when: ManifestHealth.RUNS, oid: 0, min: 0, max: 0, limit_ms: 0, goesOn: false },
    delay_ms: 0,
    groupBase: 0,
    keyBase: 0,
    values: [],
  };
}

/** A plant whose nodes share so many apps, one each. */
function plantWith(apps: readonly PlantApp[], count: number): Plant {
  const nodes = Array.from({ length: count }, (_, n) => ({
    name: `n${n + 1}`,
    select: { kind: ManifestSelect.ID, number: n + 1 } as const,
    config: undefined,
    apps: [apps[n % apps.length] as PlantApp],
  }));
  return { name: "bench", version: 1, nodes };
}

/** Milliseconds from power-on until all nodes run their app, one of `count`. */
export async function bootTime_ms(count: number, nodes = NODES): Promise<number> {
  const text = `[[nodes]]\ncount = ${nodes}\ncrystal = 50\non = ${POWER_MS}\n`;
  const { bench: spec } = readBench(text, "bench");
  if (spec === undefined) throw new Error("no bench");
  const bench = await Bench.create(spec, SOURCES);
  const master = await BusMaster.open(new BenchClients(bench).client());
  const files = Array.from({ length: count }, (_, n) => bulkImage(IMAGE_BYTES, n + 1));
  const apps = files.map((bytes, n) => appOf(bytes, `app${n}`));
  const stop = new AbortController();
  bench.timeline.clock.after((POWER_MS + MOST_MS) * 1e6, () => stop.abort());
  let done_us: number | undefined;
  const tell = ({ kind, at_us }: PlantEvent) => {
    if (kind !== "converged") return;
    done_us = at_us;
    stop.abort();
  };
  const images = new Map(files.map((bytes, n) => [apps[n]?.image.crc ?? 0, bytes]));
  const options = {
    plant: plantWith(apps, nodes),
    images,
    journal: new MemoryJournal(),
    repairs: false,
    tell,
  };
  await new PlantMaster(master, options).run(stop.signal);
  if (done_us === undefined) throw new Error(`${nodes} nodes are not up after ${MOST_MS} ms`);
  return done_us / 1000 - POWER_MS;
}

/** The rows of a bus that powers up without stored images. */
export async function busBootFigures(): Promise<Figure[]> {
  const figures: Figure[] = [];
  for (const [count, must] of [
    [1, "<= 0.6"],
    [4, "<= 1.5"],
  ] as const satisfies readonly (readonly [number, Limit])[]) {
    figures.push({
      id: `boot.bus.${count === 1 ? "one" : "four"}`,
      value: Math.round(await bootTime_ms(count)) / 1000,
      unit: "s",
      must,
      note: `${NODES} cores in Node at 500 kbit/s, ${count === 1 ? "one app for all" : "four apps, each for eight nodes"}, of ${IMAGE_BYTES} bytes: power-on to all running, the master's census and their answers included`,
    });
  }
  return figures;
}
