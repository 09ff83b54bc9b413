// The MCP2515 against its data sheet, DS20001801J.

import { describe, expect, it } from "vitest";
import { Eflg, Irq, Mcp2515, Reg } from "../../../../host/boards/devices/mcp2515.ts";
import { ManualClock } from "../../../../host/bus/clock.ts";
import { CanPartner } from "../../../../host/bus/partner.ts";
import { CanWire } from "../../../../host/bus/wire.ts";
import type { CanFrame } from "../../../../host/formats/can-frame.ts";

const HZ = 16_000_000;
const SPI_HZ = 8_000_000;
/** A bit at 500 kbit/s. */
const BIT = 32;

function bench({ oscillatorHz = 16_000_000 } = {}) {
  const clock = new ManualClock(HZ);
  const wire = new CanWire(clock);
  const chip = new Mcp2515(clock, wire, oscillatorHz);
  const partner = new CanPartner(wire);
  const levels: number[] = [];
  chip.onInterrupt = (level) => levels.push(level);
  const spi = (...bytes: number[]): number[] => {
    chip.select();
    const answer = bytes.map((byte) => chip.exchange(byte, SPI_HZ));
    chip.deselect();
    return answer;
  };
  const read = (address: number) => spi(0x03, address, 0)[2] as number;
  const write = (address: number, ...values: number[]) => spi(0x02, address, ...values);
  clock.advance(128);
  return { clock, wire, chip, partner, levels, spi, read, write };
}
type Bench = ReturnType<typeof bench>;

/** 500 kbit/s at 16 MHz with 8 TQ of 250 ns: SyncSeg 1, PropSeg 2, PS1 3, PS2 2 (5.0). All frames are let in. */
function goOn({ write, clock }: Bench, mode = 0x00): void {
  write(Reg.CNF3, 0x01, 0x91, 0x01); // CNF3, CNF2, CNF1: BRP 1
  write(Reg.RXB0CTRL, 0x60);
  write(Reg.RXB1CTRL, 0x60);
  write(Reg.CANCTRL, mode);
  clock.advance(11 * BIT);
}
const frame = (id: number, ...data: number[]): CanFrame => ({ id, data: Uint8Array.from(data) });
const settle = ({ clock }: Bench) => clock.advance(200 * BIT);

describe("reset", () => {
  it("leaves CANCTRL 0x87, CANSTAT 0x80 and the interrupts at zero (Registers 10-1, 10-2, 7-1)", () => {
    const b = bench();
    goOn(b);
    b.spi(0xc0);
    b.clock.advance(128);
    expect([Reg.CANCTRL, Reg.CANSTAT, Reg.CANINTE, Reg.CANINTF, Reg.EFLG].map(b.read)).toEqual([
      0x87, 0x80, 0, 0, 0,
    ]);
  });

  it("lets nothing be understood for 128 cycles of the oscillator (8.1)", () => {
    const b = bench();
    b.spi(0xc0);
    b.clock.advance(127);
    expect(b.read(Reg.CANCTRL)).toBe(0xff);
    b.clock.advance(1);
    expect(b.read(Reg.CANCTRL)).toBe(0x87);
  });
});

describe("the register map (Table 11-1)", () => {
  it("shows CANSTAT and CANCTRL in every row", () => {
    const b = bench();
    for (let row = 0; row < 8; row++) {
      expect([b.read(16 * row + 14), b.read(16 * row + 15)]).toEqual([0x80, 0x87]);
    }
  });

  it("is read and written on with rising addresses", () => {
    const b = bench();
    b.write(0x00, 1, 2, 3, 4, 5);
    // SIDL of a filter has no bits 4 and 2, but the model keeps what is written to them
    expect(b.spi(0x03, 0x00, 0, 0, 0, 0, 0).slice(2)).toEqual([1, 2, 3, 4, 5]);
  });

  it("keeps CANSTAT, the counters, and what the device reports from being written", () => {
    const b = bench();
    goOn(b);
    b.write(Reg.CANSTAT, 0xff);
    b.write(Reg.TEC, 1, 1);
    b.write(Reg.EFLG, 0x3f);
    b.write(Reg.TXB0CTRL, 0x70);
    b.write(0x61, 0xff);
    expect([Reg.CANSTAT, Reg.TEC, Reg.REC, Reg.EFLG, Reg.TXB0CTRL, 0x61].map(b.read)).toEqual([
      0, 0, 0, 0, 0, 0,
    ]);
  });

  it("has filters, masks and bit timing written in Configuration mode only; filters read 0 elsewhere", () => {
    const b = bench();
    b.write(0x00, 0xaa);
    b.write(0x20, 0xbb);
    goOn(b);
    expect([b.read(0x00), b.read(0x20)]).toEqual([0, 0]);
    b.write(0x00, 0x11);
    b.write(Reg.CNF1, 0x3f);
    b.write(Reg.CANCTRL, 0x80);
    b.clock.advance(BIT);
    expect([b.read(0x00), b.read(0x20), b.read(Reg.CNF1)]).toEqual([0xaa, 0xbb, 0x01]);
  });
});

