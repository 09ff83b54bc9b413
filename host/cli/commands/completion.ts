// hsx completion: scripts for bash, zsh and fish, made from the command tree.

import type { Command } from "commander";
import { usage } from "../exit.ts";
import { addCommand, type Context } from "../program.ts";

interface Row {
  /** `build`, or `persist build`. */
  readonly path: string;
  readonly does: string;
  readonly options: readonly OptionRow[];
}
interface OptionRow {
  readonly long: string;
  /** What it may be, where that is a list. */
  readonly choices: readonly string[];
}
/** A command that has commands of its own. */
interface Group {
  readonly name: string;
  readonly names: readonly string[];
}
interface Tree {
  readonly top: readonly Pick<Row, "path" | "does">[];
  readonly groups: readonly Group[];
  /** Those that do something. */
  readonly rows: readonly Row[];
}

function optionsOf({ options }: Command): OptionRow[] {
  return options.flatMap(({ long, argChoices }) =>
    typeof long === "string" ? [{ long, choices: argChoices ?? [] }] : [],
  );
}

function visible(command: Command): Command[] {
  return command
    .createHelp()
    .visibleCommands(command)
    .filter((c) => command.parent === null || c.name() !== "help");
}

function treeOf(program: Command): Tree {
  const top = visible(program);
  const rowOf = (c: Command, path: string): Row => {
    return { path, does: c.description(), options: optionsOf(c) };
  };
  return {
    top: top.map((c) => rowOf(c, c.name())),
    groups: top
      .filter((c) => c.commands.length > 0)
      .map((c) => ({ name: c.name(), names: visible(c).map((sub) => sub.name()) })),
    rows: top.flatMap((c) =>
      c.commands.length === 0
        ? [rowOf(c, c.name())]
        : visible(c).map((sub) => rowOf(sub, `${c.name()} ${sub.name()}`)),
    ),
  };
}

const longs = ({ options }: Row) => options.map((o) => o.long).join(" ");

/** A pattern for the first two words of a command line. */
function pattern({ path }: Row): string {
  return path.includes(" ") ? `"${path}"` : `"${path} "*`;
}

/** A case for each option that takes one of a list: the line of words it may be. */
function choiceCases(rows: readonly Row[], line: (words: string) => string): string {
  const options = rows.flatMap((r) => r.options).filter((o) => o.choices.length > 0);
  const cases = options.map((o) => `    ${o.long}) ${line(o.choices.join(" "))}; return ;;`);
  return [...new Set(cases)].join("\n");
}

const quoted = (text: string) => text.replaceAll("'", "");

function fishGroup({ name, names }: Group, rows: readonly Row[]): string[] {
  const condition = `__fish_seen_subcommand_from ${name}; and not __fish_seen_subcommand_from ${names.join(" ")}`;
  return names.map((sub) => {
    const does = rows.find((r) => r.path === `${name} ${sub}`)?.does ?? "";
    return `complete -c hsx -n '${condition}' -f -a ${sub} -d '${quoted(does)}'`;
  });
}
function fishOptions({ path, options }: Row): string[] {
  const condition = path.split(" ").map((word) => `__fish_seen_subcommand_from ${word}`);
  return options.map(({ long, choices }) => {
    const words = choices.length === 0 ? "" : ` -xa '${choices.join(" ")}'`;
    return `complete -c hsx -n '${condition.join("; and ")}' -l ${long.slice(2)}${words}`;
  });
}

function bashScript({ top, groups, rows }: Tree): string {
  const commands = top.map((r) => r.path).join(" ");
  const offer = (words: string) => `COMPREPLY=($(compgen -W "${words}" -- "$cur"))`;
  return `# bash completion of hsx. Load it with: source <(hsx completion bash)
_hsx() {
  local cur=\${COMP_WORDS[COMP_CWORD]}
  if [ "$COMP_CWORD" = 1 ]; then ${offer(`${commands} --help --version`)}; return; fi
  if [ "$COMP_CWORD" = 2 ]; then
    case "\${COMP_WORDS[1]}" in
${groups.map((g) => `      ${g.name}) ${offer(`${g.names.join(" ")} --help`)}; return ;;`).join("\n")}
    esac
  fi
  case "\${COMP_WORDS[COMP_CWORD-1]}" in
${choiceCases(rows, offer)}
  esac
  case "$cur" in -*) ;; *) COMPREPLY=($(compgen -f -- "$cur")); return ;; esac
  case "\${COMP_WORDS[1]} \${COMP_WORDS[2]}" in
${rows.map((r) => `    ${pattern(r)}) ${offer(`${longs(r)} --help`)} ;;`).join("\n")}
  esac
}
complete -o filenames -F _hsx hsx`;
}

function zshScript({ top, groups, rows }: Tree): string {
  const described = (r: Tree["top"][number]) =>
    `    '${r.path}:${quoted(r.does).replaceAll(":", "\\:")}'`;
  return `#compdef hsx
# zsh completion of hsx. Load it with: source <(hsx completion zsh)
_hsx() {
  local -a commands=(
${top.map(described).join("\n")}
  )
  if (( CURRENT == 2 )); then _describe command commands; return; fi
  if (( CURRENT == 3 )); then
    case "$words[2]" in
${groups.map((g) => `      ${g.name}) compadd -- ${g.names.join(" ")}; return ;;`).join("\n")}
    esac
  fi
  case "$words[CURRENT-1]" in
${choiceCases(rows, (words) => `compadd ${words}`)}
  esac
  case "$words[2] $words[3]" in
${rows.map((r) => `    ${pattern(r)}) compadd -- ${longs(r)} --help; _files ;;`).join("\n")}
  esac
}
compdef _hsx hsx`;
}

function fishScript({ top, groups, rows }: Tree): string {
  const commands = top.map(
    (r) => `complete -c hsx -n __fish_use_subcommand -f -a ${r.path} -d '${quoted(r.does)}'`,
  );
  return [
    "# fish completion of hsx. Load it with: hsx completion fish | source",
    ...commands,
    ...groups.flatMap((group) => fishGroup(group, rows)),
    ...rows.flatMap(fishOptions),
  ].join("\n");
}

const SCRIPTS: Record<string, (tree: Tree) => string> = {
  bash: bashScript,
  zsh: zshScript,
  fish: fishScript,
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
    const script = SCRIPTS[shell]?.(treeOf(program));
    if (script === undefined)
      throw usage(`there is no completion for "${shell}"`, "there are bash, zsh and fish");
    out.result("hsx.completion/1", { shell, script }, () => script);
  });
}
