// A master that keeps a bus as its manifest says: nodes that appear are brought up to date, nodes that differ are reported or repaired.

import { crc32 } from "node:zlib";
import { AppState } from "../../../assembly/spec/boot.ts";
import { Err } from "../../../assembly/spec/errors.ts";
import { BootWhat, HelloFlag } from "../../../assembly/spec/frame.ts";
import { ManifestHealth, ManifestSelect } from "../../../assembly/spec/manifest.ts";
import { f16ToNumber } from "../../formats/f16.ts";
import type { Request } from "../../formats/frame.ts";
import { bootWordOf, type NodeConfig } from "../../formats/node-words.ts";
import { contentOf, type Plant, type PlantApp, type PlantNode } from "../../formats/plant.ts";
import type { BusNode } from "../bus/bus-node.ts";
import type { Present } from "../bus/census.ts";
import { hasEnded, isGood, type NodeLoad } from "../bus/load-state.ts";
import type { BusMaster } from "../bus/master.ts";
import { type Identity, identify, recordOf } from "./groups.ts";
import { appliedContents, type Journal } from "./journal.ts";
import {
  type AppStanding,
  hasStopped,
  looksRight,
  observe,
  placeFor,
  type Standing,
} from "./observe.ts";

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
interface Member {
  readonly present: Present;
  readonly wanted: PlantNode;
  /** It has appeared since the last pass: it is brought up to date. */
  readonly isNew: boolean;
  standing: Standing | undefined;
}

/** One image for nodes that lack it, all in the same way. */
interface Batch {
  readonly app: PlantApp;
  readonly place: "ram" | "slot";
  readonly members: Member[];
}

/** HELLOs of nodes that are switched on together come within this. */
const GATHER_US = 3_000;
/** HELLOs that come this soon behind a CENSUS, of any master, are answers to it. */
const ANSWERS_US = 200_000;
/** Between two looks at the health of apps. */
const HEALTH_LOOK_MS = 50;
/** An app without a limit counts as unwell for the start of others after this. */
const HEALTH_MOST_MS = 60_000;
/** Before all groups. */
const NO_GROUP = -1;
/** Between two passes without news. */
const PASS_MS = 5_000;

export class PlantMaster {
  /** Nodes that were there, and up to date, in the last pass. */
  private readonly known = new Set<number>();
  private readonly uids = new Map<number, string>();
  private readonly applied: Map<string, number>;
  /** When somebody asked all nodes for their HELLO, which is then no news; infinite: this master does. */
  private asked_us = Number.NEGATIVE_INFINITY;
  /** What was told of each node since it appeared, so that it is told once. */
  private readonly told = new Map<number, Set<string>>();

  /** Nodes of the manifest that the last pass found, and those that it missed. */
  present = 0;
  lacking: readonly PlantNode[] = [];

  constructor(
    private readonly master: BusMaster,
    private readonly options: PlantMasterOptions,
  ) {
    const { journal, plant } = options;
    this.applied = appliedContents(journal);
    journal.append({ kind: "begin", plant: plant.name, version: plant.version });
  }

