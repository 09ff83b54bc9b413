// hsx sim and hsx shell --board: the firmware on the simulated boards, by the command line.

import { mkdirSync, symlinkSync } from "node:fs";
import { join } from "node:path";
import { beforeAll, describe, expect, it } from "vitest";
import { Install } from "../../../host/cli/install.ts";
import { buildAvr } from "../../../scripts/firmware/avr.ts";
import { fromRoot } from "../../../scripts/root.ts";
import { BOARDS, buildBoard } from "../../../scripts/stm32-build.ts";
import { file, hsx, inFolder, jsonLines } from "./harness.ts";

const HELLO = `
    LDI32 R1, text
    LDI R2, 6
    SVC 0x101           ; UART_WRITE
    LDI R0, 3
    SVC 0x100           ; TASK_EXIT
.data
text: .ascii "hello\\n"
`;
const VALUE = '.value {"group":1,"id":1,"name":"v","init":1,"persist_key":7}\nRET\n';

/** An installation of its own, so that no other test builds into it. */
let install: Install;
let hello: string;
let value: string;

beforeAll(async () => {
  const root = inFolder("clone");
  mkdirSync(join(root, "build"), { recursive: true });
  symlinkSync(fromRoot("build/core"), join(root, "build/core"));
  await buildAvr(join(root, "build/avr"));
  mkdirSync(join(root, "build/stm32"));
  for (const board of Object.values(BOARDS)) {
    const folder = `build/stm32-test-sim/${board.name}`;
    buildBoard(board, { folder });
    symlinkSync(fromRoot(folder), join(root, "build/stm32", board.name));
  }
  install = new Install(root);
  for (const [name, source] of [
    ["hello", HELLO],
    ["value", VALUE],
  ] as const) {
    const source_file = file(`${name}.mvasm`, source);
    await hsx(["build", source_file, "-o", inFolder(`${name}.hxe`)]);
  }
  hello = inFolder("hello.hxe");
  value = inFolder("value.hxe");
}, 300_000);

describe("hsx sim", () => {
  it("runs images in the firmware and shows the board's UART", async () => {
    expect(await hsx(["sim", "--board", "avr", hello], { install })).toEqual({
      exit: 3,
      out: "hello\n",
      err: "",
    });
  });

  it("ends, with --json, with cycles and a digest that repeat exactly", async () => {
    const lines = async () => jsonLines((await hsx(["sim", hello, "--json"], { install })).out);
    const first = await lines();
    const end = first.at(-1) ?? {};
    expect(end.event).toBe("end");
    expect(end.cycles).toBeGreaterThan(1_000_000);
    expect(end.trace_sha256).toMatch(/^[0-9a-f]{64}$/);
    expect((await lines()).at(-1)).toEqual(end);
  });

  it("keeps values in a file that is the board's FRAM, and that a node in Node reads too", async () => {
    const nv = inFolder("board.fram");
    const script = file("save.hsx", "val set 1:1 6\n");
    const shell = ["shell", "--board", "avr", "--nv", `${nv}:fram:8192`, "--preload", value];
    expect(await hsx([...shell, "-f", script], { install })).toMatchObject({ exit: 0 });
    const look = file("look.hsx", "val get 1:1\n");
    const node = ["shell", "--nv", nv, "--preload", value, "-f", look];
    expect((await hsx(node, { install })).out).toContain("6");
  });

  it("refuses a medium or a size that the board does not have", async () => {
    const eeprom = await hsx(["sim", hello, "--nv", `${inFolder("e")}:eeprom:4096`], { install });
    expect(eeprom).toMatchObject({ exit: 2 });
    expect(eeprom.err).toContain("--board keeps values in an FRAM");
    const size = await hsx(["sim", hello, "--nv", `${inFolder("s")}:fram:1024`], { install });
    expect(size.err).toContain("there is no FRAM of 1024 bytes");
  });

  it("says how to build the firmware when it is missing", async () => {
    const bare = new Install(inFolder("nowhere"));
    const result = await hsx(["sim", hello], { install: bare });
    expect(result).toMatchObject({ exit: 3 });
    expect(result.err).toContain("npm run build:avr");
  });
});

describe.each(["stm32f072", "stm32f405"])("hsx sim --board %s", (board) => {
  const sim = (...args: string[]) => hsx(["sim", "--board", board, hello, ...args], { install });

  it("runs images in the firmware and shows the board's UART", async () => {
    expect(await sim()).toEqual({ exit: 3, out: "hello\n", err: "" });
    const run = await hsx(["run", "--board", board, hello], { install });
    expect(run).toEqual({ exit: 3, out: "hello\n", err: "" });
  });

  it("ends, with --json, with cycles and a digest that repeat exactly", async () => {
    const end = async () => jsonLines((await sim("--json")).out).at(-1) ?? {};
    const first = await end();
    expect(first.event).toBe("end");
    expect(first.cycles).toBeGreaterThan(1_000_000);
    expect(first.trace_sha256).toMatch(/^[0-9a-f]{64}$/);
    expect(await end()).toEqual(first);
  });

  it("keeps values in a file that is the board's FRAM, also over a reboot", async () => {
    const nv = inFolder(`${board}.fram`);
    const script = file(`${board}.hsx`, "val set 1:1 6\nreboot\nval get 1:1\n");
    const args = ["--board", board, "--nv", `${nv}:fram:8192`, "--preload", value];
    const shell = await hsx(["shell", ...args, "-f", script], { install });
    expect(shell).toMatchObject({ exit: 0 });
    expect(shell.out).toMatch(/\n6\n$/);
    const look = file(`${board}-look.hsx`, "val get 1:1\n");
    const node = ["shell", "--nv", nv, "--preload", value, "-f", look];
    expect((await hsx(node, { install })).out).toContain("6");
  });

  it("says how to build the firmware when it is missing", async () => {
    const bare = new Install(inFolder("nowhere"));
    const result = await hsx(["sim", "--board", board, hello], { install: bare });
    expect(result).toMatchObject({ exit: 3 });
    expect(result.err).toContain(`npm run build:stm32 -- --board ${board}`);
  });
});

describe("hsx sim bench.toml", () => {
  it("runs the firmware of boards on one bus with cores in Node", async () => {
    const nodes = ["small", "avr", "stm32f072"].map(
      (kind, n) => `[[nodes]]\nkind = "${kind}"\nid = ${n + 1}\ncrystal = 50`,
    );
    const bench = file("mixed.toml", nodes.join("\n"));
    const args = ["sim", bench, "--fast", "--for", "1200ms", "--show", "can", "--json"];
    const { out, err } = await hsx(args, { install });
    expect(err).toBe("");
    const lines = jsonLines(out);
    const end = lines.pop();
    // HELLO of each when it is up (docs/protocol.md)
    expect(lines.map(({ frame }) => String(frame).slice(0, 3)).sort()).toEqual([
      "481",
      "482",
      "483",
    ]);
    expect(end?.nodes).toMatchObject([
      { kind: "small", overruns: 0, tec: 0, rec: 0 },
      { kind: "avr", overruns: 0, tec: 0, rec: 0 },
      { kind: "stm32f072", overruns: 0, tec: 0, rec: 0 },
    ]);
  }, 60_000);
});
