// From reset to main(): the vector table, first values of variables. The linker script names the borders.

#include "chip.h"

void reset_handler(void);
extern u32 link_data_from[], link_data[], link_data_end[], link_bss_end[], link_stack_top[];
extern void board_vectors(const u32 *table);
extern int main(void);
extern void systick_handler(void), usart1_handler(void), can_rx0_handler(void), fault_handler(void);

enum { EXCEPTIONS = 16, HARD_FAULT = 3, SYSTICK = 15 };
/** What the stack holds where it was never used. */
#define PAINT 0x5A5A5A5Au

typedef void (*vector)(void);
#pragma GCC diagnostic ignored "-Woverride-init" // the range first, then what differs
/** An interrupt that nobody enabled is a fault. */
__attribute__((section(".vectors"), used)) const vector vectors[EXCEPTIONS + IRQ_COUNT] = {
    [0] = (vector)link_stack_top,
    [1] = reset_handler,
    [2 ... EXCEPTIONS + IRQ_COUNT - 1] = fault_handler,
    [SYSTICK] = systick_handler,
    [EXCEPTIONS + IRQ_USART1] = usart1_handler,
    [EXCEPTIONS + IRQ_CAN_RX0] = can_rx0_handler,
};

static void __attribute__((used, noreturn)) start(void) {
  const u32 *from = link_data_from;
  for (u32 *to = link_data; to < link_data_end;) *to++ = *from++;
  for (u32 *to = link_data_end; to < link_bss_end;) *to++ = 0;
  u32 *here;
  __asm__ volatile("mov %0, sp" : "=r"(here));
  for (u32 *to = link_bss_end; to < here - 8; to++) *to = PAINT;
  board_vectors((const u32 *)vectors);
  main();
  for (;;) {}
}

void __attribute__((naked, noreturn)) reset_handler(void) {
  __asm__ volatile("ldr r0, =link_stack_top\n mov sp, r0\n ldr r0, =start\n bx r0\n .ltorg");
}
