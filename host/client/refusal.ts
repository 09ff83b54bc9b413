// What a person reads when a node refuses: what, where, why, and what to do next.

import { Err } from "../../assembly/spec/errors.ts";
import { Resource } from "../../assembly/spec/node.ts";
import type { Refusal } from "./records.ts";

const hex = (n: number, digits = 4) => `0x${n.toString(16).padStart(digits, "0")}`;

const RESOURCE: Partial<Record<Resource, string>> = {
  [Resource.TASKS]: "tasks",
  [Resource.MEMORY]: "memory",
  [Resource.VALUES]: "values",
  [Resource.COMMANDS]: "commands",
  [Resource.DESCRIPTORS]: "mailboxes",
  [Resource.HANDLES]: "mailbox handles",
  [Resource.SUBSCRIPTIONS]: "subscriptions",
  [Resource.CALLS]: "command calls",
  [Resource.FILES]: "files",
  [Resource.CELLS]: "cells of the store",
};

/** An oid as people write it. */
export function oidText(oid: number): string {
  return `${oid >> 8}:${oid & 0xff}`;
}

/** A call the node refused. */
export class NodeError extends Error {
  override readonly name = "NodeError";
  /** Err of the core. */
  readonly code: Err;
  readonly refusal: Refusal;

  constructor(code: Err, refusal: Refusal) {
    super(explain(code, refusal));
    this.code = code;
    this.refusal = refusal;
  }
}

/** One sentence that says what was refused and why. */
export function explain(code: Err, refusal: Refusal): string {
  const resource = RESOURCE[refusal.resource];
  const isTold = refusal.code === code;
  const what = resource === undefined ? Err[code] : `${Err[code]}: ${resource}`;
  if (!isTold) return what;
  const place =
    code <= Err.HXE_MAGIC && code >= Err.HXE_DUPLICATE ? ` at ${hex(refusal.offset)}` : "";
  return `${what}${place}: need ${refusal.need}, have ${refusal.have}`;
}
