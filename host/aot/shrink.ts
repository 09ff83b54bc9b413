// What is done with the compiler's assembly text for an AVR, so that the program takes fewer bytes.

import { arrange } from "./arrange.ts";
import { shortenJumps, spreadEnds } from "./jumps.ts";
import { outline } from "./outline.ts";
import { shareSaves } from "./saves.ts";

export interface ShrinkOptions {
  /** Functions whose time matters: they stay as the compiler wrote them. */
  readonly keep: ReadonlySet<string>;
  /** Functions that take arguments on the stack: nothing may come between them and who calls. */
  readonly stacked: ReadonlySet<string>;
  /** Functions the program begins with; what these do not reach stays as it is, at the end. */
  readonly roots: ReadonlySet<string>;
}

/** Sections with a function, by what is in them, that the roots reach. */
function reached(parts: readonly string[], roots: ReadonlySet<string>): Set<string> {
  const owners = new Map<string, string>();
  for (const part of parts)
    for (const [, label = ""] of part.matchAll(/^([a-zA-Z_][\w.]*):/gm)) owners.set(label, part);
  const live = new Set<string>();
  const reach = (label: string) => {
    const part = owners.get(label);
    if (part !== undefined) live.add(part);
  };
  for (const root of roots) reach(root);
  for (const part of live) for (const [name] of part.matchAll(/[a-zA-Z_][\w.]*/g)) reach(name);
  return live;
}

/** The same program in fewer bytes. The same text gives the same text, byte for byte. */
export function shrink(text: string, { keep, stacked, roots }: ShrinkOptions): string {
  const [head = "", ...parts] = text.split(/^(?=\t\.section\t\.text\.)/m);
  const live = reached(parts, roots);
  const used = parts.filter((part) => live.has(part));
  const unused = parts.filter((part) => !live.has(part));
  const saved = shareSaves(`${head}${used.join("")}`, new Set([...keep, ...stacked]));
  const folded = outline(spreadEnds(saved, keep), { keep, stacked });
  return arrange(shortenJumps(folded)) + unused.join("");
}
