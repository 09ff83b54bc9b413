// From the reset of a Cortex-M to main(), for programs that have nothing but a module.

#include "hsx_types.h"

extern u32 link_data_from[], link_data[], link_data_end[], link_bss_end[], link_stack_top[];
extern int main(void);

static void __attribute__((used, noreturn)) start(void) {
  const u32 *from = link_data_from;
  for (u32 *to = link_data; to < link_data_end;) *to++ = *from++;
  for (u32 *to = link_data_end; to < link_bss_end;) *to++ = 0;
  main();
  for (;;) {}
}

__attribute__((section(".vectors"), used)) const void *const vectors[2] = {link_stack_top, start};
