// `npm run proof:board`: the firmware on the simulated AVR board under a full CAN bus, with its power cut, and second opinions
// on the simulators: simavr runs the same programs for the same number of cycles, Unicorn for the same number of instructions.

import { execFileSync, spawnSync } from "node:child_process";
import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { StoreState } from "../assembly/spec/cell.ts";
import { Err } from "../assembly/spec/errors.ts";
import { newMedia } from "../host/boards/avr/board.ts";
import { Chip, flashOf, Reset } from "../host/boards/avr/chip.ts";
import type { DebugPort } from "../host/boards/avr/debug-port.ts";
import { TIMERS, Timer } from "../host/boards/avr/timer.ts";
import { USART0, Usart } from "../host/boards/avr/usart.ts";
import { readElf } from "../host/formats/elf.ts";
import {
  type BoardRig,
  startBoard,
  startOnFullBus,
  useFirmware,
} from "../tests/drivers/avr-board.ts";
import { DIVIDER, KEEPER, LISTENER, OID } from "../tests/drivers/board-rig.ts";
import { guestOf } from "../tests/drivers/guest.ts";
import { readFirmware as readStm32 } from "../tests/drivers/stm32.ts";
import { type ThumbChip, thumbCore } from "../tests/drivers/unicorn.ts";
import { buildBareNode, CORE_FLAGS } from "./avr-build.ts";
import { buildProgram, CHIP_FOLDER, CHIP_PROGRAMS } from "./bench/programs.ts";
import { countedCore, runProgram } from "./bench-stm32.ts";
import { type Figure, report } from "./figures.ts";
import { buildAvr } from "./firmware/avr.ts";
import { fromRoot } from "./root.ts";
import { BOARDS, buildBoard } from "./stm32-build.ts";

// ---- A full bus ----

const RUN_MS = 500;

/** One app takes all frames, another never yields, and the bus is never idle. */
async function fillBus(bytes: number): Promise<Figure[]> {
  const frameOf = (n: number) => ({ id: 0x123, data: new Uint8Array(bytes).fill(n) });
  const { rig, longest } = await startOnFullBus(frameOf);
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
      note: `of the controller, of ${rig.board.wire.frames - before} in ${RUN_MS} ms at 500 kbit/s`,
    },
    {
      id: `${id}.dropped`,
      value: rig.board.overruns - rig.board.can.overruns,
      unit: "frames",
      note: "by the driver, whose ring was full: every frame goes to the app, which takes longer than the bus; counted up to 255",
    },
  ];
}

async function measureStart(): Promise<Figure> {
  const { up_us } = await startBoard();
  const value = Math.round(up_us / 100) / 10;
  return { id: "start", value, unit: "ms", note: "power-on until a store of 8 KiB is mounted" };
}

// ---- Power ----

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
    rig.node.load(KEEPER);
    const found = rig.node.getValue(OID);
    const wanted = 0x4000 + round - 1;
    if (found === wanted) kept++;
    if (rig.node.store().state !== StoreState.READY) wrong++;
    if (round > 0 && found !== wanted && found !== known) wrong++;
    known = found;
    rig.node.setValue(OID, 0x4000 + round);
    rig.node.saveValue(OID);
    rig.machine.live.runExactly(random() % SAVING[medium]);
    media = rig.board.powerOff();
  }
  const id = `power_off.${medium}`;
  const note = `of ${rounds} behind a power-off at a random cycle`;
  return [
    { id: `${id}.wrong`, value: wrong, unit: "starts", must: "== 0", note },
    { id: `${id}.saved`, value: kept, unit: "values", must: ">= 1", note: "the others in vain" },
  ];
}

// ---- Turns ----

/** 1.5 ms at 16 MHz. */
const TURN_LIMIT = "<= 24000";
const VALUES = 64;
/** As many values as a node holds, kept all. */
const VALUES_IMAGE = guestOf(
  `.value ${JSON.stringify(
    Array.from({ length: VALUES }, (_, id) => {
      return { group: 2, id, name: `v${id}`, init: 1, persist_key: 100 + id };
    }),
  )}\nRET`,
  "many",
).image;
/** End of linear memory: free without a large app. */
const BLOCK_BUFFER = 0x3900;
/** SAVE_MS of targets/common/main.c: no save goes on for longer. */
const SAVE_MS = 3000;
/** Cells for all values and their merges. */
const CELLS = 252;

/** Longest stretches in cycles, sleep and what the debugger calls left out: of the main loop, of the core in it. */
function watchTurns({ board, machine }: BoardRig): { turn: number; core: number } {
  const { chip, firmware } = board;
  const port = machine.live.port as DebugPort;
  const longest = { turn: 0, core: 0 };
  const now = () => chip.clock.now - chip.sleptCycles - port.spentCycles;
  const at = (symbol: string, call: () => void) => {
    chip.hook(firmware.addressOf(symbol) ?? 0, call);
  };
  let turn = now();
  let core = now();
  at("board_turn", () => {
    longest.turn = Math.max(longest.turn, now() - turn);
    turn = now();
  });
  at("board_supply_fails", () => {
    core = now();
  });
  at("hsx_rest", () => {
    longest.core = Math.max(longest.core, now() - core);
  });
  return longest;
}

/** What goes on besides an app of the slowest instructions. */
const BUSY_WITH = {
  apps: "an app of divisions, a value that changes",
  loads: "besides, an app that is loaded, saves and is killed",
  bus: "besides, a bus that is never idle and an app that takes its frames",
} as const;

