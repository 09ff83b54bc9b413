// Design faults of saving on trial and of the change of units, planted one at a time: a proof that misses one proves nothing.

import type { Fault } from "../probes/compile.ts";

const SAVER_STATE = "registry/saver-state.ts";

export const CALIBRATION_FAULTS: readonly Fault[] = [
  {
    name: "shadow-merged-in-place",
    edits: [
      {
        file: SAVER_STATE,
        from: "  return isShadowed(v) ? CellType.SHADOW : CellType.VALUE;",
        to: "  return isShadowed(v) ? CellType.VALUE : CellType.VALUE;",
      },
    ],
  },
  {
    name: "drop-before-commit",
    edits: [
      {
        file: SAVER_STATE,
        from: "  return s.mode == TrialMode.ON && v.owner == s.trial;",
        to: "  return s.mode == TrialMode.ON && v.owner == s.trial && v.row >>> 5 != 4;",
      },
      {
        file: "registry/pass.ts",
        from: "  if (isDropped || kind == Known.FACTORY) return;",
        to: "  if (isDropped) markDirty(v);\n  if (isDropped || kind == Known.FACTORY) return;",
      },
    ],
  },
  {
    name: "shadow-killed-first",
    edits: [
      { file: SAVER_STATE, from: "  WRITE = 5,", to: "  WRITE = 7," },
      { file: SAVER_STATE, from: "  FIND_SHADOW = 6,", to: "  FIND_SHADOW = 5," },
      { file: SAVER_STATE, from: "  KILL_SHADOW = 7,", to: "  KILL_SHADOW = 6," },
      {
        file: "registry/saver.ts",
        from: "s.job <= <u8>SaverJob.KILL_SHADOW",
        to: "s.job <= <u8>SaverJob.WRITE",
      },
    ],
  },
  {
    name: "meaning-after-value",
    edits: [
      { file: SAVER_STATE, from: "  WRITE_MEANING = 4,", to: "  WRITE_MEANING = 5," },
      { file: SAVER_STATE, from: "  WRITE = 5,", to: "  WRITE = 4," },
    ],
  },
  {
    name: "meaning-before-the-old-value-is-gone",
    edits: [
      { file: SAVER_STATE, from: "  KILL_VALUE = 3,", to: "  KILL_VALUE = 4," },
      { file: SAVER_STATE, from: "  WRITE_MEANING = 4,", to: "  WRITE_MEANING = 3," },
    ],
  },
  {
    name: "rolled-back-app-is-taken-over",
    edits: [
      {
        file: "registry/restore.ts",
        from: "  if (isTried(other) && other.owner != v.owner) return false;\n",
        to: "",
      },
    ],
  },
  {
    name: "unsaved-changes-survive-the-roll-back",
    edits: [
      {
        file: "registry/shadow.ts",
        from: "    valueServed(v, ValueBit.DIRTY);\n    if ((v.bits & ValueBit.GHOST) != 0) valueRemove(i - 1);\n    else isAlive = true;",
        to: "    isAlive = false;",
      },
    ],
  },
  {
    name: "merge-not-resumed",
    edits: [
      {
        file: "registry/saver.ts",
        from: "  if (!storeHasShadow()) return endSearch(s);",
        to: "  if (nodeAt().values == 0 || !storeHasShadow()) return endSearch(s);",
      },
    ],
  },
  {
    name: "search-ends-with-the-first-shadow",
    edits: [
      {
        file: "registry/saver.ts",
        from: "    s.cursor = <u16>(cell + 1);\n    if (storeSeenType()",
        to: "    s.cursor = <u16>(s.cursor == 0 ? cell + 1 : 60000);\n    if (storeSeenType()",
      },
    ],
  },
  {
    name: "merge-by-a-save-under-way",
    edits: [
      {
        file: "registry/saver.ts",
        from: "(s.notes & JobNote.CLEARS) == 0) break;",
        to: "((s.notes & JobNote.CLEARS) | (s.flags & SaverFlag.SEARCH)) == 0) break;",
      },
    ],
  },
  {
    name: "unit-of-a-late-merge-kept",
    edits: [
      {
        file: "registry/saver.ts",
        from: "index < 0 ? MEANING_UNKNOWN : meaningOf",
        to: "index < 0 ? 0 : meaningOf",
      },
    ],
  },
  {
    name: "torn-shadow-comes-true-later",
    edits: [
      {
        file: "persist/medium.ts",
        from: "popcnt(type ^ marker) == 1 && type != CellType.SHADOW;",
        to: "popcnt(type ^ marker) == 1;",
      },
    ],
  },
];
