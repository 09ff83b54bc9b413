// Linking: several objects, relocations, long branches, entries, declarations, settings.
import { describe, expect, it } from "vitest";
import { formatDiagnostic } from "../../../host/formats/diagnostic.ts";
import { decodeHxe } from "../../../host/formats/hxe.ts";
import type { HxoObject } from "../../../host/formats/hxo.ts";
import { assemble } from "../../../host/toolchain/assembler.ts";
import { type LinkOptions, type LinkResult, link } from "../../../host/toolchain/linker.ts";

function objectsOf(sources: Record<string, string>): HxoObject[] {
  return Object.entries(sources).map(([file, source]) => {
    const { object, diagnostics } = assemble(source, { file });
    if (object === undefined) throw new Error(diagnostics.map(formatDiagnostic).join("\n"));
    return object;
  });
}

function linkAll(sources: Record<string, string>, options?: LinkOptions): LinkResult {
  return link(objectsOf(sources), options);
}

/** The image of sources that must link, with the first lines of its diagnostics as the failure. */
function imageOf(sources: Record<string, string>, options?: LinkOptions) {
  const { hxe, image, diagnostics } = linkAll(sources, options);
  expect(diagnostics.map(formatDiagnostic)).toEqual([]);
  if (hxe === undefined || image === undefined) throw new Error("no image");
  expect(decodeHxe(image).diagnostics).toEqual([]);
  return hxe;
}

function wordsOf(code: Uint8Array): string[] {
  return (Buffer.from(code).toString("hex").match(/.{8}/g) ?? []).map((w) => w.toUpperCase());
}

function errorsOf(sources: Record<string, string>, options?: LinkOptions): string[] {
  return linkAll(sources, options).diagnostics.map((d) => formatDiagnostic(d).split("\n")[0] ?? "");
}

describe("several objects", () => {
  it("lie one behind the other, code and data each", () => {
    const hxe = imageOf({
      "a.mvasm":
        ".import f, d2\n CALL f\n LDI32 R1, d2\n LDI32 R2, d1\n RET\n.data\nd1: .byte 1, 2, 3",
      "b.mvasm":
        ".export f, d2\n RET\nf: LDI R1, off16(d2)\n JMP f\n.data\n .byte 4\nd2: .word f, d2",
    });
    expect(wordsOf(hxe.code)).toEqual([
      "24000007",
      "60100000",
      "00004004",
      "60200000",
      "00004000",
      "25000000",
      "25000000",
      "01100001", // off16 counts from the object's own data, as in the reference
      "2100001C",
    ]);
    expect(Buffer.from(hxe.rodata).toString("hex")).toBe("010203" + "04" + "1c000000" + "04400000");
  });

  it("may use one name for symbols of their own", () => {
    const hxe = imageOf({
      "a.mvasm": "x: JMP x",
      "b.mvasm": "x: JMP x",
    });
    expect(wordsOf(hxe.code)).toEqual(["21000000", "21000004"]);
  });

  it("find their own symbol before an exported one of that name", () => {
    const hxe = imageOf({ "a.mvasm": "x: JMP x", "b.mvasm": ".export x\nx: JMP x" });
    expect(wordsOf(hxe.code)).toEqual(["21000000", "21000004"]);
  });

  it("may not export one name twice, nor lack an import", () => {
    expect(
      errorsOf({
        "a.mvasm": ".export x\n.import y, wrok\nx: CALL y\n CALL wrok",
        "b.mvasm": ".export x, work\nx:\nwork: RET",
      }),
    ).toEqual([
      'b.mvasm: error: "x" is exported by both a.mvasm and b.mvasm',
      'a.mvasm:3:9: error: "y" is not exported by any linked file',
      'a.mvasm:4:7: error: "wrok" is not exported by any linked file',
    ]);
  });

  it("share their bss behind all data", () => {
    const hxe = imageOf({
      "a.mvasm": "LDI32 R1, x\n.data\n.byte 1\n.bss\nx: .zero 3",
      "b.mvasm": "LDI32 R1, y\n.data\n.byte 2\n.bss\ny: .zero 4",
    });
    expect(wordsOf(hxe.code)).toEqual(["60100000", "00004002", "60100000", "00004005"]);
    expect(hxe.bssSize).toBe(7);
  });

  it("name a symbol that .extern leaves to others", () => {
    const hxe = imageOf({
      "a.mvasm": ".extern f\n CALL f\n RET",
      "b.mvasm": ".extern f\nf: RET",
    });
    expect(wordsOf(hxe.code)).toEqual(["24000002", "25000000", "25000000"]);
  });
});

