// The clock: timer 1 interrupts once a millisecond and gives the microseconds between.

#include "clock.h"
#include "board.h"
#include "hsx_hal.h"
#include <avr/interrupt.h>
#include <util/atomic.h>

#define TICKS_A_US (F_CPU / 8 / 1000000)
#define TICKS_A_MS (TICKS_A_US * 1000)

static volatile u32 milliseconds;

ISR(TIMER1_COMPA_vect) { milliseconds++; }

void clock_start(void) {
  OCR1A = TICKS_A_MS - 1;
  TIMSK1 = 1 << OCIE1A;
  TCCR1B = (1 << WGM12) | (1 << CS11); // clear on compare match, clock / 8
}

u32 clock_ms(void) {
  u32 now;
  ATOMIC_BLOCK(ATOMIC_FORCEON) { now = milliseconds; }
  return now;
}

u32 clock_us(void) {
  u32 now;
  u16 ticks;
  ATOMIC_BLOCK(ATOMIC_FORCEON) {
    now = milliseconds;
    ticks = TCNT1;
    // the counter has started over and the interrupt waits
    if ((TIFR1 & (1 << OCF1A)) != 0 && ticks < TICKS_A_MS / 2) now++;
  }
  return now * 1000 + ticks / (u8)TICKS_A_US; // wraps with the milliseconds: 2^32 ms are 0 us modulo 2^32
}
