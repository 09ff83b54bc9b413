// Flash and its interface in the models. Sections are those of RM0091 unless RM0090 is named.

import { describe, expect, it } from "vitest";
import { FlashF0, FlashF4, type FlashHost } from "../../../../host/boards/stm32/flash.ts";

const BASE = 0x08000000;

function hostOf(size: number) {
  let stalled = 0;
  const host: FlashHost = {
    bytes: new Uint8Array(size).fill(0xff),
    base: BASE,
    stall: (us) => {
      stalled += us;
    },
  };
  return { host, stalled_us: () => stalled };
}

describe("flash of the F0x2 (chapter 3)", () => {
  const [KEYR, SR, CR, AR] = [4, 0xc, 0x10, 0x14] as const;

  function open() {
    const { host, stalled_us } = hostOf(0x20000);
    const flash = new FlashF0(host);
    flash.reset();
    flash.write(KEYR, 0x45670123);
    flash.write(KEYR, 0xcdef89ab);
    return { flash, bytes: host.bytes, stalled_us };
  }

  it("is locked after reset (3.5.5, reset value 0x80)", () => {
    const flash = new FlashF0(hostOf(2048).host);
    flash.reset();
    expect(flash.read(CR)).toBe(0x80);
    flash.write(CR, 1);
    expect(flash.read(CR)).toBe(0x80);
  });
  it("answers a wrong key with a fault, and any further one (3.2.2)", () => {
    const flash = new FlashF0(hostOf(2048).host);
    flash.reset();
    expect(() => flash.write(KEYR, 0xcdef89ab)).toThrow("wrong key");
    expect(() => flash.write(KEYR, 0x45670123)).toThrow("key out of turn");
  });
  it("programs half-words, during which the CPU waits (3.2.2; DS9826, 40 to 70 us)", () => {
    const { flash, bytes, stalled_us } = open();
    flash.write(CR, 1);
    flash.program(BASE + 2, 0x1234, 2);
    expect([...bytes.subarray(0, 6)]).toEqual([0xff, 0xff, 0x34, 0x12, 0xff, 0xff]);
    expect([stalled_us(), flash.read(SR) & 0x20]).toEqual([70, 0x20]); // EOP
    expect(() => flash.program(BASE, 0, 4)).toThrow("half-words");
  });
  it("refuses to program over anything but erased bytes, except zero (3.2.2, PGERR)", () => {
    const { flash, bytes } = open();
    flash.write(CR, 1);
    flash.program(BASE, 0x00ff, 2);
    flash.program(BASE, 0x0001, 2);
    expect([flash.read(SR) & 4, bytes[0]]).toEqual([4, 0xff]);
    flash.write(SR, 4);
    flash.program(BASE, 0, 2);
    expect([flash.read(SR) & 4, bytes[0], bytes[1]]).toEqual([0, 0, 0]);
  });
  it("erases the page of 2 KiB that AR lies in, in 40 ms at most (3.2.2; DS9826)", () => {
    const { flash, bytes, stalled_us } = open();
    bytes.fill(0, 0, 6144);
    flash.write(CR, 2);
    flash.write(AR, BASE + 2048 + 700);
    flash.write(CR, 2 | 0x40);
    expect([bytes[2047], bytes[2048], bytes[4095], bytes[4096]]).toEqual([0, 0xff, 0xff, 0]);
    expect(stalled_us()).toBe(40_000);
  });
  it("faults on a write while locked or without PG", () => {
    const { flash } = open();
    expect(() => flash.program(BASE, 0, 2)).toThrow("write to locked flash at 0x08000000");
  });
});

describe("flash of the F405 (RM0090 chapter 3)", () => {
  const [KEYR, SR, CR] = [4, 0xc, 0x10] as const;

  it("programs at the width PSIZE says, and tells other widths by PGPERR (3.6.1)", () => {
    const { host } = hostOf(0x100000);
    const flash = new FlashF4(host);
    flash.reset();
    flash.write(KEYR, 0x45670123);
    flash.write(KEYR, 0xcdef89ab);
    flash.write(CR, 1 | (2 << 8));
    flash.program(BASE + 4, 0x11223344, 4);
    flash.program(BASE + 8, 0x55, 1);
    expect([...host.bytes.subarray(3, 9)]).toEqual([0xff, 0x44, 0x33, 0x22, 0x11, 0xff]);
    expect(flash.read(SR) & 0x40).toBe(0x40);
  });
  it("erases sectors of 16, 64 and 128 KiB (table 5)", () => {
    const { host } = hostOf(0x100000);
    host.bytes.fill(0);
    const flash = new FlashF4(host);
    flash.reset();
    flash.write(KEYR, 0x45670123);
    flash.write(KEYR, 0xcdef89ab);
    for (const sector of [1, 4, 11]) flash.write(CR, 2 | (sector << 3) | 0x10000);
    const at = (address: number) => host.bytes[address];
    expect([at(0x3fff), at(0x4000), at(0x7fff), at(0x8000)]).toEqual([0, 0xff, 0xff, 0]);
    expect([at(0xffff), at(0x10000), at(0x1ffff), at(0x20000)]).toEqual([0, 0xff, 0xff, 0]);
    expect([at(0xdffff), at(0xe0000), at(0xfffff)]).toEqual([0, 0xff, 0xff]);
  });
});
