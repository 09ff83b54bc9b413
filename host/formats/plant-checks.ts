// What keeps apps of a plant from running on one node together, found before any node does: names, ids, keys.

import type { Position } from "./diagnostic.ts";
import { isShared, type KeptValue } from "./kept-values.ts";
import type { PlantApp } from "./plant.ts";
import { type Bases, instanceKept, type PlantImageFile } from "./plant-images.ts";
import { hex } from "./text.ts";

/** An app where a node names it. */
export interface AppOnNode {
  readonly app: PlantApp;
  readonly file: PlantImageFile;
  readonly place: Position;
}
/** A mistake without its place. */
export interface Conflict {
  readonly code: string;
  readonly message: string;
  readonly remedy: string;
}

/** What an app takes on a node that only one may have. */
interface Claim {
  /** `id 2.1`, `key 0x0201` */
  readonly what: string;
  readonly label: string;
  /** Of a value; two that are SHARED may claim the same. */
  readonly value: { readonly oid: number; readonly flags: number } | undefined;
}

function oidText(oid: number): string {
  return `${oid >> 8}.${oid & 0xff}`;
}

function idClaims({ metadata }: PlantImageFile, { groupBase }: Bases): Claim[] {
  const values = metadata.values.map((v) => ({ v, kind: "value", flags: v.flags, isValue: true }));
  const commands = metadata.commands.map((v) => ({ v, kind: "command", flags: 0, isValue: false }));
  return [...values, ...commands].map(({ v, kind, flags, isValue }) => {
    const oid = (v.group + groupBase) * 256 + v.id;
    const label = `${v.groupName || v.group}:${v.name || v.id}`;
    const value = isValue ? { oid, flags } : undefined;
    return { what: `the id ${oidText(oid)} of a ${kind}`, label, value };
  });
}
function keyClaims(file: PlantImageFile, bases: Bases): Claim[] {
  return instanceKept(file, bases).map((value: KeptValue) => ({
    what: `the persistent key ${hex(value.key, 4)}`,
    label: value.label,
    value,
  }));
}

function nameConflict(a: AppOnNode, b: AppOnNode): Conflict | undefined {
  if (a.app.name === b.app.name) {
    const message = `"${b.app.name}" stands here twice`;
    return {
      code: "duplicate-app",
      message,
      remedy: "name it once; for two instances make two apps of the image",
    };
  }
  if (a.file.app !== b.file.app || (a.file.isMultiple && b.file.isMultiple)) return undefined;
  const message = `"${a.app.name}" and "${b.app.name}" are both apps of the name ${a.file.app}, which a node takes once`;
  return {
    code: "duplicate-name",
    message,
    remedy:
      'name one of them here, or build the image for several instances: .app "name", multiple',
  };
}

function claimConflict(a: AppOnNode, b: AppOnNode): Conflict | undefined {
  const claims = (x: AppOnNode) => [...idClaims(x.file, x.app), ...keyClaims(x.file, x.app)];
  const taken = new Map(claims(a).map((claim) => [claim.what, claim]));
  for (const claim of claims(b)) {
    const other = taken.get(claim.what);
    if (other === undefined) continue;
    if (claim.value && other.value && isShared(claim.value, other.value)) continue;
    const isKey = claim.what.includes("key");
    const message = `"${a.app.name}" (${other.label}) and "${b.app.name}" (${claim.label}) both claim ${claim.what}`;
    const remedy = `give "${b.app.name}" a ${isKey ? "key_base" : "group_base"} of its own, or leave one of them out`;
    return { code: isKey ? "duplicate-key" : "duplicate-id", message, remedy };
  }
  return undefined;
}

/** What bases move beyond what there is; undefined: all of it stays inside. */
export function baseMistake(file: PlantImageFile, bases: Bases): Conflict | undefined {
  const groups = [...file.metadata.values, ...file.metadata.commands].map(({ group }) => group);
  const group = Math.max(0, ...groups) + bases.groupBase;
  const key = Math.max(0, ...instanceKept(file, bases).map((v) => v.key));
  if (group > 0xff)
    return {
      code: "bad-base",
      message: `group_base moves a group to ${group}; the last is 255`,
      remedy: "choose a smaller one",
    };
  if (key > 0xfffe)
    return {
      code: "bad-base",
      message: `key_base moves a key to ${hex(key, 4)}; the last is 0xFFFE`,
      remedy: "choose a smaller one",
    };
  return undefined;
}

/** Why app `b` cannot run beside those before it; undefined: nothing speaks against it. */
export function conflictOf(before: readonly AppOnNode[], b: AppOnNode): Conflict | undefined {
  for (const a of before) {
    const conflict = nameConflict(a, b) ?? claimConflict(a, b);
    if (conflict !== undefined) return conflict;
  }
  return undefined;
}