describe("BIT MODIFY (12.10)", () => {
  it("changes the bits of the mask and leaves the others (Figure 12-1)", () => {
    const b = bench();
    b.write(Reg.CANINTE, 0b0101_1000);
    b.spi(0x05, Reg.CANINTE, 0b0011_0001, 0b1010_0001);
    expect(b.read(Reg.CANINTE)).toBe(0b0110_1001);
  });

  it("takes the mask for 0xFF where bits cannot be modified", () => {
    const b = bench();
    b.write(0x36, 0xf0);
    b.spi(0x05, 0x36, 0x0f, 0x05);
    expect(b.read(0x36)).toBe(0x05);
  });
});

describe("modes (10.0)", () => {
  it("enter Normal mode after eleven bits, and then one sees it in CANSTAT", () => {
    const b = bench();
    b.write(Reg.CNF3, 0x01, 0x91, 0x01);
    b.write(Reg.CANCTRL, 0x00);
    b.clock.advance(11 * BIT - 1);
    expect(b.read(Reg.CANSTAT) >> 5).toBe(4);
    b.clock.advance(1);
    expect(b.read(Reg.CANSTAT) >> 5).toBe(0);
  });

  it("Listen-Only takes frames and does not acknowledge", () => {
    const b = bench();
    goOn(b, 0x60);
    b.partner.send(frame(0x123, 1));
    settle(b);
    expect(b.wire.frames).toBe(0);
    new CanPartner(b.wire);
    settle(b);
    expect(b.read(Reg.CANINTF) & Irq.RX0).toBe(1);
  });

  it("Loopback receives what it sends, without the bus", () => {
    const b = bench();
    goOn(b, 0x40);
    b.spi(0x40, 0x24, 0x60, 0, 0, 2, 7, 8); // 0x123
    b.spi(0x81);
    settle(b);
    expect(b.wire.frames).toBe(0);
    expect(b.read(Reg.CANINTF)).toBe(Irq.RX0 | Irq.TX0);
    expect(b.spi(0x90, 0, 0, 0, 0, 0, 0, 0).slice(1)).toEqual([0x24, 0x60, 0, 0, 2, 7, 8]);
  });

  it("Sleep is not modelled and says so", () => {
    expect(() => bench().write(Reg.CANCTRL, 0x20)).toThrow("not modelled");
  });
});

describe("bit timing (5.0)", () => {
  it.each([
    ["500 kbit/s of 8 TQ", 16e6, [0x01, 0x91, 0x01], 2000],
    ["500 kbit/s of 16 TQ", 16e6, [0x04, 0xa4, 0x00], 2000], // PropSeg 5, PS1 5, PS2 5
    ["125 kbit/s of 16 TQ", 16e6, [0x05, 0xb1, 0x03], 8000], // PropSeg 2, PS1 7, PS2 6
    ["1 Mbit/s of 8 TQ", 16e6, [0x01, 0x91, 0x00], 1000],
    ["500 kbit/s of 8 TQ at 8 MHz", 8e6, [0x01, 0x91, 0x00], 2000],
    ["PS2 of BTLMODE 0 is PS1", 16e6, [0x00, 0x11, 0x01], 2250], // 1 + 2 + 3 + 3 TQ of 250 ns
  ])("%s", (_, oscillatorHz, cnf, bit_ns) => {
    const b = bench({ oscillatorHz });
    b.clock.advance(1000);
    b.write(Reg.CNF3, ...cnf);
    b.write(Reg.CANCTRL, 0x00);
    b.clock.advance(HZ / 1000);
    expect(b.chip.bit_ns).toBe(bit_ns);
  });

  it("that breaks the rules of 5.3 gives no bit: PS2 must be longer than SJW, PropSeg + PS1 no shorter than PS2", () => {
    for (const cnf of [
      [0x01, 0x91, 0x41], // PS2 2 TQ, SJW 2 TQ
      [0x07, 0x80, 0x01], // PropSeg 1, PS1 1, PS2 8
    ]) {
      const b = bench();
      b.write(Reg.CNF3, ...cnf);
      b.write(Reg.CANCTRL, 0x00);
      b.clock.advance(1000);
      expect(b.chip.bit_ns).toBeNaN();
    }
  });

  it("of another rate than the bus receives nothing and counts errors", () => {
    const b = bench();
    b.write(Reg.CNF3, 0x01, 0x91, 0x00);
    b.write(Reg.RXB0CTRL, 0x60);
    b.write(Reg.CANCTRL, 0x00);
    b.clock.advance(1000);
    new CanPartner(b.wire);
    b.partner.send(frame(0x123));
    settle(b);
    expect(b.read(Reg.REC)).toBeGreaterThan(0);
    expect(b.read(Reg.CANINTF)).toBe(Irq.MERR);
  });
});

