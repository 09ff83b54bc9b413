// Main flash of the F0x2: half-words and pages of 2 KiB (RM0091 3.2.2). The CPU waits while it is busy.

#include "chip.h"
#include "drivers.h"
#include "hsx_errors.h"

enum { PG = 1, PER = 2, STRT = 1 << 6, LOCK = 1 << 7, BSY = 1, PGERR = 4, WRPRTERR = 16, EOP = 32 };
enum { TURNS = 1000000 };

static void unlock(void) {
  if ((FLASH_CR & LOCK) == 0) return;
  FLASH_KEYR = 0x45670123;
  FLASH_KEYR = 0xCDEF89AB;
}
static s8 finish(void) {
  AWAIT((FLASH_SR & BSY) == 0, TURNS);
  const u32 status = FLASH_SR;
  FLASH_SR = PGERR | WRPRTERR | EOP;
  FLASH_CR = 0;
  FLASH_CR = LOCK;
  return (status & (BSY | PGERR | WRPRTERR)) == 0 ? ERR_OK : ERR_IO;
}

s8 flash_program(u32 address, const u8 *from, u32 len) {
  if (((address | len) & 1) != 0) return ERR_INVALID;
  unlock();
  FLASH_CR = PG;
  for (; len != 0; len -= 2, address += 2, from += 2) {
    REGISTER16(address) = (u16)(from[0] | from[1] << 8);
    AWAIT((FLASH_SR & BSY) == 0, TURNS);
    if ((FLASH_SR & (PGERR | WRPRTERR)) != 0) break;
  }
  return finish();
}
s8 flash_erase(u32 address) {
  unlock();
  FLASH_CR = PER;
  FLASH_AR = address;
  FLASH_CR = PER | STRT;
  return finish();
}
