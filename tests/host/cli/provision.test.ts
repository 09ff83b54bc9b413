// Stored images and configuration, from a calibration file, by the verbs of the shell, and when a node boots.

import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { beforeAll, describe, expect, it } from "vitest";
import { example, file, hsx, image, inFolder, json, jsonLines, shell } from "./harness.ts";

let thermostat = "";
/** Two versions of an app that says which it is. */
let first = "";
let second = "";
const SAYS = (version: string) => `.app "talker"
    LDI32 R1, text
    LDI R2, 2
    SVC 0x101           ; UART_WRITE
again:
    LDI R0, 1000
    SVC 0x600
    JMP again
.data
text: .ascii "${version}\\n"
`;
beforeAll(async () => {
  thermostat = await example("thermostat");
  first = await image("talker-1", SAYS("1"));
  second = await image("talker-2", SAYS("2"));
});

const CALIB = `
media = "fram:32768"
cells = 60
[values]
"thermostat:setpoint" = 22.5
[node]
id = 7
bit_rate = 250
sources = ["sd", "can"]
[slots]
count = 3
bytes = 2048
[[apps]]
image = "talker-1.hxe"
order = 2
restarts = 3
[[apps]]
image = "thermostat.hxe"
fallback_on_fault = true
quantum = 128
`;

/** Builds an image of a device with two apps. */
async function device(name: string, calib = CALIB): Promise<string> {
  const to = inFolder(name);
  const args = ["persist", "build", file("apps.toml", calib), "--image", thermostat, "-o", to];
  const { exit, err } = await hsx([...args, "--force"]);
  expect([exit, err]).toEqual([0, ""]);
  return to;
}
const on = (nv: string, ...lines: string[]) => shell([...lines], ["--nv", nv, "--keep-going"]);

/** What a calibration file is refused with. */
async function refusal(calib: string): Promise<string> {
  const args = ["persist", "build", file("wrong.toml", calib), "-o", inFolder("wrong.fram")];
  const { exit, err } = await hsx(args);
  expect([exit === 0, existsSync(inFolder("wrong.fram"))]).toEqual([false, false]);
  return err;
}

