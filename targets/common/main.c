// The main loop of every chip: the board's turn, a poll of the core, rest.

#include "core.h"
#include "hsx_board.h"
#include "hsx_hal.h" // the compiler compares its prototypes with those of core.h

int main(void) {
  board_start();
  hsx_core_reset();
  hsx_start();
  for (;;) {
    board_turn();
    hsx_poll(board_budget);
    const u32 rest = hsx_rest();
    if (rest != 0) board_rest(rest);
  }
}
