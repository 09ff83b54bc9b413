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

/** Puts what changed into the ring; an edge that finds it full is lost. */
static inline void note(volatile Watch *w, u8 now, u8 first) {
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

ISR(PCINT0_vect) { note(&watches[0], PINA, 0); }
ISR(PCINT2_vect) { note(&watches[1], PINC, 8); }

void gpio_start(void) { PCICR = (1 << PCIE0) | (1 << PCIE2); }

hal_u8 gpio_count(void) { return APP_PINS; }

/** Sets direction, output or pull-up, and the edges of a pin. */
static void set(u8 pin, u8 ddr, u8 port, u8 mode) {
  volatile u8 *const p = port_of(pin);
  volatile u8 *const pcmsk = pin < 8 ? &PCMSK0 : &PCMSK2;
  volatile Watch *const w = &watches[pin >> 3];
  const u8 bit = (u8)(1 << (pin & 7));
  ATOMIC_BLOCK(ATOMIC_RESTORESTATE) {
    w->rising = (mode & EDGE_RISING) != 0 ? w->rising | bit : w->rising & (u8)~bit;
    w->falling = (mode & EDGE_FALLING) != 0 ? w->falling | bit : w->falling & (u8)~bit;
    *pcmsk = w->rising | w->falling;
    if (!ddr) p[DDR_OFF] &= (u8)~bit; // before the port: never drives the pull-up's level
    p[PORT_OFF] = port ? p[PORT_OFF] | bit : p[PORT_OFF] & (u8)~bit;
    if (ddr) p[DDR_OFF] |= bit;
    w->last = (w->last & (u8)~bit) | (p[PIN_OFF] & bit);
  }
}

static u8 is_output(u8 pin) { return (port_of(pin)[DDR_OFF] >> (pin & 7)) & 1; }

hal_s8 gpio_configure(u32 pin, u32 mode) {
  const u8 kind = (u8)mode & MODE_MASK;
  if (pin >= APP_PINS || mode > 0xFF || kind > PIN_OUTPUT) return ERR_INVALID;
  const u8 n = (u8)pin;
  const u8 level = is_output(n) && kind == PIN_OUTPUT ? port_of(n)[PORT_OFF] >> (n & 7) & 1 : 0;
  set(n, kind == PIN_OUTPUT, kind == PIN_INPUT_PULLUP || level, (u8)mode);
  return ERR_OK;
}

hal_s8 gpio_read(u32 pin) {
  if (pin >= APP_PINS) return ERR_INVALID;
  return (port_of((u8)pin)[PIN_OFF] >> (pin & 7)) & 1;
}

hal_s8 gpio_write(u32 pin, u32 level) {
  if (pin >= APP_PINS) return ERR_INVALID;
  const u8 n = (u8)pin;
  if (!is_output(n)) return ERR_STATE;
  volatile u8 *const p = port_of(n);
  if (level) p[PORT_OFF] |= (u8)(1 << (n & 7));
  else p[PORT_OFF] &= (u8)~(1 << (n & 7));
  return ERR_OK;
}

hal_s8 gpio_release(u32 pin) {
  if (pin >= APP_PINS) return ERR_INVALID;
  set((u8)pin, 0, 0, PIN_INPUT);
  return ERR_OK;
}

hal_s16 gpio_edge(void) {
  const u8 out = edge_out;
  if (out == edge_in) return ERR_NO_DATA;
  const u8 edge = edges[out];
  edge_out = (out + 1) & (EDGES - 1);
  return (hal_s16)((edge & 0x7F) | (u16)((edge >> 7) << 8));
}
