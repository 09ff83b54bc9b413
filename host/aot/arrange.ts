// Makes code for an AVR smaller: functions that call each other come to lie close, since a call or jump within 4 KiB is a
// word shorter, which the linker sees to. What is short and wanted in many places is there several times; what is long,
// its callers in one place reach by a jump among them.
// Works on assembly text with one function a section.

/** Bytes rcall and rjmp reach, 4,094, less what the estimate of lengths may be wrong by. */
const REACH = 4000;
/** Bytes a transfer is longer that does not reach. */
const FAR_BYTES = 2;
/** Bytes of a jump that several transfers go by. */
const JUMP_BYTES = 4;
/** Callers that lie this close share a jump; the line of it in its section. */
const RELAY_STRETCH = 7000;
const RELAY_LINE = 3;
/** Most passes over all sections, and the gain in percent that is worth another one. */
const PASSES = 12;
const WORTH_PERCENT = 0.2;
/** How much a transfer just beyond reach counts, against one within: so that what moves closer is seen to. */
const NEARLY = 0.3;
const SECTION = /^(?=\t\.section\t\.text\.)/m;
const TRANSFER = /^\t(?:call|jmp) ([a-zA-Z_][\w.]*)$/;
const LABEL = /^([a-zA-Z_][\w.]*):/;

/** A routine that a function calls or jumps to. */
interface Transfer {
  /** Index of its line, and bytes before it. */
  readonly line: number;
  readonly at: number;
  to: number;
}

interface Section {
  readonly lines: string[];
  readonly bytes: number;
  readonly transfers: readonly Transfer[];
}

function labelsOf(lines: readonly string[]): string[] {
  return lines.flatMap((line) => LABEL.exec(line)?.[1] ?? []);
}

function bytesOf(line: string): number {
  if (!/^\t[a-z]/.test(line)) return 0;
  return /^\t(lds|sts|call|jmp)\b/.test(line) ? 4 : 2;
}

function readSection(lines: string[], owners: ReadonlyMap<string, number>, own: number): Section {
  const transfers: Transfer[] = [];
  let bytes = 0;
  for (const [line, text] of lines.entries()) {
    const to = owners.get(TRANSFER.exec(text)?.[1] ?? "");
    if (to !== undefined && to !== own) transfers.push({ line, at: bytes, to });
    bytes += bytesOf(text) - (to === undefined ? 0 : FAR_BYTES / 2); // some will be short
  }
  return { lines, bytes, transfers };
}

/** A transfer that is out of reach: the section it is in, and where it lies. */
interface Use {
  readonly from: number;
  readonly by: Transfer;
  readonly place: number;
}

class Arrangement {
  readonly sections: Section[];
  /** Indexes of sections as they lie. */
  private order: number[];
  /** Where each section begins. */
  private start = new Int32Array(0);

  constructor(parts: readonly string[]) {
    const texts = parts.map((part) => part.split("\n"));
    const owners = new Map<string, number>();
    for (const [n, lines] of texts.entries())
      for (const label of labelsOf(lines)) owners.set(label, n);
    this.sections = texts.map((lines, n) => readSection(lines, owners, n));
    this.order = this.chained();
  }

  text(): string {
    return this.order.map((n) => this.section(n).lines.join("\n")).join("");
  }

  private section(n: number): Section {
    return this.sections[n] as Section;
  }

  private startOf(n: number): number {
    return this.start[n] as number;
  }

  // ---- A first order: what calls each other most is joined end to end ----

  /** How often two sections call each other, both ways round. */
  private ties(): Map<number, Map<number, number>> {
    const ties = new Map<number, Map<number, number>>();
    for (const [n, { transfers }] of this.sections.entries())
      for (const { to } of transfers) {
        tie(ties, n, to, 1);
        tie(ties, to, n, 1);
      }
    return ties;
  }

