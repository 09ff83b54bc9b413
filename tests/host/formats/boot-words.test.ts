// The node's own words by name, as docs/persistence.md has them in "Words".

import { expect, it } from "vitest";
import { wordName } from "../../../host/formats/boot-words.ts";

it.each([
  [0x00ff, undefined],
  [0x0100, "app 0: activation"],
  [0x010d, "app 13: activation"],
  [0x010e, undefined],
  [0x0140, "configuration: activation"],
  [0x0141, "slots"],
  [0x0142, "uses of the medium / 256"],
  [0x0143, undefined],
  [0x0183, "app 3: boot"],
  [0x01c0, "configuration 0: id"],
  [0x01cb, "configuration 1: card wait"],
  [0x01cc, undefined],
  [0x0200, "plant: plant"],
  [0x0203, "plant: content high"],
  [0x0204, undefined],
])("%i is %s", (key, name) => {
  expect(wordName(key)).toBe(name);
});
