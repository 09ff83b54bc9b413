// build, info, disasm, run, new, completion, version: what they print and how they end.

import { spawnSync } from "node:child_process";
import { existsSync, mkdirSync, readFileSync } from "node:fs";
import { beforeAll, describe, expect, it } from "vitest";
import { fromRoot } from "../../../scripts/root.ts";
import { example, file, hsx, image, inFolder, json, jsonLines } from "./harness.ts";

const HELLO = `
    LDI32 R1, text
    LDI R2, 6
    SVC 0x101           ; UART_WRITE
    LDI R0, 3
    SVC 0x100           ; TASK_EXIT
.data
text: .ascii "hello\\n"
`;
const DIVIDE = `
.entry start
start:
    CALL divide
    RET
divide:
    LDI R2, 0
    DIV R0, R1, R2
    RET
`;
/** Copies svc:stdio.in to svc:stdio.out until a line begins with q. */
const COPY = `
loop:
    LDI R1, 1
    LDI32 R2, buffer
    LDI R3, 64
    LDI32 R4, 0xFFFF
    LDI R5, 0
    SVC 0x503           ; MBX_RECV
    MOV R3, R1
    LDI R1, 2
    LDI32 R2, buffer
    LDI R4, 0
    SVC 0x502           ; MBX_SEND
    LDI32 R2, buffer
    LDB R6, [R2]
    LDI R7, 'q'
    CMP R6, R7
    JNZ loop
    LDI R0, 0
    SVC 0x100
.bss
buffer: .zero 64
`;

let blink = "";
let thermostat = "";
let hello = "";
let copy = "";
beforeAll(async () => {
  blink = await example("blink");
  thermostat = await example("thermostat");
  hello = await image("hello", HELLO);
  copy = await image("copy", COPY);
});

describe("hsx build", () => {
  it("says what it made, in words and as JSON", async () => {
    const args = ["build", fromRoot("examples/blink/blink.mvasm"), "-o", inFolder("b.hxe")];
    const text = await hsx(args);
    expect([text.exit, text.err]).toEqual([0, ""]);
    expect(text.out).toMatch(
      /b\.hxe: blink, \d+ bytes, CRC 0x[0-9A-F]{8}; code 68, rodata 0, bss 0/,
    );
    const object = json((await hsx([...args, "--json"])).out);
    expect(object).toMatchObject({ schema: "hsx.build/1", kind: "image", app: "blink", code: 68 });
  });

  it("links objects, and writes listing and symbols", async () => {
    const main = file(
      "main.mvasm",
      ".import twice\n.export _start\n_start: LDI R1, 21\n CALL twice\n SVC 0x100\n",
    );
    const lib = file("lib.mvasm", ".export twice\ntwice: ADD R0, R1, R1\n RET\n");
    const object = await hsx(["build", "-c", lib, "-o", inFolder("lib.hxo"), "--json"]);
    expect(json(object.out)).toMatchObject({ kind: "object", code: 8 });
    const extras = ["--listing", inFolder("l.lst"), "--symbols", inFolder("l.sym")];
    const linked = await hsx([
      "build",
      main,
      inFolder("lib.hxo"),
      "-o",
      inFolder("l.hxe"),
      ...extras,
    ]);
    expect(linked.exit).toBe(0);
    expect(readFileSync(inFolder("l.lst"), "utf8")).toContain("LDI R1, 21");
    expect(readFileSync(inFolder("l.sym"), "utf8")).toContain('"hsx.symbols/1"');
    expect((await hsx(["run", inFolder("l.hxe")])).exit).toBe(42);
  });

  it("reports all mistakes of a source with line, caret and remedy", async () => {
    const bad = file("bad.mvasm", ".text\n    LDI R1, 5000\n    JMP nowhere\n");
    const { exit, out, err } = await hsx(["build", bad, "-o", inFolder("bad.hxe")]);
    expect([exit, out]).toEqual([1, ""]);
    expect(err).toContain(`${bad}:2:13: error: imm 5000 is out of range: -2048 to 2047`);
    expect(err).toContain("    LDI R1, 5000\n            ^~~~\n  remedy: ");
    expect(err).toContain(`${bad}:3:9: error: "nowhere" is not defined`);
    expect(err).toContain("2 errors");
    expect(existsSync(inFolder("bad.hxe"))).toBe(false);
    const object = json((await hsx(["build", bad, "--json"])).err);
    expect(object).toMatchObject({ code: "out-of-range", exit: 1 });
    expect(object.diagnostics).toHaveLength(2);
  });

  it.each([
    [["build"], 2, "missing required argument 'files'"],
    [["build", "-c", "a.mvasm", "b.mvasm"], 2, "-c takes one source, not 2"],
    [["build", "nowhere.mvasm"], 3, "cannot read nowhere.mvasm: there is no such file"],
    [["build", "host"], 1, "cannot read host: this is a directory"],
  ])("refuses %j with %d", async (args, exit, message) => {
    const result = await hsx(args);
    expect([result.exit, result.out]).toEqual([exit, ""]);
    expect(result.err).toContain(`error: ${message}`);
    expect(result.err).toMatch(/\n {2}remedy: /);
  });

  it("refuses an image as a source, and shows none of its bytes", async () => {
    const { exit, err } = await hsx(["build", blink]);
    expect(exit).toBe(1);
    expect(err).toBe(
      `error: ${blink} is an image, which nothing is linked to\n  remedy: give its source; hsx disasm ${blink} shows one\n`,
    );
  });

  it("suggests the nearest file", async () => {
    const { err } = await hsx(["build", fromRoot("examples/blink/blnk.mvasm")]);
    expect(err).toContain('remedy: did you mean "blink.mvasm"?');
  });

  it("says that an output cannot be written", async () => {
    const to = inFolder("no/such/folder.hxe");
    const { exit, err } = await hsx(["build", fromRoot("examples/blink/blink.mvasm"), "-o", to]);
    expect(exit).toBe(3);
    expect(err).toContain(`cannot write ${to}: there is no such folder`);
  });
});

