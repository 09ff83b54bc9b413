// A probe of the mailboxes, with names and payloads as JavaScript has them.

import { compileProbe, type Probe, type ProfileName } from "../../probes/compile.ts";

export const Err = {
  NOT_FOUND: -3,
  INVALID: -8,
  FULL: -9,
  NO_MEMORY: -10,
  NO_DATA: -12,
  WOULD_BLOCK: -13,
  TOO_LARGE: -14,
} as const;

/** Mailboxes the node posts to, as assembly/mailbox/service.ts counts them. */
export const Service = { CAN: 1, UART: 2, GPIO: 3, PROVISION: 4 } as const;

export interface Message {
  len: number;
  flags: number;
  channel: number;
  source: number;
  data: string;
}

const text = new TextDecoder();

/** Tasks have the row one below their pid; the host has the last row and pid 0. */
export class Machine {
  readonly #buffer: number;
  readonly #bytes: Uint8Array;

  static async start(profile: ProfileName, limits = { descriptors: 0, handles: 0 }) {
    const probe = await compileProbe("mailbox", profile);
    probe.configure(limits.descriptors, limits.handles);
    return new Machine(probe);
  }

  private constructor(readonly probe: Probe) {
    this.#buffer = probe.io();
    this.#bytes = new Uint8Array(probe.memory.buffer);
  }

  row(pid: number): number {
    return pid === 0 ? this.probe.hostRow() : pid - 1;
  }
  #place(content: string | Uint8Array): [number, number] {
    const bytes = typeof content === "string" ? new TextEncoder().encode(content) : content;
    this.probe.arenaSettle();
    this.#bytes.set(bytes, this.#buffer);
    return [this.#buffer, bytes.length];
  }
  attach(pid: number, eager = false): number {
    return this.probe.mailboxAttach(this.row(pid), pid, eager);
  }
  release(pid: number): void {
    this.probe.mailboxRelease(this.row(pid), pid);
  }
  bind(pid: number, name: string, capacity = 0, mode = 0): number {
    return this.probe.mailboxBind(pid, ...this.#place(name), capacity, mode);
  }
  open(pid: number, name: string): number {
    return this.probe.mailboxOpen(this.row(pid), pid, ...this.#place(name));
  }
  find(pid: number, name: string): number {
    return this.probe.mailboxFind(pid, ...this.#place(name));
  }
  /** Ids of the mailboxes that are a Service. */
  services(service: number): number[] {
    const ids: number[] = [];
    let id = this.probe.nextService(0, service);
    for (; id !== 0; id = this.probe.nextService(id, service)) ids.push(id);
    return ids;
  }
  send(pid: number, handle: number, data: string | Uint8Array, flags = 0, channel = 0): number {
    const row = this.row(pid);
    return this.probe.mailboxSend(row, handle, ...this.#place(data), flags, channel, pid);
  }
  post(id: number, data: string | Uint8Array, flags = 0, channel = 0, source = 0): number {
    return this.probe.mailboxPost(id, ...this.#place(data), flags, channel, source);
  }
  #message(copied: number): Message | number {
    if (copied < 0) return copied;
    return {
      len: this.probe.receivedLength(),
      flags: this.probe.receivedFlags(),
      channel: this.probe.receivedChannel(),
      source: this.probe.receivedSource(),
      data: text.decode(this.#bytes.slice(this.#buffer, this.#buffer + copied)),
    };
  }
  receive(pid: number, handle: number, max = 256): Message | number {
    this.probe.arenaSettle();
    return this.#message(this.probe.mailboxReceive(this.row(pid), handle, this.#buffer, max));
  }
  inspect(id: number, n: number): Message | number {
    return this.#message(this.probe.mailboxInspect(id, n, this.#buffer, 256));
  }
  /** Depth, bytes used and length of the next message, as PEEK leaves them in R1 to R3; or the error. */
  peek(pid: number, handle: number): number[] | number {
    const depth = this.probe.mailboxPeek(this.row(pid), handle);
    return depth < 0 ? depth : [depth, this.probe.peekedUsed(), this.probe.peekedNext()];
  }
  tap(pid: number, handle: number, on: boolean): number {
    this.probe.arenaSettle();
    return this.probe.mailboxTap(this.row(pid), handle, on);
  }
  close(pid: number, handle: number): number {
    return this.probe.mailboxClose(this.row(pid), handle);
  }
  /** Ids of mailboxes at which something happened, with their notices. */
  serve(): [number, number][] {
    const served: [number, number][] = [];
    for (let id = this.probe.nextFresh(); id > 0; id = this.probe.nextFresh()) {
      served.push([id, this.probe.takeNotices(id)]);
    }
    return served;
  }
  name(id: number, max = 256): string | number {
    const len = this.probe.descriptorName(id, this.#buffer, max);
    return len < 0 ? len : text.decode(this.#bytes.slice(this.#buffer, this.#buffer + len));
  }
  /** True when neither table nor scratch nor arena holds a byte. */
  isClean(): boolean {
    this.probe.arenaSettle();
    const state = this.#bytes.subarray(this.probe.stateBase(), this.probe.stateEnd());
    return state.every((b) => b === 0) && this.probe.freshCount() === 0;
  }
}
