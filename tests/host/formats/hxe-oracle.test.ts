// The host judges a file as a node does: compared with the oracle that the node's own check is compared with.
import { expect, it } from "vitest";
import { decodeHxe, encodeHxe } from "../../../host/formats/hxe.ts";
import { checkHxe, Refused } from "../../oracle/hxe-check.ts";
import { bitFlips, extremes, mutate, truncations } from "../../oracle/image-fuzz.ts";
import { SAMPLES, withChecksum } from "../../oracle/image-samples.ts";
import { Random } from "../../oracle/random.ts";

const BOUNDLESS = { values: 1e9, commands: 1e9, mailboxes: 1e9 };

/** What the oracle says against a file. */
function reasonOf(file: Uint8Array): string | undefined {
  try {
    checkHxe(file, BOUNDLESS);
    return undefined;
  } catch (e) {
    if (e instanceof Refused) return e.reason;
    throw e;
  }
}

/** Where host and oracle differ about a file, or the host does not give it back; undefined: nowhere. */
function differenceOn(file: Uint8Array): string | undefined {
  const reason = reasonOf(file);
  const { image, diagnostics } = decodeHxe(file);
  if ((reason === undefined) !== (image !== undefined)) {
    return `oracle: ${reason}, host: ${diagnostics[0]?.message}`;
  }
  const same = image === undefined || Buffer.compare(encodeHxe(image), file) === 0;
  return same ? undefined : "encoding gives other bytes";
}

const files = Object.values(SAMPLES);

it.each(Object.entries(SAMPLES))("agrees on %s and all its near relations", (_, file) => {
  const relations = [file, ...truncations(file), ...bitFlips(file), ...extremes(file, 2)];
  const differences = relations
    .filter((_, i) => i % 3 === 0)
    .map((f) => differenceOn(withChecksum(f)));
  expect(differences.filter((d) => d !== undefined)).toEqual([]);
});

it("agrees on seeded mutations", () => {
  const random = new Random(11);
  const differences = Array.from({ length: 4000 }, () =>
    differenceOn(withChecksum(mutate(random.pick(files), random))),
  );
  expect(differences.filter((d) => d !== undefined)).toEqual([]);
});
