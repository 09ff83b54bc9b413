// Registers that the STM32F0x2 (RM0091) and the F405 (RM0090) have in common, by the names of the manuals.
#pragma once

#include "hsx_types.h"

#define REGISTER(address) (*(volatile u32 *)(address))
#define REGISTER16(address) (*(volatile u16 *)(address))
#define REGISTER8(address) (*(volatile u8 *)(address))

// ---- System control space of the core ----
#define SYST_CSR REGISTER(0xE000E010)
#define SYST_RVR REGISTER(0xE000E014)
#define SYST_CVR REGISTER(0xE000E018)
#define NVIC_ISER(n) REGISTER(0xE000E100 + 4 * (n))
#define SCB_ICSR REGISTER(0xE000ED04)
#define SCB_VTOR REGISTER(0xE000ED08)
#define SCB_AIRCR REGISTER(0xE000ED0C)

enum {
  SYST_CSR_ENABLE = 1,
  SYST_CSR_TICKINT = 2,
  SYST_CSR_CLKSOURCE = 4,
  AIRCR_VECTKEY = 0x05FA0000,
  AIRCR_SYSRESETREQ = 4,
};

// ---- GPIO ----
typedef volatile struct {
  u32 MODER, OTYPER, OSPEEDR, PUPDR, IDR, ODR, BSRR, LCKR, AFRL, AFRH;
} gpio_port;

enum { MODE_INPUT = 0, MODE_OUTPUT = 1, MODE_ALTERNATE = 2, PULL_UP = 1, PULL_DOWN = 2 };

// ---- Independent watchdog ----
#define IWDG_KR REGISTER(0x40003000)
#define IWDG_PR REGISTER(0x40003004)
#define IWDG_RLR REGISTER(0x40003008)
#define IWDG_SR REGISTER(0x4000300C)

enum { IWDG_UNLOCK = 0x5555, IWDG_RELOAD = 0xAAAA, IWDG_START = 0xCCCC };

// ---- bxCAN ----
#define CAN_MCR REGISTER(0x40006400)
#define CAN_MSR REGISTER(0x40006404)
#define CAN_TSR REGISTER(0x40006408)
#define CAN_RF0R REGISTER(0x4000640C)
#define CAN_IER REGISTER(0x40006414)
#define CAN_ESR REGISTER(0x40006418)
#define CAN_BTR REGISTER(0x4000641C)
#define BTR_SILM (1u << 31) // silent: neither acknowledges nor sends errors
#define CAN_TIR(n) REGISTER(0x40006580 + 16 * (n))
#define CAN_TDTR(n) REGISTER(0x40006584 + 16 * (n))
#define CAN_TDLR(n) REGISTER(0x40006588 + 16 * (n))
#define CAN_TDHR(n) REGISTER(0x4000658C + 16 * (n))
#define CAN_RI0R REGISTER(0x400065B0)
#define CAN_RDT0R REGISTER(0x400065B4)
#define CAN_RDL0R REGISTER(0x400065B8)
#define CAN_RDH0R REGISTER(0x400065BC)
#define CAN_FMR REGISTER(0x40006600)
#define CAN_FM1R REGISTER(0x40006604)
#define CAN_FS1R REGISTER(0x4000660C)
#define CAN_FFA1R REGISTER(0x40006614)
#define CAN_FA1R REGISTER(0x4000661C)
#define CAN_FR1(bank) REGISTER(0x40006640 + 8 * (bank))
#define CAN_FR2(bank) REGISTER(0x40006644 + 8 * (bank))

enum {
  MCR_INRQ = 1,
  MCR_TXFP = 1 << 2,
  MCR_ABOM = 1 << 6,
  MSR_INAK = 1,
  TSR_ABRQ = 1 << 7, // of mailbox 0; the others follow at distances of 8
  TSR_TME_SHIFT = 26,
  TIR_TXRQ = 1,
  RIR_RTR = 2,
  RIR_IDE = 4,
  RF0R_FMP0 = 3,
  RF0R_FOVR0 = 1 << 4,
  RF0R_RFOM0 = 1 << 5,
  IER_FMPIE0 = 1 << 1,
  IER_FOVIE0 = 1 << 3,
  ESR_BOFF = 1 << 2,
  FMR_FINIT = 1,
};

// ---- SPI1 ----
#define SPI1_CR1 REGISTER(0x40013000)
#define SPI1_CR2 REGISTER(0x40013004)
#define SPI1_SR REGISTER(0x40013008)
#define SPI1_DR8 REGISTER8(0x4001300C)

enum {
  SPI_CR1_MSTR = 1 << 2,
  SPI_CR1_BR_SHIFT = 3,
  SPI_CR1_SPE = 1 << 6,
  SPI_CR1_SSI = 1 << 8,
  SPI_CR1_SSM = 1 << 9,
  SPI_SR_RXNE = 1,
};

// ---- RCC_CSR and RCC_CR, the same bits in both ----
enum {
  CR_HSEON = 1 << 16,
  CR_HSERDY = 1 << 17,
  CR_PLLON = 1 << 24,
  CR_PLLRDY = 1 << 25,
  CSR_RMVF = 1 << 24,
  CSR_PINRSTF = 1 << 26,
  CSR_PORRSTF = 1 << 27,
  CSR_SFTRSTF = 1 << 28,
  CSR_IWDGRSTF = 1 << 29,
};

static inline void interrupts_off(void) { __asm__ volatile("cpsid i" ::: "memory"); }
static inline void interrupts_on(void) { __asm__ volatile("cpsie i" ::: "memory"); }
static inline void wait_for_interrupt(void) { __asm__ volatile("wfi"); }
/** Lets the memory accesses before it end first. */
static inline void barrier(void) { __asm__ volatile("dsb" ::: "memory"); }

/** Waits for `what`, for some `turns` of a loop at most: a device that is not there must not hold the node. */
#define AWAIT(what, turns) \
  do \
    for (u32 left = (turns); left != 0 && !(what);) left--; \
  while (0)
