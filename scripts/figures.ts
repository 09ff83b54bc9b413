// What every size, bench and proof script prints: a table for people, one JSON object with --json.

import { execFileSync } from "node:child_process";
import { ROOT } from "./root.ts";

export interface Figure {
  /** Stable name, dotted: `small.arena`. */
  readonly id: string;
  readonly value: number;
  readonly unit: string;
  /** A limit such as `<= 5632`. Missing it makes the script fail. */
  readonly must?: Limit;
  /** A limit that is hoped for. */
  readonly aim?: Limit;
  readonly note?: string;
}

export type Limit = `${"<=" | ">=" | "=="} ${number}`;

export interface Report {
  readonly command: string;
  readonly figures: readonly Figure[];
}

export function meets(value: number, limit: Limit): boolean {
  const bound = Number(limit.slice(3));
  if (limit.startsWith("<=")) return value <= bound;
  if (limit.startsWith(">=")) return value >= bound;
  return value === bound;
}

/** Prints the figures, and on stderr those that miss a must. Returns whether one does. */
export function show({ command, figures }: Report): boolean {
  const isJson = process.argv.includes("--json");
  process.stdout.write(isJson ? formatJson({ command, figures }) : formatTable(figures));

  const missed = figures.filter(isMissed);
  for (const { id, value, unit, must } of missed) {
    process.stderr.write(`${command}: ${id} is ${value} ${unit}, it must be ${must}\n`);
  }
  return missed.length > 0;
}

/** Shows the figures and sets exit code 1 when a must is missed. */
export function report(figures: Report): void {
  if (show(figures)) process.exitCode = 1;
}

function isMissed({ value, must }: Figure): boolean {
  return must !== undefined && !meets(value, must);
}

function formatJson({ command, figures }: Report): string {
  const rows = figures.map(({ id, value, unit, must = null, aim = null, note = "" }) => {
    return { id, value, unit, must, aim, note };
  });
  return `${JSON.stringify({ command, commit: commit(), figures: rows }, null, 2)}\n`;
}

/** The commit these figures belong to; `-dirty` when files differ from it. */
function commit(): string {
  const args = ["describe", "--always", "--dirty", "--abbrev=40", "--exclude=*"];
  try {
    return execFileSync("git", args, { cwd: ROOT, encoding: "utf8", stdio: "pipe" }).trim();
  } catch {
    return "unknown"; // no git, or no repository
  }
}

function formatTable(figures: readonly Figure[]): string {
  const head = ["figure", "value", "unit", "must", "aim", "note"];
  const rows = figures.map((figure) => [
    figure.id,
    formatNumber(figure.value),
    figure.unit,
    figure.must === undefined ? "" : `${figure.must}${isMissed(figure) ? " MISSED" : ""}`,
    figure.aim === undefined
      ? ""
      : `${figure.aim}${meets(figure.value, figure.aim) ? "" : " not yet"}`,
    figure.note ?? "",
  ]);
  const widths = head.map((title, column) => {
    return Math.max(title.length, ...rows.map((row) => row[column]?.length ?? 0));
  });
  const lines = [head, ...rows].map((row) => {
    const cells = row.map((cell, column) => {
      const width = widths[column] ?? 0;
      return column === 1 ? cell.padStart(width) : cell.padEnd(width);
    });
    return cells.join("  ").trimEnd();
  });
  return `${lines.join("\n")}\n`;
}

function formatNumber(value: number): string {
  if (Number.isInteger(value)) return String(value);
  return value.toFixed(Math.abs(value) < 10 ? 3 : 1);
}
