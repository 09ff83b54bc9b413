// The console on USART0.
#pragma once

#include "hsx_types.h"
#include <avr/pgmspace.h>

void console_start(void);

/** Sends a text of flash, waiting for room: at most 260 us a byte. For use before the main loop. */
void console_say(const char *text);

/** Sends one decimal digit and a line end, likewise. */
void console_digit(u8 digit);
