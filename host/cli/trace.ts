// What happens on a node as lines of text: events, pins, frames.

import { AppState } from "../../assembly/spec/boot.ts";
import { EventType, ResetCause, Stop, ValueOrigin } from "../../assembly/spec/node.ts";
import { CommandStatus } from "../../assembly/spec/svc.ts";
import { isImageErr } from "../client/image-refusal.ts";
import { activationOf, labelOf, type NodeEvent } from "../client/records.ts";
import { f16Text, oidText } from "../client/refusal.ts";
import { wordName } from "../formats/boot-words.ts";
import { hex, plural } from "../formats/text.ts";
import { secondsText } from "./numbers.ts";
import type { Session } from "./session.ts";
import { placeText } from "./symbols.ts";
import { errName, memberText, storeStateText } from "./words.ts";

function valueName(session: Session, oid: number): string {
  const known = session.node.values().find((v) => v.oid === oid);
  return known === undefined ? `value ${oidText(oid)}` : labelOf(known);
}
function commandName(session: Session, oid: number): string {
  const known = session.node.commands().find((k) => k.oid === oid);
  return known === undefined ? `command ${oidText(oid)}` : labelOf(known);
}
function mailboxName(session: Session, id: number): string {
  return session.node.mailboxes().find((m) => m.id === id)?.name ?? `mailbox ${id}`;
}
const high = (n: number) => n >>> 16;
const low = (n: number) => n & 0xffff;

const ADJUSTED: Partial<Record<number, string>> = {
  [ValueOrigin.CLAMPED]: "which is out of range: the nearest limit holds",
  [ValueOrigin.DROPPED]: "of another unit: init holds",
};

/** An activation record that was written; the configuration's "slots" are its copies. */
function activationText({ a, b }: NodeEvent, session: Session): string {
  const { state, active, fallback, attemptsLeft } = activationOf(b);
  const { provision } = session.node;
  const isConfig = provision.isConfigRecord(a);
  const name = provision.apps().find((known) => known.app === a)?.name;
  const who = isConfig ? "the configuration" : name || `app ${a}`;
  const place = isConfig ? "copy" : "slot";
  const back = fallback === undefined ? "" : `, ${place} ${fallback} is its fallback`;
  const slot = `${place} ${active ?? "none"}`;
  if (state === AppState.TRIAL)
    return `${who}: ${slot} is on trial, ${plural(attemptsLeft, "start")} left${back}`;
  if (state === AppState.DROPPING) return `${who}: ${slot} is rolled back${back}`;
  return state === AppState.CONFIRMED ? `${who}: ${slot} is confirmed${back}` : `${who}: no image`;
}

