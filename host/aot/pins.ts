// What the main loop of a function uses most: the local it counts turns with, one it only reads, and one it changes.

import { type Func, parts, type Statement, statements, values } from "./ir.ts";

function readsIn(body: readonly Statement[]): number[] {
  const found: number[] = [];
  for (const s of statements(body))
    for (const value of values(s))
      for (const part of parts(value)) if (part.kind === "local") found.push(part.index);
  return found;
}

/** Of the locals that may be chosen: the counter of the outermost loop, then its most read invariant, then what else it reads most. */
export function mostUsed(f: Func, mayBe: (index: number) => boolean): number[] {
  const loop = f.body.find((s) => s.kind === "loop" || (s.kind === "block" && hasLoop(s.body)));
  const main = loop && [...statements([loop])].find((s) => s.kind === "loop");
  if (main?.kind !== "loop") return [];
  const set = new Set<number>();
  for (const s of statements(main.body)) if (s.kind === "set") set.add(s.index);
  const [head] = main.body;
  const tested = head?.kind === "if" && head.condition.kind === "local" ? head.condition.index : -1;
  const counts = new Map<number, number>();
  for (const index of readsIn(main.body))
    if (index !== tested && mayBe(index)) counts.set(index, (counts.get(index) ?? 0) + 1);
  const mostRead = [...counts].sort(([a, m], [b, n]) => n - m || a - b).map(([index]) => index);
  return [
    ...(set.has(tested) && mayBe(tested) ? [tested] : []),
    ...mostRead.filter((index) => !set.has(index)).slice(0, 1),
    ...mostRead.filter((index) => set.has(index)).slice(0, 1),
  ];
}

function hasLoop(body: readonly Statement[]): boolean {
  return [...statements(body)].some(({ kind }) => kind === "loop");
}
