// A master on a bus: everything the command line does with nodes, for programs. Explained in docs/client.md.

import { Err } from "../../../assembly/spec/errors.ts";
import { NODE_ID_MAX, PROTOCOL_VERSION } from "../../../assembly/spec/frame.ts";
import { Level } from "../../../assembly/spec/svc.ts";
import type { CanTransport } from "../../bus/transport.ts";
import type { Frame } from "../../formats/frame.ts";
import { BusError } from "./bus-error.ts";
import { BusNode } from "./bus-node.ts";
import { census, type Present, UNNAMED, walk } from "./census.ts";
import { BusLink } from "./link.ts";
import { Broadcast, type LoadJob, type LoadReport } from "./load.ts";
import { isGood, type NodeLoad } from "./load-state.ts";
import type { NodeRecord } from "./node-record.ts";
import { Requests } from "./requests.ts";
import { holdSlot, takeSlot } from "./slot.ts";
import { type ProvisioningEvent, watchProvisioning } from "./watch.ts";

export interface MasterOptions {
  /** First identifier of the block; default: 0x400. */
  readonly base?: number;
  /** Slot to speak from, known to be free; default: one that nobody holds. */
  readonly slot?: number;
  /** Authority nodes are asked for when something takes more than none; default: ADMIN. */
  readonly level?: Level;
}

/** A node that had no id, or shared one, and what it has now. */
export interface Settled {
  readonly id: number;
  /** Undefined: it had none. */
  readonly before: number | undefined;
  readonly about: NodeRecord;
}

/** What came of one of many nodes. */
export type Outcome<T> =
  | { readonly node: number; readonly value: T }
  | { readonly node: number; readonly error: unknown };

/** A published value. */
export type Published = Extract<Frame, { kind: "pub" }>;

/** An id nobody has, from `first` on. */
function freeId(taken: ReadonlySet<number>, first: number, step: 1 | -1): number {
  let id = first;
  while (taken.has(id)) id += step;
  if (id >= 1 && id <= NODE_ID_MAX) return id;
  throw new BusError("no-id", "all 127 ids are taken", "take a node off the bus");
}

const ids = (loads: readonly NodeLoad[]) => loads.map(({ node }) => node);

/** Two loads of one image, the second to nodes that did not take the first. */
function joined(first: LoadReport, second: LoadReport): LoadReport {
  const later = new Map(second.nodes.map((load) => [load.node, load]));
  return {
    nodes: first.nodes.map((load) => later.get(load.node) ?? load),
    dataFrames: first.dataFrames + second.dataFrames,
    repairFrames: first.repairFrames + second.repairFrames,
    parityFrames: first.parityFrames + second.parityFrames,
    transfer_us: first.transfer_us + second.transfer_us,
    elapsed_us: first.elapsed_us + second.elapsed_us,
  };
}

export class BusMaster {
  private readonly nodes = new Map<number, BusNode>();
  private session: number;

  private constructor(
    readonly link: BusLink,
    readonly requests: Requests,
    private readonly level: Level,
    private readonly release: () => void,
  ) {
    this.session = Math.floor(link.now_us / 1000) & 0xff;
  }

  /** Opens the transport and takes a slot, which takes some 120 ms. Throws a TransportError or a BusError. */
  static async open(transport: CanTransport, options: MasterOptions = {}): Promise<BusMaster> {
    await transport.open();
    const link = new BusLink(transport, options.base);
    // nobody else speaks over a line to one node
    const { slot = transport.isOneNode ? 0 : undefined, level = Level.ADMIN } = options;
    const { master, release } = slot === undefined ? await takeSlot(link) : holdSlot(link, slot);
    return new BusMaster(link, new Requests(link, master), level, release);
  }
  async close(): Promise<void> {
    this.release();
    await this.link.transport.close();
  }

  // ---- Who is there ----

  /** The nodes that have an id, in order of id. `rounds`: how often all are asked; one is enough on a bus without losses. */
  async census(rounds?: number): Promise<Present[]> {
    const present = await census(this.link, this.requests, rounds);
    const other = present.find(({ hello }) => hello.version !== PROTOCOL_VERSION);
    if (other === undefined) return present;
    throw new BusError(
      "other-protocol",
      `node ${other.node} speaks version ${other.hello.version} of the protocol, this hsx version ${PROTOCOL_VERSION}`,
      "update its firmware, or use the hsx that belongs to it",
      other.node,
    );
  }