describe("the entry", () => {
  const lib = ".export f\n RET\nf: RET\n";

  it("is _start if it is exported", () => {
    const main = ".export _start, main\n.entry main\nmain: RET\n_start: RET";
    expect(imageOf({ "lib.mvasm": lib, "main.mvasm": main }).entry).toBe(12);
  });

  it("else the first exported entry symbol", () => {
    const main = ".export main\n.entry main\n RET\nmain: RET";
    expect(imageOf({ "lib.mvasm": lib, "main.mvasm": main }).entry).toBe(12);
  });

  it("else what the first object says by itself", () => {
    expect(imageOf({ "a.mvasm": "RET\n.entry main\nmain: RET", "lib.mvasm": lib }).entry).toBe(4);
    expect(imageOf({ "a.mvasm": "RET\n.entry\n RET" }).entry).toBe(4);
    expect(imageOf({ "a.mvasm": ".entry 4\n RET\n RET" }).entry).toBe(4);
    expect(imageOf({ "a.mvasm": "RET" }).entry).toBe(0);
  });

  it("is not passed over in silence when a later object hides it", () => {
    expect(errorsOf({ "lib.mvasm": lib, "main.mvasm": ".entry main\nmain: RET" })).toEqual([
      'main.mvasm: error: the entry "main" is not exported, so lib.mvasm would start',
    ]);
  });
});

describe("long branches", () => {
  it("are taken exactly where the target is at 4096 or beyond", () => {
    const near = imageOf({ "a.mvasm": "JMP x\n.org 0xffc\nx: RET" });
    expect(wordsOf(near.code)[0]).toBe("21000FFC");
    expect(near.reqCaps).toBe(0);
    const far = imageOf({ "a.mvasm": "JMP x\n.org 0x1000\nx: RET" });
    expect(wordsOf(far.code).slice(0, 2)).toEqual(["26000000", "00001004"]);
    expect(far.reqCaps).toBe(256);
  });

  it("push others over the edge until all reach", () => {
    // The first branch reaches 0xFFC only as long as the second is short.
    const source = "JZ a\n JNZ b\n.org 0xffc\na: RET\nb: RET";
    const { code } = imageOf({ "a.mvasm": source });
    expect(wordsOf(code).slice(0, 4)).toEqual(["27000000", "00001004", "28000000", "00001008"]);
  });

  it("move entries, handlers, calls, data words and symbols along", () => {
    const source = `.entry main
.cmd {"group": 1, "id": 1, "handler": "go"}
    JMP far
main:
    CALL go
    RET
go: RET
.org 0x1000
far: RET
.data
    .word go, far`;
    const result = linkAll({ "a.mvasm": source });
    const hxe = imageOf({ "a.mvasm": source });
    expect(hxe.entry).toBe(8);
    expect(wordsOf(hxe.code).slice(0, 5)).toEqual([
      "26000000",
      "00001004",
      "24000002",
      "25000000",
      "25000000",
    ]);
    expect(Buffer.from(hxe.rodata).toString("hex")).toBe("1000000004100000");
    expect(decodeHxe(result.image ?? new Uint8Array()).metadata?.commands[0]?.handler).toBe(16);
    expect(result.symbols.find((s) => s.name === "go")?.address).toBe(16);
    expect(result.lines.find((l) => l.line === 3)).toMatchObject({ address: 0, size: 8 });
  });

  it("lengthen a branch to another object", () => {
    const { code } = imageOf({
      "a.mvasm": ".import f\n JNZ f\n.org 0x1ffc\n RET",
      "b.mvasm": ".export f\nf: JZ f",
    });
    expect(wordsOf(code).slice(0, 2)).toEqual(["28000000", "00002004"]);
    expect(wordsOf(code).slice(-2)).toEqual(["27000000", "00002004"]);
  });

  it("may be written by hand, and then need the capability", () => {
    const { code, reqCaps } = imageOf({ "a.mvasm": "x: JMPL x" });
    expect(wordsOf(code)).toEqual(["26000000", "00000000"]);
    expect(reqCaps).toBe(256);
  });
});

