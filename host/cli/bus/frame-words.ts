// What a frame of the node protocol says, in words for `hsx monitor`.

import { Err } from "../../../assembly/spec/errors.ts";
import { LoadEvent, LoadPhase } from "../../../assembly/spec/frame.ts";
import { f16Text, oidText } from "../../client/refusal.ts";
import type { CanFrame } from "../../formats/can-frame.ts";
import { decodeFrame, type Frame } from "../../formats/frame.ts";
import { hex } from "../../formats/text.ts";
import { memberText } from "../words.ts";

const hexOf = (bytes: Uint8Array) => Buffer.from(bytes).toString("hex").toUpperCase();

/** `oid 1.2`, `value 20.5`, `crc 0x12345678`, `session 4`. */
function argumentText([name, value]: [string, number | string | Uint8Array]): string {
  if (typeof value !== "number")
    return `${name} ${value instanceof Uint8Array ? hexOf(value) : value}`;
  if (name === "oid") return oidText(value);
  if (name === "value") return `= ${f16Text(value)}`;
  const isWord = ["crc", "hash", "prefix", "bits", "apps", "sum"].includes(name);
  return `${name} ${isWord ? hex(value, 8) : value}`;
}

function statusWord(status: number): string {
  if (status === 0) return "ok";
  return status >= 128 ? `returned ${status - 128}` : memberText(Err, -status);
}

function wordsOf(frame: Frame): string {
  switch (frame.kind) {
    case "request": {
      const to = frame.target === 0 ? "all" : `node ${frame.target}`;
      const args = Object.entries(frame.args).map(argumentText);
      return [`master ${frame.master} to ${to}: ${frame.verb}`, ...args].join(" ");
    }
    case "claim":
      return `master ${frame.master}?`;
    case "pace":
      return `a node takes a frame every ${frame.us} us at most`;
    case "identity":
      return `a node has hash bits ${hex(frame.bits, 2)}`;
    case "answer":
      return `node ${frame.node} to master ${frame.master}: ${statusWord(frame.status)} ${hexOf(frame.result)}`;
    case "record":
      return `node ${frame.node} to master ${frame.master}: piece ${frame.piece} ${hexOf(frame.bytes)}`;
    case "status": {
      const event = memberText(LoadEvent, frame.event);
      const phase = memberText(LoadPhase, frame.phase);
      const why = frame.code === 0 ? "" : `, ${memberText(Err, -frame.code)}`;
      return `node ${frame.node}: load ${event}, ${phase}, ${frame.bytes} bytes${why}`;
    }
    case "hello":
      return `node ${frame.node}: hello, firmware ${hex(frame.firmware, 4)}, apps ${hex(frame.apps, 8)}`;
    case "nack":
      return `${frame.index} is missing`;
    case "pub":
      return `node ${frame.node}: ${oidText(frame.oid)} = ${f16Text(frame.value)}`;
    default:
      return `data ${frame.index} ${hexOf(frame.bytes)}`;
  }
}

/** Words for a frame on a bus whose block begins at `base`; empty: it is none of the protocol's. */
export function frameWords(base: number, frame: CanFrame): string {
  if (frame.isExtended || frame.isRemote) return "";
  const said = decodeFrame(base, frame);
  if (said === undefined) return "";
  return said.kind === "malformed" ? `malformed: ${said.why}` : wordsOf(said);
}
