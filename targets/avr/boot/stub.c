// A bootloader that loads nothing: it shows what one must do to live with the firmware (docs/boards.md). Linked at the
// start of the largest boot section; the fuse BOOTRST makes every reset begin here.

#include "board.h"
#include "hsx_types.h"
#include <avr/wdt.h>

/** At the same address in the firmware: reset.c. */
#define boot_request (*(volatile u16 *)0x3DFE)
#define BOOT_REQUEST 0xB007

/** What a host sends to have the application started. */
#define GO 'g'

static void say(u8 byte) {
  loop_until_bit_is_set(UCSR0A, UDRE0);
  UDR0 = byte;
}

/** A real bootloader would take a new firmware here. */
static void stay(void) {
  UBRR0 = (F_CPU + 8 * CONSOLE_BAUD) / (16 * CONSOLE_BAUD) - 1;
  UCSR0B = (1 << RXEN0) | (1 << TXEN0);
  say('?');
  do loop_until_bit_is_set(UCSR0A, RXC0);
  while (UDR0 != GO);
  UCSR0B = 0;
}

/** First in the boot section. Nothing has set up registers or RAM: only the stack pointer is right after a reset. */
__attribute__((naked, noreturn, used, section(".vectors"))) void boot(void) {
  __asm__ volatile("clr r1");
  const u8 flags = MCUSR;
  MCUSR = 0;
  wdt_disable();
  if ((flags & (1 << WDRF)) != 0 && boot_request == BOOT_REQUEST) {
    boot_request = 0;
    stay();
  }
  __asm__ volatile("mov r2, %0\n\tjmp 0" ::"r"(flags)); // the firmware takes the reset flags from r2
  __builtin_unreachable();
}