describe("a calibration file with apps", () => {
  it("makes a device whose node runs them", async () => {
    const nv = await device("apps.fram");
    const { exit, out } = await hsx(["run", "--nv", nv, "--for", "2s", "--show", "values"]);
    expect(exit).toBe(0);
    expect(out).toContain("1\n");
    expect(out).toContain("thermostat:heater 0 -> 1");
    const got = await on(nv, "val get setpoint", "config get id", "config get sources");
    expect(got.out).toBe("22.5 degC\n7\nsd, can\n");
  });

  it("is shown by inspect", async () => {
    const nv = await device("inspect.fram");
    const object = json((await hsx(["persist", "inspect", nv, "--json"])).out);
    expect(object).toMatchObject({
      node: { id: 7, bit_rate: 250, role: 0, sources: ["sd", "can"] },
      slots: [
        { slot: 0, address: 512, state: "image", name: "talker" },
        { slot: 1, address: 2560, state: "image", name: "thermostat" },
        { slot: 2, address: 4608, state: "empty" },
      ],
      apps: [
        { app: 0, name: "talker", state: "confirmed", active: 0, boot: { order: 2, restarts: 3 } },
        { app: 1, active: 1, boot: { fallback_on_fault: true, quantum: 128 } },
      ],
    });
    const { out } = await hsx(["persist", "inspect", nv]);
    expect(out).toMatch(/0x0141 {2}slots +system +0x3008/);
    expect(out).toMatch(/1 {2}thermostat {2}confirmed +1 +order 0, fallback on fault, quantum 128/);
  });

  it("is what export writes, with the images", async () => {
    const nv = await device("export.fram");
    const toml = inFolder("back.toml");
    const left = await hsx(["persist", "export", nv, "-o", toml]);
    expect(left.err).toContain("2 apps are left out\n  remedy: add --extract FOLDER");
    const folder = inFolder("extracted");
    const exported = await hsx(["persist", "export", nv, "-o", toml, "--extract", folder]);
    expect([exported.exit, exported.err]).toEqual([0, `${toml}: 1 value\n`]);
    expect(readFileSync(`${folder}/talker.hxe`)).toEqual(readFileSync(first));
    const again = inFolder("again-apps.fram");
    expect((await hsx(["persist", "build", toml, "-o", again])).err).toBe("");
    expect(readFileSync(again)).toEqual(readFileSync(nv));
  });

  it.each([
    ['media = "fram:512"\n[slots]\ncount = 3\nbytes = 2048', "3 slots of 2048 bytes: "],
    ["[slots]\ncount = 15\nbytes = 2048", "count is 15; it is an integer from 0 to 14"],
    ["[slots]\ncount = 1", "how large is a slot?"],
    ["[[apps]]\norder = 1", "this app has no image"],
    ['[[apps]]\nimage = "nowhere.hxe"', "nowhere.hxe: there is no such file"],
    ['[[apps]]\nimage = "apps.toml"', "not an HXE image"],
    ['[[apps]]\nimage = "talker-1.hxe"\nquantum = 100', "quantum 100 is no power of two"],
    ['[[apps]]\nimage = "talker-1.hxe"\nsource = "moon"', '"moon" is no source of images'],
    ['[apps]\nimage = "talker-1.hxe"', "apps are tables, one for each app"],
    ['[node]\nsources = ["stored"]', "sources is an array of at most four"],
    ["[node]\nid = 256", "id is 256; it is an integer from 0 to 255"],
    ["[node]\nidd = 25", 'nothing is called "idd" here'],
  ])("is refused with its place: %j", async (calib, message) => {
    const media = calib.startsWith("media") ? "" : 'media = "fram:32768"\ncells = 60\n';
    expect(await refusal(`${media}${calib}\n`)).toContain(message);
  });

  it("names the error of a node that refuses an app of it", async () => {
    const calib = 'media = "fram:32768"\ncells = 60\n[slots]\ncount = 1\nbytes = 256\n';
    const toml = file("small-slot.toml", `${calib}[[apps]]\nimage = "thermostat.hxe"\n`);
    const args = ["persist", "build", toml, "-o", inFolder("small-slot.fram"), "--json"];
    const { exit, err } = await hsx(args);
    const { code, diagnostics } = json(err) as { code: string; diagnostics: { line: number }[] };
    expect([exit, code, diagnostics[0]?.line]).toEqual([7, "SLOT_SMALL", 7]);
  });

  it("leaves room for its slots when it does not say how many cells it wants", async () => {
    const nv = await device(
      "room.fram",
      CALIB.replace("cells = 60\n", "").replace("32768", "8192"),
    );
    const { out } = await hsx(["persist", "inspect", nv]);
    expect(out).toContain("of 252 cells in use"); // 8,192 - 3 * 2,048 = 2,048 = 32 + 8 * 252
  });

  it("is told by verify and diff when an image in a slot is damaged", async () => {
    const nv = await device("whole.fram");
    const bytes = new Uint8Array(readFileSync(nv));
    bytes[512 + 60] = (bytes[512 + 60] as number) ^ 1;
    const bad = file("bad-slot.fram", bytes);
    const verified = await hsx(["persist", "verify", bad]);
    expect(verified.exit).toBe(5);
    expect(verified.out).toContain("bad-slot.fram: 1 image is lost\n");
    expect(verified.out).toContain("slot 0 at 0x0200 holds no whole image; app 0 starts from it\n");
    expect((await hsx(["persist", "verify", nv])).out).toContain("whole.fram: sound\n");
    const cutOff = await hsx(["persist", "verify", file("cut-off.fram", bytes.slice(0, 2560))]);
    expect(cutOff.out).toContain("cut-off.fram: 2 images are lost\n");
    const differs = await hsx(["persist", "diff", nv, bad]);
    expect(differs.exit).toBe(1);
    expect(differs.out).toMatch(
      /^SLOT {2}BEFORE +AFTER\n {3}0 {2}talker 0x[0-9A-F]{8} {2}damaged\n$/,
    );
  });

  it("is checked against the node and the schema it should be for", async () => {
    const nv = await device("whose.fram", `schema = 3\n${CALIB}`);
    const verify = (path: string, ...args: string[]) => hsx(["persist", "verify", path, ...args]);
    expect((await verify(nv, "--node", "7", "--schema", "3")).exit).toBe(0);
    const other = await verify(nv, "--node", "9");
    expect([other.exit, other.err]).toEqual([
      7,
      expect.stringContaining("whose.fram is for node 7, not for node 9\n  remedy: take the image"),
    ]);
    const keys = await verify(nv, "--schema", "2");
    expect([keys.exit, keys.err]).toEqual([
      7,
      expect.stringContaining("whose.fram has keys of schema 3, not 2\n"),
    ]);
    const anyones = await device("anyones.fram", CALIB.replace("id = 7\n", ""));
    const none = await verify(anyones, "--node", "7");
    expect([none.exit, none.err]).toEqual([
      7,
      expect.stringContaining("is no node's in particular: it sets no id, not for node 7"),
    ]);
  });

  it("is mended by a node when a word has lost one bit, and verify says so", async () => {
    const nv = await device("rotten.fram");
    const shown = json((await hsx(["persist", "inspect", nv, "--json"])).out);
    const entries = shown.entries as { kind: string; key: number; cell: number }[];
    const record = entries.find(({ kind, key }) => kind === "system" && key === 0x0100);
    const bytes = readFileSync(nv);
    const at = 32 + 8 * (record?.cell ?? 0) + 3; // the low byte of the value
    bytes.writeUInt8(bytes.readUInt8(at) ^ 0x10, at);
    writeFileSync(nv, bytes);
    const { exit, out } = await hsx(["persist", "verify", nv]);
    expect(exit).toBe(0);
    expect(out).toContain("rotten.fram: nothing is lost\n");
    expect(out).toMatch(/app 0: activation = 0x01F0 was meant; a node mends it when it starts\n/);
    expect((await hsx(["run", "--nv", nv, "--for", "10ms"])).out).toBe("1\n");
    expect((await hsx(["persist", "verify", nv])).out).toContain("rotten.fram: sound\n");
  });

  it("is refused when an image finds no slot, or is longer than one", async () => {
    const head = 'media = "fram:32768"\ncells = 60\n[slots]\ncount = 1\n';
    const two = '[[apps]]\nimage = "talker-1.hxe"\n[[apps]]\nimage = "thermostat.hxe"\n';
    const full = await refusal(`${head}bytes = 2048\n${two}`);
    expect(full).toMatch(
      /wrong\.toml:9:9: error: thermostat\.hxe: the app "talker" needs the slot\n/,
    );
    const long = await refusal(`${head}bytes = 512\n[[apps]]\nimage = "thermostat.hxe"\n`);
    expect(long).toContain("the image has 885 bytes, the slot takes 496");
  });
});

