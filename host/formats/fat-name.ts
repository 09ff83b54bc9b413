// File names of a card: eight and three letters, as a directory of FAT has them.

/** `PUMP.HXE` as a directory has it, 11 bytes. */
export function shortName(file: string): Uint8Array {
  const [base = "", extension = ""] = file.split(".");
  return Uint8Array.from(Buffer.from(base.padEnd(8) + extension.padEnd(3), "latin1"));
}
/** The other way. */
export function fileOf(short: Uint8Array): string {
  const text = Buffer.from(short).toString("latin1");
  const [base, extension] = [text.slice(0, 8).trimEnd(), text.slice(8).trimEnd()];
  return extension === "" ? base : `${base}.${extension}`;
}
/** True for names that every reader of cards finds as they stand: capital letters, digits, `_` and `-`, eight and three of them. */
export function isShortName(file: string): boolean {
  return /^[A-Z0-9_-]{1,8}(\.[A-Z0-9_-]{1,3})?$/.test(file);
}
