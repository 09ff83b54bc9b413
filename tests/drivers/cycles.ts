// Random lives of apps on one node: loaded, run, called, replaced, restarted, killed, loads broken off. When all are gone the node
// must be as it was.

import { Err } from "../../assembly/spec/errors.ts";
import { NodeError } from "../../host/client/refusal.ts";
import { NvDevice } from "../../host/node/nv.ts";
import type { Random } from "../oracle/random.ts";
import { guestOf } from "./guest.ts";
import type { ProfileName } from "./machine.ts";
import { type NodeRig, startNode } from "./node.ts";
import { type Traces, tracesOf } from "./traces.ts";

const DECLARES = `
.value [{"group":1,"id":1,"name":"kept","init":1,"persist_key":7},{"group":1,"id":2,"name":"plain","init":2}]
.value {"group":9,"id":1,"name":"shared","flags":"SHARED","init":3,"persist_key":99}
.cmd {"group":1,"id":1,"name":"c","flags":"ASYNC","handler":"handler","help":"h"}
.mailbox [{"target":"app:jobs","capacity":60},{"target":"svc:own","capacity":40,"mode":"RDWR|FANOUT"}]
`;
const HANDLER = `
handler:
    LDI R0, 3
    SVC 0x600           ; SLEEP_MS
    MOV R0, R3
    RET
`;

/** Apps that between them use every call that takes something from the node. */
const SOURCES: Record<string, string> = {
  busy: `${DECLARES}
loop:
    ADD R1, R1, R2
    JMP loop
${HANDLER}`,
  receiver: `
.cmd {"group":2,"id":1,"name":"r","handler":"handler","help":""}
.mailbox {"target":"app:jobs","capacity":90}
again:
    LDI32 R1, name
    SVC 0x500
    LDI32 R2, buffer
    LDI R3, 8
    LDI R4, 20
    LDI R5, 0
    SVC 0x503
    SVC 0x506
    JMP again
${HANDLER}
.data
name: .asciz "app:jobs"
.bss
buffer: .zero 8
`,
  registrar: `
    LDI R1, 3
    LDI R2, 3
    LDI R3, 2
    LDI32 R4, chain
    SVC 0x700
    LDI R1, 3
    LDI R2, 3
    LDI R3, 0
    LDI32 R4, command
    SVC 0x800
    LDI32 R1, 0x0901
    LDI32 R2, name
    SVC 0x705           ; VAL_SUB
    LDI R1, 2
    LDI R2, 2
    SVC 0x902           ; GPIO_CONFIGURE
    LDI32 R1, name
    LDI R2, 30
    LDI R3, 8
    SVC 0x501
    LDI32 R1, 0x0303
    LDI32 R2, 0x4200
    SVC 0x703
    LDI R0, 2
    SVC 0x600
    JMP 0
.data
chain: .byte 2, 0
    .half keep, name
keep: .byte 5, 0
    .half 0xFFFF, 55, 10
command: .byte 0x10, 0
    .half 0xFFFF, name, name
name: .asciz "shared:watch"
`,
  caller: `
again:
    LDI32 R1, 0x0101
    LDI R3, 5
    SVC 0x802
    LDI32 R1, 0x0101
    LDI32 R3, name
    SVC 0x803
    LDI32 R1, 0x0201
    SVC 0x802
    LDI32 R1, text
    LDI R2, 3
    SVC 0x101           ; UART_WRITE
    LDI R1, 2
    LDI32 R2, text
    LDI R3, 3
    LDI R4, 0
    LDI R5, 0
    SVC 0x502           ; SEND to stdio.out
    LDI R0, 1
    SVC 0x600
    JMP again
.data
name: .asciz "app:answers"
text: .ascii "abc"
`,
  sharer: `
.value {"group":9,"id":1,"name":"shared","flags":"SHARED","init":3,"persist_key":99}
    LDI32 R1, 0x0901
    LDI32 R2, 0x4000
    SVC 0x703
    LDI R0, 5
    SVC 0x600
    LDI32 R1, 0x0901
    LDI32 R2, 0x4400
    SVC 0x703
    DIV R0, R1, R9
`,
};

/** Of small: what lies between the RAM of a chip and the constant tables; nothing may ever be written there. */
const BEYOND = [0x3c00, 0x8000] as const;
const POISON = 0xa5;

/** What a node may say against an operation here; anything else is a defect. */
const EXPECTED: readonly Err[] = [
  Err.ID_TAKEN,
  Err.KEY_TAKEN,
  Err.FULL,
  Err.NO_MEMORY,
  Err.NOT_FOUND,
  Err.ENDED,
  Err.STATE,
  Err.NO_DATA,
  Err.WOULD_BLOCK,
  Err.TOO_LARGE,
  Err.BUSY,
  Err.TIMEOUT,
];

