// USART, SPI, watchdog, pins and clocks of the models. Sections are those of RM0091 unless RM0090 is named.

import { describe, expect, it } from "vitest";
import { Gpio } from "../../../../host/boards/stm32/gpio.ts";
import { Iwdg } from "../../../../host/boards/stm32/iwdg.ts";
import { RCC_F0, RCC_F4, Rcc, ResetFlag } from "../../../../host/boards/stm32/rcc.ts";
import { Spi } from "../../../../host/boards/stm32/spi.ts";
import { USART_F0, USART_F4, Usart } from "../../../../host/boards/stm32/usart.ts";
import { ManualClock } from "../../../../host/bus/clock.ts";
import { HZ, Rig } from "./rig.ts";

describe("USART of the F0x2 (chapter 27)", () => {
  const [CR1, CR3, BRR, ISR, ICR, RDR, TDR] = [0x00, 0x08, 0x0c, 0x1c, 0x20, 0x24, 0x28] as const;
  const [ORE, RXNE, TC, TXE] = [8, 0x20, 0x40, 0x80] as const;
  const CHARACTER_US = 1e7 / 115_385; // ten bits at 48 MHz / 416

  function start(cr1 = 0x0d) {
    const rig = new Rig();
    const sent: number[] = [];
    const usart = new Usart(
      USART_F0,
      rig,
      (byte) => sent.push(byte),
      () => true,
    );
    usart.reset();
    usart.write(BRR, 416);
    usart.write(CR1, cr1);
    return { rig, usart, sent };
  }

  it("is idle after reset: TXE and TC (27.8.8, reset value 0x0200 00C0)", () => {
    const usart = new Usart(
      USART_F0,
      new Rig(),
      () => {},
      () => true,
    );
    usart.reset();
    expect(usart.read(ISR) & 0xff).toBe(0xc0);
  });
  it("makes 48 MHz / BRR the bit rate (27.5.4)", () => {
    expect(start().usart.baud).toBeCloseTo(115_384.6, 1);
  });
  it("holds one byte behind the one it sends and says so by TXE and TC (27.5.2)", () => {
    const { rig, usart, sent } = start();
    usart.write(TDR, 0x41);
    expect(usart.read(ISR) & (TXE | TC)).toBe(TXE);
    usart.write(TDR, 0x42);
    expect(usart.read(ISR) & (TXE | TC)).toBe(0);
    rig.advance_us(CHARACTER_US + 1);
    expect([...sent, usart.read(ISR) & (TXE | TC)]).toEqual([0x41, TXE]);
    rig.advance_us(CHARACTER_US);
    expect([...sent, usart.read(ISR) & (TXE | TC)]).toEqual([0x41, 0x42, TXE | TC]);
  });
  it("keeps the first byte and sets ORE when a second comes unread (27.5.3)", () => {
    const { rig, usart } = start(0x2d); // RXNEIE
    usart.receive([1, 2]);
    rig.advance_us(CHARACTER_US + 1);
    expect([usart.read(ISR) & (RXNE | ORE), rig.level]).toEqual([RXNE, true]);
    rig.advance_us(CHARACTER_US);
    expect(usart.read(ISR) & (RXNE | ORE)).toBe(RXNE | ORE);
    expect(usart.read(RDR)).toBe(1);
    expect([usart.read(ISR) & (RXNE | ORE), rig.level]).toEqual([ORE, true]);
    usart.write(ICR, ORE);
    expect([usart.read(ISR) & ORE, rig.level]).toEqual([0, false]);
  });
  it("overwrites instead when overruns are off (27.8.3, OVRDIS)", () => {
    const { rig, usart } = start();
    usart.write(CR3, 1 << 12);
    usart.receive([1, 2]);
    rig.advance_us(3 * CHARACTER_US);
    expect([usart.read(ISR) & ORE, usart.read(RDR)]).toEqual([0, 2]);
  });
  it("keeps BRR while it is on (27.8.4)", () => {
    const { usart } = start();
    usart.write(BRR, 1);
    expect(usart.read(BRR)).toBe(416);
  });
});

describe("USART of the F405 (RM0090 chapter 30)", () => {
  const [SR, DR, BRR, CR1] = [0x00, 0x04, 0x08, 0x0c] as const;

  it("clears an overrun by a read of SR and then of DR (30.6.1)", () => {
    const rig = new Rig();
    const usart = new Usart(
      USART_F4,
      rig,
      () => {},
      () => true,
    );
    usart.reset();
    usart.write(BRR, 416);
    usart.write(CR1, (1 << 13) | 4);
    usart.receive([1, 2]);
    rig.advance_us(200);
    expect(usart.read(DR)).toBe(1);
    expect(usart.read(SR) & 8).toBe(8);
    usart.read(DR);
    expect(usart.read(SR) & 8).toBe(0);
  });
});

