// Flashing: what is run, and which chips are refused, with an avrdude that only tells what it was asked for.

import { spawnSync } from "node:child_process";
import { chmodSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, describe, expect, it } from "vitest";
import { checkFuses, correctFuses, parseFuses } from "../../../scripts/flash/fuses.ts";
import { ROOT } from "../../../scripts/root.ts";

/** ATmega1284P data sheet 42719, tables 28-3 to 28-5: as the factory delivers the chip. */
const FACTORY = { lfuse: 0x62, hfuse: 0x99, efuse: 0xff };
/** Full-swing crystal, no division; SPIEN, EESAVE and the largest boot section; brown-out at 4.3 V. */
const RIGHT = { lfuse: 0xf7, hfuse: 0xd1, efuse: 0xfc };

describe("the fuses of an ATmega1284P", () => {
  it("of the factory are refused, with every reason", () => {
    const names = checkFuses(FACTORY).map(({ name }) => name);
    expect(names).toEqual(["CKSEL", "CKDIV8", "EESAVE", "JTAGEN", "BODLEVEL"]);
  });

  it("are corrected bit by bit, the others left as they are", () => {
    expect(correctFuses(FACTORY)).toEqual({ lfuse: 0xe7, hfuse: 0xd1, efuse: 0xfc });
    expect(checkFuses(correctFuses(FACTORY))).toEqual([]);
    expect(correctFuses(RIGHT)).toEqual(RIGHT);
  });

  it.each([
    ["a bootloader's reset vector", { ...RIGHT, hfuse: 0xd0 }, []],
    ["a smaller boot section", { ...RIGHT, hfuse: 0xd7 }, []],
    ["a low-power crystal", { ...RIGHT, lfuse: 0xff }, []],
    ["no EESAVE", { ...RIGHT, hfuse: 0xd9 }, ["EESAVE"]],
    ["JTAG", { ...RIGHT, hfuse: 0x91 }, ["JTAGEN"]],
    ["no brown-out detector", { ...RIGHT, efuse: 0xff }, ["BODLEVEL"]],
    ["brown-out at 2.7 V", { ...RIGHT, efuse: 0xfd }, ["BODLEVEL"]],
    ["the clock on PB1", { ...RIGHT, lfuse: 0xb7 }, ["CKOUT"]],
  ])("with %s", (_name, fuses, faults) => {
    expect(checkFuses(fuses).map(({ name }) => name)).toEqual(faults);
  });

  it("are read from what avrdude prints, and from nothing else", () => {
    expect(parseFuses("0xf7\n0xd1\n0xfc\n")).toEqual(RIGHT);
    expect(parseFuses("0xf7\n0xd1\n")).toBeUndefined();
    expect(parseFuses("avrdude: initialization failed\n")).toBeUndefined();
  });
});

// ---- The commands ----

const folders: string[] = [];
afterAll(() => {
  for (const folder of folders) rmSync(folder, { recursive: true });
});

/** A folder with an avrdude that has these fuses and writes down what it was called with. */
function fakeTools(fuses: string, status = 0): { path: string; calls: () => string[] } {
  const folder = mkdtempSync(join(tmpdir(), "hsx-flash-"));
  folders.push(folder);
  const log = join(folder, "calls");
  writeFileSync(log, "");
  const file = join(folder, "avrdude");
  writeFileSync(
    file,
    `#!/bin/sh\necho "$@" >> '${log}'\ncase "$*" in *:r:*) printf '${fuses}';; esac\nexit ${status}\n`,
  );
  chmodSync(file, 0o755);
  return { path: folder, calls: () => readFileSync(log, "utf8").split("\n").slice(0, -1) };
}

function flash(script: string, args: readonly string[], path = "") {
  const env = { ...process.env, PATH: `${path}:${process.env.PATH}` };
  const words = ["scripts/run.mjs", `scripts/${script}.ts`, ...args];
  return spawnSync(process.execPath, words, { cwd: ROOT, env, encoding: "utf8" });
}

