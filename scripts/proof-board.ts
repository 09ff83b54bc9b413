// `npm run proof:board`: the firmware on the simulated AVR board under a full CAN bus, with its power cut, and a second opinion
// on the simulator: simavr runs the same programs for the same number of cycles.

import { execFileSync, spawnSync } from "node:child_process";
import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { StoreState } from "../assembly/spec/cell.ts";
import { newMedia } from "../host/boards/avr/board.ts";
import { Chip, flashOf, Reset } from "../host/boards/avr/chip.ts";
import { TIMERS, Timer } from "../host/boards/avr/timer.ts";
import { USART0, Usart } from "../host/boards/avr/usart.ts";
import { readElf } from "../host/formats/elf.ts";
import { assemble } from "../host/toolchain/assembler.ts";
import { link } from "../host/toolchain/linker.ts";
import {
  powerOff,
  startBoard,
  useFirmware,
  watchCanInterrupt,
} from "../tests/drivers/avr-board.ts";
import { guestOf } from "../tests/drivers/guest.ts";
import { buildBareNode, CORE_FLAGS } from "./avr-build.ts";
import { type Figure, report } from "./figures.ts";
import { buildAvr } from "./firmware/avr.ts";
import { fromRoot } from "./root.ts";

// ---- A full bus ----

const LISTENER = `
   LDI R1, 0
   LDI R2, 0
   SVC 0x201
   LDI32 R1, name
   SVC 0x500
   MOV R9, R1
wait:
   MOV R1, R9
   LDI32 R2, buffer
   LDI R3, 16
   LDI32 R4, 0xFFFF
   LDI R5, 0
   SVC 0x503
   JMP wait
.data
name: .asciz "hal:can:rx"
.bss
buffer: .zero 16
`;
const RUN_MS = 500;

/** One app takes all frames, another never yields, and the bus is never idle. */
async function fillBus(bytes: number): Promise<Figure[]> {
  const rig = await startBoard();
  rig.node.load(guestOf("loop:\nADD R1, R1, R1\nJMP loop", "endless").image);
  rig.node.load(guestOf(LISTENER, "listener").image);
  rig.node.run(10);
  const longest = watchCanInterrupt(rig);
  const { partner } = rig.machine.live;
  let n = 0;
  partner.source = () => ({ id: 0x123, data: new Uint8Array(bytes).fill(n++) });
  rig.board.wire.wake();
  const before = rig.board.wire.frames;
  rig.node.run(RUN_MS);
  const id = `can.${bytes}_bytes`;
  return [
    {
      id: `${id}.interrupt`,
      value: longest(),
      unit: "cycles",
      must: "<= 650",
      aim: "<= 500",
      note: "longest, entry and return included, the frame kept",
    },
    {
      id: `${id}.overruns`,
      value: rig.board.can.overruns,
      unit: "frames",
      must: "== 0",
      note: `of ${rig.board.wire.frames - before} in ${RUN_MS} ms at 500 kbit/s`,
    },
  ];
}

async function measureStart(): Promise<Figure> {
  const { up_us } = await startBoard();
  const value = Math.round(up_us / 100) / 10;
  return { id: "start", value, unit: "ms", note: "power-on until a store of 8 KiB is mounted" };
}

// ---- Power ----

const VALUE = guestOf(
  '.value {"group":1,"id":1,"name":"v","init":1,"persist_key":7}\nRET',
  "keeper",
).image;
const OID = 0x101;
const INIT = 0x3c00; // binary16 of 1
/** Cycles in which a value is saved: of EEPROM, up to ten bytes at 3.4 ms. */
const SAVING = { fram: 400_000, eeprom: 700_000 } as const;

function randomFrom(seed: number): () => number {
  let state = seed;
  return () => {
    state = (Math.imul(state, 0x41c64e6d) + 12345) >>> 0;
    return state >>> 8;
  };
}

