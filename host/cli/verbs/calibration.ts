// val export and import: the values that a node keeps, to and from calibration files.

import { join } from "node:path";
import { CellType } from "../../../assembly/spec/cell.ts";
import { ValueFlag } from "../../../assembly/spec/svc.ts";
import type { NodeClient } from "../../client/node-client.ts";
import { labelOf, type ValueInfo } from "../../client/records.ts";
import { oidText } from "../../client/refusal.ts";
import {
  type CalibrationCell,
  readCalibration,
  writeCalibration,
} from "../../formats/calibration.ts";
import type { KeptValue } from "../../formats/kept-values.ts";
import { count, hex, plural } from "../../formats/text.ts";
import { Exit, Failure, mistakes, usage } from "../exit.ts";
import { isFolder, makeFolder, readText, writeOutput } from "../files.ts";
import { numberOf } from "../numbers.ts";
import type { NodeContext } from "./node-host.ts";

/** How long a node may take to save what was imported: 64 values in an EEPROM take 1.8 s. */
const SAVE_LOOKS = 100;
const SAVE_LOOK_MS = 50;

const isKept = ({ persistKey }: ValueInfo) => persistKey !== 0;

function keptOf(v: ValueInfo): KeptValue {
  const { persistKey, name, unit, oid, flags, init, min, max } = v;
  return { key: persistKey, label: labelOf(v), name, unit, app: "", oid, flags, init, min, max };
}

/** File of a node within a folder. */
const fileIn = (folder: string, id: number | undefined) => join(folder, `node${id ?? ""}.toml`);
const meansFolder = (path: string) => path.endsWith("/") || isFolder(path);

// ---- Export ----

function placeOf({ id, nodes }: NodeContext, path: string | undefined): string | undefined {
  if (path !== undefined && meansFolder(path)) {
    makeFolder(path);
    return fileIn(path, id);
  }
  if (nodes === 1) return path;
  throw usage("several nodes have a file each", "name a folder: -o calib/");
}

export async function exportValues(context: NodeContext, path: string | undefined): Promise<void> {
  const { out, node, id } = context;
  const output = placeOf(context, path);
  const values = (await node.values()).filter(isKept);
  for (const v of values.filter((v) => v.isStale))
    out.warn(`${labelOf(v)}: what was stored is unreadable, its init is exported`);
  const { schema } = await node.store();
  const cells = values.map((v) => ({
    type: CellType.VALUE as const,
    key: v.persistKey,
    bits: v.value,
  }));
  const remark = id === undefined ? "values of a node" : `values of node ${id}`;
  const text = writeCalibration({ schema, cells }, values.map(keptOf), remark);
  if (output !== undefined) writeOutput(output, text);
  const data = {
    schema_of_keys: schema,
    values: values.map((v) => ({
      id: oidText(v.oid),
      name: labelOf(v),
      key: v.persistKey,
      value: numberOf(v.value),
      bits: v.value,
      unit: v.unit,
    })),
    ...(output === undefined ? { text } : { output }),
  };
  // the text alone, so that it can be kept as it is
  if (output === undefined && !out.json) out.bytes(text);
  else out.result("hsx.val.export/1", data, () => `${output}: ${plural(values.length, "value")}`);
}

// ---- Import ----

interface Change {
  readonly value: ValueInfo;
  readonly bits: number;
}

/** What the file says of the values of a node, all of it checked before any is set. */
function readCells(
  file: string,
  kept: readonly ValueInfo[],
  out: NodeContext["out"],
): CalibrationCell[] {
  const { calibration, diagnostics, warnings } = readCalibration(
    readText(file),
    file,
    kept.map(keptOf),
  );
  if (calibration === undefined && kept.length === 0)
    throw new Failure(Exit.NOT_FOUND, "NOT_FOUND", `${file}: no app here keeps a value`, {
      remedy: "load the app whose values these are",
    });
  if (calibration === undefined) throw mistakes(diagnostics);
  for (const warning of warnings) out.warnAt(warning);
  const factory = calibration.cells.filter(({ type }) => type !== CellType.VALUE).length;
  if (factory > 0) out.note(`${file}: ${plural(factory, "factory value")} left out`);
  return calibration.cells.filter(({ type }) => type === CellType.VALUE);
}

function changeOf(cell: CalibrationCell, kept: readonly ValueInfo[], file: string): Change {
  const value = kept.find((v) => v.persistKey === cell.key);
  if (value !== undefined) return { value, bits: cell.bits };
  const message = `${file}:${cell.place.line}: no app here keeps a value under the key ${hex(cell.key, 4)}`;
  throw new Failure(Exit.NOT_FOUND, "NOT_FOUND", message, {
    remedy: "load the app that does, or take the line out",
  });
}

async function awaitSaved(node: NodeClient, oids: ReadonlySet<number>): Promise<void> {
  for (let n = 0; n < SAVE_LOOKS; n++) {
    const dirty = (await node.values()).some((v) => oids.has(v.oid) && v.isDirty);
    if (!dirty) return;
    await node.wait(SAVE_LOOK_MS);
  }
  throw new Failure(Exit.TIMEOUT, "not-saved", "the values are set, and not saved yet", {
    remedy: "look at the store: hsx provision status",
  });
}

export async function importValues({ out, node, id }: NodeContext, path: string): Promise<void> {
  const file = meansFolder(path) ? fileIn(path, id) : path;
  const kept = (await node.values()).filter(isKept);
  const cells = readCells(file, kept, out);
  const changes = cells
    .map((cell) => changeOf(cell, kept, file))
    .filter(({ value, bits }) => value.value !== bits);
  const [fixed, free] = [true, false].map((isFixed) =>
    changes.filter(({ value }) => ((value.flags & ValueFlag.RO) !== 0) === isFixed),
  ) as [Change[], Change[]];
  for (const { value } of fixed) out.warn(`${labelOf(value)} is read-only and left as it is`);
  for (const { value, bits } of free) {
    await node.setValue(value.oid, bits);
    await node.saveValue(value.oid);
  }
  await awaitSaved(node, new Set(free.map(({ value }) => value.oid)));
  const data = {
    file,
    set: free.map(({ value, bits }) => ({
      name: labelOf(value),
      before: numberOf(value.value),
      value: numberOf(bits),
    })),
    unchanged: cells.length - changes.length,
    left: fixed.map(({ value }) => labelOf(value)),
  };
  out.result(
    "hsx.val.import/1",
    data,
    () => `${file}: ${plural(free.length, "value")} set, ${count(data.unchanged)} as they were`,
  );
}
