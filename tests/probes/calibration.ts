// A whole node whose activation is played by a test: the exports of the core, and how an app is put in trial.

import { executiveStart } from "../../assembly/executive/executive";

export * from "../../assembly/index";
export {
  shadowBegin,
  shadowDrop,
  shadowIsSettled,
  shadowMerge,
} from "../../assembly/registry/shadow";

/** Power-on of a node that keeps no activation records. */
export function start(): void {
  executiveStart();
}
