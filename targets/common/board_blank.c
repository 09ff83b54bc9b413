// A board that has nothing: copy it, with hal_blank.c, to begin one (docs/porting.md). It compiles anywhere.

#include "hsx_board.h"
#include "hsx_hal.h"

const u16 board_budget = 64;

#if !defined(__AVR__)
/** Linear memory of the core, profile small. */
u8 hsx_memory[HSX_SMALL_END - HSX_MEMORY_LOW];
#endif

void board_start(void) {}
void board_turn(void) {}
void board_alive(void) {}
u8 board_supply_fails(void) { return 0; }
void board_rest(u32 ms) { (void)ms; }

/** A board keeps the code over the restart and tells it. */
void hsx_trap(u8 code) {
  (void)code;
  for (;;) {}
}
