// val: values of the node.

import type { Command } from "commander";
import { EventType, ValueOrigin } from "../../../assembly/spec/node.ts";
import { Level, PersistMode, ValueFlag } from "../../../assembly/spec/svc.ts";
import { labelOf, type NodeEvent, type ValueInfo } from "../../client/records.ts";
import { f16Text, oidText } from "../../client/refusal.ts";
import { hex } from "../../formats/text.ts";
import { Exit, Failure, usage } from "../exit.ts";
import { levelName, valueFlags } from "../flags.ts";
import { findValue } from "../names.ts";
import { numberOf, parseF16 } from "../numbers.ts";
import { addCommand } from "../program.ts";
import { countOption, forOption, passTime, type VerbContext } from "../shell/context.ts";
import { timedLine } from "../trace.ts";

// ---- As data and as text ----

/** How far a value is kept. */
function modeOf(v: ValueInfo): "volatile" | "load" | "save" {
  if ((v.flags & ValueFlag.PERSIST) === 0 || v.persistKey === 0) return "volatile";
  return v.isLoadOnly ? "load" : "save";
}

/** Where its first value came from. */
function originName(v: ValueInfo): string {
  return (ValueOrigin[v.origin] ?? String(v.origin)).toLowerCase();
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

function list({ out, session }: VerbContext, pattern: string | undefined): void {
  const values = session.node
    .values()
    .filter((v) => pattern === undefined || labelOf(v).includes(pattern));
  if (values.length === 0 && pattern !== undefined) findValue(session, pattern); // says what is near
  out.result("hsx.val.list/1", { at_ms: session.now_ms, values: values.map(valueData) }, () => {
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

function get({ out, session }: VerbContext, names: readonly string[]): void {
  const values = names.map((name) => findValue(session, name));
  const data = { at_ms: session.now_ms, values: values.map(valueData) };
  out.result("hsx.val.get/1", data, () =>
    values
      .map((v) => (values.length === 1 ? withUnit(v) : `${labelOf(v)} ${withUnit(v)}`))
      .join("\n"),
  );
}

function set({ out, session }: VerbContext, name: string, text: string): void {
  const before = findValue(session, name);
  const bits = parseF16(text);
  session.node.setValue(before.oid, bits);
  const after = findValue(session, oidText(before.oid));
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

async function watch(
  context: VerbContext,
  names: readonly string[],
  options: { for?: number; count?: number },
): Promise<void> {
  const { out, session } = context;
  const watched = new Map(
    (names.length > 0 ? names.map((n) => findValue(session, n)) : session.node.values()).map(
      (v) => [v.oid, v],
    ),
  );
  if (watched.size === 0)
    throw new Failure(Exit.NOT_FOUND, "NOT_FOUND", "there is no value to watch", {
      remedy: "load an app that has values",
    });
  const limit = options.count ?? Infinity;
  let seen = 0;
  const onEvent = (e: NodeEvent) => {
    const v = watched.get(e.a);
    if (e.type !== EventType.VALUE_CHANGED || v === undefined || seen >= limit) return;
    seen++;
    const [before, after] = [e.b & 0xffff, e.b >>> 16];
    const data = {
      at_ms: e.ms,
      id: oidText(v.oid),
      name: labelOf(v),
      before: numberOf(before),
      value: numberOf(after),
      unit: v.unit,
    };
    out.result("hsx.val.watch/1", data, () =>
      timedLine(e.ms, `${labelOf(v)} ${f16Text(before)} -> ${withUnit(v, after)}`),
    );
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

function persist({ out, session }: VerbContext, name: string, mode: string): void {
  const { oid } = findValue(session, name);
  const wanted = MODES[mode];
  if (wanted !== undefined) session.node.setPersistMode(oid, wanted);
  else if (mode === "now") session.node.saveValue(oid);
  else throw usage(`"${mode}" is no way to keep a value`, "there are save, load, off and now");
  const v = findValue(session, oidText(oid));
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

export function addVal(parser: Command, context: VerbContext): void {
  const val = parser.command("val").description("values: list, get, set, watch, persist");
  addCommand(val, "list [pattern]", "list values", [
    ["val list motor", "those with motor in their name"],
  ]).action((pattern?: string) => list(context, pattern));
  addCommand(val, "get <values...>", "read values", [
    ["val get motor:limit", "by name"],
    ["val get 1.2", "by group and id"],
  ]).action((names: string[]) => get(context, names));
  addCommand(val, "set <value> <number>", "set a value", [
    ["val set motor:limit 12.5", ""],
    ["val set temp:offset -2.5", "a negative number"],
  ]).action((name: string, number: string) => set(context, name, number));
  addCommand(val, "watch [values...]", "show values as they change", [
    ["val watch motor:speed --for 5s", "for five seconds of node time"],
  ])
    .addOption(forOption())
    .addOption(countOption("changes"))
    .action((names: string[], options) => watch(context, names, options));
  addCommand(
    val,
    "persist <value> <mode>",
    "keep a value across restarts: save, load, off, or now to save at once",
    [
      ["val persist motor:limit save", "restored at load, saved when it changes"],
      ["val persist motor:limit load", "restored, but changes are not saved"],
    ],
  ).action((name: string, mode: string) => persist(context, name, mode));
}
