// What the drivers offer to boards and to each other; the HAL itself is hsx_hal.h.
#pragma once

#include "hsx_types.h"

// ---- turn.c ----
/** What drivers need to know of a board's clocks. */
typedef struct {
  /** Hertz of the CPU. */
  u32 cpu;
  /** Cycles of the USART's clock a bit. */
  u32 usart;
  /** BR of the SPI, fast and slow, as spi_start() has them. */
  u8 spi_fast, spi_slow;
  /** Bit timing of CAN. */
  u32 can;
} board_rates;
/** Pins and drivers, in their order; the clocks run and the ports are on. */
void start_drivers(const board_rates *rates);

// ---- time.c ----
/** Starts the millisecond tick. `hz` of the CPU, a multiple of 1 MHz. */
void time_start(u32 hz);

// ---- pins.c ----
/** An alternate function for a pin: port 0 is A. */
void pin_alternate(u8 port, u8 pin, u8 function);
/** An output, high at first: a chip select. */
void pin_select(u8 port, u8 pin);
/** An input, pulled up. */
void pin_pull_up(u8 port, u8 pin);
void pin_set(u8 port, u8 pin, u8 level);
u8 pin_level(u8 port, u8 pin);
/** Looks for edges at the pins of apps; called each millisecond, in the tick's interrupt. */
void pins_sample(void);
/** All pins of apps to their safe level. */
void pins_start(void);

// ---- usart.c ----
/** `brr`: cycles of the USART's clock a bit. */
void usart_start(u32 brr);
/** Sends a text of the board's own, at once, waiting for each byte. */
void usart_say(const char *text);
void usart_say_hex(u32 number);
/** Whether bytes wait to be read. */
u8 usart_has_input(void);

// ---- can.c ----
/** `btr`: the bit timing of 1 Mbit/s. Opens the bus at the board's rate. Without a controller that answers, sending gives IO and nothing is received. */
void can_start(u32 btr);
/** Withdraws frames that others destroy, and listens at the next rate while none is known. Called once a turn. */
void can_turn(void);
u8 can_has_input(void);

// ---- flash.c of the family ----
/** Programs and erases main flash; addresses of the chip. Both hold the CPU while they last. ERR_IO when it did not take. */
s8 flash_program(u32 address, const u8 *from, u32 len);
s8 flash_erase(u32 address);

// ---- nv.c ----
/** Finds out which non-volatile bytes there are. */
void nv_start(void);

// ---- watchdog.c ----
/** Starts the watchdog: two seconds at the nominal frequency of LSI. `counts` a second of LSI / 64. */
void watchdog_start(u32 counts);
void watchdog_reload(void);

// ---- reset.c ----
/** Reads why the chip started, and tells a trap or fault of the run before on the console. */
void reset_start(void);
void reset_tell(void);
