// The SPI port.

#include "spi.h"
#include "board.h"

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
