// What the outside sends to apps: frames and console bytes become messages in mailboxes that apps opened.

import { nextService, servicePin } from "../mailbox/descriptor";
import { mailboxPost } from "../mailbox/mailbox";
import { Service } from "../mailbox/service";
import { nodeAt } from "../node";
import { HOST_PID } from "../spec/node";

/** Bytes of a frame as the HAL stores it: u16 id, u8 length, u8 0, 8 data bytes. */
const FRAME_DATA_OFF: usize = 4;

/** Posts a message to every mailbox of a Service, whoever owns it. Returns how many refused it. */
function postToAll(service: u32, data: usize, length: u32, channel: u32): u32 {
  let lost: u32 = 0;
  for (let id = nextService(0, service); id != 0; id = nextService(id, service)) {
    if (mailboxPost(id, data, length, 0, channel, HOST_PID) < 0) lost++;
  }
  return lost;
}

/** Posts the frame at `frame`, as the HAL stores it, as `u16 id, data` to `hal:can:rx`; the channel is the id. */
export function canPost(frame: usize): void {
  const id: u32 = load<u16>(frame);
  const length: u32 = load<u8>(frame + 2);
  store<u16>(frame + 2, <u16>id);
  nodeAt().canDropped += postToAll(Service.CAN, frame + FRAME_DATA_OFF - 2, length + 2, id);
}

/** Posts console bytes to `hal:uart:rx`. */
export function uartPost(bytes: usize, length: u32): void {
  if (postToAll(Service.UART, bytes, length, 0) != 0) nodeAt().uartDropped += length;
}

/** Posts a STATUS to `svc:provision`. False: a reader has no room. */
export function provisionPost(status: usize, length: u32): bool {
  return postToAll(Service.PROVISION, status, length, 0) == 0;
}

/** Posts a message about a pin to `hal:gpio:<pin>`. */
export function postEdge(pin: u32, message: usize, length: u32): void {
  for (let id = nextService(0, Service.GPIO); id != 0; id = nextService(id, Service.GPIO)) {
    if (servicePin(id) == pin) mailboxPost(id, message, length, 0, pin, HOST_PID);
  }
}
