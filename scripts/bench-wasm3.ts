// `npm run bench -- --machine wasm3`: the RAM that the core takes under wasm3 on a chip of 32 bits with every function compiled,
// against what an STM32F405 has. wasm3 keeps the code it makes in RAM, a word for each operation and operand.

import { readFileSync } from "node:fs";
import { Large, Small } from "../assembly/spec/limits.ts";
import { wasm3Words } from "../tests/drivers/wasm3.ts";
import { PROFILES } from "./core.ts";
import { type Figure, report } from "./figures.ts";
import { fromRoot } from "./root.ts";

const WORD_BYTES = 4;
/** 128 KiB of SRAM and 64 KiB of CCM. */
const RAM_BYTES = 196_608;

function figuresOf(name: "small" | "large", memory: number): Figure[] {
  const file = PROFILES.find((profile) => profile.name === name)?.outFile ?? "";
  const wasm = Uint8Array.from(readFileSync(fromRoot(file)));
  const code = wasm3Words(wasm) * WORD_BYTES;
  return [
    { id: `wasm3.${name}.module`, value: wasm.length, unit: "B", note: "stays in flash" },
    { id: `wasm3.${name}.code`, value: code, unit: "B" },
    {
      id: `wasm3.${name}.ram`,
      value: code + memory,
      unit: "B",
      must: `<= ${RAM_BYTES}`,
      note: "code and linear memory, without wasm3's records and stack",
    },
  ];
}

export function benchWasm3(): void {
  report({
    command: "bench -- --machine wasm3",
    figures: [...figuresOf("small", Small.RAM_LIMIT), ...figuresOf("large", Large.RAM_LIMIT)],
  });
}
