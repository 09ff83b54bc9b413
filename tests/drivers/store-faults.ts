// Design faults of the cell store, planted one at a time: a proof that misses one proves nothing.

import type { Fault } from "../probes/compile.ts";
import type { CutPlan } from "./power-cuts.ts";

/** How a fault shows: power cuts, also with every value of a torn byte, or with bits that flicker. */
export interface PlantedFault extends Fault {
  readonly plan: Pick<CutPlan, "cuts"> & Partial<CutPlan>;
}

const PROGRAM = `  s.step = <u8>Step.VERIFY;
  return program(s, 0, RECORD, s.length);`;
const PLAIN = { cuts: 20_000 };
const FLASH = { cuts: 20_000, medium: "flash8", powerCycles: 1000 } as const;
const FLICKER = { cuts: 20_000, isUnsteady: true };

/** A whole body counts, whatever its marker; so the end of a cell is to break its body. */
const CRC_ONLY = [
  {
    file: "persist/medium.ts",
    from: "  if (type == marker) return CellKind.LIVE;",
    to: "  if (s.cells != 0) return CellKind.LIVE;",
  },
  {
    file: "persist/medium.ts",
    from: "  return programByte(s, s.length - 1, marker);",
    to: "  return s.length == 8 ? spoil(s) : programByte(s, s.length - 1, marker);",
  },
  {
    file: "persist/medium.ts",
    from: "    return isMarked && !isOld(SEEN, cell, s.epoch) ? CellKind.DAMAGED : CellKind.FREE;",
    to: "    return CellKind.FREE;",
  },
];
const CRC_OF_8_BITS = {
  file: "persist/record.ts",
  from: "  const type = back(cellSeal(at), 8) ^ bodyCrc(at, cell, epoch);",
  to: `  const crc = bodyCrc(at, cell, epoch);
  for (let any: u32 = CellType.MEANING; any != 0; any -= 15) {
    if (isCellType(any) && clockByte(crc, any) >>> 8 == cellSeal(at) >>> 8) return any;
  }
  const type: u32 = 1;`,
};