describe("sending (3.0)", () => {
  it("puts the buffer's frame on the bus, then sets TXnIF and clears TXREQ", () => {
    const b = bench();
    goOn(b);
    b.write(Reg.CANINTE, Irq.TX0);
    b.spi(0x40, 0xff, 0xe0, 0, 0, 3, 0xaa, 0xbb, 0xcc); // LOAD TX BUFFER 0 from SIDH: 0x7FF
    b.spi(0x81);
    expect(b.read(Reg.TXB0CTRL)).toBe(0x08);
    settle(b);
    expect(b.partner.heard).toEqual([
      { id: 0x7ff, isExtended: false, isRemote: false, data: Uint8Array.of(0xaa, 0xbb, 0xcc) },
    ]);
    expect([b.read(Reg.TXB0CTRL), b.read(Reg.CANINTF)]).toEqual([0, Irq.TX0]);
    expect(b.levels).toEqual([0]);
    b.spi(0x05, Reg.CANINTF, Irq.TX0, 0);
    expect(b.levels).toEqual([0, 1]);
  });

  it("sends extended and remote frames (Registers 3-4, 3-7)", () => {
    const b = bench();
    goOn(b);
    // EXIDE, EID17:16 = 1; RTR, length 5
    b.spi(0x42, 0x80, 0x29, 0x34, 0x56, 0x45);
    b.spi(0x82);
    settle(b);
    expect(b.partner.heard).toEqual([
      {
        id: 0x401 * 0x40000 + 0x13456,
        isExtended: true,
        isRemote: true,
        data: new Uint8Array(5),
      },
    ]);
  });

  it("loads buffers at their six places (12.6)", () => {
    const b = bench();
    for (let place = 0; place < 6; place++) b.spi(0x40 | place, 0x10 + place);
    expect([0x31, 0x36, 0x41, 0x46, 0x51, 0x56].map(b.read)).toEqual([
      0x10, 0x11, 0x12, 0x13, 0x14, 0x15,
    ]);
  });

  it("takes the highest priority, then the highest number (3.2)", () => {
    const b = bench();
    goOn(b);
    for (const n of [0, 1, 2]) b.spi(0x40 + 2 * n, 0x10 + n, 0, 0, 0, 0);
    b.write(Reg.TXB0CTRL, 0x01); // TXP 1
    b.spi(0x87);
    settle(b);
    expect(b.partner.heard.map((f) => f.id)).toEqual([0x80, 0x90, 0x88]);
  });

  it("cannot change a buffer that waits (3.1)", () => {
    const b = bench();
    goOn(b);
    b.spi(0x40, 0x10, 0, 0, 0, 0);
    b.spi(0x81);
    b.write(0x31, 0x77);
    expect(b.read(0x31)).toBe(0x10);
  });

  it("aborts what is not on its way yet (3.6)", () => {
    const b = bench();
    goOn(b);
    b.partner.send(frame(0x001));
    b.clock.advance(2 * BIT);
    b.spi(0x40, 0x10, 0, 0, 0, 0);
    b.spi(0x81);
    b.spi(0x05, Reg.CANCTRL, 0x10, 0x10);
    expect(b.read(Reg.TXB0CTRL)).toBe(0x40);
    settle(b);
    expect(b.partner.heard).toEqual([]);
  });

  it("that loses the bus says so, and goes on by itself unless it has one shot (3.4, 3.5)", () => {
    for (const osm of [false, true]) {
      const b = bench();
      goOn(b, osm ? 0x08 : 0x00);
      b.partner.send(frame(0x001));
      b.spi(0x40, 0x10, 0, 0, 0, 0);
      b.spi(0x81);
      b.clock.advance(3 * BIT);
      expect(b.read(Reg.TXB0CTRL)).toBe(osm ? 0x20 : 0x28);
      settle(b);
      expect(b.partner.heard).toHaveLength(osm ? 0 : 1);
    }
  });
});

