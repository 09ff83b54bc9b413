// The objects of --json of host/cli, one schema for each: docs/schemas.json is made of them, tests hold every line to them. Within a version fields are only added.

import { z } from "zod";
import { Exit } from "../host/cli/exit.ts";
import type { SchemaName } from "../host/cli/output.ts";

// ---- Parts ----

const integer = z.number().int();
const count = integer.nonnegative();
const u16 = count.max(0xffff);
const u32 = count.max(0xffff_ffff);
const pid = count.max(250);
/** Milliseconds of node time. */
const ms = z.number().nonnegative();
/** Id of a node; 0: one without, over a serial line of its own. */
const nodeId = count.max(127);
/** Group and id of a value or command. */
const oid = z.string().regex(/^\d+\.\d+$/);
/** Null stands for NaN and the infinities, which JSON lacks. */
const real = z.number().nullable();
/** `public`, `user`, `admin`, `factory`, or `level 7`. */
const level = z.string();
const names = z.array(z.string());
const hexDigits = z.string().regex(/^([0-9a-f]{2})*$/);
const frame = z.string().regex(/^[0-9A-F]{3}#([0-9A-F]{2})*$/);
const exit = z.enum(Exit);
/** Of an app or a fault: any byte. */
const status = count.max(255);

const place = z.strictObject({
  symbol: z.string().optional(),
  offset: count.optional(),
  file: z.string().optional(),
  line: count.optional(),
});

const task = z.strictObject({
  pid,
  name: z.string(),
  state: z.string(),
  pc: u32,
  sp: u32,
  steps: u32,
  wakes_in_ms: ms.nullable(),
  r0: u32,
  fault: z.string().nullable(),
  place,
  restarts_left: count,
  confirmed: z.boolean(),
  /** Its code is read from its slot as it runs; else it is in memory. */
  runs_from_slot: z.boolean(),
  code: count,
  data: count,
  stack: count,
  image_crc: u32,
  image_bytes: count,
});

const value = z.strictObject({
  id: oid,
  name: z.string(),
  value: real,
  bits: u16,
  unit: z.string(),
  init: real,
  epsilon: real,
  min: real,
  max: real,
  rate_ms: u16,
  persist: z.enum(["volatile", "load", "save"]),
  persist_key: u16,
  flags: names,
  level,
  owner: pid,
  dirty: z.boolean(),
  stale: z.boolean(),
  origin: z.enum(["init", "kept", "factory", "clamped", "dropped"]),
});

const message = z.strictObject({
  length: count,
  flags: u16,
  channel: u16,
  source: pid,
  hex: hexDigits,
  text: z.string(),
});

const event = z.strictObject({
  seq: u32,
  at_ms: ms,
  type: z.string(),
  pid,
  a: u16,
  b: u32,
  text: z.string(),
});

/** See WearData. */
const wear = {
  medium: z.enum(["fram", "eeprom", "flash"]),
  wear: count,
  wear_max: count.nullable(),
  wear_percent: real,
  updates_left: count.nullable(),
};
const store = {
  state: z.string(),
  device_bytes: count,
  cells: count,
  live: count,
  free: count,
  damaged: count,
  retired: count,
  epoch: count,
  schema_of_keys: count,
  saved: count,
  programmed_bytes: count,
  capacity_cells: count,
  ...wear,
  file: z.string().nullable(),
};

/** An app with a stored image, or a place in the boot list. */
const appRecord = z.strictObject({
  app: count,
  name: z.string(),
  /** `confirmed`, `trial`, `dropping`, `empty` */
  state: z.string(),
  active: count.nullable(),
  fallback: count.nullable(),
  attempts_left: count,
  confirm_after: z.enum(["never", "10s", "1m", "10m"]),
  boot: z.strictObject({
    order: count,
    restarts: count,
    fallback_on_fault: z.boolean(),
    source: z.string(),
    quantum: count,
  }),
});
const storedApp = appRecord.extend({
  pid: pid.nullable(),
  /** Name of the Err for which its image could not be started. */
  refused: z.string().nullable(),
});
/** What a node keeps of its settings; 0, or no sources: the board's default. */
const nodeConfig = z.strictObject({
  id: count,
  role: count,
  bit_rate: count,
  base_id: count,
  change_level: count,
  master_wait: count,
  card_wait: count,
  sources: names,
});

// ---- Parts of manifests ----

const plantImage = z.strictObject({
  name: z.string(),
  /** Its file on a card. */
  card_file: z.string(),
  bytes: count,
  crc: u32,
  /** What its own manifest says. */
  version: z.string().nullable(),
});
const plantNode = z.strictObject({
  name: z.string(),
  /** `id 5`, `role 2`, `uid 0102` */
  select: z.string(),
  profile: z.enum(["small", "large", "desktop"]),
  configured: z.boolean(),
  apps: z.array(
    z.strictObject({
      name: z.string(),
      image: z.string(),
      group: count,
      order: count,
      values: count,
    }),
  ),
});

/** A card, or the folder of one. */
const card = {
  card: z.string(),
  plant: z.string(),
  plant_id: u16,
  version: u16,
  /** Null: of a folder. */
  format: z
    .strictObject({
      fat: z.union([z.literal(16), z.literal(32)]),
      first_block: count,
      clusters: count,
      cluster_bytes: count,
    })
    .nullable(),
  files: z.array(z.strictObject({ name: z.string(), bytes: count, crc: u32 })),
};

// ---- Parts of persistence images ----

/** `fram:8192` */
const media = z.string().regex(/^\w+(:\d+)+$/);
const cellKind = z.enum(["value", "factory", "shadow", "meaning", "system", "blob"]);
const cell = z.strictObject({
  cell: count,
  address: u32,
  state: z.enum(["live", "blank", "dead", "old", "damaged", "unfinished"]),
  kind: cellKind.nullable(),
  key: u16,
  name: z.string().nullable(),
  bits: u16,
  generation: count.max(255),
  hex: hexDigits,
  text: z.string().nullable(),
});
/** What an image holds under a key. */
const held = z.strictObject({
  value: real,
  bits: u16.nullable(),
  hex: hexDigits.nullable(),
  damaged: z.boolean(),
});
const slotHeld = z.strictObject({
  state: z.enum(["image", "empty", "damaged"]),
  name: z.string(),
  bytes: count,
  crc: u32,
});
const content = z.union([z.strictObject({ bits: u16, value: real }), z.enum(["damaged", "none"])]);

const diagnostic = z.strictObject({
  file: z.string(),
  line: count,
  column: count,
  width: count.optional(),
  source: z.string().optional(),
  code: z.string(),
  message: z.string(),
  remedy: z.string().optional(),
  offset: count.optional(),
});

const runEnd = z.strictObject({
  schema: z.literal("hsx.run/1"),
  event: z.literal("end"),
  at_ms: ms,
  ending: z.enum(["ended", "time", "idle", "interrupted"]),
  exit: status,
  tasks: z.array(
    z.strictObject({
      pid,
      name: z.string(),
      state: z.string(),
      status: status.nullable(),
      r0: u32,
      pc: u32,
      steps: u32,
      fault: place.extend({ text: z.string() }).nullable(),
    }),
  ),
  cycles: z.number().optional(),
  trace_sha256: z.string().optional(),
});

const us = z.number().int().nonnegative();

/** Lines of `hsx sim bench.toml --json`. */
const sim = z.discriminatedUnion("event", [
  z.strictObject({
    schema: z.literal("hsx.sim/1"),
    event: z.literal("listening"),
    host: z.string(),
    port: count,
  }),
  z.strictObject({
    schema: z.literal("hsx.sim/1"),
    event: z.literal("end"),
    at_us: us,
    ending: z.enum(["time", "interrupted"]),
    frames: count,
    error_frames: count,
    /** Share of the time in which the bus carried something. */
    load: z.number(),
    /** By how much it ran slower than the clock. */
    late_us: us,
    trace_sha256: z.string(),
    nodes: z.array(
      z.strictObject({
        node: count,
        kind: z.string(),
        on: z.boolean(),
        /** Frames lost because nobody took them in time, and by the faults of the bench. */
        overruns: count,
        lost: count,
        tec: count,
        rec: count,
      }),
    ),
  }),
]);

/** Lines of `hsx monitor --json`, and of `hsx sim bench.toml --show can --json`. */
const monitor = z.discriminatedUnion("event", [
  z.strictObject({
    schema: z.literal("hsx.monitor/1"),
    event: z.literal("frame"),
    at_us: us,
    frame: z.string().regex(/^([0-9A-F]{3}|[0-9A-F]{8})#(R[0-8]?|([0-9A-F]{2})*)$/),
    /** True: it was destroyed on the bus. */
    error: z.boolean(),
    /** What it says in the node protocol. */
    says: z.string(),
  }),
  z.strictObject({
    schema: z.literal("hsx.monitor/1"),
    event: z.literal("end"),
    frames: count,
    dropped: count,
    state: z.enum(["active", "passive", "off", "unknown"]),
  }),
]);

/** Lines of `hsx run --json`: what happens, then how it ended. */
const run = z.discriminatedUnion("event", [
  z.strictObject({
    schema: z.literal("hsx.run/1"),
    event: z.literal("output"),
    at_ms: ms,
    stream: z.enum(["uart", "out", "err"]),
    pid,
    text: z.string(),
  }),
  z.strictObject({
    schema: z.literal("hsx.run/1"),
    event: z.literal("pin"),
    at_ms: ms,
    pin: count,
    level: z.union([z.literal(0), z.literal(1)]).nullable(),
  }),
  z.strictObject({ schema: z.literal("hsx.run/1"), event: z.literal("can"), at_ms: ms, frame }),
  z.strictObject({
    schema: z.literal("hsx.run/1"),
    event: z.literal("node"),
    at_ms: ms,
    node: event,
  }),
  runEnd,
]);

const info = {
  file: z.string(),
  bytes: count,
  file_crc: u32,
  header: z.strictObject({
    version: z.union([z.literal(1), z.literal(2)]),
    app: z.string(),
    flags: u16,
    multiple: z.boolean(),
    entry: u32,
    crc: u32,
  }),
  sections: z.strictObject({
    code: count,
    rodata: count,
    bss: count,
    manifest: count,
    metadata: z.array(z.strictObject({ type: z.string(), entries: count, bytes: count })),
  }),
  manifest: z.record(z.string(), z.unknown()).nullable(),
  needs: z.strictObject({ caps: names, caps_bits: u32, stack: count.nullable(), data: count }),
  values: z.array(
    value
      .pick({ id: true, name: true, unit: true, init: true, epsilon: true, min: true, max: true })
      .extend({ group: z.string(), persist_key: u16, flags: names, level }),
  ),
  commands: z.array(
    z.strictObject({
      id: oid,
      name: z.string(),
      group: z.string(),
      help: z.string(),
      handler: u32,
      flags: names,
      level,
    }),
  ),
  mailboxes: z.array(z.strictObject({ name: z.string(), capacity: count.nullable(), mode: names })),
  fits: z.array(
    z.strictObject({
      profile: z.enum(["small", "large", "desktop"]),
      fits: z.boolean(),
      memory: count.optional(),
      memory_free: count,
      stack: count.optional(),
      code: z.string().optional(),
      reason: z.string().optional(),
    }),
  ),
};

// ---- The objects ----

function object(name: SchemaName, shape: z.ZodRawShape) {
  return [name, z.strictObject({ schema: z.literal(name), ...shape })] as const;
}

/** The same of one node of a bus: verbs that the shell and `hsx` share. */
function nodeObject(name: SchemaName, shape: z.ZodRawShape) {
  return object(name, { node: nodeId.optional(), ...shape });
}

const taskName = { pid, name: z.string() };
const segment = z.strictObject({ from: u16, bytes: count, sp: u16.optional() });

/** What became of a load at one node. */
const nodeLoad = z.strictObject({
  node: nodeId,
  state: z.enum([
    "waiting",
    "clearing",
    "receiving",
    "checking",
    "prepared",
    "starting",
    "complete",
    "already",
    "refused",
    "aborted",
    "silent",
  ]),
  /** Name of an error code, see docs/errors.md. */
  code: z.string().nullable(),
  pid: pid.nullable(),
  slot: count.nullable(),
  bytes: count,
});

/** By name. `hsx.error/1` and `hsx.warning/1` come on stderr, all others on stdout. */
export const SCHEMAS: ReadonlyMap<string, z.ZodType> = new Map<string, z.ZodType>([
  [
    "hsx.error/1",
    z.looseObject({
      schema: z.literal("hsx.error/1"),
      code: z.string(),
      exit,
      message: z.string(),
      remedy: z.string().optional(),
      place: z.string().optional(),
      diagnostics: z.array(diagnostic).optional(),
    }),
  ],
  object("hsx.warning/1", {
    message: z.string(),
    remedy: z.string().optional(),
    file: z.string().optional(),
    line: count.optional(),
    column: count.optional(),
  }),
  /** Help that was asked for, in one or more parts. */
  object("hsx.help/1", { text: z.string() }),
  object("hsx.version/1", {
    version: z.string(),
    commit: z.string().nullable(),
    node: z.string(),
    abi: count,
    hxe: z.array(count),
  }),
  object("hsx.new/1", { app: z.string(), files: names }),
  object("hsx.build/1", {
    kind: z.enum(["image", "object"]),
    output: z.string(),
    app: z.string().optional(),
    bytes: count.optional(),
    crc: u32.optional(),
    code: count,
    rodata: count,
    bss: count,
    listing: z.string().optional(),
    symbols: z.string().optional(),
  }),
  object("hsx.info/1", info),
  object("hsx.disasm/1", {
    file: z.string(),
    exact: z.boolean(),
    inexpressible: z.array(z.strictObject({ offset: count, length: count, reason: z.string() })),
    source: z.string().optional(),
    output: z.string().optional(),
  }),
  ["hsx.run/1", run],
  ["hsx.sim/1", sim],
  ["hsx.monitor/1", monitor],
  object("hsx.manifest.check/1", {
    file: z.string(),
    plant: z.string(),
    plant_id: u16,
    version: u16,
    /** Of the binary form. */
    bytes: count,
    locked: z.boolean(),
    nodes: z.array(plantNode),
    images: z.array(plantImage),
  }),
  object("hsx.manifest.lock/1", {
    file: z.string(),
    lock: z.string(),
    images: z.array(plantImage),
    changed: names,
  }),
  object("hsx.manifest.schema/1", { json_schema: z.record(z.string(), z.unknown()) }),
  object("hsx.sd.make/1", { file: z.string(), ...card }),
  object("hsx.sd.check/1", {
    ...card,
    nodes: z.array(z.strictObject({ name: z.string(), select: z.string(), apps: names })),
  }),
  object("hsx.persist.build/1", {
    output: z.string(),
    media,
    bytes: count,
    schema_of_keys: count,
    values: count,
    factory: count,
    apps: count,
    cells: count,
    free: count,
  }),
  object("hsx.persist.inspect/1", {
    file: z.string(),
    media,
    bytes: count,
    /** A or B; on flash the number of the page it is in front of. */
    superblock: z.string().nullable(),
    epoch: count,
    schema_of_keys: count,
    cells: count,
    live: count,
    free: count,
    damaged: count,
    ...wear,
    node: nodeConfig.nullable(),
    slots: z.array(
      z.strictObject({
        slot: count,
        address: u32,
        room: count,
        state: z.enum(["image", "empty", "damaged"]),
        name: z.string(),
        bytes: count,
        crc: u32,
      }),
    ),
    apps: z.array(appRecord),
    entries: z.array(
      z.strictObject({
        kind: cellKind,
        key: u16,
        name: z.string().nullable(),
        value: real,
        bits: u16,
        unit: z.string(),
        cell: count,
        generation: count.max(255),
        /** False: the older of two versions, which a power cut left. */
        holds: z.boolean(),
        /** Data of a blob. */
        hex: hexDigits.nullable(),
      }),
    ),
  }),
  object("hsx.persist.verify/1", {
    file: z.string(),
    media,
    ok: z.boolean(),
    lost: count,
    counts: z.strictObject({
      live: count,
      blank: count,
      dead: count,
      old: count,
      damaged: count,
      unfinished: count,
    }),
    reset_unfinished: z.boolean(),
    findings: z.array(cell.extend({ lost: z.boolean() })),
    /** Slots whose image is not whole. */
    damaged_slots: z.array(
      z.strictObject({
        slot: count,
        address: u32,
        active_of: z.array(count),
        fallback_of: z.array(count),
      }),
    ),
    cells: z.array(cell).optional(),
  }),
  object("hsx.persist.diff/1", {
    before: z.string(),
    after: z.string(),
    same: z.boolean(),
    compared: count,
    schema_before: count,
    schema_after: count,
    differences: z.array(
      z.strictObject({
        kind: cellKind,
        key: u16,
        name: z.string().nullable(),
        before: held.nullable(),
        after: held.nullable(),
      }),
    ),
    /** Slots that hold different images. */
    slots: z.array(
      z.strictObject({ slot: count, before: slotHeld.nullable(), after: slotHeld.nullable() }),
    ),
  }),
  object("hsx.persist.export/1", {
    file: z.string(),
    media,
    schema_of_keys: count,
    values: z.array(
      z.strictObject({
        kind: cellKind,
        key: u16,
        name: z.string().nullable(),
        value: real,
        bits: u16,
        unit: z.string(),
      }),
    ),
    /** Images of stored apps that were written. */
    extracted: names,
    text: z.string().optional(),
    output: z.string().optional(),
  }),
  object("hsx.persist.repair/1", {
    file: z.string(),
    output: z.string().nullable(),
    backup: z.string().nullable(),
    mended: z.array(z.strictObject({ address: count, bit: count.max(7), text: z.string() })),
    left: names,
  }),
  object("hsx.persist.cut/1", {
    file: z.string(),
    operation: z.string(),
    /** Bytes it programs and units it erases. */
    steps: count,
    torn: z.string(),
    /** Cuts that end alike, one behind the other. */
    cuts: z.array(
      z.strictObject({
        from: count,
        to: count,
        keys: z.array(
          z.strictObject({
            kind: cellKind,
            key: u16,
            name: z.string().nullable(),
            before: content,
            wanted: content,
            found: content,
            verdict: z.enum(["old", "new", "between", "same", "lost"]),
          }),
        ),
      }),
    ),
    lost: count,
    output: z.string().nullable(),
  }),
  object("hsx.completion/1", { shell: z.enum(["bash", "zsh", "fish"]), script: z.string() }),

  // of the shell
  object("hsx.status/1", { line: count, verb: z.string(), ok: z.boolean(), exit }),
  object("hsx.output/1", {
    at_ms: ms,
    stream: z.enum(["uart", "out", "err"]),
    pid,
    text: z.string(),
  }),
  object("hsx.ps/1", { at_ms: ms, tasks: z.array(task) }),
  object("hsx.scan/1", {
    nodes: z.array(
      z.strictObject({
        node: nodeId,
        uid: hexDigits,
        board: z.string(),
        profile: z.string(),
        role: count.max(255),
        firmware: u16,
        states: names,
        apps: z.array(
          z.strictObject({ pid, name: z.string(), state: z.string(), crc: u32, bytes: count }),
        ),
        memory: count,
        memory_free: count,
        store: z.string(),
        damaged: count,
        /** Other nodes have the same id. */
        shared: z.boolean(),
      }),
    ),
    /** Nodes without an id, or in conflict over one. */
    unnamed: count,
    settled: z.array(z.strictObject({ node: nodeId, before: nodeId.nullable(), uid: hexDigits })),
  }),
  object("hsx.load.plan/1", {
    file: z.string(),
    bytes: count,
    crc: u32,
    nodes: z.array(
      z.strictObject({
        node: nodeId,
        plan: z.enum(["load", "has it", "no answer"]),
        tasks: z.array(z.strictObject(taskName)),
      }),
    ),
  }),
  object("hsx.load.node/1", nodeLoad.shape),
  object("hsx.load.report/1", {
    file: z.string(),
    bytes: count,
    crc: u32,
    nodes: z.array(nodeLoad),
    /** DATA frames of the first pass; those sent again; those with parity. */
    data_frames: count,
    repair_frames: count,
    parity_frames: count,
    transfer_us: count,
    elapsed_us: count,
  }),
  object("hsx.hold/1", { nodes: z.array(nodeId) }),
  object("hsx.go/1", { nodes: z.array(nodeId) }),
  object("hsx.master/1", {
    event: z.enum([
      "found",
      "unknown",
      "lost",
      "held",
      "loading",
      "loaded",
      "started",
      "values",
      "well",
      "unwell",
      "differs",
      "repaired",
      "refused",
      "other-master",
      "converged",
    ]),
    at_ms: ms,
    node: nodeId.nullable(),
    /** What the manifest calls the node, and the app. */
    name: z.string().nullable(),
    app: z.string().nullable(),
    text: z.string(),
    remedy: z.string().nullable(),
  }),
  object("hsx.load/1", { file: z.string(), task }),
  object("hsx.restart/1", taskName),
  ...(["restart", "stop", "start"] as const).map((verb) =>
    nodeObject(`hsx.tasks.${verb}/1`, { tasks: z.array(z.strictObject(taskName)) }),
  ),
  object("hsx.kill/1", taskName),
  object("hsx.pause/1", { retired: count, task }),
  object("hsx.resume/1", { retired: count, task }),
  object("hsx.step/1", { retired: count, task }),
  nodeObject("hsx.val.list/1", { at_ms: ms, values: z.array(value) }),
  nodeObject("hsx.val.get/1", { at_ms: ms, values: z.array(value) }),
  nodeObject("hsx.val.set/1", { before: real, value }),
  nodeObject("hsx.val.watch/1", {
    at_ms: ms,
    id: oid,
    name: z.string(),
    before: real,
    value: real,
    unit: z.string(),
  }),
  nodeObject("hsx.val.persist/1", { value }),
  nodeObject("hsx.val.export/1", {
    schema_of_keys: count,
    values: z.array(
      z.strictObject({
        id: oid,
        name: z.string(),
        key: u16,
        value: real,
        bits: u16,
        unit: z.string(),
      }),
    ),
    /** The file, where no output was named. */
    text: z.string().optional(),
    output: z.string().optional(),
  }),
  nodeObject("hsx.val.import/1", {
    file: z.string(),
    set: z.array(z.strictObject({ name: z.string(), before: real, value: real })),
    unchanged: count,
    /** Read-only values that the file says otherwise. */
    left: names,
  }),
  nodeObject("hsx.cmd.list/1", {
    commands: z.array(
      z.strictObject({
        id: oid,
        name: z.string(),
        help: z.string(),
        flags: names,
        level,
        owner: pid,
      }),
    ),
  }),
  nodeObject("hsx.cmd.call/1", { id: oid, name: z.string(), status: z.string(), result: u32 }),
  object("hsx.mbox.list/1", {
    mailboxes: z.array(
      z.strictObject({
        id: count,
        name: z.string(),
        owner: count.nullable(),
        capacity: count,
        used: count,
        messages: count,
        mode: names,
        handles: count,
      }),
    ),
  }),
  object("hsx.mbox.send/1", { name: z.string(), bytes: count }),
  object("hsx.mbox.peek/1", { name: z.string(), messages: z.array(message) }),
  object("hsx.mbox.listen/1", { at_ms: ms, name: z.string(), ...message.shape }),
  object("hsx.gpio.list/1", {
    pins: z.array(
      z.strictObject({
        pin: count,
        holder: pid,
        mode: z.string(),
        edges: z.string(),
        level: count.max(1),
      }),
    ),
  }),
  object("hsx.gpio.set/1", { pin: count, level: count.max(1), seen: count.max(1) }),
  object("hsx.gpio.watch/1", { at_ms: ms, pin: count, level: count.max(1).nullable() }),
  object("hsx.can.send/1", { frame }),
  object("hsx.can.dump/1", { at_ms: ms, frame }),
  object("hsx.events/1", event.shape),
  object("hsx.regs/1", {
    ...taskName,
    state: z.string(),
    regs: z.array(u32).length(16),
    pc: u32,
    sp: u32,
    psw: count.max(255),
    flags: z.string(),
    place,
  }),
  object("hsx.mem/1", {
    node: z.strictObject({ arena_bytes: count, arena_free: count, state_end: count }).optional(),
    pid: pid.optional(),
    name: z.string().optional(),
    data: segment.optional(),
    stack: segment.optional(),
    address: u16.optional(),
    hex: hexDigits.optional(),
  }),
  nodeObject("hsx.provision.status/1", {
    /** Of a node on a bus. */
    uid: hexDigits.optional(),
    board: z.string().optional(),
    firmware: u16.optional(),
    states: names.optional(),
    up_ms: ms.optional(),
    started_by: z.string().optional(),
    profile: z.string(),
    images: z.array(
      z.strictObject({
        name: z.string(),
        bytes: count,
        crc: u32,
        verified: z.boolean(),
        /** `host`, `sd`, `can`, `serial`, or `slot 2`. */
        source: z.string(),
        /** Why it came from there, where another source had the app, too. */
        rule: z.string().nullable(),
        tasks: z.array(
          z.strictObject({
            pid,
            name: z.string(),
            state: z.string(),
            confirmed: z.boolean(),
            /** Its code is read from its slot as it runs; else it is in memory. */
            runs_from_slot: z.boolean(),
            file: z.string().nullable(),
          }),
        ),
      }),
    ),
    memory_free: count,
    store: z.string(),
    slots: z.array(
      z.strictObject({
        slot: count,
        state: z.enum(["image", "empty", "damaged"]),
        name: z.string(),
        bytes: count,
        crc: u32,
        room: count,
        active_of: names,
        fallback_of: names,
      }),
    ),
    apps: z.array(storedApp),
    /** `confirmed`, `trial` or `empty`: of the configuration. */
    node_config: z.string(),
    start: z.strictObject({
      state: z.enum(["none", "reading", "starting", "holding", "done", "waiting"]),
      /** The order in which sources count. */
      sources: names,
      /** Of the card's manifest. */
      plant: u16.nullable(),
      version: u16.nullable(),
      apps: count,
      apps_done: count,
      group: count,
      /** What was wrong with the card, or an app of it. */
      error: z.string().nullable(),
      message: z.string().nullable(),
      remedy: z.string().nullable(),
    }),
    damaged: count,
    free_cells: count,
    ...wear,
  }),
  object("hsx.provision.event/1", {
    /** `node.hello`: a node is there; the others as in docs/protocol.md, `phase` and `commit` besides. */
    event: z.enum([
      "provisioning.started",
      "provisioning.progress",
      "provisioning.complete",
      "provisioning.error",
      "provisioning.aborted",
      "provisioning.persisted",
      "provisioning.rollback",
      "provisioning.phase",
      "provisioning.commit",
      "node.hello",
    ]),
    at_ms: ms,
    /** Null: a master says it to all. */
    node: nodeId.nullable(),
    master: count.max(7).nullable(),
    phase: z.string(),
    code: z.string().nullable(),
    pid: pid.nullable(),
    slot: count.nullable(),
    bytes: count,
    /** Null: its beginning was not heard. */
    total: count.nullable(),
    states: names,
  }),
  nodeObject("hsx.provision.app/1", { app: storedApp }),
  object("hsx.provision.remove/1", {
    app: count,
    name: z.string(),
    slots: z.array(count),
    pid: pid.nullable(),
  }),
  object("hsx.provision.stage/1", {
    file: z.string(),
    slot: count,
    name: z.string(),
    bytes: count,
    crc: u32,
  }),
  object("hsx.provision.format/1", { slots: count, bytes: count }),
  object("hsx.store.status/1", store),
  object("hsx.store.list/1", {
    cells: z.array(
      z.strictObject({
        kind: cellKind,
        key: u16,
        name: z.string().nullable(),
        value: real,
        bits: u16,
        unit: z.string(),
        cell: count,
      }),
    ),
  }),
  object("hsx.store.format/1", store),
  object("hsx.store.reset/1", store),
  object("hsx.config.get/1", {
    settings: z.record(z.string(), u32),
    node: nodeConfig,
    /** What comes back unless it is confirmed. */
    node_before: nodeConfig.nullable(),
  }),
  object("hsx.config.change/1", {
    changes: z.array(z.strictObject({ name: z.string(), text: z.string() })),
    trial: z.boolean(),
  }),
  object("hsx.config.export/1", { node: nodeConfig, text: z.string() }),
  object("hsx.config.settle/1", { state: z.string() }),
  object("hsx.config.set/1", { name: z.string(), value: u32 }),
  object("hsx.run.time/1", { ran_ms: ms, at_ms: ms }),
  object("hsx.clock/1", { at_ms: ms, pace: z.enum(["live", "manual"]) }),
  object("hsx.reboot/1", { apps: z.array(z.strictObject(taskName)) }),
]);
