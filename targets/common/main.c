// The main loop of every chip: the board's turn, a poll of the core, rest; and what is saved when the supply fails.

#include "core.h"
#include "hsx_board.h"
#include "hsx_errors.h"
#include "hsx_hal.h" // the compiler compares its prototypes with those of core.h

/** No supply lasts that long; a device that stays busy must not hold a node whose monitor is wrong. */
#define SAVE_MS 3000

static void save(void) {
  const u32 since = clock_ms();
  while ((s8)hsx_power_fail() == ERR_BUSY && clock_ms() - since < SAVE_MS) board_alive();
}

int main(void) {
  u8 was_failing = 0;
  board_start();
  hsx_core_reset();
  hsx_start();
  for (;;) {
    board_turn();
    const u8 is_failing = board_supply_fails();
    if (is_failing && !was_failing) save();
    was_failing = is_failing;
    hsx_poll(board_budget);
    const u32 rest = hsx_rest();
    if (rest != 0) board_rest(rest);
  }
}
