// bxCAN of the models. Sections are those of RM0091, chapter 29.

import { describe, expect, it } from "vitest";
import { Bxcan, type CanRequest } from "../../../../host/boards/stm32/bxcan.ts";
import { Rig } from "./rig.ts";

const [MCR, MSR, TSR, RF0R, RF1R, IER, ESR, BTR] = [0, 4, 8, 0xc, 0x10, 0x14, 0x18, 0x1c] as const;
const [FMR, FM1R, FS1R, FFA1R, FA1R] = [0x200, 0x204, 0x20c, 0x214, 0x21c] as const;
/** 500 kbit/s from 48 MHz: 16 quanta of 6 cycles, sampled behind the 14th. */
const BTR_500K = 0x011c0005;
const BIT_US = 2;

function start(mcr = 0) {
  const rig = new Rig();
  const lines = new Map<CanRequest, boolean>();
  const can = new Bxcan(14, rig, (request, level) => lines.set(request, level));
  can.reset();
  can.write(MCR, 1);
  can.write(BTR, BTR_500K);
  can.write(MCR, mcr);
  rig.advance_us(11 * BIT_US);
  return { rig, can, lines };
}

const message = (id: number, ...data: number[]) => {
  return { id, isExtended: false, isRemote: false, data: Uint8Array.from(data) };
};

/** Bank 0 lets everything into FIFO 0. */
function acceptAll(can: Bxcan): void {
  can.write(FMR, 1);
  can.write(FS1R, 1);
  can.write(0x240, 0);
  can.write(0x244, 0);
  can.write(FA1R, 1);
  can.write(FMR, 0);
}
function request(can: Bxcan, mailbox: number, id: number, ...data: number[]): void {
  const base = 0x180 + 16 * mailbox;
  can.write(base + 4, data.length);
  can.write(base + 8, (data[0] ?? 0) | ((data[1] ?? 0) << 8));
  can.write(base, ((id << 21) | 1) >>> 0);
}
function transmit(can: Bxcan): number | undefined {
  const offered = can.offer();
  can.started();
  can.sent();
  return offered?.id;
}

describe("modes (29.4)", () => {
  it("sleeps after reset: MCR 0x00010002, MSR 0x00000C02 (29.9.2)", () => {
    const can = new Bxcan(14, new Rig(), () => {});
    can.reset();
    expect([can.read(MCR), can.read(MSR), can.read(TSR)]).toEqual([0x10002, 0xc02, 0x1c000000]);
  });
  it("leaves sleep for initialization when SLEEP goes and INRQ comes", () => {
    const can = new Bxcan(14, new Rig(), () => {});
    can.reset();
    can.write(MCR, 1);
    expect(can.read(MSR) & 3).toBe(1);
  });
  it("clears INAK 11 recessive bits after INRQ", () => {
    const rig = new Rig();
    const can = new Bxcan(14, rig, () => {});
    can.reset();
    can.write(MCR, 1);
    can.write(BTR, BTR_500K);
    can.write(MCR, 0);
    rig.advance_us(11 * BIT_US - 1);
    expect(can.read(MSR) & 1).toBe(1);
    rig.advance_us(1);
    expect(can.read(MSR) & 3).toBe(0);
  });
  it("takes BTR in initialization only, and makes bits of 1 + TS1 + TS2 quanta (29.7.7)", () => {
    const { can } = start();
    can.write(BTR, 0);
    expect([can.read(BTR), can.bitRate, can.samplePoint]).toEqual([BTR_500K, 500_000, 0.875]);
  });
});

