// hsx completion: scripts for bash, zsh and fish, made from the command tree.

import type { Command } from "commander";
import { usage } from "../exit.ts";
import { addCommand, type Context } from "../program.ts";

interface Row {
  readonly name: string;
  readonly does: string;
  readonly options: readonly string[];
}

function rowsOf(program: Command): Row[] {
  return program.commands.map((c) => ({
    name: c.name(),
    does: c.description(),
    options: c.options.flatMap((o) => (o.long === undefined ? [] : [o.long])),
  }));
}

const SCRIPTS: Record<string, (rows: readonly Row[]) => string> = {
  bash: (rows) => `# bash completion of hsx. Load it with: source <(hsx completion bash)
_hsx() {
  local cur=\${COMP_WORDS[COMP_CWORD]}
  if [ "$COMP_CWORD" = 1 ]; then COMPREPLY=($(compgen -W "${rows.map((r) => r.name).join(" ")} --help --version" -- "$cur")); return; fi
  case "$cur" in -*) ;; *) COMPREPLY=($(compgen -f -- "$cur")); return ;; esac
  case "\${COMP_WORDS[1]}" in
${rows.map((r) => `    ${r.name}) COMPREPLY=($(compgen -W "${r.options.join(" ")} --help" -- "$cur")) ;;`).join("\n")}
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
  case "$words[2]" in
${rows.map((r) => `    ${r.name}) compadd -- ${r.options.join(" ")} --help; _files ;;`).join("\n")}
  esac
}
compdef _hsx hsx`,
  fish: (rows) =>
    [
      "# fish completion of hsx. Load it with: hsx completion fish | source",
      ...rows.flatMap((r) => [
        `complete -c hsx -n __fish_use_subcommand -f -a ${r.name} -d '${r.does.replaceAll("'", "")}'`,
        ...r.options.map(
          (o) => `complete -c hsx -n '__fish_seen_subcommand_from ${r.name}' -l ${o.slice(2)}`,
        ),
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