export const STORE_FAULTS: readonly PlantedFault[] = [
  {
    name: "marker-first",
    edits: [
      {
        file: "persist/commit.ts",
        from: PROGRAM,
        to: `  if (offset < 200) {
    s.offset = 200;
    return mark(s, load<u8>(RECORD + s.length - 1));
  }
${PROGRAM}`,
      },
    ],
    plan: PLAIN,
  },
  { name: "crc-only", edits: CRC_ONLY, plan: { cuts: 600_000, isScrambled: true } },
  { name: "crc-of-8-bits-only", edits: [...CRC_ONLY, CRC_OF_8_BITS], plan: PLAIN },
  {
    name: "marker-and-8-bits",
    edits: [CRC_OF_8_BITS],
    plan: { cuts: 600_000, isScrambled: true },
  },
  {
    name: "old-version-first",
    edits: [
      {
        file: "persist/pool.ts",
        from: "  s.value = <u16>value;\n  return start(s, commitCell(s));",
        to: "  s.value = <u16>value;\n  store<u8>(SEEN, 0);\n  const killed = found > 0 ? program(s, 7, SEEN, 1) : 0;\n  return start(s, killed < 0 ? killed : commitCell(s));",
      },
    ],
    plan: PLAIN,
  },
  {
    name: "no-kill",
    edits: [
      {
        file: "persist/commit.ts",
        from: "  else if (s.old != <u16>NO_CELL) beginPass",
        to: "  else if (s.cells == 0) beginPass",
      },
    ],
    plan: PLAIN,
  },
  {
    name: "epoch-not-in-crc",
    edits: [
      {
        file: "persist/record.ts",
        from: "0xffff ^ (epoch * EPOCH_FACTOR) ^ (cell * CELL_FACTOR);",
        to: "0xffff ^ (cell * CELL_FACTOR);",
      },
    ],
    plan: PLAIN,
  },
  {
    name: "superblock-in-place",
    edits: [
      {
        file: "persist/pool.ts",
        from: "  goToSuperblock(s, Step.DISARM, 1 - s.copy);",
        to: "  s.copy = <u8>(1 - s.copy);\n  goToSuperblock(s, Step.DISARM, 1 - s.copy);",
      },
    ],
    plan: PLAIN,
  },
  {
    name: "recovery-stops-early",
    edits: [
      {
        file: "persist/look.ts",
        from: "  if (change <= 0) {\n",
        to: "  if (change == 0 && s.mode == Mode.SEARCH) {\n    s.isFull = 1;\n    s.unfinished = 0;\n    endLook(s);\n    return Err.OK;\n  }\n  if (change <= 0) {\n",
      },
    ],
    plan: { cuts: 100_000 },
  },
  {
    name: "no-second-commit",
    edits: [
      {
        file: "persist/look.ts",
        from: "    if (s.versions == 1 && isSound) finish(s, s.cell);\n",
        to: "    if (s.cells != 0) finish(s, s.cell);\n",
      },
    ],
    plan: { cuts: 300_000, isUnsteady: true },
  },
  {
    name: "half-written-left",
    edits: [
      {
        file: "persist/look.ts",
        from: "      return isCellType(marker) ? mark(s, endMarker(s, 1)) : spoil(s);",
        to: "      if (s.mode != Mode.DELETE) break;\n      return isCellType(marker) ? mark(s, endMarker(s, 1)) : spoil(s);",
      },
    ],
    plan: FLICKER,
  },
  {
    name: "one-dead-marker",
    edits: [
      {
        file: "persist/record.ts",
        from: "return load<u8>(DEAD_MARKERS + (((<u32>load<u8>(at, CELL_CRC_OFF)) ^ turn) & 7));",
        to: "return load<u8>(DEAD_MARKERS + (at & turn & 0));",
      },
    ],
    plan: FLICKER,
  },
  {
    name: "live-at-mount-is-live",
    edits: [
      {
        file: "persist/look.ts",
        from: "    count(UNFINISHED); // it was live at mount",
        to: "    s.unfinished += 0;",
      },
    ],
    plan: FLICKER,
  },
  {
    name: "two-superblocks",
    edits: [
      {
        file: "persist/look.ts",
        from: "  if (pair != 0) goToSuperblock(",
        to: "  if (s.cells == 0) goToSuperblock(",
      },
    ],
    plan: FLICKER,
  },
  // ---- On flash ----
  {
    name: "header-first",
    edits: [
      {
        file: "persist/log.ts",
        from: "  goOnCopying(s);\n  return nv_erase(page * nv_erase_size());",
        to: `  const err = nv_erase(page * nv_erase_size());
  if (err < 0 || s.job == Job.RESET) {
    goOnCopying(s);
    return err;
  }
  goTo(s, Step.LOG_HEAD, page * nv_erase_size(), SUPER_BYTES);
  return err;`,
      },
      {
        file: "persist/log.ts",
        from: `  memory.copy(FORM, RECORD, SUPER_BYTES);
  s.head = <u8>nextPage(s);`,
        to: `  if (s.cursor < s.cells) {
    goOnCopying(s);
    return Err.OK;
  }
  memory.copy(FORM, RECORD, SUPER_BYTES);
  s.head = <u8>nextPage(s);`,
      },
    ],
    plan: FLASH,
  },
  {
    name: "no-dead-granule",
    edits: [{ file: "persist/log.ts", from: "  s.isFresh = 1;\n", to: "" }],
    plan: FLASH,
  },
  {
    name: "retired-pages-count",
    edits: [
      {
        file: "persist/log.ts",
        from: "  return (<u32>s.head + pages(s) + 1 - s.extents) % pages(s);",
        to: "  return (<u32>s.head + 1) % pages(s);",
      },
    ],
    plan: FLASH,
  },
  {
    name: "scan-stops-at-damage",
    edits: [
      {
        file: "persist/log.ts",
        from: "    if (isSound && isKey(cellKey(SEEN))) replay(s, cell);",
        to: `    if (isSound && isKey(cellKey(SEEN))) replay(s, cell);
    else if (content != BLANK && content != 0) return settle(s, StoreState.READY);`,
      },
    ],
    plan: FLASH,
  },
  {
    name: "retired-though-a-copy-failed",
    edits: [
      {
        file: "persist/log.ts",
        from: "    goToCell(s, Step.LOG_COPIED, s.to);\n    return programCell(s, Step.LOG_COPIED);",
        to: `    goToCell(s, Step.LOG_COPIED, s.to);
    const err = programCell(s, Step.LOG_COPIED);
    if (err < 0 || s.job == Job.RESET) return err;
    takeCell(s, s.to);
    freeCell(s, s.cursor);
    s.cursor = <u16>nextTaken(s, s.cursor + 1);
    s.to += 1;
    goOnCopying(s);
    return err;`,
      },
    ],
    plan: { ...FLASH, hasStuckBits: true, seed: 4 },
  },
];
