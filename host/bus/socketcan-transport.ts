// SocketCAN by the optional package `socketcan`. Nothing here has met a kernel with CAN: tests stand in for the package.

import type { CanFrame } from "../formats/can-frame.ts";
import { Inbox } from "./inbox.ts";
import {
  type CanTransport,
  type TimedFrame,
  TransportError,
  type TransportState,
} from "./transport.ts";

/** What the package is used for. */
export interface SocketcanPackage {
  createRawChannel(name: string, hasTimestamps: boolean): RawChannel;
}
export interface RawChannel {
  addListener(event: "onMessage", call: (message: RawMessage) => void): void;
  addListener(event: "onStopped", call: () => void): void;
  start(): void;
  stop(): void;
  /** Negative: the kernel has taken nothing. */
  send(message: RawMessage): number;
}
export interface RawMessage {
  readonly id: number;
  readonly ext: boolean;
  readonly rtr: boolean;
  readonly data: Buffer;
}

const PACKAGE = "socketcan";
/** The kernel's queue is full: ten frames take 2 ms at 500 kbit/s. */
const RETRY_US = 2000;
const RETRIES = 500;

/** Brings the package in when it is wanted. Throws a TransportError. */
export async function loadSocketcan(): Promise<SocketcanPackage> {
  try {
    return (await import(PACKAGE)) as SocketcanPackage;
  } catch {
    const message = "SocketCAN needs the package socketcan, which is not installed";
    throw new TransportError(
      "no-package",
      message,
      "npm install socketcan@4.0.7, and a compiler for it",
    );
  }
}

export class SocketcanTransport implements CanTransport {
  readonly name: string;
  /** The package tells nothing of the controller. */
  readonly state: TransportState = "unknown";
  readonly unsent = 0;
  private channel: RawChannel | undefined;
  private readonly inbox: Inbox;
  private hasStopped = false;

  constructor(
    private readonly device: string,
    private readonly load: () => Promise<SocketcanPackage>,
    readonly now_us: () => number,
  ) {
    this.name = `socketcan:${device}`;
    this.inbox = new Inbox(now_us);
  }

  get dropped(): number {
    return this.inbox.dropped;
  }

  async open(): Promise<void> {
    const { createRawChannel } = await this.load();
    try {
      const channel = createRawChannel(this.device, false);
      channel.addListener("onMessage", ({ id, ext, rtr, data }) =>
        this.inbox.put({ id, isExtended: ext, isRemote: rtr, data: Uint8Array.from(data) }),
      );
      channel.addListener("onStopped", () => {
        this.hasStopped = true;
        this.inbox.wake();
      });
      channel.start();
      this.channel = channel;
    } catch (error) {
      const why = error instanceof Error ? error.message : String(error);
      const remedy = `sudo ip link set ${this.device} up type can bitrate 500000`;
      throw new TransportError("no-adapter", `${this.name}: ${why}`, remedy);
    }
  }
  async close(): Promise<void> {
    this.channel?.stop();
    this.channel = undefined;
  }

  private get opened(): RawChannel {
    if (this.channel !== undefined && !this.hasStopped) return this.channel;
    const remedy = `look at: ip -details link show ${this.device}`;
    throw new TransportError("closed", `${this.name}: the interface is down`, remedy);
  }

  async send({ id, isExtended = false, isRemote = false, data }: CanFrame): Promise<void> {
    const message = { id, ext: isExtended, rtr: isRemote, data: Buffer.from(data) };
    for (let n = 0; n < RETRIES; n++) {
      if (this.opened.send(message) >= 0) return;
      await this.sleep(RETRY_US);
    }
    const remedy = `is a node on the bus that has this bit rate? ip -details link show ${this.device}`;
    throw new TransportError("refused", `${this.name}: the kernel takes no frames`, remedy);
  }
  async receive(timeout_us: number): Promise<TimedFrame | undefined> {
    await this.inbox.wait(timeout_us, () => !this.inbox.isEmpty || this.hasStopped);
    return this.inbox.take() ?? (this.hasStopped ? void this.opened : undefined);
  }
  async sleep(us: number): Promise<void> {
    await this.inbox.wait(us, () => false);
  }
}
