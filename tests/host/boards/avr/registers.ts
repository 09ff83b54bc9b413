// A chip whose program is nothing but NOP, and its registers as a program would reach them.

import { Chip, Reset } from "../../../../host/boards/avr/chip.ts";

export interface Bare {
  readonly chip: Chip;
  read(address: number): number;
  write(address: number, value: number): void;
  /** Lets so many cycles pass, each a NOP. */
  pass(cycles: number): void;
  /** Vectors entered so far; those that are, have their handler left at once. */
  readonly entered: number[];
}

/** `attach` is given the chip before its reset. */
export function bareChip(attach: (chip: Chip) => void = () => {}): Bare {
  const flash = new Uint16Array(0x10000);
  const chip = new Chip(flash);
  attach(chip);
  chip.reset(Reset.POWER_ON);
  const entered: number[] = [];
  chip.onInterrupt = (vector) => entered.push(vector);
  return {
    chip,
    entered,
    read: (address) => chip.cpu.readData(address),
    write: (address, value) => chip.cpu.writeData(address, value),
    pass(cycles) {
      for (const end = chip.clock.now + cycles; chip.clock.now < end; ) {
        chip.cpu.pc = 0x100;
        chip.run(Math.min(end, chip.clock.now + 10_000));
      }
    },
  };
}
