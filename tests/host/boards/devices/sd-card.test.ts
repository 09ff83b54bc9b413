// The SD card in SPI mode against the SD Physical Layer Simplified Specification 6.00, chapters 4, 5 and 7.

import { describe, expect, it } from "vitest";
import { crc7, crc16, SdCard, type SdOptions } from "../../../../host/boards/devices/sd-card.ts";
import { ManualClock } from "../../../../host/bus/clock.ts";

const SLOW = 250_000;
const FAST = 8_000_000;

function bench(options: SdOptions = {}, blocks = 2048) {
  const clock = new ManualClock(16_000_000);
  const bytes = new Uint8Array(512 * blocks);
  for (let n = 0; n < blocks; n++) bytes.fill(n & 0xff, 512 * n, 512 * n + 256);
  const card = new SdCard(clock, bytes, options);
  let hz = SLOW;
  const exchange = (byte = 0xff): number => {
    clock.advance((8 * 16_000_000) / hz);
    return card.exchange(byte, hz);
  };
  /** The first byte that is not 0xFF, of 16 at most. */
  const wait = (bytesMax = 16): number | undefined => {
    for (let n = 0; n < bytesMax; n++) {
      const byte = exchange();
      if (byte !== 0xff) return byte;
    }
    return undefined;
  };
  const send = (index: number, argument = 0, crc?: number): void => {
    const bytes = [0x40 | index, ...[24, 16, 8, 0].map((n) => (argument >>> n) & 0xff)];
    for (const byte of [...bytes, crc ?? crc7(bytes)]) exchange(byte);
  };
  const command = (index: number, argument = 0, crc?: number): number | undefined => {
    send(index, argument, crc);
    return wait();
  };
  const appCommand = (index: number, argument: number): number | undefined => {
    command(55);
    return command(index, argument);
  };
  const powerUp = (clocks = 80): void => {
    for (let n = 0; n < clocks; n += 8) card.idle(hz);
    card.select();
  };
  const start = (): void => {
    powerUp();
    command(0);
    command(8, 0x1aa);
    take(4);
    for (let n = 0; n < 10 && appCommand(41, 0x40000000) !== 0; n++);
    hz = FAST;
  };
  const take = (count: number): number[] => Array.from({ length: count }, () => exchange());
  return {
    card,
    clock,
    exchange,
    wait,
    send,
    command,
    appCommand,
    powerUp,
    start,
    take,
    setHz: (to: number) => (hz = to),
  };
}

describe("check sums (4.5)", () => {
  it("CRC7 of CMD0 is 0x95, of CMD8 0x1AA 0x87, of CMD17 0x55: the specification's examples", () => {
    expect(crc7([0x40, 0, 0, 0, 0])).toBe(0x95);
    expect(crc7([0x48, 0, 0, 1, 0xaa])).toBe(0x87);
    expect(crc7([0x51, 0, 0, 0, 0])).toBe(0x55); // 0101010 and the end bit
  });

  it("CRC16 of 512 bytes of 0xFF is 0x7FA1", () => {
    expect(crc16(new Uint8Array(512).fill(0xff))).toBe(0x7fa1);
  });
});

