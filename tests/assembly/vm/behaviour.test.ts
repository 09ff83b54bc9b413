// The MiniVM at its edges, as text vectors, in every profile.

import { describe, expect, it } from "vitest";
import { Stop } from "../../../assembly/spec/node.ts";
import { Psw } from "../../../assembly/spec/opcodes.ts";
import { assemble } from "../../../host/toolchain/assembler.ts";
import { link } from "../../../host/toolchain/linker.ts";
import { type AsmCase, readCases } from "../../host/toolchain/asm-vectors.ts";
import { CoreGuest } from "../../oracle/guest-memory.ts";
import { type Guest, MiniVm } from "../../oracle/minivm.ts";
import { compileProbe } from "../../probes/compile.ts";

const BUDGET = 1000;

function codeOf({ title, sections }: AsmCase): Uint8Array {
  const hex = sections.get("hex");
  if (hex !== undefined) return new Uint8Array(Buffer.from(hex.replace(/\s+/g, ""), "hex"));
  const { object, diagnostics } = assemble(sections.get("asm") ?? "", { file: "case.mvasm" });
  const linked = object && link([object]);
  if (linked?.hxe) return linked.hxe.code;
  throw new Error(`${title}: ${JSON.stringify(linked?.diagnostics ?? diagnostics)}`);
}

function guestOf(testCase: AsmCase): Guest {
  return { code: codeOf(testCase), dataBytes: 64, stackOrigin: 0xffdc, sp: 0xfffc };
}

function flagsOf(psw: number): string {
  return [Psw.Z, Psw.C, Psw.N, Psw.V].map((bit) => (psw & bit ? Psw[bit] : "")).join("");
}

/** What a case says of a machine that has run it, in the words of the case. */
function tell(testCase: AsmCase, stop: number, vm: MiniVm | CoreGuest): Map<string, string> {
  const regs = vm.regs.map((r) => r.toString(16).toUpperCase().padStart(8, "0"));
  const named = testCase.sections.get("regs")?.matchAll(/R(\d+) \w+/g) ?? [];
  const all = new Map([
    ["ends", `${Stop[stop]} at ${vm.pc} after ${vm.steps}\n`],
    ["regs", Array.from(named, ([, n]) => `R${n} ${regs[Number(n)]}\n`).join("")],
    ["psw", `${flagsOf(vm.psw)}\n`],
    ["svc", `${vm.svc.toString(16).toUpperCase().padStart(3, "0")}\n`],
  ]);
  return new Map([...all].filter(([section]) => testCase.sections.has(section)));
}

function expected({ sections }: AsmCase): Map<string, string> {
  return new Map([...sections].filter(([section]) => section !== "asm" && section !== "hex"));
}

const cases = readCases("behaviour", "vm").map((c) => [c.title, c] as const);

describe.each(["small", "large", "desktop"] as const)("the %s MiniVM", async (profile) => {
  const probe = await compileProbe("vm", profile);

  it.each(cases)("%s", (_, testCase) => {
    const core = new CoreGuest(probe, guestOf(testCase));
    core.run(BUDGET);
    expect(tell(testCase, core.stop, core)).toEqual(expected(testCase));
  });
});

describe("the simple interpreter", () => {
  it.each(cases)("%s", (_, testCase) => {
    const vm = new MiniVm(guestOf(testCase));
    const stop = vm.run(BUDGET);
    expect(tell(testCase, stop, vm)).toEqual(expected(testCase));
  });
});
