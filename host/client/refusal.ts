// What a person reads when a node refuses: what, where, why, and what to do next.

import { Err } from "../../assembly/spec/errors.ts";
import { Resource, TaskState } from "../../assembly/spec/node.ts";
import { Level } from "../../assembly/spec/svc.ts";
import { f16Shortest, f16ToNumber } from "../formats/f16.ts";
import { count, hex } from "../formats/text.ts";
import { explainImage } from "./image-refusal.ts";
import type { Refusal } from "./records.ts";

/** Of an error whose numbers nobody kept. */
export const NO_REFUSAL: Refusal = {
  code: Err.OK,
  offset: 0,
  need: 0,
  have: 0,
  resource: Resource.NONE,
  pid: 0,
  oid: 0,
  name: "",
};

/** What a call was about, so that a sentence can name it. */
export interface Subject {
  /** `task 7`, `value motor:limit`, `setting quantum`, … */
  readonly name: string;
  readonly kind:
    | "task"
    | "memory"
    | "value"
    | "command"
    | "mailbox"
    | "setting"
    | "image"
    | "store"
    | "slot"
    | "app"
    | "node"
    | "file";
  /** The image that was refused. */
  readonly image?: Uint8Array;
}

export interface Explanation {
  /** One sentence without a full stop: what was refused and why. */
  readonly message: string;
  /** What to do about it, as a clause without a full stop. */
  readonly remedy?: string;
}

/** A call the node refused. */
export class NodeError extends Error {
  override readonly name = "NodeError";
  /** Err of the core. */
  readonly code: Err;
  readonly refusal: Refusal;
  readonly subject: Subject | undefined;
  readonly remedy: string | undefined;

  constructor(code: Err, refusal: Refusal, subject?: Subject) {
    const { message, remedy } = explain(code, refusal, subject);
    super(message);
    this.code = code;
    this.refusal = refusal;
    this.subject = subject;
    this.remedy = remedy;
  }
}

/** An oid as people write it: group and id. */
export function oidText(oid: number): string {
  return `${oid >> 8}.${oid & 0xff}`;
}

/** A binary16 as people read it: the shortest decimal that converts back. */
export function f16Text(bits: number): string {
  const short = f16Shortest(bits);
  if (short !== undefined) return String(short);
  const x = f16ToNumber(bits);
  if (Number.isNaN(x)) return "nan";
  return Object.is(x, -0) ? "-0" : x < 0 ? "-inf" : "inf";
}

// ---- The table ----

/** A refusal whose numbers belong to this code, or do not. */
interface Told extends Refusal {
  readonly isTold: boolean;
}
type Sentence = (r: Told, about: Subject) => Explanation;

const LIST_WHAT_THERE_IS: Record<Subject["kind"], string> = {
  task: "list the tasks: ps",
  memory: "list the tasks: ps",
  value: "list the values: val list",
  command: "list the commands: cmd list",
  mailbox: "list the mailboxes: mbox list",
  setting: "list the settings: config get",
  image: "list the tasks: ps",
  store: "look at the store: store status",
  slot: "list the slots: provision status; make some: provision format",
  app: "list the apps: provision status",
  node: "look at the configuration: config get",
  file: "check the name",
};

const RESOURCE: Record<Resource, { many: string; remedy: string }> = {
  [Resource.NONE]: { many: "entries", remedy: "free some" },
  [Resource.TASKS]: { many: "tasks", remedy: "kill a task, or replace one" },
  [Resource.MEMORY]: { many: "bytes of memory", remedy: "kill a task, or load a smaller app" },
  [Resource.VALUES]: { many: "values", remedy: "kill a task that has values, or declare fewer" },
  [Resource.COMMANDS]: {
    many: "commands",
    remedy: "kill a task that has commands, or declare fewer",
  },
  [Resource.DESCRIPTORS]: {
    many: "mailboxes",
    remedy: "kill a task that has mailboxes, or declare fewer",
  },
  [Resource.HANDLES]: { many: "mailbox handles of one task", remedy: "close a handle" },
  [Resource.SUBSCRIPTIONS]: { many: "subscriptions", remedy: "kill a task that subscribes" },
  [Resource.CALLS]: { many: "command calls at once", remedy: "wait until a call has ended" },
  [Resource.FILES]: { many: "files", remedy: "delete a file" },
  [Resource.CELLS]: {
    many: "cells of the store",
    remedy: "reset the store, or use a larger device",
  },
  [Resource.STACK]: { many: "bytes of stack", remedy: "declare a smaller .stack" },
  [Resource.MAILBOX]: { many: "bytes of a mailbox", remedy: "bind it with a larger capacity" },
  [Resource.SLOTS]: { many: "images", remedy: "kill a task, so that its image goes" },
  [Resource.FILTERS]: { many: "CAN filters", remedy: "kill a task that set some" },
  [Resource.APPS]: {
    many: "apps with a record",
    remedy: "load this one from a host at each start",
  },
};

