// What is sent again to a node whose power was cut in the middle of a load.

import { DATA_BYTES, FRAME_BASE_DEFAULT, WINDOW_FRAMES } from "../../assembly/spec/frame.ts";
import { isGood } from "../../host/client/bus/load-state.ts";
import type { NodeKind } from "../../host/formats/bench.ts";
import { decodeFrame } from "../../host/formats/frame.ts";
import { idsOf, openBusBench } from "../../tests/drivers/bus-bench.ts";
import { Random } from "../../tests/oracle/random.ts";
import type { Figure } from "../figures.ts";

const SLOTS = { count: 3, bytes: 9216 };
/** Longer than 8 KiB take at 500 kbit/s, checks included. */
const CUT_WITHIN_US = 320_000;
const DARK_MOST_US = 300_000;

interface Resumed {
  /** DATA frames that were sent again beyond those the node had not had. */
  readonly beyond: number;
  readonly isGood: boolean;
  readonly isInLoad: boolean;
}

/** One of two nodes loses its power in a load and gets it back. */
async function resume(kind: NodeKind, image: Uint8Array, seed: number): Promise<Resumed> {
  const random = new Random(seed);
  const { bench, master } = await openBusBench({ kinds: [kind, "small"], seed, slots: SLOTS });
  await master.census(2);
  const node = bench.node(1);
  let sent = 0;
  let had: number | undefined;
  bench.onRecord = ({ event }) => {
    if (!event.isError && decodeFrame(FRAME_BASE_DEFAULT, event.frame)?.kind === "data") sent++;
  };
  const { clock } = bench.timeline;
  const cut_us = random.below(CUT_WITHIN_US);
  clock.after(cut_us * 1000, () => {
    had = sent;
    node.powerOff();
  });
  clock.after((cut_us + 1 + random.below(DARK_MOST_US)) * 1000, () => node.powerOn());
  const report = await master.load({ image, nodes: idsOf(2), place: "slot" });
  const total = Math.ceil(image.length / DATA_BYTES);
  const again = report.repairFrames + report.parityFrames;
  const missing = Math.max(0, total - (had ?? total));
  return {
    beyond: Math.max(0, again - missing),
    isGood: report.nodes.every(isGood),
    isInLoad: had !== undefined && had > 0,
  };
}

/** Cuts at random moments of a load, at nodes of a kind. */
export async function resumeFigures(
  kind: NodeKind,
  image: Uint8Array,
  cuts: number,
): Promise<Figure[]> {
  let most = 0;
  let inLoad = 0;
  let left = 0;
  for (let seed = 1; seed <= cuts; seed++) {
    process.stderr.write(`\r${`resume.${kind}: cut ${seed}`.padEnd(60)}`);
    const found = await resume(kind, image, seed);
    most = Math.max(most, found.beyond);
    if (found.isInLoad) inLoad++;
    if (!found.isGood) left++;
  }
  const note = `most of ${cuts} power cuts, ${inLoad} of them behind the first DATA frame`;
  return [
    {
      id: `resume.${kind}`,
      value: most,
      unit: "frames",
      must: `<= ${WINDOW_FRAMES}`,
      note: `sent again beyond what was missing; ${note}`,
    },
    { id: `resume.${kind}.left`, value: left, unit: "nodes", must: "== 0", note: "without it" },
  ];
}
