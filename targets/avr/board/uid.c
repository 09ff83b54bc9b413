// The unique id: eight bytes of EEPROM that the factory writes. A board without them draws them at its first start, from how
// long the EEPROM takes: its time is that of an RC oscillator, which runs apart from the crystal (data sheet, "Preventing EEPROM Corruption").

#include "board.h"
#include "eeprom.h"
#include "hsx_hal.h"
#include "uid.h"
#include <util/crc16.h>

#define UID_BYTES 8
/** Writes a byte of the id is drawn from. */
#define WRITES 2

static u8 has_uid(void) {
  for (u8 n = 0; n < UID_BYTES; n++)
    if (eeprom_read(EEPROM_UID + n) != 0xFF) return 1;
  return 0;
}

/** Writes a byte and returns how long that took, in cycles of the timer, lower bits. */
static u16 time_write(u16 address, u8 byte) {
  const u16 began = (u16)clock_us();
  eeprom_program(address, &byte, 1);
  while (eeprom_is_busy()) {}
  return (u16)clock_us() - began;
}

void uid_start(void) {
  while (eeprom_is_busy()) {} // nothing can be read while a byte is written
  if (has_uid()) return;
  u16 drawn = 0xFFFF;
  for (u8 n = 0; n < UID_BYTES; n++) {
    for (u8 i = 0; i < WRITES; i++) {
      const u16 time = time_write(EEPROM_UID + n, (u8)drawn);
      drawn = _crc_ccitt_update(_crc_ccitt_update(drawn, (u8)time), (u8)(time >> 8));
    }
  }
}

hal_s8 node_uid(hal_u16 data) {
  u8 *const into = hsx_at(data);
  for (u8 n = 0; n < UID_BYTES; n++) into[n] = eeprom_read(EEPROM_UID + n);
  return UID_BYTES;
}
