// The SPI port with FRAM and SD card, as targets/common/devices wants it.
#pragma once

#include "board.h"
#include "hsx_types.h"

/** Makes the port a master at 8 MHz with no chip selected. */
void spi_start(void);

static inline void spi_fast(void) { // clock / 2
  SPCR = (1 << SPE) | (1 << MSTR);
  SPSR = 1 << SPI2X;
}
static inline void spi_slow(void) { // clock / 64: 250 kHz
  SPCR = (1 << SPE) | (1 << MSTR) | (1 << SPR1);
  SPSR = 0;
}

/** Sends a byte and returns what came with it. */
u8 spi_exchange(u8 byte);

/** Reads `len` bytes, 1 or more, at some 20 cycles each. */
void spi_read(u8 *to, u16 len);

/** Reads `len` bytes, 1 or more, and the CRC-16 behind them (polynomial 0x1021, from 0). Returns whether it is right. 512 bytes take 1.2 ms. */
u8 spi_take(u8 *to, u16 len);

static inline void fram_select(void) { PORTB &= ~(1 << FRAM_CS); }
static inline void fram_deselect(void) { PORTB |= 1 << FRAM_CS; }
static inline void sd_select(void) { PORTB &= ~(1 << SD_CS); }
static inline void sd_deselect(void) { PORTB |= 1 << SD_CS; }
/** Whether a card is in. */
static inline u8 sd_is_in(void) { return (PINB & (1 << SD_DETECT)) == 0; }
