// val: values of the node.

import type { Command } from "commander";
import { EventType, ValueOrigin } from "../../../assembly/spec/node.ts";
import { Level, PersistMode, ValueFlag } from "../../../assembly/spec/svc.ts";
import { labelOf, type NodeEvent, type ValueInfo } from "../../client/records.ts";
import { f16Text, oidText } from "../../client/refusal.ts";
import { hex } from "../../formats/text.ts";
import { Exit, Failure, usage } from "../exit.ts";
import { findValue } from "../names.ts";
import { numberOf, parseF16 } from "../numbers.ts";
import type { Output } from "../output.ts";
import { addCommand } from "../program.ts";
import { countOption, forOption, passTime, type VerbContext } from "../shell/context.ts";
import { timedLine } from "../trace.ts";
import { levelName, memberText, valueFlags } from "../words.ts";
import { exportValues, importValues } from "./calibration.ts";
import { addNodeVerb, type NodeContext, type NodeHost, ShellHost } from "./node-host.ts";

// ---- As data and as text ----

/** How far a value is kept. */
function modeOf(v: ValueInfo): "volatile" | "load" | "save" {
  if ((v.flags & ValueFlag.PERSIST) === 0 || v.persistKey === 0) return "volatile";
  return v.isLoadOnly ? "load" : "save";
}

/** Where its first value came from. */
function originName(v: ValueInfo): string {
  return memberText(ValueOrigin, v.origin);
}

function valueData(v: ValueInfo) {
  const hasRange = v.min !== 0 || v.max !== 0;
  return {
    id: oidText(v.oid),
    name: labelOf(v),
    value: numberOf(v.value),
    bits: v.value,
    unit: v.unit,
    init: numberOf(v.init),
    epsilon: numberOf(v.epsilon),
    min: hasRange ? numberOf(v.min) : null,
    max: hasRange ? numberOf(v.max) : null,
    rate_ms: v.rate_ms,
    persist: modeOf(v),
    persist_key: v.persistKey,
    flags: valueFlags(v.flags),
    level: levelName(v.auth),
    owner: v.owner,
    dirty: v.isDirty,
    stale: v.isStale,
    origin: originName(v),
  };
}

const withUnit = (v: ValueInfo, bits = v.value) =>
  `${f16Text(bits)}${v.unit === "" ? "" : ` ${v.unit}`}`;
const rangeText = (v: ValueInfo) =>
  v.min === 0 && v.max === 0 ? "" : `${f16Text(v.min)} to ${f16Text(v.max)}`;

function remarks(v: ValueInfo): string {
  const kept = {
    volatile: "",
    load: "load only",
    save: v.isDirty ? "not yet saved" : "saved",
  }[modeOf(v)];
  const flags = valueFlags(v.flags).filter((name) => name !== "persist");
  const level = v.auth === Level.PUBLIC ? "" : levelName(v.auth);
  const isAdjusted = v.origin === ValueOrigin.CLAMPED || v.origin === ValueOrigin.DROPPED;
  const isSavedOnce = v.isDirty && modeOf(v) !== "save";
  const state = [
    isSavedOnce ? "being saved" : "",
    v.isStale ? "stale" : "",
    isAdjusted ? originName(v) : "",
  ];
  return [kept, ...flags, level, ...state].filter((text) => text !== "").join(", ");
}

// ---- Verbs ----

async function list(
  { out, node, now_ms }: NodeContext,
  pattern: string | undefined,
): Promise<void> {
  const all = await node.values();
  const values = all.filter((v) => pattern === undefined || labelOf(v).includes(pattern));
  if (values.length === 0 && pattern !== undefined) findValue(all, pattern); // says what is near
  out.result("hsx.val.list/1", { at_ms: now_ms, values: values.map(valueData) }, () => {
    if (values.length === 0) return "no values";
    const rows = values.map((v) => [
      oidText(v.oid),
      labelOf(v),
      f16Text(v.value),
      v.unit,
      rangeText(v),
      String(v.owner),
      remarks(v),
    ]);
    return out.table(["ID", "NAME", "VALUE", "UNIT", "RANGE", "PID", ""], rows);
  });
}

async function get({ out, node, now_ms }: NodeContext, names: readonly string[]): Promise<void> {
  const all = await node.values();
  const values = names.map((name) => findValue(all, name));
  const data = { at_ms: now_ms, values: values.map(valueData) };
  out.result("hsx.val.get/1", data, () =>
    values
      .map((v) => (values.length === 1 ? withUnit(v) : `${labelOf(v)} ${withUnit(v)}`))
      .join("\n"),
  );
}

async function set({ out, node }: NodeContext, name: string, text: string): Promise<void> {
  const before = findValue(await node.values(), name);
  const bits = parseF16(text);
  await node.setValue(before.oid, bits);
  const after = findValue(await node.values(), oidText(before.oid));
  if (after.value === before.value && bits !== before.value) {
    out.note(
      `${labelOf(after)} stays ${withUnit(after)}: the change is within its epsilon ${f16Text(after.epsilon)}`,
    );
  }
  const data = { before: numberOf(before.value), value: valueData(after) };
  out.result(
    "hsx.val.set/1",
    data,
    () => `${labelOf(after)} ${withUnit(before)} -> ${withUnit(after)}`,
  );
}

/** Those that are named, or all. */
export function watchedValues(
  all: readonly ValueInfo[],
  names: readonly string[],
): readonly ValueInfo[] {
  return names.length > 0 ? names.map((name) => findValue(all, name)) : all;
}

