// Diagnostics: what is wrong with an input, where, and what to do about it.

import { hex } from "./text.ts";

/** A place in a text file. Lines and columns count from 1; line 0 means the file as a whole. */
export interface Position {
  file: string;
  line: number;
  column: number;
  /** Characters the caret line underlines; 1 when absent. */
  width?: number;
  /** The line itself, so that a message can show it without the file. */
  source?: string;
}

/** One mistake in an input. Wrong input yields these; only wrong code throws. */
export interface Diagnostic extends Position {
  /** What kind of mistake, stable across releases: `undefined-symbol`, `HXE_CRC`, … */
  code: string;
  message: string;
  /** What to do about it, as a clause without a full stop. */
  remedy?: string;
  /** Byte offset in a binary file. */
  offset?: number;
}

/** The place "file as a whole". */
export function wholeFile(file: string): Position {
  return { file, line: 0, column: 0 };
}

/** `file:line:col: error: message`, the source line, a caret, and the remedy, joined by newlines. */
export function formatDiagnostic(d: Diagnostic): string {
  return format(d, "error");
}
/** The same for what is not wrong, but may not be meant. */
export function formatWarning(d: Diagnostic): string {
  return format(d, "warning");
}
function format(d: Diagnostic, severity: string): string {
  const lines = [`${formatPlace(d)}: ${severity}: ${d.message}`];
  if (d.source !== undefined && d.line > 0) lines.push(printable(d.source), caretLine(d));
  if (d.remedy !== undefined) lines.push(`  remedy: ${d.remedy}`);
  return lines.join("\n");
}

/** Sorts by file (in order of first appearance), line and column, and drops repeats. */
export function sortDiagnostics(list: readonly Diagnostic[]): Diagnostic[] {
  const files = [...new Set(list.map((d) => d.file))];
  const seen = new Set<string>();
  return [...list]
    .sort(
      (a, b) =>
        files.indexOf(a.file) - files.indexOf(b.file) || a.line - b.line || a.column - b.column,
    )
    .filter((d) => {
      const key = `${d.file}:${d.line}:${d.column}:${d.message}`;
      return !seen.has(key) && seen.add(key);
    });
}

/** The candidate closest to `name`, if it is close enough to be a slip of the finger. */
export function nearestName(name: string, candidates: Iterable<string>): string | undefined {
  const wanted = name.toLowerCase();
  let best: string | undefined;
  let bestDistance = Math.max(1, Math.floor(name.length / 3)) + 1;
  for (const candidate of candidates) {
    const distance = editDistance(wanted, candidate.toLowerCase());
    if (distance < bestDistance) {
      best = candidate;
      bestDistance = distance;
    }
  }
  return best;
}

/** `did you mean "X"?`, or `otherwise` when nothing is near. */
export function suggest(
  name: string,
  candidates: Iterable<string>,
  otherwise?: string,
): string | undefined {
  const near = nearestName(name, candidates);
  return near === undefined ? otherwise : `did you mean "${near}"?`;
}

function formatPlace(d: Diagnostic): string {
  if (d.line > 0) return `${d.file}:${d.line}:${d.column}`;
  return d.offset === undefined ? d.file : `${d.file}:${hex(d.offset)}`;
}

/** A line of any file, harmless to a terminal: what controls one becomes a picture of it. */
function printable(line: string): string {
  return line.replace(/\p{Cc}/gu, (c) => {
    if (c === "\t") return c;
    return c < " " ? String.fromCharCode(0x2400 + c.charCodeAt(0)) : "\ufffd";
  });
}

/** Blanks up to the column, tabs kept so that the caret stands right under any tab width. */
function caretLine(d: Diagnostic): string {
  const before = (d.source ?? "").slice(0, d.column - 1).replace(/[^\t]/g, " ");
  return `${before}^${"~".repeat(Math.max(0, (d.width ?? 1) - 1))}`;
}

/** Edits between two names; exchanging two neighbours counts as one. */
function editDistance(a: string, b: string): number {
  let older: number[] = [];
  let previous = Array.from({ length: b.length + 1 }, (_, j) => j);
  for (let i = 1; i <= a.length; i++) {
    const row = [i];
    for (let j = 1; j <= b.length; j++) {
      const cost = a[i - 1] === b[j - 1] ? 0 : 1;
      let d = Math.min(
        (previous[j] as number) + 1,
        (row[j - 1] as number) + 1,
        (previous[j - 1] as number) + cost,
      );
      const swapped = i > 1 && j > 1 && a[i - 1] === b[j - 2] && a[i - 2] === b[j - 1];
      if (swapped) d = Math.min(d, (older[j - 2] as number) + 1);
      row.push(d);
    }
    older = previous;
    previous = row;
  }
  return previous[b.length] as number;
}