const levelName = (level: number) => Level[level]?.toLowerCase() ?? `level ${level}`;
const about = (s: Subject, text: string, remedy?: string): Explanation =>
  remedy === undefined
    ? { message: `${s.name}: ${text}` }
    : { message: `${s.name}: ${text}`, remedy };

function full(r: Told, s: Subject): Explanation {
  const { many, remedy } = RESOURCE[r.resource] ?? RESOURCE[Resource.NONE];
  if (!r.isTold) return about(s, "the node is full", remedy);
  return about(
    s,
    `the node is full: ${count(r.need)} ${many} are needed, it has room for ${count(r.have)}`,
    remedy,
  );
}

function noMemory(r: Told, s: Subject): Explanation {
  const { remedy } = RESOURCE[Resource.MEMORY];
  if (!r.isTold || r.need === 0) return about(s, "the node's memory is full", remedy);
  const { need, have } = r;
  if (need <= have) {
    const text = `${count(need)} bytes of memory are needed in one piece; ${count(have)} are free, in pieces too small`;
    return about(s, text, remedy);
  }
  return about(s, `${count(need)} bytes of memory are needed, ${count(have)} are free`, remedy);
}

function noAccess(r: Told, s: Subject): Explanation {
  const remedy = "raise the level of the session: --level, or config set level";
  if (!r.isTold) return about(s, "the session may not do this", remedy);
  const needed = r.need > r.have ? r.need : Level.USER; // else it is declared PIN, which asks for any session
  return about(
    s,
    `needs the level ${levelName(needed)}, the session has ${levelName(r.have)}`,
    remedy,
  );
}

function range(r: Told, s: Subject): Explanation {
  if (!r.isTold) return about(s, "the number is out of range", "choose another");
  if (s.kind !== "value") {
    return about(
      s,
      `${count(r.need)} is out of range; at most ${count(r.have)}`,
      "choose another number",
    );
  }
  const [min, max] = [r.have & 0xffff, r.have >>> 16];
  const limits = min === 0 && max === 0 ? "it is 0 or 1" : `${f16Text(min)} to ${f16Text(max)}`;
  return about(s, `${f16Text(r.need)} is out of range: ${limits}`, "choose a number inside it");
}

function invalid(r: Told, s: Subject): Explanation {
  if (s.kind === "memory" && r.isTold) {
    const text = `${hex(r.need, 4)} to ${hex(r.need + r.have - 1, 4)} is not all inside its memory`;
    return about(s, text, "data lies from 0x4000, the stack below 0xFFFC");
  }
  if (s.kind === "value")
    return about(
      s,
      "it has no persist key, so it cannot be kept",
      "declare a persist_key in the app",
    );
  if (s.kind === "mailbox")
    return about(
      s,
      "this is not the name of a mailbox",
      "write svc:name, app:name, shared:name or pid:number",
    );
  if (s.kind === "setting")
    return about(s, "it is read-only, or takes no such number", "look at the settings: config get");
  return about(s, "an argument no call accepts", "correct it");
}

function wrongState(r: Told, s: Subject): Explanation {
  if (s.kind === "task" && r.isTold && r.need === TaskState.PAUSED) {
    const text = "it is paused while it waits, so it has no instruction to run";
    return about(s, text, "resume it, or let it wake first");
  }
  if (s.kind === "task" && r.isTold) {
    const state = TaskState[r.need]?.toLowerCase().replace("_", " ");
    return about(s, `it is ${state}, so this is not possible`, "look at the tasks: ps");
  }
  if (s.kind === "command") return about(s, "the task that serves it is paused", "resume the task");
  return about(s, "not possible in its present state", "look at the tasks: ps");
}

