// Numbers as people read them, in every message and table.

/** `0x` and at least `digits` hexadecimal digits of an unsigned 32-bit number. */
export function hex(n: number, digits = 1): string {
  return `0x${(n >>> 0).toString(16).toUpperCase().padStart(digits, "0")}`;
}

/** `1,234`. */
export function count(n: number): string {
  return n.toLocaleString("en-US");
}

/** `1 task`, `2 tasks`. */
export function plural(n: number, one: string, many = `${one}s`): string {
  return `${count(n)} ${n === 1 ? one : many}`;
}
