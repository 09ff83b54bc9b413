// A board that runs with every change of its media noted with its cycle: so what they hold when the power goes at any cycle is known
// without running to it again.

import { createHash } from "node:crypto";
import { AvrBoard } from "../../host/boards/avr/board.ts";
import { Stm32Board } from "../../host/boards/stm32/board.ts";
import type { Random } from "../oracle/random.ts";
import { type BoardRig, startRig } from "./board-rig.ts";
import type { Memory, Region } from "./chip-board.ts";

/** A change of a medium: until `from` the bytes are the old ones, from `to` on the new ones, and torn in between. */
export interface Change {
  readonly from: number;
  readonly to: number;
  readonly region: Region;
  readonly address: number;
  readonly wanted: Uint8Array;
}

export function copyOf({ fram, eeprom, flash }: Memory): Memory {
  return { fram: fram.slice(), eeprom: eeprom.slice(), flash: flash.slice() };
}
export function digestOf({ fram, eeprom, flash }: Memory): string {
  return createHash("sha1").update(fram).update(eeprom).update(flash).digest("hex");
}

// ---- Cutting ----

/** What the power leaves of a byte in flight: each bit old or new, or all of it chance. */
function torn(old: number, wanted: number, random: Random): number {
  const mask = random.below(256);
  return random.oneIn(2) ? (old & ~mask) | (wanted & mask) : mask;
}
/** What media hold when the power goes at a cycle. */
export function memoryAt(
  before: Memory,
  journal: readonly Change[],
  cycle: number,
  random: Random,
): Memory {
  const memory = copyOf(before);
  for (const { from, to, region, address, wanted } of journal) {
    if (from > cycle) break;
    const bytes = memory[region];
    wanted.forEach((byte, n) => {
      bytes[address + n] = to <= cycle ? byte : torn(bytes[address + n] as number, byte, random);
    });
  }
  return memory;
}

/** The same changes at the same times, the last of them first. */
export function reversed(journal: readonly Change[]): Change[] {
  return journal.map(({ from, to }, n) => ({ ...(journal.at(-1 - n) as Change), from, to }));
}

/** A cycle to cut at. Every other one is in a change, or just behind one: else most cuts would find nothing going on. */
export function cutCycle(
  journal: readonly Change[],
  { start, end }: { readonly start: number; readonly end: number },
  random: Random,
): number {
  const change = random.oneIn(2) ? journal[random.below(journal.length)] : undefined;
  if (change === undefined) return start + random.below(end - start);
  return change.from + random.below(1 + change.to - change.from);
}

// ---- Running ----

/** A board with power, and all that its media have changed since. */
export interface Powered extends BoardRig<AvrBoard | Stm32Board> {
  readonly journal: readonly Change[];
  /** Cycles since power-on. */
  readonly now: number;
  /** What the media hold now. */
  memory(): Memory;
}

/** Has every change of a board's media noted. `fram`: what its FRAM holds. */
function noteChanges(board: AvrBoard | Stm32Board, fram: Uint8Array): Change[] {
  const journal: Change[] = [];
  const { clock } = board.chip;
  const note = (region: Region, address: number, wanted: Uint8Array, cycles = 0) =>
    void journal.push({ from: clock.now, to: clock.now + cycles, region, address, wanted });
  board.fram.onWrite = (address) => note("fram", address, fram.slice(address, address + 1));
  if (board instanceof AvrBoard)
    board.eeprom.onProgram = (address, byte, cycles) =>
      note("eeprom", address, Uint8Array.of(byte), cycles);
  else
    board.chip.onFlash = (address, wanted, us) =>
      note("flash", address, wanted, us * (clock.hz / 1e6));
  return journal;
}

/** Starts a board on media that are its own and change from here on; ends when its node has mounted. */
export async function powerOn(board: AvrBoard | Stm32Board, media: Memory): Promise<Powered> {
  const journal = noteChanges(board, media.fram);
  const rig = await startRig(board);
  const { chip } = board;
  return {
    ...rig,
    journal,
    get now() {
      return chip.clock.now;
    },
    memory: () =>
      copyOf(
        board instanceof Stm32Board
          ? { ...media, flash: Uint8Array.from(board.chip.flash.bytes) }
          : media,
      ),
  };
}

/** Time in which a value must be saved. */
const SAVE_MOST_MS = 500;

/** Sets a value and runs until it is saved. `value`: binary16. */
export function setAndSave({ node, machine }: Powered, oid: number, value: number): void {
  node.setValue(oid, value);
  node.saveValue(oid);
  for (let ms = 0; node.values().some(({ isDirty }) => isDirty); ms++) {
    if (ms === SAVE_MOST_MS) throw new Error("it is not saved");
    machine.advance(1000);
  }
}
