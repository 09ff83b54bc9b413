// Flags, modes and levels in words.

import { HxeCap } from "../../assembly/spec/hxe.ts";
import { CommandFlag, Level, MailboxMode, ValueFlag } from "../../assembly/spec/svc.ts";

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