describe("provision", () => {
  it("holds a new image on trial, confirms it and rolls back", async () => {
    const nv = await device("trial.fram");
    const { out, err } = await on(
      nv,
      `provision stage ${second}`,
      "provision activate 2",
      "run 1ms",
      "provision confirm",
      "provision rollback talker",
      "run 1ms",
    );
    expect(err).toBe("");
    expect(out).toContain("slot 2: talker, ");
    expect(out).toContain(
      "talker runs from slot 2, on trial: 2 starts left unless it is confirmed\n",
    );
    expect(out).toContain("2\nnode time");
    expect(out).toContain("talker is confirmed\ntalker runs from slot 0 again\n");
    expect(out).toContain("1\nnode time");
  });

  it("brings the old image back when nobody confirms the new one", async () => {
    const nv = await device("unconfirmed.fram");
    await on(nv, `provision stage ${second}`, "provision activate 2 --attempts 1");
    const { out } = await on(nv, "provision status --json");
    const [status] = jsonLines(out);
    expect(status).toMatchObject({
      store: "ready",
      slots: [
        { slot: 0, active_of: ["talker"] },
        { slot: 1, active_of: ["thermostat"] },
        { slot: 2, state: "image", name: "talker", active_of: [], fallback_of: [] },
      ],
      apps: [{ name: "talker", state: "confirmed", active: 0 }, { name: "thermostat" }],
    });
  });

  it("shows why an app did not come up", async () => {
    const nv = await device("damaged.fram");
    const bytes = readFileSync(nv);
    const code = 512 + 16 + 0x60; // the first instruction of the image in slot 0
    bytes.writeUInt8(bytes.readUInt8(code) ^ 0xff, code);
    writeFileSync(nv, bytes);
    const { out } = await on(nv, "provision status --json", "provision status");
    expect(jsonLines(out.slice(0, out.indexOf("\n") + 1))[0]).toMatchObject({
      apps: [
        { name: "talker", pid: null, refused: "SLOT_DAMAGED" },
        { name: "thermostat", pid: 1, refused: null },
      ],
    });
    expect(out).toMatch(/talker +confirmed .* order 2, 3 restarts; not started: SLOT_DAMAGED/);
  });

  it("says what it is refused for, and changes nothing", async () => {
    const nv = await device("refused.fram");
    const empty = await on(nv, "provision activate 2");
    expect(empty.err).toContain("slot 2: no whole image was ever put there");
    await on(nv, `provision stage ${second}`);
    const bytes = new Uint8Array(readFileSync(nv));
    const [from = 0] = (
      json((await hsx(["persist", "inspect", nv, "--json"])).out).slots as {
        address: number;
      }[]
    )
      .slice(2)
      .map((s) => s.address);
    bytes[from + 60] = (bytes[from + 60] as number) ^ 1;
    const bad = file("refused-bad.fram", bytes);
    const before = new Uint8Array(readFileSync(bad));
    const { exit, err } = await on(
      bad,
      "provision activate 2",
      "provision activate 13",
      "provision activate 14",
      "provision activate 0",
      "provision confirm",
      "provision confirm talkr",
      "provision rollback thermostat",
      `provision stage ${second} --slot 0`,
      `provision stage ${second} --node 9`,
      "provision boot talker --quantum 100",
      "provision format 1 256",
      "config confirm",
      "config set sources stored",
      "config set id 256",
    );
    expect(exit).toBe(5); // of the first line: the image in slot 2 is damaged
    for (const message of [
      "1: error: slot 2: what it holds is not what was put there",
      "2: error: slot 13: there is no such thing",
      "3: error: slot: 14 is out of range: 0 to 13",
      "4: error: slot 0 is active already: talker runs from it",
      "5: error: no app is on trial",
      '6: error: there is no stored app "talkr"\n  remedy: did you mean "talker"?',
      "7: error: app thermostat: there is no earlier image to come back",
      "8: error: ",
      "9: error: ",
      "10: error: --quantum: 100 is no power of two",
      "11: error: 1 slots of 256 bytes: ",
      "12: error: the configuration: nothing is on trial",
      "13: error: stored: at most four sources",
      "14: error: id: 256 is out of range: 0 to 255",
    ]) {
      expect(err).toContain(`stdin:${message}`);
    }
    expect(new Uint8Array(readFileSync(bad))).toEqual(before);
  });

  it("tells what it needs, and what is in the way", async () => {
    const { err } = await shell(
      [
        `provision stage ${second}`,
        "provision format 3 2048",
        "store reset",
        "store format --yes --cells 60",
        "provision format 3 2048",
        `provision stage ${second}`,
        "provision activate 0 --attempts 0",
        "provision format 2 2048",
        "config rollback",
        "config set profile 3",
      ],
      ["--nv", `${inFolder("bare.fram")}:fram:8192`, "--keep-going"],
    );
    expect(err.split("\n").filter((line) => line !== "")).toEqual([
      "stdin:1: error: slot 0: there is no such thing",
      "  remedy: list the slots: provision status; make some: provision format",
      "stdin:2: error: 3 slots of 2048 bytes: they find no room on the device behind the cells of the store",
      "  remedy: take fewer or smaller slots, a larger device, or fewer cells: store format --cells, or cells of a calibration file",
      "stdin:3: error: a factory reset forgets every value, which apps the node starts from which slots, and its configuration",
      "  remedy: add --yes if that is meant",
      'stdin:8: error: 2 slots of 2048 bytes: the app "talker" needs one of the slots there are',
      "  remedy: store reset forgets all apps, and slots can be made then",
      "stdin:9: error: the configuration: there is no earlier one to come back",
      "  remedy: change what is to be another: config set",
      "stdin:10: error: setting profile: it is read-only, or takes no such number",
      "  remedy: look at the settings: config get",
    ]);
  });

  it("shows what is stored without the unit of an app that has another", async () => {
    const app = (unit: string) =>
      `.app "gauge"\n.value {"group":1,"id":1,"name":"p","group_name":"g","unit":"${unit}","flags":"PERSIST","persist_key":1}\nagain:\n LDI R0, 1000\n SVC 0x600\n JMP again\n`;
    const bar = await image("gauge-bar", app("bar"));
    const pascal = await image("gauge-pascal", app("Pa"));
    const nv = inFolder("units.fram");
    await shell(["val set g:p 3", "run 1s", "store list"], ["--nv", nv, "--preload", bar]);
    const { out } = await shell(["store list"], ["--nv", nv, "--preload", pascal]);
    expect(out).toMatch(/0x0001 {2}g:p +value +3 +\d+\n/);
    expect(out).toMatch(/0x0001 +meaning +0x8CAA/); // CRC-32 of "bar" is 0x76FF8CAA
    const same = await shell(["store list"], ["--nv", nv, "--preload", bar]);
    expect(same.out).toMatch(/0x0001 {2}g:p +value +3 bar +\d+\n/);
  });

  it("is told by events in words", async () => {
    const nv = await device("events.fram");
    const { out } = await on(
      nv,
      `provision stage ${second}`,
      "provision activate 2",
      "provision rollback",
      "config set id 9",
      "events",
    );
    expect(out).toContain("talker: slot 2 is on trial, 2 starts left, slot 0 is its fallback\n");
    expect(out).toContain("talker: slot 2 is rolled back, slot 0 is its fallback\n");
    expect(out).toContain("talker: slot 0 is confirmed\n");
    expect(out).toMatch(
      / the configuration: copy [01] is on trial, 1 start left, copy [01] is its/,
    );
  });

  it("tells programs the same", async () => {
    const nv = await device("json.fram");
    const { out, err } = await shell(
      [`provision stage ${second}`, "provision activate 2", "provision boot talker --order 3"],
      ["--nv", nv, "--json"],
    );
    const told = jsonLines(out).filter((o) => o.schema !== "hsx.status/1");
    expect([err, told]).toMatchObject([
      "",
      [
        { schema: "hsx.provision.stage/1", slot: 2, name: "talker" },
        {
          schema: "hsx.provision.app/1",
          app: { name: "talker", state: "trial", attempts_left: 2 },
        },
        { app: { boot: { order: 3, restarts: 3 } } },
      ],
    ]);
  });

  it("forgets an app and empties its slots, and its task runs on", async () => {
    const nv = await device("remove.fram");
    await on(nv, `provision stage ${second}`, "provision activate 2 --attempts 0");
    const json = await on(nv, "provision remove talker --json");
    expect(jsonLines(json.out)[0]).toMatchObject({ app: 0, name: "talker", slots: [2, 0], pid: 2 });
    await on(nv, `provision stage ${first}`, "provision activate 0");
    await on(nv, `provision stage ${second}`, "provision activate 2 --attempts 0");
    const removed = await on(nv, "provision remove talker", "ps", "provision status --json");
    expect(removed.out).toContain(
      "talker does not start any more; empty: slot 2, slot 0; its task runs on: kill 1 stops it\n",
    );
    expect(removed.out).toMatch(/1 {2}talker/);
    const [status] = jsonLines(removed.out.slice(removed.out.indexOf("{")));
    expect(status).toMatchObject({
      slots: [{ state: "empty" }, { state: "image", name: "thermostat" }, { state: "empty" }],
      apps: [{ name: "thermostat" }],
    });
    const next = await on(nv, "ps", "provision remove talker", "provision status");
    expect(next.out).not.toContain("talker");
    expect(next.err).toContain('there is no stored app "talker"');
    expect((await hsx(["persist", "verify", nv])).out).toContain("remove.fram: sound\n");
    await on(nv, `provision stage ${first}`, "provision activate 0");
    const trial = await on(
      nv,
      `provision stage ${second}`,
      "provision activate 2",
      "provision remove talker",
    );
    expect(trial.err).toContain("error: app talker: ");
  });

  it("says which slots hold what, and what they are needed as", async () => {
    const nv = await device("slots.fram");
    const { out } = await on(nv, "provision status");
    expect(out).toMatch(/SLOT {2}HOLDS +BYTES +ROOM +CRC +NEEDED AS\n/);
    expect(out).toMatch(/0 {2}talker +\d+ {2}2,032 {2}0x[\dA-F]{8} {2}active of talker\n/);
    expect(out).toMatch(/2 {2}empty +2,032\n/);
    const words = await on(nv, "store list");
    expect(words.out).toMatch(/0x0100 {2}app 0: activation +system +0x01F0/);
  });

  it("is refused without a store", async () => {
    const { err } = await shell(["provision status", "provision activate 0"]);
    expect(err).toContain("error: slot 0: ");
  });
});

