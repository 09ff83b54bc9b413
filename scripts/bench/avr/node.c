// A node on a chip without anything fitted, driven and timed from outside the chip through the general purpose registers.

#include "core.h"
#include "hsx_errors.h"
#include "hsx_hal.h"
#include <avr/io.h>

static u32 us;
#define clock_us blank_clock_us
#define clock_ms blank_clock_ms
#include "hal_blank.c"
#undef clock_us
#undef clock_ms
// where the board's non-volatile bytes and card are linked, they take the place of the blank ones
#pragma weak nv_size
#pragma weak nv_erase_size
#pragma weak nv_medium
#pragma weak nv_granule
#pragma weak nv_read
#pragma weak nv_program
#pragma weak nv_erase
#pragma weak nv_busy
#pragma weak sd_blocks
#pragma weak sd_read
void __attribute__((weak)) spi_start(void) {}
void __attribute__((weak)) nv_start(void) {}
u32 clock_us(void) { return us; }
u32 clock_ms(void) { return us / 1000; }

enum { // what the chip writes to GPIOR0; the other two registers carry a byte each way
  CALL_BEGINS = 1,
  CALL_ENDS = 2,
  TELL_BYTE = 3,
  ASK_BYTE = 4,
  TRAP = 5,
};
enum { // what is told before a word
  IO_ADDRESS = 1,
  RESULT = 2,
  LOADED = 3,
  RETIRED = 4,
  EVENT = 5,
};

void hsx_trap(u8 code) {
  GPIOR1 = code;
  GPIOR0 = TRAP;
  for (;;) {}
}

static void tell_byte(u8 byte) {
  GPIOR1 = byte;
  GPIOR0 = TELL_BYTE;
}
static void tell(u8 what, u32 word) {
  tell_byte(what);
  for (u8 n = 0; n < 4; n++, word >>= 8) tell_byte((u8)word);
}
static u8 ask_byte(void) {
  GPIOR0 = ASK_BYTE;
  return GPIOR2;
}
static u16 ask(void) {
  const u8 low = ask_byte();
  return (u16)(low | ask_byte() << 8);
}

enum { POLL, TAKE_EVENT, LOAD_BEGIN, LOAD_DATA, LOAD_RESULT }; // the calls that are timed
#define TIMED(name, call) \
  (GPIOR0 = CALL_BEGINS, timed = (s32)(call), GPIOR1 = name, GPIOR0 = CALL_ENDS, timed)

static void poll(u16 budget) {
  s32 timed;
  us += 100;
  tell(RETIRED, (u32)TIMED(POLL, hsx_poll(budget)));
  while (TIMED(TAKE_EVENT, hsx_event()) == 0) tell(EVENT, 0);
}

/** Pieces of the image are laid into the I/O buffer when they are asked for. */
static void load(u16 bytes) {
  s32 timed;
  s32 result = TIMED(LOAD_BEGIN, hsx_load_begin(bytes, 0, 0, 0, 0));
  while (result >= 0 || result == ERR_BUSY || result == ERR_NO_DATA) {
    if (result == ERR_NO_DATA) {
      const u16 piece = ask();
      while (TIMED(LOAD_DATA, hsx_load_data(piece)) == ERR_BUSY) poll(0);
    }
    poll(0);
    result = TIMED(LOAD_RESULT, hsx_load_result());
    if (result > 0) break;
  }
  tell(LOADED, (u32)result);
}

int main(void) {
  spi_start();
  nv_start();
  hsx_core_reset();
  hsx_start();
  tell(IO_ADDRESS, hsx_io());
  tell(RESULT, hsx_config_set(0, ask())); // the quantum
  for (u8 n = 0; n < 50; n++) poll(0);
  for (u16 bytes = ask(); bytes != 0; bytes = ask()) load(bytes);
  for (const u16 budget = ask();;) poll(budget);
}
