// What a node runs and stores, and where it came from: provision status.

import { Source } from "../../../assembly/spec/boot.ts";
import { Err } from "../../../assembly/spec/errors.ts";
import { Profile } from "../../../assembly/spec/limits.ts";
import { StartState } from "../../../assembly/spec/node.ts";
import type {
  AppInfo,
  SlotInfo,
  StartInfo,
  StoredSlotInfo,
  TaskInfo,
} from "../../client/records.ts";
import { explain, NO_REFUSAL, type Subject } from "../../client/refusal.ts";
import { count, hex, plural } from "../../formats/text.ts";
import { appRecordData, appStateText, bootText, sourceText } from "../boot-text.ts";
import type { Output } from "../output.ts";
import { stateText } from "../symbols.ts";
import { wearData, wearText } from "../wear-text.ts";
import { errName, memberText, storeStateText } from "../words.ts";
import type { NodeContext } from "./node-host.ts";

/** The order of a node that was not told one, SOURCES_DEFAULT. */
const DEFAULT_ORDER = [Source.HOST, Source.SD, Source.CAN, Source.SERIAL];
const CARD: Subject = { kind: "node", name: "the card" };

// ---- As data ----

/** Where the image of tasks came from: the source of the first, and the slot if it was stored. */
function sourceOf(apps: readonly AppInfo[], tasks: readonly TaskInfo[]): string {
  const [first] = tasks;
  if (first !== undefined && first.source !== Source.STORED) return sourceText(first.source);
  const stored = apps.find((a) => tasks.some((t) => t.pid === a.pid));
  return stored === undefined ? "none" : `slot ${stored.active}`;
}
/** The rule by which it came from there, where another source had the app, too. */
function ruleOf(apps: readonly AppInfo[], { name }: SlotInfo, source: string): string | null {
  const other = apps.find((a) => a.name === name && a.active !== undefined && a.pid === undefined);
  return other === undefined || source === "none"
    ? null
    : `${source} comes before what is stored: slot ${other.active} waits`;
}

/** How the start-up went, and what the card had to do with it. */
function startData(start: StartInfo, sources: readonly Source[]) {
  const { error, plant, version, apps, done, group } = start;
  const why = error === Err.OK ? undefined : explain(error, NO_REFUSAL, CARD);
  return {
    state: memberText(StartState, start.state),
    /** The order in which sources count. */
    sources: (sources.length === 0 ? DEFAULT_ORDER : sources).map(sourceText),
    plant: plant ?? null,
    version: plant === undefined ? null : version,
    apps,
    apps_done: done,
    group,
    error: error === Err.OK ? null : errName(error),
    message: why?.message ?? null,
    remedy: why?.remedy ?? null,
  };
}

function imagesData(
  { fileOf }: Pick<NodeContext, "fileOf">,
  images: readonly SlotInfo[],
  tasks: readonly TaskInfo[],
  apps: readonly AppInfo[],
) {
  return images.map((slot) => {
    const own = tasks.filter((t) => t.imageCrc === slot.crc && t.imageBytes === slot.bytes);
    return {
      name: slot.name,
      bytes: slot.bytes,
      crc: slot.crc,
      verified: slot.verified,
      source: sourceOf(apps, own),
      rule: ruleOf(apps, slot, sourceOf(apps, own)),
      tasks: own.map((t) => ({
        pid: t.pid,
        name: t.name,
        state: stateText(t),
        confirmed: t.confirmed,
        runs_from_slot: t.runsFromSlot,
        file: fileOf?.(t.pid) ?? null,
      })),
    };
  });
}

function slotsData(slots: readonly StoredSlotInfo[], apps: readonly AppInfo[]) {
  const users = (key: "active" | "fallback", slot: number) =>
    apps.filter((a) => a[key] === slot).map((a) => a.name || `app ${a.app}`);
  return slots.map(({ slot, state, name, bytes, crc, roomBytes }) => ({
    slot,
    state,
    name,
    bytes,
    crc,
    room: roomBytes,
    active_of: users("active", slot),
    fallback_of: users("fallback", slot),
  }));
}

/** An app with its image, and why it did not come up. */
export function appData(app: AppInfo) {
  const refused = app.refused === undefined ? null : errName(app.refused);
  return { ...appRecordData(app), pid: app.pid ?? null, refused };
}

