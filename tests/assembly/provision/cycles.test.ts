// Apps come and go and leave nothing behind: the node's memory is the same but for the counters that layout.ts names.

import { expect, it } from "vitest";
import { Cycles } from "../../drivers/cycles.ts";
import { Random } from "../../oracle/random.ts";

it.each(["small", "large", "desktop"] as const)(
  "leaves no trace of any app (%s)",
  async (profile) => {
    const cycles = await Cycles.start(profile, new Random(7));
    for (let n = 0; n < 20; n++) cycles.run(40);
    expect(cycles.cycles).toBe(800);
    expect([...cycles.refusals.keys()]).toContain("ID_TAKEN");
  },
);
