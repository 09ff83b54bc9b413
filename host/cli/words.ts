// Numbers of the core in words: errors, states, levels, flags.

import { StoreState } from "../../assembly/spec/cell.ts";
import { Err } from "../../assembly/spec/errors.ts";
import { HxeCap } from "../../assembly/spec/hxe.ts";
import { CommandFlag, Level, MailboxMode, ValueFlag } from "../../assembly/spec/svc.ts";

/** `NOT_FOUND`, as --json and scripts have it. */
export function errName(code: number): string {
  return Err[code] ?? `error ${code}`;
}

/** A member of an enum as people read it: `read only`, `backing off`; the number, if it is none. */
export function memberText(names: Readonly<Record<number, string>>, number: number): string {
  return (names[number] ?? String(number)).toLowerCase().replaceAll("_", " ");
}
/** `read only`, `ready`. */
export function storeStateText(state: number): string {
  return memberText(StoreState, state);
}

function namesOf(bits: number, flags: object): string[] {
  return Object.entries(flags)
    .filter(([, bit]) => typeof bit === "number" && (bits & bit) !== 0)
    .map(([name]) => name.toLowerCase());
}

export const valueFlags = (bits: number) => namesOf(bits, ValueFlag);
export const commandFlags = (bits: number) => namesOf(bits, CommandFlag);
export const capNames = (bits: number) => namesOf(bits, HxeCap);

const ACCESS = ["rdonly", "wronly", "rdwr"];

/** `rdwr`, `fanout`, … */
export function mailboxModes(mode: number): string[] {
  const access = MailboxMode[mode & MailboxMode.RDWR]?.toLowerCase();
  const others = namesOf(mode, MailboxMode).filter((name) => !ACCESS.includes(name));
  return access === undefined ? others : [access, ...others];
}

export function levelName(level: number): string {
  return (Level[level] ?? `level ${level}`).toLowerCase();
}
