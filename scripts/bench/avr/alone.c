// A node that loads one image from flash, runs it to its end, and says over USART0 how many cycles its polls took by timer 1:
// it needs nobody outside, so that any simulator can run it. Then it sleeps with interrupts off, which ends simavr.

#include "core.h"
#include "hsx_errors.h"
#include "hsx_hal.h"
#include "image.h"
#include <avr/interrupt.h>
#include <avr/io.h>
#include <avr/pgmspace.h>
#include <avr/sleep.h>

static u32 us;
#define clock_us blank_clock_us
#define clock_ms blank_clock_ms
#include "hal_blank.c"
#undef clock_us
#undef clock_ms
u32 clock_us(void) { return us; }
u32 clock_ms(void) { return us / 1000; }

#define BUDGET 100 // at some 150 cycles each, far from a timer's 65,536
#define PIECE 64

static void say(u8 byte) {
  while ((UCSR0A & (1 << UDRE0)) == 0) {}
  UDR0 = byte;
}
static void say_hex(u32 value) {
  for (s8 shift = 28; shift >= 0; shift -= 4) say("0123456789abcdef"[(value >> shift) & 15]);
  say('\n');
}

static __attribute__((noreturn)) void halt(void) {
  while ((UCSR0A & (1 << UDRE0)) == 0) {}
  for (u16 n = 0; n < 20000; n++) __asm__ volatile(""); // the last byte leaves
  cli();
  sleep_enable();
  for (;;) sleep_cpu();
}

void hsx_trap(u8 code) {
  say_hex(0xdead0000 | code);
  halt();
}

static u32 cycles;
static u32 instructions;

static void poll(u16 budget) {
  us += 100;
  const u16 start = TCNT1;
  instructions += hsx_poll(budget);
  cycles += (u16)(TCNT1 - start);
}

static void load(void) {
  u8 *const io = hsx_at((u16)hsx_io());
  u16 at = 0;
  hsx_load_begin(sizeof image, 0, 0, 0, 0);
  while (at < sizeof image) {
    const u16 left = sizeof image - at;
    const u8 piece = left < PIECE ? left : PIECE;
    memcpy_P(io, image + at, piece);
    while ((s32)hsx_load_data(piece) == ERR_BUSY) poll(0);
    at += piece;
  }
  while ((s32)hsx_load_result() == ERR_BUSY) poll(0);
}

int main(void) {
  TCCR1B = 1 << CS10;
  UBRR0 = 25;
  UCSR0B = 1 << TXEN0;
  hsx_core_reset();
  hsx_start();
  for (u8 n = 0; n < 50; n++) poll(0);
  load();
  cycles = 0;
  instructions = 0;
  for (u32 before = 1; before != instructions;) {
    before = instructions;
    poll(BUDGET);
  }
  say_hex(instructions);
  say_hex(cycles);
  halt();
}
