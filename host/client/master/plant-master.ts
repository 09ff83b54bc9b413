// A master that keeps a bus as its manifest says: nodes that appear are brought up to date, nodes that differ are reported or repaired.

import { ManifestSelect } from "../../../assembly/spec/manifest.ts";
import type { Request } from "../../formats/frame.ts";
import type { PlantNode } from "../../formats/plant.ts";
import type { Present } from "../bus/census.ts";
import type { BusMaster } from "../bus/master.ts";
import { looksRight, observe } from "./observe.ts";
import { type Member, type PlantMasterOptions, Roster } from "./roster.ts";
import { StartUp } from "./start-up.ts";

/** HELLOs of nodes that are switched on together come within this. */
const GATHER_US = 3_000;
/** HELLOs that come this soon behind a CENSUS, of any master, are answers to it. */
const ANSWERS_US = 200_000;
/** Between two passes without news. */
const PASS_MS = 5_000;
/** Between two looks at whether the end of a pause was asked for. */
const LOOK_MS = 50;

export class PlantMaster {
  /** Nodes that were there, and up to date, in the last pass. */
  private readonly known = new Set<number>();
  /** When somebody asked all nodes for their HELLO, which is then no news; infinite: this master does. */
  private asked_us = Number.NEGATIVE_INFINITY;
  private readonly roster: Roster;
  private readonly startUp: StartUp;

  /** Nodes of the manifest that the last pass found, and those that it missed. */
  present = 0;
  lacking: readonly PlantNode[] = [];

  constructor(
    private readonly master: BusMaster,
    private readonly options: PlantMasterOptions,
  ) {
    this.roster = new Roster(master, options);
    this.startUp = new StartUp(this.roster);
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
          await this.master.listen(LOOK_MS, () => hasNews || signal.aborted);
        if (hasNews) await link.quiet((f) => f.kind === "hello", GATHER_US, 10 * GATHER_US);
      }
    } finally {
      stop();
    }
  }

  /** Looks at every node once and does what is to be done. Returns whether all that are there are as they should be. */
  async pass(): Promise<boolean> {
    const before = new Set(this.known);
    const present = await this.census();
    this.noteLost(before, present);
    const members = await this.roster.membersOf(present, before);
    await this.startUp.hold(members);
    const haveAnswered = await this.observe(members);
    const isRight = await this.startUp.run(members);
    for (const { present: p } of members) this.known.add(p.node);
    this.present = members.length;
    // at the other end of a line to one node there is no other
    this.lacking = this.master.link.transport.isOneNode ? [] : this.missing(members);
    const isWhole = isRight && this.lacking.length === 0 && haveAnswered;
    if (isWhole && members.some(({ isNew }) => isNew))
      this.roster.tell("converged", `all ${members.length} nodes are as the manifest says`);
    return isWhole;
  }
  private async census(): Promise<Present[]> {
    this.asked_us = Number.POSITIVE_INFINITY;
    const present = await this.master.census(1);
    this.asked_us = this.master.link.now_us;
    return present;
  }
  /** Asks nodes whose HELLO does not say that all is well how they stand. Returns whether all have answered. */
  private async observe(members: readonly Member[]): Promise<boolean> {
    const open = members.filter(
      (m) => !looksRight(m.present, m.wanted) || this.roster.lacksValues(m),
    );
    const outcomes = await this.master.each(
      open.map(({ present: p }) => p.node),
      async (node) => {
        const member = open.find((m) => m.present.node === node.id) as Member;
        member.standing = await observe(node, member.present, member.wanted);
      },
    );
    for (const outcome of outcomes) if ("error" in outcome) this.roster.refused(outcome);
    return outcomes.every((o) => "value" in o);
  }

  /** Nodes of the manifest, chosen by id or UID, that are not there. */
  private missing(members: readonly { readonly wanted: PlantNode }[]): PlantNode[] {
    const there = new Set(members.map(({ wanted }) => wanted));
    return this.options.plant.nodes.filter(
      (node) => node.select.kind !== ManifestSelect.ROLE && !there.has(node),
    );
  }

  // ---- Who comes and goes ----

  /** Two masters would undo what the other does. */
  private noteOther({ master, verb }: Request): void {
    if (verb === "CENSUS") this.asked_us = this.master.link.now_us;
    if (master === this.master.requests.master || !["BEGIN", "BOOT"].includes(verb)) return;
    if (this.roster.isNews(0, `master ${master}`))
      this.roster.tell("other-master", `master ${master} changes nodes, too`, {
        remedy: "end one of the two: hsx monitor shows what it does",
      });
  }
  /** A node that was switched on is brought up to date. */
  private forget(node: number): void {
    this.known.delete(node);
    this.roster.forget(node);
  }
  private noteLost(before: ReadonlySet<number>, present: readonly Present[]): void {
    for (const node of before) {
      if (present.some((p) => p.node === node)) continue;
      this.forget(node);
      this.roster.tell("lost", "it does not answer any more", { node });
    }
  }
}
