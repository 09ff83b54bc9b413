// What the outside sends to apps: frames and console bytes become messages in mailboxes that apps opened.

import { can_receive, uart_read } from "../hal";
import { IO_BASE } from "../layout";
import { descriptorCount, descriptorNamed, mailboxPost } from "../mailbox/mailbox";
import { nodeAt } from "../node";
import { HOST_PID } from "../spec/node";

/** Bytes of a frame as the HAL stores it: u16 id, u8 length, u8 0, 8 data bytes. */
const FRAME_DATA_OFF: usize = 4;
/** Console bytes in one message. */
const UART_CHUNK: u32 = 16;

/** Posts a message to every mailbox of namespace svc with this name, whoever owns it. Returns how many refused it. */
export function postToAll(
  name: usize,
  nameLength: usize,
  data: usize,
  length: u32,
  channel: u32,
): u32 {
  let lost: u32 = 0;
  const count = descriptorCount();
  for (let id: u32 = 1; id <= <u32>count; id++) {
    if (!descriptorNamed(id, name, nameLength)) continue;
    if (mailboxPost(id, data, length, 0, channel, HOST_PID) < 0) lost++;
  }
  return lost;
}

/** Takes one frame and posts `u16 id, data` to `hal:can:rx`; the channel is the id. False: there was none. */
export function canPoll(): bool {
  const frame = IO_BASE; // free while the core runs
  if (can_receive(frame) < 0) return false;
  const id: u32 = load<u16>(frame);
  const length: u32 = load<u8>(frame + 2);
  store<u16>(frame + 2, <u16>id);
  const name = memory.data<u8>([0x68, 0x61, 0x6c, 0x3a, 0x63, 0x61, 0x6e, 0x3a, 0x72, 0x78]); // "hal:can:rx"
  nodeAt().canDropped += postToAll(name, 10, frame + FRAME_DATA_OFF - 2, length + 2, id);
  return true;
}

/** Takes console bytes and posts them to `hal:uart:rx`. False: there were none. */
export function uartPoll(): bool {
  const bytes = IO_BASE; // free while the core runs
  const length = uart_read(bytes, UART_CHUNK);
  if (length <= 0) return false;
  const name = memory.data<u8>([0x68, 0x61, 0x6c, 0x3a, 0x75, 0x61, 0x72, 0x74, 0x3a, 0x72, 0x78]); // "hal:uart:rx"
  if (postToAll(name, 11, bytes, length, 0) != 0) nodeAt().uartDropped += length;
  return true;
}
