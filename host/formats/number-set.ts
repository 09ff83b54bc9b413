// Sets of numbers as people write them: `1-5,9,!3`.

/** A set of numbers from `min` to `max`, or why the text is none. `all` is every number; what follows `!` is left out. */
export function parseNumberSet(
  text: string,
  min: number,
  max: number,
): { numbers: ReadonlySet<number> } | { message: string } {
  const numbers = new Set<number>();
  const parts = text.split(",").map((part) => part.trim());
  const isOnlyExclusion = parts.every((part) => part.startsWith("!"));
  if (isOnlyExclusion) parts.unshift("all");
  for (const part of parts) {
    const range = rangeOf(part.replace(/^!/, ""), min, max);
    if (range === undefined) {
      return { message: `"${part}" is no number from ${min} to ${max}, and no range of them` };
    }
    for (let n = range[0]; n <= range[1]; n++) {
      if (part.startsWith("!")) numbers.delete(n);
      else numbers.add(n);
    }
  }
  return { numbers };
}

function rangeOf(text: string, min: number, max: number): readonly [number, number] | undefined {
  if (text === "all") return [min, max];
  const [, first, last = first] = /^(\d+)(?:-(\d+))?$/.exec(text) ?? [];
  if (first === undefined) return undefined;
  const range = [Number(first), Number(last)] as const;
  return range[0] >= min && range[1] <= max && range[0] <= range[1] ? range : undefined;
}
