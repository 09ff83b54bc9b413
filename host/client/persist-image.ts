// A persistence image held by the core: what a node would find in it, and changes as a node would make them.

import {
  CELL_BYTES,
  CELL_TYPE_OFF,
  CellKind,
  CellType,
  NO_CELL,
  StoreState,
  TOMBSTONE,
} from "../../assembly/spec/cell.ts";
import { Err } from "../../assembly/spec/errors.ts";
import { countingCells, type LogLayout } from "../formats/persist-image.ts";
import { Core, type CoreSource } from "../node/core.ts";
import { Machine } from "../node/hal.ts";
import { logLayoutOf, type NvDevice } from "../node/nv.ts";
import {
  type AnyCellInfo,
  readAnyCell,
  readCell,
  readRefusal,
  readStore,
  type StoreInfo,
} from "./records.ts";
import { NodeError } from "./refusal.ts";

/** Steps after which a job that makes no progress is a defect. */
const STEPS_MAX = 10_000_000;

/** What a node finds for a key. */
export interface Found {
  readonly type: CellType;
  readonly key: number;
  /** Undefined: a damaged cell held it. */
  readonly value: number | undefined;
}

/** What a cell is, in words; the core's kinds, with those that are free told apart by their bytes. */
export type CellState = "live" | "blank" | "dead" | "old" | "damaged" | "unfinished";

export interface Cell extends AnyCellInfo {
  readonly state: CellState;
  readonly bytes: Uint8Array;
}

/** What a cell says of a key. */
export type Entry = Pick<Cell, "type" | "key" | "value">;

/** One bit that is wrong, and what the cell says without the mistake. */
export interface WrongBit {
  readonly address: number;
  readonly bit: number;
  readonly meant: Entry;
}

const STATES: Record<Exclude<CellKind, CellKind.FREE>, CellState> = {
  [CellKind.LIVE]: "live",
  [CellKind.DAMAGED]: "damaged",
  [CellKind.UNFINISHED]: "unfinished",
  [CellKind.NEARLY]: "unfinished",
};

/** Of a free cell: one that is marked is right for an earlier epoch. */
function freeState(bytes: Uint8Array): CellState {
  const [first] = bytes;
  if ((first === 0 || first === 0xff) && bytes.every((byte) => byte === first)) return "blank";
  const marker = bytes[CELL_TYPE_OFF] as number;
  const isMarked = marker !== CellType.DEAD && marker !== CellType.BLANK && marker in CellType;
  return isMarked ? "old" : "dead";
}

const isFilled = (bytes: Uint8Array, byte: number) => bytes.every((b) => b === byte);

/** State of a cell on flash that is not live; `next` follows it. What a cut tore is followed by no sound cell. */
function logState(cell: AnyCellInfo, bytes: Uint8Array, next: Uint8Array | undefined): CellState {
  if (isFilled(bytes, 0xff)) return "blank";
  const isEnded = cell.kind === CellKind.LIVE || bytes[CELL_TYPE_OFF] === TOMBSTONE;
  if (isEnded || isFilled(bytes, 0)) return "dead";
  const isLast = next === undefined || isFilled(next, 0xff) || isFilled(next, 0);
  return isLast ? "unfinished" : "damaged";
}

/** True for the younger of two versions of a key; their generations are never far apart. */
export function isYounger(a: AnyCellInfo, b: AnyCellInfo): boolean {
  return ((a.generation - b.generation) << 24) >> 24 > 0;
}

/** One device with its store mounted by a core that runs no app: nothing but the calls below changes it. */
export class PersistImage {
  private readonly core: Core;

  private constructor(
    core: Core,
    /** Its bytes are the image. */
    readonly device: NvDevice,
  ) {
    this.core = core;
  }

  /** Mounts a device, which writes nothing. `core`: of the desktop profile. */
  static async open(core: CoreSource, device: NvDevice): Promise<PersistImage> {
    const machine = new Machine({ nv: device });
    const image = new PersistImage(await Core.create(core, machine), device);
    image.x.hsx_start();
    image.finish();
    return image;
  }

  private get x() {
    return this.core.exports;
  }
  private check(result: number): number {
    if (result >= 0) return result;
    const refusal = readRefusal(this.core.refusal());
    throw new NodeError(result, refusal, { kind: "store", name: "the image" });
  }
  /** Runs the present job to its end and returns its result. */
  private finish(): number {
    for (let n = 0; n < STEPS_MAX; n++) {
      const result = this.x.hsx_cell_result();
      if (result !== Err.BUSY) return result;
    }
    throw new Error("a job of the store does not end");
  }

  info(): StoreInfo {
    this.check(this.x.hsx_store_info());
    return readStore(this.core.view());
  }
  get isReady(): boolean {
    return this.info().state === StoreState.READY;
  }

