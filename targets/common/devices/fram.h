// A serial FRAM on the SPI port: FM25CL64, FM25V01 to V20, MB85RS64 to MB85RS2M.
#pragma once

#include "hsx_types.h"

/** Asks the device what it is. Returns its bytes; 0: none answers, or the bus is stuck. */
u32 fram_find(void);

/** Copies bytes out, 1 or more. Returns 0 when the device does not answer. */
u8 fram_read(u32 address, u8 *to, u16 len);

/** Overwrites bytes, durable on return. Returns 0 when the device does not answer. */
u8 fram_write(u32 address, const u8 *from, u16 len);