/** Another task has the id or the key; both are named. */
function held(what: "the id" | "the persist key"): Sentence {
  return (r, s) => {
    const remedy = "in hsx shell: load it with --group-base and --key-base, or with --replace";
    if (!r.isTold) return about(s, `another task already has ${what}`, remedy);
    const holder = `task ${r.pid}${r.name === "" ? "" : ` (${r.name})`}`;
    return about(
      s,
      `${holder} already has ${what} ${what === "the id" ? oidText(r.oid) : r.oid}`,
      remedy,
    );
  };
}

const say =
  (text: string, remedy?: string): Sentence =>
  (_, s) =>
    about(s, text, remedy);

/** What is wrong with a card, and in which of its blocks that was seen. */
const card =
  (text: string, remedy: string): Sentence =>
  (r, s) =>
    about(s, r.isTold ? `${text} (block ${count(r.offset)})` : text, remedy);

/** An app of the node stands in the way; its name is told if its image can be read. */
const theApp = (r: Told) => (r.isTold && r.name !== "" ? `the app "${r.name}"` : "an app");

type ImageErr = Extract<keyof typeof Err, `HXE_${string}`>;

const SENTENCES: Record<Exclude<keyof typeof Err, ImageErr>, Sentence> = {
  OK: say("nothing is wrong"),
  UNSUPPORTED: say("this node is built without it", "use a node of the desktop profile"),
  IO: say("the device failed", "try again, then look at the wiring"),
  NOT_FOUND: (_, s) => about(s, "there is no such thing", LIST_WHAT_THERE_IS[s.kind]),
  EXISTS: say("the name or id is taken", "choose another, or remove the holder"),
  NO_ACCESS: noAccess,
  READ_ONLY: say("it is declared read-only", "only the app can change it, and only by its init"),
  RANGE: range,
  INVALID: invalid,
  FULL: full,
  NO_MEMORY: noMemory,
  TIMEOUT: say("no answer came in time", "try again, or allow more time: --timeout"),
  NO_DATA: say("there is nothing now", "try again later"),
  WOULD_BLOCK: say("it is full, nothing was sent", "try again when its reader has read"),
  TOO_LARGE: (_, s) =>
    s.kind === "store"
      ? about(
          s,
          "they find no room on the device behind the cells of the store",
          "take fewer or smaller slots, a larger device, or fewer cells: store format --cells, or cells of a calibration file",
        )
      : about(s, "this is larger than it can ever hold", "send less, or bind a larger capacity"),
  ENDED: say("its task has ended", "restart the task"),
  BUSY: (_, s) =>
    s.kind === "value"
      ? about(s, "it changed less than its rate limit ago", "try again later")
      : about(s, "the node is busy with a load or a restart", "try again"),
  CORRUPT: say("what is stored fails its check", "restore it, or reset the store: store reset"),
  STATE: wrongState,
  ABSENT: say("no device answers", "give the node one: --nv FILE"),
  WORN: say(
    "the memory was written as often as its data sheet allows, so nothing is saved",
    "replace the chip; what is stored can still be read: store list",
  ),
  STORE_READ_ONLY: say(
    "the store is damaged or none, so nothing is written to it",
    "inspect it: store status; then empty it: store format",
  ),
  APP_EXISTS: (r, s) => {
    const text = r.isTold
      ? `"${r.name}" may be loaded once and is task ${r.pid}`
      : "the app may be loaded once";
    return about(s, text, r.isTold ? `in hsx shell: replace it: --replace ${r.pid}` : "replace it");
  },
  ID_TAKEN: held("the id"),
  KEY_TAKEN: held("the persist key"),
  LENGTH: (r, s) =>
    about(
      s,
      r.isTold
        ? `${count(r.need)} bytes came, ${count(r.have)} were announced`
        : "other bytes came than announced",
      "transfer the file again",
    ),
  SLOT_EMPTY: say("no whole image was ever put there", "stage an image in it first"),
  SLOT_DAMAGED: say("what it holds is not what was put there", "stage the image again"),
  SLOT_IN_USE: (r, s) =>
    r.isTold && r.pid !== 0
      ? about(s, `${theApp(r)} runs its code from a slot`, `kill ${r.pid} stops it`)
      : s.kind === "store"
        ? about(
            s,
            `${theApp(r)} needs one of the slots there are`,
            "store reset forgets all apps, and slots can be made then",
          )
        : about(
            s,
            `${theApp(r)} needs ${s.kind === "slot" ? "it" : "the slot"}`,
            "take a slot nobody needs: provision status",
          ),
  SLOT_SMALL: (r, s) =>
    about(
      s,
      r.isTold
        ? `the image has ${count(r.need)} bytes, the slot takes ${count(r.have)}`
        : "the image is longer than the slot",
      "link a smaller app, or format larger slots",
    ),
  IN_TRIAL: (r, s) =>
    about(
      s,
      s.kind === "node"
        ? "the configuration before this one is on trial still"
        : `${theApp(r)} is on trial, and one trial is held at a time`,
      s.kind === "node"
        ? "confirm it, or roll it back"
        : "provision confirm, or provision rollback",
    ),
  NO_TRIAL: say("nothing is on trial", "nothing needs to be confirmed"),
  NO_FALLBACK: (_, s) =>
    s.kind === "node"
      ? about(s, "there is no earlier one to come back", "change what is to be another: config set")
      : about(s, "there is no earlier image to come back", "stage and activate another image"),
  WRONG_NODE: (r, s) =>
    about(
      s,
      r.isTold
        ? `it is meant for node ${r.need}, this is node ${r.have}`
        : "it is meant for another node",
      "send it to the node it is meant for",
    ),
  CARD_BLANK: card("it has no FAT file system", "format it as FAT32 or FAT16, then: hsx sd make"),
  CARD_FAT12: card(
    "it is formatted as FAT12, which is for floppy disks",
    "format it as FAT16 or FAT32: mkfs.fat -F 16, or -F 32",
  ),
  CARD_EXFAT: card("it is formatted as exFAT", "format it as FAT32: mkfs.fat -F 32"),
  CARD_NTFS: card("it is formatted as NTFS", "format it as FAT32: mkfs.fat -F 32"),
  CARD_GPT: card(
    "it has a GPT partition table, the node reads the older MBR",
    "write a card whole: hsx sd make; or give it an MBR: fdisk, command o, then mkfs.fat -F 32",
  ),
  CARD_FORMAT: (r, s) =>
    about(
      s,
      r.isTold
        ? `its file system has sectors of ${count(r.need)} bytes, the node reads ${count(r.have)}`
        : "its file system has sectors of another size than 512 bytes",
      "format it anew: mkfs.fat -S 512",
    ),
  CARD_DAMAGED: card(
    "its file system contradicts itself",
    "copy what is needed, look at it with fsck.fat -n, then format it anew",
  ),
  CARD_NO_FILE: (r, s) =>
    about(
      s,
      r.isTold ? `its root has no file ${r.name}` : "a file is not in its root",
      "make the card with hsx sd make; names have 8.3 characters at most",
    ),
  CARD_IMAGE: say(
    "an image on it is not the one its manifest names",
    "make the card again: hsx sd make",
  ),
  MANIFEST_FORMAT: say(
    "its HSX.HXM is no manifest, or of a format the node does not know",
    "make the card again: hsx sd make; if that does not help, update the node",
  ),
  MANIFEST_DAMAGED: say(
    "its manifest contradicts itself, or its sum does not match",
    "make the card again: hsx sd make",
  ),
  MANIFEST_PLANT: (r, s) =>
    about(
      s,
      r.isTold
        ? `its manifest is of plant ${hex(r.need, 4)}, the node belongs to plant ${hex(r.have, 4)}`
        : "its manifest is of another plant",
      "put the right card in; store reset makes the node forget its plant",
    ),
  MANIFEST_OLD: (r, s) =>
    about(
      s,
      r.isTold
        ? `its manifest is version ${r.need}, the node has taken version ${r.have}`
        : "its manifest is older than one the node has taken",
      "put the newer card in; store reset makes the node forget its plant",
    ),
  MANIFEST_NODE: say(
    "its manifest has nothing for this node",
    "name the node in the manifest by its id, UID or role: node info shows them",
  ),
  UNWELL: say(
    "an app was not well in its time, so those behind it were not started",
    "look at the app: events; then hsx go starts what waits, or restart the node",
  ),
};

/** Why a call was refused. Numbers are told only if the node recorded them for this very code. */
export function explain(
  code: Err,
  refusal: Refusal,
  subject: Subject = { kind: "task", name: "the node" },
): Explanation {
  const told = { ...refusal, isTold: refusal.code === code };
  const image = explainImage(code, told, subject.image);
  if (image !== undefined) return about(subject, image.message, image.remedy);
  const sentence = SENTENCES[Err[code] as keyof typeof SENTENCES];
  return sentence === undefined ? about(subject, `error ${code}`) : sentence(told, subject);
}
