// The unique id: eight bytes of EEPROM that the factory writes. A board without them draws them at its first start, from how
// long the EEPROM takes: its time is that of an RC oscillator, which runs apart from the crystal (data sheet, "Preventing EEPROM Corruption").

#include "board.h"
#include "eeprom.h"
#include "hsx_hal.h"
#include "uid.h"
#include <string.h>
#include <util/crc16.h>

#define UID_BYTES 8
/** Writes a byte of the id is drawn from. */
#define WRITES 2

/** Read at the start: what is read while a byte is being written is not the EEPROM's. */
static u8 uid[UID_BYTES];

/** Fetches the id. Returns whether there is one. */
static u8 fetch(void) {
  u8 all = 0xFF;
  for (u8 n = 0; n < UID_BYTES; n++) {
    uid[n] = eeprom_read(EEPROM_UID + n);
    all &= uid[n];
  }
  return all != 0xFF;
}

/** Writes a byte and returns how long that took, in cycles of the timer, lower bits. */
static u16 time_write(u16 address, u8 byte) {
  const u16 began = (u16)clock_us();
  eeprom_program(address, &byte, 1);
  while (eeprom_is_busy()) {}
  return (u16)clock_us() - began;
}

void uid_start(void) {
  while (eeprom_is_busy()) {} // the FRAM that was found is noted
  if (fetch()) return;
  u16 drawn = 0xFFFF;
  for (u8 n = 0; n < UID_BYTES; n++) {
    for (u8 i = 0; i < WRITES; i++) {
      const u16 time = time_write(EEPROM_UID + n, (u8)drawn);
      drawn = _crc_ccitt_update(_crc_ccitt_update(drawn, (u8)time), (u8)(time >> 8));
    }
  }
  fetch();
}

hal_s8 node_uid(hal_u16 data) {
  memcpy(hsx_at(data), uid, UID_BYTES);
  return UID_BYTES;
}
