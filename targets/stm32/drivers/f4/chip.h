// The STM32F405: what differs from the F0x2. RM0090 names and addresses.
#pragma once

#include "registers.h"

#define GPIO(port) ((gpio_port *)(0x40020000 + 0x400 * (port)))
#define UID ((const volatile u8 *)0x1FFF7A10)

// ---- RCC ----
#define RCC_CR REGISTER(0x40023800)
#define RCC_PLLCFGR REGISTER(0x40023804)
#define RCC_CFGR REGISTER(0x40023808)
#define RCC_AHB1ENR REGISTER(0x40023830)
#define RCC_APB1ENR REGISTER(0x40023840)
#define RCC_APB2ENR REGISTER(0x40023844)
#define RCC_CSR REGISTER(0x40023874)

enum { CSR_BORRSTF = 1 << 25 };

// ---- Alternate functions (DS8626, table 9) ----
enum { AF_SPI1 = 5, AF_USART1 = 7, AF_CAN = 9 };

// ---- Interrupts ----
enum { IRQ_CAN_RX0 = 20, IRQ_USART1 = 37, IRQ_COUNT = 82 };

// ---- USART1 ----
#define USART1_SR REGISTER(0x40011000)
#define USART1_DR REGISTER(0x40011004)
#define USART1_BRR REGISTER(0x40011008)
#define USART1_CR1 REGISTER(0x4001100C)

enum { CR1_UE = 1 << 13, CR1_RE = 4, CR1_TE = 8, CR1_RXNEIE = 0x20, CR1_TXEIE = 0x80 };
enum { USART_ORE = 8, USART_RXNE = 0x20, USART_TXE = 0x80 };

static inline u32 usart_status(void) { return USART1_SR; }
static inline u8 usart_take(void) { return (u8)USART1_DR; }
static inline void usart_put(u8 byte) { USART1_DR = byte; }
/** Behind a read of SR, the read of DR clears it. */
static inline void usart_forget_overrun(void) { (void)USART1_DR; }

/** 8 bits is what there is after reset. */
static inline void spi_set_format(void) {}

// ---- Flash ----
#define FLASH_ACR REGISTER(0x40023C00)
#define FLASH_KEYR REGISTER(0x40023C04)
#define FLASH_SR REGISTER(0x40023C0C)
#define FLASH_CR REGISTER(0x40023C10)
