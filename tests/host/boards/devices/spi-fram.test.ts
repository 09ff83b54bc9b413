// FRAM chips against their data sheets: FM25CL64B 001-84483, FM25V10 001-84499, MB85RS64V DS501-00015, MB85RS1MT DS501-00022.

import { describe, expect, it } from "vitest";
import { SpiSocket } from "../../../../host/boards/devices/spi.ts";
import { FRAM_PARTS, SpiFram } from "../../../../host/boards/devices/spi-fram.ts";
import { ManualClock } from "../../../../host/bus/clock.ts";

const MHZ = 16_000_000;
const WREN = [0x06];
const WRDI = [0x04];
const RDSR = [0x05, 0];

function chipOf(name: keyof typeof FRAM_PARTS = "FM25CL64B") {
  const clock = new ManualClock(MHZ);
  const chip = new SpiFram(FRAM_PARTS[name], clock);
  /** One selection; what MISO carried. */
  const transfer = (...bytes: number[]): number[] => {
    chip.select();
    const answer = bytes.map((byte) => chip.exchange(byte, 8_000_000));
    chip.deselect();
    return answer;
  };
  return { chip, clock, transfer };
}
const hex = (bytes: number[]) => Buffer.from(bytes).toString("hex");

describe("the write enable latch", () => {
  it("is clear at power-on; WREN sets it, WRDI clears it (status bit 1)", () => {
    const { transfer } = chipOf();
    expect(transfer(...RDSR)[1]).toBe(0x00);
    transfer(...WREN);
    expect(transfer(...RDSR)[1]).toBe(0x02);
    transfer(...WRDI);
    expect(transfer(...RDSR)[1]).toBe(0x00);
  });

  it("lets one write through and is clear behind it", () => {
    const { chip, transfer } = chipOf();
    transfer(0x02, 0x00, 0x10, 0xaa);
    expect(chip.bytes[0x10]).toBe(0);
    transfer(...WREN);
    transfer(0x02, 0x00, 0x10, 0xaa, 0xbb);
    expect([...chip.bytes.subarray(0x10, 0x12)]).toEqual([0xaa, 0xbb]);
    expect(transfer(...RDSR)[1]).toBe(0x00);
    transfer(0x02, 0x00, 0x10, 0xcc);
    expect(chip.bytes[0x10]).toBe(0xaa);
    expect(chip.refused).toBe(2);
  });

  it("is set when chip select rises, not before", () => {
    const { chip, transfer } = chipOf();
    chip.select();
    chip.exchange(0x06, 8e6);
    chip.powerOff();
    expect(transfer(...RDSR)[1]).toBe(0x00);
  });

  it("does not survive the power, the contents do", () => {
    const { chip, transfer } = chipOf();
    transfer(...WREN);
    transfer(0x02, 0, 0, 0x5a);
    transfer(...WREN);
    chip.powerOff();
    expect(transfer(...RDSR)[1]).toBe(0x00);
    expect(transfer(0x03, 0, 0, 0)[3]).toBe(0x5a);
  });
});

describe("reading and writing", () => {
  it("goes on at the next address and round at the end", () => {
    const { transfer } = chipOf();
    transfer(...WREN);
    transfer(0x02, 0x1f, 0xff, 1, 2);
    expect(transfer(0x03, 0x1f, 0xff, 0, 0)).toEqual([0xff, 0xff, 0xff, 1, 2]);
    expect(transfer(0x03, 0x00, 0x00, 0)[3]).toBe(2);
  });

  it("ignores the upper three bits of an 8 KiB chip's address", () => {
    const { transfer } = chipOf();
    transfer(...WREN);
    transfer(0x02, 0xe0, 0x05, 9);
    expect(transfer(0x03, 0x00, 0x05, 0)[3]).toBe(9);
  });

  it("takes three address bytes beyond 64 KiB", () => {
    const { chip, transfer } = chipOf("FM25V10");
    transfer(...WREN);
    transfer(0x02, 0x01, 0x23, 0x45, 0x77);
    expect(chip.bytes[0x12345]).toBe(0x77);
    expect(transfer(0x0b, 0x01, 0x23, 0x45, 0, 0)[5]).toBe(0x77); // FSTRD: a dummy byte first
  });

  it("makes a byte durable with its last bit, before chip select rises", () => {
    const { chip, transfer } = chipOf();
    transfer(...WREN);
    chip.select();
    for (const byte of [0x02, 0, 0, 0x11]) chip.exchange(byte, 8e6);
    chip.powerOff();
    expect(chip.bytes[0]).toBe(0x11);
  });
});