describe("a far CALL", () => {
  it("reaches 2047 words ahead and 2048 back", () => {
    imageOf({ "a.mvasm": "CALL x\n.org 0x1ffc\nx: RET" });
    imageOf({ "a.mvasm": "x: RET\n.org 0x2000\n CALL x" });
    const expected = "2048 words away: CALL reaches 2047";
    expect(errorsOf({ "a.mvasm": "CALL x\n.org 0x2000\nx: RET" })[0]).toContain(expected);
  });

  it("goes through a register", () => {
    const { code } = imageOf({ "a.mvasm": "LDI32 R12, x\n CALL R12\n.org 0x8000\nx: RET" });
    expect(wordsOf(code).slice(0, 3)).toEqual(["60C00000", "00008000", "240C0000"]);
  });
});

describe("declarations", () => {
  it("are merged and sorted by group and id", () => {
    const { image } = linkAll({
      "a.mvasm": 'RET\n.value [{"group":2,"id":1},{"group":1,"id":9}]\n.cmd {"group":3,"id":3}',
      "b.mvasm": 'RET\n.value {"group":1,"id":2}\n.cmd {"group":0,"id":3,"handler":"h"}\nh: RET',
    });
    const { metadata } = decodeHxe(image ?? new Uint8Array());
    expect(metadata?.values.map((v) => [v.group, v.id])).toEqual([
      [1, 2],
      [1, 9],
      [2, 1],
    ]);
    expect(metadata?.commands.map((c) => [c.group, c.handler])).toEqual([
      [0, 8],
      [3, 0],
    ]);
  });

  it("collide across files by name", () => {
    const source = 'RET\n.value {"group":2,"id":1}';
    expect(errorsOf({ "a.mvasm": source, "b.mvasm": source })).toEqual([
      "b.mvasm:2:8: error: value (2,1) is already declared at a.mvasm:2",
    ]);
  });

  it("take every alias", () => {
    const { image } = linkAll({
      "a.mvasm": `RET
.value {"group_id":1,"value":1,"groupName":"g","auth_level":"admin","init_value":1,"persist":5,"rate_ms":100}
.value {"groupId":1,"value_id":2,"init_raw":15360,"epsilon_raw":1,"min_raw":1,"max_raw":"0x3C00","authLevel":3}
.value {"group":1,"valueId":3,"flags":"RO | BOOL","unit":"","init":true}
.cmd {"group_id":1,"cmd":1,"help":"h"}
.cmd {"groupId":1,"cmd_id":2,"handler":"0x0"}
.cmd {"group":1,"command_id":3}
.cmd {"group":1,"commandId":4}`,
    });
    const { metadata } = decodeHxe(image ?? new Uint8Array());
    expect(metadata?.values).toMatchObject([
      { group: 1, id: 1, groupName: "g", auth: 2, init: 0x3c00, persistKey: 5 },
      { group: 1, id: 2, init: 0x3c00, epsilon: 1, min: 1, max: 0x3c00, auth: 3 },
      { group: 1, id: 3, flags: 0x11, unit: "", init: 0x3c00 },
    ]);
    expect(metadata?.commands.map((c) => c.id)).toEqual([1, 2, 3, 4]);
  });

  it("may stretch over lines, with comments and hexadecimal numbers", () => {
    const { image } = linkAll({
      "a.mvasm": `.value { ; a value
  "group": 0x01,
  "id": 5, ; its id
  "name": "a;b"
}
RET`,
    });
    const { metadata } = decodeHxe(image ?? new Uint8Array());
    expect(metadata?.values).toMatchObject([{ group: 1, id: 5, name: "a;b" }]);
  });
});

