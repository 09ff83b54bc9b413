// The plan: what the manifest on the card has this node do, and how far that has come. It outlives the card's buffer, which is given back
// while others need the memory; the manifest is then checked again before another record of it counts.
//
// Plan, 36 bytes
//  0  step     u8   PlanStep
//  1  flags    u8   PlanFlag
//  2  err      u8   -Err: why the card counts for nothing, or an app of it was not started; 0: nothing is wrong
//  3  node     u8   record of this node; 0: none
//  4  kind     u8   ManifestSelect it was found by
//  5  count    u8   apps of the node
//  6  first    u16  record of its first app
//  8  values   u16  record at which the values begin
// 10  held     u16  record that lies in cardOwn()
// 12  done     u16  one bit an app: its turn has come
// 14  best     u16  start group of the app that is next, as far as they were looked at
// 16  app      u8   that is looked at
// 17  next     u8   the app that is next
// 18  value    u8   of the app, or word, that is set next
// 19  (1 spare)
// 20  plant    u16  of the manifest
// 22  version  u16
// 24  since    u16  lower bits of the clock when the app's turn came, or it was started
// 26  group    u8   start group that was reached
// 27  nodes    u8   node records of the manifest
// 28  seal     u32  what the manifest ends with, by which it is known again
// 32  unwell   u16  1 + the lowest start group with an app that is not well; 0: none is
// 34  told     u16  1 + the last start group of which that was told

import { cardOwn } from "../card/volume";
import { PLAN_BASE, PLAN_SIZE } from "../layout";
import { nodeAt } from "../node";

export enum PlanStep {
  /** no card is asked for */
  NONE = 0,
  /** the manifest is opened and checked */
  CHECK = 1,
  /** the record of the node is looked at */
  NODE = 2,
  /** its configuration is written */
  CONFIG = 3,
  /** the values of its apps are set */
  VALUES = 4,
  SAVING = 5,
  /** what was applied is noted */
  NOTE = 6,
  NOTING = 7,
  /** looks for the app that is next */
  CHOOSE = 8,
  /** the app waits for its time */
  DELAY = 9,
  /** its file is opened */
  OPEN = 10,
  /** its bytes are loaded */
  FEED = 11,
  /** it is started */
  START = 12,
  /** nothing more comes from the card */
  DONE = 13,
}

export enum PlanFlag {
  /** the manifest is sound and means this node */
  TAKEN = 1,
  /** the configuration is as it will be */
  KNOWN = 2,
  /** the master had its time */
  WAITED = 4,
  /** an app that is not well is waited for */
  HOLDING = 8,
  /** an app that is not well has had its time, and those behind it must not start */
  LATE = 16,
  /** whoever holds the start-up in hand lets it go on */
  GO = 32,
}


@unmanaged
export class Plan {
  step: u8 = 0;
  flags: u8 = 0;
  err: u8 = 0;
  node: u8 = 0;
  kind: u8 = 0;
  count: u8 = 0;
  first: u16 = 0;
  values: u16 = 0;
  held: u16 = 0;
  done: u16 = 0;
  best: u16 = 0;
  app: u8 = 0;
  next: u8 = 0;
  value: u8 = 0;
  spare: u8 = 0;
  plant: u16 = 0;
  version: u16 = 0;
  since: u16 = 0;
  group: u8 = 0;
  nodes: u8 = 0;
  seal: u32 = 0;
  unwell: u16 = 0;
  told: u16 = 0;
}
if (offsetof<Plan>("seal") != 28) ERROR("Plan.seal: offset");
if (offsetof<Plan>() > PLAN_SIZE) ERROR("Plan: size");

/** The one Plan. */
export function planAt(): Plan {
  return changetype<Plan>(PLAN_BASE);
}

// ---- The record at hand: little-endian, in the card's memory ----

export function recordByte(offset: u32): u32 {
  return load<u8>(cardOwn() + offset);
}
export function recordWord(offset: u32): u32 {
  return load<u16>(cardOwn() + offset);
}
export function recordLong(offset: u32): u32 {
  return load<u32>(cardOwn() + offset);
}

// ---- Time ----

/** Notes the time. */
export function planStamp(l: Plan): void {
  l.since = <u16>nodeAt().lastMs;
}
/** Ms since then, modulo 65,536. */
export function planPassed(l: Plan): u32 {
  return (nodeAt().lastMs - l.since) & 0xffff;
}
