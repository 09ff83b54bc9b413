// Main flash of the F405: words, which 2.7 V and more allow, and sectors (RM0090 3.6). The CPU waits while it is busy.
// Only the sectors of 16 KiB at the bottom are used: the others take seconds to erase.

#include "chip.h"
#include "drivers.h"
#include "hsx_errors.h"

#define LOCK (1u << 31)
enum { PG = 1, SER = 2, SNB_SHIFT = 3, PSIZE_32 = 2 << 8, STRT = 1 << 16, BSY = 1 << 16, ERRORS = 0xF2, EOP = 1 };
enum { TURNS = 100000000, SECTOR_SHIFT = 14 };

static void unlock(void) {
  if ((FLASH_CR & LOCK) == 0) return;
  FLASH_KEYR = 0x45670123;
  FLASH_KEYR = 0xCDEF89AB;
  FLASH_SR = ERRORS | EOP;
}
static s8 finish(void) {
  AWAIT((FLASH_SR & BSY) == 0, TURNS);
  const u32 status = FLASH_SR;
  FLASH_CR = LOCK;
  return (status & (BSY | ERRORS)) == 0 ? ERR_OK : ERR_IO;
}

s8 flash_program(u32 address, const u8 *from, u32 len) {
  if (((address | len) & 3) != 0) return ERR_INVALID;
  unlock();
  FLASH_CR = PG | PSIZE_32;
  for (; len != 0; len -= 4, address += 4, from += 4) {
    REGISTER(address) = from[0] | from[1] << 8 | from[2] << 16 | (u32)from[3] << 24;
    AWAIT((FLASH_SR & BSY) == 0, TURNS);
    if ((FLASH_SR & ERRORS) != 0) break;
  }
  return finish();
}
s8 flash_erase(u32 address) {
  const u32 sector = (address & 0xFFFFF) >> SECTOR_SHIFT;
  unlock();
  FLASH_CR = SER | PSIZE_32 | sector << SNB_SHIFT;
  FLASH_CR = SER | PSIZE_32 | sector << SNB_SHIFT | STRT;
  return finish();
}