describe("mailboxes", () => {
  const sectionOf = (source: string, options?: LinkOptions) => {
    const hxe = imageOf({ "a.mvasm": `RET\n${source}` }, options);
    return Buffer.from(hxe.sections[0]?.payload ?? []);
  };

  it("are 16 bytes each, sorted by target, names behind them", () => {
    const source = '.mailbox [{"target":"b","mode":"RO|TAP"},{"name":"a","queue_depth":80}]';
    expect(sectionOf(source).toString("hex")).toBe(
      "00000020" +
        "0050" +
        "0000" +
        "0000000000000000" +
        "00000022" +
        "0000" +
        "0005" +
        "0000000000000000" +
        "6100" +
        "6200",
    );
  });

  it("are JSON when an entry needs it or somebody asks", () => {
    const json = '{"mailboxes":[{"owner_pid":1,"target":"b"}],"version":1}';
    expect(sectionOf('.mailbox {"target":"b","owner_pid":1}').toString()).toBe(json);
    const plain = '{"mailboxes":[{"capacity":8,"target":"b"}],"version":1}';
    const source = '.mailbox {"target":" b ","capacity":8}';
    expect(sectionOf(`${source}\n.mailbox_form json`).toString()).toBe(plain);
    expect(sectionOf(source, { mailboxForm: "json" }).toString()).toBe(plain);
  });

  it("keep keys for others to read, as JSON", () => {
    const json = '{"mailboxes":[{"colour":"red","target":"b"}],"version":1}';
    expect(sectionOf('.mailbox {"target":"b","colour":"red"}').toString()).toBe(json);
  });
});

describe("settings", () => {
  it("come from the source", () => {
    const source = `.app "pump", single
.stack 512
.caps MAILBOX, value, 0x10
.manifest { "name": "pump", "id": 1 }
RET`;
    const hxe = imageOf({ "a.mvasm": source });
    expect(hxe).toMatchObject({ appName: "pump", flags: 1, reqCaps: 0x13 });
    expect(new TextDecoder().decode(hxe.manifest)).toBe('{"name":"pump","id":1}');
    expect(hxe.sections).toMatchObject([{ type: 4, count: 1 }]);
    expect([...(hxe.sections[0]?.payload ?? [])]).toEqual([0, 0, 2, 0]);
  });

  it("have defaults: name of the file, any number of instances, no needs", () => {
    const hxe = imageOf({ "lib/pump.mvasm": "RET" });
    expect(hxe).toMatchObject({ appName: "pump", flags: 2, reqCaps: 0, bssSize: 0, sections: [] });
    expect(imageOf({ "a.mvasm": "RET" }, { defaultName: "out" }).appName).toBe("out");
  });

  it("come from the options first", () => {
    const source = '.app "pump"\n.stack 512\n.manifest {}\nRET';
    const hxe = imageOf(
      { "a.mvasm": source },
      {
        appName: "valve",
        singleInstance: true,
        caps: 8,
        stackBytes: 256,
        manifest: { text: '{"a": 1}\n', file: "m.json" },
      },
    );
    expect(hxe).toMatchObject({ appName: "valve", flags: 1, reqCaps: 8 });
    expect(new TextDecoder().decode(hxe.manifest)).toBe('{"a":1}');
    expect([...(hxe.sections[0]?.payload ?? [])]).toEqual([0, 0, 1, 0]);
  });

  it("may not contradict each other", () => {
    expect(
      errorsOf({ "a.mvasm": '.app "x"\n.stack 256\nRET', "b.mvasm": '.app "y"\n.stack 512\nRET' }),
    ).toEqual([
      "b.mvasm: error: the stack size is declared differently in a.mvasm",
      "b.mvasm: error: the app name is declared differently in a.mvasm",
    ]);
  });

  it("refuse a manifest that is none and a name that cannot be", () => {
    const options = { appName: "pümp", manifest: { text: "{", file: "m.json" } };
    expect(errorsOf({ "a.mvasm": "RET" }, options)).toEqual([
      "m.json:1:2: error: the JSON is left open",
      'a.mvasm: error: app name "pümp" is not printable ASCII',
    ]);
  });
});

it("is deterministic", () => {
  const sources = { "a.mvasm": `.export x\nx: JMP x\n.data\n.asciz "text"` };
  expect(linkAll(sources).image).toEqual(linkAll(sources).image);
});
