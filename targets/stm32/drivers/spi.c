// SPI1 as master, mode 0, a byte at a time.

#include "chip.h"
#include "drivers.h"

enum { TURNS = 10000, ON = SPI_CR1_SSM | SPI_CR1_SSI | SPI_CR1_MSTR };

static u8 rates[2];

void spi_speed(u8 speed) {
  SPI1_CR1 = ON; // BR changes only while it is off
  SPI1_CR1 = ON | SPI_CR1_SPE | (u32)rates[speed] << SPI_CR1_BR_SHIFT;
}
void spi_start(u8 fast, u8 slow) {
  rates[SPI_FAST] = fast;
  rates[SPI_SLOW] = slow;
  spi_set_format();
  spi_speed(SPI_FAST);
}

/** A port that never answers reads as an open line: 0xFF. */
u8 spi_exchange(u8 byte) {
  SPI1_DR8 = byte;
  AWAIT(SPI1_SR & SPI_SR_RXNE, TURNS);
  return (SPI1_SR & SPI_SR_RXNE) != 0 ? SPI1_DR8 : 0xFF;
}
