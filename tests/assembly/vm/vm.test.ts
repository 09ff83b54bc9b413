// What text vectors cannot tell of the MiniVM: budgets, slices, ranges for SVCs, the reference's machine, its WASM.

import { readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { Stop } from "../../../assembly/spec/node.ts";
import { Op } from "../../../assembly/spec/opcodes.ts";
import { fromRoot } from "../../../scripts/root.ts";
import { CoreGuest } from "../../oracle/guest-memory.ts";
import type { Guest } from "../../oracle/minivm.ts";
import { compileProbe, type ProfileName } from "../../probes/compile.ts";

function word(op: Op, rd = 0, rs1 = 0, rs2 = 0, imm = 0): number {
  return ((op << 24) | (rd << 20) | (rs1 << 16) | (rs2 << 12) | (imm & 0xfff)) >>> 0;
}

function codeOf(...words: number[]): Uint8Array {
  const code = Buffer.alloc(4 * words.length);
  for (const [i, w] of words.entries()) code.writeUInt32BE(w, 4 * i);
  return code;
}

const STACK = { stackOrigin: 0xffdc, sp: 0xfffc };
const PROFILES: readonly ProfileName[] = ["small", "large", "desktop"];

describe.each(PROFILES)("the %s MiniVM", async (profile) => {
  const probe = await compileProbe("vm", profile);
  const lay = (guest: Partial<Guest> & { code: Uint8Array }) => {
    return new CoreGuest(probe, { dataBytes: 64, ...STACK, ...guest });
  };

  it("does nothing on a budget of nothing", () => {
    const guest = lay({ code: codeOf(word(Op.LDI, 1, 0, 0, 5)) });
    expect(guest.run(0)).toBe(0);
    expect([guest.stop, guest.pc, guest.steps, guest.reg(1)]).toEqual([Stop.BUDGET, 0, 0, 0]);
  });

  it("retires exactly its budget, up to the largest", () => {
    const guest = lay({ code: codeOf(word(Op.JMP)) });
    for (const budget of [1, 2, 255, 256, 65_535]) expect(guest.run(budget)).toBe(budget);
    expect(guest.steps).toBe(1 + 2 + 255 + 256 + 65_535);
  });

  it("tells of a jump out of the code on the budget after the jump", () => {
    const guest = lay({ code: codeOf(word(Op.CALL, 0, 0, 0, 100)) });
    expect([guest.run(1), guest.stop, guest.pc]).toEqual([1, Stop.BUDGET, 400]);
    expect([guest.run(1), guest.stop, guest.pc, guest.steps]).toEqual([0, Stop.PC, 400, 1]);
    expect(guest.reg(0)).toBe(0xffffff07);
  });

  it("keeps counting CALLs whose return address is dropped, and still returns after 65,536", () => {
    const turn = [word(Op.CALL, 0, 0, 0, 1), word(Op.POP, 1), word(Op.JMP)];
    const guest = lay({
      code: codeOf(...turn, word(Op.CALL, 0, 0, 0, 2), word(Op.RET), word(Op.RET)),
    });
    for (let steps = 0; steps < 3 * 65_536; steps += 3 * 16_384) guest.run(3 * 16_384);
    guest.pc = 12;
    guest.run(2);
    expect([guest.stop, guest.pc, guest.depth]).toEqual([Stop.BUDGET, 16, 65_534]);
  });

  it("refuses to run with a stack pointer outside of the stack", () => {
    for (const sp of [0, 0xffd8, 0xfffd, 0x10000, 0xffffffff]) {
      const guest = lay({ code: codeOf(word(Op.PUSH)), sp });
      expect([guest.run(1), guest.stop]).toEqual([0, Stop.STACK_UNDERFLOW]);
    }
  });

  it.each([
    [Op.LD, 4],
    [Op.ST, 4],
    [Op.LDH, 2],
    [Op.STH, 2],
    [Op.LDB, 1],
    [Op.STB, 1],
  ])("lets opcode %i reach %i bytes in a segment and nowhere else", (op, size) => {
    const guest = lay({ code: codeOf(word(op, 2, 1)) });
    for (const edge of [0x4000, 0x4040, 0xffdc, 0xfffc, 0x10000]) {
      for (let address = edge - 5; address <= edge + 5; address++) {
        const end = (address & 0xffff) + size;
        const isData = (address & 0xffff) >= 0x4000 && end <= 0x4040;
        const isStack = (address & 0xffff) >= 0xffdc && end <= 0xfffc;
        guest.setReg(1, address);
        guest.pc = 0;
        guest.run(1);
        const expected = isData || isStack ? Stop.BUDGET : Stop.MEMORY;
        expect([address, guest.stop]).toEqual([address, expected]);
      }
    }
  });

  it("reaches nothing when it has no data", () => {
    for (const op of [Op.LD, Op.LDH, Op.LDB]) {
      const guest = lay({ code: codeOf(word(op, 2, 1)), dataBytes: 0 });
      guest.setReg(1, 0x4000);
      expect([guest.run(1), guest.stop]).toEqual([0, Stop.MEMORY]);
    }
  });

  it.each([0, 1, 3, 4, 5, 7, 8])("pushes as many words as fit a stack of %i bytes", (bytes) => {
    const guest = lay({ code: codeOf(word(Op.PUSH), word(Op.JMP)), stackOrigin: 0xfffc - bytes });
    guest.run(100);
    expect([guest.stop, guest.sp]).toEqual([Stop.STACK_OVERFLOW, 0xfffc - (bytes & ~3)]);
    const caller = lay({ code: codeOf(word(Op.CALL)), stackOrigin: 0xfffc - bytes });
    caller.run(100);
    expect([caller.stop, caller.sp]).toEqual([Stop.STACK_OVERFLOW, 0xfffc - (bytes & ~3)]);
  });

  it("executes no word that begins or ends behind the code", () => {
    for (const offset of [5, 6, 7, 8]) {
      const guest = lay({ code: codeOf(word(Op.NOT), 0x17171717), entry: offset });
      expect([guest.run(1), guest.stop, guest.pc]).toEqual([0, Stop.PC, offset]);
    }
  });

  it.each([Op.LDI32, Op.JMPL, Op.JZL, Op.JNZL])("needs both words of opcode %i", (op) => {
    for (const offset of [1, 2, 3, 4]) {
      const code = new Uint8Array(8);
      code[offset] = op;
      const guest = lay({ code, entry: offset });
      expect([guest.run(1), guest.stop, guest.pc]).toEqual([0, Stop.PC, offset]);
    }
  });

  it.each([0, 1, 2, 3, 4, 6, 8, 9, 10, 11, 12, 14])("keeps the flags %i from run to run", (psw) => {
    const guest = lay({ code: codeOf(word(Op.MOV), word(Op.MOV)) });
    guest.psw = psw;
    guest.run(1);
    guest.run(1);
    expect(guest.psw).toBe(psw);
  });

  it("keeps the flags of tasks that take turns apart", () => {
    const code = codeOf(word(Op.NOT, 1, 1), word(Op.MOV), word(Op.MOV));
    const [one, other] = [0, 1].map((bank) => {
      return new CoreGuest(probe, { dataBytes: 64, ...STACK, code }, bank);
    }) as [CoreGuest, CoreGuest];
    other.setReg(1, 0xffffffff);
    for (const guest of [one, other, one, other]) guest.run(1);
    expect([one.psw, other.psw]).toEqual([4, 1]); // N of ~0, Z of ~0xffffffff
  });

  it("gives an SVC a range that lies wholly in one segment", () => {
    const guest = lay({ code: codeOf(0) });
    expect(probe.range(0, 0x4000, 64)).toBe(guest.data);
    expect(probe.range(0, 0x403f, 1)).toBe(guest.data + 63);
    expect(probe.range(0, 0xffdc, 32)).toBe(guest.stack);
    expect(probe.range(0, 0xfffb, 1)).toBe(guest.stack + 31);
    const outside = [
      [0x3fff, 1],
      [0x403f, 2],
      [0x4040, 0],
      [0xffdb, 1],
      [0xfffb, 2],
      [0xfffc, 0],
    ];
    for (const [address, bytes] of outside) expect(probe.range(0, address, bytes)).toBe(0);
    expect(probe.range(0, 0x4001, 0xffffffff)).toBe(0);
  });

  it("tells an SVC how many bytes are left of a segment", () => {
    lay({ code: codeOf(0) });
    expect([0x3fff, 0x4000, 0x403f, 0x4040].map((a) => probe.limit(0, a))).toEqual([0, 64, 1, 0]);
    expect([0xffdb, 0xffdc, 0xfffb, 0xfffc].map((a) => probe.limit(0, a))).toEqual([0, 32, 1, 0]);
  });
});

describe("the reference's machine", async () => {
  const probe = await compileProbe("vm", "desktop");
  const lay = (code: Uint8Array, guest: Partial<Guest> = {}) => {
    return new CoreGuest(probe, { code, stackOrigin: 0, sp: 0x8000, isFlat: true, ...guest });
  };

  it("leaves R0 alone when the opcode is unknown or pc leaves the code", () => {
    const illegal = lay(codeOf(word(Op.LDI, 0, 0, 0, 9), 0x05000000));
    expect([illegal.run(2), illegal.stop, illegal.reg(0)]).toEqual([1, Stop.ILLEGAL, 9]);
    const end = lay(codeOf(word(Op.LDI, 0, 0, 0, 9)));
    expect([end.run(2), end.stop, end.reg(0)]).toEqual([1, Stop.PC, 9]);
  });

  it("pops the word at 0xFFFC and underflows at 0x10000", () => {
    const guest = lay(codeOf(word(Op.POP, 1), word(Op.POP, 2)), {
      stackOrigin: 0xeffc,
      sp: 0xfffc,
    });
    expect([guest.run(2), guest.stop, guest.sp]).toEqual([1, Stop.STACK_UNDERFLOW, 0x10000]);
  });

  it("gives SVCs all of its 64 KiB and nothing beyond", () => {
    const guest = lay(codeOf(0));
    expect(probe.range(0, 0, 0x10000)).toBe(guest.data);
    expect(probe.range(0, 0xfff0, 17)).toBe(0);
    expect([0, 0xffff, 0x10000].map((a) => probe.limit(0, a))).toEqual([0x10000, 1, 0]);
  });

  it("runs off the end of 64 KiB of code", () => {
    const code = new Uint8Array(0x10000);
    code.set(codeOf(word(Op.LDI, 1, 0, 0, 5)), 0xfffc);
    const guest = lay(code, { entry: 0xfffc });
    expect([guest.run(2), guest.stop, guest.pc, guest.reg(1)]).toEqual([1, Stop.PC, 0x10000, 5]);
  });
});

describe("the desktop build", () => {
  it("has everything of the MiniVM's loop in one function, but for f16", () => {
    const text = readFileSync(fromRoot("build/core/desktop.wat"), "utf8");
    const run = text.split("\n (func ").find((f) => f.startsWith("$assembly/vm/vm/vmRun")) ?? "";
    const called = Array.from(run.matchAll(/\bcall (\S+)/g), ([, name]) => name ?? "");
    expect(called.filter((name) => !name.startsWith("$assembly/f16/"))).toEqual([]);
    expect(called).toContain("$assembly/f16/f16Add");
  });
});
