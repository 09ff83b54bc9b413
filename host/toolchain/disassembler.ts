// The disassembler: an image to source that assembles back to it, and the bytes for which that fails.
import { DATA_ORIGIN, HxeFlag } from "../../assembly/spec/hxe.ts";
import { declareCommand, declareValue } from "../formats/declarations.ts";
import type { Diagnostic } from "../formats/diagnostic.ts";
import { decodeHxe, type HxeImage } from "../formats/hxe.ts";
import type { HxeMetadata } from "../formats/hxe-metadata.ts";
import { jsonFrom, printJson } from "../formats/json.ts";
import { compactManifest } from "../formats/manifest.ts";
import { hex } from "../formats/text.ts";
import { assemble } from "./assembler.ts";
import { CodeText, DataText } from "./disassembly.ts";
import { differences, type InexpressibleRange } from "./image-parts.ts";
import { link } from "./linker.ts";

export interface DisassembleOptions {
  /** Name of the image, for messages and the first line. */
  file?: string;
}

export interface DisassembleResult {
  /** MVASM; absent when the bytes are no image. */
  source?: string;
  /** The source assembles and links to the very same bytes. */
  exact: boolean;
  /** Bytes that no source can express, and why. Empty when `exact`. */
  inexpressible: InexpressibleRange[];
  diagnostics: Diagnostic[];
}

/** Disassembles an image and proves the result by assembling it again. */
export function disassemble(
  bytes: Uint8Array,
  options: DisassembleOptions = {},
): DisassembleResult {
  const file = options.file ?? "image";
  const { image, metadata, diagnostics } = decodeHxe(bytes, file);
  if (image === undefined || metadata === undefined) {
    return { exact: false, inexpressible: [], diagnostics };
  }
  const title = `; ${file}: ${bytes.length} bytes, disassembled`;
  let result: DisassembleResult | undefined;
  // What the linker refuses to place is left out, so that the rest can be compared.
  for (const omit of [[], ["bss"], ["bss", "stack"]] satisfies Omission[][]) {
    const lines = new ImageText(image, metadata, new Set(omit)).lines();
    const source = `${[title, ...lines].join("\n")}\n`;
    const { rebuilt, reason } = rebuild(source);
    const inexpressible =
      rebuilt === undefined
        ? [{ offset: 0, length: bytes.length, reason }]
        : differences(bytes, image, rebuilt);
    result = { source, exact: inexpressible.length === 0, inexpressible, diagnostics };
    if (rebuilt !== undefined) break;
  }
  return result as DisassembleResult;
}

type Omission = "bss" | "stack";

function rebuild(source: string): { rebuilt?: Uint8Array; reason: string } {
  const { object, diagnostics } = assemble(source, { file: "disassembly" });
  const linked = object === undefined ? undefined : link([object]);
  if (linked?.image !== undefined) return { rebuilt: linked.image, reason: "" };
  const [first] = [...diagnostics, ...(linked?.diagnostics ?? [])];
  return { reason: first?.message ?? "it cannot be linked" };
}

/** The source of one image. */
class ImageText {
  private readonly code: CodeText;
  private readonly data: DataText;
  private readonly dataEnd: number;

  constructor(
    private readonly image: HxeImage,
    private readonly metadata: HxeMetadata,
    private readonly omit: ReadonlySet<Omission>,
  ) {
    const handlers = metadata.commands.map((c) => c.handler);
    this.dataEnd = DATA_ORIGIN + image.rodata.length + (omit.has("bss") ? 0 : image.bssSize);
    this.code = new CodeText(image, handlers, this.dataEnd);
    this.data = new DataText(image.rodata, this.code.dataLabels);
  }

  lines(): string[] {
    const { image, code, data } = this;
    return [
      ...this.settings().filter(isAccepted),
      ...this.declarations(),
      "",
      ".text",
      `.entry ${code.labels.get(image.entry)}`,
      ...code.lines(),
      ...(image.rodata.length > 0 ? ["", ".data", ...data.lines()] : []),
      ...(this.dataEnd > DATA_ORIGIN + image.rodata.length ? this.bssLines() : []),
    ];
  }

  private settings(): string[] {
    const { image, metadata } = this;
    const single = image.flags & HxeFlag.MULTIPLE ? "" : ", single";
    const lines = [`.app "${image.appName.replace(/["\\]/g, "\\$&")}"${single}`];
    if (metadata.stackBytes !== undefined && !this.omit.has("stack")) {
      lines.push(`.stack ${metadata.stackBytes}`);
    }
    if (image.reqCaps !== 0) lines.push(`.caps ${hex(image.reqCaps, 1)}`);
    const manifest = compactManifest(new TextDecoder().decode(image.manifest), "").manifest;
    if (manifest !== undefined) lines.push(`.manifest ${manifest}`);
    if (metadata.mailboxes.length > 0) lines.push(`.mailbox_form ${metadata.mailboxForm}`);
    return lines;
  }

  private declarations(): string[] {
    const { values, commands, mailboxes } = this.metadata;
    const lines = values.map((v) => `.value ${compact(declareValue(v))}`).filter(isAccepted);
    for (const command of commands) {
      if (!isAccepted(`.cmd ${compact(declareCommand(command))}`)) continue;
      const handler = this.code.labels.get(command.handler);
      lines.push(`.cmd ${compact(declareCommand(command, handler))}`);
    }
    const boxes = mailboxes.map((m) => `.mailbox ${printJson(m.json)}`);
    return [...lines, ...boxes.filter(isAccepted)];
  }

  private bssLines(): string[] {
    const base = DATA_ORIGIN + this.image.rodata.length;
    const end = this.dataEnd;
    const places = [...this.code.dataLabels.keys()].filter((a) => a >= base && a < end);
    const stops = [base, ...places.filter((a) => a !== base).sort((a, b) => a - b), end];
    const lines = stops.slice(0, -1).flatMap((start, i) => {
      const label = this.code.dataLabels.get(start);
      const zero = `    .zero ${(stops[i + 1] as number) - start}`;
      return label === undefined ? [zero] : [`${label}:`, zero];
    });
    return ["", ".bss", ...lines];
  }
}

function compact(declaration: Record<string, unknown>): string {
  return printJson(jsonFrom(declaration));
}

/** Whether the assembler takes the line; what it refuses is left out and shows in the comparison. */
function isAccepted(line: string): boolean {
  return assemble(line, { file: "disassembly" }).diagnostics.length === 0;
}
