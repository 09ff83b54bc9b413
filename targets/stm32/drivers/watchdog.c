// The independent watchdog: runs from LSI, which nothing stops.

#include "chip.h"
#include "drivers.h"

enum { DIVIDE_BY_64 = 4, SECONDS = 2, TURNS = 100000 };

void watchdog_start(u32 counts) {
  IWDG_KR = IWDG_START;
  IWDG_KR = IWDG_UNLOCK;
  IWDG_PR = DIVIDE_BY_64;
  IWDG_RLR = SECONDS * counts - 1;
  AWAIT(IWDG_SR == 0, TURNS);
  watchdog_reload();
}
void watchdog_reload(void) { IWDG_KR = IWDG_RELOAD; }
