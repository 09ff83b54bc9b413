// What commands say: results on stdout, everything else on stderr; text for people, JSON for programs.

import { type Diagnostic, formatDiagnostic, formatWarning } from "../formats/diagnostic.ts";
import type { Failure } from "./exit.ts";
import type { Sink, Terminal } from "./terminal.ts";

/** `hsx.<command>/1` of scripts/cli-schemas.ts. Within a version fields are only added. */
export type SchemaName = `hsx.${string}/1`;

export type Style = "bold" | "dim" | "red" | "yellow" | "green" | "cyan";

const SGR: Record<Style, number> = { bold: 1, dim: 2, red: 31, yellow: 33, green: 32, cyan: 36 };

/** Colours by the usual rules: NO_COLOR, FORCE_COLOR, TERM=dumb, and only on a terminal. */
function hasColour(sink: Sink, env: Terminal["env"]): boolean {
  if (env.NO_COLOR) return false;
  if (env.FORCE_COLOR && env.FORCE_COLOR !== "0") return true;
  return sink.isTTY && env.TERM !== "dumb";
}

/** The one way from a command to its streams. */
export class Output {
  private readonly stdoutHasColour: boolean;
  private readonly stderrHasColour: boolean;

  constructor(
    readonly terminal: Terminal,
    /** Results and errors as JSON, one object a line. */
    readonly json: boolean,
  ) {
    this.stdoutHasColour = !json && hasColour(terminal.stdout, terminal.env);
    this.stderrHasColour = !json && hasColour(terminal.stderr, terminal.env);
  }

  /** A result: the object with --json, else its text. */
  result(schema: SchemaName, data: object, text: () => string): void {
    if (this.json) {
      this.terminal.stdout.write(`${JSON.stringify({ schema, ...data })}\n`);
      return;
    }
    const written = text();
    if (written !== "")
      this.terminal.stdout.write(written.endsWith("\n") ? written : `${written}\n`);
  }

  /** Bytes of an app or a file as they are; not for --json. */
  bytes(data: string | Uint8Array): void {
    this.terminal.stdout.write(data);
  }

  /** A remark for people. */
  note(text: string): void {
    if (!this.json) this.terminal.stderr.write(`${text}\n`);
  }

  /** A remark that a program should hear, too. */
  warn(message: string, remedy?: string): void {
    if (this.json) {
      this.terminal.stderr.write(
        `${JSON.stringify({ schema: "hsx.warning/1", message, remedy })}\n`,
      );
      return;
    }
    const label = this.errStyle("yellow", "warning:");
    const lines = [`${label} ${message}`, ...(remedy ? [`  remedy: ${remedy}`] : [])];
    this.terminal.stderr.write(`${lines.join("\n")}\n`);
  }

  /** A remark about a place in a file. */
  warnAt(diagnostic: Diagnostic): void {
    if (this.json) {
      const { message, remedy, file, line, column } = diagnostic;
      const object = { schema: "hsx.warning/1", message, remedy, file, line, column };
      this.terminal.stderr.write(`${JSON.stringify(object)}\n`);
      return;
    }
    const text = formatWarning(diagnostic);
    const label = this.errStyle("yellow", "warning:");
    this.terminal.stderr.write(`${text.replace(": warning:", `: ${label}`)}\n`);
  }

  /** `place` comes before the message: `script.hsx:3`. */
  error(failure: Failure, place?: string): void {
    const { code, exit, message, remedy, diagnostics, details } = failure;
    if (this.json) {
      const object = { schema: "hsx.error/1", code, exit, message, remedy, place, ...details };
      const all = diagnostics.length > 0 ? { ...object, diagnostics } : object;
      this.terminal.stderr.write(`${JSON.stringify(all)}\n`);
      return;
    }
    const label = this.errStyle("red", "error:");
    const lines = diagnostics.map((d) => this.paint(formatDiagnostic(d)));
    if (diagnostics.length === 0 || place !== undefined) {
      lines.push(`${place === undefined ? "" : `${place}: `}${label} ${message}`);
      if (remedy !== undefined) lines.push(`  remedy: ${remedy}`);
    } else if (message !== "") lines.push(message);
    this.terminal.stderr.write(`${lines.join("\n")}\n`);
  }

  /** With HSX_DEBUG=1: where in hsx an error came from. */
  stack(error: unknown): void {
    const { env, stderr } = this.terminal;
    if (env.HSX_DEBUG === "1" && error instanceof Error) stderr.write(`${error.stack}\n`);
  }

  private paint(diagnostic: string): string {
    return diagnostic.replace(": error:", `: ${this.errStyle("red", "error:")}`);
  }

  style(style: Style, text: string): string {
    return this.stdoutHasColour ? `\x1b[${SGR[style]}m${text}\x1b[0m` : text;
  }
  private errStyle(style: Style, text: string): string {
    return this.stderrHasColour ? `\x1b[${SGR[style]}m${text}\x1b[0m` : text;
  }

  /** Rows under a header. Columns of numbers are aligned right; the last column is not padded. */
  table(header: readonly string[], rows: readonly (readonly string[])[]): string {
    if (rows.length === 0) return "";
    const widths = header.map((title, n) =>
      Math.max(title.length, ...rows.map((row) => (row[n] ?? "").length)),
    );
    const isNumeric = header.map((_, n) => rows.every((row) => /^-?[\d.,]*$/.test(row[n] ?? "")));
    const line = (cells: readonly string[]) =>
      cells
        .map((cell, n) => {
          const width = widths[n] ?? 0;
          if (isNumeric[n]) return cell.padStart(width);
          return n === header.length - 1 ? cell : cell.padEnd(width);
        })
        .join("  ")
        .trimEnd();
    return [this.style("dim", line(header)), ...rows.map(line)].join("\n");
  }
}