export function nothingToWatch(): Failure {
  return new Failure(Exit.NOT_FOUND, "NOT_FOUND", "there is no value to watch", {
    remedy: "load an app that has values",
  });
}
/** A value that has changed; `node`: the one of a bus that has it. */
export function tellChange(
  out: Output,
  v: ValueInfo,
  { at_ms, before, after }: { at_ms: number; before: number; after: number },
  node?: number,
): void {
  const data = {
    ...(node === undefined ? {} : { node }),
    at_ms,
    id: oidText(v.oid),
    name: labelOf(v),
    before: numberOf(before),
    value: numberOf(after),
    unit: v.unit,
  };
  const who = node === undefined ? "" : `node ${node}  `;
  out.result("hsx.val.watch/1", data, () =>
    timedLine(at_ms, `${who}${labelOf(v)} ${f16Text(before)} -> ${withUnit(v, after)}`),
  );
}

async function watch(
  context: VerbContext,
  names: readonly string[],
  options: { for?: number; count?: number },
): Promise<void> {
  const { out, session } = context;
  const watched = new Map(watchedValues(session.node.values(), names).map((v) => [v.oid, v]));
  if (watched.size === 0) throw nothingToWatch();
  const limit = options.count ?? Infinity;
  let seen = 0;
  const onEvent = (e: NodeEvent) => {
    const v = watched.get(e.a);
    if (e.type !== EventType.VALUE_CHANGED || v === undefined || seen >= limit) return;
    seen++;
    tellChange(out, v, { at_ms: e.ms, before: e.b & 0xffff, after: e.b >>> 16 });
  };
  const stop = session.listen({ onEvent });
  try {
    await passTime(context, options.for, () => seen >= limit);
  } finally {
    stop();
  }
}

const MODES: Record<string, PersistMode> = {
  off: PersistMode.VOLATILE,
  load: PersistMode.LOAD,
  save: PersistMode.LOAD_SAVE,
};

async function persist({ out, node }: NodeContext, name: string, mode: string): Promise<void> {
  const { oid } = findValue(await node.values(), name);
  const wanted = MODES[mode];
  if (wanted !== undefined) await node.setPersistMode(oid, wanted);
  else if (mode === "now") await node.saveValue(oid);
  else throw usage(`"${mode}" is no way to keep a value`, "there are save, load, off and now");
  const v = findValue(await node.values(), oidText(oid));
  out.result("hsx.val.persist/1", { value: valueData(v) }, () => {
    const how = {
      volatile: "is not kept",
      load: "is restored, but not saved",
      save: "is restored and saved",
    }[modeOf(v)];
    const key = v.persistKey === 0 ? "" : `, key ${hex(v.persistKey, 4)}`;
    if (mode !== "now") return `${labelOf(v)} ${how}${key}`;
    const once = modeOf(v) === "volatile" ? "; it is not restored: val persist save keeps it" : "";
    return `${labelOf(v)} is being saved now${key}${once}`;
  });
}

/** The verbs that need nothing but a node. */
export function addValueVerbs(val: Command, host: NodeHost): void {
  const verb = addNodeVerb.bind(undefined, val, host);
  verb("list [pattern]", "list values", [
    ["val list motor", "those with motor in their name"],
  ]).action((pattern: string | undefined, options: object) =>
    host.each(options, (context) => list(context, pattern)),
  );
  verb("get <values...>", "read values", [
    ["val get motor:limit", "by name"],
    ["val get 1.2", "by group and id"],
  ]).action((names: string[], options: object) =>
    host.each(options, (context) => get(context, names)),
  );
  verb("set <value> <number>", "set a value", [
    ["val set motor:limit 12.5", ""],
    ["val set temp:offset -2.5", "a negative number"],
  ]).action((name: string, number: string, options: object) =>
    host.each(options, (context) => set(context, name, number)),
  );
  verb(
    "persist <value> <mode>",
    "keep a value across restarts: save, load, off, or now to save at once",
    [
      ["val persist motor:limit save", "restored at load, saved when it changes"],
      ["val persist motor:limit load", "restored, but changes are not saved"],
    ],
  ).action((name: string, mode: string, options: object) =>
    host.each(options, (context) => persist(context, name, mode)),
  );
  verb("export", "write the calibration file of the values that a node keeps", [
    ["val export -o calib.toml", "of one node"],
    ["val export -o calib/", "of several: a folder with node1.toml and so on"],
  ])
    .option("-o, --output <path>", "write it here, of several nodes into this folder")
    .action((options: { output?: string }) =>
      host.each(options, (context) => exportValues(context, options.output)),
    );
  verb("import <path>", "set and save the values of a calibration file", [
    ["val import calib.toml", "the same values at each node"],
    ["val import calib/", "each node its own, as export wrote them"],
  ]).action((path: string, options: object) =>
    host.each(options, (context) => importValues(context, path)),
  );
}

export function addVal(parser: Command, context: VerbContext): void {
  const val = parser
    .command("val")
    .description("values: list, get, set, watch, persist, export, import");
  addValueVerbs(val, new ShellHost(context));
  addCommand(val, "watch [values...]", "show values as they change", [
    ["val watch motor:speed --for 5s", "for five seconds of node time"],
  ])
    .addOption(forOption())
    .addOption(countOption("changes"))
    .action((names: string[], options) => watch(context, names, options));
}
