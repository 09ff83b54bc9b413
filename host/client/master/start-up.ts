// Start-up group by group: images, start, values, health; what comes behind a group that is not well waits.

import { AppState } from "../../../assembly/spec/boot.ts";
import { BootWhat } from "../../../assembly/spec/frame.ts";
import { ManifestHealth } from "../../../assembly/spec/manifest.ts";
import { f16ToNumber } from "../../formats/f16.ts";
import type { NodeConfig } from "../../formats/node-words.ts";
import type { PlantApp, PlantNode } from "../../formats/plant.ts";
import { BusError } from "../bus/bus-error.ts";
import type { BusNode } from "../bus/bus-node.ts";
import { AppLoader } from "./app-loader.ts";
import { hasStopped } from "./observe.ts";
import { appsOfGroup, isWaiting, type Member, type MemberApp, type Roster } from "./roster.ts";

/** Between two looks at the health of apps. */
const HEALTH_LOOK_MS = 50;
/** An app without a limit counts as unwell for the start of others after this. */
const HEALTH_MOST_MS = 60_000;
/** Between two looks whether a node has started what it stores, or saved what was set, and how long that may take. */
const LOOK_MS = 10;
const START_MOST_MS = 5_000;
const SAVE_MOST_MS = 5_000;
/** Before all groups. */
const NO_GROUP = -1;

