// Brings apps to the nodes that lack them: loads images, restarts what has ended, ends what the manifest does not know.

import { crc32 } from "node:zlib";
import { Err } from "../../../assembly/spec/errors.ts";
import { bootWordOf } from "../../formats/node-words.ts";
import type { PlantApp } from "../../formats/plant.ts";
import { hasEnded, isGood, type NodeLoad } from "../bus/load-state.ts";
import { hasStopped, placeFor, type Standing } from "./observe.ts";
import { appsOfGroup, isWaiting, type Member, type MemberApp, type Roster } from "./roster.ts";

/** One image for nodes that lack it, all in the same way. */
interface Batch {
  readonly app: PlantApp;
  readonly place: "ram" | "slot";
  readonly members: Member[];
}

/** Nodes whose loads differ in nothing of this share a broadcast. */
function batchKey(place: Batch["place"], app: PlantApp): string {
  return `${place} ${app.image.crc} ${app.groupBase} ${app.keyBase} ${app.restarts} ${app.attempts}`;
}

export class AppLoader {
  constructor(private readonly roster: Roster) {}

  // ---- What a group lacks ----

  /** Whether a node is to have images in slots that it does not have there. */
  stores({ standing }: Member): boolean {
    return (standing?.apps ?? []).some(
      ({ app, task, stored }) =>
        task === undefined &&
        stored === undefined &&
        placeFor(standing as Standing, app) === "slot",
    );
  }
  /** Brings images to the nodes that lack them, one broadcast for all that take it alike. False: not all could be. */
  async bring(members: readonly Member[], rank: number): Promise<boolean> {
    const batches = new Map<string, Batch>();
    let isRight = true;
    for (const one of appsOfGroup(members, rank))
      isRight = (await this.prepare(one, batches)) && isRight;
    for (const batch of batches.values())
      isRight = (await this.load(batch, members.length)) && isRight;
    return isRight;
  }
  /** Restarts an app that has ended; one that does not run gets a place in `batches`. */
  private async prepare(
    { member, app, task, stored }: MemberApp,
    batches: Map<string, Batch>,
  ): Promise<boolean> {
    const starts = stored !== undefined && isWaiting(member);
    if ((task !== undefined && !hasStopped(task)) || starts) return true;
    if (!this.mayChange(member, app, task === undefined ? "does not run" : "has ended"))
      return false;
    if (task !== undefined) return this.restart(member, app, task.pid);
    const place = placeFor(member.standing as Standing, app);
    if (place === "slot") await this.makeWay(member, app);
    const key = batchKey(place, app);
    const batch = batches.get(key) ?? { app, place, members: [] };
    batch.members.push(member);
    batches.set(key, batch);
    return true;
  }
  /** What runs from memory under the app's name keeps a stored one from starting. */
  private async makeWay(member: Member, app: PlantApp): Promise<void> {
    const { strangers, slots } = member.standing as Standing;
    const isStored = (crc: number) => slots.some((slot) => slot.crc === crc);
    for (const { pid, name, imageCrc } of strangers)
      if (crc32(name) === app.image.nameHash && !isStored(imageCrc))
        await this.roster.master.node(member.present.node).kill(pid);
  }
  /** A node that has appeared is brought up to date; one that was is changed only if asked for. */
  private mayChange(member: Member, app: PlantApp, what: string): boolean {
    if (member.isNew) return true;
    const { repairs } = this.roster.options;
    if (!repairs && this.roster.isNews(member.present.node, `${app.name} ${what}`))
      this.roster.tell("differs", what, {
        member,
        app,
        remedy: "add --repair, which puts it right",
      });
    return repairs;
  }

  // ---- Loading ----

  private async restart(member: Member, app: PlantApp, pid: number): Promise<boolean> {
    try {
      await this.roster.master.node(member.present.node).restart(pid);
      await this.roster.repaired(member, app.name, "restarted");
      return true;
    } catch (error) {
      this.roster.refused({ node: member.present.node, error });
      return false;
    }
  }

  private async load({ app, place, members }: Batch, present: number): Promise<boolean> {
    const image = this.roster.options.images.get(app.image.crc);
    if (image === undefined) throw new Error(`no file of ${app.name} was read`);
    const nodes = members.map(({ present: p }) => p.node).sort((a, b) => a - b);
    this.roster.tell("loading", `${app.image.bytes} bytes to ${nodes.length} of ${present} nodes`, {
      app,
    });
    const { attempts, confirmAfter, restarts, groupBase, keyBase } = app;
    const report = await this.roster.master.load({
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
      this.roster.tell("loaded", load.state === "already" ? "has it already" : "runs", {
        member,
        app,
      });
      if (load.slot !== undefined || member.standing?.slots.length) await this.setBoot(member, app);
      return this.roster.repaired(member, app.name, "loaded");
    }
    if (!hasEnded(load) || load.code === Err.OK || load.state === "silent")
      return this.roster.refused({
        node: load.node,
        error: new Error("it did not take the image"),
      });
    const subject = { kind: "image", name: app.name } as const;
    const error = await this.roster.master
      .node(load.node)
      .refused(load.code, subject)
      .catch((failure: unknown) => failure);
    this.roster.refused({ node: load.node, error });
  }
  /** How a stored app comes up at power-on, if the manifest says otherwise. */
  private async setBoot(member: Member, app: PlantApp): Promise<void> {
    const { provision } = this.roster.master.node(member.present.node);
    const { bytes, crc } = app.image;
    const slot = (await provision.slots()).find((s) => s.crc === crc && s.bytes === bytes)?.slot;
    const stored = (await provision.apps()).find(({ active }) => active === slot);
    if (slot === undefined || stored === undefined) return;
    if (bootWordOf(stored.boot) !== bootWordOf(app)) await provision.setBoot(stored.app, app);
  }

  // ---- What is too much ----

  /** Tasks that the manifest does not know, and that nothing has taken the place of. */
  async clear(members: readonly Member[]): Promise<boolean> {
    let isRight = true;
    for (const member of members.filter((m) => (m.standing?.strangers.length ?? 0) > 0)) {
      const { node } = member.present;
      const tasks = await this.roster.master.node(node).tasks();
      for (const { pid, name } of member.standing?.strangers ?? []) {
        if (!tasks.some((t) => t.pid === pid && t.name === name)) continue;
        isRight = (await this.clearOne(member, pid, name)) && isRight;
      }
    }
    return isRight;
  }
  private async clearOne(member: Member, pid: number, name: string): Promise<boolean> {
    const what = `runs ${name}, which the manifest does not know`;
    if (!this.roster.options.repairs) {
      const remedy = "add it to the manifest, or --repair, which ends it";
      if (this.roster.isNews(member.present.node, what))
        this.roster.tell("differs", what, { member, remedy });
      return false;
    }
    await this.roster.master.node(member.present.node).kill(pid);
    await this.roster.repaired(member, name, "killed");
    return true;
  }
}
