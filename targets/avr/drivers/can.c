// CAN: an MCP2515 on USART1 as SPI master, its interrupt on INT2. The interrupt moves frames that a filter
// lets pass into a ring; all else happens outside it, with INT2 masked while the chip is selected.

#include "can.h"
#include "board.h"
#include "hsx_errors.h"
#include "hsx_hal.h"
#include "mcp2515.h"
#include <avr/interrupt.h>
#include <avr/pgmspace.h>
#include <string.h>
#include <util/delay.h>

#define RING 16
#define FILTERS 8
#define FRAME_BYTES 8
/** Most frames taken by one interrupt: a chip that never releases INT must not hold the node. */
#define FRAMES_AN_INTERRUPT 4
/** Tries of 1 ms until the chip has left reset: its oscillator needs 128 cycles after it has started. */
#define START_TRIES 20
/** In the place of a rate: the one that listening finds. */
#define LISTEN 1
/** The error counter at which others are taken to destroy what is sent. */
#define WARNING 96

/** Rates that listening tries, the usual ones first, and CNF1 of each: quanta of (CNF1 + 1) / 8 us, 16 a bit. */
typedef struct {
  u16 kbits;
  u8 cnf1;
} Rate;
static const Rate RATES[] PROGMEM = {{500, 0}, {250, 1}, {125, 3}, {1000, 0}, {100, 4}, {50, 9}, {20, 24}, {10, 49}};
#define RATE_COUNT (sizeof RATES / sizeof *RATES)

/** A frame as the chip has it. */
typedef struct {
  u8 sidh;
  u8 sidl;
  u8 dlc;
  u8 data[FRAME_BYTES];
} Frame;

/** As SIDH and SIDL have an identifier: in the upper eleven bits. */
typedef struct {
  u16 match;
  u16 mask;
} Filter;

#define SID_SHIFT 5

static Frame ring[RING];
static volatile u8 ring_in, ring_out;
static Filter filters[FILTERS];
static volatile u8 filter_count;
static u8 answers;
static u8 last_quarter;
/** The rate that was asked for, and the index of the one the chip has. */
static u16 asked;
static u8 rate;
static u8 is_listening;
/** A frame came since the bus was opened. */
static volatile u8 has_heard;
/** Transmit buffers that hold a frame with data, and the error counter before the last was sent. */
static u8 data_buffers, errors_before;
static u8 is_withdrawn;
/** Frames lost since the start because the ring was full. Stays at 255. */
volatile u8 can_lost;
/** How often the chip told of a receive overrun, found once in 256 ms. Stays at 255. */
volatile u8 can_overruns;

// ---- SPI: 8 MHz, a byte every 16 cycles. The next byte is given while one is under way, so that none is waited for ----

#define INLINE static inline __attribute__((always_inline))

INLINE void select(void) { PORTD &= ~(1 << CAN_CS); }
INLINE void release(void) { PORTD |= 1 << CAN_CS; }

/** What comes with the oldest byte under way. */
INLINE u8 pull(void) {
  loop_until_bit_is_set(UCSR1A, RXC1);
  return UDR1;
}
/** Gives a byte while at most one is under way, and returns what came with that one. */
INLINE u8 next(void) {
  UDR1 = 0;
  return pull();
}
static u8 exchange(u8 byte) {
  UDR1 = byte;
  return pull();
}
/** Selects the chip and sends an instruction that answers from the next byte on, which is under way on return. */
static void ask(u8 instruction) {
  select();
  UDR1 = instruction;
  loop_until_bit_is_set(UCSR1A, UDRE1);
  next();
}

static u8 read_status(void) {
  ask(MCP_READ_STATUS);
  const u8 status = pull();
  release();
  return status;
}

// The following are called with INT2 masked, or before it is enabled.

static u8 read_register(u8 address) {
  select();
  exchange(MCP_READ);
  exchange(address);
  const u8 value = exchange(0);
  release();
  return value;
}

/** Selects the chip to write from a register on; release() ends it. */
static void write_from(u8 address) {
  select();
  exchange(MCP_WRITE);
  exchange(address);
}
static void write_zeros(u8 count) {
  while (count-- != 0) exchange(0);
}
static void write_register(u8 address, u8 value) {
  write_from(address);
  exchange(value);
  release();
}

INLINE void mask_interrupt(void) { EIMSK = 0; }
INLINE void unmask_interrupt(void) { EIMSK = 1 << INT2; }

// ---- Receiving ----

INLINE u8 is_wanted(u16 sid) {
  const Filter *f = filters;
  for (u8 n = filter_count; n != 0; n--, f++)
    if (((sid ^ f->match) & f->mask) == 0) return 1;
  return 0;
}

