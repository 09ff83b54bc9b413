// A bus of model nodes with a master on it, in virtual time.

import { Timeline } from "../../host/bus/timeline.ts";
import { CanWire, type WireEvent } from "../../host/bus/wire.ts";
import { BusMaster, type MasterOptions } from "../../host/client/bus/master.ts";
import { decodeFrame, type Frame } from "../../host/formats/frame.ts";
import { Random } from "../oracle/random.ts";
import { ModelNode, type ModelOptions } from "./protocol-node.ts";
import { WireTransport } from "./wire-transport.ts";

export interface ModelBusOptions {
  readonly nodes: readonly ModelOptions[];
  /** Part of the frames that a node loses, control frames too. */
  readonly loss?: number;
  readonly seed?: number;
  /** Between host and wire, each way. */
  readonly latency_us?: number;
  /** Nanoseconds of a bit. */
  readonly bit_ns?: number;
}

/** Models with ids from 1 to `count`. */
export function models(count: number, more: Partial<ModelOptions> = {}): ModelOptions[] {
  return Array.from({ length: count }, (_, n) => ({
    id: n + 1,
    uid: Uint8Array.of(n + 1, 0x55, 0xaa, 7),
    ...more,
  }));
}

export class ModelBus {
  readonly timeline = new Timeline();
  readonly wire: CanWire;
  readonly nodes: readonly ModelNode[];
  /** Frames of the block that were on the wire. */
  readonly frames: Frame[] = [];

  constructor(readonly options: ModelBusOptions) {
    const { nodes, loss = 0, seed = 1, bit_ns = 2000 } = options;
    this.wire = new CanWire(this.timeline.clock, bit_ns);
    this.timeline.addWire(this.wire);
    const random = new Random(seed);
    if (loss > 0) this.wire.disturbance = { loses: () => random.word() < loss * 2 ** 32 };
    this.wire.onEvent = (event) => this.note(event);
    this.nodes = nodes.map((node) => new ModelNode(this.timeline.clock, this.wire, node));
  }
  private note({ frame, isError }: WireEvent): void {
    const heard = isError ? undefined : decodeFrame(0x400, frame);
    if (heard !== undefined && heard.kind !== "malformed") this.frames.push(heard);
  }

  /** A master on the bus. */
  master(options: MasterOptions = { slot: 0 }): Promise<BusMaster> {
    const latency_us = () => this.options.latency_us ?? 0;
    return BusMaster.open(new WireTransport(this.timeline, this.wire, latency_us), options);
  }
  node(id: number): ModelNode {
    const node = this.nodes.find((n) => n.id === id);
    if (node === undefined) throw new Error(`no model has id ${id}`);
    return node;
  }
  at(ms: number, call: () => void): void {
    this.timeline.clock.after(ms * 1e6, call);
  }
  count(kind: Frame["kind"]): number {
    return this.frames.filter((frame) => frame.kind === kind).length;
  }
}
