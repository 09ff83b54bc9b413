// Start and restart: the reset cause, what the last run left, the hand-over to a bootloader, the stack's paint.

#include "board.h"
#include "core.h"
#include "hsx_hal.h"
#include "reset.h"
#include <avr/interrupt.h>
#include <avr/pgmspace.h>
#include <avr/wdt.h>

/** What a reset leaves alone, at the end of the statics. */
typedef struct {
  u8 flags; // MCUSR at the start, from start.S
  u8 note;  // what this firmware wanted when it last restarted: NOTE_RESTART, or the code of a trap
  u16 note_check;
  u16 boot_request; // BOOT_REQUEST: a bootloader that finds it stays and clears it
} Kept;
extern Kept reset_kept;

#define BOOT_REQUEST 0xB007
#define NOTE_CHECK 0x5AE1 // with the note added
#define NOTE_RESTART 0x80 // by node_reset(); traps are smaller

static u8 cause;
static u8 trap;

// ---- Causes ----

static u8 cause_of(u8 flags) {
  if ((flags & (1 << PORF)) != 0) return RESET_POWER_ON; // BORF comes with it while the supply rises
  if ((flags & (1 << BORF)) != 0) return RESET_BROWN_OUT;
  if ((flags & (1 << WDRF)) != 0) return RESET_WATCHDOG;
  return RESET_PIN;
}

void reset_start(void) {
  cause = cause_of(reset_kept.flags);
  const u8 is_ours = cause == RESET_WATCHDOG && reset_kept.note_check == (u16)(NOTE_CHECK + reset_kept.note);
  if (is_ours && reset_kept.note == NOTE_RESTART) cause = RESET_SOFTWARE;
  else if (is_ours) trap = reset_kept.note;
  reset_kept.note_check = 0;
  reset_kept.boot_request = 0; // no bootloader took it
}

hal_u8 node_reset_cause(void) { return cause; }
u8 reset_trap(void) { return trap; }

// ---- Restart ----

/** Restarts by the watchdog, which resets all peripherals as well. */
static void __attribute__((noreturn)) restart(u8 note) {
  cli();
  reset_kept.note = note;
  reset_kept.note_check = NOTE_CHECK + note;
  wdt_enable(WDTO_15MS);
  for (;;) {}
}

void hsx_trap(u8 code) { restart(code); }

void node_reset(hal_u8 bootloader) {
  if (bootloader) reset_kept.boot_request = BOOT_REQUEST;
  restart(NOTE_RESTART);
}

// ---- Identity ----

/** The chip has no serial number to rely on: the id comes from factory cells. */
hal_s8 node_firmware(hal_u16 data) {
  u8 *const into = hsx_at(data);
  into[0] = (u8)HSX_CORE_HASH;
  into[1] = HSX_CORE_HASH >> 8;
  memcpy_P(into + 2, PSTR(BOARD_NAME), sizeof BOARD_NAME - 1);
  return 2 + sizeof BOARD_NAME - 1;
}
