// Stored images, their apps, the boot list and the configuration of a node, as verbs that wait until the node has done them.

import { crc32 } from "node:zlib";
import {
  APPS_MAX,
  AppState,
  ATTEMPTS_DEFAULT,
  CONFIG_APP,
  ConfirmAfter,
  STAGE_BYTES,
} from "../../assembly/spec/boot.ts";
import { Err } from "../../assembly/spec/errors.ts";
import { HXE_MAGIC, HXE_V2_SIZE } from "../../assembly/spec/hxe.ts";
import { StartState } from "../../assembly/spec/node.ts";
import { decodeHxe } from "../formats/hxe.ts";
import {
  type BootPolicy,
  bootPolicyOf,
  bootWordOf,
  type NodeConfig,
  nodeConfigWords,
  readNodeConfig,
} from "../formats/node-words.ts";
import type { Core } from "../node/core.ts";
import {
  type ActivationInfo,
  type AppInfo,
  isOnTrial,
  isUsed,
  readActivation,
  readApp,
  readStart,
  readStoredSlot,
  type StartInfo,
  type StoredSlotInfo,
} from "./records.ts";
import type { NodeError, Subject } from "./refusal.ts";

export interface StageOptions {
  /** Slot to use; default: an empty one, else one nobody needs, else the one that holds the fallback of the same app. */
  readonly slot?: number;
  /** Id of the node the image is meant for; another node refuses it. */
  readonly node?: number;
  /** What messages call the image. */
  readonly name?: string;
}

export interface ActivateOptions {
  /** Starts until it must be confirmed, 1 to 7; 0: at once, without a trial. */
  readonly attempts?: number;
  /** Confirmed by time alone. */
  readonly confirmAfter?: ConfirmAfter;
}

/** What a node lends to its provisioning. */
export interface Provisioned {
  readonly core: Core;
  /** The refusal of the last call, in words. */
  refused(code: Err, subject?: Subject): NodeError;
  /** One poll without instructions, and the time it takes. */
  pump(): void;
}

/** Polls after which a job that makes no progress is a defect. */
const POLLS_MAX = 10_000_000;

/** The provisioning of one node. Calls that the core refuses throw a NodeError; apps do not run while a call waits. */
export class Provisioning {
  constructor(private readonly node: Provisioned) {}

  private get x() {
    return this.node.core.exports;
  }
  private check(result: number, subject: Subject): number {
    if (result < 0) throw this.node.refused(result, subject);
    return result;
  }
  /** Polls until `ask` has an answer. */
  private await(ask: () => number, subject: Subject): number {
    for (let n = 0; n < POLLS_MAX; n++) {
      const result = ask();
      if (result !== Err.BUSY) return this.check(result, subject);
      this.node.pump();
    }
    throw new Error("a job of provisioning does not end");
  }
  /** Begins a job as soon as the one before has ended, and waits for its result. */
  private perform(begin: () => number, subject: Subject): number {
    this.await(() => (this.isBusy() ? Err.BUSY : Err.OK), subject);
    this.check(begin(), subject);
    return this.await(() => this.x.hsx_provision_result(), subject);
  }
  private subjectOf(app: number): Subject {
    const name = this.apps().find((a) => a.app === app)?.name;
    return { kind: "app", name: name ? `app ${name}` : `app ${app}` };
  }

  /** True while the node boots, or changes what is stored. */
  isBusy(): boolean {
    return this.x.hsx_provision_result() === Err.BUSY;
  }

  // ---- Slots ----

  /** Makes slots behind the store; an image that lies where a slot begins stays. 0: none. Refused while an app needs one. */
  formatSlots(count: number, bytes: number): void {
    const subject = { kind: "store", name: `${count} slots of ${bytes} bytes` } as const;
    this.perform(() => this.x.hsx_slot_format(count, bytes), subject);
  }

