// hsx sim bench.toml and hsx monitor: a bench by the command line, its frames in words and in logs that other tools read.

import { execFileSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { createServer } from "node:net";
import { beforeAll, describe, expect, it } from "vitest";
import { frameWords } from "../../../host/cli/bus/frame-words.ts";
import { readFrameText } from "../../../host/formats/candump.ts";
import { file, hsx, inFolder, json, jsonLines } from "./harness.ts";

const TWO = '[[nodes]]\nkind = "small"\ncount = 2\nid = 1\nuid = "0102"\n';
/** HELLO of nodes 1 and 2 at power-on, an extended frame and a remote one among others. */
const LOG = `(0000000000.000459) can0 481#F100000000000040
(0000000000.000703) can0 482#F500000000000040
(0000000001.500000) can0 1ABCDEF0#0102030405060708
(1609779922.655421) can0 123#
(1609779922.655422) can0 7FF#R
`;

let bench = "";
beforeAll(() => {
  bench = file("two.toml", TWO);
});

describe("hsx sim bench.toml", () => {
  it("runs nodes as fast as it can, the same each time, and keeps their frames", async () => {
    const log = inFolder("two.log");
    const args = ["sim", bench, "--fast", "--for", "200ms", "--json", "--log", log];
    const [first, second] = [await hsx(args), await hsx(args)];
    expect(first.err).toBe("");
    const end = json(first.out);
    expect(end).toMatchObject({
      event: "end",
      at_us: 200_000,
      ending: "time",
      frames: 2,
      error_frames: 0,
      nodes: [
        { node: 1, kind: "small", on: true, overruns: 0, lost: 0, tec: 0 },
        { node: 2, kind: "small", on: true },
      ],
    });
    expect(json(second.out)).toEqual(end);
    expect(readFileSync(log, "utf8")).toMatch(
      /^\(0000000000\.\d{6}\) can0 481#[0-9A-F]{16}\n\(0000000000\.\d{6}\) can0 482#[0-9A-F]{16}\n$/,
    );
  });

  it("shows frames in words, and nodes in a table", async () => {
    const { out } = await hsx(["sim", bench, "--fast", "--for", "200ms", "--show", "can"]);
    const [first, , head, , row] = out.split("\n");
    expect(first).toMatch(
      / 481#[0-9A-F]{16} +node 1: hello, firmware 0x(?!0000)[0-9A-F]{4}, apps 0x00000000$/,
    );
    expect(head).toBe("0.200 s: 2 frames, 0 destroyed, bus load 0.2 %");
    expect(row).toMatch(/^ +1 +small +on +0 +0 +0 +0$/);
  });

  it.each([
    ['[[nodes]]\nkind = "smal"\n', 1, 'bad.toml:2:8: error: "smal" is no kind'],
    ["seed = 1\n", 1, "this bench has no nodes"],
    [`${TWO}file = "gone.fram"\n`, 3, "gone.fram: there is no such file"],
  ])("says what is wrong with %j", async (text, exit, said) => {
    const result = await hsx(["sim", file("bad.toml", text), "--fast", "--for", "1ms"]);
    expect(result.exit).toBe(exit);
    expect(result.err).toContain(said);
  });

  it("says which address it cannot listen at", async () => {
    const other = createServer();
    const port = await new Promise<number>((resolve) =>
      other.listen(0, "127.0.0.1", () => resolve((other.address() as { port: number }).port)),
    );
    const taken = await hsx(["sim", bench, "--listen", `127.0.0.1:${port}`, "--for", "1ms"]);
    expect([taken.exit, taken.err]).toEqual([
      8,
      `error: 127.0.0.1:${port} is taken by another program\n  remedy: end the program that has it, or name another port; :0 takes any that is free\n`,
    ]);
    other.close();
    const wrong = await hsx(["sim", bench, "--listen", "a:b:c"]);
    expect([wrong.exit, wrong.err.split("\n")[0]]).toEqual([
      2,
      "error: --listen a:b:c: this is no address",
    ]);
  });

  it("listens at a port that is free", async () => {
    const { out } = await hsx(["sim", bench, "--listen", "127.0.0.1:0", "--for", "5ms", "--json"]);
    const [listening] = jsonLines(out);
    expect(listening).toMatchObject({ event: "listening", host: "127.0.0.1" });
    expect(Number(listening?.port)).toBeGreaterThan(0);
  });
});

describe("hsx monitor", () => {
  it("shows what a simulated bus carries, and ends with a count", async () => {
    const log = inFolder("monitor.log");
    const args = ["monitor", "--bus", `sim:${bench}`, "--for", "100ms", "--json", "--log", log];
    const { exit, out } = await hsx(args);
    const [first, , end] = jsonLines(out);
    expect(exit).toBe(0);
    expect(first).toMatchObject({ event: "frame", error: false });
    expect(first?.says).toContain("node 1: hello");
    expect(end).toEqual({
      schema: "hsx.monitor/1",
      event: "end",
      frames: 2,
      dropped: 0,
      state: "active",
    });
    expect(readFileSync(log, "utf8").split("\n")).toHaveLength(3);
  });

  it("prints nothing but the count when it is quiet", async () => {
    const { out } = await hsx(["monitor", "--bus", `sim:${bench}`, "--for", "50ms", "--quiet"]);
    expect(out).toBe("2 frames; the adapter is active\n");
  });

  it("asks for a bus that it knows", async () => {
    const { exit, err } = await hsx(["monitor", "--bus", "can0"]);
    expect(exit).toBe(2);
    expect(err).toContain('"can0" is no bus');
  });
});

describe("a frame in words", () => {
  // frames of docs/protocol.md
  it.each([
    ["400#052C0201004D0000", "master 0 to node 5: SET 1.2 = 20"],
    ["485#01000201004D0000", "node 5 to master 0: ok 0201004D0000"],
    ["485#0107000000000000", "node 5 to master 0: range 000000000000"],
    ["400#0000000000000000", "master 0 to all: CENSUS salt 0"],
    ["485#EFEFBE7856341240", "node 5: hello, firmware 0xBEEF, apps 0x12345678"],
    ["46F#", "a node has hash bits 0x2F"],
    ["400#01", "malformed: a request has 8 bytes, not 1"],
    ["123#00", ""],
    ["00000400#", ""],
  ])("%s", (text, words) => {
    const frame = readFrameText(text);
    expect(frame && frameWords(0x400, frame)).toBe(words);
  });
});

describe("a log", () => {
  const run = (program: string, args: readonly string[]) =>
    execFileSync(program, args, { encoding: "utf8", stdio: ["ignore", "pipe", "ignore"] });

  it("is read by can-utils, and comes back through their own format", () => {
    const log = file("all.log", LOG);
    const asc = inFolder("all.asc");
    run("log2asc", ["-I", log, "-O", asc, "can0"]);
    const back = inFolder("back.log");
    run("asc2log", ["-I", asc, "-O", back]);
    const frames = (text: string) => text.match(/\S+#\S*/g);
    expect(frames(readFileSync(back, "utf8"))).toEqual(frames(LOG));
  });

  it("is read by Wireshark", () => {
    const fields = ["-T", "fields", "-e", "frame.time_epoch", "-e", "can.id", "-e", "can.len"];
    const lines = run("tshark", ["-r", file("all.log", LOG), ...fields])
      .trim()
      .split("\n");
    expect(lines.map((line) => line.split("\t").map(Number))).toEqual([
      [0.000459, 0x481, 8],
      [0.000703, 0x482, 8],
      [1.5, 0x1abcdef0, 8],
      [1609779922.655421, 0x123, 0],
      [1609779922.655422, 0x7ff, 0],
    ]);
  });

  it("is read by python-can", () => {
    const program =
      "import can,sys\nfor m in can.LogReader(sys.argv[1]): print('%X %s %s %d' % (m.arbitration_id, m.is_extended_id, m.is_remote_frame, m.dlc))";
    const out = run("/usr/bin/python3", ["-c", program, file("all.log", LOG)]);
    expect(out.trim().split("\n")).toEqual([
      "481 False False 8",
      "482 False False 8",
      "1ABCDEF0 True False 8",
      "123 False False 0",
      "7FF False True 0",
    ]);
  });
});
