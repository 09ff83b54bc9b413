// Design faults of the cell store, planted one at a time: a proof that misses one proves nothing.

import type { Fault } from "../probes/compile.ts";
import type { CutPlan } from "./power-cuts.ts";

/** How a fault shows: power cuts, also with every value of a torn byte, or with bits that flicker. */
export interface PlantedFault extends Fault {
  readonly plan: Pick<CutPlan, "cuts"> & Partial<CutPlan>;
}

const PROGRAM = `  goTo(s, Step.VERIFY);
  return program(s, RECORD);`;
const PLAIN = { cuts: 20_000 };
const FLICKER = { cuts: 20_000, isUnsteady: true };

/** A whole body counts, whatever its marker; so the end of a cell is to break its body. */
const CRC_ONLY = [
  {
    file: "persist/medium.ts",
    from: "  if (!isMarked && marker == endMarker(s, 0)) return Kind.FREE; // most cells, without a CRC",
    to: "  if (s.cells != 0) return typeOf(SEEN, cell, s.epoch) == CellType.DEAD ? Kind.FREE : Kind.LIVE;",
  },
  {
    file: "persist/medium.ts",
    from: "  return programByte(s, s.length - 1, marker);",
    to: "  return s.length == 8 ? spoil(s) : programByte(s, s.length - 1, marker);",
  },
  {
    file: "persist/find.ts",
    from: "if (cellMarker(SEEN) != s.type || cellKey(SEEN) != s.key) return false;",
    to: "if (typeOf(SEEN, cell, s.epoch) != s.type || cellKey(SEEN) != s.key) return false;",
  },
  {
    file: "persist/find.ts",
    from: "  if (!isCellType(cellMarker(SEEN)))\n",
    to: "  if (s.cells == 0)\n",
  },
];
const CRC_OF_8_BITS = {
  file: "persist/record.ts",
  from: `  const seal = cellSeal(at);
  const crc = bodyCrc(at, key, cell, epoch);
  if (seal == shiftByte(crc, CellType.VALUE)) return CellType.VALUE;
  if (seal == shiftByte(crc, CellType.SYSTEM)) return CellType.SYSTEM;
  if (seal == shiftByte(crc, CellType.BLOB)) return CellType.BLOB;
  const factoryCrc = bodyCrc(at, key, cell, epoch & EPOCH_FACTORY);
  return seal == shiftByte(factoryCrc, CellType.FACTORY) ?`,
  to: `  const seal = cellSeal(at) >>> 8;
  const crc = bodyCrc(at, key, cell, epoch);
  if (seal == shiftByte(crc, CellType.VALUE) >>> 8) return CellType.VALUE;
  if (seal == shiftByte(crc, CellType.SYSTEM) >>> 8) return CellType.SYSTEM;
  if (seal == shiftByte(crc, CellType.BLOB) >>> 8) return CellType.BLOB;
  const factoryCrc = bodyCrc(at, key, cell, epoch & EPOCH_FACTORY);
  return seal == shiftByte(factoryCrc, CellType.FACTORY) >>> 8 ?`,
};

export const STORE_FAULTS: readonly PlantedFault[] = [
  {
    name: "marker-first",
    edits: [
      {
        file: "persist/commit.ts",
        from: PROGRAM,
        to: `  if (offset < 100) {
    s.offset = 100;
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
        file: "persist/update.ts",
        from: "  if (found == 0 || cellValue(SEEN) != s.value) return commitCell(s);",
        to: `  if (found == 0 || cellValue(SEEN) != s.value) {
    const killed = found > 0 ? mark(s, endMarker(s, 0)) : 0;
    return killed < 0 ? killed : commitCell(s);
  }`,
      },
    ],
    plan: PLAIN,
  },
  {
    name: "no-kill",
    edits: [
      {
        file: "persist/update.ts",
        from: "  if (s.old != <u16>NO_CELL) goToCell(s, Step.KILL, s.old);\n  else if",
        to: "  if",
      },
    ],
    plan: PLAIN,
  },
  {
    name: "epoch-not-in-crc",
    edits: [
      {
        file: "persist/record.ts",
        from: "(epoch * EPOCH_FACTOR) ^ (cell * CELL_FACTOR)) & 0xffff;\n}\n/** CRC",
        to: "(cell * CELL_FACTOR)) & 0xffff;\n}\n/** CRC",
      },
    ],
    plan: PLAIN,
  },
  {
    name: "superblock-in-place",
    edits: [
      {
        file: "persist/format.ts",
        from: "  commitSuperblock(s, 1 - s.copy);",
        to: "  s.copy = <u8>(1 - s.copy);\n  commitSuperblock(s, 1 - s.copy);",
      },
    ],
    plan: PLAIN,
  },
  {
    name: "recovery-stops-early",
    edits: [
      {
        file: "persist/find.ts",
        from: "  const change = cell == s.best ? 1 : sweepCell(s, cell);\n",
        to: `  const change = cell == s.best ? 1 : sweepCell(s, cell);
  if (change == 0) {
    endSweep(s);
    return Err.OK;
  }
`,
      },
    ],
    plan: { cuts: 100_000 },
  },
  {
    name: "no-second-commit",
    edits: [
      {
        file: "persist/find.ts",
        from: "if (s.versions > 1 && s.versions <= RENEWED_MAX)",
        to: "if (s.versions > 99)",
      },
    ],
    plan: { cuts: 300_000, isUnsteady: true },
  },
  {
    name: "half-written-left",
    edits: [
      {
        file: "persist/find.ts",
        from: "return isCellType(cellMarker(SEEN)) ? mark(s, endMarker(s, 1)) : spoil(s);",
        to: "return 1;",
      },
    ],
    plan: FLICKER,
  },
  {
    name: "one-dead-marker",
    edits: [
      {
        file: "persist/record.ts",
        from: "return load<u8>(DEAD_MARKERS + (((<u32>load<u8>(at + CELL_CRC_OFF)) ^ turn) & 7));",
        to: "return load<u8>(DEAD_MARKERS + (at & turn & 0));",
      },
    ],
    plan: FLICKER,
  },
  {
    name: "live-at-mount-is-live",
    edits: [
      {
        file: "persist/find.ts",
        from: "    s.unfinished += 1; // it was live at mount",
        to: "    s.unfinished += 0;",
      },
    ],
    plan: FLICKER,
  },
  {
    name: "two-superblocks",
    edits: [
      {
        file: "persist/find.ts",
        from: "  if (s.pair == Pair.NONE) goToCell",
        to: "  if (s.cells != 0) goToCell",
      },
    ],
    plan: FLICKER,
  },
];
