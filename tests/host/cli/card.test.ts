// --card: what hsx sd make wrote is what nodes start from, on a core in Node and on a bench.

import { writeFileSync } from "node:fs";
import { beforeAll, describe, expect, it } from "vitest";
import { amongPlants, hsx } from "./harness.ts";

amongPlants();
beforeAll(async () => {
  const { exit } = await hsx(["sd", "make", "mixed.toml", "-o", "mixed.img", "--size", "8M"]);
  expect(exit).toBe(0);
});

describe("hsx run --card", () => {
  it("starts what the card has for the node of this UID", async () => {
    const args = ["run", "--card", "mixed.img", "--uid", "0102030405060708", "--for", "1s"];
    const { err, out } = await hsx([...args, "--profile", "small", "--json"]);
    expect(err).toBe("");
    expect(JSON.parse(out)).toMatchObject({ tasks: [{ name: "blink", state: "sleeping" }] });
  });
  it("says that the card has nothing for another node, and what to do", async () => {
    const { exit, err } = await hsx(["run", "--card", "mixed.img", "--uid", "ff", "--for", "1s"]);
    expect(exit).not.toBe(0);
    expect(err).toContain("its manifest has nothing for this node");
    expect(err).toContain("by its id, UID or role");
  });
  it("refuses what is no card", async () => {
    writeFileSync("short.img", new Uint8Array(700));
    const { exit, err } = await hsx(["run", "--card", "short.img"]);
    expect(exit).toBe(5);
    expect(err).toContain("blocks of 512 bytes");
  });
  it.each([["x"], ["123"], ["00".repeat(17)]])("refuses the uid %s", async (uid) => {
    const { exit, err } = await hsx(["run", "--card", "mixed.img", "--uid", uid]);
    expect(exit).toBe(2);
    expect(err).toContain("no unique id");
  });
});

describe("hsx sim bench.toml --card", () => {
  const bench = `bit_rate = 500\n[[nodes]]\ncount = 2\nkind = "small"\nid = 1\nrole = 3\non = 2000\n`;
  it("puts a card into the socket of a node", async () => {
    writeFileSync("bench.toml", bench);
    const args = ["sim", "bench.toml", "--card", "2=mixed.img", "--fast", "--for", "1s"];
    const { out, err } = await hsx([...args, "--power-on", "all", "--show", "can"]);
    expect(err).toBe("");
    expect(out).toContain("node 2: load complete");
  });
  it.each([
    [["--card", "mixed.img"], "of a bench it names a node"],
    [["--card", "3=mixed.img"], "bench.toml has 2 nodes"],
    [["--power-on", "1"], "--power-on 1"],
  ])("refuses %s", async (more, message) => {
    const { exit, err } = await hsx(["sim", "bench.toml", ...more]);
    expect(exit).toBe(2);
    expect(err).toContain(message);
  });
});
