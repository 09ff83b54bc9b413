// A persistence image held by the core: what a node would find in it, and changes as a node would make them.

import { type CellType, NO_CELL, StoreState } from "../../assembly/spec/cell.ts";
import { Err } from "../../assembly/spec/errors.ts";
import { Core, type CoreSource } from "../node/core.ts";
import { Machine } from "../node/hal.ts";
import type { NvDevice } from "../node/nv.ts";
import { type CellInfo, readCell, readRefusal, readStore, type StoreInfo } from "./records.ts";
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

  /** Every live cell, in order of place; none when this is no store. A key may have two after a power cut. */
  cells(): CellInfo[] {
    const cells: CellInfo[] = [];
    if (!this.isReady) return cells;
    for (let from = 0; ; ) {
      const cell = this.x.hsx_store_next(from);
      if (cell === Err.NOT_FOUND) return cells;
      this.check(cell);
      cells.push(readCell(cell, this.core.view()));
      from = cell + 1;
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

  // ---- Changing ----

  /** Saves a value, as a node does. Throws FULL, IO. */
  write(type: CellType, key: number, value: number): void {
    const old = this.find(type, key)?.value === undefined ? NO_CELL : this.findCell(type, key);
    this.check(this.x.hsx_cell_write(type, key, value, old ?? NO_CELL));
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
  format(cells: number, schema: number): void {
    this.check(this.x.hsx_store_format(cells, schema));
    this.check(this.finish());
  }
  /** Factory reset. */
  reset(keepsFactory: boolean): void {
    this.check(this.x.hsx_store_reset(keepsFactory ? 1 : 0));
    this.check(this.finish());
  }
}
