// Pins of the STM32 boards, the same on all of them. docs/boards.md has the schematic.
#pragma once

/** Pins of apps: 0 to 12 are PC0 to PC12, 13 to 15 are PB13 to PB15. */
#define BOARD_PINS 16
#define BOARD_PORT(pin) ((pin) < 13 ? 2 : 1)
#define BOARD_BIT(pin) (pin)

#define FRAM_CS 0, 4 // port, pin: PA4
#define SD_CS 1, 0   // PB0
#define SD_DETECT 1, 1 // PB1, low with a card
#define SUPPLY_FAIL 1, 2 // PB2, low while the supply fails
