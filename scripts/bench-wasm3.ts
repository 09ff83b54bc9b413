// `npm run bench -- --machine wasm3`: the RAM that the core takes under wasm3 on a chip of 32 bits, with every function compiled
// and with only those compiled that a working day calls, against what an STM32F405 has. wasm3 keeps the code it makes in RAM, a
// word for each operation and operand, and never lets go of it.

import { readFileSync } from "node:fs";
import { Large, Small } from "../assembly/spec/limits.ts";
import { NvDevice } from "../host/node/nv.ts";
import { KEEPER, LISTENER, OID } from "../tests/drivers/board-rig.ts";
import { startCore } from "../tests/drivers/node.ts";
import { wasm3Core, wasm3Words } from "../tests/drivers/wasm3.ts";
import { buildProgram, CHIP_FOLDER, CHIP_PROGRAMS } from "./bench/programs.ts";
import { PROFILES } from "./core.ts";
import { type Figure, report } from "./figures.ts";
import { fromRoot } from "./root.ts";

const WORD_BYTES = 4;
/** 128 KiB of SRAM and 64 KiB of CCM. */
const RAM_BYTES = 196_608;
const NV_BYTES = 32_768;

/** Formats, makes slots, loads and runs apps one by one, saves a value, takes frames, stages and activates an image, is restarted. */
async function workingDay(wasm: Uint8Array<ArrayBuffer>): Promise<number> {
  let words = 0;
  const nv = new NvDevice(new Uint8Array(NV_BYTES).fill(0xff));
  for (let start = 0; start < 2; start++) {
    let made = () => 0;
    const core = wasm3Core(wasm, (count) => {
      made = count;
    });
    const { node, world } = await startCore(core, { nv });
    if (start === 0) {
      node.formatStore(252);
      node.provision.formatSlots(3, 4096);
      node.provision.activate(node.provision.stage(KEEPER));
    }
    for (const name of Object.keys(CHIP_PROGRAMS)) {
      const pid = node.load(buildProgram(CHIP_FOLDER, name).image);
      node.run(20);
      node.kill(pid);
    }
    node.load(LISTENER);
    node.run(20);
    world.receiveFrame(0x123, new Uint8Array(8));
    node.setValue(OID, 0x4000 + start);
    node.run(300);
    words = Math.max(words, made());
  }
  return words;
}

async function figuresOf(name: "small" | "large", memory: number): Promise<Figure[]> {
  const file = PROFILES.find((profile) => profile.name === name)?.outFile ?? "";
  const wasm = Uint8Array.from(readFileSync(fromRoot(file)));
  const code = wasm3Words(wasm) * WORD_BYTES;
  const called = (await workingDay(wasm)) * WORD_BYTES;
  return [
    { id: `wasm3.${name}.module`, value: wasm.length, unit: "B", note: "stays in flash" },
    { id: `wasm3.${name}.code`, value: code, unit: "B", note: "of all functions" },
    {
      id: `wasm3.${name}.ram`,
      value: code + memory,
      unit: "B",
      must: `<= ${RAM_BYTES}`,
      note: "code and linear memory, without wasm3's records and stack",
    },
    {
      id: `wasm3.${name}.called`,
      value: called,
      unit: "B",
      note: "code of what was called: a store and slots made, four apps loaded and killed, a value saved, frames taken, an image activated",
    },
    {
      id: `wasm3.${name}.called.ram`,
      value: called + memory,
      unit: "B",
      note: `with linear memory; ${RAM_BYTES} are there, and each further function that is called takes more`,
    },
  ];
}

export async function benchWasm3(): Promise<void> {
  report({
    command: "bench -- --machine wasm3",
    figures: [
      ...(await figuresOf("small", Small.RAM_LIMIT)),
      ...(await figuresOf("large", Large.RAM_LIMIT)),
    ],
  });
}