/** Reads a receive buffer, which frees it, into the ring. */
static void take(u8 instruction) {
  has_heard = 1;
  ask(instruction);
  const u8 in = ring_in;
  const u8 following = (in + 1) & (RING - 1);
  u8 *to = (u8 *)&ring[in];
  const u8 sidh = next();
  const u8 sidl = next();
  u8 is_kept = (sidl & (SIDL_SRR | SIDL_IDE)) == 0 && is_wanted((u16)sidh << 8 | sidl);
  if (is_kept && following == ring_out) {
    is_kept = 0;
    if (can_lost != 255) can_lost++;
  }
  if (is_kept) {
    next(); // EID8
    next(); // EID0
    u8 len = next() & DLC_MASK;
    if (len > FRAME_BYTES) len = FRAME_BYTES;
    *to++ = sidh;
    *to++ = sidl;
    *to++ = len;
    for (; len > 1; len--) *to++ = next();
    ring_in = following;
  }
  *to = pull(); // the last byte under way: of the frame, or not kept
  release();
}

INLINE u8 is_interrupting(void) { return (PINB & (1 << CAN_INT)) == 0; }

static void drain(void) {
  for (u8 n = 0; n < FRAMES_AN_INTERRUPT / 2 && is_interrupting(); n++) {
    const u8 status = read_status();
    if ((status & STATUS_RX0IF) != 0) take(MCP_READ_RXB0);
    if ((status & STATUS_RX1IF) != 0) take(MCP_READ_RXB1);
  }
}

ISR(INT2_vect) { drain(); }

// ---- The HAL ----

hal_s8 can_receive(hal_u16 frame) {
  const u8 out = ring_out;
  if (out == ring_in) return ERR_NO_DATA;
  const Frame *const f = &ring[out];
  u8 *const to = hsx_at(frame);
  const u16 id = (u16)((u16)f->sidh << 8 | f->sidl) >> SID_SHIFT;
  to[0] = (u8)id;
  to[1] = (u8)(id >> 8);
  to[2] = f->dlc;
  to[3] = 0;
  memcpy(to + 4, f->data, FRAME_BYTES); // those behind the last are of an older frame, and of no account
  ring_out = (out + 1) & (RING - 1);
  return ERR_OK;
}

/** The chip sends the highest of its buffers first: a frame goes below all that wait, so that none overtakes another. */
static u8 free_buffer(u8 status) {
  if ((status & STATUS_TXREQ(0)) != 0) return 0;
  if ((status & STATUS_TXREQ(1)) != 0) return 1;
  return (status & STATUS_TXREQ(2)) != 0 ? 2 : 3;
}

static hal_s8 send(u16 id, const u8 *data, u8 len) {
  const u8 flags = read_register(EFLG);
  if ((flags & EFLG_TXBO) != 0) return ERR_IO;
  const u8 above = free_buffer(read_status());
  if (above == 0) return ERR_BUSY;
  const u8 n = above - 1;
  data_buffers &= ~(1 << n);
  if (len != 0) data_buffers |= 1 << n;
  errors_before = (flags & EFLG_TXWAR) != 0 ? read_register(TEC) : 0;
  select();
  exchange(MCP_LOAD_TXB(n));
  id <<= SID_SHIFT;
  exchange((u8)(id >> 8));
  exchange((u8)id);
  write_zeros(2); // EID8, EID0
  exchange(len);
  for (u8 i = 0; i < len; i++) exchange(data[i]);
  release();
  select();
  exchange(MCP_RTS(n));
  release();
  return ERR_OK;
}

hal_s8 can_send(hal_u16 id, hal_u16 data, hal_u8 len) {
  if (!answers || is_listening) return ERR_IO;
  if (len > FRAME_BYTES) return ERR_INVALID;
  if (is_withdrawn) {
    is_withdrawn = 0;
    return ERR_STATE;
  }
  mask_interrupt();
  const hal_s8 err = send(id, hsx_at(data), len);
  unmask_interrupt();
  return err;
}

hal_s8 can_filter(hal_u16 match, hal_u16 mask) {
  const u8 n = filter_count;
  match <<= SID_SHIFT;
  mask <<= SID_SHIFT;
  Filter *f = filters;
  for (u8 i = n; i != 0; i--, f++)
    if (f->match == match && f->mask == mask) return ERR_OK;
  if (n == FILTERS) return ERR_FULL;
  f->match = match;
  f->mask = mask;
  filter_count = n + 1; // last: the interrupt reads those below it
  return ERR_OK;
}

hal_u16 can_pace(hal_u8 stored) { return stored != 0 ? CAN_PACE_STORED_US : CAN_PACE_US; }

void can_filter_clear(void) { filter_count = 0; }

// ---- The chip ----

static u16 kbits_of(u8 n) { return pgm_read_word(&RATES[n].kbits); }

/** CNF2 at the present rate. */
static u8 timing(void) { return kbits_of(rate) == 1000 ? CAN_CNF2_FAST : CAN_CNF2; }

