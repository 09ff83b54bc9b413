// The EEPROM of the chip: data sheet of the ATmega1284P, chapter "EEPROM Data Memory".

#include "eeprom.h"
#include <avr/io.h>
#include <string.h>
#include <util/atomic.h>


static u8 buffer[EEPROM_BUFFER];
static u16 target;
static u8 next, count;

u8 eeprom_read(u16 address) {
  EEAR = address;
  EECR |= 1 << EERE;
  return EEDR;
}

void eeprom_program(u16 address, const u8 *from, u8 len) {
  memcpy(buffer, from, len);
  target = address;
  next = 0;
  count = len;
  eeprom_is_busy();
}

u8 eeprom_is_busy(void) {
  if ((EECR & (1 << EEPE)) != 0) return 1;
  if (next == count) return 0;
  EEAR = target++;
  EEDR = buffer[next++];
  ATOMIC_BLOCK(ATOMIC_FORCEON) { // EEPE must follow EEMPE within four cycles
    EECR = 1 << EEMPE;                // EEPM 00: erase and write
    EECR |= 1 << EEPE;
  }
  return 1;
}
