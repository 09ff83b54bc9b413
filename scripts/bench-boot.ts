// `npm run bench:boot`: how long nodes take from power-on until their apps run, and what that costs. --json, --rows card,bus,
// --firmware FOLDER: one that is built.

import { readFileSync } from "node:fs";
import { parseArgs } from "node:util";
import { ManifestSelect } from "../assembly/spec/manifest.ts";
import { AvrBoard, newMedia } from "../host/boards/avr/board.ts";
import { Firmware } from "../host/boards/avr/firmware.ts";
import { readElf } from "../host/formats/elf.ts";
import { manifestOf, plantApp, plantCard } from "../tests/drivers/card-plant.ts";
import { guestOf } from "../tests/drivers/guest.ts";
import { busBootFigures } from "./bench/bus-boot.ts";
import { PROFILES } from "./core.ts";
import { type Figure, report } from "./figures.ts";
import { buildAvr } from "./firmware/avr.ts";
import { constant, readMemoryMap } from "./memory-map.ts";
import { fromRoot } from "./root.ts";

const UID = Uint8Array.of(1, 2, 3, 4, 5, 6, 7, 8);
/** Where the AVR board keeps its id (docs/boards.md). */
const UID_AT = 4081;
const APP_BYTES = 8192;
/** Tries of a card to start: with so many it takes the 100 ms of the row's title. */
const INIT_TRIES = 126;
const INIT_MS = 100;

/** An app of so many bytes that says R on the console as the first thing it does. */
function loudApp(bytes: number): Uint8Array {
  const source = (words: number) =>
    `LDI32 R1, text\nLDI R2, 1\nSVC 0x101\nloop:\nLDI R0, 1000\nSVC 0x600\nJMP loop\n${"ADD R1, R1, R1\n".repeat(words)}.data\ntext: .ascii "R\\0\\0\\0"\n`;
  const empty = guestOf(source(0), "loud").image.length;
  const { image } = guestOf(source((bytes - empty) >> 2), "loud");
  if (image.length !== bytes) throw new Error(`the app has ${image.length} bytes, not ${bytes}`);
  return image;
}

/** Time from power-on until the card was ready, and until the app's first character left; ms. */
function bootFromCard(firmware: Firmware, app: Uint8Array): { ready: number; running: number } {
  const select = { kind: ManifestSelect.UID, uid: UID } as const;
  const sd = plantCard(manifestOf([plantApp(app, "LOUD.HXE")], { select }), { "LOUD.HXE": app });
  const media = { ...newMedia("MB85RS64V"), sd };
  media.eeprom.set(UID, UID_AT);
  const card = { isHighCapacity: true, initTries: INIT_TRIES };
  const board = new AvrBoard(firmware, { fram: "MB85RS64V", media, sd: card });
  let [ready, running] = [0, 0];
  board.onConsole = (byte) => {
    if (byte === 0x52 && running === 0) running = board.now_us / 1000;
  };
  for (let ms = 0; running === 0 && ms < 3000; ms++) {
    board.run_ms(1);
    if (ready === 0 && board.sd.isReady) ready = board.now_us / 1000;
  }
  if (running === 0) throw new Error("the app does not start from the card");
  return { ready, running };
}

/** Bytes of flash of functions whose names begin with one of these. */
function flashOf(elf: Uint8Array, prefixes: readonly string[]): number {
  let sum = 0;
  for (const [name, { size }] of readElf(elf).symbols) {
    if (prefixes.some((prefix) => name.startsWith(prefix))) sum += size;
  }
  return sum;
}

/** Memory that a card takes of a small node: of its arena while the card is read, and of its state. */
async function cardMemory(): Promise<{ arena: number; state: number }> {
  const small = PROFILES.find(({ name }) => name === "small");
  if (small === undefined) throw new Error("asconfig.json has no profile small");
  const map = await readMemoryMap(small);
  const header = 4; // of a block of the arena
  return {
    arena: constant(map, "CARD_MEMORY") + header,
    state: constant(map, "CARD_SIZE") + constant(map, "PLAN_SIZE"),
  };
}

async function cardFigures(folder: string): Promise<Figure[]> {
  const elf = readFileSync(`${folder}/hsx.elf`);
  const core = JSON.parse(readFileSync(`${folder}/core.json`, "utf8"));
  const { ready, running } = bootFromCard(new Firmware(elf, core), loudApp(APP_BYTES));
  const { arena, state } = await cardMemory();
  const late = Math.max(0, INIT_MS - ready);
  return [
    {
      id: "boot.card.avr",
      value: (running + late) / 1000,
      unit: "s",
      must: "<= 0.5",
      note: `power-on to the first character of an app of ${APP_BYTES} bytes, FAT16; the card was ready after ${ready.toFixed(0)} ms, counted as ${INIT_MS} at least`,
    },
    {
      id: "boot.card.staging",
      value: arena + state,
      unit: "B",
      must: "<= 1024",
      note: `${arena} of the arena while the card is read, ${state} of the state`,
    },
    {
      id: "boot.card.flash",
      value: flashOf(elf, ["sd_", "volume_", "file_"]),
      unit: "B",
      must: "<= 5120",
      note: "functions of the card's driver and of FAT; what the compiler shares between functions is not counted",
    },
    {
      id: "boot.card.flash.manifest",
      value: flashOf(elf, ["manifest_", "card_", "plan_"]),
      unit: "B",
      note: "manifest, values, start groups",
    },
  ];
}

const ROWS: Record<string, () => Promise<Figure[]>> = {
  card: async () => cardFigures(values.firmware ?? (await buildAvr(fromRoot("build/avr"))).folder),
  bus: busBootFigures,
};

const { values } = parseArgs({
  options: {
    json: { type: "boolean" },
    rows: { type: "string", default: "card,bus" },
    firmware: { type: "string" },
  },
});
const rows = values.rows.split(",");
if (rows.some((name) => ROWS[name] === undefined)) {
  console.error(
    `usage: npm run bench:boot -- [--json] [--rows ${Object.keys(ROWS).join(",")}] [--firmware FOLDER]`,
  );
  process.exit(2);
}
const figures: Figure[] = [];
for (const name of rows) figures.push(...((await ROWS[name]?.()) ?? []));
report({ command: "bench:boot", figures });
