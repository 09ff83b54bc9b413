// The STM32F0x2: what differs from the F405. RM0091 names and addresses.
#pragma once

#include "registers.h"

#define GPIO(port) ((gpio_port *)(0x48000000 + 0x400 * (port)))
#define UID ((const volatile u8 *)0x1FFFF7AC)

// ---- RCC ----
#define RCC_CR REGISTER(0x40021000)
#define RCC_CFGR REGISTER(0x40021004)
#define RCC_AHBENR REGISTER(0x40021014)
#define RCC_APB2ENR REGISTER(0x40021018)
#define RCC_APB1ENR REGISTER(0x4002101C)
#define RCC_CSR REGISTER(0x40021024)
#define SYSCFG_CFGR1 REGISTER(0x40010000)

enum { CSR_BORRSTF = 0 }; // a brown-out is told as a power-on reset

// ---- Alternate functions (DS9826, tables 14 and 15) ----
enum { AF_SPI1 = 0, AF_USART1 = 1, AF_CAN = 4 };

// ---- Interrupts ----
enum { IRQ_USART1 = 27, IRQ_CAN_RX0 = 30, IRQ_COUNT = 32 };

// ---- USART1 ----
#define USART1_CR1 REGISTER(0x40013800)
#define USART1_BRR REGISTER(0x4001380C)
#define USART1_ISR REGISTER(0x4001381C)
#define USART1_ICR REGISTER(0x40013820)
#define USART1_RDR REGISTER(0x40013824)
#define USART1_TDR REGISTER(0x40013828)

enum { CR1_UE = 1, CR1_RE = 4, CR1_TE = 8, CR1_RXNEIE = 0x20, CR1_TXEIE = 0x80 };
enum { USART_ORE = 8, USART_RXNE = 0x20, USART_TXE = 0x80 };

static inline u32 usart_status(void) { return USART1_ISR; }
static inline u8 usart_take(void) { return (u8)USART1_RDR; }
static inline void usart_put(u8 byte) { USART1_TDR = byte; }
static inline void usart_forget_overrun(void) { USART1_ICR = USART_ORE; }

/** 8 bits, RXNE for each byte. */
static inline void spi_set_format(void) { SPI1_CR2 = 0x1700; }

// ---- Flash ----
#define FLASH_ACR REGISTER(0x40022000)
#define FLASH_KEYR REGISTER(0x40022004)
#define FLASH_SR REGISTER(0x4002200C)
#define FLASH_CR REGISTER(0x40022010)
#define FLASH_AR REGISTER(0x40022014)
