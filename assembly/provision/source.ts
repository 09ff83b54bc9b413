// Which source wins when several offer an image: one table, the configured order of sources.

import { SOURCES_DEFAULT, Source } from "../spec/boot";
import { Err } from "../spec/errors";

/**
 * The Source that wins. `order`: four Sources, the first in the low nibble, 0 ends the list; all 0: SOURCES_DEFAULT. A source
 * that is not in the list never wins. `offers`: bit n set: Source n offers an image; what is stored comes last. NOT_FOUND: none does.
 */
export function sourceChoose(order: u32, offers: u32): i32 {
  for (let rest = order == 0 ? SOURCES_DEFAULT : order; (rest & 15) != 0; rest >>>= 4) {
    const source = rest & 15;
    if (((offers >>> source) & 1) != 0) return source;
  }
  return (offers & 1) != 0 ? <i32>Source.STORED : <i32>Err.NOT_FOUND;
}
