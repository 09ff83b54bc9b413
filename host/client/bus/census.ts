// Who is there: the census of nodes with ids, and the walk to those that have none or share one.

import { IDENTITY_BITS, WHO_DEPTH_MAX, WHO_SALT_SHIFT } from "../../../assembly/spec/frame.ts";
import type { Frame } from "../../formats/frame.ts";
import type { BusLink } from "./link.ts";
import type { Requests } from "./requests.ts";

/** What a node says of itself in a census. */
export type Hello = Extract<Frame, { kind: "hello" }>;

/** One node of a census. */
export interface Present {
  readonly node: number;
  /** The newest; of several nodes with one id, the last that was heard. */
  readonly hello: Hello;
  /** True: different nodes answered under this id. */
  readonly isShared: boolean;
}

/** A census is over when nobody has said HELLO for so long, the way there and back not counted. */
const QUIET_US = 3_000;
/** 127 nodes at 10 kbit/s take 1.7 s. */
const CENSUS_MOST_US = 3_000_000;
/** Identity answers of one question are in by then. */
const WHO_US = 2_000;
const SALTS = 32;

/** Asks every node for its HELLO, once. */
async function hellos(link: BusLink, requests: Requests, salt: number): Promise<Hello[]> {
  const heard: Hello[] = [];
  const stop = link.listen((frame, time_us) => {
    if (frame.kind !== "hello") return;
    const answered_us = Math.max(time_us, link.now_us);
    if (heard.length === 0) link.noteAnswer(Math.max(0, answered_us - asked_us));
    heard.push(frame);
  });
  // an adapter may tell that the question is sent when the answer is here
  let asked_us = Number.POSITIVE_INFINITY;
  try {
    await requests.tell("CENSUS", { salt });
    await link.settle();
    asked_us = link.now_us;
    const isHello = (frame: Frame) => frame.kind === "hello";
    await link.until(() => heard.length > 0, QUIET_US + link.turnaround_us);
    await link.quiet(isHello, QUIET_US + link.turnaround_us, CENSUS_MOST_US);
  } finally {
    stop();
  }
  return heard;
}

/** Whether two answers to one question can be of one node. */
function isSame(a: Hello, b: Hello): boolean {
  return a.check === b.check && a.firmware === b.firmware;
}

/**
 * Asks `rounds` times, with another salt each time: who was not heard in one round is in the next, and nodes of one id
 * differ at last. In order of id.
 */
export async function census(link: BusLink, requests: Requests, rounds = 2): Promise<Present[]> {
  const found = new Map<number, Present>();
  link.pace_us = 0;
  for (let round = 0; round < rounds; round++) {
    const inRound = new Map<number, Hello>();
    for (const hello of await hellos(link, requests, round % SALTS)) {
      const other = inRound.get(hello.node);
      const isShared =
        found.get(hello.node)?.isShared === true || (other !== undefined && !isSame(other, hello));
      inRound.set(hello.node, hello);
      found.set(hello.node, { node: hello.node, hello, isShared });
    }
  }
  return [...found.values()].sort((a, b) => a.node - b.node);
}

// ---- The walk ----

/** Who is looked for: nodes without an id or in conflict. A node id instead means those of this id. */
export const UNNAMED = 0;

/** The identity answers to one question. Asked twice, because a lost answer hides everything behind it. */
async function branches(
  link: BusLink,
  requests: Requests,
  args: { prefix: number; depth: number; filter: number },
): Promise<number[]> {
  const heard = new Set<number>();
  const stop = link.listen((frame) => {
    if (frame.kind === "identity") heard.add(frame.bits);
  });
  try {
    for (let n = 0; n < 2; n++) {
      await requests.tell("WHO", args);
      await link.settle();
      await link.sleep(WHO_US + link.turnaround_us);
    }
  } finally {
    stop();
  }
  return [...heard].sort((a, b) => a - b);
}

/** Hashes, with `salt`, of the nodes that `filter` means, from the lowest. */
export async function walk(
  link: BusLink,
  requests: Requests,
  filter: number,
  salt = 0,
): Promise<number[]> {
  const hashes: number[] = [];
  const open: { prefix: number; depth: number }[] = [{ prefix: 0, depth: 0 }];
  for (let next = open.pop(); next !== undefined; next = open.pop()) {
    const { prefix, depth } = next;
    const args = { prefix, depth: depth | (salt << WHO_SALT_SHIFT), filter };
    for (const bits of (await branches(link, requests, args)).reverse()) {
      const shift = 32 - IDENTITY_BITS * (depth + 1);
      // at the last level two bits are left: the upper two of six
      const hash = shift >= 0 ? prefix + bits * 2 ** shift : prefix + (bits >> -shift);
      if (depth === WHO_DEPTH_MAX) hashes.push(hash);
      else open.push({ prefix: hash, depth: depth + 1 });
    }
  }
  return hashes.sort((a, b) => a - b);
}
