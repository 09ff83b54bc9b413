// Who is who on a bus with a manifest, and what a master has told of each node and done to it.

import { HelloFlag } from "../../../assembly/spec/frame.ts";
import { contentOf, type Plant, type PlantApp, type PlantNode } from "../../formats/plant.ts";
import type { Present } from "../bus/census.ts";
import type { BusMaster } from "../bus/master.ts";
import { type Identity, identify, recordOf } from "./groups.ts";
import { appliedContents, type Journal } from "./journal.ts";
import type { AppStanding, Standing } from "./observe.ts";

/** What a master tells of a node; `app`: what the manifest calls it. */
export type PlantEvent = {
  readonly at_us: number;
  readonly node: number | undefined;
  /** What the manifest calls the node. */
  readonly name: string | undefined;
  readonly app: string | undefined;
  readonly kind:
    | "found"
    /** it is on the bus, and not in the manifest */
    | "unknown"
    | "lost"
    | "held"
    | "loading"
    | "loaded"
    | "started"
    | "values"
    | "well"
    | "unwell"
    | "differs"
    | "repaired"
    | "refused"
    | "other-master"
    | "converged";
  /** In words. */
  readonly text: string;
  readonly remedy?: string | undefined;
};

export interface PlantMasterOptions {
  readonly plant: Plant;
  /** Files of images by their CRC-32. */
  readonly images: ReadonlyMap<number, Uint8Array>;
  readonly journal: Journal;
  /** What differs at a node that was up to date is put right; otherwise it is reported. */
  readonly repairs: boolean;
  tell(event: PlantEvent): void;
}

/** A node of the bus that the manifest has. */
export interface Member {
  readonly present: Present;
  readonly wanted: PlantNode;
  /** It has appeared since the last pass: it is brought up to date. */
  readonly isNew: boolean;
  standing: Standing | undefined;
}

/** An app that a node of the manifest should run, and how it stands there. */
export type MemberApp = AppStanding & { readonly member: Member };

/** The apps of a start group at nodes that were asked how they stand. */
export function appsOfGroup(members: readonly Member[], rank: number): MemberApp[] {
  return members.flatMap((member) =>
    (member.standing?.apps ?? [])
      .filter(({ app }) => app.group === rank)
      .map((standing) => ({ member, ...standing })),
  );
}

/** Whether a node waits for a master that tells it to start. */
export function isWaiting({ present: p }: Member): boolean {
  return (p.hello.flags & HelloFlag.WAITING) !== 0;
}

/** What a master knows of the nodes of its bus from pass to pass. */
export class Roster {
  private readonly uids = new Map<number, string>();
  /** The content that was set last at each node, by UID. */
  private readonly contents: Map<string, number>;
  /** What was told of each node since it appeared, so that it is told once. */
  private readonly told = new Map<number, Set<string>>();

  constructor(
    readonly master: BusMaster,
    readonly options: PlantMasterOptions,
  ) {
    const { journal, plant } = options;
    this.contents = appliedContents(journal);
    journal.append({ kind: "begin", plant: plant.name, version: plant.version });
  }

  // ---- Who is who ----

  /** The nodes of a census that the manifest has; those not in `before` are new. */
  async membersOf(present: readonly Present[], before: ReadonlySet<number>): Promise<Member[]> {
    const identities = new Map<number, Identity>();
    for (const identity of await identify(this.master, this.options.plant, present)) {
      identities.set(identity.id, identity);
      if (identity.uid !== undefined) this.uids.set(identity.id, identity.uid);
    }
    return present.flatMap((p) => {
      const identity = identities.get(p.node);
      return identity === undefined ? [] : this.memberOf(p, identity, !before.has(p.node));
    });
  }
  private memberOf(present: Present, identity: Identity, isNew: boolean): Member[] {
    const wanted = recordOf(this.options.plant, identity);
    if (wanted === undefined) {
      if (this.isNews(present.node, "unknown"))
        this.tell("unknown", "the manifest does not know it", { node: present.node });
      return [];
    }
    const member = { present, wanted, isNew, standing: undefined };
    if (isNew) this.tell("found", "is there", { member });
    return [member];
  }
  /** UID of a node in hexadecimal; it is asked once. */
  async uidOf(member: Member): Promise<string> {
    const { node } = member.present;
    const known = this.uids.get(node);
    if (known !== undefined) return known;
    const uid = Buffer.from((await this.master.node(node).about()).uid).toString("hex");
    this.uids.set(node, uid);
    return uid;
  }
  /** Of a node that goes or comes nothing is known but what the journal has. */
  forget(node: number): void {
    this.told.delete(node);
    this.uids.delete(node);
  }

  // ---- What is told ----

  tell(
    kind: PlantEvent["kind"],
    text: string,
    of: { member?: Member; node?: number; app?: PlantApp; remedy?: string | undefined } = {},
  ): void {
    const { member, app, remedy } = of;
    this.options.tell({
      at_us: this.master.link.now_us,
      node: member?.present.node ?? of.node,
      name: member?.wanted.name,
      app: app?.name,
      kind,
      text,
      remedy,
    });
  }
  /** Whether this was not told of the node yet; it counts as told then. */
  isNews(node: number, what: string): boolean {
    const told = this.told.get(node) ?? new Set();
    this.told.set(node, told);
    return told.size !== told.add(what).size;
  }
  /** Tells what a node said no to, once. */
  refused({ node, error }: { node: number; error: unknown }): void {
    const { message, remedy } = error as { message: string; remedy?: string };
    if (this.isNews(node, message)) this.tell("refused", message, { node, remedy });
  }

  // ---- What is done ----

  /** Notes that a node which was up to date before was put right. */
  async repaired(member: Member, app: string, what: string): Promise<void> {
    if (member.isNew) return;
    const uid = await this.uidOf(member);
    this.options.journal.append({ kind: "repaired", uid, app, what });
    this.tell("repaired", `${app} ${what}`, { member });
  }
  /** Whether values or configuration that the manifest has were not set at the node yet. */
  lacksValues({ present: p, wanted }: Member): boolean {
    const uid = this.uids.get(p.node);
    const isAsked = wanted.config !== undefined || wanted.apps.some((app) => app.values.length > 0);
    return isAsked && (uid === undefined || this.contents.get(uid) !== contentOf(wanted));
  }
  /** Notes that all values and the configuration are set at the node. */
  applied(member: Member, uid: string): void {
    const content = contentOf(member.wanted);
    this.options.journal.append({ kind: "applied", uid, content });
    this.contents.set(uid, content);
    this.tell("values", "values and configuration are set", { member });
  }
}
