// store: the cells that keep values across restarts.

import type { Command } from "commander";
import { CellType, MEANING_UNKNOWN, StoreState } from "../../../assembly/spec/cell.ts";
import { Err } from "../../../assembly/spec/errors.ts";
import { type CellInfo, labelOf, type ValueInfo } from "../../client/records.ts";
import { f16Text, NodeError } from "../../client/refusal.ts";
import { wordName } from "../../formats/boot-words.ts";
import { meaningOf } from "../../formats/kept-values.ts";
import { count, hex, plural } from "../../formats/text.ts";
import { Exit, Failure, usage } from "../exit.ts";
import { numberOf, parseInteger } from "../numbers.ts";
import { isNumber, kindText } from "../persist/image.ts";
import { addCommand } from "../program.ts";
import type { VerbContext } from "../shell/context.ts";
import { wearData, wearText } from "../wear-text.ts";
import { storeStateText } from "../words.ts";

function storeData({ session }: VerbContext) {
  const s = session.node.store();
  return {
    state: storeStateText(s.state),
    device_bytes: s.deviceBytes,
    cells: s.cells,
    live: s.live,
    free: s.free,
    damaged: s.damaged,
    retired: s.retired,
    epoch: s.epoch,
    schema_of_keys: s.schema,
    saved: s.saved,
    programmed_bytes: s.programmedBytes,
    capacity_cells: s.capacityCells,
    ...wearData(s),
    file: session.options.nv?.path ?? null,
  };
}

function tell(
  context: VerbContext,
  schema: "hsx.store.status/1" | "hsx.store.format/1" | "hsx.store.reset/1",
): void {
  const s = storeData(context);
  context.out.result(schema, s, () => {
    if (s.device_bytes === 0) return "no device is fitted; give the node one with --nv FILE";
    const where = s.file === null ? "" : ` in ${s.file}`;
    return [
      `${s.state}, ${plural(s.device_bytes, "byte")}${where}`,
      `${count(s.live)} of ${plural(s.cells, "cell")} are in use, ${count(s.free)} free, ${count(s.damaged)} damaged, ${count(s.retired)} worn out`,
      `${plural(s.saved, "cell")} and ${plural(s.programmed_bytes, "byte")} written since power-on; epoch ${s.epoch}, schema ${s.schema_of_keys}`,
      wearText(s),
    ].join("\n");
  });
}

/** Formatting and resetting lose more than values, so they ask for --yes. */
function confirm(isConfirmed: boolean | undefined, what: string): void {
  if (isConfirmed) return;
  throw usage(
    `${what}, which apps the node starts from which slots, and its configuration`,
    "add --yes if that is meant",
  );
}

function needDevice({ session }: VerbContext): void {
  if (session.node.store().state !== StoreState.ABSENT) return;
  throw new Failure(Exit.DEVICE, "ABSENT", "the node has no device for a store", {
    remedy: "give it one: --nv FILE",
  });
}

function format(
  context: VerbContext,
  options: { yes?: true; schema: string; cells?: string },
): void {
  needDevice(context);
  confirm(options.yes, "formatting forgets every value");
  const { node } = context.session;
  const { capacityCells } = node.store();
  const schema = parseInteger(options.schema, "--schema", 0, 0xff);
  const { cells } = options;
  node.formatStore(
    cells === undefined ? capacityCells : parseInteger(cells, "--cells", 1, capacityCells),
    schema,
  );
  tell(context, "hsx.store.format/1");
}

/** The unit of what is stored under a value's key; empty when it was saved in another. A shadow is the value's own. */
function storedUnit(cells: readonly CellInfo[], value: ValueInfo, type: CellType): string {
  const noted = cells.find((c) => c.type === CellType.MEANING && c.key === value.persistKey);
  const own = meaningOf(value.unit, value.flags);
  const isOwn =
    type === CellType.SHADOW ||
    noted === undefined ||
    noted.value === MEANING_UNKNOWN ||
    own === undefined ||
    noted.value === own;
  return isOwn ? value.unit : "";
}

/** Keys with the values they hold, named by the values that the node has now. */
function listData({ session }: VerbContext) {
  const values = session.node.values();
  const stored = session.node.storeCells();
  const cells = stored.map(({ cell, key, value, type }) => {
    const known = isNumber(type) ? values.find((v) => v.persistKey === key) : undefined;
    return {
      kind: kindText(type),
      key,
      name: type === CellType.SYSTEM ? (wordName(key) ?? null) : known ? labelOf(known) : null,
      value: isNumber(type) ? numberOf(value) : null,
      bits: value,
      unit: known === undefined ? "" : storedUnit(stored, known, type),
      cell,
    };
  });
  return cells.sort((a, b) => a.key - b.key || a.cell - b.cell);
}
function listRow(c: ReturnType<typeof listData>[number]): string[] {
  const value = c.value === null ? hex(c.bits, 4) : `${f16Text(c.bits)} ${c.unit}`.trimEnd();
  return [hex(c.key, 4), c.name ?? "", c.kind, value, String(c.cell)];
}
function list(context: VerbContext): void {
  const cells = listData(context);
  const { out } = context;
  out.result("hsx.store.list/1", { cells }, () =>
    cells.length === 0
      ? "nothing is stored"
      : out.table(["KEY", "NAME", "KIND", "VALUE", "CELL"], cells.map(listRow)),
  );
}

function reset(context: VerbContext, options: { yes?: true; keepFactory?: true }): void {
  needDevice(context);
  const keepsFactory = options.keepFactory === true;
  const values = keepsFactory ? "every value but the factory's" : "every value";
  confirm(options.yes, `a factory reset forgets ${values}`);
  try {
    context.session.node.resetStore({ keepsFactory });
  } catch (error) {
    if (!(error instanceof NodeError) || error.code !== Err.STORE_READ_ONLY) throw error;
    throw new Failure(Exit.VERIFY, "STORE_READ_ONLY", error.message, {
      remedy: "empty it: store format",
    });
  }
  tell(context, "hsx.store.reset/1");
}

export function addStore(parser: Command, context: VerbContext): void {
  const store = parser
    .command("store")
    .description("what keeps values across restarts: status, list, format, reset");
  addCommand(store, "status", "state, cells and wear").action(() =>
    tell(context, "hsx.store.status/1"),
  );
  addCommand(store, "list", "what is stored, by key").action(() => list(context));
  addCommand(store, "format", "make an empty store of the device, whatever it holds", [
    ["store format --yes --cells 60", "leaves room behind the store for slots"],
  ])
    .option("--yes", "yes, lose what is stored")
    .option("--schema <n>", "number of the key schema", "0")
    .option("--cells <n>", "cells of the store; default: as many as fit, with no room for slots")
    .action((options) => format(context, options));
  addCommand(store, "reset", "factory reset: forget values, apps, slots and configuration", [
    ["store reset --yes --keep-factory", "values start from what they left the factory with"],
  ])
    .option("--yes", "yes, lose what is stored")
    .option("--keep-factory", "factory values stay")
    .action((options) => reset(context, options));
}
