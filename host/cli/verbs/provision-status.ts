// What a node runs and stores, and where it came from: provision status.

import { Err } from "../../../assembly/spec/errors.ts";
import { Profile } from "../../../assembly/spec/limits.ts";
import type { AppInfo, SlotInfo, StoredSlotInfo, TaskInfo } from "../../client/records.ts";
import { count, hex } from "../../formats/text.ts";
import { appRecordData, appStateText, bootText } from "../boot-text.ts";
import type { Output } from "../output.ts";
import { stateText } from "../symbols.ts";
import { storeStateText } from "../trace.ts";
import { wearData, wearText } from "../wear-text.ts";
import type { NodeContext } from "./node-host.ts";

// ---- As data ----

/** Where the image of a task came from: a slot, if the node started it itself. */
function sourceOf(apps: readonly AppInfo[], pids: readonly number[]): string {
  const stored = apps.find((a) => a.pid !== undefined && pids.includes(a.pid));
  return stored === undefined ? "host" : `slot ${stored.active}`;
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
      source: sourceOf(
        apps,
        own.map((t) => t.pid),
      ),
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
  const refused = app.refused === undefined ? null : (Err[app.refused] ?? `error ${app.refused}`);
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
  return {
    profile: (Profile[profile] ?? "").toLowerCase(),
    images: imagesData(context, await node.slots(), await node.tasks(), apps),
    memory_free: freeBytes,
    store: storeStateText(store.state),
    slots: slotsData(isReady ? await node.provision.slots() : [], apps),
    apps: apps.map(appData),
    node_config: appStateText(config.state),
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
    i.source,
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