describe("hsx info", () => {
  it("shows header, values, commands, mailboxes, needs, and where the image fits", async () => {
    const { exit, out } = await hsx(["info", thermostat]);
    expect(exit).toBe(0);
    for (const text of [
      "app       thermostat, single instance",
      "needs     mailboxes, values; stack 128 bytes",
      "2.2  thermostat:setpoint      21  degC  5 to 30   0x0201  persist",
      "2.1  thermostat:boost         heat for that many seconds",
      "app:thermostat.log    128  rdwr|fanout|fanout_drop",
    ]) {
      expect(out).toContain(text);
    }
    const object = json((await hsx(["info", thermostat, "--json"])).out);
    const fits = object.fits as { profile: string; fits: boolean }[];
    expect(fits.map((f) => [f.profile, f.fits])).toEqual([
      ["small", true],
      ["large", true],
      ["desktop", true],
    ]);
  });

  it("says why an image does not fit a profile", async () => {
    const large = await image("large", `.stack 20000\n    RET\n`);
    const object = json((await hsx(["info", large, "--json"])).out);
    const [small, , desktop] = object.fits as { fits: boolean; code?: string; reason?: string }[];
    expect(small).toMatchObject({ fits: false, code: "NO_MEMORY" });
    expect(small?.reason).toMatch(/^[\d,]+ bytes of memory are needed, [\d,]+ are free$/);
    expect(desktop?.fits).toBe(true);
  });
});

describe("hsx disasm", () => {
  it("gives a source that builds to the identical image", async () => {
    const source = inFolder("again.mvasm");
    const { exit, err } = await hsx(["disasm", thermostat, "-o", source]);
    expect(exit).toBe(0);
    expect(err).toContain("builds to the identical image");
    await hsx(["build", source, "-o", inFolder("again.hxe")]);
    expect(readFileSync(inFolder("again.hxe"))).toEqual(readFileSync(thermostat));
  });

  it("prints JSON with the source", async () => {
    const object = json((await hsx(["disasm", blink, "--json"])).out);
    expect(object).toMatchObject({ exact: true, inexpressible: [] });
    expect(object.source).toContain("SVC 0x902");
  });
});

