// How long a node is without its app when another takes its place: pins of the firmware's boards, as an oscilloscope sees them.

import { End, FRAME_BASE_DEFAULT, LoadEvent, ProvisionWhat } from "../../assembly/spec/frame.ts";
import { AvrNode, Stm32Node } from "../../host/client/bench/board-node.ts";
import { isGood } from "../../host/client/bus/load-state.ts";
import type { NodeKind } from "../../host/formats/bench.ts";
import { decodeFrame, type Frame } from "../../host/formats/frame.ts";
import { type BusBench, openBusBench } from "../../tests/drivers/bus-bench.ts";
import { guestOf } from "../../tests/drivers/guest.ts";
import type { Figure, Limit } from "../figures.ts";

type BoardKind = Extract<NodeKind, "avr" | "stm32f072">;

const SLOTS = { count: 3, bytes: 9216 };
/** Two of them lie side by side in `small`; of the large ones one. */
const BESIDE_BYTES = 3072;
const LARGE_BYTES = 8192;
/** Pins of the app that goes and of the one that comes. */
const OLD = 0;
const NEW = 1;
const ATTEMPTS = 3;
const SETTLE_US = 300_000;
/** An app that runs has moved its pin within that time. */
const STILL_MS = 10;
const SWAP_MUST: Readonly<Record<BoardKind, Limit>> = { avr: "<= 50", stm32f072: "<= 20" };

/** An app that never yields: it raises and lowers its pin as fast as it can. Behind it lie words that never run. */
function swinger(pin: number, bytes: number): Uint8Array {
  const code = `.app "swing"
.entry start
start:
LDI R1, ${pin}
LDI R2, 2
SVC 0x902
swing:
LDI R2, 1
SVC 0x901
LDI R2, 0
SVC 0x901
JMP swing
`;
  const least = guestOf(code).image.length;
  return guestOf(code + `LDI R3, ${pin + 5}\n`.repeat((bytes - least) / 4)).image;
}

/** Times at which each pin rose, in ms of the chip's clock. */
class Scope {
  readonly rises: number[][] = [[], []];

  constructor(readonly chip: { readonly clock: { readonly now: number; readonly hz: number } }) {}

  get now_ms(): number {
    return (1000 * this.chip.clock.now) / this.chip.clock.hz;
  }
  note(pin: number, level: number | undefined): void {
    if (level === 1) this.rises[pin]?.push(this.now_ms);
  }
  /** From the last rise of one pin to the first of the other behind `from_ms`. */
  gap(going: number, coming: number, from_ms: number): number {
    const first = this.rises[coming]?.find((ms) => ms > from_ms);
    if (first === undefined) throw new Error(`no app moves pin ${coming}`);
    const last = this.rises[going]?.findLast((ms) => ms < first);
    if (last === undefined) throw new Error(`no app moved pin ${going}`);
    return first - last;
  }
}

type IsWanted = (frame: Frame) => boolean;

interface Bed extends BusBench {
  readonly scope: Scope;
  /** The chip's clock at the end of the first frame of a kind from now on. */
  firstOf(isWanted: IsWanted): { ms?: number };
}

async function openBed(kind: BoardKind): Promise<Bed> {
  const bus = await openBusBench({ kinds: [kind], slots: SLOTS });
  const node = bus.bench.node(1);
  if (!(node instanceof AvrNode || node instanceof Stm32Node) || node.board === undefined)
    throw new Error(`${kind} is no board with power`);
  const { board } = node;
  const scope = new Scope(board.chip);
  board.listenToPins((n, level) => scope.note(n, level));
  const watched: { isWanted: IsWanted; found: { ms?: number } }[] = [];
  bus.bench.onRecord = ({ event }) => {
    const frame = event.isError ? undefined : decodeFrame(FRAME_BASE_DEFAULT, event.frame);
    if (frame === undefined || frame.kind === "malformed") return;
    for (const { isWanted, found } of watched) if (isWanted(frame)) found.ms ??= scope.now_ms;
  };
  const firstOf = (isWanted: IsWanted) => {
    const found = {};
    watched.push({ isWanted, found });
    return found;
  };
  return { ...bus, scope, firstOf };
}