  private chained(): number[] {
    const ties = this.ties();
    const chains = this.sections.map(({ bytes }, n) => ({ bytes, members: [n] }));
    for (;;) {
      const [a, b] = strongest(ties, (n) => chains[n]?.bytes ?? 0) ?? [];
      if (a === undefined || b === undefined) break;
      const [head, tail] = [chains[a], chains[b]];
      if (head === undefined || tail === undefined) break;
      head.members.push(...tail.members.splice(0));
      head.bytes += tail.bytes;
      for (const [c, times] of ties.get(b) ?? []) {
        ties.get(c)?.delete(b);
        if (c === a) continue;
        tie(ties, a, c, times);
        tie(ties, c, a, times);
      }
      ties.delete(b);
    }
    return chains.flatMap(({ members }) => members);
  }

  // ---- Moving sections ----

  private score(): number {
    this.lay();
    let sum = 0;
    for (let n = 0; n < this.sections.length; n++)
      for (const transfer of this.section(n).transfers) {
        const far = Math.abs(this.distance(n, transfer));
        sum += far <= REACH ? 1 : (NEARLY * REACH) / far;
      }
    return sum;
  }

  private lay(): void {
    this.start = new Int32Array(this.sections.length);
    let at = 0;
    for (const n of this.order) {
      this.start[n] = at;
      at += this.section(n).bytes;
    }
  }

  private distance(from: number, { at, to }: Transfer): number {
    return this.startOf(to) - this.startOf(from) - at;
  }

  private move(from: number, to: number): void {
    const [n = 0] = this.order.splice(from, 1);
    this.order.splice(to, 0, n);
  }

  /** Tries each section at places among those it calls and is called by, and leaves it where most is within reach. */
  improve(): void {
    let best = this.score();
    for (let pass = 0; pass < PASSES; pass++) {
      const before = best;
      const near = this.neighbours();
      for (const [n, others] of near.entries()) best = this.settle(n, others, best);
      if (best - before < (before * WORTH_PERCENT) / 100) return;
    }
  }

  /** Sections that each one calls or is called by. */
  private neighbours(): number[][] {
    const near = this.sections.map((): number[] => []);
    for (const [n, { transfers }] of this.sections.entries())
      for (const { to } of transfers) {
        near[n]?.push(to);
        near[to]?.push(n);
      }
    return near;
  }

  private settle(n: number, others: readonly number[], best: number): number {
    if (others.length === 0) return best;
    const places = new Map(this.order.map((section, place) => [section, place]));
    const near = others.map((other) => places.get(other) ?? 0).sort((a, b) => a - b);
    const picks = [0.5, 0.25, 0.75, 0, 1].map((part) => near[Math.floor(part * (near.length - 1))]);
    let [at, top] = [places.get(n) ?? 0, best];
    for (const pick of new Set(picks)) {
      if (pick === undefined || pick === at) continue;
      this.move(at, pick);
      const score = this.score();
      if (score > top) [at, top] = [pick, score];
      else this.move(pick, at);
    }
    return top;
  }

  // ---- Copies ----

  /** Copies short sections to where enough of those lie that want them and are out of reach. */
  copy(): void {
    this.lay();
    const wanted = this.sections.map((): Use[] => []);
    for (const [from, { transfers }] of this.sections.entries())
      for (const by of transfers)
        if (Math.abs(this.distance(from, by)) > REACH)
          wanted[by.to]?.push({ from, by, place: this.startOf(from) + by.at });
    for (const [n, uses] of wanted.entries()) {
      const { bytes, lines } = this.section(n);
      if (lines.some((line) => line.startsWith(".global"))) continue;
      for (const group of grouped(uses, 2 * REACH - bytes))
        if (FAR_BYTES * group.length > bytes) this.copyFor(n, group);
    }
  }

  private copyFor(n: number, group: readonly Use[]): void {
    const { lines, bytes, transfers } = this.section(n);
    const to = this.sections.length;
    const suffix = `.copy${to}`;
    const own = transfers.map((transfer) => ({ ...transfer }));
    this.sections.push({ lines: renamed(lines, suffix), bytes, transfers: own });
    for (const { from, by } of group) {
      by.to = to;
      const { lines: calling } = this.section(from);
      calling[by.line] = `${calling[by.line]}${suffix}`;
    }
    this.insert(to, group);
  }

