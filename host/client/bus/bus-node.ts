// A node at the other end of a bus: the verbs of NodeClient as requests.

import {
  ATTEMPTS_DEFAULT,
  CONFIG_APP,
  ConfirmAfter,
  STORED_UNIT,
} from "../../../assembly/spec/boot.ts";
import { Err } from "../../../assembly/spec/errors.ts";
import {
  BEGIN_AFTER_SHIFT,
  type BootWhat,
  CALL_STATUS,
  CONFIG_MORE,
  CONFIG_NONE,
  CONFIG_PART_SHIFT,
  Info,
  PERSIST_SAVE,
  ProvisionWhat,
  RESET_KEY,
  StoreWhat,
  TaskWhat,
} from "../../../assembly/spec/frame.ts";
import type { Level, PersistMode } from "../../../assembly/spec/svc.ts";
import { readResult, type VerbArgs, type VerbName } from "../../formats/frame.ts";
import {
  type BootPolicy,
  bootWordOf,
  type NodeConfig,
  nodeConfigWords,
  readNodeConfig,
} from "../../formats/node-words.ts";
import type { ActivateOptions, MemoryInfo, NodeClient, ProvisionClient } from "../node-client.ts";
import {
  type ActivationInfo,
  type AppInfo,
  type CommandInfo,
  isOnTrial,
  isUsed,
  type MailboxInfo,
  readActivation,
  readApp,
  readCommand,
  readMailbox,
  readRefusal,
  readSlot,
  readStart,
  readStore,
  readStoredSlot,
  readTask,
  readValue,
  type SlotInfo,
  type StartInfo,
  type StoredSlotInfo,
  type StoreInfo,
  type TaskInfo,
  type ValueInfo,
} from "../records.ts";
import { NodeError, oidText, type Subject } from "../refusal.ts";
import { BusError } from "./bus-error.ts";
import { type NodeRecord, readNodeRecord } from "./node-record.ts";
import type { Answer, AskOptions, Requests } from "./requests.ts";

/** What a job that a node has begun may take: a slot of flash that must be erased first. */
const JOB_MS = 20_000;
/** Between the first two questions how it went, and most: each takes a node's time from the job. */
const JOB_LOOK_US = 2_000;
const JOB_LOOK_MOST_US = 16_000;
const CALL_MS = 1000;

/** A view as the readers of records take it. */
function viewOf(bytes: Uint8Array): DataView {
  return new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}

/** One node of a bus, by its id. A node that stays silent throws a BusError, one that refuses a NodeError. */
export class BusNode implements NodeClient {
  readonly provision: ProvisionClient;

  constructor(
    readonly requests: Requests,
    readonly id: number,
    /** Authority it is asked for when something takes more than the master has; 0: none. */
    private readonly level: Level,
  ) {
    this.provision = new BusProvision(this);
  }

  // ---- Requests ----

  /** The reason of the last refusal, in words. */
  async refused(code: Err, subject: Subject): Promise<NodeError> {
    const record = await this.requests.record(this.id, Info.REFUSAL, 0);
    const refusal =
      typeof record === "number"
        ? { code, offset: 0, need: 0, have: 0, resource: 0, pid: 0, oid: 0, name: "" }
        : readRefusal(viewOf(record));
    return new NodeError(code, refusal, subject);
  }
  /** Throws what a node refuses. */
  async good(answer: Answer, subject: Subject): Promise<Answer> {
    if (answer.status !== 0) throw await this.refused(-answer.status, subject);
    return answer;
  }
  /** Asks for the level. */
  async raise(): Promise<void> {
    if (this.level !== 0) await this.requests.ask(this.id, "LEVEL", { level: this.level });
  }
  /** Asks what changes the node; again with the level when it takes more than the master has. */
  async change<V extends VerbName>(
    verb: V,
    args: VerbArgs<V>,
    subject: Subject,
    options: AskOptions = {},
  ): Promise<Answer> {
    let answer = await this.requests.ask(this.id, verb, args, options);
    if (-answer.status === Err.NO_ACCESS && this.level !== 0) {
      await this.raise();
      answer = await this.requests.ask(this.id, verb, args, options);
    }
    return answer.status >= CALL_STATUS ? answer : this.good(answer, subject);
  }
  /** A record; undefined: there is none of this index. */
  private async record(kind: Info, index: number): Promise<DataView | undefined> {
    const record = await this.requests.record(this.id, kind, index);
    if (typeof record !== "number") return viewOf(record);
    if (record === Err.NOT_FOUND) return undefined;
    throw await this.refused(record, { kind: "node", name: `node ${this.id}` });
  }
  /** All records of a kind, by index, up to the first the node calls invalid. */
  async records(kind: Info, from = 0): Promise<[DataView, number][]> {
    const records: [DataView, number][] = [];
    for (let index = from; ; index++) {
      const record = await this.requests.record(this.id, kind, index);
      if (record === Err.INVALID) return records;
      if (typeof record !== "number") records.push([viewOf(record), index]);
    }
  }
  /** The one record of a kind. */
  async only(kind: Info, index = 0): Promise<DataView> {
    const view = await this.record(kind, index);
    if (view !== undefined) return view;
    throw new BusError(
      "other-protocol",
      `node ${this.id} has no record ${Info[kind]}`,
      "its firmware is of another version than this hsx: update one of them",
      this.id,
    );
  }

