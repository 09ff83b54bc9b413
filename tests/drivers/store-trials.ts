// Trials of a cell store besides power cuts: changed and stuck bits, random images, what a boot and an update cost, wear.

import { CellType, NO_CELL, StoreState } from "../../assembly/spec/cell.ts";
import { Err } from "../../assembly/spec/errors.ts";
import { FLASH_GEOMETRY, NV_GEOMETRY, NvDevice } from "../../host/node/nv.ts";
import { StoreRig } from "./store-rig.ts";

export interface Trial {
  readonly id: string;
  readonly value: number;
  readonly unit: string;
  readonly must?: `${"<=" | ">=" | "=="} ${number}`;
  readonly note?: string;
}
type Medium = keyof typeof NV_GEOMETRY;

const MEDIA = Object.keys(NV_GEOMETRY) as Medium[];

function randomFrom(seed: number): () => number {
  let state = Math.imul(seed + 1, 0x9e3779b1) | 1;
  return () => {
    state ^= state << 13;
    state ^= state >>> 17;
    state ^= state << 5;
    return state >>> 0;
  };
}

async function formatted(medium: Medium, cells: number, keys: number): Promise<StoreRig> {
  const bytes = new Uint8Array(32 + 8 * cells).fill(0xff);
  const rig = await StoreRig.open(new NvDevice(bytes, { geometry: NV_GEOMETRY[medium] }));
  rig.mount();
  if (rig.format(cells) !== Err.OK) throw new Error("the device cannot be formatted");
  for (let key = 1; key <= keys; key++) rig.set(key, key ^ 0x5a5a);
  return rig;
}

// ---- Bits ----

/** Every pattern of one to five changed bits in a cell. */
export async function tryChangedBits(): Promise<Trial[]> {
  const rig = await formatted("fram", 28, 0);
  let undetected = 0;
  for (let flips = 1; flips <= 5; flips++) {
    undetected += rig.core.undetected(flips, 0x1234, 0x3c00, 5);
  }
  return [
    {
      id: "changed_bits.undetected",
      value: undetected,
      unit: "patterns",
      must: "== 0",
      note: "of all 8,303,632 of one to five bits in a cell",
    },
  ];
}

/** Every pattern of one to four changed bits in the cell of a word: one is mended, more are not taken for one. */
export async function tryMending(): Promise<Trial[]> {
  const rig = await formatted("fram", 28, 0);
  const of = (flips: number) => rig.core.mended(flips, 0x0101, 0x1201, 5, 1);
  return [
    { id: "mended_bits", value: of(1), unit: "bits", must: "== 56", note: "of a word's cell" },
    {
      id: "mended_bits.wrong",
      value: of(2) + of(3) + of(4),
      unit: "patterns",
      must: "== 0",
      note: "of all 396,550 of two to four bits",
    },
  ];
}

/** Each bit of the cells, stuck at 0 and at 1, while a key is updated. */
export async function tryStuckBits(): Promise<Trial[]> {
  const cells = 16;
  const keys = 8;
  let wrong = 0;
  let bits = 0;
  let retired = 0;
  for (const medium of MEDIA) {
    const rig = await formatted(medium, cells, keys);
    const start = rig.save();
    for (let bit = 0; bit < 64 * cells; bit++) {
      for (const level of [0, 1] as const) {
        rig.restore(start);
        rig.device.stuckBits = [{ address: 32 + (bit >> 3), bit: bit & 7, level }];
        for (let n = 0; n < 24; n++) {
          if (rig.set(1, n) < 0 || rig.get(1) !== n) wrong++;
        }
        retired += rig.core.retired();
        rig.mount();
        if (rig.get(1) !== 23) wrong++;
        for (let key = 2; key <= keys; key++) if (rig.get(key) !== (key ^ 0x5a5a)) wrong++;
        bits++;
      }
    }
    rig.device.stuckBits = [];
  }
  return [
    { id: "stuck_bits", value: bits, unit: "bits", note: `${retired} cells retired` },
    { id: "stuck_bits.wrong", value: wrong, unit: "values", must: "== 0" },
  ];
}

// ---- Random images ----

/** Mounts arbitrary bytes; every other image has a sound superblock and likely markers. */
export async function mountRandomImages(count: number): Promise<Trial[]> {
  const cells = 60;
  const rig = await formatted("fram", cells, 0);
  const { bytes } = rig.device;
  const superblocks = bytes.slice(0, 32);
  const random = randomFrom(7);
  const words = new Uint32Array(bytes.buffer);
  let traps = 0;
  let live = 0;
  const written = rig.device.bytesProgrammed;
  for (let n = 0; n < count; n++) {
    for (let at = 0; at < words.length; at++) words[at] = random();
    if (n % 2 === 0) {
      bytes.set(superblocks);
      for (let cell = 0; cell < cells; cell += 3) bytes[32 + 8 * cell + 7] = CellType.VALUE;
    }
    try {
      if (rig.mount() === StoreState.READY) live += rig.core.live();
    } catch {
      traps++;
    }
  }
  return [
    {
      id: "random_images",
      value: count,
      unit: "images",
      note: `${live} cells happened to be sound`,
    },
    { id: "random_images.traps", value: traps, unit: "traps", must: "== 0" },
    {
      id: "random_images.written",
      value: rig.device.bytesProgrammed - written,
      unit: "B",
      must: "== 0",
    },
  ];
}

// ---- Cost ----

const SIZES = [
  { cells: 60, keys: 40 },
  { cells: 252, keys: 64 },
  { cells: 1020, keys: 64 },
];

