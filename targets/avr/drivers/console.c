// The console: USART0 with a ring each way. Interrupts only move bytes between rings and the USART.

#include "console.h"
#include "board.h"
#include "hsx_hal.h"
#include <avr/interrupt.h>

#define RX_SIZE 64 // 16 ms at 38,400 baud
#define TX_SIZE 32

static u8 rx[RX_SIZE];
static u8 tx[TX_SIZE];
static volatile u8 rx_in, rx_out, tx_in, tx_out;
/** How often bytes were lost since the start: overrun, framing error, ring full. Stays at 255. */
volatile u8 console_lost;

ISR(USART0_RX_vect) {
  const u8 status = UCSR0A;
  const u8 byte = UDR0;
  const u8 in = rx_in;
  const u8 next = (in + 1) & (RX_SIZE - 1);
  const u8 is_whole = (status & (1 << FE0)) == 0 && next != rx_out;
  if (is_whole) {
    rx[in] = byte;
    rx_in = next;
  }
  if ((!is_whole || (status & (1 << DOR0)) != 0) && console_lost != 255) console_lost++;
}

ISR(USART0_UDRE_vect) {
  const u8 out = tx_out;
  if (out == tx_in) {
    UCSR0B &= ~(1 << UDRIE0);
    return;
  }
  UDR0 = tx[out];
  tx_out = (out + 1) & (TX_SIZE - 1);
}

void console_start(void) {
  UBRR0 = (F_CPU + 8 * CONSOLE_BAUD) / (16 * CONSOLE_BAUD) - 1;
  UCSR0C = (1 << UCSZ01) | (1 << UCSZ00); // 8 bits, no parity, 1 stop bit
  UCSR0B = (1 << RXCIE0) | (1 << RXEN0) | (1 << TXEN0);
}

static u8 put(u8 byte) {
  const u8 in = tx_in;
  const u8 next = (in + 1) & (TX_SIZE - 1);
  if (next == tx_out) return 0;
  tx[in] = byte;
  tx_in = next;
  UCSR0B |= 1 << UDRIE0; // if it was cleared meanwhile, the interrupt comes once in vain
  return 1;
}

hal_s16 uart_write(hal_u16 data, hal_u16 len) {
  const u8 *from = hsx_at(data);
  u16 taken = 0;
  while (taken < len && put(from[taken])) taken++;
  return (hal_s16)taken;
}

hal_s16 uart_read(hal_u16 data, hal_u16 len) {
  u8 *to = hsx_at(data);
  u8 out = rx_out;
  u16 got = 0;
  while (got < len && out != rx_in) {
    to[got++] = rx[out];
    out = (out + 1) & (RX_SIZE - 1);
  }
  rx_out = out;
  return (hal_s16)got;
}

static void say(u8 byte) {
  while (!put(byte)) {}
}

void console_say(const char *text) {
  for (u8 byte; (byte = pgm_read_byte(text)) != 0; text++) say(byte);
}

void console_digit(u8 digit) {
  say('0' + digit);
  say('\r');
  say('\n');
}
