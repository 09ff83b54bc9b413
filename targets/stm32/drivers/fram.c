// SPI FRAM: instructions as in the data sheets of FM25CL64B, FM25V10, FM25V20A, MB85RS64V, MB85RS1MT, MB85RS2MTA.
// Writing takes no time: what was shifted in is durable.

#include "board.h"
#include "drivers.h"
#include "hsx_errors.h"

enum { WREN = 0x06, WRDI = 0x04, RDSR = 0x05, READ = 0x03, WRITE = 0x02, RDID = 0x9F, WEL = 2 };
enum { ID_BYTES = 9, SMALLEST = 8192, FUJITSU = 0x04, CONTINUATION = 0x7F, DENSITY = 0x1F, DENSITY_MAX = 9 };

static u32 size;

static void begin(void) { pin_set(FRAM_CS, 0); }
static void end(void) { pin_set(FRAM_CS, 1); }

static void command(u8 op) {
  begin();
  spi_exchange(op);
  end();
}
static u8 status(void) {
  begin();
  spi_exchange(RDSR);
  const u8 value = spi_exchange(0);
  end();
  return value;
}
/** The write enable latch obeys: there is a chip, and neither of its lines is stuck. */
static u8 answers(void) {
  command(WREN);
  if ((status() & WEL) == 0) return 0;
  command(WRDI);
  return (status() & WEL) == 0;
}

/** Bytes by the device id; parts of 8 KiB may have none. Fujitsu: 1 KiB << density; Cypress: 8 KiB << density. */
static u32 identify(void) {
  u8 id[ID_BYTES];
  begin();
  spi_exchange(RDID);
  for (u8 n = 0; n < ID_BYTES; n++) id[n] = spi_exchange(0);
  end();
  if (id[0] == FUJITSU && id[1] == CONTINUATION && (id[2] & DENSITY) <= DENSITY_MAX)
    return 1024u << (id[2] & DENSITY);
  if (id[0] == CONTINUATION && id[6] == 0xC2 && (id[7] & DENSITY) <= DENSITY_MAX)
    return 8192u << (id[7] & DENSITY);
  return SMALLEST;
}

u32 fram_find(void) {
  size = answers() ? identify() : 0;
  return size;
}

static void address(u8 op, u32 at) {
  begin();
  spi_exchange(op);
  if (size > 0x10000) spi_exchange((u8)(at >> 16));
  spi_exchange((u8)(at >> 8));
  spi_exchange((u8)at);
}

s8 fram_read(u32 at, u8 *into, u32 len) {
  if (!answers()) return ERR_ABSENT;
  address(READ, at);
  while (len-- != 0) *into++ = spi_exchange(0);
  end();
  return ERR_OK;
}
s8 fram_program(u32 at, const u8 *from, u32 len) {
  command(WREN);
  if ((status() & WEL) == 0) return ERR_ABSENT;
  address(WRITE, at);
  while (len-- != 0) spi_exchange(*from++);
  end();
  return ERR_OK;
}