const EVENT_TEXT: Partial<Record<EventType, (e: NodeEvent, s: Session) => string>> = {
  [EventType.STARTED]: (e) =>
    `the node started: ${memberText(ResetCause, e.a).replaceAll(" ", "-")}`,
  [EventType.LOAD_PROGRESS]: (e) => `loading, ${Math.min(e.a * 64, e.b)} of ${plural(e.b, "byte")}`,
  [EventType.LOADED]: (e) => `loaded, image ${hex(e.b, 8)}`,
  [EventType.REFUSED]: (e) =>
    `an image was refused: ${errName(-e.a)}${isImageErr(-e.a) ? ` at ${hex(e.b, 4)}` : ""}`,
  [EventType.EXITED]: (e) => `ended with ${e.b | 0}`,
  [EventType.FAULTED]: (e, s) =>
    `faulted: ${Stop[e.a]} at pc ${hex(e.b, 4)}${placeText(s.placeOf({ pid: e.pid, pc: e.b }))}`,
  [EventType.RESTARTED]: (e) => `restarted, ${plural(e.a, "restart")} left`,
  [EventType.KILLED]: () => "killed",
  [EventType.VALUE_CHANGED]: (e, s) =>
    `${valueName(s, e.a)} ${f16Text(low(e.b))} -> ${f16Text(high(e.b))}`,
  [EventType.VALUE_SAVED]: (e, s) => `${valueName(s, e.a)} saved as ${f16Text(high(e.b))}`,
  [EventType.VALUE_STALE]: (e, s) => `${valueName(s, e.a)}: what was stored is unreadable`,
  [EventType.VALUE_ADJUSTED]: (e, s) =>
    `${valueName(s, e.a)}: ${f16Text(high(e.b))} was stored, ${ADJUSTED[low(e.b)] ?? "and adjusted"}`,
  [EventType.SAVE_HELD]: (e, s) =>
    `${valueName(s, e.a)} changes too often for its memory and is saved in ${Math.ceil(e.b / 1000)} s`,
  [EventType.COMMAND_CALLED]: (e, s) =>
    `${commandName(s, e.a)} called by ${e.b === 0 ? "the host" : `task ${e.b}`}`,
  [EventType.COMMAND_DONE]: (e, s) =>
    `${commandName(s, e.a)} answered ${CommandStatus[low(e.b)]}, ${high(e.b)}`,
  [EventType.MAILBOX_FULL]: (e, s) =>
    `${mailboxName(s, e.a)} had no room: ${low(e.b)} of ${high(e.b)} bytes used`,
  [EventType.MAILBOX_OVERRUN]: (e, s) => `a reader of ${mailboxName(s, e.a)} missed messages`,
  [EventType.BREAK]: (e, s) =>
    `stopped at BRK ${e.a}, pc ${hex(e.b, 4)}${placeText(s.placeOf({ pid: e.pid, pc: e.b }))}`,
  [EventType.STORE]: (e) => `the store is ${storeStateText(e.a)}, ${plural(e.b, "damaged cell")}`,
  [EventType.SAVE_FAILED]: (e, s) => `${valueName(s, e.a)} could not be saved: ${errName(-e.b)}`,
  [EventType.WORN]: (e) =>
    `the memory of the store is worn out after ${plural(e.b, "use")}: no value is saved any more`,
  [EventType.CONFIRMED]: () => "says it is well",
  [EventType.ACTIVATION]: activationText,
  [EventType.LOAD_ABORTED]: () => "a load was taken back before its end",
  [EventType.ROLLED_BACK]: (e) => `app ${e.a}: an earlier image comes back`,
  [EventType.CARD]: (e) =>
    e.a === 0
      ? `the card: plant ${hex(low(e.b), 4)} version ${high(e.b)} is taken`
      : `the card: ${errName(-e.a)}, ${hex(e.b, 8)}`,
  [EventType.UNWELL]: (e) =>
    `start group ${e.a}: the app with image ${hex(e.b, 8)} is not well in its time`,
  [EventType.WORD_LOST]: (e) =>
    `${wordName(e.a) ?? `word ${hex(e.a, 4)}`} was damaged beyond mending and counts as never set; set it again (provision status, config get)`,
  [EventType.PAUSED]: (e) => `paused at pc ${hex(e.b, 4)}`,
  [EventType.RESUMED]: () => "resumed",
};

/** One event in words, without time and task. */
export function eventText(event: NodeEvent, session: Session): string {
  const text = EVENT_TEXT[event.type]?.(event, session);
  return text ?? `${memberText(EventType, event.type)} ${event.a}, ${event.b}`;
}

/** An event for programs. */
export function eventData(event: NodeEvent, session: Session) {
  const { seq, ms, pid, a, b } = event;
  const type = (EventType[event.type] ?? String(event.type)).toLowerCase();
  return { seq, at_ms: ms, type, pid, a, b, text: eventText(event, session) };
}

/** `     1.250 s  text`, right under one another. */
export function timedLine(ms: number, text: string): string {
  return `${secondsText(ms).padStart(12)}  ${text}`;
}

/** `     1.250 s  task 2  text`; pid 0 is the node itself. */
export function traceLine(ms: number, pid: number, text: string): string {
  const who = pid === 0 ? "" : `task ${pid}`;
  return timedLine(ms, `${who.padEnd(8)} ${text}`);
}

export function pinText(pin: number, level: number | undefined): string {
  return `pin ${pin} ${level === undefined ? "released" : level === 0 ? "low" : "high"}`;
}