async function load(bed: Bed, image: Uint8Array, place: "ram" | "slot"): Promise<void> {
  const job = { image, nodes: [1], place, attempts: place === "slot" ? ATTEMPTS : 0 };
  const { nodes } = await bed.master.load(job);
  if (!nodes.every(isGood)) throw new Error(`not loaded: ${JSON.stringify(nodes)}`);
  await bed.master.link.sleep(SETTLE_US);
}

// ---- Figures ----

async function swap(kind: BoardKind, place: "ram" | "slot", bytes: number): Promise<Figure> {
  const bed = await openBed(kind);
  await load(bed, swinger(OLD, bytes), place);
  const from_ms = bed.scope.now_ms;
  await load(bed, swinger(NEW, bytes), place);
  const where = place === "ram" ? "side by side in memory" : "from a slot, the old one stopped";
  return {
    id: `swap.${kind}.${place}`,
    value: bed.scope.gap(OLD, NEW, from_ms),
    unit: "ms",
    must: SWAP_MUST[kind],
    note: `last move of the old app to first of the new, ${bytes} bytes each, ${where}`,
  };
}

async function rollback(kind: BoardKind): Promise<Figure> {
  const bed = await openBed(kind);
  await load(bed, swinger(OLD, LARGE_BYTES), "slot");
  await load(bed, swinger(NEW, LARGE_BYTES), "slot");
  const asked = bed.firstOf(
    (f) => f.kind === "request" && f.verb === "PROVISION" && f.args.what === ProvisionWhat.ROLLBACK,
  );
  await bed.master.node(1).provision.rollback(0);
  await bed.master.link.sleep(SETTLE_US);
  const { ms: asked_ms = Number.NaN } = asked;
  const first = bed.scope.rises[OLD]?.find((ms) => ms > asked_ms);
  if (first === undefined) throw new Error("the fallback does not run");
  return {
    id: `rollback.${kind}`,
    value: first - asked_ms,
    unit: "ms",
    must: "<= 100",
    note: `end of the request to the first move of the fallback, ${LARGE_BYTES} bytes`,
  };
}

async function abort(kind: BoardKind, place: "ram" | "slot", bytes: number): Promise<Figure> {
  const bed = await openBed(kind);
  await load(bed, swinger(OLD, bytes), place);
  const node = bed.master.node(1);
  const before = await node.about();
  const stop = new AbortController();
  const aborted = bed.firstOf(
    (f) => f.kind === "request" && f.verb === "END" && f.args.what === End.ABORT,
  );
  const idle = bed.firstOf((f) => f.kind === "status" && f.event === LoadEvent.ABORTED);
  const onSent = (sent: number) => {
    if (sent >= bytes / 2) stop.abort();
  };
  const image = swinger(NEW, bytes);
  await bed.master.load({ image, nodes: [1], place, signal: stop.signal, onSent });
  await bed.master.link.sleep(SETTLE_US);
  const after = await node.about();
  if (aborted.ms === undefined || idle.ms === undefined) throw new Error("nothing was aborted");
  if (after.freeBytes !== before.freeBytes || after.flags !== before.flags)
    throw new Error(`not as before: ${JSON.stringify([before, after])}`);
  const last = bed.scope.rises[OLD]?.at(-1) ?? 0;
  if (last < bed.scope.now_ms - STILL_MS) throw new Error("the old app does not run any more");
  return {
    id: `abort.${kind}.${place}`,
    value: idle.ms - aborted.ms,
    unit: "ms",
    must: "<= 50",
    note: "end of END 2 to STATUS aborted; memory and state as before, the old app runs on",
  };
}

/** Change-over, roll-back and abort on the binary of a board. */
export async function swapFigures(kind: BoardKind): Promise<Figure[]> {
  return [
    await swap(kind, "ram", BESIDE_BYTES),
    await swap(kind, "slot", LARGE_BYTES),
    await rollback(kind),
    await abort(kind, "ram", BESIDE_BYTES),
    await abort(kind, "slot", LARGE_BYTES),
  ];
}
