// plant.lock: what the images of a manifest were when somebody said that they are the ones; written, read, compared.

import { type Diagnostic, wholeFile } from "./diagnostic.ts";
import type { PlantFile } from "./plant-file.ts";
import type { PlantImageFile } from "./plant-images.ts";
import { count, hex } from "./text.ts";
import { memberOf, parseToml, type TomlMember, type TomlTable } from "./toml.ts";
import { TomlReader } from "./toml-reader.ts";

/** What an image was. */
export interface LockedImage {
  readonly name: string;
  readonly bytes: number;
  readonly crc: number;
  /** What its own manifest said. */
  readonly version: string | undefined;
}

const SCHEMA = 1;
const KEYS = ["bytes", "crc", "version"];

export function lockedOf({ name, known, version }: PlantImageFile): LockedImage {
  return { name, bytes: known.bytes, crc: known.crc, version };
}

/** The text of a lock file. */
export function writeLock(images: readonly LockedImage[], manifest: string): string {
  const head = [
    `# What the images of ${manifest} are. Made by hsx manifest lock; hsx manifest check compares.`,
    `schema = ${SCHEMA}`,
  ];
  const tables = [...images]
    .sort((a, b) => (a.name < b.name ? -1 : 1))
    .flatMap(({ name, bytes, crc, version }) => [
      "",
      `[images.${JSON.stringify(name)}]`,
      `bytes = ${bytes}`,
      `crc = ${hex(crc, 8)}`,
      ...(version === undefined ? [] : [`version = ${JSON.stringify(version)}`]),
    ]);
  return `${[...head, ...tables].join("\n")}\n`;
}

/** Reads a lock file. */
export function readLock(
  text: string,
  file: string,
): { images?: readonly LockedImage[]; diagnostics: readonly Diagnostic[] } {
  const { root, diagnostics } = parseToml(text, file);
  if (root === undefined) return { diagnostics };
  const reader = new Reader();
  const images = reader.read(root);
  return reader.diagnostics.length > 0
    ? { diagnostics: reader.diagnostics }
    : { images, diagnostics: [] };
}

class Reader extends TomlReader {
  read(root: TomlTable): LockedImage[] {
    const images: LockedImage[] = [];
    for (const member of root.members) {
      if (member.key === "schema") this.checkSchema(member);
      else if (member.key !== "images") this.unknown(member, ["schema", "images"]);
      else for (const item of this.tableOf(member)?.members ?? []) images.push(this.image(item));
    }
    return images;
  }
  private checkSchema(member: TomlMember): void {
    const schema = this.integer(member, 1, 0xff);
    if (schema === SCHEMA) return;
    const message = `this lock file has schema ${schema}; this hsx reads ${SCHEMA}`;
    this.wrong(member.value.place, "bad-schema", message, "make it again: hsx manifest lock");
  }
  private image(member: TomlMember): LockedImage {
    const table = this.tableOf(member);
    const of = (key: string) => (table === undefined ? undefined : memberOf(table, key));
    const [bytes, crc, version] = KEYS.map(of);
    for (const item of table?.members ?? []) if (!KEYS.includes(item.key)) this.unknown(item, KEYS);
    if (table !== undefined && (bytes === undefined || crc === undefined))
      this.wrong(
        member.place,
        "bad-lock",
        "bytes and crc are missing",
        "make it again: hsx manifest lock",
      );
    return {
      name: member.key,
      bytes: bytes === undefined ? 0 : this.integer(bytes, 0, 0xffffffff),
      crc: crc === undefined ? 0 : this.integer(crc, 0, 0xffffffff),
      version: version === undefined ? undefined : this.text(version)?.text,
    };
  }
}

const whatText = ({ bytes, crc, version }: LockedImage) =>
  `${count(bytes)} bytes, CRC ${hex(crc, 8)}${version === undefined ? "" : `, version ${version}`}`;

/** Images that are not what the lock file says. */
export function compareLock(
  { images, imagePlaces }: PlantFile,
  locked: readonly LockedImage[],
  lockFile: string,
): Diagnostic[] {
  const byName = new Map(locked.map((image) => [image.name, image]));
  const remedy = "take the image back, or, if this one is meant: hsx manifest lock";
  return images.flatMap((file) => {
    const now = lockedOf(file);
    const then = byName.get(file.name);
    if (then?.bytes === now.bytes && then.crc === now.crc) return [];
    const place = imagePlaces.get(file) ?? wholeFile(file.name);
    const message =
      then === undefined
        ? `${file.name} is not in ${lockFile}`
        : `${file.name} is not the one of ${lockFile}: it has ${whatText(now)}; it had ${whatText(then)}`;
    return [{ ...place, code: "lock-differs", message, remedy }];
  });
}
