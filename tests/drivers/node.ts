// The core as WASM in this process, of any profile.

import { readFileSync } from "node:fs";
import { LocalNode } from "../../host/client/local-node.ts";
import { frameText } from "../../host/formats/candump.ts";
import type { CoreSource } from "../../host/node/core.ts";
import { Machine as SimulatedMachine } from "../../host/node/hal.ts";
import { compileModule } from "../probes/compile.ts";
import type { Machine, ProfileName, Rig, RigOptions, Surroundings } from "./machine.ts";

/** A rig whose insides tests in Node may look at. */
export interface NodeRig extends Rig {
  readonly node: LocalNode;
  readonly machine: SimulatedMachine;
}

const modules = new Map<ProfileName, Promise<WebAssembly.Module>>();

/** The compiled core of a profile. */
export function coreModule(profile: ProfileName): Promise<WebAssembly.Module> {
  const known = modules.get(profile);
  if (known !== undefined) return known;
  const folder = process.env.HSX_CORE ?? new URL("../../build/core", import.meta.url).pathname;
  const compiled = WebAssembly.compile(readFileSync(`${folder}/${profile}.wasm`));
  modules.set(profile, compiled);
  return compiled;
}

/** Starts a node and waits until its store is mounted. */
export async function startNode(profile: ProfileName, options: RigOptions = {}): Promise<NodeRig> {
  return startCore(await coreModule(profile), options);
}

/** The same with a core of any kind. */
export async function startCore(core: CoreSource, options: RigOptions = {}): Promise<NodeRig> {
  let console = "";
  let frames: string[] = [];
  const machine = new SimulatedMachine({
    ...options,
    onUart: (bytes) => {
      console += Buffer.from(bytes).toString("latin1");
    },
    onCan: (frame) => frames.push(frameText(frame)),
  });
  const world: Surroundings = {
    takeConsole: () => {
      const text = console;
      console = "";
      return text;
    },
    typeConsole: (text) => machine.typeConsole(Buffer.from(text, "latin1")),
    setConsoleRoom: (bytes) => {
      machine.uartRoom = bytes;
    },
    takeFrames: () => {
      const taken = frames;
      frames = [];
      return taken;
    },
    receiveFrame: (id, data) => machine.receiveFrame({ id, data }) === "taken",
    setCanState: (state) => {
      machine.can.fault = state === "ok" ? "none" : state;
    },
    applyPin: (pin, level) => machine.applyPin(pin, level),
    pinLevel: (pin) => machine.pinLevel(pin),
    advance_ms: (ms) => machine.advance(ms * 1000),
  };
  const node = await LocalNode.start(core, machine, options);
  return { node, machine, world };
}

export const nodeMachine: Machine = {
  profiles: ["small", "large", "desktop"],
  start: startNode,
};

/** The same with all code, also that of images in memory, run through code windows. */
export const windowMachine: Machine = {
  profiles: ["small", "large", "desktop"],
  start: async (profile, options) =>
    startCore(await compileModule("node", profile, undefined, true), options),
};
