// The STM32F072 board: pins and sizes. docs/boards.md has the schematic.
#pragma once

#include "hsx_types.h"

/** Pins of apps: 0 to 12 are PC0 to PC12, 13 to 15 are PB13 to PB15. */
#define BOARD_PINS 16
#define BOARD_PORT(pin) ((pin) < 13 ? 2 : 1)
#define BOARD_BIT(pin) (pin)

#define FRAM_CS 0, 4 // port, pin: PA4
#define SD_CS 1, 0   // PB0
#define SD_DETECT 1, 1 // PB1, low with a card
#define SUPPLY_FAIL 1, 2 // PB2, low while the supply fails

#define BOARD_NAME "stm32f072"
#define BOARD_USART_RING 64
#define BOARD_CAN_RING 8

/** The last eight pages of flash, for nodes without FRAM. */
#define BOARD_NV_BASE 0x0801C000u
#define BOARD_NV_BYTES 0x4000u
#define BOARD_NV_PAGE 2048u
#define BOARD_NV_GRANULE 2u