describe("block protection (BP1, BP0)", () => {
  it.each([
    [0x00, 0x2000],
    [0x04, 0x1800],
    [0x08, 0x1000],
    [0x0c, 0x0000],
  ])("status %i protects from address %i on", (status, from) => {
    const { chip, transfer } = chipOf();
    transfer(...WREN);
    transfer(0x01, status);
    expect(transfer(...RDSR)[1]).toBe(status);
    for (const address of [0, from - 1, from, 0x1fff]) {
      if (address < 0 || address > 0x1fff) continue;
      transfer(...WREN);
      transfer(0x02, address >> 8, address & 0xff, 0xa5);
      expect(chip.bytes[address]).toBe(address < from ? 0xa5 : 0);
    }
  });

  it("is written after WREN only, and without the bits that are fixed", () => {
    const { transfer } = chipOf();
    transfer(0x01, 0x0c);
    expect(transfer(...RDSR)[1]).toBe(0);
    transfer(...WREN);
    transfer(0x01, 0xff);
    expect(transfer(...RDSR)[1]).toBe(0x8c);
  });

  it("of an FM25V10 reads bit 6 as 1", () => {
    expect(chipOf("FM25V10").transfer(...RDSR)[1]).toBe(0x40);
  });
});

describe("the device id", () => {
  it.each([
    ["FM25V10", "7f7f7f7f7f7fc22400"],
    ["FM25V20A", "7f7f7f7f7f7fc22508"],
    ["MB85RS64V", "047f0302"],
    ["MB85RS1MT", "047f2703"],
    ["MB85RS2MTA", "047f4803"],
  ] as const)("of an %s is %s", (name, id) => {
    const { transfer } = chipOf(name);
    expect(hex(transfer(0x9f, ...new Array(id.length / 2).fill(0)).slice(1))).toBe(id);
  });

  it("of an FM25CL64B does not exist: nobody drives the line", () => {
    expect(chipOf().transfer(0x9f, 0, 0, 0, 0).slice(1)).toEqual([0xff, 0xff, 0xff, 0xff]);
  });
});

describe("sleep", () => {
  it("ends when chip select falls, and 400 us pass before the next instruction is taken", () => {
    const { chip, clock, transfer } = chipOf("FM25V10");
    transfer(0xb9);
    chip.select();
    chip.deselect();
    clock.advance(6399); // 400 us at 16 MHz are 6,400 cycles
    expect(transfer(...RDSR)[1]).toBe(0xff);
    clock.advance(1);
    expect(transfer(...RDSR)[1]).toBe(0x40);
  });

  it("does not exist in an FM25CL64B", () => {
    const { transfer } = chipOf();
    transfer(0xb9);
    expect(transfer(...RDSR)[1]).toBe(0x00);
  });
});

it("is not clocked faster than it allows", () => {
  const { chip } = chipOf();
  chip.select();
  expect(() => chip.exchange(0x05, 21e6)).toThrow("20000000 allowed");
});

describe("a socket", () => {
  it.each([
    ["absent", 0xff],
    ["stuck-00", 0x00],
    ["stuck-ff", 0xff],
  ] as const)("%s answers with one level", (fault, level) => {
    const { chip } = chipOf("MB85RS64V");
    const socket = new SpiSocket(chip);
    socket.fault = fault;
    socket.select();
    expect([0x9f, 0, 0].map((byte) => socket.exchange(byte, 8e6))).toEqual([level, level, level]);
    socket.deselect();
  });

  it("absent keeps what is written from the chip; one that is stuck does not", () => {
    const { chip } = chipOf();
    const socket = new SpiSocket(chip);
    for (const fault of ["absent", "stuck-00"] as const) {
      socket.fault = fault;
      for (const bytes of [[0x06], [0x02, 0, 0, 0x42]]) {
        socket.select();
        for (const byte of bytes) socket.exchange(byte, 8e6);
        socket.deselect();
      }
      expect(chip.bytes[0]).toBe(fault === "absent" ? 0 : 0x42);
    }
  });
});
