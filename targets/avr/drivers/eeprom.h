// The EEPROM of the chip, written a byte at a time.
#pragma once

#include "hsx_types.h"

u8 eeprom_read(u16 address);

/** Most bytes of one program: a blob of the store has 56. */
#define EEPROM_BUFFER 64

/** Begins to program up to EEPROM_BUFFER bytes, which are copied; eeprom_is_busy() goes on with them, 3.4 ms a byte. */
void eeprom_program(u16 address, const u8 *from, u8 len);

/** Goes on with the programming. Returns 1 until all bytes are durable. */
u8 eeprom_is_busy(void);