describe("power-up", () => {
  it("takes 74 clocks with chip select high before anything is answered (6.4.1.4)", () => {
    const b = bench();
    b.powerUp(72);
    expect(b.command(0)).toBeUndefined();
    b.card.deselect();
    b.powerUp(8);
    expect(b.command(0)).toBe(0x01);
  });

  it("is done at 400 kHz at most (6.4.1.1)", () => {
    const b = bench();
    b.powerUp();
    b.setHz(FAST);
    expect(b.command(0)).toBeUndefined();
    b.setHz(SLOW);
    expect(b.command(0)).toBe(0x01);
  });

  it("needs CMD0 with a right CRC first: before, the card is in SD mode (7.2.1)", () => {
    const b = bench();
    b.powerUp();
    expect(b.command(8, 0x1aa)).toBeUndefined();
    expect(b.command(0, 0, 0xff)).toBeUndefined();
    expect(b.command(0)).toBe(0x01);
  });

  it("CMD8 echoes voltage and pattern (R7); its CRC is always looked at", () => {
    const b = bench();
    b.powerUp();
    b.command(0);
    expect(b.command(8, 0x1aa)).toBe(0x01);
    expect(b.take(4)).toEqual([0x00, 0x00, 0x01, 0xaa]);
    expect(b.command(8, 0x1aa, 0xff)).toBe(0x09);
  });

  it("a card of version 1 does not know CMD8", () => {
    const b = bench({ isVersion1: true });
    b.powerUp();
    b.command(0);
    expect(b.command(8, 0x1aa)).toBe(0x05);
  });

  it("ACMD41 is asked until the idle bit falls; other commands are illegal until then", () => {
    const b = bench({ initTries: 2 });
    b.powerUp();
    b.command(0);
    expect(b.command(17)).toBe(0x05);
    expect(b.command(41, 0x40000000)).toBe(0x05); // without CMD55
    const answers = [1, 2, 3].map(() => b.appCommand(41, 0x40000000));
    expect(answers).toEqual([0x01, 0x01, 0x00]);
  });

  it("a high-capacity card stays idle for a host without HCS (7.2.1)", () => {
    const b = bench({ isHighCapacity: true, initTries: 0 });
    b.powerUp();
    b.command(0);
    b.command(55);
    expect(b.command(41, 0)).toBe(0x01);
    b.command(55);
    expect(b.command(41, 0x40000000)).toBe(0x00);
  });

  it("CMD58 tells the voltages, and behind power-up the capacity (5.1)", () => {
    for (const isHighCapacity of [false, true]) {
      const b = bench({ isHighCapacity });
      b.powerUp();
      b.command(0);
      b.command(58);
      expect(b.take(4)).toEqual([0x00, 0xff, 0x80, 0x00]);
      b.card.deselect();
      b.start();
      b.command(58);
      expect(b.take(4)).toEqual([isHighCapacity ? 0xc0 : 0x80, 0xff, 0x80, 0x00]);
    }
  });
});

describe("a response", () => {
  it("comes N_CR bytes behind the command", () => {
    const b = bench({ responseDelay: 8 });
    b.powerUp();
    b.send(0);
    expect(b.take(9)).toEqual([...new Array(8).fill(0xff), 0x01]);
  });

  it("with a wrong CRC says so while CMD59 has them on", () => {
    const b = bench();
    b.start();
    expect(b.command(16, 512, 0xff)).toBe(0x00);
    expect(b.command(59, 1)).toBe(0x00);
    expect(b.command(16, 512, 0xff)).toBe(0x08);
    expect(b.command(59, 0)).toBe(0x00);
    expect(b.command(16, 512, 0xff)).toBe(0x00);
  });

  it("to CMD13 has two bytes, to what is no command the illegal bit", () => {
    const b = bench();
    b.start();
    expect([b.command(13), b.exchange()]).toEqual([0x00, 0x00]);
    expect(b.command(5)).toBe(0x04);
  });
});

describe("the size", () => {
  it("stands in the CSD: version 1 as (C_SIZE + 1) * 2^(C_SIZE_MULT + 2) blocks (5.3.2)", () => {
    for (const blocks of [2048, 4096 * 512, 5 * 1024]) {
      const b = bench({}, blocks === 4096 * 512 ? 1024 * 512 : blocks);
      const all = blocks === 4096 * 512 ? 1024 * 512 : blocks;
      b.start();
      expect(b.command(9)).toBe(0x00);
      expect(b.wait()).toBe(0xfe);
      const csd = b.take(18);
      const [c6 = 0, c7 = 0, c8 = 0, c9 = 0, c10 = 0] = csd.slice(6);
      const size = ((c6 & 3) << 10) | (c7 << 2) | (c8 >> 6);
      const multiplier = ((c9 & 3) << 1) | (c10 >> 7);
      expect((csd[0] as number) >> 6).toBe(0);
      expect((csd[5] as number) & 15).toBe(9);
      expect((size + 1) * 2 ** (multiplier + 2)).toBe(all);
      expect(crc16(csd.slice(0, 16))).toBe((csd[16] as number) * 256 + (csd[17] as number));
    }
  });

  it("of high capacity is C_SIZE + 1 times 1,024 blocks (5.3.3)", () => {
    const b = bench({ isHighCapacity: true }, 8 * 1024);
    b.start();
    b.command(9);
    b.wait();
    const csd = b.take(16);
    expect((csd[0] as number) >> 6).toBe(1);
    expect(csd.slice(7, 10)).toEqual([0, 0, 7]);
  });
});

