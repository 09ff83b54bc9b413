// Proves the check of images on hostile files: every truncation, bit flip and extreme field, and 100,000 mutations.
// `--count n` sets another number of mutations, `--seed n` another seed.

import { readFileSync } from "node:fs";
import { parseArgs } from "node:util";
import { LoadFuzzer } from "../tests/drivers/load-fuzz.ts";
import {
  bitFlips,
  extremes,
  type FuzzCounts,
  ImageFuzzer,
  mutate,
  poison,
  truncations,
} from "../tests/oracle/image-fuzz.ts";
import { ImageRoom } from "../tests/oracle/image-room.ts";
import { RESIDENT, SAMPLES, withChecksum } from "../tests/oracle/image-samples.ts";
import { Random } from "../tests/oracle/random.ts";
import type { ProfileName } from "../tests/probes/compile.ts";
import { type Figure, report } from "./figures.ts";
import { fromRoot } from "./root.ts";

const { values } = parseArgs({
  options: {
    json: { type: "boolean" },
    count: { type: "string", default: "100000" },
    seed: { type: "string", default: "1" },
  },
});
const count = Number(values.count);
const seed = Number(values.seed);
const samples = Object.values(SAMPLES);

function* each(make: (file: Uint8Array) => Iterable<Uint8Array>): Generator<Uint8Array> {
  for (const file of samples) yield* make(file);
}

function* sealed(files: Iterable<Uint8Array>): Generator<Uint8Array> {
  for (const file of files) yield withChecksum(file);
}

function* mutations(random: Random): Generator<Uint8Array> {
  for (let n = 0; n < count; n++) yield mutate(random.pick(samples), random);
}

/** Judges all files; the first that is not judged as it must be ends the run with its bytes. */
function prove(room: ImageRoom, files: Iterable<Uint8Array>, random: Random): FuzzCounts {
  const fuzzer = new ImageFuzzer(room);
  for (const file of files) {
    try {
      fuzzer.run(file, random);
    } catch (error) {
      throw new Error(`seed ${seed}, image ${Buffer.from(file).toString("hex")}`, { cause: error });
    }
  }
  return fuzzer.counts;
}

function figuresOf(id: string, { files, accepted, calls }: FuzzCounts): Figure[] {
  return [
    { id, value: files, unit: "images", note: `${accepted} sound, the rest refused` },
    {
      id: `${id}.calls`,
      value: calls,
      unit: "calls",
      must: "<= 20000",
      note: "most for one image",
    },
  ];
}

/** The same files, sealed or not, against a whole node with an app on it. */
async function proveLoads(profile: ProfileName, files: Iterable<Uint8Array>): Promise<Figure> {
  const wasm = readFileSync(fromRoot(`build/core/${profile}.wasm`));
  const fuzzer = await LoadFuzzer.create(wasm, profile, RESIDENT);
  const random = new Random(seed);
  for (const file of files) fuzzer.offer(file, random);
  const { images, taken, refused } = fuzzer.counts;
  const note = `${taken} loaded and removed, ${refused} refused; nothing stayed of any`;
  return { id: `${profile}.loads`, value: images, unit: "images", note };
}

const figures: Figure[] = [];
for (const profile of ["small", "large", "desktop"] as const) {
  const room = await ImageRoom.create(profile);
  poison(room);
  const random = new Random(seed);
  const runs: Record<string, Iterable<Uint8Array>> = {
    samples,
    truncations: each(truncations),
    truncations_sealed: sealed(each(truncations)),
    bit_flips: each(bitFlips),
    bit_flips_sealed: sealed(each(bitFlips)),
    extremes: each((file) => extremes(file, 1)),
    mutations: mutations(random),
  };
  // The exhaustive runs differ between profiles by capacity only, which the samples do not reach.
  const names = profile === "small" ? Object.keys(runs) : ["samples", "mutations"];
  for (const name of names) {
    figures.push(...figuresOf(`${profile}.${name}`, prove(room, runs[name] ?? [], random)));
  }
  figures.push(await proveLoads(profile, mutations(new Random(seed))));
}
report({ command: "proof:image", figures });