/** Images, slots, apps and the health of the store. */
export async function statusData(context: Pick<NodeContext, "node" | "fileOf">) {
  const { node } = context;
  const { profile, freeBytes } = await node.memory();
  const apps = await node.provision.apps();
  const store = await node.store();
  const isReady = storeStateText(store.state) === "ready";
  const config = await node.provision.configState();
  const { sources } = await node.provision.config();
  return {
    profile: memberText(Profile, profile),
    images: imagesData(context, await node.slots(), await node.tasks(), apps),
    memory_free: freeBytes,
    store: storeStateText(store.state),
    slots: slotsData(isReady ? await node.provision.slots() : [], apps),
    apps: apps.map(appData),
    node_config: appStateText(config.state),
    start: startData(await node.provision.start(), sources),
    damaged: store.damaged,
    free_cells: store.free,
    ...wearData(store),
  };
}
export type Status = Awaited<ReturnType<typeof statusData>>;

// ---- As text ----

function taskText({ pid, state, confirmed, runs_from_slot }: Status["images"][0]["tasks"][0]) {
  const remarks = [confirmed ? ", well" : "", runs_from_slot ? ", code in its slot" : ""];
  return `${pid} ${state}${remarks.join("")}`;
}
function imageRows({ images }: Status): string[][] {
  return images.map((i) => [
    i.name,
    count(i.bytes),
    hex(i.crc, 8),
    i.rule === null ? i.source : `${i.source}, by rule`,
    i.tasks.map(taskText).join("; "),
  ]);
}
function slotRows({ slots }: Status): string[][] {
  return slots.map((s) => [
    String(s.slot),
    s.state === "image" ? s.name : s.state,
    s.state === "image" ? count(s.bytes) : "",
    count(s.room),
    s.state === "image" ? hex(s.crc, 8) : "",
    [
      ...s.active_of.map((a) => `active of ${a}`),
      ...s.fallback_of.map((a) => `fallback of ${a}`),
    ].join(", "),
  ]);
}
function appRows({ apps }: Status): string[][] {
  return apps.map((a) => [
    String(a.app),
    a.name,
    a.state,
    a.active === null ? "" : String(a.active),
    a.fallback === null ? "" : String(a.fallback),
    a.state === "trial" ? String(a.attempts_left) : "",
    a.pid === null ? "" : String(a.pid),
    `${bootText(a.boot)}${a.refused === null ? "" : `; not started: ${a.refused}`}`,
  ]);
}
/** What the card had to do with the start-up, and the rules that decided; no line where it had nothing to do. */
function startLines({ start, images }: Status): string[] {
  const { state, plant, version, apps, apps_done, group, message, remedy, sources } = start;
  const rules = images.flatMap(({ name, rule }) => (rule === null ? [] : [`${name}: ${rule}`]));
  const order = rules.length === 0 ? [] : [`order of sources: ${sources.join(", ")}, stored last`];
  const progress = `${apps_done} of ${plural(apps, "app")} had their turn, start group ${group}`;
  const waits: Record<string, string> = {
    holding: "; the next group waits until every app of this one is well; hsx go starts it at once",
    waiting: "; a master has its time",
  };
  return [
    ...(plant === null
      ? []
      : [`card: plant ${hex(plant, 4)} version ${version}, ${progress}${waits[state] ?? ""}`]),
    ...(plant === null && state === "waiting" ? ["the start-up waits for a master"] : []),
    ...(message === null ? [] : [`${message}; ${remedy ?? ""}`]),
    ...rules,
    ...order,
  ];
}

/** Lines for people. */
export function statusText(out: Output, data: Status): string {
  const isReady = data.store === "ready";
  const health = isReady
    ? `, ${count(data.free_cells)} cells free, ${count(data.damaged)} damaged`
    : "";
  const trial =
    data.node_config === "trial"
      ? ["the configuration is on trial: config confirm, or it goes at the next start but one"]
      : [];
  const table = (header: string[], rows: string[][]) =>
    rows.length === 0 ? [] : ["", out.table(header, rows)];
  const images = imageRows(data);
  return [
    `${data.profile} node, ${count(data.memory_free)} bytes free, store ${data.store}${health}`,
    ...(isReady ? [wearText(data)] : []),
    ...trial,
    ...startLines(data),
    ...(images.length === 0
      ? ["no images"]
      : [out.table(["IMAGE", "BYTES", "CRC", "FROM", "TASKS"], images)]),
    ...table(["SLOT", "HOLDS", "BYTES", "ROOM", "CRC", "NEEDED AS"], slotRows(data)),
    ...table(
      ["APP", "NAME", "STATE", "ACTIVE", "FALLBACK", "ATTEMPTS", "PID", "BOOT"],
      appRows(data),
    ),
  ].join("\n");
}

export async function status(context: NodeContext): Promise<void> {
  const { out } = context;
  const data = await statusData(context);
  out.result("hsx.provision.status/1", data, () => statusText(out, data));
}
