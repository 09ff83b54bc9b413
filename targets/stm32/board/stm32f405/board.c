// The STM32F405 board: a crystal of 8 MHz, 168 MHz by the PLL; without the crystal, the PLL on HSI. CAN at 500 kbit/s.

#include "board.h"
#include "chip.h"
#include "drivers.h"
#include "hsx_board.h"

enum { HZ = 168000000, BAUD = 115200, CRYSTAL_TURNS = 50000, PLL_TURNS = 50000 };
enum { CFGR_SW_PLL = 2, CFGR_SWS_PLL = 2 << 2, APB1_BY_4 = 5 << 10, APB2_BY_2 = 4 << 13 };
enum { PLL_HSE = 1 << 22, PLL_Q_7 = 7 << 24, PLL_N_336 = 336 << 6, PLL_M_8 = 8, PLL_M_16 = 16 };
enum { FIVE_WAIT_STATES_CACHES = 0x705, SPI_DIVIDE_BY_8 = 2, SPI_DIVIDE_BY_256 = 7 };
enum { LSI_COUNTS = 32000 / 64 };
/** 14 quanta of 143 ns: 1, TS1 11, TS2 2, jump 1; sampled at 85.7 %. */
enum { CAN_1_MBIT = (11 - 1) << 16 | (2 - 1) << 20 | (3 - 1) };
enum { AHB1_GPIO_ABC = 7, APB1_CAN1 = 1 << 25, APB2_SPI1_USART1 = 1 << 12 | 1 << 4 };

void board_vectors(const u32 *table) { SCB_VTOR = (u32)table; }

static void start_clock(void) {
  FLASH_ACR = FIVE_WAIT_STATES_CACHES;
  RCC_CR |= CR_HSEON;
  AWAIT(RCC_CR & CR_HSERDY, CRYSTAL_TURNS);
  const u8 has_crystal = (RCC_CR & CR_HSERDY) != 0;
  if (!has_crystal) RCC_CR &= ~(u32)CR_HSEON;
  RCC_PLLCFGR = PLL_Q_7 | PLL_N_336 | (has_crystal ? PLL_HSE | PLL_M_8 : PLL_M_16);
  RCC_CFGR = APB1_BY_4 | APB2_BY_2;
  RCC_CR |= CR_PLLON;
  AWAIT(RCC_CR & CR_PLLRDY, PLL_TURNS);
  RCC_CFGR |= CFGR_SW_PLL;
  AWAIT((RCC_CFGR & 12) == CFGR_SWS_PLL, PLL_TURNS);
}

static void start_pins(void) {
  RCC_AHB1ENR |= AHB1_GPIO_ABC;
  RCC_APB2ENR |= APB2_SPI1_USART1;
  RCC_APB1ENR |= APB1_CAN1;
  pins_start();
  pin_select(FRAM_CS);
  pin_select(SD_CS);
  pin_pull_up(SD_DETECT);
  pin_pull_up(SUPPLY_FAIL); // a board without the monitor is never failing
  for (u8 pin = 5; pin <= 7; pin++) pin_alternate(0, pin, 5); // SPI1
  for (u8 pin = 9; pin <= 10; pin++) pin_alternate(0, pin, 7); // USART1
  for (u8 pin = 8; pin <= 9; pin++) pin_alternate(1, pin, 9); // CAN1
}

void board_start(void) {
  reset_start();
  watchdog_start(LSI_COUNTS);
  start_clock();
  start_pins();
  time_start(HZ);
  usart_start(HZ / 2 / BAUD);
  reset_tell();
  spi_start(SPI_DIVIDE_BY_8, SPI_DIVIDE_BY_256);
  nv_start();
  can_start(CAN_1_MBIT);
  sd_start();
}

const u16 board_budget = 8000; // at some 30 cycles each, 1.5 ms