  // ---- The node ----

  /** Who it is: UID, board, firmware, memory. */
  async about(): Promise<NodeRecord> {
    return readNodeRecord(await this.only(Info.NODE));
  }
  memory(): Promise<MemoryInfo> {
    return this.about();
  }
  wait(ms: number): Promise<void> {
    return this.requests.link.sleep(ms * 1000);
  }
  async store(): Promise<StoreInfo> {
    return readStore(await this.only(Info.STORE));
  }
  /** Makes a store of so many cells and, behind it, extents of 64 bytes. What it held is lost. */
  async formatStore(cells: number, extents = 0): Promise<void> {
    const args = { what: StoreWhat.FORMAT, a: cells, b: extents };
    await this.change("STORE", args, { kind: "store", name: "the store" });
  }
  /** Of a node that waits for a master at its start: it waits on, or starts. */
  async boot(what: BootWhat): Promise<void> {
    await this.change("BOOT", { what }, { kind: "node", name: `node ${this.id}` });
  }
  /** Restarts the node. */
  async reset(intoBootloader = false): Promise<void> {
    const args = { what: intoBootloader ? 1 : 0, key: RESET_KEY };
    await this.change("RESET", args, { kind: "node", name: `node ${this.id}` });
  }

  // ---- Tasks ----

  private async task(what: TaskWhat, pid: number): Promise<void> {
    await this.change("TASK", { what, pid }, { kind: "task", name: `task ${pid}` });
  }
  async tasks(): Promise<TaskInfo[]> {
    const tasks = (await this.records(Info.TASK)).map(([view]) => readTask(view));
    return tasks.sort((a, b) => a.pid - b.pid);
  }
  restart(pid: number): Promise<void> {
    return this.task(TaskWhat.RESTART, pid);
  }
  pause(pid: number): Promise<void> {
    return this.task(TaskWhat.STOP, pid);
  }
  resume(pid: number): Promise<void> {
    return this.task(TaskWhat.START, pid);
  }
  kill(pid: number): Promise<void> {
    return this.task(TaskWhat.KILL, pid);
  }
  async slots(): Promise<SlotInfo[]> {
    const slots = (await this.records(Info.SLOT)).map(([view]) => readSlot(view));
    return slots.filter((slot) => slot.bytes > 0);
  }

  // ---- Values and commands ----

  async values(): Promise<ValueInfo[]> {
    return (await this.records(Info.VALUE)).map(([view]) => readValue(view));
  }
  async getValue(oid: number): Promise<number> {
    const answer = await this.requests.ask(this.id, "GET", { oid });
    return readResult("GET", (await this.good(answer, aboutValue(oid))).result).value;
  }
  async setValue(oid: number, f16: number): Promise<void> {
    await this.change("SET", { oid, value: f16 }, aboutValue(oid));
  }
  async setPersistMode(oid: number, mode: PersistMode): Promise<void> {
    await this.change("PERSIST", { oid, mode }, aboutValue(oid));
  }
  async saveValue(oid: number): Promise<void> {
    await this.change("PERSIST", { oid, mode: PERSIST_SAVE }, aboutValue(oid));
  }
  /** Has it publish a value, or no longer; `period_ms`: between two of its PUB frames. */
  async publish(oid: number, on: boolean, period_ms = 0): Promise<void> {
    const args = { oid, period: period_ms, on: on ? 1 : 0 };
    await this.change("PUBLISH", args, aboutValue(oid));
  }
  async commands(): Promise<CommandInfo[]> {
    return (await this.records(Info.COMMAND)).map(([view]) => readCommand(view));
  }
  async callCommand(
    oid: number,
    argument = 0,
    timeout_ms = CALL_MS,
  ): Promise<{ status: number; result: number }> {
    const subject: Subject = { kind: "command", name: `command ${oidText(oid)}` };
    const options = { patience_ms: timeout_ms };
    const { status, result } = await this.change("CALL", { oid, argument }, subject, options);
    return { status: Math.max(0, status - CALL_STATUS), result: readResult("CALL", result).result };
  }
  async mailboxes(): Promise<MailboxInfo[]> {
    return (await this.records(Info.MAILBOX, 1)).map(([view, id]) => readMailbox(view, id));
  }
}

function aboutValue(oid: number): Subject {
  return { kind: "value", name: `value ${oidText(oid)}` };
}

/** Stored images and configuration of a node of a bus. */
class BusProvision implements ProvisionClient {
  constructor(private readonly node: BusNode) {}