export class Cycles {
  cycles = 0;
  /** How often each refusal was met. */
  readonly refusals = new Map<string, number>();
  private readonly images = Object.entries(SOURCES).map(
    ([name, text]) => guestOf(text, name).image,
  );

  private constructor(
    private readonly rig: NodeRig,
    private readonly traces: Traces,
    private readonly before: Uint8Array,
    private readonly random: Random,
    private readonly isPoisoned: boolean,
  ) {}

  static async start(profile: ProfileName, random: Random): Promise<Cycles> {
    const rig = await startNode(profile, { nv: new NvDevice(new Uint8Array(1024)) });
    rig.node.formatStore();
    const traces = await tracesOf(profile, { store: true });
    if (profile === "small") rig.node.core.memory().fill(POISON, ...BEYOND);
    return new Cycles(rig, traces, traces.remember(rig.node), random, profile === "small");
  }

  /** `count` operations, then the end of all apps, which must leave nothing. */
  run(count: number): void {
    for (let n = 0; n < count; n++) this.act();
    this.removeAll();
    this.traces.compare(this.rig.node, this.before);
    if (!this.isPoisoned) return;
    const beyond = this.rig.node.core.memory().subarray(...BEYOND);
    if (beyond.some((byte) => byte !== POISON)) throw new Error("written beyond the RAM of a chip");
  }

  private act(): void {
    this.cycles++;
    try {
      this.choose();
    } catch (error) {
      if (!(error instanceof NodeError) || !EXPECTED.includes(error.code)) throw error;
      const name = Err[error.code] ?? "?";
      this.refusals.set(name, (this.refusals.get(name) ?? 0) + 1);
    }
    const { node } = this.rig;
    if (!this.random.oneIn(4)) node.run(this.random.below(12));
    else node.poll(this.random.below(200));
  }

  private choose(): void {
    const { random } = this;
    const { node } = this.rig;
    const tasks = node.tasks();
    const pid = tasks.length === 0 ? 0 : random.pick(tasks).pid;
    const options = {
      groupBase: random.below(3) * 16,
      keyBase: random.below(3) * 100,
      restarts: random.below(3),
      pieceBytes: 1 + random.below(300),
    };
    switch (random.below(pid === 0 ? 2 : 12)) {
      case 0:
      case 1:
      case 2:
        node.load(random.pick(this.images), options);
        return;
      case 3:
        node.load(random.pick(this.images), { ...options, replaces: pid });
        return;
      case 4:
        return this.breakOff(random.pick(this.images), random.oneIn(2) ? pid : 0);
      case 5:
        return node.restart(pid);
      case 6:
      case 7:
        return node.kill(pid);
      case 8:
        node.core.exports.hsx_command_call(random.pick([0x101, 0x201, 0x1101]), 4);
        return;
      case 9:
        node.setValue(random.pick([0x101, 0x901, 0x102, 0x303, 0x1101]), random.below(0x7000));
        return;
      case 10:
        return this.sendJob(1 + random.below(20));
      default:
        if (random.oneIn(2)) node.pause(pid);
        else node.resume(pid);
    }
  }

  private sendJob(bytes: number): void {
    const { node } = this.rig;
    if (!node.mailboxes().some((m) => m.name === "app:jobs")) return; // what the host makes stays
    try {
      node.send(node.openMailbox("app:jobs"), new Uint8Array(bytes));
    } finally {
      node.closeMailbox("app:jobs");
    }
  }

  /** A load that is broken off at any byte or later, or not; the task it was to replace may go meanwhile. */
  private breakOff(image: Uint8Array, replaces: number): void {
    const { random } = this;
    const { core } = this.rig.node;
    const x = core.exports;
    if (x.hsx_load_begin(image.length, replaces, 0, 0, 0) < 0) return;
    const stop = random.below(image.length * 2);
    for (let at = 0; at < Math.min(stop, image.length); at += 64) {
      const bytes = core.write(image.subarray(at, Math.min(at + 64, image.length, stop)));
      if (x.hsx_load_data(bytes) < 0) return;
    }
    for (let n = random.below(30); n > 0; n--) x.hsx_poll(random.below(50));
    if (replaces !== 0 && random.oneIn(2)) x.hsx_task_kill(replaces);
    if (random.oneIn(2)) x.hsx_load_abort();
    while (x.hsx_load_result() === Err.BUSY) x.hsx_poll(0);
    x.hsx_load_abort(); // one that still waits for bytes
  }

  private removeAll(): void {
    const { node } = this.rig;
    const x = node.core.exports;
    x.hsx_load_abort();
    while (x.hsx_load_result() === Err.BUSY) node.poll(0);
    for (const { pid } of node.tasks()) node.kill(pid);
    for (let call = 0; call < 32; call++) x.hsx_command_result(call);
    node.run(2000);
    node.settle();
  }
}
