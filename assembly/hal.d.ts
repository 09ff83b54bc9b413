// The WASM imports: all that the core asks of a machine. Scalars and (address, length) only; nothing blocks
// or calls back; input is polled. Codes are Err of spec/errors.ts; addresses are of linear memory.

// ---- Clock ----
/** Milliseconds since power-on; wraps at 2^32. */
export declare function clock_ms(): u32;
/** Microseconds since power-on; wraps at 2^32. */
export declare function clock_us(): u32;

// ---- UART: the console ----
/** Takes up to `len` bytes to send and returns how many it took; 0: full, try at the next poll. */
export declare function uart_write(data: usize, len: u32): i32;
/** Stores up to `len` received bytes and returns how many; 0: none. */
export declare function uart_read(data: usize, len: u32): i32;

// ---- CAN: classic frames, 11-bit identifiers ----
/** Opens the bus at so many kbit/s; 0: the board's rate, or the one that listening finds. Open at that rate already: nothing changes. Returns the rate, 0: not found yet. */
export declare function can_open(kbits: u32): u32;
/** Queues one frame of `len` 0..8 bytes, copied. BUSY: no free buffer. IO: bus off. STATE, once: one with data was taken back, because others destroyed it until the error counter reached 96. */
export declare function can_send(id: u32, data: usize, len: u32): i32;
/** Stores the oldest received frame as u16 id, u8 length, u8 0, 8 data bytes. NO_DATA: none. */
export declare function can_receive(frame: usize): i32;
/** Least microseconds between two frames of a long stream that this node can take in, `stored` 1: and write to the non-volatile device; 0: as fast as any bus brings them. */
export declare function can_pace(stored: u32): u32;
/** Lets frames with `(id & mask) == (match & mask)` reach the apps, too. FULL: no free filter. */
export declare function can_filter(match: u32, mask: u32): i32;
/** Takes all filters away: no frame reaches the apps. */
export declare function can_filter_clear(): void;

// ---- Non-volatile bytes: FRAM, EEPROM or flash pages ----
/** Bytes of the device; 0: none fitted. */
export declare function nv_size(): u32;
/** Bytes that must be erased together before programming; 0: none, bytes are simply overwritten. */
export declare function nv_erase_size(): u32;
/** An NvMedium. */
export declare function nv_medium(): u32;
/** Bytes that are programmed together, and only once between two erasures, from a multiple of it on; 1: any byte, at any time. */
export declare function nv_granule(): u32;
/** Copies `len` bytes out. IO: the device failed. ABSENT: it does not answer. BUSY: a program or erase goes on. CORRUPT: beyond the repair of the ECC. */
export declare function nv_read(address: u32, data: usize, len: u32): i32;
/** Starts programming `len` bytes in ascending order; they are copied. Durable once nv_busy() is 0. IO, ABSENT, BUSY. */
export declare function nv_program(address: u32, data: usize, len: u32): i32;
/** Starts erasing the unit that holds `address`. IO, ABSENT, BUSY. */
export declare function nv_erase(address: u32): i32;
/** 1 while a program or erase goes on, 0 when it is durable. IO: it failed. */
export declare function nv_busy(): i32;

// ---- SD card: blocks of 512 bytes ----
/** Number of blocks; 0: no card. */
export declare function sd_blocks(): u32;
/** Copies one block out. BUSY: call again at the next poll. IO: the card failed. ABSENT: pulled out. */
export declare function sd_read(block: u32, data: usize): i32;

// ---- GPIO: the pins the board gives to apps ----
/** Number of pins; they are numbered from 0. */
export declare function gpio_count(): u32;
/** Sets a PinMode, plus the PinEdges to report. INVALID: no such pin or mode. */
export declare function gpio_configure(pin: u32, mode: u32): i32;
/** 0 or 1. INVALID: no such pin. */
export declare function gpio_read(pin: u32): i32;
/** Drives an output. INVALID: no such pin. STATE: not an output. */
export declare function gpio_write(pin: u32, level: u32): i32;
/** Takes the pin from its app: the board's declared safe level. INVALID: no such pin. */
export declare function gpio_release(pin: u32): i32;
/** The oldest edge seen as pin + 256 * level. NO_DATA: none. */
export declare function gpio_edge(): i32;

// ---- Identity ----
/** Stores the unique id of this node, at most 16 bytes, and returns its length. */
export declare function node_uid(data: usize): i32;
/** Stores what the firmware is known by: a hash, u16, and the board's name in ASCII. Returns the bytes, at most 32. */
export declare function node_firmware(data: usize): i32;
/** Why the node last started: a ResetCause. */
export declare function node_reset_cause(): u32;

// ---- Reset ----
/** Restarts the node. `bootloader` 1: into the bootloader. Returns in simulation only. */
export declare function node_reset(bootloader: u32): void;
