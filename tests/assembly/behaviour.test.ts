// The corpus of tests/vectors/behaviour on the machine HSX_MACHINE names, under each of its profiles.

import { readdirSync, readFileSync } from "node:fs";
import { describe, it } from "vitest";
import { chosenMachine } from "../drivers/chosen.ts";
import { profilesOf, readVectors, runVector } from "../drivers/steps.ts";

const folder = new URL("../vectors/behaviour/", import.meta.url);
const machine = chosenMachine();

for (const file of readdirSync(folder).filter((name) => name.endsWith(".txt"))) {
  describe(file.slice(0, -4), () => {
    for (const vector of readVectors(readFileSync(new URL(file, folder), "utf8"))) {
      it.each(profilesOf(vector, machine))(`${vector.title} (%s)`, (profile) =>
        runVector(vector, machine, profile),
      );
    }
  });
}
