// What a node offers its clients, wherever it is: in this process, on a simulated board, or at the other end of a bus.

import type { ConfirmAfter } from "../../assembly/spec/boot.ts";
import type { Profile } from "../../assembly/spec/limits.ts";
import type { PersistMode } from "../../assembly/spec/svc.ts";
import type { BootPolicy, NodeConfig } from "../formats/node-words.ts";
import type {
  ActivationInfo,
  AppInfo,
  CommandInfo,
  MailboxInfo,
  SlotInfo,
  StartInfo,
  StoredSlotInfo,
  StoreInfo,
  TaskInfo,
  ValueInfo,
} from "./records.ts";

/** A node in this process answers at once, one on a bus later. */
export type Awaitable<T> = T | Promise<T>;

export interface ActivateOptions {
  /** Starts until it must be confirmed, 1 to 7; 0: at once, without a trial. */
  readonly attempts?: number;
  /** Confirmed by time alone. */
  readonly confirmAfter?: ConfirmAfter;
}

/** Stored images, apps, boot list and configuration of a node. What it refuses is thrown as a NodeError. */
export interface ProvisionClient {
  slots(): Awaitable<StoredSlotInfo[]>;
  /** Makes slots behind the store; an image that lies where a slot begins stays. 0: none. */
  formatSlots(count: number, bytes: number): Awaitable<void>;
  /** Apps that have an image, or a place in the boot list. */
  apps(): Awaitable<AppInfo[]>;
  /** The app on trial. */
  trial(): Awaitable<AppInfo | undefined>;
  /** Makes the image in a slot the active one of its app, and starts it. Returns the pid. */
  activate(slot: number, options?: ActivateOptions): Awaitable<number>;
  /** Confirms the app on trial, or the one asked for. */
  confirm(app?: number): Awaitable<void>;
  /** Brings the fallback of an app back, by default of the one on trial, and starts it. Returns the pid. */
  rollback(app?: number): Awaitable<number>;
  /** Says how an app comes up at power-on. */
  setBoot(app: number, policy: BootPolicy): Awaitable<void>;
  /** How far the start-up is, and what the card has to do with it. */
  start(): Awaitable<StartInfo>;
  config(which?: "active" | "fallback"): Awaitable<NodeConfig>;
  configState(): Awaitable<ActivationInfo>;
  /** Changes the configuration from the next start on. */
  setConfig(change: Partial<NodeConfig>): Awaitable<void>;
  confirmConfig(): Awaitable<void>;
  rollbackConfig(): Awaitable<void>;
}

/** Which build of the core a node has, and what is left of its arena. */
export interface MemoryInfo {
  readonly profile: Profile;
  readonly freeBytes: number;
}

/** The verbs of one node. What it refuses is thrown as a NodeError. */
export interface NodeClient {
  readonly provision: ProvisionClient;
  memory(): Awaitable<MemoryInfo>;
  /** Lets time pass at the node. */
  wait(ms: number): Awaitable<void>;
  tasks(): Awaitable<TaskInfo[]>;
  /** Starts a task over from its image. */
  restart(pid: number): Awaitable<void>;
  pause(pid: number): Awaitable<void>;
  resume(pid: number): Awaitable<void>;
  kill(pid: number): Awaitable<void>;
  /** Images in memory. */
  slots(): Awaitable<SlotInfo[]>;
  values(): Awaitable<ValueInfo[]>;
  /** binary16 bits. */
  getValue(oid: number): Awaitable<number>;
  setValue(oid: number, f16: number): Awaitable<void>;
  setPersistMode(oid: number, mode: PersistMode): Awaitable<void>;
  /** Saves a value now instead of after its debounce. */
  saveValue(oid: number): Awaitable<void>;
  commands(): Awaitable<CommandInfo[]>;
  /** Calls a command and waits until its handler has returned. */
  callCommand(
    oid: number,
    argument?: number,
    timeout_ms?: number,
  ): Awaitable<{ status: number; result: number }>;
  mailboxes(): Awaitable<MailboxInfo[]>;
  store(): Awaitable<StoreInfo>;
}
