// The slot a master speaks from: found by listening, asked for, and held.

import { MASTER_MAX } from "../../../assembly/spec/frame.ts";
import type { Frame } from "../../formats/frame.ts";
import { BusError } from "./bus-error.ts";
import type { BusLink } from "./link.ts";

const LISTEN_US = 100_000;
/** Who holds a slot says so within 20 ms; the rest is the way of a frame through adapters. */
const CLAIM_US = 20_000;

/** Answers who asks for our slot. */
function hold(link: BusLink, master: number): () => void {
  return link.listen((frame) => {
    if (frame.kind !== "claim" || frame.master !== master) return;
    const present = { kind: "request", master, target: 0, sequence: 0, verb: "PRESENT", args: {} };
    void link.send(present as Frame);
  });
}

async function isTaken(link: BusLink, master: number): Promise<boolean> {
  let isHeld = false;
  const stop = link.listen((frame) => {
    isHeld ||= (frame.kind === "request" || frame.kind === "claim") && frame.master === master;
  });
  try {
    await link.send({ kind: "claim", master });
    await link.settle();
    return await link.until(() => isHeld, CLAIM_US + link.turnaround_us);
  } finally {
    stop();
  }
}

/** Takes a slot that nobody holds, and holds it until `release`. */
export async function takeSlot(link: BusLink): Promise<{ master: number; release: () => void }> {
  const taken = new Set<number>();
  const stop = link.listen((frame) => {
    if (frame.kind === "request" || frame.kind === "claim") taken.add(frame.master);
  });
  await link.sleep(LISTEN_US).finally(stop);
  for (let master = 0; master < MASTER_MAX; master++) {
    if (!taken.has(master) && !(await isTaken(link, master)))
      return { master, release: hold(link, master) };
  }
  throw new BusError("no-slot", "eight masters are on the bus already", "end one of them");
}

/** Speaks from a slot that is known to be free. */
export function holdSlot(link: BusLink, master: number): { master: number; release: () => void } {
  return { master, release: hold(link, master) };
}
