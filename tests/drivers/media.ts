// The media that proofs cut the power of: FRAM, EEPROM, and flash with pages so small that they are turned often.

import { CellType, LOG_SPARE_CELLS } from "../../assembly/spec/cell.ts";
import {
  FLASH_GEOMETRY,
  logLayoutOf,
  NV_GEOMETRY,
  NvDevice,
  type NvGeometry,
} from "../../host/node/nv.ts";
import type { ProfileName } from "../probes/compile.ts";

const FLASH = {
  flash2: { ...FLASH_GEOMETRY.flash2, eraseSize: 128 },
  flash4: { ...FLASH_GEOMETRY.flash4, eraseSize: 128 },
  flash8: { ...FLASH_GEOMETRY.flash8, eraseSize: 256 },
  flash16: { ...FLASH_GEOMETRY.flash16, eraseSize: 256 },
} as const;
export const GEOMETRY = { ...NV_GEOMETRY, ...FLASH } as const;
export type Medium = keyof typeof GEOMETRY;
export const MEDIA = Object.keys(GEOMETRY) as Medium[];

export function isFlash(medium: Medium): boolean {
  return medium in FLASH;
}

/** The media a comma-separated list names; what is none of them is left out. */
export function mediaOf(list: string): Medium[] {
  return list.split(",").filter((name): name is Medium => name in GEOMETRY);
}

/** The core of a chip with this memory: the AVR's, or with flash the F072's. */
export function coreOf(medium: Medium): ProfileName {
  return isFlash(medium) ? "small-flash" : "small";
}

export interface StoreSize {
  /** What a format is told. */
  readonly cells: number;
  /** Bytes the store takes, from address 0. */
  readonly bytes: number;
}

/** A store in which so many keys may live; on flash, of whole pages, of which one is always being left. */
export function storeFor(medium: Medium, keys: number): StoreSize {
  const log = logLayoutOf(GEOMETRY[medium]);
  if (log === undefined) return { cells: keys, bytes: 32 + 8 * keys };
  const cells = log.pageBytes / log.stride;
  const used = cells - 16 / log.stride; // behind the header
  const pages = 1 + Math.ceil((keys + LOG_SPARE_CELLS) / used);
  return { cells: pages * cells, bytes: pages * log.pageBytes };
}

/** Addresses of cells and headers that are marked as SYSTEM cells. */
export function systemCells(device: NvDevice, { bytes }: StoreSize): number[] {
  const stride = logLayoutOf(device.geometry)?.stride ?? 8;
  const places = Array.from({ length: bytes / stride }, (_, n) => n * stride);
  return places.filter((at) => device.bytes[at + 7] === CellType.SYSTEM);
}

/** A blank device whose programming takes no time, unless there is a clock. */
export function blankDevice(medium: Medium, bytes: number, clock_us?: () => number): NvDevice {
  const geometry: NvGeometry = GEOMETRY[medium];
  const blank = new Uint8Array(bytes).fill(0xff);
  return new NvDevice(blank, { geometry, ...(clock_us && { clock_us }) });
}
