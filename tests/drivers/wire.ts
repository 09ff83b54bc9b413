// Nodes in Node on a trivial wire: every frame reaches every other node whose filters want it, unless a test says it is lost.

import { crc32 } from "node:zlib";
import { LocalNode, type NodeOptions } from "../../host/client/local-node.ts";
import {
  type BusFrame,
  decodeFrame,
  encodeFrame,
  type Frame,
  type Request,
  type VerbArgs,
  type VerbName,
} from "../../host/formats/frame.ts";
import { Machine, type MachineOptions } from "../../host/node/hal.ts";
import type { ProfileName } from "./machine.ts";
import { coreModule } from "./node.ts";

export interface WireNode {
  readonly node: LocalNode;
  readonly machine: Machine;
  readonly uid: Uint8Array;
}

/** The hash by which WHO and ASSIGN know a UID: docs/protocol.md, "Who is there". */
export function hashOf(uid: Uint8Array, salt = 0): number {
  return crc32(Uint8Array.of(salt, ...uid));
}

const BASE = 0x400;
/** Time that passes between two rounds of polls. */
const ROUND_US = 100;

/** A wire with its nodes, and a master's end of it. */
export class Wire {
  readonly nodes: WireNode[] = [];
  /** What nodes sent since it was last taken. */
  private sent: BusFrame[] = [];
  private sequence = 0;
  /** When the rest of a node ends. */
  private readonly due_us = new Map<Machine, number>();
  /** Says which frames a node does not hear; `from` -1: the master. */
  isLost: (to: number, frame: BusFrame, from: number) => boolean = () => false;

  /** Adds a node that is started and has said what it says at the start. */
  async add(
    profile: ProfileName,
    uid: number,
    options: MachineOptions & NodeOptions = {},
  ): Promise<WireNode> {
    const index = this.nodes.length;
    const bytes = Uint8Array.of(1, 2, 3, 4, 5, 6, uid >> 8, uid & 0xff);
    const machine = new Machine({
      uid: bytes,
      ...options,
      onCan: (frame) => this.carry(frame, index),
    });
    const node = await LocalNode.start(await coreModule(profile), machine, options);
    const added = { node, machine, uid: bytes };
    this.nodes.push(added);
    return added;
  }

  private carry(frame: BusFrame, from: number): void {
    if (from >= 0) this.sent.push(frame);
    this.nodes.forEach(({ machine }, to) => {
      if (to !== from && !this.isLost(to, frame, from)) machine.receiveFrame(frame);
    });
  }

  /** Lets all nodes work for `ms`. Like a main loop, a node that may rest does so until its time is up or a frame comes. */
  run(ms = 2): void {
    for (let us = 0; us < ms * 1000; us += ROUND_US) {
      for (const { node, machine } of this.nodes) {
        const before = machine.now_us;
        if (machine.can.hasFrame || before >= (this.due_us.get(machine) ?? 0)) {
          node.poll(200);
          this.due_us.set(machine, machine.now_us + 1000 * (node.core.exports.hsx_rest() >>> 0));
        }
        machine.advance(Math.max(0, ROUND_US - (machine.now_us - before)));
      }
    }
  }

  /** Frames nodes sent since the last call. */
  take(): BusFrame[] {
    const taken = this.sent;
    this.sent = [];
    return taken;
  }
  /** The same, decoded. A frame outside the protocol fails the test. */
  heard(): Frame[] {
    return this.take().map((frame) => {
      const decoded = decodeFrame(BASE, frame);
      if (decoded === undefined || decoded.kind === "malformed")
        throw new Error(`a node sent ${frame.id.toString(16)}: ${decoded?.why ?? "foreign"}`);
      return decoded;
    });
  }

  /** Sends a frame as a master does. */
  send(frame: Frame): void {
    this.carry(encodeFrame(BASE, frame), -1);
  }
  /** Sends any bytes. */
  sendRaw(id: number, data: Uint8Array): void {
    this.carry({ id, data }, -1);
  }
  /** Sends a request under the next sequence number, or a given one. */
  request<V extends VerbName>(
    verb: V,
    args: VerbArgs<V>,
    {
      target = 0,
      master = 0,
      sequence,
    }: { target?: number; master?: number; sequence?: number } = {},
  ): void {
    if (sequence === undefined) this.sequence = (this.sequence + 1) & 7;
    const frame = { kind: "request", master, target, verb, args };
    this.send({ ...frame, sequence: sequence ?? this.sequence } as Request);
  }
  /** Sends a request, lets nodes work, and returns what they said. */
  ask<V extends VerbName>(
    verb: V,
    args: VerbArgs<V>,
    options: { target?: number; master?: number; sequence?: number; ms?: number } = {},
  ): Frame[] {
    this.take();
    this.request(verb, args, options);
    this.run(options.ms);
    return this.heard();
  }

  /** Gives every node an id: the first 1, and so on. */
  nameAll(): void {
    this.nodes.forEach(({ uid }, n) => {
      this.ask("ASSIGN", { hash: hashOf(uid), id: n + 1, flags: 0 });
    });
  }
}
