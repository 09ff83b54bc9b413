// What hsx load tells: who would get an image, how far each node is, and how it went.

import { Err } from "../../../assembly/spec/errors.ts";
import type { LoadReport } from "../../client/bus/load.ts";
import { isGood, type NodeLoad } from "../../client/bus/load-state.ts";
import type { BusMaster } from "../../client/bus/master.ts";
import { count, plural } from "../../formats/text.ts";
import { Exit, Failure, failureOf } from "../exit.ts";
import { fileCrc } from "../image.ts";
import { secondsText } from "../numbers.ts";
import type { Context } from "../program.ts";
import { errName } from "../words.ts";
import { partialExit } from "./bus-host.ts";

/** What is loaded. */
export interface LoadSubject {
  readonly file: string;
  readonly image: Uint8Array;
  /** Kept in a slot. */
  readonly isStored: boolean;
}

const WORDS: Record<NodeLoad["state"], string> = {
  waiting: "waiting",
  clearing: "making room",
  receiving: "receiving",
  checking: "checking",
  prepared: "prepared",
  starting: "starting",
  complete: "complete",
  already: "has it already",
  refused: "refused",
  aborted: "aborted",
  silent: "no answer",
};

/** How far a node is, for programs. */
export function loadData({ node, state, code, pid, slot, bytes }: NodeLoad) {
  const name = code === Err.OK ? null : errName(code);
  return { node, state, code: name, pid: pid ?? null, slot: slot ?? null, bytes };
}
/** How far a node is, in a line. */
export function loadText(load: NodeLoad): string {
  const { node, state, pid, slot } = load;
  const where = pid !== undefined ? `, task ${pid}` : slot !== undefined ? `, slot ${slot}` : "";
  return `node ${node}: ${WORDS[state]}${isGood(load) ? where : ""}`;
}

// ---- Before ----

/** Which nodes run the image already, from a slot if it is to be stored, and what those that do not run. */
export async function planLoad(
  master: BusMaster,
  ids: readonly number[],
  { image, isStored }: LoadSubject,
) {
  const crc = fileCrc(image);
  return master.each(ids, async (node) => {
    const tasks = await node.tasks();
    const apps = isStored ? await node.provision.apps() : [];
    const isWhereItShould = (pid: number) => !isStored || apps.some((app) => app.pid === pid);
    const hasIt = tasks.some(
      (t) => t.imageCrc === crc && t.imageBytes === image.length && isWhereItShould(t.pid),
    );
    return { hasIt, tasks: tasks.map(({ pid, name }) => ({ pid, name })) };
  });
}
export type LoadPlan = Awaited<ReturnType<typeof planLoad>>;

export function tellPlan({ out }: Context, { file, image }: LoadSubject, plan: LoadPlan): void {
  const nodes = plan.map((p) => {
    if ("error" in p) return { node: p.node, plan: "no answer", tasks: [] };
    return { node: p.node, plan: p.value.hasIt ? "has it" : "load", tasks: p.value.tasks };
  });
  const data = { file, bytes: image.length, crc: fileCrc(image), nodes };
  out.result("hsx.load.plan/1", data, () =>
    out.table(
      ["NODE", "PLAN", "RUNS"],
      nodes.map((n) => [String(n.node), n.plan, n.tasks.map((t) => t.name).join(", ")]),
    ),
  );
}

// ---- After ----

/** Why a node does not have the image. */
async function failureFor(master: BusMaster, load: NodeLoad, subject: LoadSubject) {
  if (load.state === "silent")
    return new Failure(Exit.TIMEOUT, "no-answer", `node ${load.node} does not answer`, {
      remedy:
        "hsx scan lists who is there; look at its power and cable, then hsx load again sends only what it lacks",
    });
  if (load.state !== "refused" || load.code === Err.OK)
    return new Failure(Exit.FAILED, "aborted", `the load was given up at node ${load.node}`, {
      remedy: "it runs what it ran before; load again",
    });
  return refusalFor(master, load, subject);
}

/** Why a node refused the image. */
async function refusalFor(
  master: BusMaster,
  { node, code }: NodeLoad,
  { file, image, isStored }: LoadSubject,
) {
  if (isStored && code === Err.NOT_FOUND)
    return new Failure(Exit.DOES_NOT_FIT, "no-slot", `it has no slot to keep ${file} in`, {
      remedy: `make some: hsx provision format 3 8192 --nodes ${node}; or load without --slot, into memory`,
    });
  try {
    const subject = { kind: "image", name: file, image } as const;
    const failure = failureOf(await master.node(node).refused(code, subject));
    if (!isStored || code !== Err.APP_EXISTS) return failure;
    const remedy = "add --stop-first, which kills it before";
    return new Failure(failure.exit, failure.code, failure.message, { remedy });
  } catch (error) {
    return failureOf(error);
  }
}

function reportText(file: string, report: LoadReport): string {
  const good = report.nodes.filter(isGood).length;
  const sent = `${count(report.dataFrames)} data frames`;
  const again = report.repairFrames + report.parityFrames;
  const repair = again === 0 ? "" : `, ${count(again)} more for repair`;
  const time = secondsText(report.elapsed_us / 1000);
  return `${file}: ${good} of ${plural(report.nodes.length, "node")} in ${time}, ${sent}${repair}`;
}

function reportData({ file, image }: LoadSubject, report: LoadReport) {
  const { nodes, dataFrames, repairFrames, parityFrames, transfer_us, elapsed_us } = report;
  return {
    file,
    bytes: image.length,
    crc: fileCrc(image),
    nodes: nodes.map(loadData),
    data_frames: dataFrames,
    repair_frames: repairFrames,
    parity_frames: parityFrames,
    transfer_us: Math.round(transfer_us),
    elapsed_us: Math.round(elapsed_us),
  };
}

/** Tells how it went at every node, and why at those that do not have the image; the exit code follows. */
export async function tellReport(
  context: Context,
  master: BusMaster,
  subject: LoadSubject,
  report: LoadReport,
): Promise<void> {
  const { out } = context;
  const bad = report.nodes.filter((load) => !isGood(load));
  const failures = await Promise.all(bad.map((load) => failureFor(master, load, subject)));
  out.result("hsx.load.report/1", reportData(subject, report), () =>
    reportText(subject.file, report),
  );
  failures.forEach((failure, n) => {
    out.error(failure, `node ${bad[n]?.node}`);
  });
  context.exit = partialExit(failures, report.nodes.length);
}
