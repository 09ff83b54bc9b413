// Every example of docs/ assembles. One that tells its exit status runs on a node of each profile, instruction by
// instruction, and each comment that begins with a register must be true behind its instruction.
//
// Words behind the fence: profiles (default: all three), `libm` for a node with module E.

import { describe, expect, it } from "vitest";
import { Config, NodeMode, TaskState } from "../../assembly/spec/node.ts";
import { NvDevice } from "../../host/node/nv.ts";
import { guestOf } from "../drivers/guest.ts";
import type { ProfileName } from "../drivers/machine.ts";
import { type NodeRig, startNode } from "../drivers/node.ts";
import { type Block, blocksOf, PAGES } from "./pages.ts";

const PROFILES: readonly ProfileName[] = ["small", "large", "desktop"];
const EXIT = /; exit status (\d+)/;
/** Instructions and waits an example may take. */
const STEPS_MAX = 20_000;
const WAIT_US = 500;

// ---- Comments that can be checked ----

interface Claim {
  readonly label: string;
  readonly line: string;
  readonly registers: readonly [number: number, value: number][];
}

function claimOf(line: string, index: number): Claim | undefined {
  const [, comment = ""] = /^\s*(?:\w+:)?\s*[A-Z][^;]*; (R\d+ = .*)$/.exec(line) ?? [];
  const told = Array.from(comment.matchAll(/\bR(\d+) = (0x[0-9A-Fa-f]+|-?\d+)/g));
  if (told.length === 0) return undefined;
  const registers = told.map(([, n, value]): [number, number] => [Number(n), Number(value) >>> 0]);
  return { label: `__claim_${index}`, line: line.trim(), registers };
}

/** The source with a label behind each line that claims something. */
function withLabels(source: string): { source: string; claims: Claim[] } {
  const claims: Claim[] = [];
  const lines = source.split("\n").flatMap((line, index) => {
    const claim = claimOf(line, index);
    if (claim === undefined) return [line];
    claims.push(claim);
    return [line, `${claim.label}:`];
  });
  return { source: lines.join("\n"), claims };
}

// ---- A node with somebody at each of its ends ----

/** The console echoes, a neighbour answers frame n with n + 1, pin 0 is wired to pin 1, the store is empty. */
async function startSurrounded(profile: ProfileName, block: Block): Promise<NodeRig> {
  const nv = new NvDevice(new Uint8Array(512));
  const rig = await startNode(profile, { nv, pins: 2 });
  rig.node.formatStore();
  if (block.words.includes("libm")) rig.node.configure(Config.MODE, NodeMode.LIBM);
  return rig;
}

function surround({ world }: NodeRig): void {
  world.typeConsole(world.takeConsole());
  for (const frame of world.takeFrames()) {
    const [id = "", data = ""] = frame.split("#");
    world.receiveFrame(Number.parseInt(id, 16) + 1, Buffer.from(data, "hex"));
  }
  world.applyPin(1, world.pinLevel(0) === 1 ? 1 : 0);
}

const ENDED = [TaskState.EXITED, TaskState.RETURNED, TaskState.FAULTED];

/** Runs an example to its end and returns how it ended. */
async function run(block: Block, profile: ProfileName): Promise<{ state: string; r0: number }> {
  const { source, claims } = withLabels(block.text);
  const { image, symbols } = guestOf(source, "example");
  const rig = await startSurrounded(profile, block);
  const pid = rig.node.load(image);
  const left = new Map(claims.map((claim) => [symbols.get(claim.label), claim]));
  for (let n = 0; n < STEPS_MAX; n++) {
    surround(rig);
    rig.node.core.exports.hsx_poll(0);
    rig.machine.advance(WAIT_US);
    const task = rig.node.task(pid);
    if (task === undefined) break;
    const canStep = task.state === TaskState.PAUSED || task.state === TaskState.READY;
    const claim = left.get(task.pc);
    if (claim !== undefined && n > 0 && (canStep || ENDED.includes(task.state))) {
      const found = claim.registers.map(([r]) => [r, task.regs[r]]);
      expect(found, `${block.place} (${profile}): ${claim.line}`).toEqual(claim.registers);
      left.delete(task.pc);
    }
    if (ENDED.includes(task.state)) {
      const missed = [...left.values()].map(({ line }) => line);
      expect(missed, `${block.place}: never reached`).toEqual([]);
      return { state: TaskState[task.state] ?? "", r0: task.regs[0] ?? 0 };
    }
    if (canStep) rig.node.step(pid);
  }
  throw new Error(`${block.place}: does not end`);
}

// ---- The tests ----

const examples = PAGES.flatMap((page) => blocksOf(page, "mvasm"));

describe("examples of docs/", () => {
  it.each(examples.map((block) => [block.place, block] as const))("%s assembles", (_, block) => {
    expect(guestOf(block.text, "example").image.length).toBeGreaterThan(0);
  });

  it.each(
    examples.filter(({ text }) => EXIT.test(text)).map((block) => [block.place, block] as const),
  )("%s does what its comments say", async (_, block) => {
    const named = PROFILES.filter((profile) => block.words.includes(profile));
    const [, status] = EXIT.exec(block.text) ?? [];
    const state = /SVC\s+0x100\b/.test(block.text) ? "EXITED" : "RETURNED";
    for (const profile of named.length > 0 ? named : PROFILES) {
      expect(await run(block, profile), profile).toEqual({ state, r0: Number(status) });
    }
  });

  it("end by telling an exit status wherever they call TASK_EXIT", () => {
    const silent = examples.filter(({ text }) => /SVC\s+0x100\b/.test(text) && !EXIT.test(text));
    expect(silent.map(({ place }) => place)).toEqual([]);
  });

  it("show every module of the ABI at work", () => {
    const calls = blocksOf("docs/abi.md", "mvasm").flatMap(({ text }) =>
      Array.from(text.matchAll(/SVC\s+0x([0-9A-F])[0-9A-F]{2}\b/g), ([, module]) => module),
    );
    expect([...new Set(calls)].sort().join(" ")).toBe("0 1 2 4 5 6 7 8 9 A E");
  });
});
