// What mailboxes mean, in the plainest way: arrays, sequence numbers that never wrap, no arena. For comparison only.

import { Err, type Message } from "./machine.ts";

interface Queued extends Message {
  seq: number;
}
interface Handle {
  id: number;
  lastSeq: number;
  isSender: boolean;
  missed: boolean;
  tap: Queued[] | undefined;
  tapMissed: boolean;
}
interface Mailbox {
  key: string;
  owner: number | undefined;
  capacity: number;
  mode: number;
  creator: number | undefined; // undefined: it goes with its last handle
  queue: Queued[];
  nextSeq: number;
  notices: number;
}
interface Row {
  last: number;
  pending: Set<number>;
  handles: Map<number, Handle>;
}

const FULL = 2;
const OVERRUN = 4;
const STDIO = ["in", "out", "err"];
const bytesIn = (queue: Queued[]) => queue.reduce((sum, q) => sum + q.len + 8, 0);

/** The printable whole name, which is also the key; undefined: no name. */
export function wholeName(pid: number, name: string): string | undefined {
  if (name === "") return undefined;
  const cut = [...name].slice(0, 32).join("");
  const [, prefix, rest = ""] = /^(pid:|svc:|app:|shared:|)(.*)$/s.exec(cut) ?? [];
  if (prefix === "pid:") {
    if (!/^\d*$/.test(rest)) return undefined;
    return `pid:${rest === "" ? pid : Number(rest)}`;
  }
  const at = rest.indexOf("@");
  const base = at < 0 ? rest : rest.slice(0, at);
  const digits = at < 0 ? "" : rest.slice(at + 1);
  if (!/^\d*$/.test(digits)) return undefined;
  const asked = digits === "" ? undefined : Number(digits);
  if (prefix === "shared:") return `shared:${base}`;
  if (prefix === "app:") return asked === undefined ? `app:${base}` : `app:${base}@${asked}`;
  return `svc:${base}@${asked ?? pid}`;
}

function ownerIn(key: string): number | undefined {
  const digits = /(?:^pid:|@)(\d+)$/.exec(key)?.[1];
  return digits === undefined ? undefined : Number(digits);
}

export class Model {
  readonly mailboxes = new Map<number, Mailbox>();
  readonly rows = new Map<number, Row>();
  readonly #fresh = new Set<number>();

  constructor(
    readonly descriptors: number,
    readonly handles: number,
  ) {}

  // ---- Names ----

  find(pid: number, name: string): number {
    const key = wholeName(pid, name);
    if (key === undefined) return Err.INVALID;
    return [...this.mailboxes].find(([, box]) => box.key === key)?.[0] ?? Err.NOT_FOUND;
  }