  slots(): StoredSlotInfo[] {
    const slots: StoredSlotInfo[] = [];
    for (let slot = 0; ; slot++) {
      const asked = () => this.x.hsx_slot_stored(slot);
      let bytes = asked();
      for (; bytes === Err.BUSY; bytes = asked()) this.node.pump();
      if (bytes === Err.INVALID) return slots;
      this.check(bytes, { kind: "slot", name: `slot ${slot}` });
      slots.push(readStoredSlot(slot, this.node.core.view()));
    }
  }

  /** The slot an image of an app is best staged in; undefined: every one is needed. */
  private freeSlot(image: Uint8Array): number | undefined {
    const apps = this.apps();
    const slots = this.slots();
    const isNeeded = (slot: number) => apps.some((a) => a.active === slot || a.fallback === slot);
    const free = slots.filter(({ slot }) => !isNeeded(slot));
    const best = free.find(({ state }) => state === "empty") ?? free[0];
    if (best !== undefined) return best.slot;
    const name = decodeHxe(image).image?.appName.trim() || "app";
    const own = apps.find((a) => a.name === name && a.state === AppState.CONFIRMED);
    return own?.fallback;
  }

  /** Brings an image into a slot and has it checked there, whole. Returns the slot. Nothing is started. */
  stage(image: Uint8Array, options: StageOptions = {}): number {
    const subject: Subject = { kind: "image", name: options.name ?? "image", image };
    this.await(() => (this.isBusy() ? Err.BUSY : Err.OK), subject);
    const slot = options.slot ?? this.freeSlot(image) ?? 0;
    const crc = crc32(image);
    const begun = this.x.hsx_slot_stage(slot, image.length, crc, options.node ?? 0);
    this.check(begun, begun === Err.NOT_FOUND ? { kind: "slot", name: `slot ${slot}` } : subject);
    for (let at = 0; at < image.length; at += STAGE_BYTES) {
      const piece = image.subarray(at, at + STAGE_BYTES);
      this.await(() => {
        this.node.core.write(piece);
        return this.x.hsx_load_data(piece.length);
      }, subject);
    }
    return this.await(() => this.x.hsx_load_result(), subject);
  }

  // ---- Apps ----

  /** Apps that have an image, or a place in the boot list. */
  apps(): AppInfo[] {
    const apps: AppInfo[] = [];
    for (let app = 0; this.x.hsx_provision_info(app + 1) !== Err.INVALID; app++) {
      this.x.hsx_provision_info(app);
      const info = readApp(app, this.node.core.view());
      if (isUsed(info)) apps.push(info);
    }
    return apps;
  }
  /** The app on trial. */
  trial(): AppInfo | undefined {
    return this.apps().find(isOnTrial);
  }

  /** Makes the image in a slot the active one of its app, and starts it. Returns the pid. Refused, the app before runs on, or again. */
  activate(slot: number, options: ActivateOptions = {}): number {
    const { attempts = ATTEMPTS_DEFAULT, confirmAfter = ConfirmAfter.NEVER } = options;
    const begin = () => this.x.hsx_app_activate(slot, attempts, confirmAfter);
    return this.perform(begin, { kind: "slot", name: `slot ${slot}` });
  }
  /** Confirms the app on trial, or the one asked for. */
  confirm(app = this.trial()?.app ?? 0): void {
    this.perform(() => this.x.hsx_app_confirm(app), this.subjectOf(app));
  }
  /** Brings the fallback of an app back, by default of the one on trial, and starts it. Returns the pid. */
  rollback(app = this.trial()?.app ?? 0): number {
    return this.perform(() => this.x.hsx_app_rollback(app), this.subjectOf(app));
  }
  /** Takes an app off the boot list and empties its slots. Its task, if it has one, runs on. Returns the slots. */
  remove(app: number): number[] {
    const record = this.apps().find((a) => a.app === app);
    this.perform(() => this.x.hsx_app_remove(app), this.subjectOf(app));
    this.setBoot(app, bootPolicyOf(0));
    const slots = [record?.active, record?.fallback].filter((slot) => slot !== undefined);
    for (const slot of slots) this.empty(slot);
    return slots;
  }
  /** What a slot holds goes with the first bytes of an image that never comes. */
  private empty(slot: number): void {
    const subject = { kind: "slot", name: `slot ${slot}` } as const;
    const start = new Uint8Array(4);
    new DataView(start.buffer).setUint32(0, HXE_MAGIC);
    this.check(this.x.hsx_slot_stage(slot, HXE_V2_SIZE, 0, 0), subject);
    this.await(() => {
      this.node.core.write(start);
      return this.x.hsx_load_data(start.length);
    }, subject);
    this.await(() => (this.isBusy() ? Err.BUSY : Err.OK), subject);
    this.check(this.x.hsx_load_abort(), subject);
    const isWriting = () => this.x.hsx_slot_stored(slot) === Err.BUSY;
    this.await(() => (isWriting() ? Err.BUSY : Err.OK), subject);
  }
  /** Says how an app comes up at power-on. */
  setBoot(app: number, policy: BootPolicy): void {
    const word = bootWordOf(policy);
    this.perform(() => this.x.hsx_boot_set(app, word), { kind: "app", name: `app ${app}` });
  }