describe("hsx run", () => {
  it("attaches the console and ends with the app's status", async () => {
    expect(await hsx(["run", hello])).toEqual({ exit: 3, out: "hello\n", err: "" });
  });

  it("shows pins in node time", async () => {
    const { exit, out } = await hsx(["run", blink, "--for", "1s", "--show", "pins"]);
    expect(exit).toBe(0);
    const lines = out
      .trimEnd()
      .split("\n")
      .map((line) => line.trim().split(/\s{2,}/));
    expect(lines).toEqual([
      ["0.000 s", "pin 0 high"],
      ["0.250 s", "pin 0 low"],
      ["0.500 s", "pin 0 high"],
      ["0.750 s", "pin 0 low"],
    ]);
  });

  it.each(["small", "large", "desktop"])(
    "hands stdin to the first app of a %s node",
    async (profile) => {
      const stdin = `${Array.from({ length: 100 }, (_, n) => `line ${n}`).join("\n")}\nquit\n`;
      const { exit, out } = await hsx(["run", copy, "--profile", profile], { stdin });
      expect([exit, out]).toEqual([0, stdin]);
    },
  );

  it("explains a fault by symbol and line when the symbols are beside the image", async () => {
    const divide = await image("divide", DIVIDE, ["--symbols", inFolder("divide.sym")]);
    const { exit, err } = await hsx(["run", divide]);
    expect(exit).toBe(1);
    expect(err).toContain("task 1 (divide) divided by zero: DIV_ZERO at pc 0x000C divide+4 (");
    expect(err).toContain("divide.mvasm:8)");
    const [end] = jsonLines((await hsx(["run", divide, "--json"])).out);
    expect(end).toMatchObject({ event: "end", ending: "ended", exit: 1 });
  });

  it("warns of symbols of another build", async () => {
    const stale = await image("stale", HELLO);
    file("stale.sym", readFileSync(inFolder("divide.sym")));
    const { err } = await hsx(["run", stale]);
    expect(err).toContain("its .sym file belongs to another build and is ignored");
  });

  it("restarts a faulted app as often as told", async () => {
    const divide = await image("again-and-again", DIVIDE);
    const { exit, out } = await hsx(["run", divide, "--restarts", "2", "--show", "events"]);
    expect(exit).toBe(1);
    expect(out.match(/restarted/g)).toHaveLength(2);
  });

  it("ends with the status of the first app that did not end with 0", async () => {
    const good = await image("good", "    LDI R0, 0\n    SVC 0x100\n");
    expect((await hsx(["run", good, hello])).exit).toBe(3);
    expect((await hsx(["run", good])).exit).toBe(0);
  });

  it("stops when every app waits for ever, and says so", async () => {
    const { exit, err } = await hsx(["run", copy]);
    expect(exit).toBe(4);
    expect(err).toContain("nothing can happen any more after 0.000 s: task 1 (copy) is receiving");
  });

  it("ends at its time without a complaint", async () => {
    expect(await hsx(["run", copy, "--for", "2s"])).toEqual({ exit: 0, out: "", err: "" });
  });

  it("ends with 130 on Ctrl-C, after saying how far it got", async () => {
    const endless = await image("endless", "again: JMP again\n");
    const { exit, err } = await hsx(["run", endless], { interruptAt: 100 });
    expect(exit).toBe(130);
    expect(err).toMatch(/interrupted after [\d.]+ s of node time/);
  });

  it("keeps values in a file and tells each line of JSON by its schema", async () => {
    const nv = ["--nv", inFolder("run.fram")];
    const args = [
      "run",
      thermostat,
      "--for",
      "8s",
      "--show",
      "values,events,pins,can",
      "--json",
      ...nv,
    ];
    const { exit, out, err } = await hsx(args);
    expect([exit, err]).toEqual([0, ""]);
    const events = new Set(jsonLines(out).map((line) => line.event));
    expect([...events].sort()).toEqual(["end", "node", "pin"]);
  });

  it.each([
    [["--for", "5"], '"5" is not a duration'],
    [["--for", "-1s"], '"-1s" is not a duration'],
    [["--show", "everything"], "--show everything: unknown"],
    [["--profile", "tiny"], "Allowed choices are small, large, desktop"],
    [["--quantum", "0"], "--quantum: 0 is out of range: 1 to 65535"],
    [["--restarts", "x"], '--restarts: "x" is not an integer'],
    [["--reference", "--profile", "small"], "--reference needs the desktop profile"],
    [["--nv", ":fram"], "no file is named"],
    [["--nv", "x:flash:8192"], "this is no kind or size of a device"],
    [["--nv", "x:fram:8k"], "this is no kind or size of a device"],
    [["--nv", "x:flash8:8k"], "this is no kind or size of a device"],
    [["--nv", "x:fram:1"], "a device has 64 to 1,048,576 bytes"],
    [["--level", "king"], "Allowed choices are public, user, admin, factory"],
  ])("refuses %j as a wrong command line", async (options, message) => {
    const { exit, out, err } = await hsx(["run", blink, ...options]);
    expect([exit, out]).toEqual([2, ""]);
    expect(err).toContain(message);
  });

  it("runs as the reference does when asked", async () => {
    expect((await hsx(["run", hello, "--reference", "--quantum", "1"])).exit).toBe(3);
  });
});

describe("hsx new", () => {
  it("makes an app that builds and runs, once", async () => {
    const before = process.cwd();
    const folder = inFolder("new");
    mkdirSync(folder);
    process.chdir(folder);
    try {
      const made = json((await hsx(["new", "lamp", "--json"])).out);
      expect(made.files).toEqual(["lamp/README.md", "lamp/lamp.json", "lamp/lamp.mvasm"]);
      const built = await hsx(["build", "lamp.mvasm", "-o", "lamp.hxe"]);
      expect(built.err).toBe("lamp.mvasm: taken from lamp/lamp.mvasm\n");
      const ran = await hsx(["run", "lamp.hxe", "--for", "5s", "--show", "pins"]);
      expect(ran.out.match(/pin 0/g)).toHaveLength(20);
      expect((await hsx(["info", "lamp.hxe"])).out).toContain("lamp:period");
      const again = await hsx(["new", "lamp"]);
      expect(again.exit).toBe(1);
      expect(again.err).toContain("lamp exists already; nothing was changed");
    } finally {
      process.chdir(before);
    }
  });

  it("refuses what cannot be the name of an app", async () => {
    const { exit, err } = await hsx(["new", "../x"]);
    expect(exit).toBe(2);
    expect(err).toContain('"../x" cannot be the name of an app');
  });
});