/** The power goes at a random cycle while a value is saved; the next start must find the old one or the new one. */
async function cutPower(medium: keyof typeof SAVING, rounds: number): Promise<Figure[]> {
  const random = randomFrom(7);
  let media = newMedia("MB85RS64V");
  let known = INIT;
  let wrong = 0;
  let kept = 0;
  for (let round = 0; round <= rounds; round++) {
    const rig = await startBoard({ media, seed: round + 1 }, ({ framSocket, eeprom }) => {
      if (medium === "eeprom") framSocket.fault = "absent";
      eeprom.tear = () => random() & 0xff;
    });
    rig.node.load(VALUE);
    const found = rig.node.getValue(OID);
    const wanted = 0x4000 + round - 1;
    if (found === wanted) kept++;
    if (rig.node.store().state !== StoreState.READY) wrong++;
    if (round > 0 && found !== wanted && found !== known) wrong++;
    known = found;
    rig.node.setValue(OID, 0x4000 + round);
    rig.node.saveValue(OID);
    rig.machine.live.runExactly(random() % SAVING[medium]);
    media = powerOff(rig);
  }
  const id = `power_off.${medium}`;
  const note = `of ${rounds} behind a power-off at a random cycle`;
  return [
    { id: `${id}.wrong`, value: wrong, unit: "starts", must: "== 0", note },
    { id: `${id}.saved`, value: kept, unit: "values", must: ">= 1", note: "the others in vain" },
  ];
}

// ---- simavr ----

const PROGRAMS = ["countdown", "crc32", "sieve"] as const;
const TIME_MAX = 400_000_000;

function imageOf(name: string): Uint8Array {
  const file = fromRoot("scripts/bench/avr", `${name}.mvasm`);
  const { object } = assemble(readFileSync(file, "utf8"), { file });
  const image = object && link([object]).image;
  if (image === undefined) throw new Error(`${file} does not assemble`);
  return image;
}

/** The program with an image in its flash. */
function buildAlone(name: string, folder: string): string {
  mkdirSync(folder, { recursive: true });
  const bytes = [...imageOf(name)].join(", ");
  writeFileSync(
    join(folder, "image.h"),
    `#include <avr/pgmspace.h>\nstatic const u8 image[] PROGMEM = {${bytes}};\n`,
  );
  const elf = join(folder, `${name}.elf`);
  const bare = fromRoot("build/avr-bare");
  const include = ["-I", fromRoot("targets/common"), "-I", bare, "-I", folder];
  const link = ["-Wl,--gc-sections", "-Wl,--relax", "-Wl,-Tdata=0x803c00", "-lm", "-o", elf];
  const sources = [fromRoot("scripts/bench/avr/alone.c"), join(bare, "core.o")];
  execFileSync("avr-gcc", [...CORE_FLAGS, ...include, ...sources, ...link]);
  return elf;
}

/** The two numbers a program says: instructions and cycles. */
function numbersIn(text: string): number[] {
  return Array.from(text.matchAll(/(?:^|m|\n)([0-9a-f]{8})\b/g), ([, word = ""]) =>
    Number.parseInt(word, 16),
  );
}

function runHere(elf: string): number[] {
  const chip = new Chip(flashOf(readElf(readFileSync(elf))));
  new Timer(chip, TIMERS[1] as (typeof TIMERS)[number]);
  let text = "";
  const line = {
    onSent: (byte: number) => {
      text += String.fromCharCode(byte);
    },
  };
  new Usart(chip, USART0).line = line;
  chip.reset(Reset.POWER_ON);
  while (numbersIn(`${text} `).length < 2 && chip.clock.now < TIME_MAX)
    chip.run(chip.clock.now + 1_000_000);
  return numbersIn(text);
}

/** simavr shows what USART0 sends among its messages. */
function runInSimavr(elf: string): number[] {
  const { stdout, stderr, error } = spawnSync(
    "simavr",
    ["-m", "atmega1284p", "-f", "16000000", elf],
    { encoding: "utf8", timeout: 120_000 },
  );
  if (error !== undefined) throw error;
  return numbersIn(stdout + stderr);
}

function compareSimulators(): Figure[] {
  buildBareNode();
  return PROGRAMS.map((name) => {
    const elf = buildAlone(name, fromRoot("build/avr-alone"));
    const [instructions = 0, cycles = 0] = runHere(elf);
    const [, other = 0] = runInSimavr(elf);
    return {
      id: `simavr.${name}.difference`,
      value: Math.abs(cycles - other),
      unit: "cycles",
      must: "== 0",
      note: `${cycles} here, ${other} there, for ${instructions} instructions`,
    };
  });
}

useFirmware((await buildAvr(fromRoot("build/avr"))).folder);
report({
  command: "proof:board",
  figures: [
    ...(await fillBus(8)),
    ...(await fillBus(0)),
    ...(await cutPower("fram", 40)),
    ...(await cutPower("eeprom", 20)),
    await measureStart(),
    ...compareSimulators(),
  ],
});
