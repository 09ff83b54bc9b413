// Design faults of staging, activation and trials, planted one at a time: a proof that misses one proves nothing.

import type { Fault } from "../probes/compile.ts";

export const ACTIVATION_FAULTS: readonly Fault[] = [
  {
    name: "bit-rot-not-mended",
    edits: [
      {
        file: "persist/record.ts",
        from: "    if (difference != 1) continue;",
        to: "    if (n < 64) continue;",
      },
    ],
  },
  {
    name: "attempt-after-jump",
    edits: [
      {
        file: "provision/boot.ts",
        from: "  if (stateOf(record) == AppState.TRIAL) commitRecord(p, countedDown(record), Step.FETCH);\n",
        to: "",
      },
      {
        file: "provision/start.ts",
        from: "  if (p.job == Job.BOOT) p.step = <u8>Step.NEXT;\n  else end(p, result);",
        to: `  const counted = recordAt(p.app);
  if (p.job == Job.BOOT && stateOf(counted) == AppState.TRIAL)
    return commitRecord(p, counted - 2048, Step.NEXT);
  if (p.job == Job.BOOT) p.step = <u8>Step.NEXT;
  else end(p, result);`,
      },
    ],
  },
  {
    name: "record-before-image-is-checked",
    edits: [
      {
        file: "provision/activate.ts",
        from: "begin(Job.ACTIVATE, Step.VERIFY, NO_APP)",
        to: "begin(Job.ACTIVATE, Step.BIND, NO_APP)",
      },
    ],
  },
  {
    name: "header-first",
    edits: [
      {
        file: "provision/session.ts",
        from: " : storedClear(l.stored);",
        to: " : storedSeal(l.stored, l.total, l.cursor);",
      },
    ],
  },
  {
    name: "fallback-not-invalidated",
    edits: [
      {
        file: "provision/activate.ts",
        from: "  if (isFallback) commitRecord(p, withoutFallback(recordAt(app)), Step.RELEASE);\n",
        to: "",
      },
    ],
  },
  {
    name: "shadow-in-place",
    edits: [
      {
        file: "registry/saver-state.ts",
        from: "  return isShadowed(v) ? CellType.SHADOW : CellType.VALUE;",
        to: "  return isShadowed(v) ? CellType.VALUE : CellType.VALUE;",
      },
    ],
  },
  {
    name: "roll-back-before-drop",
    edits: [
      {
        file: "provision/start.ts",
        from: "isTrial ? moved(record, AppState.DROPPING) : rolledBack(record)",
        to: "isTrial ? rolledBack(record) : rolledBack(record)",
      },
    ],
  },
  {
    name: "attempts-not-limited",
    edits: [
      {
        file: "provision/boot.ts",
        from: "    const isOver = attemptsOf(record) == 0;",
        to: "    const isOver = stateOf(record) != AppState.TRIAL;",
      },
    ],
  },
];

/** Design faults of the change of the configuration. */
export const NODE_WORD_FAULTS: readonly Fault[] = [
  {
    name: "configuration-in-place",
    edits: [
      {
        file: "provision/node-config.ts",
        from: "const copy: u32 = activeOf(record) == 0 ? 1 : 0;",
        to: "const copy: u32 = activeOf(record) == 1 ? 1 : 0;",
      },
    ],
  },
  {
    name: "configuration-not-counted",
    edits: [
      {
        file: "provision/boot.ts",
        from: "isOver ? rolledBack(record) : countedDown(record)",
        to: "isOver ? rolledBack(record) : record",
      },
    ],
  },
  {
    name: "configuration-without-trial",
    edits: [
      {
        file: "provision/node-config.ts",
        from: "  if (cutsOff(n, word)) isOnTrial = 1;",
        to: "  if (cutsOff(n, word)) isOnTrial = 0;",
      },
    ],
  },
];