  #obtain(pid: number, name: string, capacity: number, mode: number): number {
    const found = this.find(pid, name);
    if (found > 0) {
      const box = this.#box(found);
      if (box.creator === undefined && pid !== 0) box.creator = pid;
      return found;
    }
    if (found !== Err.NOT_FOUND) return found;
    if (this.mailboxes.size >= this.descriptors) return Err.FULL;
    let id = 1;
    while (this.mailboxes.has(id)) id++;
    const key = wholeName(pid, name) ?? "";
    const owner = ownerIn(key);
    const box = { key, owner, capacity: capacity || 64, mode, creator: pid || undefined };
    this.mailboxes.set(id, { ...box, queue: [], nextSeq: 0, notices: 0 });
    return id;
  }

  bind(pid: number, name: string, capacity: number, mode: number): number {
    const id = this.#obtain(pid, name, capacity, mode);
    if (id < 0) return id;
    const box = this.#box(id);
    if (capacity !== 0) {
      box.capacity = capacity;
      while (bytesIn(box.queue) > capacity) this.#dropOldest(id);
    }
    if (mode !== 0) {
      box.mode = mode;
      for (const handle of this.#on(id)) {
        handle.lastSeq = box.nextSeq - 1;
        handle.isSender = false;
        handle.missed = false;
      }
      this.#reclaim(id);
    }
    return id;
  }

  open(pid: number, name: string): number {
    const id = this.bind(pid, name, 0, 0);
    if (id < 0) return id;
    const row = this.row(pid);
    if (row.handles.size + row.pending.size >= this.handles) return Err.FULL;
    row.last++;
    row.handles.set(row.last, this.#handleOn(id));
    return row.last;
  }

  #handleOn(id: number): Handle {
    const lastSeq = this.#box(id).nextSeq - 1;
    return { id, lastSeq, isSender: false, missed: false, tap: undefined, tapMissed: false };
  }

  row(pid: number): Row {
    const row = this.rows.get(pid) ?? { last: 0, pending: new Set(), handles: new Map() };
    this.rows.set(pid, row);
    return row;
  }

  #box(id: number): Mailbox {
    const box = this.mailboxes.get(id);
    if (box === undefined) throw new Error(`model: no mailbox ${id}`);
    return box;
  }

  #resolve(pid: number, number: number): Handle | number {
    const row = this.row(pid);
    if (row.pending.has(number)) {
      const id = this.#obtain(pid, `svc:stdio.${STDIO[number - 1]}`, 64, 3);
      if (id < 0) return id;
      row.pending.delete(number);
      row.handles.set(number, this.#handleOn(id));
    }
    return row.handles.get(number) ?? Err.NOT_FOUND;
  }

  #on(id: number): Handle[] {
    return [...this.rows.values()].flatMap((row) =>
      [...row.handles.values()].filter((handle) => handle.id === id),
    );
  }

  // ---- Messages ----

  #isFanout(id: number): boolean {
    return (this.#box(id).mode & 0x38) !== 0;
  }

  #reclaim(id: number): void {
    const box = this.#box(id);
    const readers = this.#on(id).filter((handle) => !handle.isSender);
    if (!this.#isFanout(id) || readers.length === 0) return;
    box.queue = box.queue.filter((q) => readers.some((reader) => reader.lastSeq < q.seq));
  }

  #dropOldest(id: number): void {
    const box = this.#box(id);
    const dropped = box.queue.shift();
    this.#note(id, OVERRUN);
    for (const handle of this.#on(id)) {
      if (!handle.isSender && dropped && handle.lastSeq < dropped.seq) handle.missed = true;
    }
  }

  #note(id: number, notice: number): void {
    this.#box(id).notices |= notice;
    this.#fresh.add(id);
  }

  send(pid: number, number: number, data: string, flags: number, channel: number): number {
    const handle = this.#resolve(pid, number);
    if (typeof handle === "number") return handle;
    handle.isSender = true;
    return this.post(handle.id, data, flags, channel, pid);
  }

  post(id: number, data: string, flags: number, channel: number, source: number): number {
    if (data === "") return 0;
    const box = this.#box(id);
    const cost = data.length + 8;
    const isFull = () => bytesIn(box.queue) + cost > box.capacity;
    if (cost > box.capacity) return Err.TOO_LARGE;
    this.#reclaim(id);
    if (this.#isFanout(id) && (box.mode & 0x20) === 0) while (isFull()) this.#dropOldest(id);
    if (isFull()) {
      this.#note(id, FULL);
      return Err.WOULD_BLOCK;
    }
    const message = { len: data.length, flags, channel, source, data, seq: box.nextSeq++ };
    box.queue.push(message);
    this.#note(id, 0);
    for (const { tap } of this.#on(id)) tap?.push(message);
    for (const handle of this.#on(id)) {
      while (handle.tap && bytesIn(handle.tap) > box.capacity) {
        handle.tap.shift();
        handle.tapMissed = true;
      }
    }
    return data.length;
  }

  receive(pid: number, number: number, max: number): Message | number {
    const handle = this.#resolve(pid, number);
    if (typeof handle === "number") return handle;
    const box = this.#box(handle.id);
    const told = (q: Queued | undefined, missed: boolean): Message | number => {
      if (q === undefined) return Err.NO_DATA;
      const { len, channel, source, data } = q;
      const flags = q.flags | (missed ? 8 : 0);
      return { len, flags, channel, source, data: data.slice(0, max) };
    };
    if (handle.tap) {
      const result = told(handle.tap.shift(), handle.tapMissed);
      if (typeof result !== "number") handle.tapMissed = false;
      return result;
    }
    if (!this.#isFanout(handle.id)) return told(box.queue.shift(), false);
    this.#reclaim(handle.id);
    const next = box.queue.find((q) => q.seq > handle.lastSeq);
    const result = told(next, handle.missed);
    if (next === undefined) return result;
    handle.lastSeq = next.seq;
    handle.isSender = false;
    handle.missed = false;
    this.#reclaim(handle.id);
    return result;
  }

  peek(pid: number, number: number): number[] | number {
    const handle = this.#resolve(pid, number);
    if (typeof handle === "number") return handle;
    const { queue } = this.#box(handle.id);
    const isNext = (q: Queued) => !this.#isFanout(handle.id) || q.seq > handle.lastSeq;
    return [queue.length, bytesIn(queue), queue.find(isNext)?.len ?? 0];
  }

  tap(pid: number, number: number, on: boolean): number {
    const handle = this.#resolve(pid, number);
    if (typeof handle === "number") return handle;
    handle.tap = on ? (handle.tap ?? []) : undefined;
    if (!on) handle.tapMissed = false;
    return 0;
  }

  close(pid: number, number: number): number {
    const row = this.row(pid);
    if (row.pending.delete(number)) return 0;
    const handle = row.handles.get(number);
    if (handle === undefined) return Err.NOT_FOUND;
    row.handles.delete(number);
    this.#settle(handle.id);
    return 0;
  }

  #settle(id: number): void {
    this.#reclaim(id);
    this.#dropOrphan(id);
  }

  #dropOrphan(id: number): void {
    if (this.#box(id).creator === undefined && this.#on(id).length === 0) this.#destroy(id);
  }

  // ---- Tasks ----

  attach(pid: number): void {
    this.rows.set(pid, { last: 3, pending: new Set([1, 2, 3]), handles: new Map() });
  }

  release(pid: number): void {
    const ids = [...this.row(pid).handles.values()].map((handle) => handle.id);
    this.rows.delete(pid);
    for (const id of new Set(ids)) this.#settle(id);
    for (const [id, box] of [...this.mailboxes]) {
      if (box.owner === pid) this.#destroy(id);
      else if (box.creator === (pid || undefined)) {
        box.creator = undefined;
        this.#dropOrphan(id);
      }
    }
  }

  #destroy(id: number): void {
    for (const row of this.rows.values()) {
      for (const [number, handle] of [...row.handles]) {
        if (handle.id === id) row.handles.delete(number);
      }
    }
    this.mailboxes.delete(id);
    this.#fresh.delete(id);
  }

  /** What nextFresh() and takeNotices() tell until nothing is left. */
  serve(): [number, number][] {
    const ids = [...this.#fresh].sort((a, b) => a - b);
    this.#fresh.clear();
    return ids.map((id) => {
      const { notices } = this.#box(id);
      this.#box(id).notices = 0;
      return [id, notices];
    });
  }
}
