// An SD card on the SPI port.
#pragma once

#include "hsx_types.h"

/** Looks whether a card came or went, and makes one step of its start; at most 1.2 ms. */
void sd_turn(void);

/** 1 while a card is in that is neither ready nor given up. */
u8 sd_is_starting(void);

/** 1 while a block is under way: the card must stay selected, so nobody else may use the SPI port. */
u8 sd_holds_bus(void);
