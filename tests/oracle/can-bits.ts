// A CAN bus moved bit by bit through every controller, each a plain machine that decodes what it sees (ISO 11898-1; Bosch CAN
// 2.0). Slow and simple: a second opinion on host/bus. Controllers stay error active here; errors are told, not computed.

export interface OracleFrame {
  readonly id: number;
  readonly isExtended: boolean;
  readonly isRemote: boolean;
  readonly data: readonly number[];
}

/** What is to happen: frames by the bit in which they are queued, and errors by the attempt in which they are seen. */
export interface Scenario {
  readonly nodes: readonly { readonly isActive: boolean }[];
  readonly frames: readonly {
    readonly bit: number;
    readonly node: number;
    readonly frame: OracleFrame;
  }[];
  /** Seen so many bits before the last of the frame. */
  readonly errors: readonly {
    readonly attempt: number;
    readonly node: number;
    readonly back: number;
  }[];
  readonly bits: number;
}

/** From a start of frame until the bus is quiet. */
export interface Attempt {
  readonly start: number;
  readonly bits: number;
  readonly sent: readonly number[];
  /** `2 bit`, `2 acknowledge` */
  readonly failed: readonly string[];
  readonly received: readonly string[];
  /** Node and penalty. */
  readonly disturbed: readonly string[];
}

function binary(value: number, width: number): string {
  return value.toString(2).padStart(width, "0");
}

/** CRC-15 by long division of a text of bits: x^15 + x^14 + x^10 + x^8 + x^7 + x^4 + x^3 + 1. */
function crcOf(bits: string): string {
  const divisor = "1100010110011001";
  const rest = [...`${bits}${"0".repeat(15)}`];
  for (let at = 0; at < bits.length; at++) {
    if (rest[at] === "0") continue;
    for (let n = 0; n < divisor.length; n++) rest[at + n] = rest[at + n] === divisor[n] ? "0" : "1";
  }
  return rest.slice(-15).join("");
}

/** A bit of the other level behind five of one, stuff bits included. */
function stuffed(plain: string): string {
  let out = "";
  for (const bit of plain) {
    out += bit;
    if (/(0{5}|1{5})$/.test(out)) out += bit === "0" ? "1" : "0";
  }
  return out;
}

/** All bits of a frame, with the number of those that belong to arbitration. */
function encode(frame: OracleFrame): { bits: string; arbitration: number } {
  const { id, isExtended, isRemote, data } = frame;
  const rtr = isRemote ? "1" : "0";
  const arbitration = isExtended
    ? `0${binary(Math.floor(id / 2 ** 18), 11)}11${binary(id % 2 ** 18, 18)}${rtr}`
    : `0${binary(id, 11)}${rtr}`;
  const payload = isRemote ? "" : data.map((byte) => binary(byte, 8)).join("");
  const body = `${arbitration}00${binary(data.length, 4)}${payload}`;
  const bits = `${stuffed(body + crcOf(body))}1111111111`;
  return { bits, arbitration: stuffed(arbitration).length };
}

/** Reads a frame as its bits come in. */
class Decoder {
  /** Bits without stuff bits. */
  private plain = "";
  private raw = "";
  /** Bits behind the CRC: 0 is its delimiter. */
  tail = -1;
  isSound = true;

  /** Bits up to the end of the CRC, once the length is known. */
  private get length(): number | undefined {
    const { plain } = this;
    const isExtended = plain[13] === "1";
    const dlcAt = isExtended ? 35 : 15;
    if (plain.length < dlcAt + 4) return undefined;
    const isRemote = plain[isExtended ? 32 : 12] === "1";
    const bytes = Number.parseInt(plain.slice(dlcAt, dlcAt + 4), 2);
    return dlcAt + 4 + (isRemote ? 0 : 8 * bytes) + 15;
  }
  /** False: a stuff or form error. */
  take(bit: string): boolean {
    if (this.tail >= -1 && this.isInTail()) return this.takeTail(bit);
    const isStuff = /(0{5}|1{5})$/.test(this.raw);
    if (isStuff && this.raw.endsWith(bit)) return false;
    this.raw += bit;
    if (!isStuff) this.plain += bit;
    return true;
  }
  private isInTail(): boolean {
    const { length } = this;
    return length !== undefined && this.plain.length === length && !/(0{5}|1{5})$/.test(this.raw);
  }
  private takeTail(bit: string): boolean {
    this.tail++;
    const body = this.plain.slice(0, -15);
    this.isSound = crcOf(body) === this.plain.slice(-15);
    if (this.tail === 1) return true;
    if (this.tail === 2 && !this.isSound) return false;
    return bit === "1" || this.tail === 9;
  }
  /** The next bit is the acknowledge slot. */
  get isAckNext(): boolean {
    return this.tail === 0;
  }
  get text(): string {
    return this.plain;
  }
}

type Mode = "idle" | "frame" | "flag" | "wait" | "delimiter" | "quiet";

class Node {
  mode: Mode = "idle";
  readonly queue: OracleFrame[] = [];
  tx: { bits: string; arbitration: number } | undefined;
  decoder = new Decoder();
  at = 0;
  count = 0;
  isOverload = false;
  outcome: { sent: boolean; failed: string; received: string; penalty: number } = none();

  constructor(readonly isActive: boolean) {}