describe("receiving (4.0)", () => {
  it("fills RXB0 and the registers as 4-1 to 4-9 say; READ RX BUFFER clears the flag when chip select rises", () => {
    const b = bench();
    goOn(b);
    b.write(Reg.CANINTE, Irq.RX0 | Irq.RX1);
    b.partner.send(frame(0x5a5, 1, 2, 3));
    settle(b);
    expect(b.levels).toEqual([0]);
    b.chip.select();
    const bytes = [0x90, 0, 0, 0, 0, 0, 0, 0, 0].map((byte) => b.chip.exchange(byte, SPI_HZ));
    expect(bytes.slice(1)).toEqual([0xb4, 0xa0, 0, 0, 3, 1, 2, 3]);
    expect(b.levels).toEqual([0]);
    b.chip.deselect();
    expect(b.levels).toEqual([0, 1]);
    expect(b.read(Reg.CANINTF)).toBe(0);
  });

  it("reads buffers at their four places (12.4)", () => {
    const b = bench();
    goOn(b);
    b.write(Reg.RXB0CTRL, 0x64); // rollover
    b.partner.send(frame(0x010, 0x11));
    b.partner.send(frame(0x020, 0x22));
    settle(b);
    expect([0x92, 0x96, 0x90, 0x94].map((op) => b.spi(op, 0)[1])).toEqual([0x11, 0x22, 0x02, 0x04]);
  });

  it("marks extended and remote frames", () => {
    const b = bench();
    goOn(b);
    b.partner.send({
      id: 0x401 * 0x40000 + 0x13456,
      isExtended: true,
      isRemote: true,
      data: new Uint8Array(2),
    });
    settle(b);
    expect(b.spi(0x90, 0, 0, 0, 0, 0).slice(1)).toEqual([0x80, 0x29, 0x34, 0x56, 0x42]);
    b.partner.send({ id: 0x123, isRemote: true, data: new Uint8Array(2) });
    settle(b);
    expect(b.spi(0x90, 0, 0, 0, 0, 0).slice(1)).toEqual([0x24, 0x70, 0, 0, 2]);
  });

  describe("filters and masks (4.5, Table 4-2)", () => {
    function filtered(b: Bench, filters: Record<number, number[]>, masks: number[][]): void {
      for (const [n, bytes] of Object.entries(filters)) {
        const number = Number(n);
        b.write(number < 3 ? 4 * number : 0x10 + 4 * (number - 3), ...bytes);
      }
      for (const [n, bytes] of masks.entries()) b.write(0x20 + 4 * n, ...bytes);
      goOn(b);
      // out of goOn: filters in use
      b.spi(0x05, Reg.RXB0CTRL, 0x60, 0);
      b.spi(0x05, Reg.RXB1CTRL, 0x60, 0);
    }
    const sid = (id: number) => [id >> 3, (id & 7) << 5];

    it("let in what agrees wherever the mask has a one; the number of the filter is told", () => {
      const b = bench();
      const filters = {
        0: sid(0x100),
        1: sid(0x200),
        2: sid(0x300),
        3: sid(0x310),
        4: sid(0x320),
        5: sid(0x7ff),
      };
      filtered(b, filters, [sid(0x700), sid(0x7ff)]);
      const seen: string[] = [];
      for (const id of [0x1ff, 0x234, 0x300, 0x310, 0x320, 0x7ff, 0x301]) {
        b.partner.send(frame(id));
        settle(b);
        const status = b.spi(0xb0, 0)[1] as number;
        seen.push(`${id.toString(16)} ${status.toString(16)}`);
        b.write(Reg.CANINTF, 0);
      }
      // RX STATUS: bit 6 RXB0, bit 7 RXB1, the filter in bits 2 to 0; standard filters 0 and 1 feed RXB0
      expect(seen).toEqual(["1ff 40", "234 41", "300 82", "310 83", "320 84", "7ff 85", "301 0"]);
      expect(b.read(Reg.RXB1CTRL) & 7).toBe(5);
    });

    it("EXIDE of the filter chooses extended frames", () => {
      const b = bench();
      const other = sid(0x7f0);
      filtered(
        b,
        { 0: [0x00, 0x08, 0x00, 0x07], 1: other, 2: other, 3: other, 4: other, 5: other },
        [[0xff, 0xe3, 0xff, 0xff], sid(0x7ff)],
      );
      b.partner.send({ id: 7, isExtended: true, data: new Uint8Array(0) });
      settle(b);
      expect(b.spi(0xb0, 0)[1]).toBe(0x50);
      b.write(Reg.CANINTF, 0);
      b.partner.send(frame(0, 7));
      settle(b);
      expect(b.read(Reg.CANINTF)).toBe(0);
    });

    it("compare the first two data bytes of standard frames with EID15 to EID0", () => {
      const b = bench();
      filtered(
        b,
        { 0: [...sid(0x123), 0xab, 0xcd], 1: [...sid(0x123), 0xab, 0xcd], 2: sid(0x7f0) },
        [[...sid(0x7ff), 0xff, 0x00], sid(0x7ff)],
      );
      b.partner.send(frame(0x123, 0xac, 0));
      settle(b);
      expect(b.read(Reg.CANINTF)).toBe(0);
      b.partner.send(frame(0x123, 0xab, 0));
      settle(b);
      expect(b.read(Reg.CANINTF)).toBe(Irq.RX0);
    });
  });

  describe("two buffers (Figure 4-3)", () => {
    it("with BUKT the second frame goes to RXB1, the third is lost: RX1OVR and ERRIF", () => {
      const b = bench();
      goOn(b);
      b.write(Reg.RXB0CTRL, 0x64);
      for (const id of [1, 2, 3]) b.partner.send(frame(id));
      settle(b);
      settle(b);
      expect(b.read(Reg.CANINTF)).toBe(Irq.RX0 | Irq.RX1 | Irq.ERR);
      expect(b.read(Reg.EFLG)).toBe(Eflg.RX1OVR);
      expect(b.chip.overruns).toBe(1);
      // the first two are what is there
      expect([b.spi(0x90, 0, 0)[2], b.spi(0x94, 0, 0)[2]]).toEqual([0x20, 0x40]);
    });

    it("without BUKT the second frame for RXB0 is lost: RX0OVR", () => {
      const b = bench();
      goOn(b);
      b.partner.send(frame(1));
      b.partner.send(frame(2));
      settle(b);
      expect([b.read(Reg.CANINTF), b.read(Reg.EFLG)]).toEqual([Irq.RX0 | Irq.ERR, Eflg.RX0OVR]);
    });

    it("the overrun flags are the MCU's to clear (7.6.1)", () => {
      const b = bench();
      goOn(b);
      b.partner.send(frame(1));
      b.partner.send(frame(2));
      settle(b);
      b.spi(0x05, Reg.EFLG, 0xc0, 0);
      b.spi(0x05, Reg.CANINTF, Irq.ERR, 0);
      expect([b.read(Reg.CANINTF), b.read(Reg.EFLG)]).toEqual([Irq.RX0, 0]);
    });
  });
});

