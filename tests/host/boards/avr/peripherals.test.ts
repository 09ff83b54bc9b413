// The peripherals of the ATmega1284P against its data sheet, Atmel-42719.

import { describe, expect, it } from "vitest";
import { Eeprom } from "../../../../host/boards/avr/eeprom.ts";
import { Ports } from "../../../../host/boards/avr/ports.ts";
import { Spi } from "../../../../host/boards/avr/spi.ts";
import { TIMERS, Timer } from "../../../../host/boards/avr/timer.ts";
import { USART0, USART1, Usart } from "../../../../host/boards/avr/usart.ts";
import { Watchdog } from "../../../../host/boards/avr/watchdog.ts";
import { type Bare, bareChip } from "./registers.ts";

function withPart<T>(make: (chip: Bare["chip"]) => T): Bare & { part: T } {
  let part: T | undefined;
  const bare = bareChip((chip) => {
    part = make(chip);
  });
  return { ...bare, part: part as T };
}

describe("ports (18)", () => {
  const ports = () => withPart((chip) => new Ports(chip));

  it("drive what PORT says where DDR has a one; PIN reads the levels", () => {
    const b = ports();
    b.write(0x21, 0x0f);
    b.write(0x22, 0x35);
    expect(b.read(0x20)).toBe(0x35); // PA5 and PA4: pull-ups
    b.part.apply("PA4", 0);
    b.part.apply("PA0", 0); // an output does not care
    expect(b.read(0x20)).toBe(0x25);
    expect([b.part.level("PA0"), b.part.level("PA4"), b.part.isOutput("PA0")]).toEqual([
      1,
      0,
      true,
    ]);
  });

  it("toggle PORT where a one is written to PIN (18.2.2)", () => {
    const b = ports();
    b.write(0x24, 0xff);
    b.write(0x25, 0x0f);
    b.write(0x23, 0x3c);
    expect(b.read(0x25)).toBe(0x33);
    b.chip.cpu.writeData(0x23, 0xff, 0x01); // SBI PINB, 0 means one bit
    expect(b.read(0x25)).toBe(0x32);
  });

  it("tell of changes, also of those by a pull-up and by release", () => {
    const b = ports();
    const seen: number[] = [];
    b.part.listen("PC7", (level) => seen.push(level));
    b.write(0x28, 0x80);
    b.part.apply("PC7", 0);
    b.part.apply("PC7", undefined);
    b.write(0x28, 0x00);
    expect(seen).toEqual([1, 0, 1, 0]);
  });

  it.each([
    ["falling", 2, [1, 0, 1, 0], 2],
    ["rising", 3, [1, 0, 1, 0], 2],
    ["any", 1, [1, 0, 1, 0], 4],
  ] as const)("INT2 at a %s edge (Table 17-1)", (_, sense, levels, count) => {
    const b = ports();
    b.write(0x69, sense << 4);
    b.write(0x3d, 0x04);
    for (const level of levels) {
      b.part.apply("PB2", level);
      b.chip.interrupts = true;
      b.pass(20);
    }
    expect(b.entered).toEqual(new Array(count).fill(3));
  });

  it("INT2 at a low level asks for as long as it is low, without a flag (17.2.3)", () => {
    const b = ports();
    b.part.apply("PB2", 1);
    b.write(0x3d, 0x04);
    b.part.apply("PB2", 0);
    expect(b.read(0x3c)).toBe(0);
    b.chip.interrupts = true;
    b.pass(2);
    b.chip.interrupts = true;
    b.pass(2);
    expect(b.entered).toEqual([3, 3]);
    b.part.apply("PB2", 1);
    b.chip.interrupts = true;
    b.pass(20);
    expect(b.entered).toEqual([3, 3]);
  });

  it("a flag of INT2 waits for its mask, and is cleared by a one (17.2.3)", () => {
    const b = ports();
    b.write(0x69, 0x20);
    b.part.apply("PB2", 1);
    b.part.apply("PB2", 0);
    expect(b.read(0x3c)).toBe(0x04);
    b.write(0x3c, 0x04);
    b.write(0x3d, 0x04);
    b.chip.interrupts = true;
    b.pass(5);
    expect(b.entered).toEqual([]);
  });

  it("a change of a pin in PCMSK asks for its port's interrupt (17.2.4)", () => {
    const b = ports();
    b.write(0x68, 0x05);
    b.write(0x6b, 0x02);
    b.part.apply("PA0", 1);
    b.part.apply("PC0", 1);
    b.chip.interrupts = true;
    b.pass(5);
    expect(b.entered).toEqual([]);
    b.part.apply("PA1", 1);
    b.pass(5);
    expect(b.entered).toEqual([4]);
  });
});

