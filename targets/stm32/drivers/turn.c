// What a board does each turn and between turns, the same on all boards.

#include "board.h"
#include "chip.h"
#include "drivers.h"
#include "hsx_board.h"
#include "hsx_hal.h"

/** The watchdog must hear of the node now and then, however long it may rest. */
enum { REST_MAX = 5 };

void board_alive(void) { watchdog_reload(); }

u8 board_supply_fails(void) { return pin_level(SUPPLY_FAIL) == 0; }

void board_turn(void) {
  board_alive();
  can_turn();
  sd_turn();
}

void board_rest(u32 ms) {
  const u32 began = clock_ms();
  const u32 most = ms < REST_MAX ? ms : REST_MAX;
  while (clock_ms() - began < most && !usart_has_input() && !can_has_input()) {
    interrupts_off(); // an interrupt that comes now still ends the sleep
    if (!usart_has_input() && !can_has_input()) wait_for_interrupt();
    interrupts_on();
  }
}
