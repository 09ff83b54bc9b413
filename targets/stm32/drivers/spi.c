// SPI1 as master, mode 0, a byte at a time.

#include "spi.h"
#include "chip.h"

enum { TURNS = 10000, ON = SPI_CR1_SSM | SPI_CR1_SSI | SPI_CR1_MSTR };

static u8 br_fast, br_slow;

static void set_rate(u32 br) {
  SPI1_CR1 = ON; // BR changes only while it is off
  SPI1_CR1 = ON | SPI_CR1_SPE | br << SPI_CR1_BR_SHIFT;
}
void spi_fast(void) { set_rate(br_fast); }
void spi_slow(void) { set_rate(br_slow); }

void spi_start(u8 fast, u8 slow) {
  br_fast = fast;
  br_slow = slow;
  spi_set_format();
  spi_fast();
}

/** A port that never answers reads as an open line: 0xFF. */
u8 spi_exchange(u8 byte) {
  SPI1_DR8 = byte;
  AWAIT(SPI1_SR & SPI_SR_RXNE, TURNS);
  return (SPI1_SR & SPI_SR_RXNE) != 0 ? SPI1_DR8 : 0xFF;
}

void spi_read(u8 *to, u16 len) {
  while (len-- != 0) *to++ = spi_exchange(0);
}

static u16 crc16(u16 crc, u8 byte) {
  crc = (u16)(crc >> 8 | crc << 8) ^ byte;
  crc ^= (crc & 0xFF) >> 4;
  crc ^= (u16)(crc << 12);
  return crc ^ (u16)((crc & 0xFF) << 5);
}
u8 spi_take(u8 *to, u16 len) {
  u16 crc = 0;
  for (u16 n = 0; n < len; n++) {
    to[n] = spi_exchange(0xFF);
    crc = crc16(crc, to[n]);
  }
  const u8 high = spi_exchange(0xFF), low = spi_exchange(0xFF);
  return crc == (u16)(high << 8 | low);
}
