// Long proofs in several processes: the script that runs is started again as workers, which do what it asks of them, one thing
// at a time each. Interrupted, it goes on at once with what was done so far.

import { type ChildProcess, fork } from "node:child_process";
import { fileURLToPath } from "node:url";
import type { Figure } from "./figures.ts";

/** What a worker can be asked for, by name; arguments and results are plain objects. */
export type Work = Record<string, (argument: never) => Promise<unknown>>;

/** What interrupts a proof. */
const SIGNALS = ["SIGINT", "SIGTERM"] as const;
/** Tells a process that it is a worker. */
const WORKER = "HSX_PROOF_WORKER";

export function isWorker(): boolean {
  return process.env[WORKER] !== undefined;
}

/** Does what the script asks for until it goes. */
export function serve(work: Work): void {
  for (const signal of SIGNALS) process.on(signal, () => {}); // a terminal tells all; the script decides
  process.on("disconnect", () => process.exit());
  process.on("message", async ({ name, argument }: { name: string; argument: never }) => {
    try {
      process.send?.({ result: await work[name]?.(argument) });
    } catch (error) {
      process.send?.({ error: String(error instanceof Error ? error.stack : error) });
    }
  });
}

/** The script was interrupted: figures are of what was done until then. */
export class Interrupted extends Error {}
/** A worker died over its work, or hung. */
export class Lost extends Error {}

interface Answer {
  readonly result?: unknown;
  readonly error?: string;
  readonly isLost?: boolean;
}

/** Asks a worker for something. It is killed if it does not answer in time; one that was lost says so. */
function ask(worker: ChildProcess, question: object, patience_s: number): Promise<Answer> {
  return new Promise((resolve) => {
    let why = "the process died";
    const isBounded = Number.isFinite(patience_s);
    const hang = () => {
      why = `it hangs: no end after ${patience_s} s`;
      worker.kill("SIGKILL");
    };
    const timer = isBounded ? setTimeout(hang, patience_s * 1000) : undefined;
    const gone = () => {
      clearTimeout(timer);
      resolve({ error: why, isLost: true });
    };
    worker.once("exit", gone);
    worker.once("message", (message) => {
      clearTimeout(timer);
      worker.off("exit", gone);
      resolve(message as Answer);
    });
    worker.send(question);
  });
}

export class Jobs<W extends Work> {
  isInterrupted = false;
  private readonly all = new Set<ChildProcess>();
  private readonly idle: ChildProcess[] = [];
  private readonly waiting: ((worker: ChildProcess) => void)[] = [];
  private readonly end: Promise<never>;

  constructor(readonly count: number) {
    this.end = new Promise((_, reject) => {
      for (const signal of SIGNALS) {
        process.on(signal, () => {
          this.isInterrupted = true;
          reject(new Interrupted());
        });
      }
    });
    this.end.catch(() => {}); // whoever waits for a worker hears of it
    for (let n = 0; n < count; n++) this.give(this.start());
  }

  private start(): ChildProcess {
    const worker = fork(fileURLToPath(import.meta.url), process.argv.slice(2), {
      env: { ...process.env, [WORKER]: "1" },
      execArgv: ["--enable-source-maps"],
    });
    this.all.add(worker);
    worker.once("exit", () => this.all.delete(worker));
    return worker;
  }

  private async take(): Promise<ChildProcess> {
    return this.idle.pop() ?? new Promise((resolve) => this.waiting.push(resolve));
  }
  private give(worker: ChildProcess): void {
    const next = this.waiting.shift();
    if (next === undefined) this.idle.push(worker);
    else next(worker);
  }

  private async ask(question: object, patience_s: number): Promise<unknown> {
    const worker = await this.take();
    const { result, error, isLost } = await ask(worker, question, patience_s);
    this.give(isLost && !this.isInterrupted ? this.start() : worker);
    if (error !== undefined) throw isLost ? new Lost(error) : new Error(error);
    return result;
  }

  /**
   * Has the next free worker do something. Rejects with what it throws, with Interrupted, or with Lost when it dies or has not
   * ended after `patience_s` seconds; another takes its place.
   */
  do<K extends keyof W & string>(
    name: K,
    argument: Parameters<W[K]>[0],
    patience_s = Number.POSITIVE_INFINITY,
  ): Promise<Awaited<ReturnType<W[K]>>> {
    const asked = this.ask({ name, argument }, patience_s) as Promise<Awaited<ReturnType<W[K]>>>;
    return Promise.race([asked, this.end]);
  }

  /** Like `do`; when the worker is lost, what `instead` makes of the reason. */
  async doOr<K extends keyof W & string>(
    name: K,
    argument: Parameters<W[K]>[0],
    patience_s: number,
    instead: (why: string) => Awaited<ReturnType<W[K]>>,
  ): Promise<Awaited<ReturnType<W[K]>>> {
    return this.do(name, argument, patience_s).catch((error: unknown) => {
      if (error instanceof Lost) return instead(error.message);
      throw error;
    });
  }

  /** As many of `next` under way as there are workers, until one says that there is no more: false. */
  async repeat(next: () => Promise<boolean>): Promise<void> {
    const lane = async () => {
      while (await next());
    };
    await Promise.all(Array.from({ length: this.count }, lane));
  }

  /** Does `act` with each piece, as many at a time as there are workers. */
  async each<P>(pieces: Iterable<P>, act: (piece: P) => Promise<void>): Promise<void> {
    const left = pieces[Symbol.iterator]();
    await this.repeat(async () => {
      const { done, value } = left.next();
      if (done === true) return false;
      await act(value);
      return true;
    });
  }

  /** Repeats pieces of work until they make `wanted` together. `next` is told how much may be left, and returns how much it made; 0 ends it. */
  async reach(wanted: number, next: (left: number, n: number) => Promise<number>, most: number) {
    let done = 0;
    let n = 0;
    let hasEnded = false;
    while (done < wanted && !hasEnded) {
      let underWay = 0;
      await this.repeat(async () => {
        const part = Math.min(wanted - done - underWay, most);
        if (part <= 0 || hasEnded) return false;
        underWay += part;
        const made = await next(part, n++);
        underWay -= part;
        done += made;
        hasEnded ||= made === 0;
        return true;
      });
    }
  }

  /** Runs what a proof consists of, as far as it gets; then the workers go. */
  async run(proof: () => Promise<void>): Promise<void> {
    try {
      await proof();
    } catch (error) {
      if (!(error instanceof Interrupted)) throw error;
    } finally {
      for (const worker of this.all) worker.kill("SIGKILL");
    }
  }

  /** The figure an interrupted proof carries: it has not proved what a whole one has. */
  figures(): Figure[] {
    if (!this.isInterrupted) return [];
    const note = "the counts are of what was done until then";
    return [{ id: "interrupted", value: 1, unit: "times", must: "== 0", note }];
  }
}

/** Number of processes that --jobs asks for; undefined: none. */
export function jobsOf(text: string): number | undefined {
  const count = Number(text);
  return Number.isInteger(count) && count > 0 ? count : undefined;
}
