// hsx info: what an image holds and needs, and whether it fits each profile, found by loading it there.

import type { Command } from "commander";
import { HxeFlag, MetaType } from "../../../assembly/spec/hxe.ts";
import { Config } from "../../../assembly/spec/node.ts";
import { MailboxMode } from "../../../assembly/spec/svc.ts";
import { capsText } from "../../client/image-refusal.ts";
import { LocalNode } from "../../client/local-node.ts";
import { NodeError } from "../../client/refusal.ts";
import type { ValueEntry } from "../../formats/declarations.ts";
import { type HxeImage, hxeCrc } from "../../formats/hxe.ts";
import type { HxeMetadata } from "../../formats/hxe-metadata.ts";
import { count, hex, plural } from "../../formats/text.ts";
import { Machine } from "../../node/hal.ts";
import { NvDevice } from "../../node/nv.ts";
import { fileCrc, readImage } from "../image.ts";
import { type Install, PROFILES, type ProfileName } from "../install.ts";
import { numberOf } from "../numbers.ts";
import type { Output } from "../output.ts";
import { addCommand, type Context } from "../program.ts";
import {
  capNames,
  commandFlags,
  errName,
  levelName,
  mailboxModes,
  memberText,
  valueFlags,
} from "../words.ts";

export function addInfo(program: Command, context: Context): void {
  addCommand(program, "info <image>", "show what an image holds and needs, and where it fits", [
    ["hsx info blink.hxe", "header, sections, values, commands, mailboxes, needs"],
    ["hsx info blink.hxe --json", "the same for programs"],
  ]).action((file: string) => info(context, file));
}

// ---- Does it fit? ----

interface Fit {
  readonly profile: ProfileName;
  readonly fits: boolean;
  /** Bytes of the node's memory the image and its task take. */
  readonly memory?: number;
  readonly memory_free: number;
  readonly stack?: number;
  readonly code?: string;
  readonly reason?: string;
}

/** Loads the image into an empty node of the profile that has FRAM, without running it. */
async function tryProfile(install: Install, profile: ProfileName, image: Uint8Array): Promise<Fit> {
  const nv = new NvDevice(new Uint8Array(8192).fill(0xff));
  const node = await LocalNode.start(await install.core(profile), new Machine({ nv }));
  node.formatStore();
  const memory_free = node.config(Config.ARENA_FREE);
  try {
    const pid = node.load(image, { name: profile });
    const memory = memory_free - node.config(Config.ARENA_FREE);
    return { profile, fits: true, memory, memory_free, stack: node.task(pid)?.stackBytes ?? 0 };
  } catch (error) {
    if (!(error instanceof NodeError)) throw error;
    const reason = error.message.replace(`${profile}: `, "");
    return { profile, fits: false, memory_free, code: errName(error.code), reason };
  }
}

// ---- What it holds ----

function describeValue(v: ValueEntry) {
  const hasRange = v.min !== 0 || v.max !== 0;
  return {
    id: `${v.group}.${v.id}`,
    name: v.name ?? "",
    group: v.groupName ?? "",
    unit: v.unit ?? "",
    init: numberOf(v.init),
    epsilon: numberOf(v.epsilon),
    min: hasRange ? numberOf(v.min) : null,
    max: hasRange ? numberOf(v.max) : null,
    persist_key: v.persistKey,
    flags: valueFlags(v.flags),
    level: levelName(v.auth),
  };
}

function describe(file: string, bytes: Uint8Array, image: HxeImage, metadata: HxeMetadata) {
  const { values, commands, mailboxes } = metadata;
  return {
    file,
    bytes: bytes.length,
    file_crc: fileCrc(bytes),
    header: {
      version: image.version,
      app: image.appName,
      flags: image.flags,
      multiple: (image.flags & HxeFlag.MULTIPLE) !== 0,
      entry: image.entry,
      crc: hxeCrc(bytes, image.version),
    },
    sections: {
      code: image.code.length,
      rodata: image.rodata.length,
      bss: image.bssSize,
      manifest: image.manifest?.length ?? 0,
      metadata: image.sections.map((s) => ({
        type: memberText(MetaType, s.type),
        entries: s.count,
        bytes: s.payload.length,
      })),
    },
    manifest:
      image.manifest === undefined ? null : JSON.parse(new TextDecoder().decode(image.manifest)),
    needs: {
      caps: capNames(image.reqCaps),
      caps_bits: image.reqCaps,
      stack: metadata.stackBytes ?? null,
      data: image.rodata.length + image.bssSize,
    },
    values: values.map(describeValue),
    commands: commands.map((c) => ({
      id: `${c.group}.${c.id}`,
      name: c.name ?? "",
      group: c.groupName ?? "",
      help: c.help ?? "",
      handler: c.handler,
      flags: commandFlags(c.flags),
      level: levelName(c.auth),
    })),
    mailboxes: mailboxes.map((m) => ({
      name: m.target,
      capacity: m.capacity ?? null,
      mode: mailboxModes(m.mode ?? MailboxMode.RDWR),
    })),
  };
}

