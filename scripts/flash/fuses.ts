// What the fuses of an ATmega1284P must be for the AVR board, and what is wrong with those of a chip.
// Data sheet 42719, section 28.2: a programmed bit reads 0.

export interface Fuses {
  readonly lfuse: number;
  readonly hfuse: number;
  readonly efuse: number;
}

interface Rule {
  readonly fuse: keyof Fuses;
  readonly name: string;
  readonly mask: number;
  /** Values of the masked bits that will do; the first is what is written instead of others. */
  readonly allowed: readonly number[];
  readonly why: string;
}

const RULES: readonly Rule[] = [
  {
    fuse: "lfuse",
    name: "CKSEL",
    mask: 0x0f,
    allowed: [0x07, 0x0f, 0x0e, 0x06],
    why: "the clock is a crystal of 16 MHz",
  },
  { fuse: "lfuse", name: "CKDIV8", mask: 0x80, allowed: [0x80], why: "the clock is not divided" },
  {
    fuse: "lfuse",
    name: "CKOUT",
    mask: 0x40,
    allowed: [0x40],
    why: "PB1 is the card's detect switch",
  },
  {
    fuse: "hfuse",
    name: "EESAVE",
    mask: 0x08,
    allowed: [0x00],
    why: "flashing must not erase the calibration in the EEPROM",
  },
  {
    fuse: "hfuse",
    name: "JTAGEN",
    mask: 0x40,
    allowed: [0x40],
    why: "JTAG would take PC2 to PC5 from the apps",
  },
  {
    fuse: "hfuse",
    name: "OCDEN",
    mask: 0x80,
    allowed: [0x80],
    why: "the debugger's clock runs on in sleep",
  },
  {
    fuse: "efuse",
    name: "BODLEVEL",
    mask: 0x07,
    allowed: [0x04],
    why: "below 3.8 V a chip at 16 MHz may write anything anywhere: 4.3 V",
  },
];

export interface FuseFault {
  readonly fuse: keyof Fuses;
  readonly name: string;
  readonly why: string;
}

/** What is wrong; nothing when the chip may be flashed. */
export function checkFuses(fuses: Fuses): FuseFault[] {
  const wrong = RULES.filter(({ fuse, mask, allowed }) => !allowed.includes(fuses[fuse] & mask));
  return wrong.map(({ fuse, name, why }) => ({ fuse, name, why }));
}

/** The fuses with what is wrong put right, all other bits as they are. */
export function correctFuses(fuses: Fuses): Fuses {
  const correct = { ...fuses };
  for (const { fuse, mask, allowed } of RULES) {
    const [wanted = 0] = allowed;
    if (!allowed.includes(fuses[fuse] & mask)) correct[fuse] = (correct[fuse] & ~mask) | wanted;
  }
  return correct;
}

/** Reads what avrdude prints for lfuse, hfuse and efuse: one number a line. Undefined: it is something else. */
export function parseFuses(output: string): Fuses | undefined {
  const lines = output.trim().split(/\s+/);
  if (lines.length !== 3 || !lines.every((line) => /^0x[0-9a-f]{1,2}$/i.test(line)))
    return undefined;
  const [lfuse = 0, hfuse = 0, efuse = 0] = lines.map(Number);
  return { lfuse, hfuse, efuse };
}