/** Start groups of a node; one that no group has, if it has no apps. */
function groupsOf({ apps }: PlantNode): number[] {
  return apps.length === 0 ? [NO_GROUP] : apps.map(({ group }) => group);
}
function hasOther(now: NodeConfig, wanted: Partial<NodeConfig>): boolean {
  const keys = Object.keys(wanted) as (keyof NodeConfig)[];
  return keys.some((key) => String(now[key]) !== String(wanted[key]));
}
/** An app that merely has to run does, as its load has told; others come behind one that says how it is. */
function mustBeSeen(members: readonly Member[], app: PlantApp): boolean {
  const isLast = members.every((m) => m.wanted.apps.every(({ group }) => group <= app.group));
  return app.health.when !== ManifestHealth.RUNS || (app.health.limit_ms > 0 && !isLast);
}
async function isWell(node: BusNode, app: PlantApp): Promise<boolean> {
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

export class StartUp {
  private readonly loader: AppLoader;

  constructor(private readonly roster: Roster) {
    this.loader = new AppLoader(roster);
  }

  // ---- Groups ----

  /** Nodes that wait for a master wait on until they are told to start. */
  async hold(members: readonly Member[]): Promise<void> {
    const waiting = members.filter(isWaiting);
    await this.roster.master.each(
      waiting.map(({ present: p }) => p.node),
      (node) => node.boot(BootWhat.HOLD),
    );
    for (const member of waiting) this.roster.tell("held", "waits for its turn", { member });
  }
  /** Group by group: images, start, values, health. What comes behind a group that is not well stays as it is. */
  async run(members: readonly Member[]): Promise<boolean> {
    const ranks = [...new Set(members.flatMap(({ wanted }) => groupsOf(wanted)))];
    let isRight = true;
    for (const rank of ranks.sort((a, b) => a - b)) {
      const due = this.dueAt(members, rank);
      // a node that waits takes images into memory; its slots are its start-up's until that has ended
      const early = due.filter((member) => this.loader.stores(member));
      await this.start(early);
      isRight = (await this.loader.bring(members, rank)) && isRight;
      await this.start(due.filter((member) => !early.includes(member)));
      await this.awaitStarted(members, rank);
      isRight = (await this.apply(members, rank)) && isRight;
      if (await this.awaitHealth(members, rank)) continue;
      this.roster.tell("unwell", "groups behind this one are held back");
      return false;
    }
    return (await this.loader.clear(members)) && isRight;
  }
  /** Nodes that wait start when the first of their groups has its turn. What they store of later groups starts with it. */
  private dueAt(members: readonly Member[], rank: number): Member[] {
    const isFirst = ({ wanted }: Member) => Math.min(...groupsOf(wanted)) === rank;
    return members.filter((m) => isWaiting(m) && isFirst(m));
  }
  private async start(due: readonly Member[]): Promise<void> {
    const outcomes = await this.roster.master.each(
      due.map(({ present: p }) => p.node),
      (node) => node.boot(BootWhat.START),
    );
    for (const outcome of outcomes) if ("error" in outcome) this.roster.refused(outcome);
    for (const member of due) this.roster.tell("started", "starts what it stores", { member });
  }

  /** What a group has in slots runs some time after its node was told to start; nothing can be set before. */
  private async awaitStarted(members: readonly Member[], rank: number): Promise<void> {
    const { master } = this.roster;
    const end_us = master.link.now_us + START_MOST_MS * 1000;
    const runs = async ({ member, app }: MemberApp) => {
      const tasks = await master.node(member.present.node).tasks();
      return tasks.some(({ imageCrc }) => imageCrc === app.image.crc);
    };
    for (const one of appsOfGroup(members, rank)) {
      if (one.stored === undefined || !isWaiting(one.member)) continue;
      while (!(await runs(one).catch(() => false)) && master.link.now_us < end_us)
        await master.listen(LOOK_MS);
    }
  }

  // ---- Values ----

  /** Sets the values of a group's apps, once for each content; behind a node's last group its configuration, too. False: not all could be. */
  private async apply(members: readonly Member[], rank: number): Promise<boolean> {
    const due = members.filter(
      (m) => groupsOf(m.wanted).includes(rank) && this.roster.lacksValues(m),
    );
    const outcomes = await this.roster.master.each(
      due.map(({ present: p }) => p.node),
      (node) => this.applyAt(node, due.find((m) => m.present.node === node.id) as Member, rank),
    );
    for (const outcome of outcomes) if ("error" in outcome) this.roster.refused(outcome);
    return outcomes.every((outcome) => "value" in outcome);
  }
  private async applyAt(node: BusNode, member: Member, rank: number): Promise<void> {
    const { wanted } = member;
    const uid = await this.roster.uidOf(member);
    if (!this.roster.lacksValues(member)) return;
    const apps = wanted.apps.filter(({ group }) => group === rank);
    const values = apps.flatMap((app) => app.values);
    for (const { oid, bits } of values) {
      await node.setValue(oid, bits);
      await node.saveValue(oid);
    }
    if (values.length > 0) await this.awaitSaved(node, new Set(values.map(({ oid }) => oid)));
    if (rank !== Math.max(...groupsOf(wanted))) return;
    if (wanted.config !== undefined) await this.configure(node, member, wanted.config);
    this.roster.applied(member, uid);
  }
  /** What is noted as set must be there after a power cut. Throws a BusError when a node does not save. */
  private async awaitSaved(node: BusNode, oids: ReadonlySet<number>): Promise<void> {
    const { master } = this.roster;
    const end_us = master.link.now_us + SAVE_MOST_MS * 1000;
    const isOpen = async () =>
      (await node.values()).some(({ oid, isDirty }) => oids.has(oid) && isDirty);
    while (await isOpen()) {
      if (master.link.now_us >= end_us)
        throw new BusError(
          "not-saved",
          `node ${node.id} has not saved its values ${SAVE_MOST_MS / 1000} s after they were set`,
          "look at its store: hsx shell, store; they are set again at the next look",
          node.id,
        );
      await master.listen(LOOK_MS);
    }
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
    if (!hasOther(now, fixed) || !this.roster.isNews(node.id, "configuration")) return;
    const remedy = "set it at the node: hsx shell, config set";
    this.roster.tell("differs", "it has another id, bit rate or base", { member, remedy });
  }

  // ---- Health ----

  /** Waits until the apps of a group are well, each within its limit. False: one is not, and what comes behind must wait. */
  private async awaitHealth(members: readonly Member[], rank: number): Promise<boolean> {
    const { master } = this.roster;
    const begun_us = master.link.now_us;
    let waiting = appsOfGroup(members, rank).filter(({ app }) => mustBeSeen(members, app));
    while (waiting.length > 0) {
      const unwell = await this.unwellOf(waiting);
      const passed_ms = (master.link.now_us - begun_us) / 1000;
      const isLate = ({ app }: MemberApp) => passed_ms >= (app.health.limit_ms || HEALTH_MOST_MS);
      const late = unwell.filter(isLate);
      for (const one of late) this.tellLate(one, passed_ms);
      if (late.some(({ app }) => !app.health.goesOn)) return false;
      waiting = unwell.filter((one) => !isLate(one));
      if (waiting.length > 0) await master.listen(HEALTH_LOOK_MS);
    }
    return true;
  }
  /** Looks at apps one by one, and tells of those that are well. */
  private async unwellOf(apps: readonly MemberApp[]): Promise<MemberApp[]> {
    const unwell: MemberApp[] = [];
    for (const one of apps) {
      const node = this.roster.master.node(one.member.present.node);
      if (await isWell(node, one.app).catch(() => false)) this.roster.tell("well", "is well", one);
      else unwell.push(one);
    }
    return unwell;
  }
  private tellLate(one: MemberApp, passed_ms: number): void {
    this.roster.tell("unwell", `is not well ${Math.round(passed_ms)} ms after its start`, {
      ...one,
      remedy: "look at the node: hsx provision status, hsx val list",
    });
  }
}
