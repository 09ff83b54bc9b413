// The board's turn: starts the drivers, looks after those that need it, watches the supply, sleeps.

#include "board.h"
#include "can.h"
#include "clock.h"
#include "console.h"
#include "gpio.h"
#include "hsx_board.h"
#include "hsx_hal.h"
#include "nv.h"
#include "reset.h"
#include "sd.h"
#include "spi.h"
#include "uid.h"
#include <avr/interrupt.h>
#include <avr/power.h>
#include <avr/sleep.h>
#include <avr/wdt.h>

// Of the slowest instruction, DIV with some 790 cycles, 16 take 0.8 ms, and the rest of a poll up to 0.7 ms: in 1.5 ms no
// more than sixteen of the shortest frames come, which is what the ring of can.c holds.
const u16 board_budget = 16;

/** How long a card may take to answer before the node starts without it. */
#define CARD_MS 1000

/** What is wrong, told once on the console before the first poll. */
static void report(void) {
  const u8 trap = reset_trap();
  const u8 cause = node_reset_cause();
  if (cause == RESET_BROWN_OUT) console_say(PSTR("hsx: brown-out\r\n"));
  if (cause == RESET_WATCHDOG && trap == 0) console_say(PSTR("hsx: watchdog\r\n"));
  if (trap != 0) {
    console_say(PSTR("hsx: trap "));
    console_digit(trap);
  }
  if (!can_answers()) console_say(PSTR("hsx: no CAN\r\n"));
  if (nv_size() == 0) console_say(PSTR("hsx: no FRAM\r\n"));
}

void board_alive(void) { wdt_reset(); }

u8 board_supply_fails(void) { return (PIND & (1 << SUPPLY_FAIL)) == 0; }

void board_start(void) {
  wdt_enable(WDTO_500MS);
  reset_start();
  DDRD |= 1 << LED;
  PORTD |= 1 << SUPPLY_FAIL; // pulled up: a board without the monitor is never failing
  ACSR = 1 << ACD;           // the comparator is not used
  clock_start();
  console_start();
  gpio_start();
  spi_start();
  sei();
  can_start();
  nv_start();
  uid_start();
  report();
  const u32 since = clock_ms();
  while (sd_is_starting() && clock_ms() - since < CARD_MS) {
    board_alive();
    sd_turn();
  }
}

void board_turn(void) {
  board_alive();
  const u16 now = (u16)clock_ms();
  if ((now & 512) != 0) PORTD |= 1 << LED;
  else PORTD &= ~(1 << LED);
  can_turn((u8)(now >> 8));
  sd_turn();
}

/** To the next interrupt, which is at most 1 ms away. */
void board_rest(u32 ms) {
  (void)ms;
  set_sleep_mode(SLEEP_MODE_IDLE);
  sleep_mode();
}
