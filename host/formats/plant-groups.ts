// Start groups of a plant: what comes after what, as numbers.

import { type Diagnostic, type Position, suggest } from "./diagnostic.ts";
import type { PlacedText } from "./toml-reader.ts";

/** A group and the groups it waits for. */
export interface GroupEntry {
  readonly name: string;
  readonly place: Position;
  readonly after: readonly PlacedText[];
}

const GROUPS_MAX = 255;

/** The place of each group in the order: 0, or one more than the last of those it waits for. And what is wrong. */
export function groupRanks(entries: readonly GroupEntry[]): {
  ranks: ReadonlyMap<string, number>;
  mistakes: Diagnostic[];
} {
  const byName = new Map(entries.map((entry) => [entry.name, entry]));
  const mistakes = unknownGroups(entries, byName);
  const ranks = new Map<string, number>();
  for (let rank = 0; rank <= GROUPS_MAX; rank++) {
    const next = entries.filter(({ name, after }) => {
      const waits = after.some(({ text }) => byName.has(text) && !ranks.has(text));
      return !ranks.has(name) && !waits;
    });
    for (const { name } of next) ranks.set(name, rank); // after the search: none of them waits for another
    if (next.length === 0) break;
  }
  const left = entries.filter(({ name }) => !ranks.has(name));
  if (left.length > 0) mistakes.push(circle(left, byName));
  for (const { name } of left) ranks.set(name, 0);
  return { ranks, mistakes };
}

function unknownGroups(
  entries: readonly GroupEntry[],
  byName: ReadonlyMap<string, GroupEntry>,
): Diagnostic[] {
  const wrong = entries.flatMap(({ after }) => after.filter(({ text }) => !byName.has(text)));
  return wrong.map(({ text, place }) => ({
    ...place,
    code: "unknown-group",
    message: `there is no group "${text}"`,
    remedy: suggest(text, byName.keys(), `add [groups.${text}]`) as string,
  }));
}

/** One circle among groups that all wait for others of them. */
function circle(left: readonly GroupEntry[], byName: ReadonlyMap<string, GroupEntry>): Diagnostic {
  const waits = new Set(left.map(({ name }) => name));
  const path: string[] = [];
  let name = left[0]?.name ?? "";
  while (!path.includes(name)) {
    path.push(name);
    name = byName.get(name)?.after.find(({ text }) => waits.has(text))?.text ?? "";
  }
  const round = [...path.slice(path.indexOf(name)), name];
  const link = byName.get(name)?.after.find(({ text }) => text === round[1]);
  return {
    ...(link ?? (left[0] as GroupEntry)).place,
    code: "circular-order",
    message: `these groups wait for each other: ${round.map((n) => `"${n}"`).join(" after ")}`,
    remedy: "take one of them out of the other's `after`",
  };
}
