// CAN over an MCP2515.
#pragma once

#include "hsx_types.h"

/** Starts the chip; without an answer after 20 ms the node goes on without CAN. Interrupts must be on. */
void can_start(void);

/** 1 while the chip answers. */
u8 can_answers(void);

/** Looks after the chip whenever `quarter`, the time in 256 ms, has changed: starts it again when it was reset or is back. */
void can_turn(u8 quarter);