describe("SPI of the F0x2 (chapter 28)", () => {
  const [CR1, CR2, SR, DR] = [0, 4, 8, 12] as const;
  const [RXNE, TXE, MODF, OVR, BSY] = [1, 2, 0x20, 0x40, 0x80] as const;
  const ON = 0x344; // SSM, SSI, SPE, MSTR, 24 MHz
  const EIGHT = 0x1700; // FRXTH, 8 bits

  function start(cr2 = EIGHT) {
    const rig = new Rig();
    const sent: number[] = [];
    const spi = new Spi(true, rig, (byte) => sent.push(byte) + 0x10);
    spi.reset();
    spi.write(CR2, cr2, 2);
    spi.write(CR1, ON, 2);
    return { rig, spi, sent };
  }

  it("comes up with 8 bits and an empty FIFO (28.9.2, 28.9.3)", () => {
    const spi = new Spi(true, new Rig(), () => 0);
    spi.reset();
    expect([spi.read(CR2, 4), spi.read(SR, 4)]).toEqual([0x0700, 0x0002]);
  });
  it("takes 8 bits at half the bus clock for a byte (28.9.1, BR)", () => {
    const { rig, spi, sent } = start();
    spi.write(DR, 0xab, 1);
    rig.clock.advance(15);
    expect([...sent, spi.read(SR, 2) & (BSY | RXNE)]).toEqual([BSY]);
    rig.clock.advance(1);
    expect([...sent, spi.read(SR, 2) & (BSY | RXNE), spi.read(DR, 1)]).toEqual([0xab, RXNE, 0x11]);
  });
  it("sends two bytes for one access of 16 bits (28.5.9, data packing)", () => {
    const { rig, spi, sent } = start();
    spi.write(DR, 0x2211, 2);
    rig.advance_us(2);
    expect(sent).toEqual([0x11, 0x22]);
  });
  it("waits for a second byte before RXNE unless FRXTH is set (28.9.2)", () => {
    const { rig, spi } = start(0x0700);
    spi.write(DR, 1, 1);
    rig.advance_us(2);
    expect(spi.read(SR, 2) & RXNE).toBe(0);
  });
  it("has TXE while at most half the FIFO is filled (28.5.9)", () => {
    const { spi } = start();
    for (let n = 0; n < 3; n++) spi.write(DR, n, 1); // one shifts, two wait
    expect(spi.read(SR, 2) & TXE).toBe(TXE);
    spi.write(DR, 3, 1);
    expect(spi.read(SR, 2) & TXE).toBe(0);
  });
  it("loses the fifth byte nobody read, and keeps the first (28.5.10, OVR)", () => {
    const { rig, spi } = start();
    for (let n = 0; n < 5; n++) {
      spi.write(DR, n, 1);
      rig.advance_us(1);
    }
    expect(spi.read(SR, 2) & OVR).toBe(OVR);
    expect(spi.read(DR, 1)).toBe(0x11);
  });
  it("gives up being master when its select is low (28.5.11, MODF)", () => {
    const { spi } = start();
    spi.write(CR1, 0x244, 2); // SSM without SSI
    expect([spi.read(SR, 2) & MODF, spi.read(CR1, 2) & 0x44]).toEqual([MODF, 0]);
  });
  it("takes 8 bits for a length that is not offered (28.9.2, DS)", () => {
    expect(start(0x1000).spi.read(CR2, 2)).toBe(0x1700);
  });
});

describe("independent watchdog (chapter 24)", () => {
  const [KR, PR, RLR, SR] = [0, 4, 8, 12] as const;

  function start() {
    const clock = new ManualClock(HZ);
    let bites = 0;
    const iwdg = new Iwdg(clock, 40_000, () => bites++);
    iwdg.reset();
    return { clock, iwdg, bites: () => bites, ms: (n: number) => clock.advance(n * 48_000) };
  }

  it("bites after 409.6 ms with prescaler 4 and 0xFFF (table 70)", () => {
    const { iwdg, bites, ms } = start();
    iwdg.write(KR, 0xcccc);
    ms(409);
    expect(bites()).toBe(0);
    ms(1);
    expect(bites()).toBe(1);
  });
  it("starts over at 0xAAAA (24.3)", () => {
    const { iwdg, bites, ms } = start();
    iwdg.write(KR, 0xcccc);
    for (let n = 0; n < 5; n++) {
      ms(400);
      iwdg.write(KR, 0xaaaa);
    }
    expect(bites()).toBe(0);
  });
  it("takes PR and RLR only behind 0x5555, and five LSI cycles later (24.3.3, 24.4.4)", () => {
    const { clock, iwdg } = start();
    iwdg.write(PR, 3);
    iwdg.write(KR, 0x5555);
    iwdg.write(PR, 4);
    iwdg.write(RLR, 625);
    expect([iwdg.read(PR), iwdg.read(SR)]).toEqual([0, 3]);
    clock.advance(5 * 1200);
    expect([iwdg.read(PR), iwdg.read(RLR), iwdg.read(SR)]).toEqual([4, 625, 0]);
  });
});