describe("timers (19 to 21)", () => {
  const timer = (n: number) =>
    withPart((chip) => new Timer(chip, TIMERS[n] as (typeof TIMERS)[number]));

  it("timer 0 counts cycles of the prescaler, from 255 on to 0 with TOV0", () => {
    const b = timer(0);
    b.write(0x45, 0x02); // clk / 8
    b.pass(8 * 100);
    expect(b.read(0x46)).toBe(100);
    b.pass(8 * 155);
    expect([b.read(0x46), b.read(0x35) & 1]).toEqual([255, 0]);
    b.pass(8);
    expect([b.read(0x46), b.read(0x35) & 1]).toEqual([0, 1]);
    b.write(0x35, 1);
    expect(b.read(0x35) & 1).toBe(0);
  });

  it("timer 1 in CTC starts over behind OCR1A: every 1,000 cycles with 999, an interrupt each (20.9.2)", () => {
    const b = timer(1);
    b.write(0x89, 999 >> 8); // high byte first
    b.write(0x88, 999 & 0xff);
    b.write(0x6f, 0x02);
    b.write(0x81, 0x09); // WGM12, clk
    b.chip.onInterrupt = (vector) => {
      b.entered.push(vector);
      b.chip.interrupts = true;
    };
    b.chip.interrupts = true;
    const start = b.chip.clock.now;
    b.pass(10_500);
    expect(b.entered).toEqual(new Array(10).fill(13));
    const low = b.read(0x84);
    const count = low + 256 * b.read(0x85);
    expect(count).toBe((b.chip.clock.now - start) % 1000);
  });

  it("reads a 16-bit count by its low byte first, which keeps the high one (20.3)", () => {
    const b = timer(1);
    b.write(0x85, 0x01);
    b.write(0x84, 0xfe);
    b.write(0x81, 0x01);
    const low = b.read(0x84);
    b.pass(300);
    expect([low, b.read(0x85)]).toEqual([0xfe, 0x01]);
    expect(b.read(0x84)).toBe((0x1fe + 300) & 0xff);
  });

  it("timer 2 has dividers of its own (Table 21-9)", () => {
    const b = timer(2);
    b.write(0xb1, 0x03); // clk / 32
    b.pass(320);
    expect(b.read(0xb2)).toBe(10);
  });

  it("a count beyond TOP goes on to the maximum first (19.7.2)", () => {
    const b = timer(0);
    b.write(0x44, 0x02); // CTC
    b.write(0x47, 10);
    b.write(0x46, 250);
    b.write(0x45, 0x01);
    b.pass(5);
    expect([b.read(0x46), b.read(0x35) & 3]).toEqual([255, 0]);
    b.pass(1 + 11);
    expect(b.read(0x46)).toBe(0);
    expect(b.read(0x35) & 2).toBe(2);
  });

  it("a match sets its flag at the next tick (19.6)", () => {
    const b = timer(0);
    b.write(0x48, 3);
    b.write(0x45, 0x03); // clk / 64
    b.pass(64 * 3);
    expect([b.read(0x46), b.read(0x35) & 4]).toEqual([3, 0]);
    b.pass(64);
    expect(b.read(0x35) & 4).toBe(4);
  });

  it("stops with no clock, and keeps its count", () => {
    const b = timer(0);
    b.write(0x45, 0x01);
    b.pass(7);
    b.write(0x45, 0x00);
    b.pass(100);
    expect(b.read(0x46)).toBe(7);
  });

  it("in a mode it does not know is refused", () => {
    const b = timer(0);
    b.write(0x44, 0x03);
    expect(() => b.write(0x45, 0x01)).toThrow("not modelled");
  });
});

