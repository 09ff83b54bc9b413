// Each rule by which a value gets its width and an access loses its check, on the smallest module that shows it.

import { describe, expect, it } from "vitest";
import { functionOf } from "./wat.ts";

/** Body of the exported `f`, whose parameters are u32. */
function f(body: string, signature = "(param i32 i32) (result i32)", rest = ""): string {
  return functionOf("f", `(func $f (export "f") ${signature} ${body}) ${rest}`);
}

describe("known bits", () => {
  it("add bytes in 16 bits", () => {
    expect(f("(i32.add (i32.load8_u (i32.const 256)) (i32.load8_u (i32.const 257)))")).toContain(
      "(u16)((u16)ram_u8(0x100u) + ram_u8(0x101u))",
    );
  });
  it("compare a byte as a byte", () => {
    expect(f("(i32.lt_u (i32.load8_u (i32.const 256)) (i32.const 10))")).toContain(
      "ram_u8(0x100u) < 10",
    );
  });
  it("keep a negative error in one signed byte", () => {
    const helper = `(func $g (param i32) (result i32)
      (if (local.get 0) (then (drop (call $g (i32.const 0))) (return (i32.const -12)))) (i32.const 5))`;
    expect(
      functionOf(
        "g",
        `(func $f (export "f") (param i32) (result i32) (call $g (local.get 0))) ${helper}`,
      ),
    ).toMatch(/^static s8 g\(/);
  });
  it("do not take an argument for anything because the call before it is not yet known", () => {
    // $end is met with what $begin gives before $begin has been walked
    const parts = `(func $end (param i32) (result i32) (local.get 0))
      (func $begin (param i32) (result i32) (if (local.get 0) (then (return (i32.const -3)))) (i32.const 7))`;
    expect(
      functionOf(
        "end",
        `(func $f (export "f") (param i32) (result i32) (call $end (call $begin (local.get 0)))) ${parts}`,
      ),
    ).toMatch(/^static s8 end\(s8 p0\)/);
  });
  it("know of a call that it gives back what it was passed", () => {
    // $keep is called with anything, too: of the first call that does not matter
    const keep =
      "(func $keep (param i32) (result i32) (i32.store (i32.const 260) (local.get 0)) (local.get 0))";
    const body =
      "(i32.store16 (i32.const 256) (i32.div_u (call $keep (i32.const 200)) (i32.const 7)))";
    const text = functionOf(
      "f",
      `(func $f (export "f") (param i32) ${body} (drop (call $keep (local.get 0)))) ${keep}`,
    );
    expect(text).toContain("(unsigned)keep(200) / 7");
  });
  it("take back over calls what growing in leaps overshot", () => {
    // eight calls with more each time: the parameter grows in leaps, to 255, though 70 is the most
    const calls = [0, 10, 20, 30, 40, 50, 60, 70].map((n) => `(call $g (i32.const ${n}))`).join("");
    const g =
      "(func $g (param i32) (i32.store16 (i32.const 256) (i32.mul (local.get 0) (i32.const 3))))";
    expect(functionOf("g", `(func $f (export "f") ${calls}) ${g}`)).toContain("(u8)");
  });
  it("shift a word down to its byte", () => {
    expect(f("(i32.shr_u (local.get 0) (i32.const 24))")).toContain("(u8)(p0 >> 24)");
  });
  it("compare signed where a side may be negative, in 32 bits where its type asks for it", () => {
    expect(f("(i32.lt_s (local.get 0) (i32.const -5))")).toContain("(s32)p0 < (-5)");
    expect(f("(i32.lt_s (i32.load8_s (i32.const 256)) (i32.const -5))")).toContain(
      "(s8)ram_u8(0x100u) < (-5)",
    );
  });
  it("compare unsigned as WASM does when a side may be negative", () => {
    expect(f("(i32.lt_u (i32.load8_s (i32.const 256)) (i32.const 5))")).toContain(
      "(u32)(s8)ram_u8(0x100u) < 5",
    );
  });
});

describe("conditions", () => {
  const body = (second: string) => `(if (i32.and (i32.gt_u (local.get 0) (i32.const 3)) ${second})
    (then (i32.store8 (i32.const 256) (i32.const 1))))`;
  it("jump after the first of two where the second only tells", () => {
    const text = f(body("(i32.ne (local.get 1) (i32.const 5))"), "(param i32 i32)");
    expect(text).toContain("(p0 > 3) && (p1 != 5)");
  });
  it("evaluate both where the second can trap", () => {
    const text = f(body("(i32.ne (i32.load (local.get 1)) (i32.const 5))"), "(param i32 i32)");
    expect(text).not.toContain("&&");
  });
  it("ask what a choice between a constant and 0 chooses by", () => {
    const choose = (a: number, b: number) =>
      `(if (select (i32.const ${a}) (i32.const ${b}) (i32.gt_u (local.get 0) (i32.const 3)))
        (then (i32.store8 (i32.const 256) (i32.const 1))))`;
    expect(f(choose(262144, 0), "(param i32)")).toContain("if (p0 > 3)");
    expect(f(choose(0, 5), "(param i32)")).toContain("if (p0 <= 3)");
  });
});

describe("locals", () => {
  it("that serve two purposes are two, each as wide as its own", () => {
    const loop = (label: string) => `(loop $${label}
      (local.set 1 (i32.add (local.get 1) (i32.const 1)))
      (br_if $${label} (i32.lt_u (local.get 1) (i32.const 10))))`;
    const text = f(
      `(local i32) (local.set 1 (i32.const 0)) ${loop("a")}
       (local.set 1 (local.get 0)) ${loop("b")} (local.get 1)`,
      "(param i32) (result i32)",
    );
    expect(text).toMatch(/^u8 v\d+ = 0/m);
    expect(text).toMatch(/^u32 v\d+ = 0/m);
  });
});

describe("demanded bits", () => {
  it("add in 8 bits what a byte is stored of", () => {
    const body = "(i32.store8 (i32.const 256) (i32.add (local.get 0) (local.get 1)))";
    expect(f(body, "(param i32 i32)")).toContain("put_u8(0x100u, (u8)((u8)p0 + (u8)p1));");
  });
  it("read one byte of a word of which one is wanted", () => {
    const body = "(i32.store8 (i32.const 256) (i32.load (i32.const 260)))";
    expect(f(body, "(param i32 i32)")).toContain("put_u8(0x100u, ram_u8(0x104u));");
  });
  it("shift in 16 bits for the second byte", () => {
    const body = "(i32.store8 (i32.const 256) (i32.shr_u (local.get 0) (i32.const 8)))";
    expect(f(body, "(param i32 i32)")).toContain("(u8)((u16)p0 >> 8)");
  });
  it("go through a mask", () => {
    expect(f("(i32.and (i32.add (local.get 0) (local.get 1)) (i32.const 15))")).toContain(
      "(u8)((u8)((u8)p0 + (u8)p1) & 15)",
    );
  });
  it("ask for all bits of what is divided", () => {
    expect(f("(i32.and (i32.div_u (local.get 0) (i32.const 10)) (i32.const 255))")).toContain(
      "p0 / 10",
    );
  });
});

describe("across calls", () => {
  const rest = `(func $g (param i32) (result i32)
    (if (i32.load8_u (i32.const 300)) (then (drop (call $g (i32.const 3)))))
    (i32.add (local.get 0) (i32.load (i32.const 304))))`;
  it("a parameter is as narrow as its arguments, a result as its readers ask", () => {
    const caller = `(func $f (export "f") (i32.store8 (i32.const 256) (call $g (i32.load8_u (i32.const 257)))))`;
    expect(functionOf("g", `${caller} ${rest}`)).toMatch(/^static u8 g\(u8 p0\) {/);
  });
  it("one wide argument makes the parameter wide", () => {
    const caller = `(func $f (export "f") (param i32) (i32.store8 (i32.const 256) (call $g (local.get 0)))
      (i32.store (i32.const 256) (call $g (i32.const 70000))))`;
    expect(functionOf("g", `${caller} ${rest}`)).toMatch(/^static u32 g\(u32 p0\) {/);
  });
  it("a global is as narrow as what is stored in it", () => {
    const fields = `(global $n (mut i32) (i32.const 0)) (func $f (export "f") (result i32)
      (global.set $n (i32.load16_u (i32.const 256))) (global.get $n))`;
    expect(functionOf("f", fields)).toContain("n = ram_u16(0x100u);\nreturn (u32)n;");
  });
});

describe("along the control flow", () => {
  it("a counter is as narrow as its bound", () => {
    const body = `(local i32) (loop $l
      (if (i32.lt_u (local.get 0) (i32.const 24)) (then
        (i32.store8 (i32.add (local.get 0) (i32.const 512)) (i32.const 1))
        (local.set 0 (i32.add (local.get 0) (i32.const 1))) (br $l))))`;
    const code = f(body, "");
    expect(code).toMatch(/u8 v\d+ = 0/);
    expect(code).toMatch(/put_u8\(v\d+ \+ 512u, 1\);/);
  });
  it("an index that was tested needs no check", () => {
    const body = `(if (i32.lt_u (local.get 0) (i32.const 16)) (then
      (return (i32.load8_u (i32.add (local.get 0) (i32.const 256)))))) (i32.const 0)`;
    expect(f(body)).toContain("return (u32)ram_u8((u8)p0 + 256u);");
  });
  it("the other side of the test keeps it", () => {
    const body = `(if (i32.lt_u (local.get 0) (i32.const 16)) (then (return (i32.const 0))))
      (i32.load8_u (i32.add (local.get 0) (i32.const 256)))`;
    expect(f(body)).toMatch(/any_u8|check_u8/);
  });
});

describe("checks", () => {
  const load = (address: string, more = "") =>
    f(`(i32.load ${more} ${address})`, "(param i32) (result i32)");
  const byte = "(i32.and (local.get 0) (i32.const 255))";

  it("are dropped where both ends are proved", () => {
    expect(load(`(i32.add ${byte} (i32.const 256))`)).toContain("ram_u32((u8)");
  });
  it("stay for an address below the first", () => {
    expect(load(byte)).toContain("check_u32(");
    expect(load("(i32.const 255)")).toContain("check_u32(0, 0xffu)");
  });
  it("stay for an access that ends behind the last", () => {
    expect(load("(i32.const 0x3bfd)")).toContain("check_u32(0, 0x3bfdu)");
    expect(load("(i32.const 0x3bfc)")).toContain("ram_u32(0x3bfcu)");
  });
  it("stay for anything at all", () => {
    expect(load("(local.get 0)", "offset=8")).toContain("check_u32((u16)p0, 8u)");
  });
  it("look into the tables where there are some, and are dropped inside one", () => {
    const table = `(data (i32.const 0x8000) "${"x".repeat(300)}")`;
    const read = (address: string) =>
      functionOf(
        "f",
        `${table} (func $f (export "f") (param i32) (result i32) (i32.load8_u ${address}))`,
      );
    expect(read("(local.get 0)")).toContain("any_u8((u16)p0, 0u)");
    expect(read(`(i32.add ${byte} (i32.const 0x8000))`)).toContain("table_u8((u8)");
    expect(read(`(i32.add ${byte} (i32.const 0x8040))`)).toContain("any_u8(");
  });
});

describe("order", () => {
  const hear = `(import "hal" "hear" (func $hear (param i32) (result i32)))`;
  it("a load before a call that could change it is set aside", () => {
    const fields = `${hear} (func $f (export "f") (result i32)
      (i32.add (i32.load (i32.const 256)) (call $hear (i32.const 1))))`;
    expect(functionOf("f", fields)).toMatch(/v\d+ = ram_u32\(0x100u\);\n(.*\n)*return .*hear\(1\)/);
  });
  it("what a select does not choose is evaluated all the same when it may trap", () => {
    const fields = `(func $f (export "f") (param i32) (result i32)
      (select (i32.load (local.get 0)) (i32.const 7) (i32.load8_u (i32.const 256))))`;
    expect(functionOf("f", fields)).toMatch(/v\d+ = check_u32\(\(u16\)p0, 0u\);\nreturn/);
  });
});

describe("switch", () => {
  it("is on the byte itself, the first case taken into the labels", () => {
    const body = `(block $c (block $b (block $a
      (br_table $a $b $c (i32.sub (i32.load8_u (i32.const 256)) (i32.const 5))))
      (i32.store8 (i32.const 257) (i32.const 1)) (br $c)) (i32.store8 (i32.const 257) (i32.const 2)))`;
    const code = f(body, "");
    expect(code).toContain("switch (ram_u8(0x100u)) {");
    expect(code).toContain("case 5:");
    expect(code).toContain("case 6:");
  });
  it("jumps through a table of labels on a Cortex-M0 where it is hot", () => {
    const cases = Array.from({ length: 9 }, (_, n) => `$a${n % 2}`).join(" ");
    const fields = `(func $f (export "f") (param i32) (result i32) (block $a1 (block $a0
      (br_table ${cases} $a1 (local.get 0))) (return (i32.const 1))) (i32.const 2))`;
    const code = functionOf("f", fields, { target: "arm-m0", hot: ["$f"] });
    expect(code).toContain("goto *table[index];");
  });
});
