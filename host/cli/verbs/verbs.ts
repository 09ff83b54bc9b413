// All verbs of the shell, in the order help lists them.

import type { Command } from "commander";
import type { VerbContext } from "../shell/context.ts";
import { addCan } from "./can.ts";
import { addCmd } from "./cmd.ts";
import { addConfig } from "./config.ts";
import { addEvents } from "./events.ts";
import { addGpio } from "./gpio.ts";
import { addKill, addLoad, addRestart } from "./load.ts";
import { addMbox } from "./mbox.ts";
import { addMem } from "./mem.ts";
import { addProvision } from "./provision.ts";
import { addPs } from "./ps.ts";
import { addRegs } from "./regs.ts";
import { addPause, addResume, addStep } from "./step.ts";
import { addStore } from "./store.ts";
import { addClock, addExit, addReboot, addRunTime } from "./time.ts";
import { addVal } from "./val.ts";

export const VERBS: readonly ((parser: Command, context: VerbContext) => void)[] = [
  addPs,
  addLoad,
  addRestart,
  addKill,
  addPause,
  addResume,
  addStep,
  addVal,
  addCmd,
  addMbox,
  addGpio,
  addCan,
  addEvents,
  addRegs,
  addMem,
  addProvision,
  addStore,
  addConfig,
  addRunTime,
  addClock,
  addReboot,
  addExit,
];