describe("hsx, what it is", () => {
  it("tells version, commit, Node, ABI and formats", async () => {
    const { out } = await hsx(["--version"]);
    expect(out).toMatch(/^hsx \d+\.\d+\.\d+.*, Node v\d+.*, ABI 1, HXE 1 and 2\n$/);
    expect(json((await hsx(["--version", "--json"])).out)).toMatchObject({ abi: 1, hxe: [1, 2] });
    expect(json((await hsx(["version", "--json"])).out)).toMatchObject({ node: process.version });
  });

  it("shows commands and exit codes as help, on stderr when a command was missing", async () => {
    const help = await hsx(["--help"]);
    expect([help.exit, help.err]).toEqual([0, ""]);
    for (const text of ["build <files...>", "Exit codes:", "130  interrupted"]) {
      expect(help.out).toContain(text);
    }
    const bare = await hsx([]);
    expect([bare.exit, bare.out]).toEqual([2, ""]);
    expect(bare.err).toContain("Commands:");
    expect(json((await hsx(["--json"])).err)).toMatchObject({ message: "a command is missing" });
  });

  it.each(["new", "build", "info", "disasm", "run", "shell", "completion"])(
    "explains %s with examples",
    async (command) => {
      const { exit, out } = await hsx([command, "--help"]);
      expect(exit).toBe(0);
      expect(out).toContain("Examples:\n");
      expect(out).toContain("--json");
    },
  );

  it("explains a command by help, and knows no other", async () => {
    expect((await hsx(["help", "info"])).out).toBe((await hsx(["info", "--help"])).out);
    const wrong = await hsx(["help", "inof"]);
    expect([wrong.exit, wrong.out]).toEqual([2, ""]);
    expect(wrong.err).toContain('did you mean "info"?');
    expect(jsonLines((await hsx(["help", "info", "--json"])).out)[0]?.text).toContain("Usage: hsx");
  });

  it("answers a wrong command with the nearest", async () => {
    const { exit, err } = await hsx(["biuld"]);
    expect(exit).toBe(2);
    expect(err).toBe("error: unknown command 'biuld'\n  remedy: did you mean build?\n");
    expect(json((await hsx(["biuld", "--json"])).err)).toMatchObject({ code: "usage", exit: 2 });
  });

  it.each(["bash", "zsh", "fish"])("completes in %s", async (name) => {
    const { exit, out } = await hsx(["completion", name]);
    expect(exit).toBe(0);
    expect(out).toContain("disasm");
    expect(out).toContain("keep-going");
    expect(out).toContain("small large desktop");
    expect(out).not.toContain("docs");
    expect(json((await hsx(["completion", name, "--json"])).out)).toMatchObject({ shell: name });
  });

  it.each([
    ["hsx per", "persist"],
    ["hsx persist ve", "verify"],
    ["hsx persist repair --in", "--in-place"],
    ["hsx build --li", "--listing"],
    ["hsx run --profile sm", "small"],
  ])("completes %j in bash", async (line, word) => {
    const { out } = await hsx(["completion", "bash"]);
    const words = line.split(" ");
    const ask = `COMP_WORDS=(${words.join(" ")}); COMP_CWORD=${words.length - 1}; _hsx; echo "\${COMPREPLY[@]}"`;
    const { stdout } = spawnSync("bash", ["-c", `${out}\n${ask}`], { encoding: "utf8" });
    expect(stdout.trim()).toBe(word);
  });

  it("knows no other shell", async () => {
    expect((await hsx(["completion", "csh"])).exit).toBe(2);
  });

  it("shows colours on terminals only, and never against NO_COLOR", async () => {
    const coloured = async (env: Record<string, string>, isTTY: boolean) =>
      (await hsx(["info", blink], { env, isTTY })).out.includes("\x1b[");
    expect(await coloured({}, false)).toBe(false);
    expect(await coloured({}, true)).toBe(true);
    expect(await coloured({ NO_COLOR: "1" }, true)).toBe(false);
    expect(await coloured({ TERM: "dumb" }, true)).toBe(false);
    expect(await coloured({ FORCE_COLOR: "1" }, false)).toBe(true);
  });
});
