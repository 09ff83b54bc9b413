// The console on USART1: interrupts move bytes between the data register and two rings.

#include "board.h"
#include "chip.h"
#include "drivers.h"
#include "hsx_hal.h"

enum { IN_MASK = BOARD_USART_IN - 1, OUT_MASK = BOARD_USART_OUT - 1, SAY_TURNS = 100000 };

static volatile u8 in[BOARD_USART_IN], out[BOARD_USART_OUT];
static volatile u8 in_put, in_taken, out_put, out_taken;
static u8 is_answering; // nothing is sent to a USART that never gets ready

void usart_start(u32 brr) {
  USART1_BRR = brr;
  USART1_CR1 = CR1_UE | CR1_RE | CR1_TE | CR1_RXNEIE;
  AWAIT(usart_status() & USART_TXE, SAY_TURNS);
  is_answering = (usart_status() & USART_TXE) != 0;
  NVIC_ISER(IRQ_USART1 / 32) = 1u << (IRQ_USART1 % 32);
}

static void receive(u8 byte) {
  const u8 next = (in_put + 1) & IN_MASK;
  if (next == in_taken) return; // what nobody reads in time is lost
  in[in_put] = byte;
  in_put = next;
}
static void transmit(void) {
  if (out_taken == out_put) USART1_CR1 &= ~(u32)CR1_TXEIE;
  else {
    usart_put(out[out_taken]);
    out_taken = (out_taken + 1) & OUT_MASK;
  }
}
void usart1_handler(void) {
  const u32 status = usart_status();
  if ((status & USART_RXNE) != 0) receive(usart_take());
  if ((status & USART_ORE) != 0) usart_forget_overrun();
  if ((status & USART_TXE) != 0 && (USART1_CR1 & CR1_TXEIE) != 0) transmit();
}

u8 usart_has_input(void) { return in_taken != in_put; }

hal_s16 uart_write(hal_u16 data, hal_u16 len) {
  const u8 *from = hsx_at(data);
  u32 taken = 0;
  if (!is_answering) return len; // there is no console: nobody waits for one
  for (u8 next; taken < len && (next = (out_put + 1) & OUT_MASK) != out_taken; taken++) {
    out[out_put] = from[taken];
    out_put = next;
  }
  interrupts_off();
  if (taken != 0) USART1_CR1 |= CR1_TXEIE;
  interrupts_on();
  return taken;
}
hal_s16 uart_read(hal_u16 data, hal_u16 len) {
  u8 *into = hsx_at(data);
  u32 got = 0;
  for (; got < len && in_taken != in_put; got++) {
    into[got] = in[in_taken];
    in_taken = (in_taken + 1) & IN_MASK;
  }
  return got;
}

// ---- Words of the board's own, before the core runs ----

static void say(u8 byte) {
  AWAIT(usart_status() & USART_TXE, SAY_TURNS);
  usart_put(byte);
}
void usart_say(const char *text) {
  for (; is_answering && *text != 0; text++) say((u8)*text);
}
void usart_say_hex(u32 number) {
  for (u8 n = 0; is_answering && n < 8; n++, number <<= 4) say((u8) "0123456789ABCDEF"[number >> 28]);
}
