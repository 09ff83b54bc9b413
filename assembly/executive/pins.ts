// Pins of apps: who holds which, and their safe level when the holder stops. Pin, 2 bytes: u8 pid, u8 PinMode | PinEdge.

import { gpio_configure, gpio_count, gpio_edge, gpio_read, gpio_release, gpio_write } from "../hal";
import { IO_BASE, PIN_MAX, PIN_SIZE, PINS_BASE } from "../layout";
import { nodeAt } from "../node";
import { Err } from "../spec/errors";
import { PinEdge, PinMode } from "../spec/svc";
import { postToAll } from "./feed";

const MODE_OFF: usize = 1;
/** Bytes of an edge message: u8 pin, u8 level, u16 0, u32 ms. */
const EDGE_SIZE: u32 = 8;

function pinAt(pin: usize): usize {
  return PINS_BASE + pin * PIN_SIZE;
}
/** Pins that exist here and fit the table. */
export function pinCount(): usize {
  const count: usize = gpio_count();
  return count < PIN_MAX ? count : PIN_MAX;
}
/** Pid that holds a pin; 0: nobody, or no such pin. */
export function pinHolder(pin: usize): u32 {
  return pin < PIN_MAX ? load<u8>(pinAt(pin)) : 0;
}
/** PinMode and PinEdge bits of a pin. */
export function pinMode(pin: usize): u32 {
  return pin < PIN_MAX ? load<u8>(pinAt(pin) + MODE_OFF) : 0;
}

/** Gives a pin to a task and sets its mode. INVALID, NO_ACCESS: another task holds it. */
export function pinConfigure(pid: u32, pin: u32, mode: u32): i32 {
  const known: u32 = PinEdge.RISING | PinEdge.FALLING;
  if (<usize>pin >= pinCount() || (mode & ~known) > <u32>PinMode.OUTPUT) return Err.INVALID;
  const holder = pinHolder(pin);
  if (holder != 0 && holder != pid) return Err.NO_ACCESS;
  const err = gpio_configure(pin, mode);
  if (err < 0) return err;
  store<u8>(pinAt(pin), <u8>pid);
  store<u8>(pinAt(pin) + MODE_OFF, <u8>mode);
  return Err.OK;
}

/** Level of any pin. INVALID. */
export function pinRead(pin: u32): i32 {
  return <usize>pin < pinCount() ? gpio_read(pin) : <i32>Err.INVALID;
}

/** Drives a pin the task holds as an output. INVALID, NO_ACCESS, STATE: not an output. */
export function pinWrite(pid: u32, pin: u32, level: u32): i32 {
  if (<usize>pin >= pinCount()) return Err.INVALID;
  if (pinHolder(pin) != pid) return Err.NO_ACCESS;
  if ((pinMode(pin) & 15) != PinMode.OUTPUT) return Err.STATE;
  return gpio_write(pin, level == 0 ? 0 : 1);
}

/** Puts the pins of a task at their safe level and frees them. */
export function pinsRelease(pid: u32): void {
  const count = pinCount();
  for (let pin: usize = 0; pin < count; pin++) {
    if (pinHolder(pin) != pid) continue;
    gpio_release(<u32>pin);
    store<u16>(pinAt(pin), 0);
  }
}

// ---- Edges ----

/** Writes `hal:gpio:<pin>` to `to` and returns its length. */
function edgeMailbox(pin: u32, to: usize): usize {
  memory.copy(to, memory.data<u8>([0x68, 0x61, 0x6c, 0x3a, 0x67, 0x70, 0x69, 0x6f, 0x3a]), 9); // "hal:gpio:"
  if (pin < 10) {
    store<u8>(to + 9, <u8>(0x30 + pin));
    return 10;
  }
  store<u8>(to + 9, <u8>(0x30 + pin / 10));
  store<u8>(to + 10, <u8>(0x30 + (pin % 10)));
  return 11;
}

/** Takes one edge from the HAL and posts it to `hal:gpio:<pin>`. False: there was none. */
export function pinsPoll(): bool {
  const edge = gpio_edge();
  if (edge < 0) return false;
  const pin: u32 = edge & 0xff;
  const message = IO_BASE; // free while the core runs
  store<u8>(message, <u8>pin);
  store<u8>(message + 1, <u8>(edge >> 8));
  store<u16>(message + 2, 0);
  store<u32>(message + 4, nodeAt().lastMs);
  const name = message + EDGE_SIZE;
  postToAll(name, edgeMailbox(pin, name), message, EDGE_SIZE, pin);
  return true;
}
