// This circuit: an ATmega1284P at 16 MHz, which pin does what, and the rates of its lines (docs/boards.md).
#pragma once

#define BOARD_NAME "atmega1284p"
#define F_CPU 16000000UL

#include <avr/io.h>

// ---- Console: USART0 on PD0 and PD1 ----
#define CONSOLE_BAUD 38400UL // 16 MHz / (16 * 26) is 38,462: 0.16 % fast

// ---- CAN: MCP2515 alone on USART1 as SPI master ----
#define CAN_CS PD5
#define CAN_INT PB2 // INT2, low while a frame waits
// Its own 16 MHz crystal, 125 ns a quantum, 16 quanta a bit: 1 + 5 (PRSEG) + 8 (PS1) before the sample point at 87.5 %,
// 2 (PS2) behind it, SJW 1: 500 kbit/s. Slower rates have longer quanta (CNF1). MCP2515 data sheet DS20001801, section 5.
#define CAN_CNF2 0xBC
#define CAN_CNF3 0x01
/** The same 16 MHz, and 8 quanta a bit: 1 + 2 + 3, 2: 1 Mbit/s, sampled at 75 %. */
#define CAN_CNF2_FAST 0x91
/** kbit/s of a node that was not told any. */
#define CAN_KBITS 500
/** Takes every frame of a full bus at 500 kbit/s: 111 bits. */
#define CAN_PACE_US 222
/** Writing one to the FRAM, and reading it again for the check, takes that long. */
#define CAN_PACE_STORED_US 400

// ---- SPI: FRAM and SD card ----
#define SPI_MOSI PB5
#define SPI_MISO PB6
#define SPI_SCK PB7
#define FRAM_CS PB4 // also SS: an output, so that SPI stays master
#define SD_CS PB3
#define SD_DETECT PB1 // low: a card is in

// ---- Pins ----
#define LED PD6
#define SUPPLY_FAIL PD7 // low: the supply is failing

// Pins of apps: 0-7 are PA0-PA7, 8-15 are PC0-PC7. Their safe level is an input without pull-up: what
// the pin drives must bring a resistor of its own.
#define APP_PINS 16

/** EEPROM bytes of the store; the rest of the 4 KiB is the board's. */
#define EEPROM_STORE 4080
/** EEPROM bytes of the unique id; all 0xFF: the factory wrote none. */
#define EEPROM_UID 4081
/** EEPROM byte that is FRAM_SEEN once an FRAM has answered: from then on the EEPROM never takes its place. */
#define EEPROM_FRAM_SEEN 4095
#define FRAM_SEEN 0xF5

/** The lowest address of the stack, and what its bytes are before they are used. */
#define STACK_END 0x3E00
#define STACK_PAINT 0xC5
