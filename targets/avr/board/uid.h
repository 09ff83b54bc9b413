// The unique id of this board.
#pragma once

/** Draws an id if the factory wrote none; once in the life of a board, 54 ms. Interrupts must be on. */
void uid_start(void);
