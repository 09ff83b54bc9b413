// The simulated non-volatile bytes: what programming takes, what a cut leaves, who hears of it.

import { describe, expect, it } from "vitest";
import { Err } from "../../../assembly/spec/errors.ts";
import { NV_GEOMETRY, NvDevice, PowerCut } from "../../../host/node/nv.ts";

function connect(device: NvDevice) {
  const memory = new Uint8Array(64);
  return { memory, hal: device.hal(() => memory) };
}

describe("a simulated device", () => {
  it("takes 3.4 ms for each byte of an ATmega's EEPROM, and is busy meanwhile", () => {
    let now_us = 0;
    const device = new NvDevice(new Uint8Array(16), {
      geometry: NV_GEOMETRY.eeprom,
      clock_us: () => now_us,
    });
    const { memory, hal } = connect(device);
    memory.set([1, 2, 3]);
    expect(hal.nv_program(4, 0, 3)).toBe(Err.OK);
    memory.fill(9); // the bytes were copied
    now_us = 2 * 3400;
    expect(hal.nv_busy()).toBe(1);
    expect(hal.nv_read(4, 8, 1)).toBe(Err.BUSY);
    expect(hal.nv_program(0, 0, 1)).toBe(Err.BUSY);
    expect([...device.bytes.subarray(3, 8)]).toEqual([0, 1, 2, 0, 0]);
    now_us = 3 * 3400;
    expect(hal.nv_busy()).toBe(0);
    expect([...device.bytes.subarray(3, 8)]).toEqual([0, 1, 2, 3, 0]);
  });

  it("can only clear bits until it is erased, where it has erase units", () => {
    const device = new NvDevice(new Uint8Array(16).fill(0xf0), { geometry: NV_GEOMETRY.eeprom8 });
    const { memory, hal } = connect(device);
    memory[0] = 0x3c;
    hal.nv_program(9, 0, 1);
    expect(device.bytes[9]).toBe(0x30);
    hal.nv_erase(9);
    expect([...device.bytes.subarray(7, 10)]).toEqual([0xf0, 0xff, 0xff]);
    hal.nv_program(9, 0, 1);
    expect(device.bytes[9]).toBe(0x3c);
    expect([device.bytesProgrammed, device.unitsErased]).toEqual([2, 1]);
  });

  it("loses power in the byte it was told to, and keeps what came before", () => {
    const device = new NvDevice(new Uint8Array(8));
    const { memory, hal } = connect(device);
    memory.set([0x11, 0x22, 0x33, 0x44]);
    device.cut = { after: 2, tear: (old, wanted) => old | (wanted & 0x0f) };
    expect(() => hal.nv_program(0, 0, 4)).toThrow(PowerCut);
    expect([...device.bytes.subarray(0, 4)]).toEqual([0x11, 0x22, 0x03, 0]);
    device.powerOn();
    expect(hal.nv_program(0, 0, 4)).toBe(Err.OK);
    expect([...device.bytes.subarray(0, 4)]).toEqual([0x11, 0x22, 0x33, 0x44]);
  });

  it("refuses addresses beyond its end, erasing without erase units, and all when it is absent", () => {
    const device = new NvDevice(new Uint8Array(8));
    const { hal } = connect(device);
    expect(hal.nv_read(7, 0, 2)).toBe(Err.IO);
    expect(hal.nv_program(8, 0, 1)).toBe(Err.IO);
    expect(hal.nv_erase(0)).toBe(Err.UNSUPPORTED);
    device.fault = "absent";
    expect([hal.nv_size(), hal.nv_read(0, 0, 1)]).toEqual([0, Err.ABSENT]);
  });
});

describe("whoever keeps the bytes of a device", () => {
  it("hears of each as soon as it is durable", () => {
    const kept = new Uint8Array(32).fill(0xff);
    const onChange = (address: number, bytes: Uint8Array) => kept.set(bytes, address);
    const { memory, hal } = connect(new NvDevice(kept.slice(), { onChange }));
    memory.set([1, 2, 3]);
    hal.nv_program(5, 0, 3);
    const expected = new Uint8Array(32).fill(0xff);
    expected.set([1, 2, 3], 5);
    expect(kept).toEqual(expected);
  });
});
