// A classic CAN frame as every part of the host knows it.

export interface CanFrame {
  /** 11 bits, or 29 of an extended frame. */
  readonly id: number;
  readonly isExtended?: boolean;
  /** A remote frame: `data` says its length alone. */
  readonly isRemote?: boolean;
  /** At most 8 bytes. They belong to the frame: nobody changes them. */
  readonly data: Uint8Array;
}
