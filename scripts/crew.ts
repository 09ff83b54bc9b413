// A crew: processes that do the pieces of a long proof side by side. Each is watched, so that one that hangs is noticed, and
// who interrupts the proof gets the figures of what was done so far.

import { type ChildProcess, fork } from "node:child_process";

/** Tells a process that it is of a crew. */
const MARK = "HSX_CREW";

export interface CrewOptions<Piece, Result> {
  /** Processes at a time. */
  readonly jobs: number;
  /** Seconds after which a piece that has not ended counts as hanging. */
  readonly patience_s: number;
  onResult(result: Result, piece: Piece): void;
  /** A process died over a piece, or hangs. */
  onLost(why: string, piece: Piece): void;
}

export const isOfCrew = process.env[MARK] === "1";

/** In a process of a crew: does the pieces it is given. */
export function serveCrew<Piece, Result>(work: (piece: Piece) => Promise<Result>): void {
  process.on("SIGINT", () => {}); // whoever leads the crew ends it
  process.on("disconnect", () => process.exit());
  process.on("message", async (piece) => {
    process.send?.(await work(piece as Piece));
  });
}

class Crew<Piece, Result> {
  private readonly crew = new Set<ChildProcess>();
  private readonly pieces: Iterator<Piece>;
  isInterrupted = false;

  constructor(
    pieces: Iterable<Piece>,
    private readonly options: CrewOptions<Piece, Result>,
  ) {
    this.pieces = pieces[Symbol.iterator]();
  }

  interrupt(): void {
    this.isInterrupted = true;
    for (const child of this.crew) child.kill("SIGKILL");
  }

  /** Starts a process that takes pieces until none is left. */
  async work(): Promise<void> {
    for (let isOpen = true; isOpen; ) isOpen = await this.shift();
  }

  /** One process, until there is nothing to do or it is lost. True: another is to take its place. */
  private shift(): Promise<boolean> {
    return new Promise((resolve) => {
      const child = fork(process.argv[1] as string, process.argv.slice(2), {
        env: { ...process.env, [MARK]: "1" },
      });
      this.crew.add(child);
      let piece: Piece | undefined;
      let timer: NodeJS.Timeout | undefined;
      let why = "the process died";
      const next = () => {
        clearTimeout(timer);
        const { done, value } = this.isInterrupted
          ? { done: true, value: undefined }
          : this.pieces.next();
        piece = value;
        if (done === true) return child.disconnect();
        timer = setTimeout(() => {
          why = `it hangs: no end after ${this.options.patience_s} s`;
          child.kill("SIGKILL");
        }, this.options.patience_s * 1000);
        child.send(piece as object);
      };
      child.on("message", (result) => {
        this.options.onResult(result as Result, piece as Piece);
        next();
      });
      child.on("exit", () => {
        clearTimeout(timer);
        this.crew.delete(child);
        const isLost = piece !== undefined && !this.isInterrupted;
        if (isLost) this.options.onLost(why, piece as Piece);
        resolve(isLost);
      });
      next();
    });
  }
}

/** Has all pieces done. False: it was interrupted by SIGINT or SIGTERM. */
export async function runCrew<Piece, Result>(
  pieces: Iterable<Piece>,
  options: CrewOptions<Piece, Result>,
): Promise<boolean> {
  const crew = new Crew(pieces, options);
  const interrupt = () => crew.interrupt();
  process.once("SIGINT", interrupt);
  process.once("SIGTERM", interrupt);
  await Promise.all(Array.from({ length: options.jobs }, () => crew.work()));
  process.off("SIGINT", interrupt);
  process.off("SIGTERM", interrupt);
  return !crew.isInterrupted;
}
