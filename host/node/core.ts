// The core in Node: its module instantiated on a Machine, its exports typed, its I/O buffer reached.

import type { Machine, NodeMachine } from "./hal.ts";

/** The exports of assembly/index.ts, where each is explained. Negative results are Err of assembly/spec/errors.ts. */
export interface CoreExports {
  readonly memory: { readonly buffer: ArrayBuffer };
  hsx_start(): void;
  hsx_poll(budget: number): number;
  hsx_rest(): number;
  hsx_io(): number;
  hsx_refusal(): number;
  hsx_power_fail(): number;
  hsx_config_get(key: number): number;
  hsx_config_set(key: number, value: number): number;
  hsx_event(): number;
  hsx_load_begin(
    total: number,
    replaced: number,
    groupBase: number,
    keyBase: number,
    restarts: number,
  ): number;
  hsx_load_data(length: number): number;
  hsx_load_abort(): number;
  hsx_load_result(): number;
  hsx_task_info(bank: number): number;
  hsx_task_kill(pid: number): number;
  hsx_task_restart(pid: number): number;
  hsx_task_pause(pid: number): number;
  hsx_task_resume(pid: number): number;
  hsx_task_step(pid: number): number;
  hsx_reg_set(pid: number, n: number, value: number): number;
  hsx_mem_read(pid: number, address: number, bytes: number): number;
  hsx_mem_write(pid: number, address: number, bytes: number): number;
  hsx_slot_info(slot: number): number;
  hsx_provision_result(): number;
  hsx_provision_info(app: number): number;
  hsx_start_info(): number;
  hsx_start_hold(holds: number): number;
  hsx_slot_format(count: number, bytes: number): number;
  hsx_slot_stored(slot: number): number;
  hsx_slot_stage(slot: number, total: number, crc: number, node: number): number;
  hsx_app_activate(slot: number, attempts: number, after: number): number;
  hsx_app_confirm(app: number): number;
  hsx_app_rollback(app: number): number;
  hsx_app_remove(app: number): number;
  hsx_boot_set(app: number, word: number): number;
  hsx_node_config_get(fallback: number): number;
  hsx_node_config_set(): number;
  hsx_source_choose(offers: number): number;
  hsx_value_info(index: number): number;
  hsx_value_get(oid: number): number;
  hsx_value_set(oid: number, value: number): number;
  hsx_value_persist(oid: number, mode: number): number;
  hsx_value_save(oid: number): number;
  hsx_command_info(index: number): number;
  hsx_command_call(oid: number, argument: number): number;
  hsx_command_result(call: number): number;
  hsx_mailbox_info(id: number): number;
  hsx_mailbox_message(id: number, n: number): number;
  hsx_mailbox_open(pid: number, length: number): number;
  hsx_mailbox_bind(pid: number, length: number, capacity: number, mode: number): number;
  hsx_mailbox_send(
    pid: number,
    handle: number,
    length: number,
    flags: number,
    channel: number,
  ): number;
  hsx_mailbox_receive(pid: number, handle: number, max: number): number;
  hsx_mailbox_peek(pid: number, handle: number): number;
  hsx_mailbox_tap(pid: number, handle: number, on: number): number;
  hsx_mailbox_close(pid: number, handle: number): number;
  hsx_pin_info(pin: number): number;
  hsx_store_info(): number;
  hsx_store_format(cells: number, schema: number, extents: number): number;
  hsx_store_reset(keepsFactory: number): number;
  hsx_store_next(cell: number): number;
  hsx_cell_info(cell: number): number;
  hsx_cell_find(type: number, key: number): number;
  hsx_cell_write(type: number, key: number, value: number, old: number): number;
  hsx_cell_delete(type: number, key: number, cell: number): number;
  hsx_cell_result(): number;
  hsx_file_put(nameLength: number, length: number): number;
}

/** The core in another form than WASM: translated to C and loaded into this process. */
export interface Engine {
  /** A node of its own, its memory as at power-on. */
  instantiate(imports: ReturnType<Machine["imports"]>): CoreExports;
}

/** What a node's core is made of: the bytes of its module, the compiled module, or another engine. */
export type CoreSource = Uint8Array<ArrayBuffer> | WebAssembly.Module | Engine;

function instantiate(
  source: WebAssembly.Module | Engine,
  imports: ReturnType<Machine["imports"]>,
): CoreExports {
  if ("instantiate" in source) return source.instantiate(imports);
  const hal = imports as unknown as WebAssembly.ModuleImports;
  return new WebAssembly.Instance(source, { hal }).exports as unknown as CoreExports;
}

/** One node's core. */
export class Core {
  readonly exports: CoreExports;
  readonly machine: NodeMachine;
  /** Address and bytes of the I/O buffer. */
  private readonly io: number;

  private constructor(exports: CoreExports, machine: NodeMachine) {
    this.exports = exports;
    this.machine = machine;
    this.io = exports.hsx_io();
  }

  /** Instantiates a core on a machine. The node is not started yet. */
  static async create(source: CoreSource, machine: NodeMachine): Promise<Core> {
    return Core.of(
      source instanceof Uint8Array ? await WebAssembly.compile(source) : source,
      machine,
    );
  }
  /** The same with a core that is compiled. */
  static of(source: WebAssembly.Module | Engine, machine: NodeMachine): Core {
    const exports = instantiate(source, machine.imports());
    machine.attach(() => new Uint8Array(exports.memory.buffer));
    return new Core(exports, machine);
  }

  /** All of linear memory. */
  memory(): Uint8Array {
    return new Uint8Array(this.exports.memory.buffer);
  }
  /** Bytes of the I/O buffer, a copy. */
  read(length: number): Uint8Array<ArrayBuffer> {
    return new Uint8Array(this.exports.memory.buffer, this.io, length).slice();
  }
  /** The I/O buffer as a view. */
  view(): DataView {
    return new DataView(this.exports.memory.buffer, this.io);
  }
  /** Lays bytes into the I/O buffer and returns how many. */
  write(bytes: Uint8Array, at = 0): number {
    new Uint8Array(this.exports.memory.buffer).set(bytes, this.io + at);
    return bytes.length;
  }
  /** The Refusal record. */
  refusal(): DataView {
    return new DataView(this.exports.memory.buffer, this.exports.hsx_refusal());
  }
}
