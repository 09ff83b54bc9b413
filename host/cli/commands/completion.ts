// hsx completion: scripts for bash, zsh and fish, made from the command tree.

import type { Command } from "commander";
import { usage } from "../exit.ts";
import { addCommand, type Context } from "../program.ts";

interface Row {
  readonly name: string;
  readonly does: string;
  readonly options: readonly OptionRow[];
}
interface OptionRow {
  readonly long: string;
  /** What it may be, where that is a list. */
  readonly choices: readonly string[];
}

function rowsOf(program: Command): Row[] {
  return program
    .createHelp()
    .visibleCommands(program)
    .map((c) => ({
      name: c.name(),
      does: c.description(),
      options: c.options.flatMap(({ long, argChoices }) =>
        long === undefined ? [] : [{ long, choices: argChoices ?? [] }],
      ),
    }));
}

const longs = ({ options }: Row) => options.map((o) => o.long).join(" ");

/** A case for each option that takes one of a list: the line of words it may be. */
function choiceCases(rows: readonly Row[], line: (words: string) => string): string {
  const options = rows.flatMap((r) => r.options).filter((o) => o.choices.length > 0);
  const cases = options.map((o) => `    ${o.long}) ${line(o.choices.join(" "))}; return ;;`);
  return [...new Set(cases)].join("\n");
}

const SCRIPTS: Record<string, (rows: readonly Row[]) => string> = {
  bash: (rows) => `# bash completion of hsx. Load it with: source <(hsx completion bash)
_hsx() {
  local cur=\${COMP_WORDS[COMP_CWORD]}
  if [ "$COMP_CWORD" = 1 ]; then COMPREPLY=($(compgen -W "${rows.map((r) => r.name).join(" ")} --help --version" -- "$cur")); return; fi
  case "\${COMP_WORDS[COMP_CWORD-1]}" in
${choiceCases(rows, (words) => `COMPREPLY=($(compgen -W "${words}" -- "$cur"))`)}
  esac
  case "$cur" in -*) ;; *) COMPREPLY=($(compgen -f -- "$cur")); return ;; esac
  case "\${COMP_WORDS[1]}" in
${rows.map((r) => `    ${r.name}) COMPREPLY=($(compgen -W "${longs(r)} --help" -- "$cur")) ;;`).join("\n")}
  esac
}
complete -o filenames -F _hsx hsx`,
  zsh: (rows) => `#compdef hsx
# zsh completion of hsx. Load it with: source <(hsx completion zsh)
_hsx() {
  local -a commands=(
${rows.map((r) => `    '${r.name}:${r.does.replaceAll("'", "").replaceAll(":", "\\:")}'`).join("\n")}
  )
  if (( CURRENT == 2 )); then _describe command commands; return; fi
  case "$words[CURRENT-1]" in
${choiceCases(rows, (words) => `compadd ${words}`)}
  esac
  case "$words[2]" in
${rows.map((r) => `    ${r.name}) compadd -- ${longs(r)} --help; _files ;;`).join("\n")}
  esac
}
compdef _hsx hsx`,
  fish: (rows) =>
    [
      "# fish completion of hsx. Load it with: hsx completion fish | source",
      ...rows.flatMap((r) => [
        `complete -c hsx -n __fish_use_subcommand -f -a ${r.name} -d '${r.does.replaceAll("'", "")}'`,
        ...r.options.map(({ long, choices }) => {
          const words = choices.length === 0 ? "" : ` -xa '${choices.join(" ")}'`;
          return `complete -c hsx -n '__fish_seen_subcommand_from ${r.name}' -l ${long.slice(2)}${words}`;
        }),
      ]),
    ].join("\n"),
};

export function addCompletion(program: Command, { out }: Context): void {
  addCommand(
    program,
    "completion <shell>",
    "print the completion script of a shell: bash, zsh, fish",
    [
      ["source <(hsx completion bash)", "completion in this bash"],
      ["hsx completion fish > ~/.config/fish/completions/hsx.fish", "for good"],
    ],
  ).action((shell: string) => {
    const script = SCRIPTS[shell]?.(rowsOf(program));
    if (script === undefined)
      throw usage(`there is no completion for "${shell}"`, "there are bash, zsh and fish");
    out.result("hsx.completion/1", { shell, script }, () => script);
  });
}
