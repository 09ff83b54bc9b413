// The bound of the stack and the sizes by object, on small listings.

import { describe, expect, it } from "vitest";
import { readMap } from "../../../scripts/firmware/link-map.ts";
import { boundStack, readFrames, THUMB } from "../../../scripts/firmware/stack.ts";

const SYMBOLS = [
  "00000010 g     F .text\t00000008 main",
  "00000018 l     F .text\t00000006 leaf",
  "0000001e g       .text\t00000006 .hidden __library",
  "00000020 l       .text\t00000000 __library_loop",
  "00000030 g     F .text\t00000008 __vector_3",
].join("\n");

function listing(...lines: string[]): string {
  return `${SYMBOLS}\n${lines.join("\n")}\n`;
}

const FRAMES = readFrames(["a.c:1:5:main\t4\tstatic\na.c:9:2:leaf\t10\tstatic\n"]);

describe("the bound of the stack", () => {
  it("adds frames along the deepest path and the deepest interrupt", () => {
    const dump = listing(
      "  10:\trcall\t.+6      \t; 0x18 <leaf>",
      "  12:\tcall\t0x1e\t; 0x1e <__library>",
      "  18:\trjmp\t.+4      \t; 0x1e <__library>",
      "  1e:\tpush\tr28",
      "  20:\tpush\tr29",
      "  22:\trjmp\t.-4      \t; 0x20 <__library_loop>",
      "  30:\tpush\tr1",
      "  32:\treti",
    );
    // main 4, leaf 10, the library two pushes and its return address; the interrupt one push and its own
    expect(boundStack(dump, FRAMES)).toEqual({
      bytes: 4 + 10 + 4 + 3,
      path: ["main", "leaf", "__library"],
      interrupt: { name: "__vector_3", bytes: 3 },
    });
  });

  it.each([
    ["recursion", "  18:\trcall\t.-10     \t; 0x10 <main>", "main > leaf > main"],
    ["a call through a pointer", "  18:\ticall", "leaf: a call through a pointer"],
  ])("refuses %s", (_name, line, message) => {
    const dump = listing("  10:\trcall\t.+6      \t; 0x18 <leaf>", line);
    expect(() => boundStack(dump, FRAMES)).toThrow(message);
  });

  it("knows what Thumb pushes, calls and stacks at an interrupt", () => {
    const dump = listing(
      "  10:\tbl\t18 <leaf>",
      "  18:\tb.w\t1e <__library>",
      "  1e:\tpush\t{r4, r6-r8, lr}",
      "  20:\tsub\tsp, #8",
      "  30:\tpush\t{r3, lr}",
    ).replace("__vector_3", "systick_handler");
    // five registers and eight bytes; the handler's two registers on nine words of the entry
    expect(boundStack(dump, FRAMES, THUMB)).toEqual({
      bytes: 4 + 10 + 28 + 44,
      path: ["main", "leaf", "__library"],
      interrupt: { name: "systick_handler", bytes: 44 },
    });
    const jumps = listing("  10:\tblx\tr3");
    expect(() => boundStack(jumps, FRAMES, THUMB)).toThrow("main: a call through a pointer");
  });

  it("refuses a frame without a bound", () => {
    expect(() => readFrames(["a.c:1:5:f\t4\tdynamic\n"])).toThrow("a.c:1:5:f");
    expect(readFrames(["a.c:1:5:f\t4\tdynamic,bounded\n"]).get("f")).toBe(4);
  });
});

describe("sizes from a map", () => {
  it("are added by object and leave out what was discarded", () => {
    const map = `Discarded input sections

 .text.unused   0x0000000000000000        0x8 a.o

Linker script and memory map

 .progmem.data  0x0000000000000080       0x10 a.o
 .text.main     0x0000000000000090       0x20 a.o
 .text.a_name_that_is_long
                0x00000000000000b0        0x6 a.o
 .text.libgcc   0x00000000000000c0        0xe /usr/lib/gcc/avr/libgcc.a(_mulsi3.o)
 .data.budget   0x0000000000803c00        0x2 b.o
 .bss.ring      0x0000000000803c02       0x30 b.o
`;
    expect(readMap(map)).toEqual([
      { object: "a.o", flash: 0x36, ram: 0 },
      { object: "libgcc.a(_mulsi3.o)", flash: 0xe, ram: 0 },
      { object: "b.o", flash: 2, ram: 0x32 },
    ]);
  });
});
