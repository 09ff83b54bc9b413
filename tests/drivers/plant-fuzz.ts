// Manifests spoiled by chance: the text, the binary form, the card. Whoever reads them says what is wrong, or takes what is whole.

import { crc32 } from "node:zlib";
import { Random } from "../../host/bus/random.ts";
import { cardLayout, layCard } from "../../host/formats/fat-card.ts";
import { CardMistake, FatCard } from "../../host/formats/fat-reader.ts";
import { type CardContent, cardFiles, checkCard } from "../../host/formats/plant-card.ts";
import { readPlant } from "../../host/formats/plant-file.ts";
import type { ReadFile } from "../../host/formats/plant-images.ts";
import { encodePlant } from "../../host/formats/plant-manifest.ts";
import { decodePlant } from "../../host/formats/plant-manifest-reader.ts";
import { PLANT_IMAGES, PLANTS, plantText } from "./plants.ts";

export interface FuzzFigures {
  readonly runs: number;
  /** Those that were taken; all others were refused. */
  taken: number;
  readonly violations: string[];
}

const files: ReadFile = (name) => {
  const bytes = PLANT_IMAGES.get(name);
  return bytes === undefined ? { message: `no ${name}`, remedy: "name another" } : { bytes };
};

/** Pieces of manifests, for the places where a mutation puts something. */
const SCRAPS = [
  "[",
  "]",
  "{",
  "}",
  '"',
  "=",
  "\n",
  ",",
  ".",
  "#",
  "-1",
  "0",
  "65536",
  "1e9",
  "nan",
  "inf",
  "0x",
  "true",
  "[]",
  "{}",
  "1979-05-27",
  "after = ",
  "apps = ",
  "[apps.pump]\n",
  "[nodes.north]\n",
  '[groups.a]\nafter = ["a"]\n',
  "id = 1\n",
  'uid = "00"\n',
  "\u0000",
  "ä",
];

function pick<T>(random: Random, items: readonly T[]): T {
  return items[random.below(items.length)] as T;
}

/** Takes out, doubles, moves or puts in a piece of a text. */
function spoiledText(random: Random, text: string): string {
  const from = random.below(text.length);
  const to = Math.min(text.length, from + random.below(30));
  const piece = text.slice(from, to);
  const other = random.below(text.length);
  switch (random.below(4)) {
    case 0:
      return text.slice(0, from) + text.slice(to);
    case 1:
      return text.slice(0, from) + pick(random, SCRAPS) + text.slice(to);
    case 2:
      return text.slice(0, other) + piece + text.slice(other);
    default:
      return text.slice(0, from) + pick(random, SCRAPS) + text.slice(from);
  }
}

/** What is wrong with the outcome of reading a text; undefined: nothing. */
function textViolation(text: string, figures: FuzzFigures): string | undefined {
  const lines = text.split("\n").length;
  const { plant, diagnostics } = readPlant(text, "p.toml", files);
  if (plant === undefined) {
    const isTold = diagnostics.length > 0 && diagnostics.every((d) => d.message !== "" && d.remedy);
    const isPlaced = diagnostics.every((d) => d.line >= 1 && d.line <= lines && d.column >= 1);
    return isTold && isPlaced
      ? undefined
      : `refused without a place or a remedy: ${JSON.stringify(diagnostics)}`;
  }
  figures.taken++;
  const made = encodePlant(plant.plant);
  if ("message" in made) return `taken, and has no binary form: ${made.message}`;
  const again = decodePlant(made.bytes, "x").plant;
  return again !== undefined && sameBytes(encodePlant(again), made)
    ? undefined
    : "its binary form is refused";
}
type Encoded = ReturnType<typeof encodePlant>;
function sameBytes(a: Encoded, b: Encoded): boolean {
  return "bytes" in a && "bytes" in b && Buffer.compare(a.bytes, b.bytes) === 0;
}

/** Calls `run` so often, and notes what it throws or says as a violation, with what makes it again. */
function campaign(
  runs: number,
  seed: number,
  run: (random: Random, f: FuzzFigures) => string | undefined,
): FuzzFigures {
  const figures: FuzzFigures = { runs, taken: 0, violations: [] };
  for (let n = 0; n < runs; n++) {
    let wrong: string | undefined;
    try {
      wrong = run(new Random(seed + n), figures);
    } catch (error) {
      wrong = `thrown: ${(error as Error).stack}`;
    }
    if (wrong !== undefined) figures.violations.push(`seed ${seed + n}: ${wrong}`);
  }
  return figures;
}