  /** Begins a job and waits for its result. */
  private async perform(
    what: ProvisionWhat,
    index: number,
    a: number,
    subject: Subject,
  ): Promise<number> {
    await this.node.change("PROVISION", { what, index, a }, subject);
    return this.awaitJob(subject);
  }
  private async awaitJob(subject: Subject): Promise<number> {
    const { requests, id } = this.node;
    const { link } = requests;
    const end_us = link.now_us + JOB_MS * 1000;
    let look_us = JOB_LOOK_US;
    while (link.now_us < end_us) {
      const args = { what: ProvisionWhat.RESULT, index: 0, a: 0 };
      const answer = await requests.ask(id, "PROVISION", args);
      if (-answer.status !== Err.BUSY)
        return readResult("PROVISION", (await this.node.good(answer, subject)).result).value;
      await link.sleep(look_us);
      look_us = Math.min(2 * look_us, JOB_LOOK_MOST_US);
    }
    const remedy = "look at the node: hsx provision status";
    throw new BusError("no-answer", `node ${id} does not finish ${subject.name}`, remedy, id);
  }

  async slots(): Promise<StoredSlotInfo[]> {
    return (await this.node.records(Info.STORED)).map(([view, n]) => readStoredSlot(n, view));
  }
  async formatSlots(count: number, bytes: number): Promise<void> {
    const subject = { kind: "store", name: `${count} slots of ${bytes} bytes` } as const;
    await this.perform(ProvisionWhat.FORMAT, count, Math.ceil(bytes / STORED_UNIT), subject);
  }

  /** Records of apps; the last is that of the configuration. */
  private appRecords(): Promise<[DataView, number][]> {
    return this.node.records(Info.APP);
  }
  async apps(): Promise<AppInfo[]> {
    const apps = (await this.appRecords()).slice(0, -1).map(([view, n]) => readApp(n, view));
    return apps.filter(isUsed);
  }
  async trial(): Promise<AppInfo | undefined> {
    return (await this.apps()).find(isOnTrial);
  }
  private async appOf(app: number | undefined): Promise<number> {
    return app ?? (await this.trial())?.app ?? 0;
  }

  activate(slot: number, options: ActivateOptions = {}): Promise<number> {
    const { attempts = ATTEMPTS_DEFAULT, confirmAfter = ConfirmAfter.NEVER } = options;
    const counts = attempts | (confirmAfter << BEGIN_AFTER_SHIFT);
    const subject = { kind: "slot", name: `slot ${slot}` } as const;
    return this.perform(ProvisionWhat.ACTIVATE, slot, counts, subject);
  }
  async confirm(app?: number): Promise<void> {
    const number = await this.appOf(app);
    await this.perform(ProvisionWhat.CONFIRM, number, 0, aboutApp(number));
  }
  async rollback(app?: number): Promise<number> {
    const number = await this.appOf(app);
    return this.perform(ProvisionWhat.ROLLBACK, number, 0, aboutApp(number));
  }
  async setBoot(app: number, policy: BootPolicy): Promise<void> {
    await this.perform(ProvisionWhat.BOOT_WORD, app, bootWordOf(policy), aboutApp(app));
  }

  async start(): Promise<StartInfo> {
    return readStart(await this.node.only(Info.START, 0));
  }
  async config(which: "active" | "fallback" = "active"): Promise<NodeConfig> {
    return readNodeConfig(await this.node.only(Info.CONFIG, which === "fallback" ? 1 : 0));
  }
  async configState(): Promise<ActivationInfo> {
    const last = (await this.appRecords()).at(-1);
    if (last === undefined) throw new Error("a node without an app record");
    return readActivation(last[0]);
  }
  async setConfig(change: Partial<NodeConfig>): Promise<void> {
    const subject = { kind: "node", name: "the configuration" } as const;
    const before = await this.config();
    const words = changedWords(before, { ...before, ...change });
    for (let n = 0; n < words.length; n += 2) {
      const [number, firstWord] = words[n] as readonly [number, number];
      const [second, secondWord] = words[n + 1] ?? [CONFIG_NONE, 0];
      const more = n + 2 < words.length ? CONFIG_MORE : 0;
      const first = number | ((n / 2) << CONFIG_PART_SHIFT) | more;
      await this.node.change("CONFIG", { first, firstWord, second, secondWord }, subject);
    }
    if (words.length > 0) await this.awaitJob(subject);
  }
  async confirmConfig(): Promise<void> {
    await this.confirm(CONFIG_APP);
  }
  async rollbackConfig(): Promise<void> {
    await this.rollback(CONFIG_APP);
  }
}

function aboutApp(app: number): Subject {
  if (app === CONFIG_APP) return { kind: "node", name: "the configuration" };
  return { kind: "app", name: `app ${app}` };
}

/** Number and word of what differs. */
function changedWords(before: NodeConfig, after: NodeConfig): (readonly [number, number])[] {
  const [old, now] = [before, after].map((c) => viewOf(nodeConfigWords(c))) as [DataView, DataView];
  const changed: (readonly [number, number])[] = [];
  for (let n = 0; 2 * n < now.byteLength; n++) {
    const word = now.getUint16(2 * n, true);
    if (word !== old.getUint16(2 * n, true)) changed.push([n, word]);
  }
  return changed;
}
