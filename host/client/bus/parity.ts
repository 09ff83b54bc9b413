// Parity of a window: the XOR of frames that lie evenly spread, so that a burst costs each group one frame.

import { DATA_BYTES, WINDOW_FRAMES } from "../../../assembly/spec/frame.ts";

/** Parity frames of a window over groups of `size`; frames behind the end of the file count as 0. */
export function parityFrames(frames: readonly Uint8Array[], size: 16 | 32): Uint8Array[] {
  const groups = WINDOW_FRAMES / size;
  const all = Array.from({ length: groups }, () => new Uint8Array(DATA_BYTES));
  frames.forEach((frame, n) => {
    const sum = all[n % groups] as Uint8Array;
    frame.forEach((byte, at) => {
      sum[at] = (sum[at] ?? 0) ^ byte;
    });
  });
  return all;
}
