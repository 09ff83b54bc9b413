// A firmware on a simulated board with its own drivers, for tests: apps loaded by a debugger, the outside within reach; and
// the apps that tests of all boards load.

import { StoreState } from "../../assembly/spec/cell.ts";
import { Err } from "../../assembly/spec/errors.ts";
import type { Board } from "../../host/boards/live.ts";
import { BoardMachine, startBoardNode } from "../../host/client/board-node.ts";
import type { LocalNode } from "../../host/client/local-node.ts";
import type { TaskInfo } from "../../host/client/records.ts";
import { guestOf } from "./guest.ts";

export interface BoardRig<B extends Board> {
  readonly machine: BoardMachine<B>;
  readonly board: B;
  readonly node: LocalNode;
  /** Time from power-on until the store was mounted. */
  readonly up_us: number;
  /** What was written to the console since power-on. */
  console(): string;
}

/** Runs a board that has power until its node has mounted, formatting a blank store. */
export async function startRig<B extends Board>(board: B): Promise<BoardRig<B>> {
  let text = "";
  const machine = new BoardMachine(board, {
    onUart: (bytes) => {
      text += Buffer.from(bytes).toString("latin1");
    },
  });
  const node = await startBoardNode(machine);
  const up_us = machine.now_us;
  if (node.store().state === StoreState.BLANK) node.formatStore();
  return { machine, board, node, up_us, console: () => text };
}

// ---- The SD card ----

/** A card whose block n holds 500 bytes n, and zeros behind them. */
export function cardOf(blocks: number): Uint8Array {
  const card = new Uint8Array(512 * blocks);
  for (let n = 0; n < blocks; n++) card.fill(n & 0xff, 512 * n, 512 * n + 500);
  return card;
}

/** The card as the core sees it. */
export interface CardReader {
  blocks(): number | undefined;
  /** Asks for a block once. */
  ask(block: number): void;
  /** Reads a block, as often as the driver is busy; then what it says, and the first and the last byte. */
  read(block: number, between?: (n: number) => void): (string | number | undefined)[];
}

/** The HAL's functions for the card, called between two polls. `buffer`: 512 bytes of linear memory that are free. */
export function cardReader<B extends Board>(
  { machine, board }: BoardRig<B>,
  buffer: number,
): CardReader {
  const { port } = machine.live;
  const blocks = port.function({ symbol: "sd_blocks", params: [], result: "u32" });
  const once = port.function({ symbol: "sd_read", params: ["u32", "u16"], result: "s8" });
  return {
    blocks: () => blocks?.(),
    ask: (block) => once?.(block, buffer),
    read(block, between = () => {}) {
      for (let n = 0; n < 2000; n++) {
        const err = once?.(block, buffer) ?? 0;
        const data = new Uint8Array(board.memory, buffer, 512);
        if (err !== Err.BUSY) return [err === Err.OK ? "OK" : Err[err], data[0], data[511]];
        between(n);
        machine.advance(100);
      }
      return ["BUSY for ever"];
    },
  };
}

// ---- Apps ----

/** Never yields. */
export const ENDLESS = guestOf("loop:\nADD R1, R1, R1\nJMP loop", "endless").image;
/** Has a value that is kept: id 1.1, 1 at first. */
export const KEEPER = guestOf(
  '.value {"group":1,"id":1,"name":"v","init":1,"persist_key":7}\nRET',
  "keeper",
).image;
export const OID = 0x101;
/** Lets all frames in and takes them one by one; R7 counts them. */
export const LISTENER = guestOf(
  `LDI R1, 0
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
   LDI R8, 1
   ADD R7, R7, R8
   JMP wait
   .data
   name: .asciz "hal:can:rx"
   .bss
   buffer: .zero 16`,
  "listener",
).image;
/** The slowest instruction: an endless division of 7 by -1. */
export const DIVIDER = guestOf(
  `LDI R1, 7\nLDI32 R2, 0xFFFFFFFF\nloop:\n${"DIV R3, R2, R1\n".repeat(60)}JMP loop`,
  "divider",
).image;
const PROBE = guestOf("LDI R0, 42\nRET", "probe").image;

/** Loads an app of one instruction and returns what became of its task. */
export function runProbe(node: LocalNode): TaskInfo | undefined {
  const pid = node.load(PROBE);
  node.run(50);
  const task = node.task(pid);
  node.kill(pid);
  return task;
}
