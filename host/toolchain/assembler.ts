// The assembler: MVASM source to an object. All mistakes of a source are found in one run.
import { posix } from "node:path";
import { type Diagnostic, type Position, sortDiagnostics } from "../formats/diagnostic.ts";
import type { HxoObject } from "../formats/hxo.ts";
import { parseMvasm, type Statement } from "../formats/mvasm.ts";
import { runDirective } from "./directives.ts";
import { assembleInsn } from "./instructions.ts";
import { Unit } from "./unit.ts";

/** How the assembler reaches other files. */
export interface AssembleOptions {
  /** Name of the source, for messages and for paths relative to it. */
  file: string;
  /** Text of a file named by .include or .manifest; undefined if it cannot be read. */
  readFile?: (path: string) => string | undefined;
  /** Folders to search after that of the including file. */
  includeDirs?: readonly string[];
}

export interface AssembleResult {
  /** Present when there are no diagnostics. */
  object?: HxoObject;
  /** In order of file, line and column. */
  diagnostics: Diagnostic[];
}

/** Assembles one source. Bad input gives diagnostics, never an exception. */
export function assemble(source: string, options: AssembleOptions): AssembleResult {
  const unit = new Unit(options.file);
  new FileAssembler(unit, options).assembleFile(source, options.file, []);
  const object = unit.finish();
  const diagnostics = sortDiagnostics(unit.diagnostics);
  return object === undefined ? { diagnostics } : { object, diagnostics };
}

/** Includes may lie this deep. */
const INCLUDE_DEPTH_MAX = 32;

class FileAssembler {
  constructor(
    private readonly unit: Unit,
    private readonly options: AssembleOptions,
  ) {}

  /** `stack` holds the files that led here. */
  assembleFile(text: string, file: string, stack: readonly string[]): void {
    const { statements, diagnostics } = parseMvasm(text.replace(/^\ufeff/, ""), file);
    this.unit.diagnostics.push(...diagnostics);
    for (const statement of statements)
      this.assembleStatement(statement, [...stack, posix.normalize(file)]);
  }

  private assembleStatement(statement: Statement, stack: readonly string[]): void {
    const { unit } = this;
    for (const label of statement.labels) unit.defineLabel(label);
    const { op } = statement;
    if (op === undefined) return;
    const { section, offset } = unit;
    if (!op.text.startsWith(".")) {
      assembleInsn(unit, statement, op);
    } else {
      runDirective({
        unit,
        op,
        operands: statement.operands,
        include: (path, at) => this.include(path, at, stack),
        readText: (path, at) => this.findText(path, at)?.text,
      });
    }
    const size = unit.section === section ? unit.offset - offset : 0;
    if (size === 0 || op.text.toLowerCase() === ".include") return;
    const { file, line, source = "" } = op.at;
    unit.lines.push({ file, line, text: source, section, offset, size });
  }

  private include(path: string, at: Position, stack: readonly string[]): void {
    const found = this.findText(path, at);
    if (found === undefined) return;
    const loop = stack.indexOf(found.path);
    if (loop >= 0) {
      const way = [...stack.slice(loop), found.path].join(" -> ");
      const remedy = "put what both need into a file of its own";
      this.unit.report(at, "include-loop", `"${path}" includes itself: ${way}`, remedy);
    } else if (stack.length > INCLUDE_DEPTH_MAX) {
      this.unit.report(at, "include-loop", `includes lie deeper than ${INCLUDE_DEPTH_MAX} files`);
    } else {
      this.assembleFile(found.text, found.path, stack);
    }
  }

  /** Looks beside the naming file, then in the include folders. */
  private findText(path: string, at: Position): { path: string; text: string } | undefined {
    const folders = [posix.dirname(at.file), ...(this.options.includeDirs ?? [])];
    const tried = posix.isAbsolute(path)
      ? [path]
      : folders.map((folder) => posix.normalize(posix.join(folder, path)));
    for (const candidate of tried) {
      const text = this.options.readFile?.(candidate);
      if (text !== undefined) return { path: candidate, text };
    }
    const remedy = `looked for ${[...new Set(tried)].join(", ")}`;
    this.unit.report(at, "missing-file", `cannot read "${path}"`, remedy);
    return undefined;
  }
}
