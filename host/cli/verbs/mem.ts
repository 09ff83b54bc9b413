// mem: memory of the node as a whole, and of one task byte by byte.

import type { Command } from "commander";
import { DATA_ORIGIN, STACK_TOP } from "../../../assembly/spec/hxe.ts";
import { Config } from "../../../assembly/spec/node.ts";
import type { TaskInfo } from "../../client/records.ts";
import { count, hex, plural } from "../../formats/text.ts";
import { findTask } from "../names.ts";
import { parseInteger } from "../numbers.ts";
import { addCommand } from "../program.ts";
import type { VerbContext } from "../shell/context.ts";

const ROW = 16;

function dump(bytes: Uint8Array, address: number): string {
  const rows: string[] = [];
  for (let at = 0; at < bytes.length; at += ROW) {
    const row = [...bytes.subarray(at, at + ROW)];
    const digits = row.map((b) => b.toString(16).padStart(2, "0"));
    const text = row.map((b) => (b >= 0x20 && b < 0x7f ? String.fromCharCode(b) : ".")).join("");
    rows.push(`${hex(address + at, 4)}  ${digits.join(" ").padEnd(3 * ROW)} ${text}`);
  }
  return rows.join("\n");
}

function nodeMemory({ out, session }: VerbContext): void {
  const { node } = session;
  const [total, free] = [node.config(Config.ARENA_BYTES), node.config(Config.ARENA_FREE)];
  const data = { arena_bytes: total, arena_free: free, state_end: node.config(Config.STATE_END) };
  out.result(
    "hsx.mem/1",
    { node: data },
    () =>
      `${count(total - free)} of ${plural(total, "byte")} for apps and mailboxes in use, ${count(free)} free`,
  );
}

/** Bytes from an address to the end of its segment; 1 outside of both, which the node refuses. */
function restOf(address: number, { dataBytes, stackBytes }: TaskInfo): number {
  const segments = [
    [DATA_ORIGIN, DATA_ORIGIN + dataBytes],
    [STACK_TOP - stackBytes, STACK_TOP],
  ] as const;
  const segment = segments.find(([from, to]) => address >= from && address < to);
  return segment === undefined ? 1 : segment[1] - address;
}

function taskMemory(
  { out, session }: VerbContext,
  text: string,
  addressText?: string,
  bytesText?: string,
): void {
  const task = findTask(session.node.tasks(), text);
  const { pid, name, dataBytes, stackBytes, sp } = task;
  if (addressText === undefined) {
    const data = { from: DATA_ORIGIN, bytes: dataBytes };
    const stack = { from: STACK_TOP - stackBytes, bytes: stackBytes, sp };
    const line = (what: string, from: number, bytes: number) =>
      `${what.padEnd(6)} ${bytes === 0 ? "none" : `${hex(from, 4)} to ${hex(from + bytes - 1, 4)}, ${plural(bytes, "byte")}`}`;
    out.result("hsx.mem/1", { pid, name, data, stack }, () =>
      [
        line("data", data.from, data.bytes),
        `${line("stack", stack.from, stack.bytes)}, SP ${hex(sp, 4)}`,
      ].join("\n"),
    );
    return;
  }
  const address = parseInteger(addressText, "address", 0, 0xffff);
  const length =
    bytesText === undefined
      ? Math.min(64, restOf(address, task))
      : parseInteger(bytesText, "bytes", 1, 0x10000);
  const bytes = session.node.readMemory(pid, address, length);
  const hexDigits = Buffer.from(bytes).toString("hex");
  out.result("hsx.mem/1", { pid, name, address, hex: hexDigits }, () => dump(bytes, address));
}

export function addMem(parser: Command, context: VerbContext): void {
  addCommand(parser, "mem [task] [address] [bytes]", "show memory of the node or of a task", [
    ["mem", "what the node has in use"],
    ["mem blink", "the two segments of a task"],
    ["mem blink 0x4000 32", "32 bytes of its data"],
  ]).action((task?: string, address?: string, bytes?: string) =>
    task === undefined ? nodeMemory(context) : taskMemory(context, task, address, bytes),
  );
}