  // ---- Reading ----

  private cell(index: number): AnyCellInfo {
    const kind = this.check(this.x.hsx_cell_info(index));
    return readAnyCell(kind, index, this.core.view());
  }

  /** Every cell as it is; on flash those of the pages that count. */
  cells(): Cell[] {
    const log = logLayoutOf(this.device.geometry);
    if (log !== undefined) return this.logCells(log);
    return Array.from({ length: this.info().cells }, (_, index) => {
      const info = this.cell(index);
      const bytes = this.device.bytes.slice(info.address, info.address + CELL_BYTES);
      const state = info.kind === CellKind.FREE ? freeState(bytes) : STATES[info.kind];
      return { ...info, bytes, state };
    });
  }

  private logCells(log: LogLayout): Cell[] {
    const live = this.liveCells();
    const read = [...countingCells(this.device.bytes, log)]
      .sort((a, b) => a - b)
      .map((index) => {
        const info = this.cell(index);
        return { info, bytes: this.device.bytes.slice(info.address, info.address + CELL_BYTES) };
      });
    return read.map(({ info, bytes }, n) => {
      const next = read[n + 1];
      const follows = next?.info.cell === info.cell + 1 ? next.bytes : undefined;
      const state = live.has(info.cell) ? "live" : logState(info, bytes, follows);
      return { ...info, bytes, state };
    });
  }
  /** Numbers of the cells that hold what counts. */
  private liveCells(): Set<number> {
    const live = new Set<number>();
    for (let cell = 0; ; cell++) {
      cell = this.x.hsx_store_next(cell);
      if (cell === Err.NOT_FOUND) return live;
      live.add(this.check(cell));
    }
  }

  /** Cell of a key; undefined: it has none. Puts right what a power cut left, as the first search of a node does. */
  private findCell(type: CellType, key: number): number | undefined {
    this.check(this.x.hsx_cell_find(type, key));
    const result = this.finish();
    return result === Err.NOT_FOUND ? undefined : this.check(result);
  }

  /** What a node finds for a key; undefined: nothing. Puts right what a power cut left. */
  find(type: CellType, key: number): Found | undefined {
    try {
      const cell = this.findCell(type, key);
      if (cell === undefined) return undefined;
      this.check(this.x.hsx_store_next(cell));
      return { type, key, value: readCell(cell, this.core.view()).value };
    } catch (error) {
      if (!(error instanceof NodeError) || error.code !== Err.CORRUPT) throw error;
      return { type, key, value: undefined };
    }
  }

  /**
   * The wrong bit of a damaged cell: any two right cells differ in six bits, so there is one at most. Undefined: more
   * than one bit is wrong, or one wrong bit might as well make it a cell that a factory reset left behind.
   */
  wrongBit(cell: Cell): WrongBit | undefined {
    const mends: WrongBit[] = [];
    for (let n = 0; n < 8 * CELL_TYPE_OFF; n++) {
      const place = { address: cell.address + (n >> 3), bit: n & 7 };
      const { kind, type, key, value } = this.cellWithout(cell.cell, place);
      if (kind === CellKind.FREE) return undefined;
      if (kind === CellKind.LIVE) mends.push({ ...place, meant: { type, key, value } });
    }
    return mends.length === 1 ? mends[0] : undefined;
  }
  /** A cell as it would be with one bit turned over. */
  private cellWithout(index: number, { address, bit }: Omit<WrongBit, "meant">): AnyCellInfo {
    const { bytes } = this.device;
    const byte = bytes[address] as number;
    bytes[address] = byte ^ (1 << bit);
    const info = this.cell(index);
    bytes[address] = byte;
    return info;
  }

  // ---- Changing ----

  /** Saves a value, as a node does. Throws FULL, IO. */
  write(type: CellType, key: number, value: number): void {
    const known = this.find(type, key);
    const old = known?.value === undefined ? NO_CELL : (this.findCell(type, key) ?? NO_CELL);
    this.check(this.x.hsx_cell_write(type, key, value, old));
    this.check(this.finish());
  }
  /** Removes a key, if it has a value. */
  delete(type: CellType, key: number): void {
    const cell = this.findCell(type, key);
    if (cell === undefined) return;
    this.check(this.x.hsx_cell_delete(type, key, cell));
    this.check(this.finish());
  }
  /** Empties the device, whatever it holds. */
  format(cells: number, schema: number, extents: number): void {
    this.check(this.x.hsx_store_format(cells, schema, extents));
    this.check(this.finish());
  }
  /** Factory reset. */
  reset(keepsFactory: boolean): void {
    this.check(this.x.hsx_store_reset(keepsFactory ? 1 : 0));
    this.check(this.finish());
  }
}
