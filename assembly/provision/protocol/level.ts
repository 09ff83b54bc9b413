// Levels: what a master is trusted with, and what the node asks of those who change it. docs/protocol.md, "Levels".

import { refuse } from "../../refusal";
import { CHANGE_LEVEL_SHIFT, NodeWord } from "../../spec/boot";
import { Err } from "../../spec/errors";
import { LEVEL_MAX } from "../../spec/frame";
import { Level } from "../../spec/svc";
import { configWord } from "../node-config";
import { Line, lineOf, masterOf, protocolAt } from "./state";

function levelsOf(line: u32): u32 {
  const p = protocolAt();
  return line == Line.CAN ? p.levels : p.serialLevels;
}
/** Level of the master that asks. */
export function levelOf(head: u32): u32 {
  return (levelsOf(lineOf(head)) >>> (2 * masterOf(head))) & 3;
}

/** Gives a master the level it asks for, or the highest of its line, and returns which. */
export function setLevel(head: u32, asked: u32): u32 {
  const p = protocolAt();
  const line = lineOf(head);
  const most: u32 = line == Line.CAN ? LEVEL_MAX : Level.FACTORY;
  const level = asked < most ? asked : most;
  const shift = 2 * masterOf(head);
  const levels = <u16>((levelsOf(line) & ~(3 << shift)) | (level << shift));
  if (line == Line.CAN) p.levels = levels;
  else p.serialLevels = levels;
  return level;
}

/** OK: the master has the level that the configuration asks of those who change the node, and `least` at least. NO_ACCESS. */
export function mayChange(head: u32, least: u32): i32 {
  const asked = (configWord(NodeWord.BASE_ID) >>> CHANGE_LEVEL_SHIFT) & 3;
  const needed = asked > least ? asked : least;
  const level = levelOf(head);
  return level >= needed ? <i32>Err.OK : refuse(Err.NO_ACCESS, 0, needed, level);
}