/** Resets and configures the chip. Returns whether it answers. */
static u8 configure(void) {
  select();
  exchange(MCP_RESET);
  release();
  _delay_us(20); // more than 128 cycles of its oscillator
  if (read_register(CANSTAT) != OPMOD_CONFIGURATION) return 0;
  // Masks of zero and filters without EXIDE let every standard frame pass: the driver's own filters need no
  // configuration mode, which would lose frames.
  write_from(0);
  write_zeros(CANSTAT); // RXF0 to RXF2, BFPCTRL, TXRTSCTRL
  release();
  write_from(RXF3SIDH);
  write_zeros(12);
  release();
  write_from(RXM0SIDH);
  write_zeros(8);
  exchange(CAN_CNF3);
  exchange(timing());
  exchange(pgm_read_byte(&RATES[rate].cnf1));
  exchange(CANINTE_RX);
  exchange(0); // CANINTF
  release();
  write_register(RXB0CTRL, RXB0CTRL_BUKT);
  data_buffers = 0;
  write_register(CANCTRL, is_listening ? OPMOD_LISTEN : OPMOD_NORMAL); // takes effect after eleven recessive bits; CLKOUT off
  return 1;
}

/** Index of a rate; of one that is not known, that of the board's. */
static u8 rate_of(u16 kbits) {
  u8 board = 0;
  for (u8 n = 0; n < RATE_COUNT; n++) {
    if (kbits_of(n) == kbits) return n;
    if (kbits_of(n) == CAN_KBITS) board = n;
  }
  return board;
}

/** Enters the bus at the present rate; frames that wait to be sent are lost. */
static void enter(void) {
  mask_interrupt();
  answers = configure();
  unmask_interrupt();
}

hal_u16 can_open(hal_u16 kbits) {
  if (kbits != asked) {
    asked = kbits;
    is_listening = kbits == LISTEN;
    has_heard = 0;
    rate = rate_of(kbits);
    enter();
  }
  return is_listening ? 0 : kbits_of(rate);
}

/** Stays where a frame was heard, else listens at the next rate. */
static void listen(void) {
  if (has_heard) is_listening = 0;
  else rate = (rate + 1) % RATE_COUNT;
  enter();
}

/** Takes frames with data back that only made the error counter rise. INT2 is masked. */
static void withdraw(void) {
  const u8 waiting = read_status();
  if ((waiting & STATUS_TXREQS) == 0) data_buffers = 0;
  if (data_buffers == 0 || (read_register(EFLG) & EFLG_TXWAR) == 0) return;
  const u8 errors = read_register(TEC);
  if (errors < WARNING || errors <= errors_before) return;
  for (u8 n = 0; n < 3; n++) {
    if ((data_buffers & (1 << n)) == 0 || (waiting & STATUS_TXREQ(n)) == 0) continue;
    write_register(TXBCTRL(n), 0);
    is_withdrawn = 1;
  }
  data_buffers = 0;
}

void can_start(void) {
  rate = rate_of(CAN_KBITS);
  PORTD |= 1 << CAN_CS;
  DDRD |= (1 << CAN_CS) | (1 << PD4) | (1 << PD3); // XCK1, TXD1
  PORTB |= 1 << CAN_INT;                           // pulled up: an absent chip never interrupts
  UBRR1 = 0;
  UCSR1C = (1 << UMSEL11) | (1 << UMSEL10); // SPI master, mode 0, most significant bit first
  UCSR1B = (1 << RXEN1) | (1 << TXEN1);
  UBRR1 = 0; // data sheet of the ATmega1284P, "USART MSPIM initialization": the rate is set after the transmitter is on
  EICRA = 1 << ISC21; // falling edge
  for (u8 n = 0; n < START_TRIES && !answers; n++) {
    answers = configure();
    if (!answers) _delay_ms(1);
  }
  EIFR = 1 << INTF2;
  unmask_interrupt();
}

u8 can_answers(void) { return answers; }

void can_turn(u8 quarter) {
  if (is_listening && (has_heard || quarter != last_quarter)) listen();
  mask_interrupt();
  drain(); // an edge is never lost, but a chip that was disturbed may hold INT low
  if (answers && data_buffers != 0) withdraw();
  if (quarter != last_quarter) {
    last_quarter = quarter;
    // a chip that was reset has another bit timing, one that is gone reads as 0x00 or 0xFF
    if (!answers || read_register(CNF2) != timing()) answers = configure();
    const u8 flags = read_register(EFLG);
    if (answers && (flags & (EFLG_RX0OVR | EFLG_RX1OVR)) != 0) {
      if (can_overruns != 255) can_overruns++;
      write_register(EFLG, 0); // only the overrun flags can be written
    }
  }
  unmask_interrupt();
}
