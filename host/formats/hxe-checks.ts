// What must hold between the parts of an image, beyond each part being sound.
import { DATA_ORIGIN, META_ENTRY_SIZE, MetaType, STACK_TOP } from "../../assembly/spec/hxe.ts";
import type { HxeImage, HxePlaces } from "./hxe.ts";
import { type HxeMetadata, refuse, significantName } from "./hxe-metadata.ts";

/** Handlers in the code, a stack that fits, nothing declared twice. Throws MetadataFailure. */
export function checkDeclarations(image: HxeImage, metadata: HxeMetadata, places: HxePlaces): void {
  const { table } = places;
  checkHandlers(image, metadata, table);
  checkStack(image, metadata, places);
  const values = metadata.values.map((v) => `(${v.group},${v.id})`);
  const keys = metadata.values.map((v) => v.persistKey).filter((key) => key !== 0);
  const commands = metadata.commands.map((c) => `(${c.group},${c.id})`);
  const mailboxes = metadata.mailboxes.map((m) => `"${significantName(m.target)}"`);
  refuseTwice("value", table, values);
  refuseTwice("persist key", table, keys.map(String));
  refuseTwice("command", table, commands);
  refuseTwice("mailbox", table, mailboxes);
}

function checkHandlers(image: HxeImage, metadata: HxeMetadata, table: number): void {
  const lost = metadata.commands.find((c) => c.handler % 4 !== 0 || c.handler >= image.code.length);
  if (lost === undefined) return;
  const message = `the handler of command (${lost.group},${lost.id}), ${lost.handler}, is not in the code`;
  refuse("HXE_COMMAND", table, message);
}

function checkStack(image: HxeImage, metadata: HxeMetadata, places: HxePlaces): void {
  const stack = metadata.stackBytes;
  if (stack === undefined) return;
  const room = STACK_TOP - DATA_ORIGIN - image.rodata.length - image.bssSize;
  if (stack > 0 && stack % 4 === 0 && stack <= room) return;
  const index = image.sections.findIndex((s) => s.type === MetaType.STACK);
  const message = `a stack of ${stack} bytes is not a multiple of 4 from 4 to ${Math.max(room, 0)}`;
  refuse("HXE_STACK", places.sections[index] as number, message);
}

/** Sections of known types may not share bytes: a string would have two meanings. */
export function checkApart(image: HxeImage, places: HxePlaces): void {
  const spans = image.sections
    .map((section, i) => ({ section, i, start: places.sections[i] as number }))
    .filter(({ section }) => MetaType[section.type] !== undefined && section.payload.length > 0)
    .map((span) => ({ ...span, end: span.start + span.section.payload.length }))
    .sort((a, b) => a.start - b.start);
  const clash = spans.find((span, k) => k > 0 && span.start < (spans[k - 1]?.end ?? 0));
  if (clash === undefined) return;
  const message = `metadata section ${clash.i} shares bytes with another`;
  refuse("HXE_SECTION", places.table + clash.i * META_ENTRY_SIZE, message);
}

function refuseTwice(what: string, offset: number, names: string[]): void {
  const seen = new Set<string>();
  const twice = names.find((name) => seen.has(name) || !seen.add(name));
  if (twice !== undefined) refuse("HXE_DUPLICATE", offset, `${what} ${twice} is declared twice`);
}
