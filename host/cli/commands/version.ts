// hsx --version, hsx version: what this is, for bug reports.

import type { Command } from "commander";
import { addCommand, type Context } from "../program.ts";

export function addVersion(program: Command, context: Context): void {
  addCommand(program, "version", "show version, commit, Node, ABI and formats", [
    ["hsx --version", "the same"],
  ]).action(() => showVersion(context));
}

export function showVersion({ out, install }: Context): void {
  const v = install.version();
  out.result("hsx.version/1", { ...v, commit: v.commit ?? null }, () => {
    const commit = v.commit === undefined ? "" : ` (${v.commit})`;
    return `hsx ${v.version}${commit}, Node ${v.node}, ABI ${v.abi}, HXE ${v.hxe.join(" and ")}`;
  });
}