describe("USART (22)", () => {
  const usart = () => withPart((chip) => new Usart(chip, USART0));
  /** 115,200 baud of Table 22-12: UBRR 16 with U2X, 17 * 8 cycles a bit, ten bits a character. */
  const CHARACTER = 1360;
  function open(): ReturnType<typeof usart> & { sent: [number, number][] } {
    const b = usart();
    const sent: [number, number][] = [];
    b.part.line = { onSent: (byte) => sent.push([byte, b.chip.clock.now]) };
    b.write(0xc4, 16);
    b.write(0xc0, 0x02);
    b.write(0xc1, 0x18);
    return { ...b, sent };
  }

  it("has UDRE set and eight bits chosen after reset (22.12.2, 22.12.4)", () => {
    const b = usart();
    expect([b.read(0xc0), b.read(0xc2)]).toEqual([0x20, 0x06]);
  });

  it("sends a character in ten bits; a second waits in the buffer, a third is ignored", () => {
    const b = open();
    const start = b.chip.clock.now;
    b.write(0xc6, 0x41);
    expect(b.read(0xc0) & 0x60).toBe(0x20);
    b.write(0xc6, 0x42);
    expect(b.read(0xc0) & 0x60).toBe(0x00);
    b.write(0xc6, 0x43);
    b.pass(CHARACTER);
    expect(b.read(0xc0) & 0x60).toBe(0x20);
    b.pass(CHARACTER);
    expect(b.sent).toEqual([
      [0x41, start + CHARACTER],
      [0x42, start + 2 * CHARACTER],
    ]);
    expect(b.read(0xc0) & 0x60).toBe(0x60);
    b.write(0xc0, 0x42); // a one clears TXC
    expect(b.read(0xc0) & 0x60).toBe(0x20);
  });

  it("asks for UDRE as long as the buffer is empty, for TXC once", () => {
    const b = open();
    b.write(0xc1, 0x78);
    b.write(0xc6, 1);
    b.chip.interrupts = true;
    b.pass(2);
    expect(b.entered).toEqual([21]);
    b.write(0xc1, 0x58);
    b.pass(CHARACTER);
    b.chip.interrupts = true;
    b.pass(2);
    b.chip.interrupts = true;
    b.pass(20);
    expect(b.entered).toEqual([21, 22]);
  });

  it("keeps two characters and a third in the shift register; a fourth start bit loses that one: DOR (22.8.4)", () => {
    const b = open();
    b.part.receive([1, 2, 3]);
    b.pass(3 * CHARACTER);
    expect([b.read(0xc0) & 0x88, b.part.lost]).toEqual([0x80, 0]);
    b.part.receive([4]);
    b.pass(CHARACTER);
    expect(b.part.lost).toBe(1);
    const got: number[][] = [];
    while ((b.read(0xc0) & 0x80) !== 0) got.push([b.read(0xc0) & 0x18, b.read(0xc6)]);
    expect(got).toEqual([
      [0, 1],
      [0, 2],
      [8, 4],
    ]);
  });

  it("marks a character with a low stop bit: FE", () => {
    const b = open();
    b.part.receive([0x00], true);
    b.pass(CHARACTER);
    expect(b.read(0xc0) & 0x98).toBe(0x90);
  });

  it("asks for RXC until the character is read, and forgets all when RXEN falls (22.8.6)", () => {
    const b = open();
    b.write(0xc1, 0x98);
    b.part.receive([1]);
    b.chip.interrupts = true;
    b.pass(CHARACTER + 10);
    expect(b.entered).toEqual([20]);
    b.write(0xc1, 0x08);
    expect(b.read(0xc0) & 0x80).toBe(0);
  });
});

describe("USART in SPI-master mode (23)", () => {
  function open(): ReturnType<typeof make> & { log: number[][] } {
    const b = make();
    const log: number[][] = [];
    b.part.line = {
      onExchange(byte, hz, shape) {
        log.push([byte, hz, shape, b.chip.clock.now]);
        return byte ^ 0xff;
      },
    };
    b.write(0xca, 0xc0); // UMSEL11:10 = 3, mode 0, most significant bit first
    b.write(0xc9, 0x18);
    b.write(0xcc, 0); // UBRR behind the enable (23.4)
    return { ...b, log };
  }
  const make = () => withPart((chip) => new Usart(chip, USART1));

  it("clocks a byte at half the CPU clock with UBRR 0, and takes one in (Table 23-1)", () => {
    const b = open();
    const start = b.chip.clock.now;
    b.write(0xce, 0x5a);
    b.pass(15);
    expect(b.read(0xc8) & 0xc0).toBe(0);
    b.pass(1);
    expect(b.log).toEqual([[0x5a, 8_000_000, 0, start + 16]]);
    expect(b.read(0xc8) & 0xc0).toBe(0xc0);
    expect(b.read(0xce)).toBe(0xa5);
  });

  it("sends two bytes without a gap when the second is written in time", () => {
    const b = open();
    const start = b.chip.clock.now;
    b.write(0xce, 1);
    b.write(0xce, 2);
    b.pass(40);
    expect(b.log.map((entry) => entry[3])).toEqual([start + 16, start + 32]);
    expect([b.read(0xce), b.read(0xce)]).toEqual([0xfe, 0xfd]);
  });

  it("loses what comes in while two bytes wait to be read", () => {
    const b = open();
    for (const byte of [1, 2, 3]) {
      b.write(0xce, byte);
      b.pass(16);
    }
    expect(b.part.lost).toBe(1);
    expect([b.read(0xce), b.read(0xce)]).toEqual([0xfe, 0xfd]);
  });

  it("is slower with UBRR: f / (2 (UBRR + 1))", () => {
    const b = open();
    b.write(0xcc, 3);
    b.write(0xce, 0);
    b.pass(64);
    expect(b.log[0]?.[1]).toBe(2_000_000);
  });
});