  private tell(
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

  // ---- Passes ----

  /** Goes on until `signal`: a pass whenever a node says HELLO unasked, and every few seconds. */
  async run(signal: AbortSignal): Promise<void> {
    const { link } = this.master;
    let hasNews = false;
    const stop = link.listen((frame) => {
      if (frame.kind === "request") return this.noteOther(frame);
      if (frame.kind !== "hello" || link.now_us - this.asked_us < ANSWERS_US) return;
      hasNews = true;
      this.forget(frame.node);
    });
    try {
      while (!signal.aborted) {
        await this.pass();
        hasNews = false;
        const end_us = link.now_us + PASS_MS * 1000;
        while (!hasNews && !signal.aborted && link.now_us < end_us)
          await this.master.listen(HEALTH_LOOK_MS, () => hasNews || signal.aborted);
        if (hasNews) await link.quiet((f) => f.kind === "hello", GATHER_US, 10 * GATHER_US);
      }
    } finally {
      stop();
    }
  }

  /** Looks at every node once and does what is to be done. Returns whether all that are there are as they should be. */
  async pass(): Promise<boolean> {
    const before = new Set(this.known);
    this.asked_us = Number.POSITIVE_INFINITY;
    const present = await this.master.census(1);
    this.asked_us = this.master.link.now_us;
    this.noteLost(before, present);
    const members = await this.membersOf(present, before);
    await this.hold(members);
    const open = members.filter((m) => !looksRight(m.present, m.wanted) || this.lacksValues(m));
    const outcomes = await this.master.each(
      open.map(({ present: p }) => p.node),
      async (node) => {
        const member = open.find((m) => m.present.node === node.id) as Member;
        member.standing = await observe(node, member.present, member.wanted);
      },
    );
    for (const outcome of outcomes) if ("error" in outcome) this.refused(outcome);
    const isRight = await this.startUp(members);
    for (const { present: p } of members) this.known.add(p.node);
    this.present = members.length;
    // at the other end of a line to one node there is no other
    this.lacking = this.master.link.transport.isOneNode ? [] : this.missing(members);
    const isWhole = isRight && this.lacking.length === 0 && outcomes.every((o) => "value" in o);
    if (isWhole && members.some(({ isNew }) => isNew))
      this.tell("converged", `all ${members.length} nodes are as the manifest says`);
    return isWhole;
  }

  /** Nodes of the manifest, chosen by id or UID, that are not there. */
  private missing(members: readonly { readonly wanted: PlantNode }[]): PlantNode[] {
    const there = new Set(members.map(({ wanted }) => wanted));
    return this.options.plant.nodes.filter(
      (node) => node.select.kind !== ManifestSelect.ROLE && !there.has(node),
    );
  }

  /** Two masters would undo what the other does. */
  private noteOther({ master, verb }: Request): void {
    if (verb === "CENSUS") this.asked_us = this.master.link.now_us;
    if (master === this.master.requests.master || !["BEGIN", "BOOT"].includes(verb)) return;
    if (this.isNews(0, `master ${master}`))
      this.tell("other-master", `master ${master} changes nodes, too`, {
        remedy: "end one of the two: hsx monitor shows what it does",
      });
  }
  /** A node that was switched on is brought up to date. */
  private forget(node: number): void {
    this.known.delete(node);
    this.told.delete(node);
    this.uids.delete(node);
  }
  private refused({ node, error }: { node: number; error: unknown }): void {
    const { message, remedy } = error as { message: string; remedy?: string };
    if (this.isNews(node, message)) this.tell("refused", message, { node, remedy });
  }
  private noteLost(before: ReadonlySet<number>, present: readonly Present[]): void {
    for (const node of before) {
      if (present.some((p) => p.node === node)) continue;
      this.forget(node);
      this.tell("lost", "it does not answer any more", { node });
    }
  }

  // ---- Who is who ----

  private async membersOf(
    present: readonly Present[],
    before: ReadonlySet<number>,
  ): Promise<Member[]> {
    const identities = new Map<number, Identity>();
    for (const identity of await identify(this.master, this.options.plant, present)) {
      identities.set(identity.id, identity);
      if (identity.uid !== undefined) this.uids.set(identity.id, identity.uid);
    }
    return present.flatMap((p) => {
      const identity = identities.get(p.node);
      if (identity === undefined) return [];
      const wanted = recordOf(this.options.plant, identity);
      const isNew = !before.has(p.node);
      if (wanted === undefined) {
        if (this.isNews(p.node, "unknown"))
          this.tell("unknown", "the manifest does not know it", { node: p.node });
        return [];
      }
      const member = { present: p, wanted, isNew, standing: undefined };
      if (isNew) this.tell("found", "is there", { member });
      return [member];
    });
  }
  private async uidOf(member: Member): Promise<string> {
    const { node } = member.present;
    const known = this.uids.get(node);
    if (known !== undefined) return known;
    const uid = Buffer.from((await this.master.node(node).about()).uid).toString("hex");
    this.uids.set(node, uid);
    return uid;
  }
  private isNews(node: number, what: string): boolean {
    const told = this.told.get(node) ?? new Set();
    this.told.set(node, told);
    return told.size !== told.add(what).size;
  }

  // ---- Start-up ----

  /** Nodes that wait for a master wait on until they are told to start. */
  private async hold(members: readonly Member[]): Promise<void> {
    const waiting = members.filter(({ present: p }) => isWaiting(p));
    await this.master.each(
      waiting.map(({ present: p }) => p.node),
      (node) => node.boot(BootWhat.HOLD),
    );
    for (const member of waiting) this.tell("held", "waits for its turn", { member });
  }

  /** Group by group: images, start, health. What comes behind a group that is not well stays as it is. */
  private async startUp(members: readonly Member[]): Promise<boolean> {
    const ranks = [...new Set(members.flatMap(({ wanted }) => groupsOf(wanted)))];
    let isRight = true;
    for (const rank of ranks.sort((a, b) => a - b)) {
      isRight = (await this.bring(members, rank)) && isRight;
      await this.release(members, rank);
      await this.apply(members, rank);
      if (await this.awaitHealth(members, rank)) continue;
      this.tell("unwell", "groups behind this one are held back");
      return false;
    }
    return (await this.clear(members)) && isRight;
  }

  /** Tasks that the manifest does not know, and that nothing has taken the place of. */
  private async clear(members: readonly Member[]): Promise<boolean> {
    let isRight = true;
    for (const member of members.filter((m) => (m.standing?.strangers.length ?? 0) > 0)) {
      const { node } = member.present;
      const tasks = await this.master.node(node).tasks();
      for (const { pid, name } of member.standing?.strangers ?? []) {
        if (!tasks.some((t) => t.pid === pid && t.name === name)) continue;
        isRight = (await this.clearOne(member, pid, name)) && isRight;
      }
    }
    return isRight;
  }
  private async clearOne(member: Member, pid: number, name: string): Promise<boolean> {
    const what = `runs ${name}, which the manifest does not know`;
    if (!this.options.repairs) {
      const remedy = "add it to the manifest, or --repair, which ends it";
      if (this.isNews(member.present.node, what)) this.tell("differs", what, { member, remedy });
      return false;
    }
    await this.master.node(member.present.node).kill(pid);
    await this.repaired(member, name, "killed");
    return true;
  }

  private standings(members: readonly Member[], rank: number) {
    return members.flatMap((member) =>
      (member.standing?.apps ?? [])
        .filter(({ app }) => app.group === rank)
        .map((standing) => ({ member, ...standing })),
    );
  }

  /** Brings images to the nodes that lack them, one broadcast for all that take it alike. */
  private async bring(members: readonly Member[], rank: number): Promise<boolean> {
    const batches = new Map<string, Batch>();
    let isRight = true;
    for (const { member, app, task, stored } of this.standings(members, rank)) {
      const starts = stored !== undefined && isWaiting(member.present);
      if ((task !== undefined && !hasStopped(task)) || starts) continue;
      if (!this.mayChange(member, app, task === undefined ? "does not run" : "has ended")) {
        isRight = false;
        continue;
      }
      if (task !== undefined) {
        isRight = (await this.restart(member, app, task.pid)) && isRight;
        continue;
      }
      const place = placeFor(member.standing as Standing, app);
      if (place === "slot") await this.makeWay(member, app);
      const key = `${place} ${app.image.crc} ${app.groupBase} ${app.keyBase} ${app.restarts} ${app.attempts}`;
      const batch = batches.get(key) ?? { app, place, members: [] };
      batch.members.push(member);
      batches.set(key, batch);
    }
    for (const batch of batches.values())
      isRight = (await this.load(batch, members.length)) && isRight;
    return isRight;
  }

  /** What runs from memory under the app's name keeps a stored one from starting. */
  private async makeWay(member: Member, app: PlantApp): Promise<void> {
    const { strangers, slots } = member.standing as Standing;
    const isStored = (crc: number) => slots.some((slot) => slot.crc === crc);
    for (const { pid, name, imageCrc } of strangers)
      if (crc32(name) === app.image.nameHash && !isStored(imageCrc))
        await this.master.node(member.present.node).kill(pid);
  }
  /** A node that has appeared is brought up to date; one that was is changed only if asked for. */
  private mayChange(member: Member, app: PlantApp, what: string): boolean {
    if (member.isNew) return true;
    const { repairs } = this.options;
    if (!repairs && this.isNews(member.present.node, `${app.name} ${what}`))
      this.tell("differs", what, { member, app, remedy: "add --repair, which puts it right" });
    return repairs;
  }
  private async repaired(member: Member, app: string, what: string): Promise<void> {
    if (member.isNew) return;
    const uid = await this.uidOf(member);
    this.options.journal.append({ kind: "repaired", uid, app, what });
    this.tell("repaired", `${app} ${what}`, { member });
  }

  private async restart(member: Member, app: PlantApp, pid: number): Promise<boolean> {
    try {
      await this.master.node(member.present.node).restart(pid);
      await this.repaired(member, app.name, "restarted");
      return true;
    } catch (error) {
      this.refused({ node: member.present.node, error });
      return false;
    }
  }

  private async load({ app, place, members }: Batch, present: number): Promise<boolean> {
    const image = this.options.images.get(app.image.crc);
    if (image === undefined) throw new Error(`no file of ${app.name} was read`);
    const nodes = members.map(({ present: p }) => p.node).sort((a, b) => a - b);
    this.tell("loading", `${app.image.bytes} bytes to ${nodes.length} of ${present} nodes`, {
      app,
    });
    const { attempts, confirmAfter, restarts, groupBase, keyBase } = app;
    const report = await this.master.load({
      image,
      nodes,
      place,
      attempts,
      confirmAfter,
      restarts,
      groupBase,
      keyBase,
    });
    for (const load of report.nodes)
      await this.loaded(members.find((m) => m.present.node === load.node) as Member, app, load);
    return report.nodes.every(isGood);
  }
  private async loaded(member: Member, app: PlantApp, load: NodeLoad): Promise<void> {
    if (isGood(load)) {
      this.tell("loaded", load.state === "already" ? "has it already" : "runs", { member, app });
      if (load.slot !== undefined || member.standing?.slots.length) await this.setBoot(member, app);
      return this.repaired(member, app.name, "loaded");
    }
    if (!hasEnded(load) || load.code === Err.OK || load.state === "silent")
      return this.refused({ node: load.node, error: new Error("it did not take the image") });
    const subject = { kind: "image", name: app.name } as const;
    const error = await this.master
      .node(load.node)
      .refused(load.code, subject)
      .catch((failure: unknown) => failure);
    this.refused({ node: load.node, error });
  }

  /** Nodes that wait start when the first of their groups has its turn. What they store of later groups starts with it. */
  private async release(members: readonly Member[], rank: number): Promise<void> {
    const isFirst = ({ wanted }: Member) => Math.min(...groupsOf(wanted)) === rank;
    const due = members.filter((m) => isWaiting(m.present) && isFirst(m));
    await this.start(due);
  }
  private async start(due: readonly Member[]): Promise<void> {
    const outcomes = await this.master.each(
      due.map(({ present: p }) => p.node),
      (node) => node.boot(BootWhat.START),
    );
    for (const outcome of outcomes) if ("error" in outcome) this.refused(outcome);
    for (const member of due) this.tell("started", "starts what it stores", { member });
  }

  /** How a stored app comes up at power-on, if the manifest says otherwise. */
  private async setBoot(member: Member, app: PlantApp): Promise<void> {
    const { provision } = this.master.node(member.present.node);
    const { bytes, crc } = app.image;
    const slot = (await provision.slots()).find((s) => s.crc === crc && s.bytes === bytes)?.slot;
    const stored = (await provision.apps()).find(({ active }) => active === slot);
    if (slot === undefined || stored === undefined) return;
    if (bootWordOf(stored.boot) !== bootWordOf(app)) await provision.setBoot(stored.app, app);
  }

  // ---- Values ----

  private lacksValues({ present: p, wanted }: Member): boolean {
    const uid = this.uids.get(p.node);
    const isAsked = wanted.config !== undefined || wanted.apps.some((app) => app.values.length > 0);
    return isAsked && (uid === undefined || this.applied.get(uid) !== contentOf(wanted));
  }

  /** Sets the values of a group's apps, once for each content; behind a node's last group its configuration, too. */
  private async apply(members: readonly Member[], rank: number): Promise<void> {
    const due = members.filter((m) => groupsOf(m.wanted).includes(rank) && this.lacksValues(m));
    const outcomes = await this.master.each(
      due.map(({ present: p }) => p.node),
      (node) => this.applyAt(node, due.find((m) => m.present.node === node.id) as Member, rank),
    );
    for (const outcome of outcomes) if ("error" in outcome) this.refused(outcome);
  }
  private async applyAt(node: BusNode, member: Member, rank: number): Promise<void> {
    const { wanted } = member;
    const uid = await this.uidOf(member);
    if (!this.lacksValues(member)) return;
    const apps = wanted.apps.filter(({ group }) => group === rank);
    for (const { oid, bits } of apps.flatMap(({ values }) => values)) {
      await node.setValue(oid, bits);
      await node.saveValue(oid);
    }
    if (rank !== Math.max(...groupsOf(wanted))) return;
    if (wanted.config !== undefined) await this.configure(node, member, wanted.config);
    const content = contentOf(wanted);
    this.options.journal.append({ kind: "applied", uid, content });
    this.applied.set(uid, content);
    this.tell("values", "values and configuration are set", { member });
  }
  /** What could cut the node off is not changed from afar: id, bit rate and base are told. */
  private async configure(node: BusNode, member: Member, wanted: NodeConfig): Promise<void> {
    const { provision } = node;
    const now = await provision.config();
    const { role, sources, masterWait_ms, cardWait_ms } = wanted;
    const change = { role, sources, masterWait_ms, cardWait_ms };
    if (hasOther(now, change)) {
      await provision.setConfig(change);
      if ((await provision.configState()).state === AppState.TRIAL) await provision.confirmConfig();
    }
    const { id, bitRate, baseId } = wanted;
    const fixed = { ...(id && { id }), ...(bitRate && { bitRate }), ...(baseId && { baseId }) };
    if (!hasOther(now, fixed) || !this.isNews(node.id, "configuration")) return;
    const remedy = "set it at the node: hsx shell, config set";
    this.tell("differs", "it has another id, bit rate or base", { member, remedy });
  }

  // ---- Health ----

  private async isWell(member: Member, app: PlantApp): Promise<boolean> {
    const node = this.master.node(member.present.node);
    const { when, oid, min, max } = app.health;
    if (when === ManifestHealth.VALUE) {
      const value = f16ToNumber(await node.getValue(oid));
      return value >= f16ToNumber(min) && value <= f16ToNumber(max);
    }
    const { bytes, crc } = app.image;
    const task = (await node.tasks()).find((t) => t.imageCrc === crc && t.imageBytes === bytes);
    if (task === undefined || hasStopped(task)) return false;
    return when === ManifestHealth.RUNS || task.confirmed;
  }

  /** Waits until the apps of a group are well, each within its limit. False: one is not, and what comes behind must wait. */
  private async awaitHealth(members: readonly Member[], rank: number): Promise<boolean> {
    const open = this.standings(members, rank).filter(({ app }) => this.mustBeSeen(members, app));
    const begun_us = this.master.link.now_us;
    let waiting: (AppStanding & { member: Member })[] = open;
    while (waiting.length > 0) {
      const still: typeof waiting = [];
      for (const one of waiting)
        if (!(await this.isWell(one.member, one.app).catch(() => false))) still.push(one);
        else this.tell("well", "is well", one);
      waiting = still;
      const passed_ms = (this.master.link.now_us - begun_us) / 1000;
      const late = waiting.filter(
        ({ app }) => passed_ms >= (app.health.limit_ms || HEALTH_MOST_MS),
      );
      for (const one of late)
        this.tell("unwell", `is not well ${Math.round(passed_ms)} ms after its start`, {
          ...one,
          remedy: "look at the node: hsx provision status, hsx val list",
        });
      if (late.some(({ app }) => !app.health.goesOn)) return false;
      waiting = waiting.filter((one) => !late.includes(one));
      if (waiting.length > 0) await this.master.listen(HEALTH_LOOK_MS);
    }
    return true;
  }
  /** An app that merely has to run does, as its load has told; others come behind one that says how it is. */
  private mustBeSeen(members: readonly Member[], app: PlantApp): boolean {
    const isLast = members.every((m) => m.wanted.apps.every(({ group }) => group <= app.group));
    return app.health.when !== ManifestHealth.RUNS || (app.health.limit_ms > 0 && !isLast);
  }
}

/** Start groups of a node; one that no group has, if it has no apps. */
function groupsOf({ apps }: PlantNode): number[] {
  return apps.length === 0 ? [NO_GROUP] : apps.map(({ group }) => group);
}
function hasOther(now: NodeConfig, wanted: Partial<NodeConfig>): boolean {
  const keys = Object.keys(wanted) as (keyof NodeConfig)[];
  return keys.some((key) => String(now[key]) !== String(wanted[key]));
}
function isWaiting({ hello }: Present): boolean {
  return (hello.flags & HelloFlag.WAITING) !== 0;
}
