// Symbols and source lines of an image, from the .sym file beside it; and a fault in those words.

import { Stop, TaskState } from "../../assembly/spec/node.ts";
import type { TaskInfo } from "../client/records.ts";
import { hex } from "../formats/text.ts";
import { readTextIfAny } from "./files.ts";
import { fileCrc } from "./image.ts";
import { memberText } from "./words.ts";

interface SymbolRow {
  readonly name: string;
  readonly section: string;
  readonly address: number;
}
interface LineRow {
  readonly section: string;
  readonly address: number;
  readonly size: number;
  readonly file: string;
  readonly line: number;
}

/** What `hsx build --symbols` writes. */
export interface Symbols {
  /** What the image is known by: its length and the CRC-32 over every byte. */
  readonly size: number;
  readonly crc32: number;
  readonly symbols: readonly SymbolRow[];
  readonly lines: readonly LineRow[];
}

/** Where a pc is, in the words of the source. */
export interface Place {
  readonly symbol?: string;
  /** Bytes behind the symbol. */
  readonly offset?: number;
  readonly file?: string;
  readonly line?: number;
}

function symbolFile(image: string): string {
  return `${image.replace(/\.hxe$/i, "")}.sym`;
}

/** Symbols of an image. `isStale`: the file beside it belongs to another build. */
export function readSymbols(
  path: string,
  image: Uint8Array,
): { symbols?: Symbols; isStale: boolean } {
  const text = readTextIfAny(symbolFile(path));
  if (text === undefined) return { isStale: false };
  try {
    const symbols = JSON.parse(text) as Symbols;
    const isSame = symbols.size === image.length && symbols.crc32 === fileCrc(image);
    return isSame ? { symbols, isStale: false } : { isStale: true };
  } catch {
    return { isStale: true };
  }
}

/** Where a pc is: the last symbol before it, and its source line. */
export function placeOf(symbols: Symbols | undefined, pc: number): Place {
  const code = symbols?.symbols.filter((s) => s.section === "text" && s.address <= pc) ?? [];
  const symbol = code.sort((a, b) => b.address - a.address)[0];
  const line = symbols?.lines.find(
    (l) => l.section === "text" && pc >= l.address && pc < l.address + l.size,
  );
  return {
    ...(symbol ? { symbol: symbol.name, offset: pc - symbol.address } : {}),
    ...(line ? { file: line.file, line: line.line } : {}),
  };
}

/** `loop+8 (blink.mvasm:21)`; empty without symbols. */
export function placeText({ symbol, offset, file, line }: Place): string {
  const name = symbol === undefined ? "" : ` ${symbol}${offset ? `+${offset}` : ""}`;
  return file === undefined ? name : `${name} (${file}:${line})`;
}

const STOPS: Partial<Record<Stop, string>> = {
  [Stop.MEMORY]: "reached outside its memory",
  [Stop.DIV_ZERO]: "divided by zero",
  [Stop.STACK_OVERFLOW]: "overflowed its stack",
  [Stop.STACK_UNDERFLOW]: "popped from an empty stack",
  [Stop.ILLEGAL]: "met an unknown opcode",
  [Stop.PC]: "ran out of its code",
  [Stop.CODE]: "could not be read any more from its slot",
};

/** One sentence about a faulted task. */
export function faultText(
  task: Pick<TaskInfo, "pid" | "name" | "stop" | "pc">,
  place: Place,
): string {
  const what = STOPS[task.stop] ?? `stopped with ${Stop[task.stop]}`;
  return `task ${task.pid} (${task.name}) ${what}: ${Stop[task.stop]} at pc ${hex(task.pc, 4)}${placeText(place)}`;
}

/** States as people read them: `backing off`. */
export function stateText(task: Pick<TaskInfo, "state">): string {
  return memberText(TaskState, task.state);
}

/** Whether a task will not run again by itself. */
export function hasEnded(task: Pick<TaskInfo, "state">): boolean {
  return [TaskState.EXITED, TaskState.RETURNED, TaskState.FAULTED].includes(task.state);
}
