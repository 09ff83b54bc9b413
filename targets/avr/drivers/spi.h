// The SPI port, shared by FRAM and SD card: each selects its own chip.
#pragma once

#include "hsx_types.h"
#include <avr/io.h>

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