  begin(isSending: boolean): void {
    this.mode = "frame";
    this.at = 0;
    this.decoder = new Decoder();
    this.tx = isSending ? encode(this.queue[0] as OracleFrame) : undefined;
    this.outcome = none();
    this.isOverload = false;
  }
  drive(): string {
    if (!this.isActive) return "1";
    if (this.mode === "flag") return "0";
    if (this.mode !== "frame") return "1";
    if (this.tx !== undefined) return this.tx.bits[this.at] as string;
    return this.decoder.isAckNext && this.decoder.isSound ? "0" : "1";
  }
  private enter(mode: Mode): void {
    this.mode = mode;
    this.count = 0;
  }
  private error(failed: string): void {
    if (failed === "") this.outcome.penalty = 1;
    else this.outcome.failed = failed;
    this.enter(this.isActive ? "flag" : "quiet");
  }
  sample(bus: string, isForced: boolean): void {
    if (this.mode === "frame") this.sampleFrame(bus, isForced);
    else if (this.mode === "flag" && ++this.count === 6) this.enter("wait");
    else if (this.mode === "wait") {
      if (bus === "1") {
        this.enter("delimiter");
        this.count = 1;
      } else if (this.count++ === 0 && this.outcome.failed === "" && !this.isOverload)
        this.outcome.penalty += 8;
    } else if (this.mode === "delimiter" && ++this.count === 8) this.enter("quiet");
  }

  private sampleFrame(bus: string, isForced: boolean): void {
    const { tx, at } = this;
    this.at++;
    const isWellFormed = this.decoder.take(bus);
    if (tx !== undefined) {
      const slot = tx.bits.length - 9;
      if (isForced) return this.error("bit");
      if (at === slot && bus === "1") return this.error("acknowledge");
      if (at !== slot && tx.bits[at] !== bus) {
        if (at >= tx.arbitration) return this.error("bit");
        this.tx = undefined; // gives way
      } else if (at === tx.bits.length - 1) {
        this.outcome.sent = true;
        this.queue.shift();
        this.enter("quiet");
      }
      return;
    }
    if (isForced || !isWellFormed) return this.error("");
    if (this.decoder.tail === 8) this.outcome.received = this.decoder.text;
    if (this.decoder.tail !== 9) return;
    this.isOverload = bus === "0";
    this.enter(bus === "0" && this.isActive ? "flag" : "quiet");
  }
}
function none() {
  return { sent: false, failed: "", received: "", penalty: 0 };
}

/** Identifier and data of a frame as its sender lays them out, before stuffing. */
export function plainBits(frame: OracleFrame): string {
  const { bits } = encode(frame);
  const decoder = new Decoder();
  for (const bit of bits) decoder.take(bit);
  return decoder.text;
}

function attemptOf(nodes: readonly Node[], start: number, bits: number): Attempt {
  const list = (text: (node: Node, n: number) => string) => nodes.map(text).filter(Boolean);
  return {
    start,
    bits,
    sent: nodes.flatMap(({ outcome }, n) => (outcome.sent ? [n] : [])),
    failed: list(({ outcome }, n) => outcome.failed && `${n} ${outcome.failed}`),
    received: list(({ outcome }, n) => outcome.received && `${n} ${outcome.received}`),
    disturbed: list(({ outcome }, n) => (outcome.penalty === 0 ? "" : `${n} ${outcome.penalty}`)),
  };
}

/** Runs a scenario and returns what happened on the bus. */
export function runScenario(scenario: Scenario): Attempt[] {
  const nodes = scenario.nodes.map(({ isActive }) => new Node(isActive));
  const attempts: Attempt[] = [];
  let start: number | undefined;
  let length = 0;
  let pause = 0;
  let wasFree = true; // for a bit at least
  for (let bit = 0; bit < scenario.bits; bit++) {
    const isWaiting = nodes.some((n) => n.queue.length > 0);
    for (const { bit: at, node, frame } of scenario.frames)
      if (at === bit) nodes[node]?.queue.push(frame);
    if (start === undefined && pause === 0) {
      // who waits since the last bit begins, and who comes to wait now joins
      const begins: boolean = wasFree ? isWaiting : nodes.some((n) => n.queue.length > 0);
      wasFree = !begins;
      if (begins) {
        start = bit;
        for (const node of nodes) node.begin(node.queue.length > 0 && node.isActive);
      }
    }
    if (start !== undefined) {
      // the frame that goes on at last is known when all others have given way
      const sender = nodes.find((n) => n.mode === "frame" && n.tx !== undefined);
      length = sender?.tx?.bits.length ?? length;
      const back = length - 1 - (bit - start);
      step(
        nodes,
        scenario.errors.filter((e) => e.attempt === attempts.length && e.back === back),
      );
      if (nodes.every((n) => n.mode === "quiet")) {
        attempts.push(attemptOf(nodes, start, bit + 1 - start));
        start = undefined;
        pause = 3;
        wasFree = false;
      }
    } else if (pause > 0) pause--;
  }
  return attempts;
}

function step(nodes: readonly Node[], errors: Scenario["errors"]): void {
  const bus = nodes.some((n) => n.drive() === "0") ? "0" : "1";
  nodes.forEach((node, n) => {
    const isForced = errors.some((e) => e.node === n);
    node.sample(bus, isForced);
  });
}
