// What the main loop asks of a board, besides the HAL.
#pragma once

#include "hsx_types.h"

/** Clocks, pins and drivers; whatever does not answer is given up after a bounded time. Returns with interrupts on. */
void board_start(void);

/** What drivers do outside interrupts, and board_alive(). Called once a turn, at least every 10 ms. */
void board_turn(void);

/** Resets the watchdog. */
void board_alive(void);

/** 1 while the supply is failing; 0 where nothing watches it. */
u8 board_supply_fails(void);

/** Sleeps until an interrupt brings input, `ms` at most; UINT32_MAX: without end. May return early. */
void board_rest(u32 ms);

/** Instructions of apps in one turn: with them a turn takes no more than some 1.5 ms. */
extern const u16 board_budget;
