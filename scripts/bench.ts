// `npm run bench`: how fast HSX runs in Node, or with `-- --machine avr` on a simulated chip.

import { parseArgs } from "node:util";

const MACHINES = {
  node: () => import("./bench-node.ts"),
  wasm3: async () => (await import("./bench-wasm3.ts")).benchWasm3(),
  stm32f405: async () => (await import("./bench-stm32.ts")).benchStm32("stm32f405"),
  stm32f072: async () => (await import("./bench-stm32.ts")).benchStm32("stm32f072"),
  avr: async () => (await import("./bench-avr.ts")).benchAvr(),
};

const { values } = parseArgs({
  strict: false, // each machine has options of its own
  options: { machine: { type: "string", default: "node" } },
});
const machine = String(values.machine);
if (!(machine in MACHINES)) {
  process.stderr.write(
    `bench: no machine ${machine}; there are ${Object.keys(MACHINES).join(", ")}\n`,
  );
  process.exit(2);
}
await MACHINES[machine as keyof typeof MACHINES]();
