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

void board_start(void) {
  reset_start();
  watchdog_start(LSI_COUNTS);
  start_clock();
  RCC_AHB1ENR |= AHB1_GPIO_ABC;
  RCC_APB2ENR |= APB2_SPI1_USART1;
  RCC_APB1ENR |= APB1_CAN1;
  start_drivers(&(board_rates){HZ, HZ / 2 / BAUD, SPI_DIVIDE_BY_8, SPI_DIVIDE_BY_256, CAN_1_MBIT});
}

const u16 board_budget = 8000; // at some 30 cycles each, 1.5 ms