describe("pins (chapter 8)", () => {
  const [MODER, PUPDR, IDR, ODR, BSRR, AFRH] = [0x00, 0x0c, 0x10, 0x14, 0x18, 0x24] as const;

  it("sets rather than resets where BSRR asks for both (8.4.7)", () => {
    const port = new Gpio();
    port.write(BSRR, 0x00010003);
    expect(port.read(ODR)).toBe(3);
  });
  it("reads a pin that is pulled up, applied or driven (8.4.5)", () => {
    const port = new Gpio();
    port.write(PUPDR, 1); // pin 0 up
    port.apply(1, 1);
    port.write(MODER, 0b010000); // pin 2 output
    port.write(BSRR, 4);
    expect(port.read(IDR)).toBe(7);
  });
  it("knows the alternate function of a pin only in that mode (8.4.10)", () => {
    const port = new Gpio();
    port.write(AFRH, 0x40);
    expect(port.alternate(9)).toBeUndefined();
    port.write(MODER, 2 << 18);
    expect(port.alternate(9)).toBe(4);
  });
});

describe("clocks of the F0x2 (chapter 6)", () => {
  const [CR, CFGR, CSR, CR2] = [0x00, 0x04, 0x24, 0x34] as const;

  function start(hseHz = 8_000_000) {
    const clock = new ManualClock(HZ);
    let hz = 0;
    const rcc = new Rcc(RCC_F0, clock, hseHz, (now) => {
      hz = now;
    });
    rcc.noteReset(ResetFlag.POWER);
    rcc.reset();
    return { rcc, hz: () => hz, us: (n: number) => clock.advance(n * 48) };
  }

  it("comes up on HSI, 8 MHz (6.2.6; CR resets to 0x83)", () => {
    const { rcc, hz } = start();
    expect([rcc.read(CR), hz()]).toEqual([0x83, 8_000_000]);
  });
  it("goes to 48 MHz: HSI / 2 * 12, once the PLL is ready (6.2.6)", () => {
    const { rcc, hz, us } = start();
    rcc.write(CFGR, 10 << 18);
    rcc.write(CR, 0x01000083);
    rcc.write(CFGR, (10 << 18) | 2);
    expect(rcc.read(CFGR) & 12).toBe(0); // not ready: not taken
    us(200);
    rcc.write(CFGR, (10 << 18) | 2);
    expect([rcc.read(CFGR) & 12, hz()]).toEqual([8, 48_000_000]);
  });
  it("never has a crystal ready that is not there", () => {
    const { rcc, us } = start(0);
    rcc.write(CR, 0x00010083);
    us(1e6);
    expect(rcc.read(CR) & (1 << 17)).toBe(0);
  });
  it("keeps the factor of a PLL that is on (6.4.2)", () => {
    const { rcc, us } = start();
    rcc.write(CR, 0x01000083);
    us(200);
    rcc.write(CFGR, 10 << 18);
    expect(rcc.read(CFGR)).toBe(0);
  });
  it("has HSI48 ready after 6 us (DS9826)", () => {
    const { rcc, us } = start();
    rcc.write(CR2, 1 << 16);
    us(5);
    expect(rcc.read(CR2) >>> 17).toBe(0);
    us(1);
    expect(rcc.read(CR2) >>> 17).toBe(1);
  });
  it("tells of every reset until RMVF is written (6.4.10)", () => {
    const { rcc } = start();
    expect(rcc.read(CSR)).toBe(0x0c000000);
    rcc.noteReset(ResetFlag.WATCHDOG);
    expect(rcc.read(CSR)).toBe(0x2c000000);
    rcc.write(CSR, 1 << 24);
    expect(rcc.read(CSR)).toBe(0);
  });
  it("gates a peripheral by its bit (6.4.8)", () => {
    const { rcc } = start();
    expect(rcc.isOn("can1")).toBe(false);
    rcc.write(0x1c, 1 << 25);
    expect(rcc.isOn("can1")).toBe(true);
  });
});

describe("clocks of the F405 (RM0090 chapter 7)", () => {
  it("goes to 168 MHz from a crystal of 8: M 8, N 336, P 2; APB1 by 4 (7.3.2, 7.3.3)", () => {
    const clock = new ManualClock(168_000_000);
    let hz = 0;
    const rcc = new Rcc(RCC_F4, clock, 8_000_000, (now) => {
      hz = now;
    });
    rcc.reset();
    expect(hz).toBe(16_000_000);
    rcc.write(0x00, 0x00010083);
    clock.advance(168 * 2000);
    rcc.write(0x04, 8 | (336 << 6) | (1 << 22) | (7 << 24));
    rcc.write(0x00, 0x01010083);
    clock.advance(168 * 300);
    rcc.write(0x08, (5 << 10) | (4 << 13) | 2);
    expect([hz, rcc.busHz("can1"), rcc.busHz("spi1")]).toEqual([168e6, 42e6, 84e6]);
  });
});
