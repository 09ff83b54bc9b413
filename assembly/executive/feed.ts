// What the outside sends to apps: frames and console bytes become messages in mailboxes that apps opened.

import { IO_BASE, IO_SIZE } from "../layout";
import { descriptorCount, descriptorNamed, mailboxPost } from "../mailbox/mailbox";
import { nodeAt } from "../node";
import { HOST_PID } from "../spec/node";

// "hal:can:rx", "hal:uart:rx", "hal:gpio:", "provision"
const NAMES = memory.data<u8>([
  0x68, 0x61, 0x6c, 0x3a, 0x63, 0x61, 0x6e, 0x3a, 0x72, 0x78, 0x68, 0x61, 0x6c, 0x3a, 0x75, 0x61,
  0x72, 0x74, 0x3a, 0x72, 0x78, 0x68, 0x61, 0x6c, 0x3a, 0x67, 0x70, 0x69, 0x6f, 0x3a, 0x70, 0x72,
  0x6f, 0x76, 0x69, 0x73, 0x69, 0x6f, 0x6e,
]);
/** Places of the names among them, and their lengths. */
const CAN_NAME: usize = 0;
const CAN_NAME_SIZE: usize = 10;
const UART_NAME: usize = 10;
const UART_NAME_SIZE: usize = 11;
const GPIO_NAME: usize = 21;
const GPIO_NAME_SIZE: usize = 9;
const PROVISION_NAME: usize = 30;
const PROVISION_NAME_SIZE: usize = 9;
/** Where the name of a mailbox is laid, behind the message; free while the core runs. */
const NAME_PLACE: usize = IO_BASE + 32;
if (IO_SIZE < 64) ERROR("feed: I/O buffer");

/** Lays a name at NAME_PLACE: a table in flash has no address. */
function layName(name: usize, size: usize): void {
  for (let i: usize = 0; i < size; i++) store<u8>(NAME_PLACE + i, load<u8>(NAMES + name + i));
}

/** Bytes of a frame as the HAL stores it: u16 id, u8 length, u8 0, 8 data bytes. */
const FRAME_DATA_OFF: usize = 4;

/** Posts a message to every mailbox of namespace svc whose name lies at NAME_PLACE, whoever owns it. Returns how many refused it. */
function postToAll(nameLength: usize, data: usize, length: u32, channel: u32): u32 {
  let lost: u32 = 0;
  const count = descriptorCount();
  for (let id: u32 = 1; id <= <u32>count; id++) {
    if (!descriptorNamed(id, NAME_PLACE, nameLength)) continue;
    if (mailboxPost(id, data, length, 0, channel, HOST_PID) < 0) lost++;
  }
  return lost;
}

/** Posts the frame at `frame`, as the HAL stores it, as `u16 id, data` to `hal:can:rx`; the channel is the id. */
export function canPost(frame: usize): void {
  const id: u32 = load<u16>(frame);
  const length: u32 = load<u8>(frame + 2);
  store<u16>(frame + 2, <u16>id);
  layName(CAN_NAME, CAN_NAME_SIZE);
  nodeAt().canDropped += postToAll(CAN_NAME_SIZE, frame + FRAME_DATA_OFF - 2, length + 2, id);
}

/** Posts console bytes to `hal:uart:rx`. */
export function uartPost(bytes: usize, length: u32): void {
  layName(UART_NAME, UART_NAME_SIZE);
  if (postToAll(UART_NAME_SIZE, bytes, length, 0) != 0) nodeAt().uartDropped += length;
}

/** Posts a STATUS to `svc:provision`. False: a reader has no room. */
export function provisionPost(status: usize, length: u32): bool {
  layName(PROVISION_NAME, PROVISION_NAME_SIZE);
  return postToAll(PROVISION_NAME_SIZE, status, length, 0) == 0;
}

/** Posts a message about a pin, 0 to 99, to `hal:gpio:<pin>`. */
export function postEdge(pin: u32, message: usize, length: u32): void {
  layName(GPIO_NAME, GPIO_NAME_SIZE);
  let end = NAME_PLACE + GPIO_NAME_SIZE;
  if (pin > 9) store<u8>(end++, <u8>(0x30 + pin / 10));
  store<u8>(end++, <u8>(0x30 + (pin % 10)));
  postToAll(end - NAME_PLACE, message, length, pin);
}