describe("READ STATUS (Figure 12-8)", () => {
  it("shows RX0IF, RX1IF, and TXREQ and TXnIF of each buffer", () => {
    const b = bench();
    b.write(Reg.CANINTF, 0x1f);
    for (const n of [0, 1, 2]) b.write(0x30 + 16 * n, 0x08);
    expect(b.spi(0xa0, 0, 0).slice(1)).toEqual([0xff, 0xff]);
    b.write(Reg.CANINTF, 0x12); // RX1IF, TX2IF
    b.write(0x30, 0x00);
    expect(b.spi(0xa0, 0)[1]).toBe(0xd2);
  });
});

describe("ICOD in CANSTAT (Table 7-1)", () => {
  it.each([
    [0x00, 0],
    [0x20, 1],
    [0x40, 2],
    [0x04, 3],
    [0x08, 4],
    [0x10, 5],
    [0x01, 6],
    [0x02, 7],
    [0x03, 6],
    [0x21, 1],
  ])("flags %i give code %i", (flags, code) => {
    const b = bench();
    b.write(Reg.CANINTE, 0xff);
    b.write(Reg.CANINTF, flags);
    expect((b.read(Reg.CANSTAT) >> 1) & 7).toBe(code);
    b.write(Reg.CANINTE, 0);
    expect(b.read(Reg.CANSTAT) & 0x0e).toBe(0);
  });
});

