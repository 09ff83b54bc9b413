// Names of tasks: the app's name as its image has it, and `_#0`, `_#1`, … for further instances.

import { imageName } from "../image/metadata";
import { isVerified } from "../image/slot";
import { IO_BASE, IO_SIZE, TASK_MAX } from "../layout";
import { APP_NAME_MAX } from "../spec/limits";
import { Task, taskAt } from "./task";

/** Where two names are laid side by side; free while the core runs. */
const FIRST: usize = IO_BASE;
const SECOND: usize = IO_BASE + 64;
if (IO_SIZE < 128) ERROR("name: I/O buffer");

/** Copies the app's name in the image of `slot` to `to`, at most APP_NAME_MAX bytes; an image without one is an `app`. */
export function appName(slot: u32, to: usize): usize {
  let length: usize = imageName(slot, to);
  if (length == 0) {
    store<u8>(to, 0x61); // "app"
    store<u8>(to + 1, 0x70);
    store<u8>(to + 2, 0x70);
    length = 3;
  }
  return length < APP_NAME_MAX ? length : APP_NAME_MAX;
}

/** Decimal digits of a number below 1000, written to `to`. Returns how many. */
function digits(n: u32, to: usize): usize {
  let length: usize = n > 99 ? 3 : n > 9 ? 2 : 1;
  for (let i = length; i > 0; i--) {
    store<u8>(to + i - 1, <u8>(0x30 + (n % 10)));
    n /= 10;
  }
  return length;
}

/** Copies the name of a task to `to`: its app's, cut so that the suffix of its instance fits APP_NAME_MAX. */
export function taskName(t: Task, to: usize): usize {
  let length = appName(t.slot, to);
  if (t.instance == 0) return length;
  const suffix: usize = t.instance > 100 ? 5 : t.instance > 10 ? 4 : 3;
  if (length + suffix > APP_NAME_MAX) length = <usize>APP_NAME_MAX - suffix;
  store<u8>(to + length, 0x5f); // "_"
  store<u8>(to + length + 1, 0x23); // "#"
  return length + 2 + digits(t.instance - 1, to + length + 2);
}

/** True when the images of two slots have the same app name. */
function isSameApp(a: u32, b: u32): bool {
  const length = appName(a, FIRST);
  return appName(b, SECOND) == length && memory.compare(FIRST, SECOND, length) == 0;
}

/** Bank of a task whose app has the name of the image in `slot`, from bank `from` on, task `except` apart; -1: none. */
export function namesake(slot: u32, from: usize, except: u32): i32 {
  for (let i = from; i < TASK_MAX; i++) {
    const t = taskAt(i);
    if (t.pid != 0 && t.pid != except && isVerified(t.slot) && isSameApp(t.slot, slot))
      return <i32>i;
  }
  return -1;
}

/** The lowest instance number no namesake of the image in `slot` has; 0: the plain name. */
export function freeInstance(slot: u32, except: u32): u32 {
  for (let n: u32 = 0; n <= <u32>TASK_MAX; n++) {
    let isFree = true;
    for (let i = namesake(slot, 0, except); i >= 0; i = namesake(slot, <usize>i + 1, except)) {
      if (taskAt(i).instance == n) isFree = false;
    }
    if (isFree) return n;
  }
  return 0;
}
