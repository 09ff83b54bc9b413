// The STM32F072 board: sizes.
#pragma once

#include "pins.h"

#define BOARD_NAME "stm32f072"
#define BOARD_USART_IN 64
#define BOARD_USART_OUT 16 // the stack needs the rest
#define BOARD_CAN_RING 8

/** The last eight pages of flash, for nodes without FRAM. */
#define BOARD_NV_BASE 0x0801C000u
#define BOARD_NV_BYTES 0x4000u
#define BOARD_NV_PAGE 2048u
#define BOARD_NV_GRANULE 2u
