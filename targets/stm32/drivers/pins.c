// Pins: alternate functions for the board, and the sixteen pins of apps, sampled for edges each millisecond.

#include "board.h"
#include "chip.h"
#include "drivers.h"
#include "hsx_errors.h"
#include "hsx_hal.h"

enum { EDGES = 16, EDGE_MASK = EDGE_RISING | EDGE_FALLING, LEVEL_BIT = 0x80 };

static u8 modes[BOARD_PINS];
static u16 levels;
// the interrupt puts, the core takes; a full ring loses the newest
static volatile u8 edges[EDGES];
static volatile u8 edge_put, edge_taken;

static void set_field(volatile u32 *at, u8 n, u8 bits, u32 value) {
  const u32 mask = ((1u << bits) - 1) << (n * bits);
  *at = (*at & ~mask) | value << (n * bits);
}
static void set_mode(u8 port, u8 pin, u8 mode, u8 pull) {
  set_field(&GPIO(port)->PUPDR, pin, 2, pull);
  set_field(&GPIO(port)->MODER, pin, 2, mode);
}

void pin_alternate(u8 port, u8 pin, u8 function) {
  set_field(pin < 8 ? &GPIO(port)->AFRL : &GPIO(port)->AFRH, pin & 7, 4, function);
  set_field(&GPIO(port)->OSPEEDR, pin, 2, 3);
  set_mode(port, pin, MODE_ALTERNATE, PULL_UP);
}
void pin_select(u8 port, u8 pin) {
  pin_set(port, pin, 1);
  set_mode(port, pin, MODE_OUTPUT, 0);
}
void pin_pull_up(u8 port, u8 pin) { set_mode(port, pin, MODE_INPUT, PULL_UP); }
void pin_set(u8 port, u8 pin, u8 level) { GPIO(port)->BSRR = 1u << (level != 0 ? pin : pin + 16); }
u8 pin_level(u8 port, u8 pin) { return (GPIO(port)->IDR >> pin) & 1; }

// ---- Pins of apps ----

static u8 level_of(u8 pin) { return pin_level(BOARD_PORT(pin), BOARD_BIT(pin)); }
/** The safe level: an input, pulled down. */
static void make_safe(u8 pin) {
  modes[pin] = PIN_INPUT;
  set_mode(BOARD_PORT(pin), BOARD_BIT(pin), MODE_INPUT, PULL_DOWN);
}

void pins_start(void) {
  for (u8 pin = 0; pin < BOARD_PINS; pin++) make_safe(pin);
}

static void note(u8 pin, u8 level) {
  const u8 wanted = level != 0 ? EDGE_RISING : EDGE_FALLING;
  const u8 next = (edge_put + 1) & (EDGES - 1);
  if ((modes[pin] & wanted) == 0 || next == edge_taken) return;
  edges[edge_put] = level != 0 ? pin | LEVEL_BIT : pin;
  edge_put = next;
}

void pins_sample(void) {
  u16 now = 0;
  for (u8 pin = 0; pin < BOARD_PINS; pin++) now |= (u16)level_of(pin) << pin;
  u16 changed = now ^ levels;
  levels = now;
  for (u8 pin = 0; changed != 0; pin++, changed >>= 1)
    if ((changed & 1) != 0) note(pin, (now >> pin) & 1);
}

hal_u8 gpio_count(void) { return BOARD_PINS; }

hal_s8 gpio_configure(u32 pin, u32 mode) {
  const u32 plain = mode & ~(u32)EDGE_MASK;
  if (pin >= BOARD_PINS || plain > PIN_OUTPUT) return ERR_INVALID;
  const u8 port = BOARD_PORT(pin), bit = BOARD_BIT(pin);
  const u8 was = modes[pin] & (u8)~EDGE_MASK;
  if (plain == PIN_OUTPUT) {
    if (was != PIN_OUTPUT) pin_set(port, bit, 0);
    set_mode(port, bit, MODE_OUTPUT, 0);
  } else set_mode(port, bit, MODE_INPUT, plain == PIN_INPUT_PULLUP ? PULL_UP : 0);
  modes[pin] = (u8)mode;
  return ERR_OK;
}
hal_s8 gpio_read(u32 pin) { return pin < BOARD_PINS ? level_of((u8)pin) : (u32)ERR_INVALID; }
hal_s8 gpio_write(u32 pin, u32 level) {
  if (pin >= BOARD_PINS) return ERR_INVALID;
  if ((modes[pin] & ~EDGE_MASK) != PIN_OUTPUT) return ERR_STATE;
  pin_set(BOARD_PORT(pin), BOARD_BIT(pin), (u8)level);
  return ERR_OK;
}
hal_s8 gpio_release(u32 pin) {
  if (pin >= BOARD_PINS) return ERR_INVALID;
  make_safe((u8)pin);
  return ERR_OK;
}
hal_s16 gpio_edge(void) {
  if (edge_taken == edge_put) return ERR_NO_DATA;
  const u8 edge = edges[edge_taken];
  edge_taken = (edge_taken + 1) & (EDGES - 1);
  return (edge & (LEVEL_BIT - 1)) + (edge >= LEVEL_BIT ? 256 : 0);
}
