// Design faults of the way frames go, planted one at a time: a proof that misses one proves nothing.

import type { Fault } from "../probes/compile.ts";

export const HOSTILE_FAULTS: readonly Fault[] = [
  {
    name: "sums-not-compared",
    edits: [
      {
        file: "image/check.ts",
        from: "    if (found != want) return refuse(",
        to: "    if (found != want && want == 0) return refuse(",
      },
    ],
  },
  {
    name: "level-not-asked",
    edits: [
      {
        file: "provision/protocol/level.ts",
        from: "  return level >= needed ? ",
        to: "  return level <= needed ? ",
      },
    ],
  },
  {
    name: "refused-load-keeps-its-room",
    edits: [
      {
        file: "provision/session.ts",
        from: "REFUSAL_OFFSET_OFF));\n  takeBack(l);",
        to: "REFUSAL_OFFSET_OFF));",
      },
    ],
  },
  {
    name: "silence-is-waited-out",
    edits: [
      {
        file: "provision/protocol/broadcast.ts",
        from: "(now() - r.since >= F.LOAD_SILENCE_MS ||",
        to: "(now() - r.since >= 100 * F.LOAD_SILENCE_MS ||",
      },
    ],
  },
  {
    name: "check-of-no-window-hangs",
    edits: [
      {
        file: "provision/protocol/broadcast.ts",
        from: "  if (window >= windowCount(r) || !hasWindow(r, window)) return;",
        to: "  while (window >= windowCount(r)) {}\n  if (!hasWindow(r, window)) return;",
      },
    ],
  },
];
