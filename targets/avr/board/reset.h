// Why the chip started, and how it starts again.
#pragma once

#include "hsx_types.h"

/** Reads what the reset and the last run left. Called first. */
void reset_start(void);

/** The trap that ended the last run of the firmware; 0: none did. */
u8 reset_trap(void);
