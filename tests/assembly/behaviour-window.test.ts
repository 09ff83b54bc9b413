// The corpus of tests/vectors/behaviour with all code run through code windows, on the profile they are made for. HSX_MACHINE=window
// runs it on the others, too.

import { readdirSync, readFileSync } from "node:fs";
import { describe, it } from "vitest";
import { windowMachine } from "../drivers/node.ts";
import { profilesOf, readVectors, runVector } from "../drivers/steps.ts";

const folder = new URL("../vectors/behaviour/", import.meta.url);

for (const file of readdirSync(folder).filter((name) => name.endsWith(".txt"))) {
  describe(file.slice(0, -4), () => {
    const vectors = readVectors(readFileSync(new URL(file, folder), "utf8"));
    const small = vectors.filter((v) => profilesOf(v, windowMachine).includes("small"));
    if (small.length > 0) it.each(small)("$title", (v) => runVector(v, windowMachine, "small"));
  });
}