describe("SPI (24)", () => {
  function open(control = 0x50, status = 0x01) {
    const log: number[][] = [];
    const b = withPart((chip) => {
      const ports = new Ports(chip);
      ports.apply("PB4", 1);
      const spi = new Spi(chip, ports);
      spi.onExchange = (byte, hz, shape) => {
        log.push([byte, hz, shape, chip.clock.now]);
        return 0x3c;
      };
      return ports;
    });
    b.write(0x4d, status);
    b.write(0x4c, control);
    return { ...b, log };
  }

  it.each([
    [0x50, 0x01, 8_000_000],
    [0x50, 0x00, 4_000_000],
    [0x51, 0x01, 2_000_000],
    [0x52, 0x00, 250_000],
    [0x53, 0x00, 125_000],
  ])("control %i and status %i clock at %i Hz (Table 24-5)", (control, status, hz) => {
    const b = open(control, status);
    const start = b.chip.clock.now;
    b.write(0x4e, 0xa5);
    b.pass((8 * 16_000_000) / hz);
    expect(b.log).toEqual([[0xa5, hz, 0, start + (8 * 16_000_000) / hz]]);
  });

  it("sets SPIF, which reading SPSR and then SPDR clears (24.5.2)", () => {
    const b = open();
    b.write(0x4e, 1);
    b.pass(16);
    expect(b.read(0x4e)).toBe(0x3c);
    expect(b.read(0x4d)).toBe(0x81);
    expect(b.read(0x4e)).toBe(0x3c);
    expect(b.read(0x4d)).toBe(0x01);
  });

  it("reports a write during a transfer, which goes on: WCOL", () => {
    const b = open();
    b.write(0x4e, 1);
    b.write(0x4e, 2);
    b.pass(16);
    expect(b.read(0x4d)).toBe(0xc1);
    expect(b.log.map((entry) => entry[0])).toEqual([1]);
  });

  it("is no master any more when SS is an input that is low (24.3.2)", () => {
    const b = open();
    b.part.apply("PB4", 0);
    b.write(0x4e, 1);
    expect(b.read(0x4c) & 0x10).toBe(0);
    expect(b.read(0x4d) & 0x80).toBe(0x80);
    b.pass(100);
    expect(b.log).toEqual([]);
  });
});

