// Sizes by object from a map file of GNU ld.

/** Bytes of an object's sections of one kind that are in the program. */
export interface ObjectSizes {
  readonly object: string;
  readonly flash: number;
  readonly ram: number;
}

const SECTION = /^ \.(\w+)\S*\s+0x([0-9a-f]+)\s+0x([0-9a-f]+)\s+(\S+)$/;
const FLASH = ["text", "progmem", "init0", "init2", "init3", "init4", "init6", "init9", "fini0"];
const RAM = ["data", "rodata", "bss", "noinit"];

/** Objects of a map, archives under the name of their member. What the linker left out is at address 0 and not counted. */
export function readMap(text: string): ObjectSizes[] {
  const start = text.indexOf("Linker script and memory map");
  const joined = text.slice(start).replaceAll(/^( \.\S+)\n\s+/gm, "$1 ");
  const sizes = new Map<string, ObjectSizes>();
  for (const line of joined.split("\n")) {
    const [, kind = "", , size, place] = SECTION.exec(line) ?? [];
    if (place === undefined) continue;
    const object = place.replace(/^.*\/([^/]+)$/, "$1");
    const bytes = Number.parseInt(size ?? "0", 16);
    const before = sizes.get(object) ?? { object, flash: 0, ram: 0 };
    // initial values of variables lie in flash as well
    const isFlash =
      FLASH.includes(kind) || kind === "data" || kind === "rodata" || kind === "vectors";
    const flash = before.flash + (isFlash ? bytes : 0);
    const ram = before.ram + (RAM.includes(kind) ? bytes : 0);
    sizes.set(object, { object, flash, ram });
  }
  return [...sizes.values()].filter(({ flash, ram }) => flash + ram > 0);
}