describe("transmit mailboxes (29.7.1)", () => {
  it("offers the lowest identifier, or the oldest with TXFP", () => {
    const byId = start().can;
    request(byId, 0, 0x300);
    request(byId, 1, 0x100);
    expect([transmit(byId), transmit(byId)]).toEqual([0x100, 0x300]);
    const byAge = start(4).can;
    request(byAge, 0, 0x300);
    request(byAge, 1, 0x100);
    expect([transmit(byAge), transmit(byAge)]).toEqual([0x300, 0x100]);
  });
  it("sets RQCP and TXOK and frees the mailbox; writing RQCP clears both", () => {
    const { can, lines } = start();
    can.write(IER, 1);
    request(can, 0, 0x123, 1, 2);
    expect(can.read(TSR)).toBe(0x19000000); // mailboxes 1 and 2 empty, 1 is next
    expect(can.offer()).toEqual(message(0x123, 1, 2));
    transmit(can);
    expect([can.read(TSR) & 0xf, lines.get("tx")]).toEqual([3, true]);
    can.write(TSR, 1);
    expect([can.read(TSR), lines.get("tx")]).toEqual([0x1c000000, false]);
  });
  it("protects a mailbox that waits (29.9.3)", () => {
    const { can } = start();
    request(can, 0, 0x123, 1);
    can.write(0x188, 0xff);
    expect(can.offer()?.data[0]).toBe(1);
  });
  it("tries again after lost arbitration, once only with NART", () => {
    const again = start().can;
    request(again, 0, 1);
    again.started();
    again.lostArbitration();
    expect(again.offer()?.id).toBe(1);
    const once = start(0x10).can;
    request(once, 0, 1);
    once.started();
    once.lostArbitration();
    expect([once.offer(), once.read(TSR) & 0xf]).toEqual([undefined, 5]); // RQCP, ALST
  });
  it("takes back by ABRQ what is not on the bus yet", () => {
    const { can } = start();
    request(can, 2, 1);
    can.write(TSR, 1 << 23);
    expect([can.offer(), (can.read(TSR) >>> 16) & 0xf]).toEqual([undefined, 1]); // RQCP without TXOK
  });
});

describe("receive FIFOs (29.7.3)", () => {
  it("holds three, then overruns: the third is overwritten, or with RFLM the fourth is lost", () => {
    for (const [mcr, last] of [
      [0, 4],
      [8, 3],
    ] as const) {
      const { can } = start(mcr);
      acceptAll(can);
      for (const id of [1, 2, 3]) can.hear(message(id));
      expect(can.read(RF0R)).toBe(0x0b); // three, full
      can.hear(message(4));
      expect(can.read(RF0R)).toBe(0x1b); // and overrun
      can.write(RF0R, 0x20);
      can.write(RF0R, 0x20);
      expect(can.read(0x1b0) >>> 21).toBe(last);
    }
  });
  it("shows identifier, length and bytes (29.9.3) and asks for an interrupt with FMPIE0", () => {
    const { can, lines } = start();
    acceptAll(can);
    can.write(IER, 2);
    can.hear(message(0x7ff, 1, 2, 3, 4, 5));
    expect(lines.get("rx0")).toBe(true);
    expect([can.read(0x1b0), can.read(0x1b4) & 0xff]).toEqual([0xffe00000, 5]);
    expect([can.read(0x1b8), can.read(0x1bc)]).toEqual([0x04030201, 5]);
    can.write(RF0R, 0x20);
    expect([can.read(RF0R), lines.get("rx0")]).toEqual([0, false]);
  });
});

