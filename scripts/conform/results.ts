// Result lines: a task, the mailboxes and the values of a subject in the fields the vectors compare.

import { createHash } from "node:crypto";
import { Namespace } from "../../assembly/spec/svc.ts";
import type { MailboxInfo, TaskInfo } from "../../host/client/records.ts";
import { outcomeOf, type Subject } from "./subject.ts";

export type Line = Record<string, unknown>;

const PREFIX = { [Namespace.SVC]: "svc:", [Namespace.APP]: "app:", [Namespace.SHARED]: "shared:" };

/** All fields of one task. */
export function taskResult(subject: Subject, task: TaskInfo): Line {
  const diary = subject.diaries.get(task.pid);
  const { outcome, code } = outcomeOf(task, subject.wordAt(task.pid, task.pc));
  return {
    outcome,
    code: code ?? subject.breaks.get(task.pid),
    regs: task.regs.map((r) => `0x${r.toString(16).padStart(8, "0")}`),
    pc: task.pc,
    sp: task.sp,
    psw: task.psw,
    steps: task.steps,
    uart_hex: Buffer.concat(diary?.uart ?? []).toString("hex"),
    can: diary?.can ?? [],
    mem_sha256: createHash("sha256").update(subject.memory(task.pid)).digest("hex"),
    ...diary?.hashes(),
  };
}

/** The name without what the record tells apart: namespace and owner. */
function plainName(m: MailboxInfo): string {
  const prefix = PREFIX[m.namespace as keyof typeof PREFIX] ?? "";
  const suffix = m.owner === undefined || m.namespace === Namespace.PID ? "" : `@${m.owner}`;
  return m.name.slice(prefix.length, m.name.length - suffix.length);
}

export function mailboxResults(subject: Subject): Line[] {
  return subject.node.mailboxes().map((m) => ({
    namespace: m.namespace,
    name: plainName(m),
    owner_pid: m.owner ?? null,
    capacity: m.capacity,
    mode_mask: m.mode,
    bytes_used: m.used,
    messages: subject.node.messages(m.id).map((message) => ({
      len: message.length,
      flags: message.flags,
      src_pid: message.source,
      channel: message.channel,
      data: Buffer.from(message.data).toString("hex"),
    })),
  }));
}

export function valueResults(subject: Subject): Line[] {
  return subject.node.values().map((v) => ({ oid: v.oid, last_f16: v.value }));
}
