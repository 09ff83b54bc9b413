// Names of mailboxes: `pid:7`, `svc:log@3`, `app:queue`, `shared:bus`. Anything else is a name in svc.
//
// Target, 8 bytes: the key a name stands for
//  0  text       u32  address of the name without namespace and owner
//  4  owner      u16  pid, or NO_OWNER
//  6  namespace  u8   Namespace
//  7  length     u8   bytes of `text`

import { TARGET_BASE, TARGET_SIZE } from "../layout";
import { Err } from "../spec/errors";
import { MAILBOX_NAME_MAX, Namespace } from "../spec/svc";

/** Owner of a mailbox that belongs to nobody. */
export const NO_OWNER: u32 = 0xffff;


@unmanaged
export class Target {
  text: usize = 0;
  owner: u16 = 0;
  namespace: u8 = 0;
  length: u8 = 0;
}
if (offsetof<Target>("length") != 7) ERROR("Target.length: offset");
if (offsetof<Target>() != TARGET_SIZE) ERROR("Target: size");

/** The key the last name stood for. */
export function targetAt(): Target {
  return changetype<Target>(TARGET_BASE);
}

// "pid:" "svc:" "app:" "shared:"; the namespace times 4 is the place of its prefix
const PREFIXES = memory.data<u8>([
  0x70, 0x69, 0x64, 0x3a, 0x73, 0x76, 0x63, 0x3a, 0x61, 0x70, 0x70, 0x3a, 0x73, 0x68, 0x61, 0x72,
  0x65, 0x64, 0x3a,
]);
const NAMESPACES: usize = 4;
const AT: u8 = 0x40;
const ZERO: u8 = 0x30;
/** Most bytes of a character in UTF-8. */
const UTF8_MAX: u32 = 4;

function prefixLength(namespace: usize): usize {
  return namespace == Namespace.SHARED ? 7 : 4;
}

// ---- Reading ----

/** Bytes of the characters that count; a byte 10xxxxxx goes on with the character before it. */
function countedBytes(name: usize, len: usize): usize {
  const end = min<usize>(len, MAILBOX_NAME_MAX * UTF8_MAX);
  let left: usize = MAILBOX_NAME_MAX;
  for (let i: usize = 0; i < end; i++) {
    if ((load<u8>(name + i) & 0xc0) == 0x80) continue;
    if (left == 0) return i;
    left--;
  }
  return end;
}

function hasPrefix(namespace: usize, name: usize, len: usize): bool {
  const prefix = prefixLength(namespace);
  if (len < prefix) return false;
  for (let i: usize = 0; i < prefix; i++) {
    if (load<u8>(name + i) != load<u8>(PREFIXES + (namespace << 2) + i)) return false;
  }
  return true;
}

/** Pid in decimal digits; none: `otherwise`. INVALID. */
function readOwner(from: usize, to: usize, otherwise: u32): i32 {
  if (from == to) return otherwise;
  let pid: u32 = 0;
  for (; from < to; from++) {
    const digit = <u32>load<u8>(from) - ZERO;
    if (digit > 9) return Err.INVALID;
    pid = pid * 10 + digit;
    if (pid >= NO_OWNER) return Err.INVALID;
  }
  return pid;
}

/** Reads the name that task `pid` uses into Target. INVALID: empty, or an owner that is no number below 65,535. */
export function readName(pid: u32, name: usize, len: usize): i32 {
  if (len == 0) return Err.INVALID;
  const end = name + countedBytes(name, len);
  let namespace: usize = 0;
  while (namespace < NAMESPACES && !hasPrefix(namespace, name, end - name)) namespace++;
  let text = name;
  if (namespace < NAMESPACES) text += prefixLength(namespace);
  else namespace = Namespace.SVC;
  let textEnd = text;
  let digits = text;
  if (namespace != Namespace.PID) {
    while (textEnd < end && load<u8>(textEnd) != AT) textEnd++;
    digits = min<usize>(textEnd + 1, end);
  }
  const isOwned = namespace == Namespace.PID || namespace == Namespace.SVC;
  const owner = readOwner(digits, end, isOwned ? pid : NO_OWNER);
  if (owner < 0) return owner;
  const target = targetAt();
  target.text = text;
  target.length = <u8>(textEnd - text);
  target.namespace = <u8>namespace;
  target.owner = <u16>(namespace == Namespace.SHARED ? NO_OWNER : owner);
  return Err.OK;
}

// ---- Writing ----

function decimals(pid: u32): usize {
  return pid < 10 ? 1 : pid < 100 ? 2 : pid < 1000 ? 3 : pid < 10000 ? 4 : 5;
}

/** Writes the whole name Target stands for, `svc:log@3`, and returns its length. TOO_LARGE: longer than `max`. */
export function writeName(buffer: usize, max: usize): i32 {
  const target = targetAt();
  const namespace: usize = target.namespace;
  const digits: usize = target.owner == NO_OWNER ? 0 : decimals(target.owner);
  const separator: usize = digits != 0 && namespace != Namespace.PID ? 1 : 0;
  const prefix = prefixLength(namespace);
  const len = prefix + target.length + separator + digits;
  if (len > max) return Err.TOO_LARGE;
  for (let i: usize = 0; i < prefix; i++) {
    store<u8>(buffer + i, load<u8>(PREFIXES + (namespace << 2) + i));
  }
  memory.copy(buffer + prefix, target.text, target.length);
  if (separator != 0) store<u8>(buffer + prefix + target.length, AT);
  let pid: u32 = target.owner;
  for (let i: usize = 1; i <= digits; i++) {
    store<u8>(buffer + len - i, <u8>(pid % 10) + ZERO);
    pid /= 10;
  }
  return <i32>len;
}
