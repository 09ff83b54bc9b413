// The standard streams of apps: what waits in svc:stdio.out and svc:stdio.err of each task, and what goes to svc:stdio.in.

import { Err } from "../../assembly/spec/errors.ts";
import { Profile } from "../../assembly/spec/limits.ts";
import { Config } from "../../assembly/spec/node.ts";
import type { LocalNode } from "../client/local-node.ts";
import { NodeError } from "../client/refusal.ts";

export type Stream = "out" | "err";
export type Hear = (stream: Stream, pid: number, bytes: Uint8Array) => void;

/** Room the host gives a stream where memory is plentiful: chips have 64 bytes. */
const DESKTOP_CAPACITY = 4096;
/** Longest message of input: what the default mailbox holds. */
const INPUT_MAX = 56;
/** How often a node whose memory is scarce is asked for new streams. */
const SCAN_US = 1000;

const NAME = /^svc:stdio\.(out|err)@(\d+)$/;

/** Joins the streams of all tasks to one listener. */
export class Console {
  private readonly node: LocalNode;
  private readonly hear: Hear;
  private readonly isRoomy: boolean;
  private readonly handles = new Map<string, number>();
  private readonly pending: Uint8Array[] = [];
  private scanned_us = Number.NEGATIVE_INFINITY;

  constructor(node: LocalNode, hear: Hear) {
    this.node = node;
    this.hear = hear;
    this.isRoomy = node.config(Config.PROFILE) === Profile.DESKTOP;
  }

  /** Gives a new task streams with room. On a small node they are joined once the app has made them. */
  attach(pid: number): void {
    if (!this.isRoomy) return;
    for (const stream of ["in", "out", "err"]) {
      this.node.bindMailbox(`svc:stdio.${stream}@${pid}`, DESKTOP_CAPACITY, 0);
      if (stream !== "in") this.join(`svc:stdio.${stream}@${pid}`);
    }
  }

  private join(name: string): void {
    this.node.closeMailbox(name);
    this.handles.set(name, this.node.openMailbox(name));
  }

  private scan(): void {
    const { now_us } = this.node.machine;
    if (this.isRoomy || now_us - this.scanned_us < SCAN_US) return;
    this.scanned_us = now_us;
    for (const { name } of this.node.mailboxes()) {
      if (NAME.test(name) && !this.handles.has(name)) this.join(name);
    }
  }

  /** Takes what waits. */
  drain(): void {
    this.scan();
    for (const [name, handle] of this.handles) {
      const [, stream, pid] = NAME.exec(name) ?? [];
      for (let m = this.receive(name, handle); m !== undefined; m = this.receive(name, handle)) {
        this.hear(stream as Stream, Number(pid), m);
      }
    }
  }

  /** Undefined: nothing waits, or the mailbox went with its task. */
  private receive(name: string, handle: number): Uint8Array | undefined {
    try {
      return this.node.receive(handle)?.data;
    } catch (error) {
      if (!(error instanceof NodeError)) throw error;
      this.handles.delete(name);
      this.forget(name);
      return undefined;
    }
  }

  private forget(name: string): void {
    try {
      this.node.closeMailbox(name);
    } catch (error) {
      if (!(error instanceof NodeError)) throw error; // gone already
    }
  }

  /** Drops the streams of a task that is gone. */
  detach(pid: number): void {
    for (const name of [...this.handles.keys()].filter((n) => n.endsWith(`@${pid}`))) {
      this.handles.delete(name);
      this.forget(name);
    }
  }

  // ---- Input ----

  /** Queues input, a message for each line, at most 56 bytes long. */
  type(bytes: Uint8Array): void {
    for (let at = 0; at < bytes.length; ) {
      const line = bytes.indexOf(0x0a, at);
      const end = Math.min(line < 0 ? bytes.length : line + 1, at + INPUT_MAX);
      this.pending.push(bytes.slice(at, end));
      at = end;
    }
  }
  get hasPending(): boolean {
    return this.pending.length > 0;
  }

  /** Sends queued input to a task as far as there is room. Returns whether anything went. */
  feed(pid: number): boolean {
    let hasSent = false;
    while (this.pending.length > 0) {
      const name = `svc:stdio.in@${pid}`;
      try {
        this.node.send(this.node.openMailbox(name), this.pending[0] as Uint8Array);
      } catch (error) {
        if (error instanceof NodeError && error.code === Err.WOULD_BLOCK) return hasSent;
        throw error;
      }
      this.pending.shift();
      hasSent = true;
    }
    return hasSent;
  }
}