describe("EEPROM (8.4, 8.6)", () => {
  const MS_3_4 = 54_400;
  const eeprom = () => withPart((chip) => new Eeprom(chip));
  function put(b: ReturnType<typeof eeprom>, address: number, value: number, mode = 0): void {
    b.write(0x41, address & 0xff);
    b.write(0x42, address >> 8);
    b.write(0x40, value);
    b.write(0x3f, mode | 0x04);
    b.pass(2);
    b.write(0x3f, mode | 0x06);
  }
  function get(b: ReturnType<typeof eeprom>, address: number): number {
    b.write(0x41, address & 0xff);
    b.write(0x42, address >> 8);
    b.write(0x3f, 0x01);
    return b.read(0x40);
  }

  it("writes a byte in 3.4 ms; EEPE reads 1 until then (Table 8-1)", () => {
    const b = eeprom();
    put(b, 0xabc, 0x5a);
    b.pass(MS_3_4 - 10);
    expect([b.read(0x3f) & 2, b.part.bytes[0xabc]]).toEqual([2, 0xff]);
    b.pass(12);
    expect([b.read(0x3f) & 2, get(b, 0xabc)]).toEqual([0, 0x5a]);
  });

  it("wants EEPE within four cycles of EEMPE", () => {
    for (const [cycles, takes] of [
      [4, true],
      [5, false],
    ] as const) {
      const b = eeprom();
      b.write(0x40, 1);
      b.write(0x3f, 0x04);
      expect(b.read(0x3f) & 4).toBe(4);
      b.pass(cycles);
      b.write(0x3f, 0x02);
      expect((b.read(0x3f) & 2) !== 0).toBe(takes);
    }
  });

  it("erases alone or writes alone in 1.8 ms (EEPM)", () => {
    const b = eeprom();
    put(b, 5, 0x0f, 0x20);
    b.pass(28_800);
    put(b, 5, 0xf3, 0x20);
    b.pass(28_800);
    expect(get(b, 5)).toBe(0x03);
    put(b, 5, 0x00, 0x10);
    b.pass(28_800);
    expect(get(b, 5)).toBe(0xff);
  });

  it("halts the CPU for four cycles to read, for two to write (8.6.3)", () => {
    const b = eeprom();
    const start = b.chip.clock.now;
    get(b, 0);
    expect(b.chip.clock.now - start).toBe(4);
    put(b, 0, 0);
    expect(b.chip.clock.now - start).toBe(4 + 2 + 2);
  });

  it("asks for EE_READY while nothing is written", () => {
    const b = eeprom();
    put(b, 0, 1);
    b.write(0x3f, 0x08);
    b.chip.interrupts = true;
    b.pass(100);
    expect(b.entered).toEqual([]);
    b.pass(MS_3_4);
    expect(b.entered).toEqual([25]);
  });

  it("loses the byte that is being written when the power goes", () => {
    const b = eeprom();
    b.part.bytes[7] = 0x11;
    put(b, 7, 0x22);
    b.pass(1000);
    b.part.powerOff();
    expect(b.part.bytes[7]).toBe(0xff);
    put(b, 8, 0x33);
    b.pass(MS_3_4);
    b.part.powerOff();
    expect(b.part.bytes[8]).toBe(0x33);
  });
});

describe("the watchdog (12.4, 12.5.2)", () => {
  const watchdog = () => withPart((chip) => new Watchdog(chip));
  const MS_16 = 256_000;
  function start(b: ReturnType<typeof watchdog>, value: number): void {
    b.write(0x60, 0x18);
    b.write(0x60, value);
  }

  it("resets after 16 ms with WDP 0, after 128 ms with WDP 3, and says so in MCUSR (Table 12-1)", () => {
    for (const [value, cycles] of [
      [0x08, MS_16],
      [0x0b, 8 * MS_16],
    ] as const) {
      const b = watchdog();
      start(b, value);
      b.pass(cycles - 100);
      expect(b.part.bites).toBe(0);
      b.pass(200);
      expect([b.part.bites, b.chip.data[0x54]]).toEqual([1, 0x09]);
    }
  });

  it("is put off by WDR", () => {
    const b = watchdog();
    start(b, 0x08);
    for (let n = 0; n < 5; n++) {
      b.pass(MS_16 - 10_000);
      b.chip.cpu.onWatchdogReset();
    }
    expect(b.part.bites).toBe(0);
    b.pass(MS_16 + 10);
    expect(b.part.bites).toBe(1);
  });

  it("changes its time only within four cycles of WDCE and WDE", () => {
    const b = watchdog();
    start(b, 0x08);
    b.write(0x60, 0x0f);
    expect(b.read(0x60) & 0x27).toBe(0);
    b.write(0x60, 0x18);
    b.pass(5);
    b.write(0x60, 0x0f);
    expect(b.read(0x60) & 0x27).toBe(0);
    b.write(0x60, 0x18);
    b.pass(4);
    b.write(0x60, 0x0f);
    expect(b.read(0x60) & 0x27).toBe(7);
  });

  it("stays on after its reset until WDRF is cleared (12.5.1)", () => {
    const b = watchdog();
    start(b, 0x08);
    b.pass(MS_16 + 100);
    expect(b.read(0x60)).toBe(0x08);
    start(b, 0x00);
    expect(b.read(0x60) & 0x08).toBe(0x08);
    b.chip.data[0x54] = 0;
    start(b, 0x00);
    expect(b.read(0x60)).toBe(0);
    b.pass(10 * MS_16);
    expect(b.part.bites).toBe(1);
  });

  it("interrupts first and resets the next time, with WDIE and WDE (Table 12-1)", () => {
    const b = watchdog();
    start(b, 0x48);
    b.chip.interrupts = true;
    b.pass(MS_16 + 10);
    expect([b.entered, b.part.bites]).toEqual([[8], 0]);
    b.pass(MS_16);
    expect(b.part.bites).toBe(1);
  });
});
