// Options of every command that makes a node.

import { type Command, Option } from "commander";
import { Level } from "../../assembly/spec/svc.ts";
import { usage } from "./exit.ts";
import { readCard } from "./files.ts";
import { BOARDS, type BoardName, PROFILES, type ProfileName } from "./install.ts";
import { parseInteger } from "./numbers.ts";
import { type NvSpec, parseNv } from "./nv-file.ts";
import { collect, refuseOptions } from "./program.ts";
import type { SessionOptions } from "./session.ts";
import { levelName } from "./words.ts";

export interface NodeOptionValues {
  readonly profile: ProfileName;
  readonly board?: BoardName;
  readonly nv?: string;
  readonly card?: readonly string[];
  readonly uid?: string;
  readonly reference?: true;
  readonly quantum?: string;
  readonly level?: string;
}

const LEVELS = [Level.PUBLIC, Level.USER, Level.ADMIN, Level.FACTORY].map(levelName);

export function addNodeOptions(command: Command): void {
  command
    .addOption(
      new Option("--profile <name>", "size of the node").choices([...PROFILES]).default("desktop"),
    )
    .addOption(
      new Option("--board <name>", "run the firmware on this simulated board")
        .choices(BOARDS)
        .argParser(parseBoard),
    )
    .option(
      "--nv <file>",
      "keep values in this file, made when missing; FILE:fram:8192, FILE:eeprom:4096 or FILE:flash8:4096 sets kind and bytes",
    )
    .option(
      "--card <file>",
      "the image of an SD card in the node's socket, made by hsx sd make; NODE=FILE on a bench",
      collect,
    )
    .option("--uid <hex>", "the node's unique id, 1 to 16 bytes; of a board 8")
    .addOption(
      new Option("--level <name>", "authority of the host").choices(LEVELS).default("factory"),
    )
    .option("--quantum <n>", "instructions of a turn, 1 to 65535")
    .option("--reference", "memory layout and mailbox limits of the reference; desktop only");
}

/** Refuses what a board decides itself. */
export function checkNodeOptions(command: Command): void {
  if (command.getOptionValue("board") === undefined) return;
  const why = "means nothing to a board, whose firmware has its own";
  refuseOptions(command, ["profile", "reference"], why, "leave it out");
}

/** A board by name. */
function parseBoard(text: string): BoardName {
  const board = BOARDS.find((name) => name === text);
  if (board !== undefined) return board;
  throw usage(`"${text}" is no simulated board`, `there are ${BOARDS.join(", ")}`);
}

/** A level by name or number. */
export function parseLevel(text: string): number {
  const index = LEVELS.indexOf(text.toLowerCase());
  if (index >= 0) return index;
  if (/^\d+$/.test(text)) return parseInteger(text, "level", Level.PUBLIC, 255);
  throw usage(`"${text}" is not a level`, `there are ${LEVELS.join(", ")}`);
}

/** The nv file of a board is its FRAM, of a size there is a chip of. */
function boardNv(nv: NvSpec | undefined): NvSpec | undefined {
  if (nv === undefined || nv.kind === "fram") return nv;
  throw usage("--board keeps values in an FRAM", "write --nv FILE:fram:8192");
}

/** The card of one node. */
function onlyCard([file = "", ...more]: readonly string[]): Uint8Array {
  if (more.length === 0) return readCard(file);
  throw usage("a node has one card", "name --card once");
}

/** Bytes of a unique id. */
function parseUid(text: string, isBoard: boolean): Uint8Array {
  const isRight = isBoard ? /^[0-9a-f]{16}$/i : /^([0-9a-f]{2}){1,16}$/i;
  if (isRight.test(text)) return new Uint8Array(Buffer.from(text, "hex"));
  throw usage(`--uid ${text}: this is no unique id`, "write 16 hexadecimal digits");
}

export function sessionOptions(values: NodeOptionValues): SessionOptions {
  const { board, nv: nvText, reference, quantum, level, card, uid } = values;
  const profile = board === undefined ? values.profile : "small"; // the firmware's
  const nv = nvText === undefined ? undefined : parseNv(nvText);
  if (reference && profile !== "desktop") {
    throw usage("--reference needs the desktop profile", "leave out --profile");
  }
  return {
    profile,
    reference: reference === true,
    board,
    nv: board === undefined ? nv : boardNv(nv),
    card: card === undefined ? undefined : onlyCard(card),
    uid: uid === undefined ? undefined : parseUid(uid, board !== undefined),
    quantum: quantum === undefined ? undefined : parseInteger(quantum, "--quantum", 1, 0xffff),
    level: level === undefined ? undefined : parseLevel(level),
  };
}
