// The machine that HSX_MACHINE names.

import { avrMachine } from "./avr.ts";
import { hostCMachine } from "./host-c.ts";
import type { Machine } from "./machine.ts";
import { nodeMachine, windowMachine } from "./node.ts";
import { stm32f072Machine, stm32f405Machine } from "./stm32.ts";
import { wasm2cMachine } from "./wasm2c.ts";
import { wasm3Machine } from "./wasm3.ts";

const MACHINES: Record<string, Machine> = {
  node: nodeMachine,
  window: windowMachine,
  "host-c": hostCMachine,
  wasm2c: wasm2cMachine,
  avr: avrMachine,
  stm32f072: stm32f072Machine,
  stm32f405: stm32f405Machine,
  wasm3: wasm3Machine,
};

/** The machine behaviour vectors run on. */
export function chosenMachine(name = process.env.HSX_MACHINE ?? "node"): Machine {
  const machine = MACHINES[name];
  if (machine === undefined)
    throw new Error(`HSX_MACHINE: "${name}" is none of ${Object.keys(MACHINES)}`);
  return machine;
}
