// The STM32F072 board: a crystal of 8 MHz if it is fitted, else HSI; 48 MHz by the PLL. CAN at 500 kbit/s.
// HSI is good to 1 % at 25 degrees and some 3 % over the range of temperature, more than a CAN bus of this speed allows
// (half a bit in ten, less the jumps): a node without the crystal is for the bench.

#include "board.h"
#include "chip.h"
#include "drivers.h"
#include "hsx_board.h"

enum { HZ = 48000000, BAUD = 115200, CRYSTAL_TURNS = 20000, PLL_TURNS = 20000 };
enum { CFGR_SW = 3, CFGR_SW_PLL = 2, CFGR_SWS_PLL = 2 << 2, CFGR_PLLSRC_HSE = 2 << 15 };
enum { TIMES_6 = 4 << 18, TIMES_12 = 10 << 18 };
enum { ONE_WAIT_STATE_PREFETCH = 0x11, SPI_DIVIDE_BY_4 = 1, SPI_DIVIDE_BY_128 = 6 };
enum { LSI_COUNTS = 40000 / 64 };
/** 16 quanta of 62.5 ns: 1, TS1 13, TS2 2, jump 1; sampled at 87.5 %. Slower rates have longer quanta. */
enum { CAN_1_MBIT = (13 - 1) << 16 | (2 - 1) << 20 | (3 - 1) };
enum { AHB_GPIO_ABC = 7 << 17, APB2_SYSCFG_SPI1_USART1 = 1 | 1 << 12 | 1 << 14, APB1_CAN = 1 << 25 };

/** Without VTOR, the table goes to the bottom of SRAM, and SRAM to address 0. */
void board_vectors(const u32 *table) {
  RCC_APB2ENR |= 1;
  for (u8 n = 0; n < 16 + IRQ_COUNT; n++) REGISTER(0x20000000 + 4 * n) = table[n];
  SYSCFG_CFGR1 = 3;
}

static void start_clock(void) {
  FLASH_ACR = ONE_WAIT_STATE_PREFETCH;
  RCC_CR |= CR_HSEON;
  AWAIT(RCC_CR & CR_HSERDY, CRYSTAL_TURNS);
  const u8 has_crystal = (RCC_CR & CR_HSERDY) != 0;
  if (!has_crystal) RCC_CR &= ~(u32)CR_HSEON;
  RCC_CFGR = has_crystal ? CFGR_PLLSRC_HSE | TIMES_6 : TIMES_12; // HSI comes halved
  RCC_CR |= CR_PLLON;
  AWAIT(RCC_CR & CR_PLLRDY, PLL_TURNS);
  RCC_CFGR |= CFGR_SW_PLL;
  AWAIT((RCC_CFGR & 12) == CFGR_SWS_PLL, PLL_TURNS);
}

void board_start(void) {
  reset_start();
  watchdog_start(LSI_COUNTS);
  start_clock();
  RCC_AHBENR |= AHB_GPIO_ABC;
  RCC_APB2ENR |= APB2_SYSCFG_SPI1_USART1;
  RCC_APB1ENR |= APB1_CAN;
  start_drivers(&(board_rates){HZ, HZ / BAUD, SPI_DIVIDE_BY_4, SPI_DIVIDE_BY_128, CAN_1_MBIT});
}

const u16 board_budget = 1000; // at some 50 cycles each, a millisecond
