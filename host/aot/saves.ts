// Makes code for an AVR smaller: functions save and restore registers by routines they share. A function keeps all
// registers from its lowest on, so that few routines serve all; works on the compiler's assembly text.

/** Registers a function must keep, in the order in which they come back. */
const KEPT = [...Array.from({ length: 16 }, (_, n) => n + 2), 28, 29];
/** Fewest registers worth sharing, and the number that is pushed in place: a call takes up to four bytes, a push two. */
const FEWEST = 2;
const IN_PLACE = 2;
/** Before these a register is not yet used, least of all r30 and r31, which no argument is in. */
const BEGINNING = /^(\w+:\n)((?:\tpush r\d+\n)+)/m;
/** Bytes of stack the compiler says the function takes. */
const USAGE = /^(\.L__stack_usage = )(\d+)$/m;
/** It returns, or goes on in another function. */
const END = /((?:\tpop r\d+\n)+)\t(?:ret|r?jmp ([a-zA-Z_]\w*))$/gm;

/** A function that uses the routines of its lowest register. */
interface Shared {
  readonly text: string;
  readonly first: number;
}

function registers(list: string): number[] {
  return [...list.matchAll(/r(\d+)/g)].map(([, n]) => Number(n));
}

function pushes(first: number): string[] {
  const kept = KEPT.filter((n) => n >= first);
  return kept.toReversed().map((n) => `\tpush r${n}`);
}

/** Undefined: it does not save registers at its start to give back the same at each end. */
function share(part: string): Shared | undefined {
  const [, label = "", list = ""] = BEGINNING.exec(part) ?? [];
  const saved = registers(list);
  const order = saved.toReversed().join();
  const ends = [...part.matchAll(END)].map(([, pops = ""]) => registers(pops).join());
  const pops = part.match(/^\tpop r\d/gm)?.length ?? 0;
  const isWhole = ends.length > 0 && ends.every((end) => end === order);
  if (saved.length < FEWEST || !isWhole || pops !== ends.length * saved.length) return undefined;
  const first = Math.min(...saved);
  const own = pushes(first);
  const beginning = own.length > IN_PLACE ? `\tcall save_r${first}` : own.join("\n");
  const text = part
    .replace(BEGINNING, `${label}${beginning}\n`)
    .replace(USAGE, (_all, name: string, bytes: string) => {
      return `${name}${Number(bytes) + own.length - saved.length}`;
    })
    .replace(END, (_all, _pops: string, next?: string) => {
      return `${next === undefined ? "" : `\tcall ${next}\n`}\tjmp restore_r${first}`;
    });
  return { text, first };
}

function routine(name: string, lines: readonly string[]): string {
  const head = [`\t.section\t.text.${name},"ax",@progbits`, `\t.type\t${name}, @function`];
  return [...head, `${name}:`, ...lines, `\t.size\t${name}, .-${name}`, ""].join("\n");
}

/** Takes its return address off the stack, puts the registers there, and goes on behind the call. */
function saving(first: number): string {
  const lines = ["\tpop r31", "\tpop r30", ...pushes(first), "\tijmp"];
  return routine(`save_r${first}`, lines);
}

/** One routine with an entry for each register that is the lowest of a function. */
function restoring(firsts: readonly number[]): string {
  const [lowest = 0] = firsts;
  const lines = KEPT.filter((n) => n >= lowest).flatMap((n) => [
    ...(firsts.includes(n) && n > lowest ? [`restore_r${n}:`] : []),
    `\tpop r${n}`,
  ]);
  return routine(`restore_r${lowest}`, [...lines, "\tret"]);
}

/** The same program in fewer bytes; functions in `keep` stay as they are. */
export function shareSaves(text: string, keep: ReadonlySet<string>): string {
  const firsts = new Set<number>();
  const parts = text.split(/^(?=\t\.section\t\.text\.)/m).map((part) => {
    const name = /^\t\.section\t\.text\.(\w+)/.exec(part)?.[1];
    const shared = name === undefined || keep.has(name) ? undefined : share(part);
    if (shared === undefined) return part;
    firsts.add(shared.first);
    return shared.text;
  });
  if (firsts.size === 0) return text;
  const all = [...firsts].sort((a, b) => a - b);
  const called = all.filter((first) => pushes(first).length > IN_PLACE);
  return [...parts, ...called.map(saving), restoring(all)].join("");
}
