// What a node remembers: its linear memory without the counters, events, refusal, I/O buffer, flags of the run and frames that layout.ts names.

import type { LocalNode } from "../../host/client/local-node.ts";
import { compileProbe, type ProfileName } from "../probes/compile.ts";

export interface Traces {
  /** A copy of all that must not change when everything was taken back. */
  remember(node: LocalNode): Uint8Array;
  /** Throws with the first address that differs from what was remembered. */
  compare(node: LocalNode, before: Uint8Array): void;
}

/** The traces of a profile. `store`: the store was written to, so that what it knows of its device may differ, too. */
export async function tracesOf(profile: ProfileName, { store = false } = {}): Promise<Traces> {
  const probe = await compileProbe("layout", profile);
  const at = (name: string): number => probe[name].value;
  const free: [number, number][] = [
    [at("COUNTERS_BASE"), at("COUNTERS_SIZE")],
    [at("EVENTS_BASE"), at("EVENTS_SIZE")],
    [at("REFUSAL_BASE"), at("REFUSAL_SIZE")],
    [at("IO_BASE"), at("IO_SIZE")],
    [at("FLAGS_BASE"), at("FLAGS_SIZE")], // scratch of whichever task ran last
    [at("PROTOCOL_BASE"), at("PROTOCOL_SIZE")], // what was asked last
    [at("HANDLES_BASE") + at("HANDLES_SIZE") - 4, 2], // the number the host's last handle had
  ];
  if (store) free.push([at("STORE_BASE"), at("STORE_SIZE")], [at("CELLS_BASE"), at("CELLS_SIZE")]);
  const remember = (node: LocalNode): Uint8Array => {
    const memory = node.core.memory().slice(0, at("RAM_END"));
    for (const [base, size] of free) memory.fill(0, base, base + size);
    return memory;
  };
  return {
    remember,
    compare(node, before) {
      const now = remember(node);
      if (Buffer.compare(now, before) === 0) return;
      const address = now.findIndex((byte, n) => byte !== before[n]);
      throw new Error(
        `memory differs at 0x${address.toString(16)}: ${before[address]} before, ${now[address]} now`,
      );
    },
  };
}
