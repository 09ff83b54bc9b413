// The STM32F405 board: sizes.
#pragma once

#include "pins.h"

#define BOARD_NAME "stm32f405"
#define BOARD_USART_IN 128
#define BOARD_USART_OUT 128
#define BOARD_CAN_RING 32

/** Sectors 1 to 3 of flash, for nodes without FRAM; the firmware lies in sector 0 and from sector 4 on. */
#define BOARD_NV_BASE 0x08004000u
#define BOARD_NV_BYTES 0xC000u
#define BOARD_NV_PAGE 0x4000u
#define BOARD_NV_GRANULE 4u
