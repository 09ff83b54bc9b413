// The runtime without a heap: `new`, growing arrays and string building do not compile.

// @ts-nocheck
@global
function __new(size: usize, id: u32): usize {
  ERROR("no heap in assembly/: use a region of layout.ts or a block of arena.ts");
  return 0;
}

@global
function __renew(pointer: usize, size: usize): usize {
  ERROR("no heap in assembly/: use a region of layout.ts or a block of arena.ts");
  return 0;
}

@global
function __link(parent: usize, child: usize, expectMultiple: bool): void {
  ERROR("no heap in assembly/: use a region of layout.ts or a block of arena.ts");
}
