// Leaves out what no kept export calls.

import { type Func, type Module, parts, statements, Unsupported, values } from "./ir.ts";

/** Names of what a function calls. */
export function callsOf(f: Func): string[] {
  const found: string[] = [];
  for (const s of statements(f.body))
    for (const value of values(s))
      for (const part of parts(value)) if (part.kind === "call") found.push(part.target);
  return found;
}

/** The module with the named exports only, all of them if undefined, and what they need. */
export function prune(module: Module, keep: readonly string[] | undefined): Module {
  const known = [...module.functions.values()].flatMap(({ exports }) => exports);
  const missing = keep?.find((name) => !known.includes(name));
  if (missing !== undefined) throw new Unsupported(`the module has no export ${missing}`);
  const kept = [...module.functions.values()].map((f) => {
    return { ...f, exports: f.exports.filter((name) => keep?.includes(name) ?? true) };
  });
  const byName = new Map(kept.map((f) => [f.name, f]));
  const needed = new Set<string>();
  const queue = kept.filter((f) => f.exports.length > 0).map(({ name }) => name);
  for (let name = queue.pop(); name !== undefined; name = queue.pop()) {
    if (needed.has(name)) continue;
    needed.add(name);
    const f = byName.get(name);
    if (f !== undefined) queue.push(...callsOf(f));
  }
  return {
    ...module,
    imports: new Map([...module.imports].filter(([name]) => needed.has(name))),
    functions: new Map([...byName].filter(([name]) => needed.has(name))),
  };
}