type Description = ReturnType<typeof describe>;

// ---- Text ----

function headerText(out: Output, d: Description, caps: number): string[] {
  const { header, sections, needs } = d;
  const parts = sections.metadata.map((s) => `${s.type} ${s.entries} (${s.bytes} bytes)`);
  const rows: [string, string][] = [
    ["app", `${header.app || "(no name)"}${header.multiple ? "" : ", single instance"}`],
    [
      "format",
      `HXE version ${header.version}, flags ${hex(header.flags, 4)}, entry ${hex(header.entry, 4)}, CRC ${hex(header.crc, 8)}`,
    ],
    ["code", plural(sections.code, "byte")],
    ["data", `rodata ${count(sections.rodata)}, bss ${count(sections.bss)} bytes`],
    ["metadata", parts.length === 0 ? "none" : parts.join(", ")],
    ["manifest", d.manifest === null ? "none" : JSON.stringify(d.manifest)],
    [
      "needs",
      `${capsText(caps)}; stack ${needs.stack === null ? "of the node's default size" : plural(needs.stack, "byte")}`,
    ],
  ];
  const title = `${out.style("bold", d.file)}: ${plural(d.bytes, "byte")}, known as CRC ${hex(d.file_crc, 8)}`;
  return [title, ...rows.map(([name, text]) => `  ${name.padEnd(9)} ${text}`)];
}

const rangeText = (v: Description["values"][number]) =>
  v.min === null && v.max === null ? "" : `${v.min} to ${v.max}`;
const label = (group: string, name: string, id: string) => {
  const [groupId, itemId] = id.split(".");
  return `${group || groupId}:${name || itemId}`;
};
/** Flags beyond what their own column says. */
const notes = (flags: readonly string[], level: string) =>
  [...flags, ...(level === "public" ? [] : [level])].join(", ");

function tables(out: Output, d: Description): string[] {
  const values = d.values.map((v) => [
    v.id,
    label(v.group, v.name, v.id),
    String(v.init ?? ""),
    v.unit,
    rangeText(v),
    v.persist_key === 0 ? "" : hex(v.persist_key, 4),
    notes(v.flags, v.level),
  ]);
  const commands = d.commands.map((c) => [
    c.id,
    label(c.group, c.name, c.id),
    notes(c.flags, c.level),
    c.help,
  ]);
  const mailboxes = d.mailboxes.map((m) => [
    m.name,
    m.capacity === null ? "default" : String(m.capacity),
    m.mode.join("|"),
  ]);
  const sections: [string, string[], string[][]][] = [
    ["values", ["ID", "NAME", "INIT", "UNIT", "RANGE", "KEY", "FLAGS"], values],
    ["commands", ["ID", "NAME", "FLAGS", "HELP"], commands],
    ["mailboxes", ["NAME", "BYTES", "MODE"], mailboxes],
  ];
  return sections
    .filter(([, , rows]) => rows.length > 0)
    .flatMap(([title, header, rows]) => ["", out.style("bold", title), out.table(header, rows)]);
}

function fitText(out: Output, fits: readonly Fit[]): string[] {
  const rows = fits.map((f) => [
    f.profile,
    f.fits ? "yes" : "no",
    f.memory === undefined ? "" : count(f.memory),
    count(f.memory_free),
    f.stack === undefined ? "" : count(f.stack),
    f.reason ?? "",
  ]);
  const header = ["PROFILE", "FITS", "MEMORY", "OF", "STACK", ""];
  return ["", out.style("bold", "fits"), out.table(header, rows)];
}

async function info(context: Context, file: string): Promise<void> {
  const { out, install } = context;
  const { bytes, image, metadata } = readImage(file);
  const fits: Fit[] = [];
  for (const profile of PROFILES) fits.push(await tryProfile(install, profile, bytes));
  const described = describe(file, bytes, image, metadata);
  out.result("hsx.info/1", { ...described, fits }, () =>
    [
      ...headerText(out, described, image.reqCaps),
      ...tables(out, described),
      ...fitText(out, fits),
    ].join("\n"),
  );
}
