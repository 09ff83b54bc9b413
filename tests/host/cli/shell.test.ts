// Verbs of the shell: what they print, how wrong names and numbers are answered, how scripts end.

import { beforeAll, describe, expect, it } from "vitest";
import { complete } from "../../../host/cli/shell/completer.ts";
import { wordsOf } from "../../../host/cli/shell/line.ts";
import { SCHEMAS } from "../../../scripts/cli-schemas.ts";
import { example, file, hsx, image, inFolder, jsonLines, shell } from "./harness.ts";

let thermostat = "";
let blink = "";
/** Answers its argument plus one, or faults when it is 13; sends a frame and sleeps. */
const SERVER = `
.app "server"
.value {"group":5,"id":1,"name":"gain","group_name":"server","flags":"PERSIST","init":-2.5,"min":-10,"max":10,"persist_key":9}
.value {"group":5,"id":2,"name":"fixed","group_name":"server","flags":"RO","init":1}
.value {"group":5,"id":3,"name":"secret","group_name":"server","auth":"ADMIN","init":1}
.value {"group":5,"id":4,"name":"switch","group_name":"server","flags":"BOOL"}
.value {"group":5,"id":5,"name":"coarse","group_name":"server","epsilon":1}
.cmd {"group":5,"id":1,"name":"add","group_name":"server","handler":"add","help":"one more"}
.cmd {"group":5,"id":2,"name":"slow","group_name":"server","handler":"slow"}
.text
.entry start
start:
    LDI32 R1, 0x343
    LDI32 R2, data
    LDI R3, 2
    SVC 0x200           ; CAN_TX
    LDI32 R1, 0x100
    LDI32 R2, 0x700
    SVC 0x201           ; CAN_FILTER
again:
    LDI32 R0, 1000
    SVC 0x600           ; SLEEP_MS
    JMP again
add:
    LDI R1, 13
    CMP R1, R3
    JZ  wrong
    LDI R1, 1
    ADD R0, R3, R1
    RET
wrong:
    LDI R2, 0
    DIV R0, R1, R2
slow:
    LDI32 R0, 5000
    SVC 0x600
    RET
.data
data: .byte 0xB2, 0x04
`;
let server = "";

beforeAll(async () => {
  thermostat = await example("thermostat");
  blink = await example("blink");
  server = await image("server", SERVER);
});

/** Lines in a shell with the server loaded. */
const ask = (...lines: string[]) => shell(lines, ["--preload", server]);

describe("words of a line", () => {
  it.each([
    ["val set temp -2.5", ["val", "set", "temp", "-2.5"]],
    ["  ps   # all of them", ["ps"]],
    ["mbox send a 'two words'", ["mbox", "send", "a", "two words"]],
    ['mbox send a "tab\\tquote\\""', ["mbox", "send", "a", 'tab\tquote"']],
    ["a\\ b c#d", ["a b", "c#d"]],
    ["''", [""]],
    ["# nothing", []],
  ])("%s", (line, words) => {
    expect(wordsOf(line)).toEqual(words);
  });

  it("must not leave a quote open", async () => {
    const { exit, err } = await ask("mbox send x 'y");
    expect(exit).toBe(2);
    expect(err).toContain("a quote ' is left open");
  });
});