const HEX = ["-c", "usbasp", "--hex", "package.json"]; // any file that is there
const READ = "-p m1284p -c usbasp -qq -U lfuse:r:-:h -U hfuse:r:-:h -U efuse:r:-:h";
const WRITE = "-p m1284p -c usbasp -U flash:w:package.json:i";

describe("npm run flash:avr", () => {
  it("shows its commands and runs none with --dry-run", () => {
    const { path, calls } = fakeTools("");
    const { stdout, status } = flash("flash-avr", ["-c", "usbasp", "-P", "usb", "--dry-run"], path);
    expect(status).toBe(0);
    expect(stdout.split("\n")).toEqual([
      "avrdude -p m1284p -c usbasp -P usb -qq -U lfuse:r:-:h -U hfuse:r:-:h -U efuse:r:-:h",
      "avrdude -p m1284p -c usbasp -P usb -U flash:w:build/avr/hsx.hex:i",
      "",
    ]);
    expect(calls()).toEqual([]);
  });

  it("flashes a chip whose fuses are right", () => {
    const { path, calls } = fakeTools("0xf7\\n0xd1\\n0xfc\\n");
    expect(flash("flash-avr", HEX, path).status).toBe(0);
    expect(calls()).toEqual([READ, WRITE]);
  });

  it("writes nothing into a chip that would lose its EEPROM, and says how to mend it", () => {
    const { path, calls } = fakeTools("0xf7\\n0xd9\\n0xfc\\n");
    const { status, stderr } = flash("flash-avr", HEX, path);
    expect(status).toBe(1);
    expect(stderr).toContain("EESAVE in hfuse 0xd9");
    expect(stderr).toContain("avrdude -p m1284p -c usbasp -U hfuse:w:0xd1:m");
    expect(calls()).toEqual([READ]);
  });

  it("writes the fuses first when it is told to", () => {
    const { path, calls } = fakeTools("0x62\\n0x99\\n0xff\\n");
    expect(flash("flash-avr", [...HEX, "--write-fuses"], path).status).toBe(0);
    const fuses = "-U lfuse:w:0xe7:m -U hfuse:w:0xd1:m -U efuse:w:0xfc:m";
    expect(calls()).toEqual([READ, `-p m1284p -c usbasp ${fuses}`, WRITE]);
  });

  it("writes a bootloader behind the firmware, since the chip was erased", () => {
    const args = ["-c", "usbasp", "--bootloader", "boot.hex", "--dry-run"];
    expect(flash("flash-avr", args).stdout.split("\n")[1]).toBe(
      "avrdude -p m1284p -c usbasp -U flash:w:build/avr/hsx.hex:i -U flash:w:boot.hex:i",
    );
  });

  it("stops when the programmer does not answer", () => {
    const { path, calls } = fakeTools("", 1);
    const { status, stderr } = flash("flash-avr", HEX, path);
    expect(status).toBe(1);
    expect(stderr).toContain("avrdude ended with status 1");
    expect(calls()).toEqual([READ]);
  });

  it("asks for a programmer", () => {
    expect(flash("flash-avr", ["--dry-run"]).status).toBe(2);
  });
});

describe("npm run flash:stm32", () => {
  it.each([
    [
      ["--board", "stm32f072"],
      "openocd -f interface/stlink.cfg -f target/stm32f0x.cfg -c 'program build/stm32/stm32f072/hsx.elf verify reset exit'",
    ],
    [
      ["--board", "stm32f405", "--tool", "st-flash", "--offset", "0x4000"],
      "st-flash --reset write build/stm32/stm32f405/hsx.bin 0x08004000",
    ],
  ])("shows its command with --dry-run: %s", (args, command) => {
    const { stdout, status } = flash("flash-stm32", [...args, "--dry-run"]);
    expect([status, stdout]).toEqual([0, `${command}\n`]);
  });

  it("knows its boards and its tools", () => {
    expect(flash("flash-stm32", ["--board", "stm32h7", "--dry-run"]).status).toBe(2);
    expect(flash("flash-stm32", ["--board", "stm32f072", "--tool", "dfu"]).status).toBe(2);
  });
});