async function measureTurns(what: keyof typeof BUSY_WITH): Promise<Figure[]> {
  const rig = await startBoard();
  const { node, machine, board } = rig;
  node.load(DIVIDER);
  if (what === "bus") node.load(LISTENER);
  let pid = node.load(KEEPER);
  node.run(10);
  const longest = watchTurns(rig);
  if (what === "bus") {
    machine.live.partner.source = () => ({ id: 0x123, data: new Uint8Array(8) });
    board.wire.wake();
  }
  for (let round = 0; round < 6; round++) {
    if (what !== "apps") {
      node.kill(pid);
      pid = node.load(KEEPER);
    }
    node.setValue(OID, 0x4000 + round);
    node.run(150); // longer than the debounce
  }
  const id = `turn.${what}`;
  return [
    { id, value: longest.turn, unit: "cycles", must: TURN_LIMIT, note: BUSY_WITH[what] },
    { id: `${id}.core`, value: longest.core, unit: "cycles", note: "of it one call of the core" },
  ];
}

/** A card is read block by block by calls of the driver between turns, as a core would. */
async function measureCard(): Promise<Figure[]> {
  const rig = await startBoard({
    media: newMedia("MB85RS64V", 4096),
    sd: { isHighCapacity: true },
  });
  const { machine, node } = rig;
  const port = machine.live.port as DebugPort;
  const read = port.function({ symbol: "sd_read", params: ["u32", "u16"], result: "s8" });
  node.load(DIVIDER);
  node.run(10);
  const longest = watchTurns(rig);
  let call = 0;
  for (let block = 0; block < 32; block++) {
    let result: number | undefined = Err.BUSY;
    while (result === Err.BUSY) {
      result = read?.(block, BLOCK_BUFFER);
      call = Math.max(call, port.lastCycles);
      machine.advance(100);
    }
    if (result !== 0) throw new Error(`block ${block}: ${result}`);
  }
  const note = "32 blocks of a card, an app of divisions";
  return [
    { id: "sd.call", value: call, unit: "cycles", must: TURN_LIMIT, note: `longest, ${note}` },
    { id: "sd.turn", value: longest.turn, unit: "cycles", must: TURN_LIMIT, note: "besides" },
  ];
}

/** All values have changed when the supply warns: until they are saved, as the firmware sees it. */
async function measureSave(medium: keyof typeof SAVING): Promise<Figure> {
  const rig = await startBoard({}, ({ framSocket }) => {
    if (medium === "eeprom") framSocket.fault = "absent";
  });
  const { node, machine, board } = rig;
  node.formatStore(CELLS);
  node.load(VALUES_IMAGE);
  const change = (f16: number) => {
    for (const { oid } of node.values()) node.setValue(oid, f16);
  };
  change(0x4000);
  node.run(20_000); // each value has its cell
  change(0x4200);
  const unsaved = () => node.values().filter(({ isDirty }) => isDirty).length;
  const dirty = unsaved();
  board.warnOfPowerFail(true);
  const began = machine.now_us;
  machine.advance(1);
  if (dirty !== VALUES || unsaved() !== 0) throw new Error(`${dirty} to save, ${unsaved()} left`);
  return {
    id: `power_fail.${medium}`,
    value: Math.round((machine.now_us - began) / 10) / 100,
    unit: "ms",
    must: `<= ${SAVE_MS}`,
    note: `from the warning until ${VALUES} values are saved`,
  };
}

// ---- simavr ----

const TIME_MAX = 400_000_000;

/** The program with an image in its flash. */
function buildAlone(name: string, folder: string): string {
  mkdirSync(folder, { recursive: true });
  const bytes = [...buildProgram(CHIP_FOLDER, name).image].join(", ");
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
  return Object.keys(CHIP_PROGRAMS).map((name) => {
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

// ---- Unicorn ----

/** The core of the F405's firmware, on our Cortex-M4 and on Unicorn's: as many instructions for the same program. */
async function compareCores(): Promise<Figure[]> {
  buildBoard(BOARDS.stm32f405);
  const firmware = readStm32(fromRoot("build/stm32/stm32f405"));
  const figures: Figure[] = [];
  for (const name of Object.keys(CHIP_PROGRAMS)) {
    let chip: ThumbChip | undefined;
    const engine = thumbCore(firmware, fromRoot("build/unicorn"), (made) => {
      chip = made;
      made.countInstructions(true);
    });
    const here = await runProgram(countedCore("stm32f405", firmware), name);
    const there = await runProgram({ engine, count: () => chip?.instructions ?? 0 }, name);
    figures.push({
      id: `unicorn.${name}.difference`,
      value: Math.abs(here.instructions - there.instructions),
      unit: "instructions",
      must: "== 0",
      note: `${here.instructions} here, ${there.instructions} there`,
    });
  }
  return figures;
}

useFirmware((await buildAvr(fromRoot("build/avr"))).folder);
report({
  command: "proof:board",
  figures: [
    ...(await fillBus(8)),
    ...(await fillBus(0)),
    ...(await measureTurns("apps")),
    ...(await measureTurns("loads")),
    ...(await measureTurns("bus")),
    ...(await measureCard()),
    await measureSave("fram"),
    await measureSave("eeprom"),
    ...(await cutPower("fram", 40)),
    ...(await cutPower("eeprom", 20)),
    await measureStart(),
    ...compareSimulators(),
    ...(await compareCores()),
  ],
});