describe("filters (29.7.4)", () => {
  function filtered(set: (can: Bxcan) => void) {
    const { can } = start();
    can.write(FMR, 1);
    set(can);
    can.write(FMR, 0);
    return (id: number) => {
      can.hear(message(id));
      const fifo = (can.read(RF0R) & 3) !== 0 ? 0 : (can.read(RF1R) & 3) !== 0 ? 1 : undefined;
      const index = fifo === undefined ? undefined : (can.read(0x1b4 + 16 * fifo) >> 8) & 0xff;
      if (fifo !== undefined) can.write(fifo === 0 ? RF0R : RF1R, 0x20);
      return fifo === undefined ? "none" : `${fifo}:${index}`;
    };
  }
  it("lets nothing pass without a filter", () => {
    expect(filtered(() => {})(1)).toBe("none");
  });
  it("compares under a mask of 32 bits", () => {
    const hear = filtered((can) => {
      can.write(FS1R, 1);
      can.write(0x240, (0x120 << 21) >>> 0);
      can.write(0x244, (0x7f0 << 21) >>> 0);
      can.write(FA1R, 1);
    });
    expect([hear(0x12f), hear(0x130)]).toEqual(["0:0", "none"]);
  });
  it("numbers filters by bank and FIFO, active or not (figure 315)", () => {
    const hear = filtered((can) => {
      can.write(FM1R, 0b0100); // bank 2 lists
      can.write(FFA1R, 0b1000); // bank 3 feeds FIFO 1
      can.write(0x250, 0xffe00000); // bank 2, four identifiers of 16 bits each: 0, 0x7FF
      can.write(0x254, ((0x155 << 5) << 16) | (0x2aa << 5));
      can.write(0x258, (0xffe0 << 16) | (0x111 << 5)); // bank 3, a pair under a mask
      can.write(0x25c, (0xffe0 << 16) | (0x112 << 5));
      can.write(FA1R, 0b1100);
    });
    // banks 0 and 1: 16-bit masks, two filters each: numbers 0 to 3
    expect([hear(0x2aa), hear(0x155), hear(0x7ff), hear(0x112)]).toEqual([
      "0:6",
      "0:7",
      "0:5",
      "1:1",
    ]);
  });
  it("keeps modes outside filter initialization, and the words of an active bank (29.9.4)", () => {
    const { can } = start();
    acceptAll(can);
    can.write(FM1R, 1);
    can.write(0x240, 5);
    expect([can.read(FM1R), can.read(0x240)]).toEqual([0, 0]);
  });
});

describe("errors (29.7.6)", () => {
  it("counts 8 up for a failure and 1 down for a success, and warns at 96", () => {
    const { can } = start();
    request(can, 0, 1);
    for (let n = 0; n < 12; n++) {
      can.started();
      can.sendFailed("bit");
    }
    expect(can.read(ESR)).toBe((96 << 16) | (5 << 4) | 1);
    transmit(can);
    expect(can.read(ESR)).toBe(95 << 16);
  });
  it("stays error-passive when nobody acknowledges", () => {
    const { can } = start();
    request(can, 0, 1);
    for (let n = 0; n < 100; n++) {
      can.started();
      can.sendFailed("acknowledge");
    }
    expect(can.read(ESR) & 7).toBe(3);
    expect(can.errors.tec).toBe(128);
  });

  function drivenOff(mcr: number) {
    const all = start(mcr);
    request(all.can, 0, 1);
    for (let n = 0; n < 32; n++) {
      all.can.started();
      all.can.sendFailed("bit");
    }
    return all;
  }
  it("goes off at 256 and comes back by itself after 128 times 11 bits with ABOM", () => {
    const { rig, can } = drivenOff(0x40);
    expect(can.read(ESR) & 4).toBe(4);
    expect(can.offer()).toBeUndefined();
    rig.advance_us(128 * 11 * BIT_US - 1);
    expect(can.read(ESR) & 4).toBe(4);
    rig.advance_us(1);
    expect(can.read(ESR) & 7).toBe(0);
    expect(can.offer()?.id).toBe(1);
  });
  it("stays off without ABOM until software goes through initialization", () => {
    const { rig, can } = drivenOff(0);
    rig.advance_us(1e6);
    expect(can.read(ESR) & 4).toBe(4);
    can.write(MCR, 1);
    can.write(MCR, 0);
    rig.advance_us((128 + 1) * 11 * BIT_US);
    expect(can.read(ESR) & 4).toBe(0);
  });
  it("asks for an interrupt of the kinds that are enabled, and of no other", () => {
    const { can, lines } = start();
    can.write(IER, (1 << 15) | (1 << 10)); // ERRIE, BOFIE
    request(can, 0, 1);
    for (let n = 0; n < 31; n++) {
      can.started();
      can.sendFailed("bit");
    }
    expect(lines.get("sce")).toBe(false);
    can.started();
    can.sendFailed("bit");
    expect(lines.get("sce")).toBe(true);
    can.write(MSR, 4);
    expect(lines.get("sce")).toBe(false);
  });
});