/** Spoils the text of the example plants in one to four places. */
export function fuzzText(runs: number, seed: number): FuzzFigures {
  const texts = PLANTS.map(plantText);
  return campaign(runs, seed, (random, figures) => {
    let text = pick(random, texts);
    for (let n = random.below(4); n >= 0; n--) text = spoiledText(random, text);
    return textViolation(text, figures);
  });
}

/** The binary forms of the example plants. */
function manifests(): Uint8Array[] {
  return PLANTS.flatMap((name) => {
    const { plant } = readPlant(plantText(name), name, files);
    const made = plant && encodePlant(plant.plant);
    return made !== undefined && "bytes" in made ? [made.bytes] : [];
  });
}

/** Changes one to four bytes; `of` them, half are numbers at the edge of a field. */
function spoilBytes(random: Random, bytes: Uint8Array): void {
  for (let n = random.below(4); n >= 0; n--) {
    const byte = pick(random, [0, 1, 0x7f, 0x80, 0xff, random.below(256)]);
    bytes[random.below(bytes.length)] = byte;
  }
}

/** Spoils binary forms; half of them get a sum that is right again, so that only the fields can tell. */
export function fuzzBinary(runs: number, seed: number): FuzzFigures {
  const good = manifests();
  return campaign(runs, seed, (random, figures) => {
    const before = pick(random, good);
    const bytes = Buffer.from(
      random.below(8) === 0 ? before.subarray(0, random.below(before.length)) : before,
    );
    if (bytes.length > 0) spoilBytes(random, bytes);
    const isSummed = bytes.length > 4 && random.below(2) === 0;
    if (isSummed) bytes.writeUInt32LE(crc32(bytes.subarray(0, -4)), bytes.length - 4);
    const { plant, diagnostics } = decodePlant(Uint8Array.from(bytes), "HSX.HXM");
    if (plant === undefined) return diagnostics[0]?.remedy ? undefined : "refused without a remedy";
    figures.taken++;
    if (!isSummed && Buffer.compare(bytes, before) !== 0) return "damaged, and taken";
    const again = encodePlant(plant);
    return "bytes" in again && decodePlant(again.bytes, "x").plant !== undefined
      ? undefined
      : "taken, and not made again";
  });
}

const CARD_BYTES = 8 * 2 ** 20;

/** A card of the example with groups, and the pieces of it that hold anything. */
function exampleCard() {
  const text = plantText("pumps");
  const { plant } = readPlant(text, "pumps.toml", files);
  const layout = cardLayout(CARD_BYTES);
  const pieces = plant && layout && layCard(layout, cardFiles(plant, text), 1);
  const card = new Uint8Array(CARD_BYTES);
  for (const { at, bytes } of pieces ?? []) card.set(bytes, at);
  return { card, pieces: pieces ?? [] };
}

/** Whether `hsx sd check` would take a card. Undefined: yes. */
function cardMistake(card: Uint8Array): string | undefined {
  try {
    const fat = new FatCard((at, bytes) => card.subarray(at, at + bytes), card.length);
    const entries = fat.files();
    fat.checkShared(entries);
    const content: CardContent = {
      name: "card",
      files: entries,
      readFile: (index) => fat.readFile(entries[index] as (typeof entries)[number]),
    };
    return checkCard(content).diagnostics[0]?.message;
  } catch (error) {
    if (error instanceof CardMistake) return error.message;
    throw error;
  }
}

/** Spoils a card where it holds something. One that is taken has its manifest and its images as they were. */
export function fuzzCard(runs: number, seed: number): FuzzFigures {
  const { card, pieces } = exampleCard();
  const isImage = (bytes: Uint8Array) =>
    [...PLANT_IMAGES.values()].some((i) => Buffer.compare(i, bytes) === 0);
  const counts = pieces.filter(
    ({ bytes }) => isImage(bytes) || Buffer.from(bytes.subarray(0, 4)).toString() === "HSXM",
  );
  return campaign(runs, seed, (random, figures) => {
    const { at, bytes } = pick(random, pieces);
    const place = card.subarray(at, at + bytes.length);
    const was = place.slice();
    spoilBytes(random, place);
    const mistake = cardMistake(card);
    const isChanged = counts.some(
      (piece) =>
        Buffer.compare(card.subarray(piece.at, piece.at + piece.bytes.length), piece.bytes) !== 0,
    );
    place.set(was);
    if (mistake !== undefined) return undefined;
    figures.taken++;
    return isChanged ? "a manifest or an image is damaged, and the card taken" : undefined;
  });
}