describe("errors (6.0)", () => {
  it("unacknowledged, the node becomes passive and goes on trying, without going off the bus", () => {
    const b = bench();
    goOn(b);
    b.partner.isActive = false;
    b.spi(0x40, 0x10, 0, 0, 0, 0);
    b.spi(0x81);
    b.clock.advance(100 * BIT);
    expect(b.read(Reg.TEC)).toBe(8);
    expect(b.read(Reg.CANINTF)).toBe(Irq.MERR);
    expect(b.read(Reg.TXB0CTRL)).toBe(0x18); // TXERR, TXREQ
    b.clock.advance(10_000 * BIT);
    expect(b.read(Reg.TEC)).toBe(128);
    expect(b.read(Reg.EFLG)).toBe(Eflg.TXEP | Eflg.TXWAR | Eflg.EWARN);
    // error passive, it destroys nothing: a listener took each of its frames
    expect(b.partner.heard.length).toBeGreaterThan(100);
    b.partner.isActive = true;
    b.partner.heard.length = 0;
    settle(b);
    expect(b.partner.heard).toHaveLength(2); // with the one that was under way
    expect(b.read(Reg.TEC)).toBe(127);
  });

  it("on a shorted bus it is off after 32 attempts, and back 128 times eleven bits later", () => {
    const b = bench();
    goOn(b);
    b.write(Reg.CANINTE, Irq.ERR);
    b.wire.isShorted = true;
    b.spi(0x40, 0x10, 0, 0, 0, 0);
    b.spi(0x81);
    // Error in the first bit, six bits of its flag, six of the partner's (stuff error at the sixth dominant bit), eight of
    // delimiter, three of pause: 23. Sixteen times; then passive, with the partner's flag a bit later and eight bits more.
    const off = 1 + 16 * 23 + 16 * 32 - 3;
    b.clock.advance((off - 1) * BIT);
    expect(b.read(Reg.EFLG) & Eflg.TXBO).toBe(0);
    b.clock.advance(BIT);
    expect(b.read(Reg.EFLG) & Eflg.TXBO).toBe(Eflg.TXBO);
    expect(b.read(Reg.CANINTF) & Irq.ERR).toBe(Irq.ERR);
    expect(b.levels.at(-1)).toBe(0);
    b.wire.isShorted = false;
    b.clock.advance(128 * 11 * BIT - 1);
    expect(b.read(Reg.EFLG) & Eflg.TXBO).toBe(Eflg.TXBO);
    b.clock.advance(1);
    expect(b.read(Reg.EFLG) & Eflg.TXBO).toBe(0);
    expect(b.partner.heard).toEqual([]);
    b.clock.advance(100 * BIT);
    expect(b.partner.heard).toHaveLength(1);
    expect([b.read(Reg.EFLG), b.read(Reg.TEC)]).toEqual([0, 0]);
  });

  it("warns at 96 (7.6.2, 7.6.3), once for each change", () => {
    const b = bench();
    goOn(b);
    for (let n = 0; n < 95; n++) b.chip.disturbed(1);
    expect(b.read(Reg.EFLG)).toBe(0);
    b.chip.disturbed(1);
    expect(b.read(Reg.EFLG)).toBe(Eflg.RXWAR | Eflg.EWARN);
    b.spi(0x05, Reg.CANINTF, 0xa0, 0);
    b.chip.disturbed(1);
    expect(b.read(Reg.CANINTF)).toBe(Irq.MERR);
    for (let n = 0; n < 31; n++) b.chip.disturbed(1);
    expect(b.read(Reg.EFLG)).toBe(Eflg.RXEP | Eflg.RXWAR | Eflg.EWARN);
    b.partner.send(frame(1));
    settle(b);
    expect(b.read(Reg.REC)).toBe(127);
    expect(b.read(Reg.EFLG)).toBe(Eflg.RXWAR | Eflg.EWARN);
  });
});

it("is not clocked faster than 10 MHz (Table 13-6)", () => {
  const { chip } = bench();
  chip.select();
  expect(() => chip.exchange(0x03, 16e6)).toThrow("10000000 allowed");
});
