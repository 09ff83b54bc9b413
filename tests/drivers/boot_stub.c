// A bootloader that does nothing but what a firmware must live with: takes the reset flags away, stays when it is asked to,
// and otherwise hands over to what lies at APP.

#include "handover.h"

#define RCC_CSR (*(volatile u32 *)0x40021024)
#define RMVF (1u << 24)
/** Where a test looks whether it stays. */
#define STAYING (*(volatile u32 *)0x200000F8)

static void __attribute__((used, noreturn)) boot(void) {
  const u32 csr = RCC_CSR;
  RCC_CSR = csr | RMVF;
  const u8 stays = HANDOVER->magic == HANDOVER_MAGIC && HANDOVER->request == REQUEST_STAY;
  if (HANDOVER->magic != HANDOVER_MAGIC) HANDOVER->trap = TRAP_NONE;
  HANDOVER->csr = csr;
  HANDOVER->magic = HANDOVER_MAGIC;
  STAYING = stays;
  while (stays) {}
  const u32 *const app = (const u32 *)APP;
  __asm__ volatile("mov sp, %0\n bx %1" ::"r"(app[0]), "r"(app[1]));
  __builtin_unreachable();
}

__attribute__((section(".vectors"), used)) const void *const vectors[2] = {(void *)0x20004000, boot};
