// The sum over an image that comes by broadcast goes on past frames that were lost, so that what the repair leaves to do is what it brings.

import { checkSkip, checkSum, checkSummed } from "../../image/check";
import { nodeAt } from "../../node";
import { DATA_BYTES, WINDOW_BYTES, WINDOW_FRAMES, WindowFlag } from "../../spec/frame";
import { loadAt, Phase } from "../load";
import { sessionIsClearing, sessionIsReadable } from "../session";
import { missingIn, Reception } from "./reception";

/** Frames that share a byte of the bitmap, and their bytes of the file. */
const GROUP_FRAMES: u32 = 8;
const GROUP_BYTES: u32 = GROUP_FRAMES * DATA_BYTES;
/** Ends a run of frames that are there. */
const LAST_BIT: u32 = 1 << GROUP_FRAMES;

/** True while more of a window is to come in the stream. */
function isStreamed(r: Reception, window: u32): bool {
  return <u32>r.window == window && (r.windowFlags & WindowFlag.STREAM) != 0;
}

/** True when more than two frames are lost: they are waited for, as each that comes later costs an AVR what 100 bytes of a sum do. */
function isMany(lost: u32): bool {
  const others = lost & (lost - 1);
  return (others & (others - 1)) != 0;
}

/** Sums the bytes [at, end) of frames of which those with a bit in `lost` count as zeros until they come. */
function sumAround(at: u32, end: u32, lost: u32): void {
  while (at < end) {
    const isLost = (lost & 1) != 0;
    const run = ctz<u32>(isLost ? ~lost : lost | LAST_BIT);
    const bytes = min<u32>(end - at, run * DATA_BYTES);
    if (isLost) checkSkip(bytes);
    else checkSum(loadAt().slot, bytes);
    at += bytes;
    lost >>>= run;
  }
}

/** Sums the next frames that share a byte of the bitmap, if a gap keeps the check from it. */
export function sumAhead(r: Reception): void {
  const at = checkSummed();
  if (loadAt().phase != Phase.RECEIVING || at < loadAt().received || at >= r.total) return;
  if (sessionIsClearing() || !sessionIsReadable()) return;
  const window = at / WINDOW_BYTES;
  if (isStreamed(r, window)) return;
  const lost = missingIn(r, window, (at / GROUP_BYTES) % (WINDOW_FRAMES / GROUP_FRAMES));
  if (isMany(lost)) return;
  nodeAt().hasWorked = 1;
  const end = min<u32>(r.total, (at & ~(GROUP_BYTES - 1)) + GROUP_BYTES);
  sumAround(at, end, lost >>> ((at / DATA_BYTES) % GROUP_FRAMES));
}