/** Clean boots of stores with a long past: a mount, and the search for every key. */
export async function measureBoot(): Promise<Trial[]> {
  const trials: Trial[] = [];
  for (const { cells, keys } of SIZES) {
    const rig = await formatted("fram", cells, keys);
    const random = randomFrom(cells);
    let read = 0;
    const { device } = rig;
    let written = 0;
    for (let boot = 0; boot < 40; boot++) {
      for (let n = 0; n < 300; n++)
        rig.set(1 + (random() % 4 === 0 ? random() % keys : 0), random() & 0xffff);
      const before = { read: device.bytesRead, programmed: device.bytesProgrammed };
      rig.mount();
      read = Math.max(read, device.bytesRead - before.read);
      for (let key = 1; key <= keys; key++) rig.get(key);
      written += device.bytesProgrammed - before.programmed;
    }
    const id = `boot.${cells}_cells`;
    trials.push({ id: `${id}.read`, value: read, unit: "B", must: `<= ${32 + 8 * cells}` });
    trials.push({
      id: `${id}.written`,
      value: written,
      unit: "B",
      must: "== 0",
      note: "40 boots, 12,000 updates",
    });
  }
  return trials;
}

/** Bytes programmed for each update of a two-byte value. */
export async function measureUpdates(): Promise<Trial[]> {
  const trials: Trial[] = [];
  for (const medium of MEDIA) {
    const rig = await formatted(medium, 60, 40);
    const random = randomFrom(5);
    const counts = new Map<number, number>();
    for (let n = 0; n < 20_000; n++) {
      const before = rig.device.bytesProgrammed;
      const key = 1 + (random() % 40);
      const value = n & 0xffff;
      if (rig.get(key) === value) continue;
      if (n % 1000 === 0) rig.mount();
      rig.get(key);
      rig.set(key, value);
      const bytes = rig.device.bytesProgrammed - before;
      counts.set(bytes, (counts.get(bytes) ?? 0) + 1);
    }
    const [typical = 0] = [...counts].sort((a, b) => b[1] - a[1])[0] ?? [];
    trials.push({ id: `update.${medium}.typical`, value: typical, unit: "B", must: "<= 9" });
    trials.push({
      id: `update.${medium}.worst`,
      value: Math.max(...counts.keys()),
      unit: "B",
      must: "<= 10",
    });
  }
  return trials;
}

/** What 64 keys on two pages of 2 KiB of flash cost: bytes for an update, page turns shared among all, and lifetime. */
export async function measureFlash(): Promise<Trial[]> {
  const geometry = FLASH_GEOMETRY.flash8;
  const device = new NvDevice(new Uint8Array(2 * geometry.eraseSize).fill(0xff), { geometry });
  const rig = await StoreRig.open(device, "small-flash");
  rig.mount();
  if (rig.format(rig.core.storeCapacity()) !== Err.OK) throw new Error("cannot be formatted");
  for (let key = 1; key <= 64; key++) rig.set(key, key);
  const random = randomFrom(5);
  const before = { programmed: device.bytesProgrammed, erased: device.unitsErased };
  const updates = 20_000;
  let worst = 0;
  for (let n = 0; n < updates; n++) {
    const start = device.bytesProgrammed;
    if (rig.set(1 + (random() % 64), n & 0xffff) < 0) throw new Error(`update ${n}`);
    worst = Math.max(worst, device.bytesProgrammed - start);
  }
  const average = (device.bytesProgrammed - before.programmed) / updates;
  const life = (10_000 * 2 * updates) / (device.unitsErased - before.erased);
  const note = "8-byte granules, two pages of 2 KiB, 64 keys";
  return [
    { id: "update.flash8.average", value: average, unit: "B", must: "<= 11.5", note },
    { id: "update.flash8.worst", value: worst, unit: "B", note: "turns the page, too" },
    {
      id: "update.flash8.life",
      value: Math.floor(life),
      unit: "updates",
      note: "until each page was erased 10,000 times",
    },
    {
      id: "update.flash8.misprogrammed",
      value: device.misprogrammed,
      unit: "granules",
      must: "== 0",
    },
  ];
}

/** Updates of one hot key on 512 bytes of EEPROM with 40 keys until a byte was erased 100,000 times. */
export async function wearOut(): Promise<Trial[]> {
  const cells = 60;
  const endurance = 100_000;
  const rig = await formatted("eeprom8", cells, 40);
  const erasures = new Uint32Array(4 + cells);
  rig.device.onErase = (address) => {
    erasures[address >> 3] = (erasures[address >> 3] as number) + 1;
  };
  let cell = rig.cellOf(1);
  let updates = 0;
  let worst = 0;
  for (; worst < endurance; updates++) {
    if (updates % 5000 === 0) {
      rig.mount();
      cell = rig.cellOf(1);
    }
    rig.core.storeWrite(CellType.VALUE, 1, updates & 0xffff, cell);
    rig.finish();
    cell = rig.core.storeResult();
    if (cell < 0 || cell === NO_CELL) throw new Error(`update ${updates}: ${Err[cell]}`);
    worst = Math.max(worst, erasures[4 + cell] as number);
  }
  const used = erasures.filter((count) => count > 0);
  const mean = used.reduce((sum, count) => sum + count, 0) / used.length;
  return [
    {
      id: "wear.updates",
      value: updates,
      unit: "updates",
      must: ">= 2000000",
      note: `hot key, 512 B EEPROM, 40 keys; ${used.length} cells share, max/mean ${(worst / mean).toFixed(3)}`,
    },
  ];
}
