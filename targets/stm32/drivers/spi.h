// SPI1 with FRAM and SD card, as targets/common/devices wants it.
#pragma once

#include "drivers.h"
#include "board.h"

/** `fast`, `slow`: BR, the bus clock divided by 2^(BR + 1); slow is 400 kHz at most, for a card that wakes up. */
void spi_start(u8 fast, u8 slow);
void spi_fast(void);
void spi_slow(void);
/** Sends a byte and returns what came with it. */
u8 spi_exchange(u8 byte);
/** Reads `len` bytes, 1 or more. */
void spi_read(u8 *to, u16 len);
/** Reads `len` bytes and the CRC-16 behind them (polynomial 0x1021, from 0). Returns whether it is right. */
u8 spi_take(u8 *to, u16 len);

static inline void fram_select(void) { pin_set(FRAM_CS, 0); }
static inline void fram_deselect(void) { pin_set(FRAM_CS, 1); }
static inline void sd_select(void) { pin_set(SD_CS, 0); }
static inline void sd_deselect(void) { pin_set(SD_CS, 1); }
/** Whether a card is in. */
static inline u8 sd_is_in(void) { return pin_level(SD_DETECT) == 0; }
