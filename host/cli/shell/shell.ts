// The shell on a node: one line, one verb, one status. The same for terminals, scripts and pipes.

import type { Command } from "commander";
import { Exit, type Failure } from "../exit.ts";
import { Output } from "../output.ts";
import { commandOf, failureOfLine, makeParser, pathOf, showHelp } from "../program.ts";
import { VERBS } from "../verbs/verbs.ts";
import type { ShellState, VerbContext } from "./context.ts";
import { wordsOf } from "./line.ts";

/** How a line went. */
export interface Status {
  readonly exit: Exit;
  readonly failure?: Failure;
}

/** A parser of the verbs. Without a state it can only be read. */
export function verbParser(out: Output, state?: ShellState): Command {
  const parser = makeParser("hsx>", out);
  parser.usage("<verb>").description("Verbs of the shell. What follows # is a comment.");
  const context = { out, state, session: state?.session } as VerbContext;
  for (const add of VERBS) add(parser, context);
  return parser;
}

export class Shell {
  readonly state: ShellState;

  constructor(
    readonly out: Output,
    state: ShellState,
  ) {
    this.state = state;
  }

  /** Parsers remember what they parsed, so every line gets a new one. */
  parser(out = this.out): Command {
    return verbParser(out, this.state);
  }

  /** Runs one line. What goes wrong is returned, not thrown. */
  async run(line: string): Promise<Status> {
    this.state.isInterrupted = false;
    let help = "help";
    try {
      const words = wordsOf(line);
      if (words.length === 0) return { exit: Exit.OK };
      const out = words.includes("--json") ? new Output(this.out.terminal, true) : this.out;
      const parser = this.parser(out);
      help = pathOf(commandOf(parser, words), "help");
      if (words[0] === "help")
        showHelp(
          parser,
          words.slice(1).filter((w) => w !== "--json"),
        );
      else await parser.parseAsync(words, { from: "user" });
      return { exit: this.state.isInterrupted ? Exit.INTERRUPTED : Exit.OK };
    } catch (error) {
      return this.statusOf(error, help);
    } finally {
      this.state.session.drain();
    }
  }

  /** `help`: the line that explains the verb. */
  private statusOf(error: unknown, help: string): Status {
    const failure = failureOfLine(error, help);
    if (failure === undefined) return { exit: Exit.OK };
    this.out.stack(error);
    return { exit: failure.exit, failure };
  }
}