describe("every verb", () => {
  it("prints JSON as its schema says", async () => {
    const calib = inFolder("verbs.toml");
    const lines = [
      "can dump --for 10ms",
      "ps",
      "val list",
      "val get server:gain 5.2",
      "val set gain -2.25",
      "val set 5.1 1e0",
      "val persist gain load",
      "val persist gain save",
      "val persist gain now",
      "val persist gain off",
      "val watch --for 2s",
      `val export -o ${calib}`,
      `val import ${calib}`,
      "cmd list",
      "cmd call add 41",
      "cmd call server:add -2",
      "mbox list",
      "mbox send app:jobs hello --create --channel 3",
      "mbox send app:jobs 00ff --hex",
      "mbox peek app:jobs",
      "mbox listen app:jobs --take --for 10ms",
      "gpio list",
      "gpio set 3 high",
      "gpio watch --for 20s",
      "can send 100#0102",
      "events --all",
      "regs server R9=5",
      "mem",
      "mem server",
      "mem server 0x4000",
      "provision status",
      "provision format 2 2048",
      "config set role 3",
      "config export",
      "config set id 4",
      "config rollback",
      "store status",
      "store list",
      "config get",
      "config get quantum",
      "config set quantum 7",
      "pause server",
      "resume server",
      "resume server",
      "step server 3",
      "resume server",
      "run 1s",
      "clock",
      "clock manual",
      `load ${blink}`,
      "restart blink",
      "kill blink",
      "reboot",
      "exit",
    ];
    const nv = ["--nv", `${inFolder("verbs.fram")}:fram:16384`];
    const { exit, out, err } = await shell(lines, [
      "--preload",
      server,
      thermostat,
      "--json",
      ...nv,
    ]);
    expect(err).toBe("");
    expect(exit).toBe(0);
    const objects = jsonLines(out);
    const statuses = objects.filter((o) => o.schema === "hsx.status/1");
    expect(statuses.map((s) => [s.verb, s.ok])).toEqual(lines.map((line) => [line, true]));
    const told = new Set(objects.map((o) => o.schema));
    const untold = [
      ...["disasm", "build", "completion", "error", "help", "info", "new", "output", "run"],
      ...["build", "cut", "diff", "export", "inspect", "repair", "verify"].map(
        (s) => `persist.${s}`,
      ),
      ...[
        "provision.app",
        "provision.remove",
        "provision.stage",
        "store.format",
        "store.reset",
        "version",
        "warning",
      ],
      ...["scan", "load.node", "load.plan", "load.report", "monitor", "sim", "provision.event"], // on a bus
      ...["tasks.restart", "tasks.stop", "tasks.start", "hold", "go", "master"],
      ...["manifest.check", "manifest.lock", "manifest.schema", "sd.check", "sd.make"],
    ].map((name) => `hsx.${name}/1`);
    expect([...SCHEMAS.keys()].filter((name) => !told.has(name)).sort()).toEqual(untold.sort());
  });

  it("prints JSON for one line alone when that line asks for it", async () => {
    const { out } = await ask("val get gain --json", "val get gain");
    const [first = "", second] = out.trimEnd().split("\n");
    expect(JSON.parse(first)).toMatchObject({ schema: "hsx.val.get/1" });
    expect(second).toBe("-2.5");
  });

  it("is explained by help", async () => {
    const { exit, out } = await ask("help", "help val", "val set --help");
    expect(exit).toBe(0);
    expect(out).toContain("provision");
    expect(out).toContain("Usage: hsx> val set [options] <value> <number>");
    expect(out).toContain("val set temp:offset -2.5");
  });
});

describe("frames", () => {
  it("that the node has no room for are told as lost", async () => {
    // 64 wait in the machine's queue while no time passes
    const sends = Array.from({ length: 65 }, () => "can send 100#00");
    const { exit, err } = await ask("run 10ms", ...sends);
    expect(exit).toBe(8);
    expect(err).toContain("stdin:66: error: 100#00 was lost");
    expect(err).toContain("let time pass");
  });
});

