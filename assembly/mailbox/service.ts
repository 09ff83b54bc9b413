// The names in svc of the mailboxes that the node itself posts to.

export enum Service {
  NONE = 0,
  /** hal:can:rx */
  CAN = 1,
  /** hal:uart:rx */
  UART = 2,
  /** hal:gpio: and the number of a pin */
  GPIO = 3,
  /** provision */
  PROVISION = 4,
}

// in the order of Service, each behind its length
const NAMES = memory.data<u8>([
  10, 0x68, 0x61, 0x6c, 0x3a, 0x63, 0x61, 0x6e, 0x3a, 0x72, 0x78, 11, 0x68, 0x61, 0x6c, 0x3a, 0x75,
  0x61, 0x72, 0x74, 0x3a, 0x72, 0x78, 9, 0x68, 0x61, 0x6c, 0x3a, 0x67, 0x70, 0x69, 0x6f, 0x3a, 9,
  0x70, 0x72, 0x6f, 0x76, 0x69, 0x73, 0x69, 0x6f, 0x6e,
]);
const GPIO_NAME_SIZE: usize = 9;
const ZERO: u32 = 0x30;
/** No pin has this number. */
const NO_PIN: u32 = 100;

/** True when a text begins with the name at a place of NAMES. */
function beginsWith(text: usize, name: usize, size: usize): bool {
  for (let i: usize = 0; i < size; i++) {
    if (load<u8>(text + i) != load<u8>(NAMES + name + i)) return false;
  }
  return true;
}

/** The Service whose name this is; GPIO of every name that begins like it. */
export function serviceOf(text: usize, length: usize): u32 {
  let name: usize = 0;
  for (let service: u32 = Service.CAN; service <= <u32>Service.PROVISION; service++) {
    const size: usize = load<u8>(NAMES + name);
    const fits = service == Service.GPIO ? length > size : length == size;
    if (fits && beginsWith(text, name + 1, size)) return service;
    name += size + 1;
  }
  return Service.NONE;
}

/** The pin in the name of a Service.GPIO, 0 to 99 without a leading zero; anything else is no pin's number. */
export function pinOf(text: usize, length: usize): u32 {
  const first = <u32>load<u8>(text, GPIO_NAME_SIZE) - ZERO;
  const second = <u32>load<u8>(text, GPIO_NAME_SIZE + 1) - ZERO;
  if (first > 9) return NO_PIN;
  if (length == GPIO_NAME_SIZE + 1) return first;
  return length == GPIO_NAME_SIZE + 2 && first != 0 && second <= 9 ? first * 10 + second : NO_PIN;
}
