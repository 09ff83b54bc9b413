// The exit codes of every command, and how a failure gets one.

import { Err } from "../../assembly/spec/errors.ts";
import { TransportError } from "../bus/transport.ts";
import { BusError, type BusErrorCode } from "../client/bus/bus-error.ts";
import { isImageErr } from "../client/image-refusal.ts";
import { NodeError } from "../client/refusal.ts";
import type { Diagnostic, Position } from "../formats/diagnostic.ts";
import { plural } from "../formats/text.ts";
import { errName } from "./words.ts";

export enum Exit {
  OK = 0,
  FAILED = 1,
  USAGE = 2,
  NOT_FOUND = 3,
  TIMEOUT = 4,
  VERIFY = 5,
  PARTIAL = 6,
  DOES_NOT_FIT = 7,
  BUSY = 8,
  DEVICE = 9,
  INTERRUPTED = 130,
}

/** One line each, for --help and docs/cli.md. */
export const EXIT_TEXT: Record<Exit, string> = {
  [Exit.OK]: "done",
  [Exit.FAILED]:
    "the operation failed; of `run`: an app faulted; of `persist diff`: the images differ",
  [Exit.USAGE]: "the command line is wrong",
  [Exit.NOT_FOUND]: "no such file, task, value, command or mailbox",
  [Exit.TIMEOUT]: "no answer in time; of `run`: every app waits for ever",
  [Exit.VERIFY]:
    "an image, a store or a card is damaged or none, or not the one that is meant; of `persist verify`: a value or the image of an app is lost",
  [Exit.PARTIAL]: "some of several failed",
  [Exit.DOES_NOT_FIT]: "incompatible, or the node is full",
  [Exit.BUSY]: "busy or locked; try again",
  [Exit.DEVICE]: "a device failed",
  [Exit.INTERRUPTED]: "interrupted with Ctrl-C",
};

/** What went wrong, for a person, a script and the shell that called. */
export class Failure extends Error {
  override readonly name = "Failure";
  /** Stable across releases: an Err name, a diagnostic's code or one of ours. */
  readonly code: string;
  readonly exit: Exit;
  readonly remedy: string | undefined;
  /** All mistakes of the sources, when there are several. */
  readonly diagnostics: readonly Diagnostic[];
  /** More for --json. */
  readonly details: Readonly<Record<string, unknown>>;

  constructor(
    exit: Exit,
    code: string,
    message: string,
    more: {
      readonly remedy?: string | undefined;
      readonly diagnostics?: readonly Diagnostic[];
      readonly details?: Readonly<Record<string, unknown>>;
    } = {},
  ) {
    super(message);
    this.exit = exit;
    this.code = code;
    this.remedy = more.remedy;
    this.diagnostics = more.diagnostics ?? [];
    this.details = more.details ?? {};
  }
}

/** A command line that cannot be meant. */
export function usage(message: string, remedy?: string): Failure {
  return new Failure(Exit.USAGE, "usage", message, { remedy });
}

/** All mistakes of files as one failure. */
export function mistakes(diagnostics: readonly Diagnostic[], exit = Exit.FAILED): Failure {
  const files = new Set(diagnostics.map((d) => d.file)).size;
  const message = `${plural(diagnostics.length, "error")}${files > 1 ? ` in ${files} files` : ""}`;
  return new Failure(exit, diagnostics[0]?.code ?? "mistake", message, { diagnostics });
}

// ---- Codes of the core ----

const NODE_EXITS: Partial<Record<Err, Exit>> = {
  [Err.NOT_FOUND]: Exit.NOT_FOUND,
  [Err.NO_DATA]: Exit.NOT_FOUND,
  [Err.TIMEOUT]: Exit.TIMEOUT,
  [Err.CORRUPT]: Exit.VERIFY,
  [Err.STORE_READ_ONLY]: Exit.VERIFY,
  [Err.WORN]: Exit.DEVICE,
  [Err.LENGTH]: Exit.VERIFY,
  [Err.UNSUPPORTED]: Exit.DOES_NOT_FIT,
  [Err.FULL]: Exit.DOES_NOT_FIT,
  [Err.NO_MEMORY]: Exit.DOES_NOT_FIT,
  [Err.APP_EXISTS]: Exit.DOES_NOT_FIT,
  [Err.ID_TAKEN]: Exit.DOES_NOT_FIT,
  [Err.KEY_TAKEN]: Exit.DOES_NOT_FIT,
  [Err.HXE_VERSION]: Exit.DOES_NOT_FIT,
  [Err.HXE_FLAGS]: Exit.DOES_NOT_FIT,
  [Err.HXE_CAPS]: Exit.DOES_NOT_FIT,
  [Err.SLOT_SMALL]: Exit.DOES_NOT_FIT,
  [Err.WRONG_NODE]: Exit.DOES_NOT_FIT,
  [Err.SLOT_DAMAGED]: Exit.VERIFY,
  [Err.BUSY]: Exit.BUSY,
  [Err.WOULD_BLOCK]: Exit.BUSY,
  [Err.IO]: Exit.DEVICE,
  [Err.ABSENT]: Exit.DEVICE,
};

/** The exit code of what the core refuses: any other complaint about an image is a failed verification. */
export function exitOf(code: Err): Exit {
  return NODE_EXITS[code] ?? (isImageErr(code) ? Exit.VERIFY : Exit.FAILED);
}

/** What a node refuses, as a mistake at the place of a file that asks for it. */
export function refusalAt({ code, message, remedy }: NodeError, place: Position): Diagnostic {
  return { ...place, code: errName(code), message, ...(remedy ? { remedy } : {}) };
}

function ofNode(error: NodeError): Failure {
  const { code, offset, need, have } = error.refusal;
  const details = code === error.code ? { offset, need, have } : {};
  return new Failure(exitOf(error.code), errName(error.code), error.message, {
    remedy: error.remedy,
    details,
  });
}

const BUS_EXITS: Record<BusErrorCode, Exit> = {
  "no-slot": Exit.BUSY,
  "no-nodes": Exit.TIMEOUT,
  "no-ids": Exit.NOT_FOUND,
  "no-id": Exit.DOES_NOT_FIT,
  "no-answer": Exit.TIMEOUT,
  "other-protocol": Exit.DOES_NOT_FIT,
  "damaged-record": Exit.DEVICE,
  "not-saved": Exit.DEVICE,
};

/** Any error as a Failure. What nobody foresaw is a defect of ours, and says so. */
export function failureOf(error: unknown): Failure {
  if (error instanceof Failure) return error;
  if (error instanceof NodeError) return ofNode(error);
  if (error instanceof TransportError || error instanceof BusError) {
    const exit = error instanceof BusError ? BUS_EXITS[error.code] : Exit.DEVICE;
    return new Failure(exit, error.code, error.message, { remedy: error.remedy });
  }
  const message = error instanceof Error ? error.message : String(error);
  return new Failure(Exit.FAILED, "internal", `hsx failed: ${message}`, {
    remedy: "this is a defect of hsx; run it with HSX_DEBUG=1 and report what it prints",
  });
}