  /**
   * Frees nodes that fell silent in a conflict that is over, or because nobody acknowledged them: those whose configured
   * id is free have it again. Returns their ids, and how many nodes have none.
   */
  async revive(present: readonly Present[]): Promise<{ revived: number[]; unnamed: number }> {
    const taken = new Set(present.map(({ node }) => node));
    const revived: number[] = [];
    let unnamed = 0;
    // over a line of its own a node answers whether it has an id or not
    if (this.link.transport.isOneNode) return { revived, unnamed };
    for (const hash of await walk(this.link, this.requests, UNNAMED)) {
      const guest = freeId(taken, NODE_ID_MAX, -1);
      await this.requests.assign(hash, 0, guest, false);
      const { id } = await this.node(guest).provision.config();
      if (id === 0 || taken.has(id)) {
        await this.requests.unassign(hash, 0);
        unnamed++;
        continue;
      }
      if (id !== guest) await this.requests.assign(hash, 0, id, false);
      taken.add(id);
      revived.push(id);
    }
    return { revived, unnamed };
  }

  /**
   * Finds nodes without an id and nodes that share one, and gives each an id of its own; `keeps`: for good.
   * The first of those that share an id keeps it.
   */
  async settle(present: readonly Present[], { keeps = false } = {}): Promise<Settled[]> {
    const taken = new Set(present.map(({ node }) => node));
    const settled: Settled[] = [];
    const give = async (hash: number, id: number, before: number | undefined) => {
      taken.add(id);
      await this.requests.assign(hash, 0, id, keeps);
      settled.push({ id, before, about: await this.node(id).about() });
    };
    for (const { node, isShared } of present) {
      if (!isShared) continue;
      const [first, ...others] = await walk(this.link, this.requests, node);
      await this.node(node).raise(); // all of them hear it
      for (const hash of others) await give(hash, freeId(taken, 1, 1), node);
      if (first !== undefined) await give(first, node, node);
    }
    for (const hash of await walk(this.link, this.requests, UNNAMED))
      await give(hash, freeId(taken, 1, 1), undefined);
    return settled;
  }

  // ---- Nodes ----

  /** The node of an id, whether it is there or not. */
  node(id: number): BusNode {
    let node = this.nodes.get(id);
    if (node === undefined) {
      node = new BusNode(this.requests, id, this.level);
      this.nodes.set(id, node);
    }
    return node;
  }
  /** Has the same done with several nodes at once. What goes wrong with one does not stop the others. */
  async each<T>(
    ids: readonly number[],
    work: (node: BusNode) => Promise<T>,
  ): Promise<Outcome<T>[]> {
    return Promise.all(
      ids.map(async (node): Promise<Outcome<T>> => {
        try {
          return { node, value: await work(this.node(node)) };
        } catch (error) {
          return { node, error };
        }
      }),
    );
  }

  /** Hears what nodes publish, until the returned function is called; frames are taken while something waits. */
  onPublished(hear: (published: Published, time_us: number) => void): () => void {
    return this.link.listen((frame, time_us) => {
      if (frame.kind === "pub") hear(frame, time_us);
    });
  }
  /** Hears what happens to images, whoever brings them, until the returned function is called. */
  onProvisioning(tell: (event: ProvisioningEvent) => void): () => void {
    return watchProvisioning(this.link, tell);
  }
  /** Lets time pass while frames are heard. */
  listen(ms: number, isDone: () => boolean = () => false): Promise<boolean> {
    return this.link.until(isDone, ms * 1000);
  }

  // ---- Load ----

  /** Brings an image to many nodes at once. What goes wrong at a node is in its row of the report. */
  async load(job: LoadJob): Promise<LoadReport> {
    const report = await this.broadcast(job);
    const locked = report.nodes.filter(({ code }) => code === Err.NO_ACCESS);
    if (locked.length === 0 || this.level === 0) return report;
    const raised = await this.each(ids(locked), (node) => node.raise());
    if (raised.some((outcome) => "error" in outcome)) return report;
    const nodes = ids(report.nodes.filter((load) => !isGood(load)));
    return joined(report, await this.broadcast({ ...job, nodes, isEverybody: false }));
  }
  private broadcast(job: LoadJob): Promise<LoadReport> {
    this.session = (this.session + 1) & 0xff;
    const isEverybody = job.isEverybody ?? this.link.transport.isOneNode ?? false;
    return new Broadcast(this.requests, { ...job, isEverybody }, this.session).run();
  }
}
