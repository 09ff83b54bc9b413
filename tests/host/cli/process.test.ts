// The bundle as users run it: a process of its own, with pipes, signals and exit codes.

import { spawn, spawnSync } from "node:child_process";
import { existsSync } from "node:fs";
import { beforeAll, describe, expect, it } from "vitest";
import { fromRoot } from "../../../scripts/root.ts";
import { example, image, inFolder } from "./harness.ts";

const BUNDLE = fromRoot("build/cli/hsx.mjs");

function run(
  args: readonly string[],
  options: { input?: string; env?: Record<string, string> } = {},
) {
  const env = { ...process.env, ...options.env };
  const { status, stdout, stderr } = spawnSync(process.execPath, [BUNDLE, ...args], {
    encoding: "utf8",
    input: options.input ?? "",
    env,
  });
  return { status, stdout, stderr };
}

let blink = "";
beforeAll(async () => {
  expect(existsSync(BUNDLE), "npm run build makes the bundle").toBe(true);
  blink = await example("blink");
});

describe("the hsx process", () => {
  it("keeps a value from one process to the next", () => {
    const args = ["shell", "--preload", blink, "--nv", inFolder("process.fram")];
    const first = run(args, { input: "val set blink:period -5\n" });
    expect(first.status).toBe(1);
    expect(first.stderr).toContain("value blink:period: -5 is out of range: 20 to 10000");
    expect(run(args, { input: "val set blink:period 120\nrun 1s\n" }).status).toBe(0);
    expect(run(args, { input: "val get blink:period\n" }).stdout).toBe("120 ms\n");
  });

  it("reads what another process writes", async () => {
    const echo = await image(
      "echo",
      "again: LDI R1, 1\n LDI32 R2, b\n LDI R3, 64\n LDI32 R4, 0xFFFF\n LDI R5, 0\n SVC 0x503\n MOV R3, R1\n LDI R1, 2\n LDI32 R2, b\n LDI R4, 0\n SVC 0x502\n LDI32 R2, b\n LDB R0, [R2]\n LDI R4, 'x'\n CMP R0, R4\n JNZ again\n LDI R0, 9\n SVC 0x100\n.bss\nb: .zero 64\n",
    );
    const child = spawn(process.execPath, [BUNDLE, "run", echo]);
    child.stdin.write("a\n");
    child.stdout.once("data", () => child.stdin.write("x\n")); // stays open: the app's end is the end
    expect(await new Promise((resolve) => child.on("exit", resolve))).toBe(9);
    child.stdin.end();
  });

  it("ends with 130 on SIGINT, and leaves no lock", async () => {
    const nv = inFolder("sigint.fram");
    const endless = ["run", blink, "--realtime", "--nv", nv];
    const child = spawn(process.execPath, [BUNDLE, ...endless, "--show", "pins"], {
      stdio: ["ignore", "pipe", "pipe"],
    });
    child.stdout.once("data", () => child.kill("SIGINT"));
    expect(await new Promise((resolve) => child.on("exit", resolve))).toBe(130);
    expect(existsSync(nv)).toBe(true);
    expect(existsSync(`${nv}.lock`)).toBe(false);
  });

  it("stops quietly when nobody reads on", () => {
    const pipe = `"${process.execPath}" "${BUNDLE}" run "${blink}" --for 1h --show pins | head -n 1`;
    const { stdout, stderr } = spawnSync("bash", ["-c", pipe], { encoding: "utf8", input: "" });
    expect(stdout.trim()).toBe("0.000 s           pin 0 high");
    expect(stderr).toBe("");
  });

  it("shows a stack trace on demand only", () => {
    const args = ["info", "nowhere.hxe"];
    expect(run(args).stderr).not.toMatch(/\n\s+at /);
    expect(run(args, { env: { HSX_DEBUG: "1" } }).stderr).toMatch(/\n\s+at /);
    expect([run(args).status, run(["frob"]).status, run(["--version"]).status]).toEqual([3, 2, 0]);
  });
});
