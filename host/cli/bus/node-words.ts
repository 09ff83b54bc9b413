// What nodes say of themselves, in words.

import { HelloFlag } from "../../../assembly/spec/frame.ts";

const STATES: Record<keyof typeof HelloFlag, string> = {
  WAITING: "waits for a master",
  LOADING: "loading",
  PREPARED: "prepared",
  TRIAL: "on trial",
  FAULTED: "an app has faulted",
  STORE: "store not ready",
};

/** A UID as people write it. */
export function uidText(uid: Uint8Array): string {
  return Buffer.from(uid).toString("hex");
}

/** What HelloFlag bits say, in words. */
export function statesOf(flags: number): string[] {
  const names = Object.keys(STATES) as (keyof typeof HelloFlag)[];
  return names.filter((name) => (flags & HelloFlag[name]) !== 0).map((name) => STATES[name]);
}
