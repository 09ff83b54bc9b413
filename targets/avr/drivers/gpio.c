// Pins of apps: ports A and C, their edges by pin change interrupts.

#include "gpio.h"
#include "board.h"
#include "hsx_errors.h"
#include "hsx_hal.h"
#include <avr/interrupt.h>
#include <util/atomic.h>

#define EDGES 16
#define PORTS 2
#define MODE_MASK 0x0F

/** The registers of a port and what its pins report. */
typedef struct {
  u8 rising, falling;
  u8 last;
} Watch;

static volatile Watch watches[PORTS];
static u8 edges[EDGES]; // pin + 128 * level
static volatile u8 edge_in, edge_out;

/** PINA, DDRA and PORTA follow each other; so do those of port C. */
static volatile u8 *port_of(u8 pin) { return pin < 8 ? &PINA : &PINC; }
enum { PIN_OFF = 0, DDR_OFF = 1, PORT_OFF = 2 };

static u8 bit_of(u8 pin) { return (u8)(1 << (pin & 7)); }

static void __attribute__((noinline)) change(volatile u8 *at, u8 bit, u8 level) {
  if (level) *at |= bit;
  else *at &= (u8)~bit;
}

/** Puts what changed into the ring; an edge that finds it full is lost. */
static void note(volatile Watch *w, u8 now, u8 first) {
  const u8 changed = now ^ w->last;
  w->last = now;
  u8 reported = changed & ((now & w->rising) | ((u8)~now & w->falling));
  for (u8 pin = first; reported != 0; pin++, reported >>= 1, now >>= 1) {
    const u8 in = edge_in;
    const u8 next = (in + 1) & (EDGES - 1);
    if ((reported & 1) == 0 || next == edge_out) continue;
    edges[in] = pin | (u8)(now << 7);
    edge_in = next;
  }
}

ISR(PCINT0_vect) {
  note(&watches[0], PINA, 0);
  note(&watches[1], PINC, 8);
}
ISR(PCINT2_vect, ISR_ALIASOF(PCINT0_vect));

void gpio_start(void) { PCICR = (1 << PCIE0) | (1 << PCIE2); }

hal_u8 gpio_count(void) { return APP_PINS; }

/** Sets direction, output or pull-up, and the edges of a pin. */
static void set(u8 pin, u8 ddr, u8 level, u8 edge) {
  volatile u8 *const p = port_of(pin);
  volatile u8 *const pcmsk = pin < 8 ? &PCMSK0 : &PCMSK2;
  volatile Watch *const w = &watches[pin >> 3];
  const u8 bit = bit_of(pin), others = (u8)~bit;
  ATOMIC_BLOCK(ATOMIC_FORCEON) {
    p[DDR_OFF] &= others; // before the port: never drives the pull-up's level
    change(&p[PORT_OFF], bit, level);
    change(&p[DDR_OFF], bit, ddr);
    change(&w->rising, bit, edge & EDGE_RISING);
    change(&w->falling, bit, edge & EDGE_FALLING);
    *pcmsk = w->rising | w->falling;
    change(&w->last, bit, p[PIN_OFF] & bit);
  }
}

static u8 is_output(u8 pin) { return port_of(pin)[DDR_OFF] & bit_of(pin); }

hal_s8 gpio_configure(hal_u8 pin, hal_u8 mode) {
  const u8 kind = mode & MODE_MASK;
  if (pin >= APP_PINS || kind > PIN_OUTPUT) return ERR_INVALID;
  const u8 ddr = kind == PIN_OUTPUT;
  const u8 driven = ddr && is_output(pin) ? port_of(pin)[PORT_OFF] & bit_of(pin) : 0; // keeps its level
  set(pin, ddr, driven | (kind == PIN_INPUT_PULLUP), mode);
  return ERR_OK;
}

hal_s8 gpio_read(hal_u8 pin) {
  if (pin >= APP_PINS) return ERR_INVALID;
  return (port_of(pin)[PIN_OFF] & bit_of(pin)) != 0;
}

hal_s8 gpio_write(hal_u8 pin, hal_u8 level) {
  if (pin >= APP_PINS) return ERR_INVALID;
  if (!is_output(pin)) return ERR_STATE;
  change(&port_of(pin)[PORT_OFF], bit_of(pin), level);
  return ERR_OK;
}

hal_s8 gpio_release(hal_u8 pin) {
  if (pin >= APP_PINS) return ERR_INVALID;
  set(pin, 0, 0, EDGE_NONE);
  return ERR_OK;
}

hal_s16 gpio_edge(void) {
  const u8 out = edge_out;
  if (out == edge_in) return ERR_NO_DATA;
  const u8 edge = edges[out];
  edge_out = (out + 1) & (EDGES - 1);
  return (hal_s16)((edge & 0x7F) | (u16)((edge >> 7) << 8));
}