describe("values", () => {
  it("are set by name or number, negative ones too, and shown with their unit", async () => {
    const { out } = await ask(
      "val set gain -7",
      "val get 5.1",
      "val get 0x501",
      "val set switch true",
    );
    expect(out).toBe("server:gain -2.5 -> -7\n-7\n-7\nserver:switch 0 -> 1\n");
    const units = await shell(["val set setpoint 24.5"], ["--preload", thermostat]);
    expect(units.out).toBe("thermostat:setpoint 21 degC -> 24.5 degC\n");
  });

  it("say that a change within epsilon does not count", async () => {
    const { out, err } = await ask("val set coarse 0.5");
    expect(out).toBe("server:coarse 0 -> 0\n");
    expect(err).toContain("within its epsilon 1");
  });

  it.each([
    ["val get gian", 3, 'there is no value "gian"', 'did you mean "gain"?'],
    ["val get server:gian", 3, 'there is no value "server:gian"', 'did you mean "server:gain"?'],
    ["val get 9.9", 3, 'there is no value "9.9"', "there are 5.1, 5.2, 5.3, 5.4, 5.5"],
    ["val set gain 11", 1, "value server:gain: 11 is out of range: -10 to 10", "choose a number"],
    ["val set switch 2", 1, "value server:switch: 2 is out of range: it is 0 or 1", "choose"],
    ["val set fixed 2", 1, "value server:fixed: it is declared read-only", "only the app"],
    ["val set gain much", 2, '"much" is not a number', "write 12, -2.5"],
    ["val set gain 1e9", 2, "1e9 is out of range: a value is a binary16", "smaller"],
    ["val persist fixed save", 1, "it has no persist key", "persist_key"],
    ["val persist gain ever", 2, '"ever" is no way to keep a value', "save, load, off and now"],
    ["val watch", 2, "how long?", "--for 10s"],
    ["val get nothing", 3, 'there is no value "nothing"', "there are server:gain, server:"],
    ["val watch --count 0", 2, "--count: 0 is out of range: 1 to 1000000", "inside it"],
    ["val frob", 2, "unknown command 'frob'", "look at help val"],
    ["val set gain", 2, "missing required argument 'number'", "look at help val set"],
    ["cmd call ad", 3, 'there is no command "ad"', 'did you mean "add"?'],
    ["cmd call add 13", 1, "command server:add", ""],
    [
      "cmd call slow --timeout 100ms",
      4,
      "command server:slow: no answer came in time",
      "--timeout",
    ],
    ["cmd call add x", 2, 'argument: "x" is not an integer', ""],
    ["mbox peek app:job", 3, 'there is no mailbox "app:job"', ""],
    ["mbox send app:job hello", 3, 'there is no mailbox "app:job"', ""],
    ["mbox send app:x zz --hex --create", 2, '"zz" are not bytes in hexadecimal', "01ff"],
    [
      "mbox send app:x@y hello --create",
      1,
      "mailbox app:x@y: this is not the name of a mailbox",
      "svc:name",
    ],
    ["kill servre", 3, 'there is no task "servre"', 'did you mean "server"?'],
    ["kill 7", 3, 'there is no task "7"', "there is 1 (server)"],
    ["load nowhere.hxe", 3, "cannot read nowhere.hxe: there is no such file", "look at"],
    ["regs server R16=1", 2, '"R16=1" sets no register', "R0=5"],
    [
      "mem server 0x8000 4",
      1,
      "0x8000 to 0x8003 is not all inside its memory",
      "data lies from 0x4000",
    ],
    ["mem server 0 16", 1, "0x0000 to 0x000F is not all inside its memory", "data lies"],
    ["mem server 0x4000 4096", 1, "0x4000 to 0x4FFF is not all inside its memory", ""],
    ["gpio set 99 1", 2, "pin: 99 is out of range: 0 to 15", ""],
    ["gpio set 1 middle", 2, '"middle" is not a level', "0, 1, low or high"],
    ["can send 9999", 2, '"9999" is not a frame', "343#B204"],
    ["can send 7FF#00", 1, "no app asked for frames like 7FF#00", "CAN_FILTER"],
    ["config get quantm", 3, 'there is no setting "quantm"', 'did you mean "quantum"?'],
    ["config set quantum 70000", 1, "setting quantum: 70,000 is out of range; at most 65,535", ""],
    ["config set task_max 3", 1, "setting task_max", ""],
    ["resume server 1", 2, "too many arguments for 'resume'", ""],
    ["resume server", 0, "", ""],
    ["store format", 9, "the node has no device for a store", "--nv FILE"],
    ["clock fast", 2, '"fast" is no pace', "live and manual"],
    ["events --for x", 2, '"x" is not a duration', ""],
    ["help frob", 2, "unknown command 'frob'", "look at help"],
    ["help val st", 2, "unknown command 'st'", 'did you mean "set"?'],
    ["frob", 2, "unknown command 'frob'", "look at help"],
  ])("%s ends with %d", async (line, exit, message, remedy) => {
    const result = await ask("run 10ms", line);
    expect(result.err).toContain(message);
    expect(result.err).toContain(remedy);
    expect(result.exit).toBe(exit);
    expect(result.err).not.toMatch(/\n\s+at /); // no stack trace
  });

  it("ask a session for the level they declare", async () => {
    const asUser = await shell(["val set secret 2"], ["--preload", server, "--level", "user"]);
    expect(asUser.exit).toBe(1);
    expect(asUser.err).toContain(
      "value server:secret: needs the level admin, the session has user",
    );
    expect(asUser.err).toContain("remedy: raise the level of the session");
    const raised = await shell(
      ["config set level admin", "val set secret 2"],
      ["--preload", server, "--level", "user"],
    );
    expect(raised.exit).toBe(0);
  });
});

