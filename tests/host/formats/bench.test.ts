// bench.toml: what each line becomes, and every mistake with its place.

import { describe, expect, it } from "vitest";
import { readBench } from "../../../host/formats/bench.ts";
import { formatDiagnostic } from "../../../host/formats/diagnostic.ts";

function benchOf(text: string) {
  const { bench, diagnostics } = readBench(text, "b.toml");
  expect(diagnostics.map(formatDiagnostic)).toEqual([]);
  return bench as NonNullable<typeof bench>;
}
function mistakesOf(text: string): string {
  return readBench(text, "b.toml").diagnostics.map(formatDiagnostic).join("\n");
}

describe("a bench file", () => {
  it("without more is a bus of 500 kbit/s with one node that has an FRAM of 128 KiB", () => {
    const { bitRate, seed, latency_ms, nodes, faults } = benchOf('[[nodes]]\nkind = "avr"');
    expect([bitRate, seed, latency_ms, faults]).toEqual([500, 1, [0, 0], []]);
    expect(nodes).toMatchObject([
      { number: 1, kind: "avr", id: 1, role: 0, fram: 131072, crystal_ppm: 0, ring: 16, on_ms: 0 },
    ]);
  });

  it("gives nodes of which the file says no id the lowest that are free", () => {
    const { nodes } = benchOf(
      "[[nodes]]\ncount = 2\n[[nodes]]\nid = 2\n[[nodes]]\nid = 0\n[[nodes]]\nfile = 'a.fram'\n[[nodes]]",
    );
    expect(nodes.map(({ id }) => id)).toEqual([1, 3, 2, 0, 0, 4]);
  });

  it("counts ids and uids up", () => {
    const { nodes } = benchOf(
      '[[nodes]]\nkind = "small"\nid = 0\n[[nodes]]\nkind = "stm32f072"\ncount = 3\nid = 5\nuid = "00FF"',
    );
    expect(nodes.map(({ number, id, uid }) => [number, id, uid && [...uid]])).toEqual([
      [1, 0, undefined],
      [2, 5, [0, 0xff]],
      [3, 6, [1, 0]],
      [4, 7, [1, 1]],
    ]);
  });

  it("names nodes of faults by number, of all when it names none", () => {
    const { faults } = benchOf(
      '[[faults]]\nkind = "loss"\nprobability = 0.001\nnodes = "1-3,!2"\n[[faults]]\nkind = "cut"\nfrom = 5\nto = 9.5\n[[nodes]]\ncount = 4\nkind = "small"',
    );
    expect(faults).toMatchObject([
      { kind: "loss", nodes: new Set([1, 3]), probability: 0.001, burst: 1 },
      { kind: "cut", nodes: new Set([1, 2, 3, 4]), from_ms: 5, to_ms: 9.5 },
    ]);
  });

  it.each([
    [
      "bit_rate = 300\n[[nodes]]\nkind='small'",
      "b.toml:1:12: error: 300 kbit/s is no bit rate of a node\nbit_rate = 300\n           ^~~\n  remedy: there are 10, 20, 50, 100, 125, 250, 500, 1000",
    ],
    [
      "[[nodes]]\nkind = 'smal'",
      'b.toml:2:8: error: "smal" is no kind\nkind = \'smal\'\n       ^~~~~~\n  remedy: did you mean "small"?',
    ],
    [
      "sed = 2\n[[nodes]]\nkind='small'",
      'b.toml:1:1: error: nothing is called "sed" here\nsed = 2\n^~~\n  remedy: did you mean "seed"?',
    ],
    [
      "[[nodes]]\nkind='small'\nid = 4\n[[nodes]]\nkind='avr'\nid = 4",
      "b.toml:6:6: error: id 4 is taken by the nodes of line 3\nid = 4\n     ^\n  remedy: choose another; nodes without id are given one",
    ],
    [
      "[[nodes]]\nkind='small'\nid = 126\ncount = 3",
      "b.toml:3:6: error: 128 is beyond 127, the last id\nid = 126\n     ^~~\n  remedy: begin lower",
    ],
    [
      "[[nodes]]\nkind='small'\nuid = '0'",
      'b.toml:3:7: error: "0" is no uid: 1 to 16 bytes in hexadecimal\nuid = \'0\'\n      ^~~\n  remedy: write for example "0102030405060708"',
    ],
    [
      "[[nodes]]\nkind='small'\nfram = 9000",
      "b.toml:3:8: error: there is no FRAM of 9000 bytes\nfram = 9000\n       ^~~~\n  remedy: there are 8192, 131072, 262144",
    ],
    [
      "[[nodes]]\nkind='small'\napps = ['a.hxe']",
      "b.toml:1:3: error: apps need slots to lie in\n[[nodes]]\n  ^~~~~\n  remedy: add slots = { count = 3, bytes = 8192 }",
    ],
    [
      "[[nodes]]\nkind='small'\n[[faults]]\nkind='cut'\nnodes='2'",
      'b.toml:5:7: error: "2" is no number from 1 to 1, and no range of them\nnodes=\'2\'\n      ^~~\n  remedy: write for example "1-4,7"; nodes count from 1 in the order of this file',
    ],
    [
      "[[nodes]]\nkind='small'\n[[faults]]\nnodes='1'",
      'b.toml:3:3: error: what is this fault?\n[[faults]]\n  ^~~~~~\n  remedy: add kind = "loss"; there are loss, errors, babble, cut, power',
    ],
    [
      "[[nodes]]\nkind='small'\n[[faults]]\nkind='cut'\nfrom=2\nto=1",
      "b.toml:3:3: error: this fault ends before it begins\n[[faults]]\n  ^~~~~~\n  remedy: let `to` be greater than `from`",
    ],
    [
      "latency = [3]\n[[nodes]]\nkind='small'",
      "b.toml:1:11: error: latency is from and to, in ms\nlatency = [3]\n          ^~~\n  remedy: write [2, 10]",
    ],
  ])("%j", (text, said) => {
    expect(mistakesOf(text)).toBe(said);
  });

  it("without nodes is none", () => {
    expect(mistakesOf("seed = 1")).toContain("this bench has no nodes");
  });
});