describe("the configuration of a node", () => {
  it("is on trial for one start when it could cut the node off", async () => {
    const nv = await device("config.fram");
    const set = await on(nv, "config set role 2", "config set id 8");
    expect(set.out).toBe(
      "role is 2 from the next start on\nid is 8 from the next start on; on trial for that start: then config confirm, or the old one comes back\n",
    );
    const got = await on(nv, "config get --json", "config get");
    expect(jsonLines(got.out.slice(0, got.out.indexOf("\n") + 1))[0]).toMatchObject({
      node: { id: 8, role: 2 },
      node_before: { id: 7, role: 2 },
    });
    expect(got.out).toMatch(/id +8 +on trial, was 7\nrole +2\n/);
    expect((await on(nv, "config get id")).out).toBe("7\n");
    await on(nv, "config set id 9");
    expect((await on(nv, "config confirm")).out).toBe("the configuration is confirmed\n");
    expect((await on(nv, "config get id", "config get role")).out).toBe("9\n2\n");
    expect((await on(nv, "config set id 10", "config rollback")).out).toContain(
      "the old configuration holds",
    );
    expect((await on(nv, "config export")).out).toBe(
      '[node]\nid = 9\nrole = 2\nbit_rate = 250  # kbit/s\nsources = ["sd", "can"]\n',
    );
  });
});