describe("apps", () => {
  it("that claim one id or key are refused by name, unless moved", async () => {
    const { exit, err } = await ask(`load ${server}`);
    expect(exit).toBe(7);
    expect(err).toContain("server.hxe: task 1 (server) already has the id 5.1");
    const moved = await ask(`load ${server} --group-base 1 --key-base 1`, "val list");
    expect(moved.exit).toBe(0);
    expect(moved.out).toContain("6.1  server:gain");
    const key = await ask(`load ${server} --group-base 1`);
    expect(key.err).toContain("task 1 (server) already has the persist key 9");
    const ambiguous = await ask(`load ${server} --group-base 1 --key-base 1`, "val get gain");
    expect(ambiguous.exit).toBe(2);
    expect(ambiguous.err).toContain('"gain" is ambiguous: server:gain (5.1), server:gain (6.1)');
  });

  it("that may be loaded once are replaced by name", async () => {
    const twice = await shell([`load ${thermostat}`], ["--preload", thermostat]);
    expect(twice.exit).toBe(7);
    expect(twice.err).toContain('"thermostat" may be loaded once and is task 1');
    expect(twice.err).toContain("remedy: in hsx shell: replace it: --replace 1");
    const replaced = await shell(
      [`load ${thermostat} --replace thermostat`, "ps"],
      ["--preload", thermostat],
    );
    expect(replaced.exit).toBe(0);
    expect(replaced.out.match(/thermostat/g)).toHaveLength(2);
  });

  it("beyond what a node holds are refused with what is full", async () => {
    const idle = await image("idle", ".stack 64\nagain: LDI32 R0, 1000\n SVC 0x600\n JMP again\n");
    const five = Array.from({ length: 5 }, () => `load ${idle}`);
    const { exit, err } = await shell(five, ["--profile", "small"]);
    expect(exit).toBe(7);
    expect(err).toContain("the node is full: 5 tasks are needed, it has room for 4");
    const big = await image("big", ".stack 12000\nRET\n");
    const memory = await shell([`load ${big}`], ["--profile", "small"]);
    expect(memory.exit).toBe(7);
    expect(memory.err).toMatch(/[\d,]+ bytes of memory are needed, [\d,]+ are free/);
  });

  it("that fault are explained as it happens", async () => {
    const { out, err } = await ask("cmd call add 12", "val get gain", "cmd call add 13");
    expect(out).toContain("server:add -> 13 (0x0000000D)");
    expect(err).toContain("task 1 (server) divided by zero");
  });

  it("send frames and messages that the host can watch", async () => {
    const { out } = await ask("can dump --for 10ms");
    expect(out.trim()).toMatch(/^0\.0\d\d s {2}343#B204$/);
    const log = ["run 1ms", "mbox listen app:thermostat.log --for 10s --count 1"];
    const { out: heard } = await shell(log, ["--preload", thermostat]);
    expect(heard).toContain('"heater off"  (from task 1)');
  });
});

describe("scripts", () => {
  const lines = ["# a comment", "", "val get gain", "val get nothing", "val get fixed"];

  it("stop at the first line that fails, and say which", async () => {
    const script = file("stop.hsx", lines.join("\n"));
    const { exit, out, err } = await hsx(["shell", "--preload", server, "-f", script]);
    expect([exit, out]).toEqual([3, "-2.5\n"]);
    expect(err).toContain(`${script}:4: error: there is no value "nothing"`);
  });

  it("go on when told, and then end with 6", async () => {
    const { exit, out } = await shell(lines, ["--preload", server, "--keep-going"]);
    expect([exit, out]).toEqual([6, "-2.5\n1\n"]);
  });

  it("end with the failure when nothing went well", async () => {
    expect((await shell(["val get nothing"], ["--preload", server, "--keep-going"])).exit).toBe(3);
  });

  it("tell a status for each line with --json", async () => {
    const { out, err } = await shell(lines, ["--preload", server, "--json", "--keep-going"]);
    const statuses = jsonLines(out).filter((o) => o.schema === "hsx.status/1");
    expect(statuses.map((s) => [s.line, s.ok, s.exit])).toEqual([
      [3, true, 0],
      [4, false, 3],
      [5, true, 0],
    ]);
    expect(jsonLines(err)[0]).toMatchObject({ schema: "hsx.error/1", exit: 3, place: "stdin:4" });
  });

  it("show their lines with -v, and end at exit", async () => {
    const { out, err } = await shell(["ps", "exit", "val list"], ["-v"]);
    expect(out).toBe("no tasks\n");
    expect(err).toBe("stdin:1: ps\nstdin:2: exit\n");
  });

  it("must be there", async () => {
    expect((await hsx(["shell", "-f", "nowhere.hsx"])).exit).toBe(3);
    expect((await hsx(["shell", "--preload", "nowhere.hxe"])).exit).toBe(3);
  });
});

describe("completion in the shell", async () => {
  const { Shell } = await import("../../../host/cli/shell/shell.ts");
  const { Session } = await import("../../../host/cli/session.ts");
  const { Install } = await import("../../../host/cli/install.ts");
  const { Output } = await import("../../../host/cli/output.ts");
  const { processTerminal } = await import("../../../host/cli/terminal.ts");
  const { ROOT } = await import("../../../scripts/root.ts");

  it.each([
    ["va", ["val "]],
    ["val s", ["set "]],
    ["val set server:ga", ["server:gain "]],
    ["val persist server:gain s", ["save "]],
    ["val get server:gain server:sw", ["server:switch "]],
    ["cmd call server:a", ["server:add "]],
    ["kill s", ["server "]],
    ["config get quan", ["quantum "]],
    ["mbox listen x --f", ["--for "]],
    ["help ev", ["events "]],
    ["val set server:gain ", []],
  ])("%s", async (line, expected) => {
    const session = await Session.open(new Install(ROOT), { profile: "desktop" });
    session.load(server);
    const state = { session, isLive: false, isInterrupted: false, isOver: false, eventsSeen: 0 };
    const parser = new Shell(new Output(processTerminal(), false), state).parser();
    expect(complete(parser, session, line)[0]).toEqual(expected);
  });
});
