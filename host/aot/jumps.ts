// Makes code for an AVR smaller: what jumps to the end of its function ends there itself while sequences are looked for,
// so that functions share more ends; afterwards jumps take the shortest form that reaches. Works on assembly text.

const SECTION = /^(?=\t\.section\t\.text\.)/m;
const LABEL = /^(\.L\d+):$/;
const END = /^\t(ret|jmp [a-zA-Z_][\w.]*)$/;
const JUMP = /^\trjmp (\.L\d+)$/;
const COMMENT = /^\/\*.*\*\/$/;
const SKIP = /^\t(cpse|sbrc|sbrs|sbic|sbis)\b/;
/** A branch over one jump. */
const OVER = /^\t(br\w+) \.\+2$/;
const OPPOSITE: Readonly<Record<string, string>> = {
  breq: "brne",
  brne: "breq",
  brlo: "brsh",
  brsh: "brlo",
  brlt: "brge",
  brge: "brlt",
};
/** Bytes a branch reaches, and a jump of one word. */
const BRANCH_REACH = 126;
const JUMP_REACH = 4000;

/** At most so many bytes. */
function bytesOf(line: string): number {
  if (!/^\t[a-z]/.test(line)) return 0;
  return /^\t(lds|sts|call|jmp)\b/.test(line) ? 4 : 2;
}

function inSections(text: string, change: (lines: string[]) => readonly string[]): string {
  const [head = "", ...parts] = text.split(SECTION);
  return head + parts.map((part) => change(part.split("\n")).join("\n")).join("");
}

/** Labels before an instruction that ends the function, and that instruction. */
function endsOf(lines: readonly string[]): Map<string, string> {
  const ends = new Map<string, string>();
  let names: string[] = [];
  for (const line of lines) {
    const name = LABEL.exec(line)?.[1];
    if (name !== undefined) names.push(name);
    else if (!COMMENT.test(line)) {
      if (END.test(line)) for (const label of names) ends.set(label, line);
      names = [];
    }
  }
  return ends;
}

/** Jumps to an end become that end, but for those that may be skipped. */
export function spreadEnds(text: string, keep: ReadonlySet<string>): string {
  return inSections(text, (lines) => {
    const [, name = ""] = /^\t\.section\t\.text\.(\w+)/.exec(lines[0] ?? "") ?? [];
    if (keep.has(name)) return lines;
    const ends = endsOf(lines);
    return lines.map((line, n) => {
      const before = lines[n - 1] ?? "";
      const isPassed = SKIP.test(before) || OVER.test(before);
      return (isPassed ? undefined : ends.get(JUMP.exec(line)?.[1] ?? "")) ?? line;
    });
  });
}

/** The reverse, where the jump is the shorter one. */
function gatherEnds(lines: readonly string[]): readonly string[] {
  const bytes = lines.reduce((sum, line) => sum + bytesOf(line), 0);
  if (bytes > JUMP_REACH) return lines;
  const labels = new Map([...endsOf(lines)].map(([label, end]) => [end, label]));
  return lines.map((line, n) => {
    const label = line.startsWith("\tjmp ") ? labels.get(line) : undefined;
    const isItself = LABEL.test(lines[n - 1] ?? "");
    return label === undefined || isItself ? line : `\trjmp ${label}`;
  });
}

/** A branch over a jump becomes a branch to where the jump leads, if that is near. */
function joinBranches(lines: readonly string[]): readonly string[] {
  const at: number[] = [];
  const labels = new Map<string, number>();
  let bytes = 0;
  for (const line of lines) {
    const label = LABEL.exec(line)?.[1];
    if (label !== undefined) labels.set(label, bytes);
    at.push(bytes);
    bytes += bytesOf(line);
  }
  const result: string[] = [];
  for (let n = 0; n < lines.length; n++) {
    const line = lines[n] as string;
    const branch = OPPOSITE[OVER.exec(line)?.[1] ?? ""];
    const label = JUMP.exec(lines[n + 1] ?? "")?.[1] ?? "";
    const distance = Math.abs((labels.get(label) ?? Number.POSITIVE_INFINITY) - (at[n] as number));
    const isNear = distance <= BRANCH_REACH && !SKIP.test(lines[n - 1] ?? "");
    result.push(branch !== undefined && isNear ? `\t${branch} ${label}` : line);
    if (branch !== undefined && isNear) n++;
  }
  return result;
}

/** Jumps and branches within functions in as few bytes as they take. */
export function shortenJumps(text: string): string {
  return inSections(text, (lines) => joinBranches(gatherEnds(lines)));
}
