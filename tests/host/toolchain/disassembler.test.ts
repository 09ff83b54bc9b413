// Disassembly: exact for what our linker makes, and a list of bytes for what it would not.
import { readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { encodeHxe, type HxeImage, hxeCrc } from "../../../host/formats/hxe.ts";
import { assemble } from "../../../host/toolchain/assembler.ts";
import { disassemble } from "../../../host/toolchain/disassembler.ts";
import { type LinkOptions, link } from "../../../host/toolchain/linker.ts";

function imageOf(source: string, options?: LinkOptions): Uint8Array {
  const { object } = assemble(source, { file: "a.mvasm" });
  const { image } = link(object === undefined ? [] : [object], options);
  if (image === undefined) throw new Error("does not link");
  return image;
}

/** The source of an image, without its title, after proving it exact. */
function sourceOf(image: Uint8Array): string {
  const { source, exact, inexpressible } = disassemble(image);
  expect(inexpressible).toEqual([]);
  expect(exact).toBe(true);
  return (source ?? "").split("\n").slice(1).join("\n");
}

const PLAIN: HxeImage = {
  version: 2,
  flags: 2,
  entry: 0,
  bssSize: 0,
  reqCaps: 0,
  appName: "x",
  code: Uint8Array.of(0x25, 0, 0, 0),
  rodata: new Uint8Array(0),
  sections: [],
};

describe("disassemble", () => {
  it("writes source a person can read", () => {
    const image = imageOf(`.app "demo", single
.stack 512
.value {"group":1,"id":2,"name":"speed","flags":"RO","init":0.1,"min":-1,"max":1}
.cmd {"group":1,"id":3,"handler":"go"}
.mailbox {"target":"app:x","capacity":80,"mode":"RDWR|TAP"}
.entry main
go: RET
main:
    LDI32 R1, text
    LDI32 R2, state
    LDI32 R3, 0x12345678
    LD R4, [R2-4]
    CALL go
    CALL [R5+8]
    SVC 5, 2
    JNZ main
    BRK 1
    .insn 0x05000000
    JMP 0xABC
.data
    .byte 1, 2
text:
    .asciz "say \\"hi\\"\\n"
    .zero 9
.bss
    .zero 4
state:
    .zero 2`);
    expect(sourceOf(image)).toBe(`.app "demo", single
.stack 512
.mailbox_form binary
.value {"group":1,"id":2,"name":"speed","flags":"RO","init":0.1,"min":-1,"max":1}
.cmd {"group":1,"id":3,"handler":"cmd_0000"}
.mailbox {"target":"app:x","capacity":80,"mode_mask":7}

.text
.entry main
cmd_0000:
    RET
main:
    LDI32 R1, d_4002
    LDI32 R2, d_4019
    LDI32 R3, 0x12345678
    LD R4, [R2-4]
    CALL cmd_0000
    CALL [R5+8]
    SVC 0x502 ; MAILBOX.SEND
    JNZ main
    BRK 1
    .insn 0x05000000
    JMP 2748

.data
    .byte 1, 2
d_4002:
    .asciz "say \\"hi\\"\\n"
    .zero 9

.bss
    .zero 4
d_4019:
    .zero 2
`);
  });

  it("keeps long branches, and writes them as words where the image lacks the capability", () => {
    const image = imageOf("JMP x\n.org 0x1000\nx: JZL x");
    expect(sourceOf(image)).toMatch(/JMPL l_1004\n/);
    const lacking = { ...PLAIN, code: Uint8Array.of(0x26, 0, 0, 0, 0, 0, 0, 0) };
    expect(sourceOf(encodeHxe(lacking))).toMatch(/\.insn 0x26000000\n {4}\.insn 0x00000000\n/);
  });

  it("cuts an instruction in two where something jumps into its second word", () => {
    const image = imageOf("LDI32 R1, 0x25000000\nJMP 4\nCALL -2\n.entry 4");
    expect(sourceOf(image)).toMatch(/\.insn 0x60100000\nmain:\n {4}RET\n {4}JMP main\n/);
  });

  it("keeps what only settings can say", () => {
    const source = '.caps 0xFFFF0000\n.manifest {"a":[1.5,"é",null]}\n.bss\n.zero 7\n.text\nRET';
    const options = { appName: 'q"\\', mailboxForm: "json" } as const;
    expect(sourceOf(imageOf(source, options))).toMatch(/^\.app "q\\"\\\\"\n\.caps 0xFFFF0000\n/);
    expect(sourceOf(imageOf("RET", { appName: "" }))).toMatch(/^\.app ""\n/);
  });

  it("keeps numbers that decimals cannot say", () => {
    const source = `RET
.value {"group":1,"id":1,"init_raw":0x7E01,"min_raw":0xFC00,"max_raw":0x7C00}
.value {"group":1,"id":2,"init":-0.0,"flags":"SHARED|PIN","auth":3,"name":"","persist_key":65534}
.cmd {"group":1,"id":2,"handler_offset":0,"flags":3,"help":"a\\tb"}`;
    expect(sourceOf(imageOf(source))).toMatch(/"init_raw":32257.*"min_raw":64512/);
  });

  it("says of what is no image why", () => {
    const { source, exact, diagnostics } = disassemble(Uint8Array.of(1, 2, 3, 4), { file: "x" });
    expect(source).toBeUndefined();
    expect(exact).toBe(false);
    expect(diagnostics[0]?.code).toBe("HXE_MAGIC");
  });
});

describe("bytes that no source can express", () => {
  const rangesOf = (image: HxeImage | Uint8Array) =>
    disassemble(image instanceof Uint8Array ? image : encodeHxe(image)).inexpressible;

  it("are those behind the image", () => {
    const rest = [{ offset: 100, bytes: Uint8Array.of(9, 9) }];
    expect(rangesOf({ ...PLAIN, rest })).toEqual([
      { offset: 100, length: 2, reason: "bytes at 100: they belong to no part of the image" },
    ]);
  });

  it("are those behind the NUL of the name", () => {
    const rest = [{ offset: 40, bytes: Uint8Array.of(9) }];
    expect(rangesOf({ ...PLAIN, rest })).toEqual([
      { offset: 40, length: 1, reason: "app_name after its NUL: the linker fills it with zeros" },
    ]);
  });

  it("are sections of unknown types", () => {
    const sections = [{ type: 9, count: 1, payload: Uint8Array.of(1, 2) }];
    expect(rangesOf({ ...PLAIN, sections }).map((r) => r.reason)).toContain(
      "section of type 9: the language has no such section",
    );
  });

  it("are the version of an old header", () => {
    expect(rangesOf({ ...PLAIN, version: 1, appName: "" })).toEqual([
      { offset: 5, length: 1, reason: "header field version: the linker writes version 2" },
    ]);
  });

  it("are blanks in a manifest", () => {
    const manifest = new TextEncoder().encode('{ "a": 1 }');
    expect(rangesOf({ ...PLAIN, flags: 3, manifest })).toEqual([
      { offset: 100, length: 14, reason: "manifest: the linker embeds JSON without blanks" },
    ]);
  });

  it("are data the linker would not place, and nothing else", () => {
    const ranges = rangesOf({ ...PLAIN, bssSize: 0xffff });
    expect(ranges.map((r) => r.reason)).toEqual([
      "header field bssSize: the linker would write other bytes here",
    ]);
  });

  it("are named for images built by others", () => {
    const url = new URL(
      "../../vectors/recorded/invalid/ok_mailbox_json_array.hxe",
      import.meta.url,
    );
    expect(rangesOf(readFileSync(url)).map((r) => [r.offset, r.length])).toEqual([
      [127, 1],
      [132, 21],
    ]);
  });

  it("are never the checksum, which follows from the others", () => {
    const image = encodeHxe({ ...PLAIN, rest: [{ offset: 100, bytes: Uint8Array.of(9) }] });
    expect(new DataView(image.buffer).getUint32(28)).toBe(hxeCrc(image, 2));
    expect(rangesOf(image).some((r) => r.offset === 28)).toBe(false);
  });
});
