// What a node takes to save 64 values when its power fails.

import { Err } from "../../assembly/spec/errors.ts";
import { EventType } from "../../assembly/spec/node.ts";
import { NvDevice, type NvGeometry } from "../../host/node/nv.ts";
import { guestOf } from "./guest.ts";
import { type NodeRig, startNode } from "./node.ts";

export const FLUSHED = 64;
const CELLS = 252;

export interface Flush {
  /** Of programming and erasing; each poll counts for 1 us. */
  readonly time_us: number;
  readonly programmedBytes: number;
  readonly readBytes: number;
  readonly erasures: number;
  /** Ids in the order they were saved. */
  readonly order: number[];
}

/** `values`: declarations of the app's values, to which group, id, name and key are added. */
export async function flush(
  geometry: NvGeometry,
  bytes = 32 + 8 * CELLS,
  values: readonly object[] = Array.from({ length: FLUSHED }, () => ({})),
): Promise<Flush> {
  let rig: NodeRig | undefined;
  const nv = new NvDevice(new Uint8Array(bytes).fill(0xff), {
    geometry,
    clock_us: () => rig?.machine.now_us ?? 0,
  });
  rig = await startNode("small", { nv });
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
  for (let round = 2; round < 10; round++) {
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
