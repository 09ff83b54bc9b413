// What a board does at the start, each turn and between turns, the same on all boards.

#include "board.h"
#include "chip.h"
#include "drivers.h"
#include "hsx_board.h"
#include "hsx_hal.h"
#include "sd.h"
#include "spi.h"

/** The watchdog must hear of the node now and then, however long it may rest. */
enum { REST_MAX = 5 };

/** How long a card may take to answer before the node starts without it. */
enum { CARD_MS = 1000 };

static void start_pins(void) {
  pins_start();
  pin_select(FRAM_CS);
  pin_select(SD_CS);
  pin_pull_up(SD_DETECT);
  pin_pull_up(SUPPLY_FAIL); // a board without the monitor is never failing
  for (u8 pin = 5; pin <= 7; pin++) pin_alternate(0, pin, AF_SPI1);
  for (u8 pin = 9; pin <= 10; pin++) pin_alternate(0, pin, AF_USART1);
  for (u8 pin = 8; pin <= 9; pin++) pin_alternate(1, pin, AF_CAN);
}

void start_drivers(const board_rates *rates) {
  start_pins();
  time_start(rates->cpu);
  usart_start(rates->usart);
  reset_tell();
  spi_start(rates->spi_fast, rates->spi_slow);
  nv_start();
  can_start(rates->can);
  const u32 since = clock_ms();
  while (sd_is_starting() && clock_ms() - since < CARD_MS) board_turn();
}

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
