// Time: SysTick counts milliseconds, its counter the microseconds between.

#include "chip.h"
#include "drivers.h"
#include "hsx_hal.h"

static volatile u32 ticks; // ms
static u32 per_us;

void time_start(u32 hz) {
  per_us = hz / 1000000;
  SYST_RVR = per_us * 1000 - 1;
  SYST_CVR = 0;
  SYST_CSR = SYST_CSR_CLKSOURCE | SYST_CSR_TICKINT | SYST_CSR_ENABLE;
}

void systick_handler(void) {
  ticks++;
  pins_sample();
}

u32 clock_ms(void) { return ticks; }

u32 clock_us(void) {
  u32 ms, left;
  do { // again if the tick came in between
    ms = ticks;
    left = SYST_CVR;
  } while (ms != ticks);
  return ms * 1000 + (per_us * 1000 - 1 - left) / per_us;
}
