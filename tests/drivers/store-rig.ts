// One cell store in WASM over one simulated device, driven to the end of each job.

import { CellType, NO_CELL, NvMedium, type StoreState } from "../../assembly/spec/cell.ts";
import { Err } from "../../assembly/spec/errors.ts";
import type { NvDevice, NvSnapshot } from "../../host/node/nv.ts";
import { compileProbe, type Fault, type Probe, type ProfileName } from "../probes/compile.ts";

/** What a key has: a value, nothing, or something unreadable. */
export type Found = number | "none" | "stale";

export interface Snapshot {
  readonly device: NvSnapshot;
  readonly state: Uint8Array;
  readonly found: ReadonlyMap<number, number>;
}

const POLLS_MAX = 200_000;

export class StoreRig {
  /** Most bytes read in one poll. */
  bytesReadMax = 0;
  /** Called after each poll that was not the last; virtual time may pass here. */
  onPoll: (() => void) | undefined;
  private readonly probe: Probe;
  private readonly state: Uint8Array;
  private found = new Map<number, number>();
  readonly device: NvDevice;

  private constructor(probe: Probe, device: NvDevice) {
    this.probe = probe;
    this.device = device;
    this.state = new Uint8Array(probe.memory.buffer, probe.stateBase(), probe.stateSize());
  }

  static async open(
    device: NvDevice,
    profile: ProfileName = "small",
    fault?: Fault,
  ): Promise<StoreRig> {
    let memory = new Uint8Array();
    const hal = device.hal(() => memory);
    const probe = await compileProbe("persist", profile, hal, fault);
    memory = new Uint8Array(probe.memory.buffer);
    return new StoreRig(probe, device);
  }

  // ---- Jobs ----

  finish(): void {
    for (let n = 0; n < POLLS_MAX; n++) {
      const { bytesRead } = this.device;
      const isDone = this.probe.storePoll() === Err.OK;
      this.bytesReadMax = Math.max(this.bytesReadMax, this.device.bytesRead - bytesRead);
      if (isDone) return;
      this.onPoll?.();
    }
    throw new Error("the store does not come to an end");
  }

  private run(refusal: number): number {
    if (refusal < 0) return refusal;
    this.finish();
    return this.probe.storeResult();
  }

  mount(): StoreState {
    this.found.clear();
    this.probe.storeMount();
    this.finish();
    return this.probe.storeState();
  }
  format(cells: number, schema = 1, extents = 0): number {
    this.found.clear();
    return this.run(this.probe.storeFormat(cells, schema, extents));
  }
  reset(keepsFactory = false): number {
    this.found.clear();
    return this.run(this.probe.storeReset(keepsFactory ? 1 : 0));
  }

  find(key: number, type: CellType = CellType.VALUE): number {
    return this.run(this.probe.storeFind(type, key));
  }
  get(key: number, type: CellType = CellType.VALUE): Found {
    const id = type * 0x10000 + key;
    const cell = this.found.get(id) ?? this.find(key, type);
    if (cell === Err.NOT_FOUND) return "none";
    if (cell === Err.CORRUPT) return "stale";
    if (cell < 0) throw new Error(`find 0x${key.toString(16)}: ${Err[cell]}`);
    this.found.set(id, cell);
    const value = this.probe.storeRead(cell);
    return value === Err.CORRUPT ? "stale" : value;
  }
  set(key: number, value: number, type: CellType = CellType.VALUE): number {
    const id = type * 0x10000 + key;
    if (!this.found.has(id)) this.get(key, type);
    const old = this.found.get(id) ?? NO_CELL;
    const cell = this.run(this.probe.storeWrite(type, key, value, old));
    this.forgetMoved();
    if (cell >= 0) this.found.set(id, cell);
    return cell;
  }
  /** On flash any write may move cells. */
  private forgetMoved(): void {
    if (this.device.geometry.medium === NvMedium.FLASH) this.found.clear();
  }
  /** Writes a blob. */
  setBlob(key: number, data: Uint8Array): number {
    const id = CellType.BLOB * 0x10000 + key;
    const found = this.find(key, CellType.BLOB);
    const at = this.probe.blobBuffer();
    new Uint8Array(this.probe.memory.buffer).set(data, at);
    const old = found < 0 ? NO_CELL : found;
    const cell = this.run(this.probe.storeWriteBlob(key, at, data.length, old));
    if (cell >= 0) this.found.set(id, cell);
    return cell;
  }
  getBlob(key: number): Uint8Array | "none" | "stale" {
    const cell = this.found.get(CellType.BLOB * 0x10000 + key) ?? this.find(key, CellType.BLOB);
    if (cell === Err.NOT_FOUND) return "none";
    const at = this.probe.blobBuffer();
    const length = cell < 0 ? cell : this.probe.storeReadBlob(cell, at, 64);
    if (length < 0) return "stale";
    this.found.set(CellType.BLOB * 0x10000 + key, cell);
    return new Uint8Array(this.probe.memory.buffer, at, length).slice();
  }
  delete(key: number, type: CellType = CellType.VALUE): number {
    if (typeof this.get(key, type) !== "number") return Err.NOT_FOUND;
    const id = type * 0x10000 + key;
    const err = this.run(this.probe.storeDelete(type, key, this.found.get(id)));
    this.forgetMoved();
    if (err >= 0) this.found.delete(id);
    return err;
  }

  // ---- Insides ----

  /** The exports of the probe. */
  get core(): Probe {
    return this.probe;
  }
  cellOf(key: number, type: CellType = CellType.VALUE): number {
    this.get(key, type);
    return this.found.get(type * 0x10000 + key) ?? NO_CELL;
  }

  save(): Snapshot {
    return {
      device: this.device.snapshot(),
      state: this.state.slice(),
      found: new Map(this.found),
    };
  }
  restore(snapshot: Snapshot): void {
    this.device.restore(snapshot.device);
    this.state.set(snapshot.state);
    this.found = new Map(snapshot.found);
  }
}
