// The SPI port.

#include "spi.h"
#include <util/crc16.h>

void spi_start(void) {
  PORTB |= (1 << FRAM_CS) | (1 << SD_CS) | (1 << SPI_MISO) | (1 << SD_DETECT);
  DDRB |= (1 << FRAM_CS) | (1 << SD_CS) | (1 << SPI_MOSI) | (1 << SPI_SCK);
  spi_fast();
}

u8 spi_exchange(u8 byte) {
  SPDR = byte;
  loop_until_bit_is_set(SPSR, SPIF);
  return SPDR;
}

void spi_read(u8 *to, u16 len) {
  SPDR = 0;
  while (--len != 0) {
    loop_until_bit_is_set(SPSR, SPIF);
    const u8 byte = SPDR;
    SPDR = 0; // the next byte comes while this one is stored
    *to++ = byte;
  }
  loop_until_bit_is_set(SPSR, SPIF);
  *to = SPDR;
}

u8 spi_take(u8 *to, u16 len) {
  u16 crc = 0;
  SPDR = 0xFF;
  while (len-- != 0) {
    loop_until_bit_is_set(SPSR, SPIF);
    const u8 byte = SPDR;
    SPDR = 0xFF; // the next byte comes while this one is summed
    *to++ = byte;
    crc = _crc_xmodem_update(crc, byte);
  }
  loop_until_bit_is_set(SPSR, SPIF);
  const u8 high = SPDR;
  const u8 low = spi_exchange(0xFF);
  return crc == (((u16)high << 8) | low);
}
