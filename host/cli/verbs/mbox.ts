// mbox: mailboxes, seen from the host.

import type { Command } from "commander";
import { MESSAGE_OVERRUN } from "../../../assembly/spec/svc.ts";
import type { MailboxInfo, Message } from "../../client/records.ts";
import { hex, plural } from "../../formats/text.ts";
import { usage } from "../exit.ts";
import { findMailbox } from "../names.ts";
import { parseInteger } from "../numbers.ts";
import { addCommand } from "../program.ts";
import { countOption, forOption, passTime, type VerbContext } from "../shell/context.ts";
import { timedLine } from "../trace.ts";
import { mailboxModes } from "../words.ts";

// ---- Data and text ----

const hexOf = (data: Uint8Array) => Buffer.from(data).toString("hex");

/** Text if it reads as such, else hexadecimal digits. */
function payloadText(data: Uint8Array): string {
  const text = new TextDecoder("utf-8").decode(data);
  const isText = data.length > 0 && /^[\t\n\r\x20-\x7e\u00a0-\ufffc]*$/.test(text);
  return isText ? JSON.stringify(text) : hexOf(data).replace(/(..)(?!$)/g, "$1 ");
}

function messageData(m: Message) {
  const { length, flags, channel, source } = m;
  return {
    length,
    flags,
    channel,
    source,
    hex: hexOf(m.data),
    text: new TextDecoder().decode(m.data),
  };
}

function messageText(m: Message): string {
  const parts = [`from ${m.source === 0 ? "the host" : `task ${m.source}`}`];
  if (m.channel !== 0) parts.push(`channel ${m.channel}`);
  if ((m.flags & MESSAGE_OVERRUN) !== 0) parts.push("after some that were missed");
  if ((m.flags & ~MESSAGE_OVERRUN) !== 0) parts.push(`flags ${hex(m.flags, 4)}`);
  return `${payloadText(m.data)}  (${parts.join(", ")})`;
}

// ---- Verbs ----

function list({ out, session }: VerbContext): void {
  const mailboxes = session.node.mailboxes();
  const data = mailboxes.map((m) => ({
    id: m.id,
    name: m.name,
    owner: m.owner ?? null,
    capacity: m.capacity,
    used: m.used,
    messages: m.messages,
    mode: mailboxModes(m.mode),
    handles: m.handles,
  }));
  out.result("hsx.mbox.list/1", { mailboxes: data }, () => {
    if (mailboxes.length === 0) return "no mailboxes";
    const row = (m: MailboxInfo) => [
      String(m.id),
      m.name,
      String(m.messages),
      `${m.used} of ${m.capacity}`,
      String(m.handles),
      mailboxModes(m.mode).join("|"),
    ];
    return out.table(["ID", "NAME", "MESSAGES", "BYTES", "HANDLES", "MODE"], mailboxes.map(row));
  });
}

/** `01 02 ff` or `0102ff` as bytes. */
function parseHex(text: string): Uint8Array {
  const digits = text.replace(/[\s,]|0x/g, "");
  if (!/^([\da-f]{2})+$/i.test(digits))
    throw usage(`"${text}" are not bytes in hexadecimal`, "write for example 01ff or '01 ff'");
  return new Uint8Array(Buffer.from(digits, "hex"));
}

interface SendValues {
  readonly hex?: true;
  readonly flags: string;
  readonly channel: string;
}

/** The mailbox, by id or name. One that nobody made yet is made only on demand: a slip would vanish in it. */
function nameOf({ session }: VerbContext, text: string, isNew: boolean): string {
  return isNew ? text : findMailbox(session, text).name;
}

function send(
  context: VerbContext,
  target: string,
  text: string,
  options: SendValues & { create?: true },
): void {
  const { out, session } = context;
  const name = nameOf(context, target, options.create === true);
  const data = options.hex ? parseHex(text) : new TextEncoder().encode(text);
  if (data.length === 0) throw usage("an empty message cannot be sent", "send at least one byte");
  const flags = parseInteger(options.flags, "--flags", 0, 0xffff);
  const channel = parseInteger(options.channel, "--channel", 0, 0xffff);
  const bytes = session.node.send(session.node.openMailbox(name), data, flags, channel);
  out.result("hsx.mbox.send/1", { name, bytes }, () => `${plural(bytes, "byte")} to ${name}`);
}

function peek({ out, session }: VerbContext, target: string): void {
  const { id, name } = findMailbox(session, target);
  const messages = session.node.messages(id);
  out.result("hsx.mbox.peek/1", { name, messages: messages.map(messageData) }, () =>
    messages.length === 0
      ? `${name} is empty`
      : messages.map((m, n) => `${n}  ${messageText(m)}`).join("\n"),
  );
}

interface ListenValues {
  readonly for?: number;
  readonly count?: number;
  readonly take?: true;
  readonly create?: true;
}

async function listen(context: VerbContext, target: string, options: ListenValues): Promise<void> {
  const { out, session } = context;
  const name = nameOf(context, target, options.create === true);
  const limit = options.count ?? Infinity;
  const { node } = session;
  const handle = node.openHandle(name);
  if (!options.take) node.tap(handle, true);
  let seen = 0;
  const hear = () => {
    for (
      let m = seen < limit ? node.receive(handle) : undefined;
      m !== undefined;
      m = seen < limit ? node.receive(handle) : undefined
    ) {
      seen++;
      const message = m;
      out.result("hsx.mbox.listen/1", { at_ms: session.now_ms, name, ...messageData(m) }, () =>
        timedLine(session.now_ms, messageText(message)),
      );
    }
    return seen >= limit;
  };
  try {
    await passTime(context, options.for, hear);
    hear();
  } finally {
    node.closeHandle(handle);
  }
}

export function addMbox(parser: Command, context: VerbContext): void {
  const mbox = parser.command("mbox").description("mailboxes: list, send, listen, peek");
  addCommand(mbox, "list", "list mailboxes").action(() => list(context));
  addCommand(mbox, "send <mailbox> <message>", "send a message", [
    ["mbox send app:jobs 'start now'", "text"],
    ["mbox send app:jobs 01ff --hex --channel 3", "bytes"],
  ])
    .option("--hex", "the message is hexadecimal")
    .option("--flags <n>", "16 bits of flags", "0")
    .option("--channel <n>", "16-bit channel", "0")
    .option("--create", "make the mailbox if there is none")
    .action((name: string, text: string, options) => send(context, name, text, options));
  addCommand(
    mbox,
    "listen <mailbox>",
    "show messages as they are sent; they are left for their readers",
    [
      ["mbox listen app:log --for 10s", "for ten seconds of node time"],
      ["mbox listen app:log --count 1 --take --for 1m", "take the next one away"],
    ],
  )
    .addOption(forOption())
    .addOption(countOption("messages"))
    .option("--take", "be the reader: take messages away")
    .option("--create", "make the mailbox if there is none")
    .action((name: string, options) => listen(context, name, options));
  addCommand(mbox, "peek <mailbox>", "show the messages that wait; they stay").action(
    (name: string) => peek(context, name),
  );
}
