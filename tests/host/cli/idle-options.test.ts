// Options that would do nothing are refused before anything is done: what was typed is never ignored.

import { describe, expect, it } from "vitest";
import { hsx } from "./harness.ts";

const BUS = ["--bus", "sim:none.toml"];

describe("an option that would do nothing", () => {
  it.each([
    ["load --manifest p.toml --dry-run", "--dry-run means nothing with --manifest"],
    ["load --manifest p.toml --nodes 1-3", "--nodes means nothing with --manifest"],
    ["load a.hxe --partial", "--partial belongs to --together"],
    [
      "load a.hxe --attempts 0",
      "--attempts belongs to --slot: what runs from memory is never on trial",
    ],
    ["provision status --for 1s", "--for belongs to --watch"],
    ["go --manifest p.toml", "--manifest: which group of it?"],
    ["start pump --group pumps --manifest p.toml", "a task and a group: which is meant?"],
  ])("of `hsx %s` is refused", async (line, message) => {
    const { exit, out, err } = await hsx([...line.split(" "), ...BUS]);
    expect([exit, out, err.split("\n")[0]]).toEqual([2, "", `error: ${message}`]);
    expect(err).toContain("\n  remedy: ");
  });

  it.each([
    ["run a.hxe --node north", "--node names a node of a manifest"],
    ["sim a.hxe --node north", "--node names a node of a manifest"],
    ["sim a.hxe --listen :0", "--listen belongs to a bench"],
    ["sim b.toml --nv node.fram", "--nv means nothing to a bench"],
    ["persist build c.toml --node north -o x", "--node names a node of a manifest"],
    [
      "run a.hxe --board avr --profile large",
      "--profile means nothing to a board, whose firmware has its own",
    ],
    ["sim a.hxe --reference", "--reference means nothing to a board, whose firmware has its own"],
    [
      "shell --board avr --profile small",
      "--profile means nothing to a board, whose firmware has its own",
    ],
    ["persist repair a.fram --in-place --force", "--force belongs to -o"],
    ["persist cut a.fram --force", "--force belongs to -o"],
    ["sd make p.toml --to card --size 8M", "--size belongs to -o"],
  ])("of `hsx %s` is refused", async (line, message) => {
    const { exit, out, err } = await hsx(line.split(" "));
    expect([exit, out, err.split("\n")[0]]).toEqual([2, "", `error: ${message}`]);
    expect(err).toContain("\n  remedy: ");
  });
});
