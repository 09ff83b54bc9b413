// Boards that nothing tells apart, or that have one id, released in the same cycle: what it takes until each has an id of its own.

import type { Bench } from "../../host/client/bench/bench.ts";
import type { NodeKind } from "../../host/formats/bench.ts";
import { startBusBench } from "./bus-bench.ts";

export interface IdentityRun {
  /** Nodes with an id of their own in the end. */
  readonly ids: number;
  /** The highest transmit error counter of any node; bus-off begins at 256. */
  readonly mostErrors: number;
  /** Error frames on the bus. */
  readonly errorFrames: number;
  /** Nodes that had an id before. */
  readonly before: number;
}

/** What an AVR finds in the place of its id when the factory gave it none. */
const NO_UID = new Uint8Array(12).fill(0xff);

/** Nodes of a kind, all of them with this id, 0: none, settled by a master. `firmware`: its folder, if not the usual one. */
export async function settleNodes(
  kind: NodeKind,
  count: number,
  id: number,
  firmware?: string,
): Promise<IdentityRun> {
  const kinds = Array<NodeKind>(count).fill(kind);
  let mostErrors = 0;
  const prepare = (bench: Bench) => {
    bench.onRecord = () => {
      for (const { errors } of bench.nodes) mostErrors = Math.max(mostErrors, errors.tec);
    };
  };
  const ids = kinds.map(() => id);
  const { bench, master } = await startBusBench({
    kinds,
    ids,
    prepare,
    ...(kind === "avr" && { uid: NO_UID }),
    ...(firmware && { firmware }),
  });
  const present = await master.census();
  await master.settle(present);
  const alone = (await master.census()).filter(({ isShared }) => !isShared);
  return {
    ids: alone.length,
    mostErrors,
    errorFrames: bench.wire.errorFrames,
    before: present.length,
  };
}