describe("several settings at once", () => {
  it("are changed together or not at all", async () => {
    const nv = await device("pairs.fram");
    const refused = await on(
      nv,
      "config set id 9 role 300",
      "config set id 9 quantum 3",
      "config set id 9 role",
      "config set id 9 colour 3",
    );
    expect(refused.err).toContain("stdin:1: error: role: 300 is out of range: 0 to 255");
    expect(refused.err).toContain("stdin:2: error: only settings that the node keeps are changed");
    expect(refused.err).toContain("stdin:3: error: role is to be what?");
    expect(refused.err).toContain('stdin:4: error: there is no setting "colour"');
    expect((await on(nv, "config get id")).out).toBe("7\n");
    const { out } = await on(nv, "config set role 2 bit_rate 500 sources can");
    expect(out).toBe(
      "role is 2, bit_rate is 500 kbit/s, sources is can from the next start on; on trial for that start: then config confirm, or the old one comes back\n",
    );
    expect((await on(nv, "config export")).out).toBe(
      '[node]\nid = 7\nrole = 2\nbit_rate = 500  # kbit/s\nsources = ["can"]\n',
    );
  });
});

describe("hsx run without an image", () => {
  it("names the apps that do not start", async () => {
    const nv = await device("half.fram");
    const bytes = readFileSync(nv);
    const spoil = (slot: number) => {
      const at = 512 + 2048 * slot + 16 + 0x60; // the first instruction
      bytes.writeUInt8(bytes.readUInt8(at) ^ 1, at);
      writeFileSync(nv, bytes);
    };
    spoil(0);
    const half = await hsx(["run", "--nv", nv, "--for", "10ms"]);
    expect([half.exit, half.err]).toEqual([
      0,
      expect.stringContaining("warning: app 0, talker, does not start from slot 0: SLOT_DAMAGED\n"),
    ]);
    spoil(1);
    const none = await hsx(["run", "--nv", nv]);
    expect([none.exit, none.err]).toEqual([
      5,
      expect.stringMatching(
        /half.fram: app 0, talker, does not start from slot 0: SLOT_DAMAGED; app 1/,
      ),
    ]);
  });

  it("wants a node that has stored some", async () => {
    expect((await hsx(["run"])).exit).toBe(2);
    const nv = inFolder("no-apps.fram");
    await shell(["ps"], ["--nv", nv]);
    const { exit, err } = await hsx(["run", "--nv", nv]);
    expect([exit, err]).toEqual([3, expect.stringContaining("no-apps.fram starts no app")]);
  });
});
