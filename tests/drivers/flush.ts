// What a node takes to save 64 values when its power fails.

import { NvMedium } from "../../assembly/spec/cell.ts";
import { Err } from "../../assembly/spec/errors.ts";
import { EventType } from "../../assembly/spec/node.ts";
import { NvDevice, type NvGeometry } from "../../host/node/nv.ts";
import { guestOf } from "./guest.ts";
import { type NodeRig, startNode } from "./node.ts";

export const FLUSHED = 64;
const CELLS = 252;
const PAGES = 2;
const bytesFor = ({ medium, eraseSize }: NvGeometry) =>
  medium === NvMedium.FLASH ? PAGES * eraseSize : 32 + 8 * CELLS;

export interface Flush {
  /** Of programming and erasing; each poll counts for 1 us. */
  readonly time_us: number;
  readonly programmedBytes: number;
  readonly readBytes: number;
  readonly erasures: number;
  /** Ids in the order they were saved. */
  readonly order: number[];
}

interface FlushPlan {
  readonly bytes?: number;
  /** Declarations of the app's values, to which group, id, name and key are added. */
  readonly values?: readonly object[];
  /** How often all were saved before. */
  readonly rounds?: number;
}

/** Saves values on a device of a geometry. */
export async function flush(geometry: NvGeometry, plan: FlushPlan = {}): Promise<Flush> {
  const { rounds = 8, values = Array.from({ length: FLUSHED }, () => ({})) } = plan;
  const bytes = plan.bytes ?? bytesFor(geometry);
  let rig: NodeRig | undefined;
  const nv = new NvDevice(new Uint8Array(bytes).fill(0xff), {
    geometry,
    clock_us: () => rig?.machine.now_us ?? 0,
  });
  rig = await startNode("small-flash", { nv });
  const { node, machine } = rig;
  node.formatStore();
  const declared = values.map((v, id) => ({
    group: 1,
    id,
    name: `v${id}`,
    persist_key: id + 1,
    ...v,
  }));
  node.load(guestOf(`.value ${JSON.stringify(declared)}\n RET\n`, "app").image);
  const setAll = (value: number) => {
    for (const { id } of declared) node.setValue(0x100 + id, value);
  };
  for (let round = 2; round < 2 + rounds; round++) {
    setAll(round);
    node.run(100_000); // each value has its cell, and other cells a past
  }
  node.events();
  setAll(1);
  const before = {
    at: machine.now_us,
    read: nv.bytesRead,
    programmed: nv.bytesProgrammed,
    erased: nv.unitsErased,
  };
  const order: number[] = [];
  while (node.core.exports.hsx_power_fail() === Err.BUSY) {
    machine.advance(1);
    const saved = node.events().filter(({ type }) => type === EventType.VALUE_SAVED);
    order.push(...saved.map(({ a }) => a & 0xff));
  }
  return {
    time_us: machine.now_us - before.at,
    programmedBytes: nv.bytesProgrammed - before.programmed,
    readBytes: nv.bytesRead - before.read,
    erasures: nv.unitsErased - before.erased,
    order,
  };
}