  /** Puts a new section in the middle of those that want it. */
  private insert(n: number, group: readonly Use[]): void {
    const middle = group[group.length >> 1]?.from ?? 0;
    this.order.splice(this.order.indexOf(middle), 0, n);
  }

  // ---- Jumps ----

  /** Adds jumps to what enough transfers out of reach lead to that lie close together. */
  relay(): void {
    this.lay();
    const wanted = new Map<string, Use[]>();
    for (const [from, { transfers, lines }] of this.sections.entries())
      for (const by of transfers) {
        if (Math.abs(this.distance(from, by)) <= REACH) continue;
        const label = TRANSFER.exec(lines[by.line] ?? "")?.[1] ?? "";
        const use = { from, by, place: this.startOf(from) + by.at };
        wanted.set(label, [...(wanted.get(label) ?? []), use]);
      }
    for (const [label, uses] of wanted)
      for (const group of grouped(uses, RELAY_STRETCH))
        if (FAR_BYTES * group.length > JUMP_BYTES) this.relayFor(label, group);
  }

  private relayFor(label: string, group: readonly Use[]): void {
    const to = this.sections.length;
    const name = `${label}.near${to}`;
    const by: Transfer = { line: RELAY_LINE, at: 0, to: group[0]?.by.to ?? 0 };
    const lines = [
      `\t.section\t.text.${name},"ax",@progbits`,
      `\t.type\t${name}, @function`,
      `${name}:`,
      `\tjmp ${label}`,
      `\t.size\t${name}, .-${name}`,
      "",
    ];
    this.sections.push({ lines, bytes: JUMP_BYTES, transfers: [by] });
    for (const use of group) {
      use.by.to = to;
      const { lines: calling } = this.section(use.from);
      calling[use.by.line] = `${calling[use.by.line]}.near${to}`;
    }
    this.insert(to, group);
  }
}

/** Uses that lie within a stretch, the first ones first. */
function grouped(uses: readonly Use[], stretch: number): Use[][] {
  const groups: Use[][] = [];
  for (const use of uses.toSorted((a, b) => a.place - b.place)) {
    const group = groups.at(-1);
    const start = group?.[0]?.place ?? Number.NEGATIVE_INFINITY;
    if (group === undefined || use.place - start > stretch) groups.push([use]);
    else group.push(use);
  }
  return groups;
}

/** A section with all its labels renamed, and itself. */
function renamed([head = "", ...body]: readonly string[], suffix: string): string[] {
  const own = body.flatMap((line) => /^([.a-zA-Z_][\w.]*):/.exec(line)?.[1] ?? []); // those inside a function, too
  const labels = own.map((label) => label.replaceAll(".", "\\."));
  const name = new RegExp(`(?<![\\w.])(${labels.join("|")})(?![\\w.])`, "g");
  return [
    head.replace(",", `${suffix},`),
    ...body.map((line) => line.replace(name, `$1${suffix}`)),
  ];
}

function tie(ties: Map<number, Map<number, number>>, a: number, b: number, times: number): void {
  const row = ties.get(a) ?? new Map<number, number>();
  ties.set(a, row.set(b, (row.get(b) ?? 0) + times));
}

/** The two chains with the most calls between them for their length. */
function strongest(
  ties: ReadonlyMap<number, ReadonlyMap<number, number>>,
  bytes: (n: number) => number,
): readonly [number, number] | undefined {
  let best: readonly [number, number] | undefined;
  let most = 0;
  for (const [a, row] of ties)
    for (const [b, times] of row) {
      const weight = times / Math.sqrt(bytes(a) + bytes(b));
      if (a < b && weight > most) [best, most] = [[a, b], weight];
    }
  return best;
}

/** The same program in an order that takes fewer bytes. The same text gives the same text, byte for byte. */
export function arrange(text: string): string {
  const [head = "", ...parts] = text.split(SECTION);
  const arrangement = new Arrangement(parts);
  arrangement.improve();
  arrangement.copy();
  arrangement.improve();
  arrangement.relay();
  return head + arrangement.text();
}
