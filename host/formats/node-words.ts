// What the node's own words say: how an app boots, and the six words of a configuration.

import * as B from "../../assembly/spec/boot.ts";
import type { Level } from "../../assembly/spec/svc.ts";

// ---- Boot word ----

export interface BootPolicy {
  /** 0 to 15, lower ones first. */
  readonly order: number;
  /** 0 to 7 restarts after a fault. */
  readonly restarts: number;
  /** A fault beyond the restarts brings the fallback back, also when the image is confirmed. */
  readonly fallbackOnFault: boolean;
  /** Where the image is to come from when no slot holds it. */
  readonly source: B.Source;
  /** Instructions a turn, a power of two up to 16,384; 0: the node's. */
  readonly quantum: number;
}

const QUANTUM_MASK = 15;
export function bootPolicyOf(word: number): BootPolicy {
  const quantum = (word >> B.BOOT_QUANTUM_SHIFT) & QUANTUM_MASK;
  return {
    order: word & B.BOOT_ORDER_MASK,
    restarts: (word >> B.BOOT_RESTARTS_SHIFT) & B.BOOT_RESTARTS_MASK,
    fallbackOnFault: (word & B.BOOT_FALLBACK) !== 0,
    source: (word >> B.BOOT_SOURCE_SHIFT) & 7,
    quantum: quantum === 0 ? 0 : 1 << (quantum - 1),
  };
}
/** The boot word of a policy. Fields out of range are a mistake of the caller. */
export function bootWordOf(policy: BootPolicy): number {
  const { order, restarts, fallbackOnFault, source, quantum } = policy;
  const shift = quantum === 0 ? 0 : 1 + Math.log2(quantum);
  if (!Number.isInteger(shift) || shift > QUANTUM_MASK)
    throw new RangeError(`quantum ${quantum} is no power of two up to 16384`);
  if (order > B.BOOT_ORDER_MASK || restarts > B.BOOT_RESTARTS_MASK)
    throw new RangeError("order goes up to 15, restarts up to 7");
  const flag = fallbackOnFault ? B.BOOT_FALLBACK : 0;
  const places = (restarts << B.BOOT_RESTARTS_SHIFT) | (source << B.BOOT_SOURCE_SHIFT);
  return order | places | flag | (shift << B.BOOT_QUANTUM_SHIFT);
}

// ---- Configuration ----

/** 0 in each: the board's default. */
export interface NodeConfig {
  readonly id: number;
  readonly role: number;
  /** kbit/s of the bus. */
  readonly bitRate: number;
  /** First CAN identifier of the node's frames. */
  readonly baseId: number;
  /** Level a master needs for what changes the node; 0: none, but ADMIN for configuration and store. */
  readonly changeLevel: Level;
  /** In the order in which they count; at most four. */
  readonly sources: readonly B.Source[];
  readonly masterWait_ms: number;
  readonly cardWait_ms: number;
}

/** The six words of a configuration. */
export function nodeConfigWords(config: NodeConfig): Uint8Array {
  const bytes = new Uint8Array(2 * B.CONFIG_WORDS);
  const view = new DataView(bytes.buffer);
  const sources = config.sources.reduce((word, source, n) => word | (source << (4 * n)), 0);
  const set = (n: B.NodeWord, word: number) => view.setUint16(2 * n, word, true);
  set(B.NodeWord.ID, config.id | (config.role << 8));
  set(B.NodeWord.BIT_RATE, config.bitRate);
  set(B.NodeWord.BASE_ID, config.baseId | (config.changeLevel << B.CHANGE_LEVEL_SHIFT));
  set(B.NodeWord.SOURCES, sources);
  set(B.NodeWord.MASTER_WAIT, config.masterWait_ms);
  set(B.NodeWord.CARD_WAIT, config.cardWait_ms);
  return bytes;
}
export function readNodeConfig(view: DataView): NodeConfig {
  const word = (n: B.NodeWord) => view.getUint16(2 * n, true);
  const nibbles = [0, 4, 8, 12].map((shift) => (word(B.NodeWord.SOURCES) >> shift) & 15);
  const end = nibbles.indexOf(0);
  return {
    id: word(B.NodeWord.ID) & 0xff,
    role: word(B.NodeWord.ID) >> 8,
    bitRate: word(B.NodeWord.BIT_RATE),
    baseId: word(B.NodeWord.BASE_ID) & B.BASE_ID_MASK,
    changeLevel: (word(B.NodeWord.BASE_ID) >> B.CHANGE_LEVEL_SHIFT) & 3,
    sources: end < 0 ? nibbles : nibbles.slice(0, end),
    masterWait_ms: word(B.NodeWord.MASTER_WAIT),
    cardWait_ms: word(B.NodeWord.CARD_WAIT),
  };
}
