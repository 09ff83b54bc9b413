// A serial FRAM. That it answers is seen by its write enable latch, which a stuck bus cannot imitate.

#include "fram.h"
#include "spi.h"

// Instructions, alike in the data sheets of FM25CL64B, FM25V10 and MB85RS1MT
#define WREN 0x06
#define WRDI 0x04
#define RDSR 0x05
#define READ 0x03
#define WRITE 0x02
#define RDID 0x9F

#define STATUS_WEL 0x02
#define STATUS_FIXED 0x01 // always 0

// Device identification. Cypress: 7F x 6, C2, family and density, ... Fujitsu: 04 7F, density, ...
#define CONTINUATION 0x7F
#define CYPRESS 0xC2
#define CYPRESS_PLACE 6
#define FUJITSU 0x04
#define DENSITY_MASK 0x1F
/** Bytes are 1 << (density + this). */
#define CYPRESS_SHIFT 13
#define FUJITSU_SHIFT 10
/** FM25CL64 knows no RDID: 8 KiB. */
#define SHIFT_WITHOUT_ID 13
#define SHIFT_MAX 18 // 256 KiB
/** From here on an address has three bytes. */
#define LONG_ADDRESS_SHIFT 17

static u8 has_long_address;

static void begin(u8 instruction) {
  fram_select();
  spi_exchange(instruction);
}
static void end(void) { fram_deselect(); }

static void command(u8 instruction) {
  begin(instruction);
  end();
}

/** Sets the write enable latch; returns whether the device says so, which neither 0x00 nor 0xFF does. */
static u8 enable(void) {
  command(WREN);
  begin(RDSR);
  const u8 status = spi_exchange(0);
  end();
  return (status & (STATUS_WEL | STATUS_FIXED)) == STATUS_WEL;
}

static u8 is_there(void) {
  const u8 answers = enable();
  command(WRDI);
  return answers;
}

/** The density code behind the maker's id, as a power of two of bytes; 0: nothing known. */
static u8 shift_of(u8 first) {
  if (first == FUJITSU) {
    if (spi_exchange(0) != CONTINUATION) return 0;
    return (spi_exchange(0) & DENSITY_MASK) + FUJITSU_SHIFT;
  }
  for (u8 n = 0; n < CYPRESS_PLACE; n++) {
    if (first != CONTINUATION) return SHIFT_WITHOUT_ID;
    first = spi_exchange(0);
  }
  if (first != CYPRESS) return 0;
  return (spi_exchange(0) & DENSITY_MASK) + CYPRESS_SHIFT;
}

u32 fram_find(void) {
  if (!is_there()) return 0;
  begin(RDID);
  const u8 shift = shift_of(spi_exchange(0));
  end();
  if (shift < SHIFT_WITHOUT_ID || shift > SHIFT_MAX) return 0;
  has_long_address = shift >= LONG_ADDRESS_SHIFT;
  return 1ul << shift;
}

static void begin_at(u8 instruction, u32 address) {
  begin(instruction);
  if (has_long_address) spi_exchange((u8)(address >> 16));
  spi_exchange((u8)(address >> 8));
  spi_exchange((u8)address);
}

u8 fram_read(u32 address, u8 *to, u16 len) {
  begin_at(READ, address);
  spi_read(to, len);
  end();
  return (*to != 0x00 && *to != 0xFF) || is_there(); // a stuck bus gives nothing else
}

u8 fram_write(u32 address, const u8 *from, u16 len) {
  if (!enable()) return 0;
  begin_at(WRITE, address);
  while (len-- != 0) spi_exchange(*from++);
  end();
  return is_there(); // a bus that died meanwhile has taken nothing
}