describe("reading (7.2.3)", () => {
  it.each([
    [false, 3 * 512],
    [true, 3],
  ])("a block, high capacity %s, addressed by %i", (isHighCapacity, argument) => {
    const b = bench({ isHighCapacity });
    b.start();
    expect(b.command(17, argument)).toBe(0x00);
    expect(b.wait(1000)).toBe(0xfe);
    const block = b.take(514);
    expect([block[0], block[255], block[256]]).toEqual([3, 3, 0]);
    expect(crc16(block.slice(0, 512))).toBe((block[512] as number) * 256 + (block[513] as number));
    expect(b.exchange()).toBe(0xff);
  });

  it("takes its access time: 0xFF until then", () => {
    const b = bench({ access_us: 1000 });
    b.start();
    b.command(17, 0);
    const before = b.clock.now;
    while (b.exchange() === 0xff);
    expect(b.clock.now - before).toBeGreaterThan(15_000);
    expect(b.clock.now - before).toBeLessThan(17_000);
  });

  it("refuses addresses between blocks and beyond the card", () => {
    const b = bench();
    b.start();
    expect(b.command(17, 100)).toBe(0x20);
    expect(b.command(17, 2048 * 512)).toBe(0x40);
  });

  it("of a block that cannot be read gives an error token (7.3.3.3)", () => {
    const b = bench();
    b.card.badBlocks.add(1);
    b.start();
    b.command(17, 512);
    expect(b.wait(1000)).toBe(0x01);
  });

  it("of a spoiled block shows in its CRC", () => {
    const b = bench();
    b.card.spoiledBlocks.add(1);
    b.start();
    b.command(17, 512);
    b.wait(1000);
    const block = b.take(514);
    expect(crc16(block.slice(0, 512))).not.toBe(
      (block[512] as number) * 256 + (block[513] as number),
    );
  });

  it("of several blocks goes on until CMD12", () => {
    const b = bench({ isHighCapacity: true });
    b.start();
    b.command(18, 5);
    for (const n of [5, 6, 7]) {
      expect(b.wait(1000)).toBe(0xfe);
      expect(b.take(514)[0]).toBe(n);
    }
    b.send(12);
    b.exchange(); // the stuff byte
    expect(b.wait()).toBe(0x00);
    expect(b.take(300)).toEqual(new Array(300).fill(0xff));
  });
});

describe("writing (7.2.4)", () => {
  const data = Array.from({ length: 512 }, (_, n) => (n * 7) & 0xff);

  it("accepts a block, is busy for its time, and keeps it", () => {
    const b = bench({ write_us: 500 });
    b.start();
    expect(b.command(24, 512)).toBe(0x00);
    for (const byte of [0xff, 0xfe, ...data, 0, 0]) b.exchange(byte);
    expect(b.exchange() & 0x1f).toBe(0x05);
    const before = b.clock.now;
    while (b.exchange() === 0x00);
    expect(b.clock.now - before).toBeGreaterThan(7_900);
    expect([...b.card.bytes.subarray(512, 1024)]).toEqual(data);
  });

  it("refuses a block with a wrong CRC while they are on", () => {
    const b = bench();
    b.start();
    b.command(59, 1);
    b.command(24, 512);
    for (const byte of [0xff, 0xfe, ...data, 0, 0]) b.exchange(byte);
    expect(b.exchange() & 0x1f).toBe(0x0b);
    expect(b.card.bytes[512]).toBe(1);
  });
});

describe("a card that is pulled", () => {
  it("answers nothing from then on, also in the middle of a block, and the switch says so", () => {
    const b = bench();
    b.start();
    expect(b.card.detect).toBe(0);
    b.command(17, 512);
    b.wait(1000);
    b.take(100);
    b.card.pull();
    expect(b.card.detect).toBe(1);
    expect(b.take(20)).toEqual(new Array(20).fill(0xff));
    expect(b.command(13)).toBeUndefined();
  });

  it("and put in again starts from power-up", () => {
    const b = bench();
    b.start();
    b.card.pull();
    b.card.insert();
    expect(b.command(13)).toBeUndefined();
    b.card.deselect();
    b.setHz(SLOW);
    b.start();
    expect(b.command(13)).toBe(0x00);
  });
});
