// Resets: why the last one came, how to ask for one, and what a trap or fault leaves behind.

#include "board.h"
#include "chip.h"
#include "core.h"
#include "drivers.h"
#include "handover.h"
#include "hsx_hal.h"

static u8 cause;

static u8 cause_of(u32 csr) {
  if ((csr & CSR_IWDGRSTF) != 0) return RESET_WATCHDOG;
  if ((csr & CSR_SFTRSTF) != 0) return RESET_SOFTWARE;
  if ((csr & CSR_PORRSTF) != 0) return RESET_POWER_ON;
  return (csr & CSR_BORRSTF) != 0 ? RESET_BROWN_OUT : RESET_PIN;
}

static u32 last_trap, last_address;

void reset_start(void) {
  const u8 holds = HANDOVER->magic == HANDOVER_MAGIC;
  // a bootloader has read the flags and cleared them
  const u32 csr = RCC_CSR | (holds ? HANDOVER->csr : 0);
  RCC_CSR |= CSR_RMVF;
  cause = cause_of(csr);
  last_trap = holds && cause == RESET_SOFTWARE ? HANDOVER->trap : TRAP_NONE;
  last_address = HANDOVER->address;
  HANDOVER->magic = 0;
}

void reset_tell(void) {
  static const char *const causes[] = {"power", "brown-out", "watchdog", "software", "pin"};
  usart_say("\r\nhsx: started by ");
  usart_say(causes[cause]);
  if (last_trap != TRAP_NONE) {
    usart_say(last_trap == TRAP_FAULT ? ", fault at " : ", trap ");
    usart_say_hex(last_trap == TRAP_FAULT ? last_address : last_trap);
  }
  usart_say("\r\n");
}

/** In place: traps come where the stack is deepest. */
static inline void __attribute__((noreturn, always_inline))
restart(u32 request, u32 trap, u32 address) {
  interrupts_off();
  HANDOVER->csr = 0;
  HANDOVER->request = request;
  HANDOVER->trap = trap;
  HANDOVER->address = address;
  HANDOVER->magic = HANDOVER_MAGIC;
  barrier();
  SCB_AIRCR = AIRCR_VECTKEY | AIRCR_SYSRESETREQ;
  for (;;) {}
}

void hsx_trap(u8 code) { restart(REQUEST_NONE, code, 0); }

/** `frame`: what the core stacked; its seventh word is where it happened. */
void __attribute__((used)) fault_at(const u32 *frame) { restart(REQUEST_NONE, TRAP_FAULT, frame[6]); }
void __attribute__((naked)) fault_handler(void) {
  __asm__ volatile("mrs r0, msp\n ldr r1, =fault_at\n bx r1\n .ltorg");
}

void node_reset(hal_u8 bootloader) {
  restart(bootloader != 0 ? REQUEST_STAY : REQUEST_NONE, TRAP_NONE, 0);
}
hal_u8 node_reset_cause(void) { return cause; }

hal_s8 node_firmware(hal_u16 data) {
  static const char name[] = BOARD_NAME;
  u8 *into = hsx_at(data);
  into[0] = (u8)HSX_CORE_HASH;
  into[1] = HSX_CORE_HASH >> 8;
  for (u8 n = 0; n < sizeof name - 1; n++) into[2 + n] = name[n];
  return 2 + sizeof name - 1;
}

hal_s8 node_uid(hal_u16 data) {
  enum { UID_BYTES = 12 };
  u8 *into = hsx_at(data);
  for (u8 n = 0; n < UID_BYTES; n++) into[n] = UID[n];
  return UID_BYTES;
}