  // ---- The start-up ----

  /** How far it is, and what the card has to do with it. */
  start(): StartInfo {
    this.x.hsx_start_info();
    return readStart(this.node.core.view());
  }
  /** True while it waits for a master, or for an app that is not well. */
  isHeld(): boolean {
    const { state } = this.start();
    return state === StartState.WAITING || state === StartState.HOLDING;
  }
  /** Holds a start-up that waits for a master, or lets one that waits go on. */
  hold(holds: boolean): void {
    this.check(this.x.hsx_start_hold(holds ? 1 : 0), { kind: "node", name: "the start-up" });
  }

  // ---- The configuration of the node ----

  /** What this start found, or the next one will; `fallback`: what comes back unless it is confirmed. */
  config(which: "active" | "fallback" = "active"): NodeConfig {
    this.x.hsx_node_config_get(which === "fallback" ? 1 : 0);
    return readNodeConfig(this.node.core.view());
  }
  /** Whether an event of an activation record with this number is about the configuration. */
  isConfigRecord(record: number): boolean {
    return this.x.hsx_provision_info(record + 1) === Err.INVALID;
  }
  /** Whether the configuration is on trial. With one attempt left it waits for a start. */
  configState(): ActivationInfo {
    let last = 0;
    while (last <= APPS_MAX && this.x.hsx_provision_info(last + 1) !== Err.INVALID) last++;
    this.x.hsx_provision_info(last);
    return readActivation(this.node.core.view());
  }
  /** Changes the configuration from the next start on. One with another id, bit rate or base id is on trial for that start. */
  setConfig(change: Partial<NodeConfig>): void {
    const subject = { kind: "node", name: "the configuration" } as const;
    this.await(() => (this.isBusy() ? Err.BUSY : Err.OK), subject);
    const words = nodeConfigWords({ ...this.config(), ...change });
    this.perform(() => {
      this.node.core.write(words);
      return this.x.hsx_node_config_set();
    }, subject);
  }
  confirmConfig(): void {
    const subject = { kind: "node", name: "the configuration" } as const;
    this.perform(() => this.x.hsx_app_confirm(CONFIG_APP), subject);
  }
  /** Brings the configuration before the one on trial back, from the next start on. */
  rollbackConfig(): void {
    const subject = { kind: "node", name: "the configuration" } as const;
    this.perform(() => this.x.hsx_app_rollback(CONFIG_APP), subject);
  }

  /** The Source that wins among those that offer an image, by the configured order; undefined: none is to be used. */
  chooseSource(offers: readonly number[]): number | undefined {
    const mask = offers.reduce((bits, source) => bits | (1 << source), 0);
    const source = this.x.hsx_source_choose(mask);
    return source < 0 ? undefined : source;
  }
}
