// bxCAN: three mailboxes out, sent in the order they were filled; FIFO 0 in, emptied by its interrupt into a ring;
// one filter bank for each filter of the core. Bus-off ends by itself (ABOM).

#include "board.h"
#include "chip.h"
#include "drivers.h"
#include "hsx_errors.h"
#include "hsx_hal.h"

enum { FILTERS = 8, TURNS = 20000, MAILBOXES = 3, STID_SHIFT = 21 };
enum { BOARD_KBITS = 500, LISTEN = 1, LISTEN_MS = 256, WARNING = 96, TEC_SHIFT = 16, PRESCALER = 0x3FF };
/** Rates that listening tries, in kbit/s, the usual ones first. */
static const u16 RATES[] = {500, 250, 125, 1000, 100, 50, 20, 10};

typedef struct {
  u16 id;
  u8 length, unused;
  u32 data[2];
} frame;

static frame ring[BOARD_CAN_RING];
static volatile u8 put, taken;
static u8 filters;
static u8 is_answering;
/** Bit timing of 1 Mbit/s; the rate that was asked for, and the one the controller has. */
static u32 megabit;
static u16 asked, rate;
/** 1 + index of the rate that is listened at; 0: the rate is known. */
static u8 listening;
static u32 listened;
/** A frame came since the bus was opened. */
static volatile u8 has_heard;
/** The error counter when the last frame with data was given to its mailbox; mailboxes that hold one. */
static u8 errors_before, data_mailboxes;
static u8 is_withdrawn;

// ---- Bit rate ----

/** Enters the bus at a rate: filters stay, frames that wait are lost. */
static void enter(u16 kbits) {
  rate = kbits;
  CAN_MCR = MCR_INRQ | MCR_TXFP | MCR_ABOM;
  AWAIT(CAN_MSR & MSR_INAK, TURNS);
  is_answering = (CAN_MSR & MSR_INAK) != 0;
  if (!is_answering) return;
  const u32 prescaler = ((megabit & PRESCALER) + 1) * 1000 / kbits - 1;
  CAN_BTR = (megabit & ~(u32)PRESCALER) | prescaler | (listening != 0 ? BTR_SILM : 0);
  CAN_MCR = MCR_TXFP | MCR_ABOM; // takes part 11 recessive bits from now
}

static u8 is_usual(u32 kbits) {
  for (u8 n = 0; n < sizeof RATES / sizeof *RATES; n++)
    if (RATES[n] == kbits) return 1;
  return 0;
}

u32 can_open(u32 kbits) {
  if (kbits != asked) {
    asked = (u16)kbits;
    listening = kbits == LISTEN;
    listened = clock_ms();
    has_heard = 0;
    enter(is_usual(kbits) ? (u16)kbits : BOARD_KBITS);
  }
  return listening != 0 ? 0 : rate;
}

/** Listens at the next rate, or stays where a frame was heard. */
static void listen(void) {
  const u32 now = clock_ms();
  if (has_heard) {
    listening = 0;
    enter(rate);
  } else if (now - listened >= LISTEN_MS) {
    listened = now;
    listening = listening % (sizeof RATES / sizeof *RATES) + 1;
    enter(RATES[listening - 1]);
  }
}

// ---- Withdrawing ----

static u8 error_count(void) { return (u8)(CAN_ESR >> TEC_SHIFT); }

/** Takes frames with data back that only made the error counter rise. */
static void withdraw(void) {
  const u8 errors = error_count();
  if (data_mailboxes == 0 || errors < WARNING || errors <= errors_before) return;
  for (u8 n = 0; n < MAILBOXES; n++) {
    const u8 waits = ((CAN_TSR >> (TSR_TME_SHIFT + n)) & 1) == 0;
    if (waits && (data_mailboxes >> n & 1) != 0) {
      CAN_TSR = TSR_ABRQ << (8 * n);
      is_withdrawn = 1;
    }
  }
  data_mailboxes = 0;
}

void can_turn(void) {
  if (listening != 0) listen();
  withdraw();
}

// ---- Start ----

void can_start(u32 btr) {
  megabit = btr;
  asked = 0;
  enter(BOARD_KBITS);
  if (!is_answering) return;
  CAN_FMR |= FMR_FINIT;
  CAN_FM1R = 0;
  CAN_FS1R = (1u << FILTERS) - 1;
  CAN_FFA1R = 0;
  CAN_FA1R = 0;
  CAN_FMR &= ~(u32)FMR_FINIT;
  CAN_IER = IER_FMPIE0;
  NVIC_ISER(IRQ_CAN_RX0 / 32) = 1u << (IRQ_CAN_RX0 % 32);
}

/** Takes the oldest frame out of the FIFO; one that finds the ring full is lost. */
void can_rx0_handler(void) {
  if ((CAN_RF0R & RF0R_FMP0) == 0) return;
  has_heard = 1;
  const u8 next = (put + 1) & (BOARD_CAN_RING - 1);
  if (next != taken) {
    frame *f = &ring[put];
    f->id = (u16)(CAN_RI0R >> STID_SHIFT);
    f->length = CAN_RDT0R & 15;
    if (f->length > 8) f->length = 8;
    f->data[0] = CAN_RDL0R;
    f->data[1] = CAN_RDH0R;
    put = next;
  }
  CAN_RF0R = RF0R_RFOM0 | RF0R_FOVR0;
}

u8 can_has_input(void) { return taken != put; }

hal_s8 can_receive(hal_u16 to) {
  if (taken == put) return ERR_NO_DATA;
  const frame *f = &ring[taken];
  u8 *into = hsx_at(to);
  const u8 *from = (const u8 *)f->data;
  into[0] = (u8)f->id;
  into[1] = (u8)(f->id >> 8);
  into[2] = f->length;
  into[3] = 0;
  for (u8 n = 0; n < f->length; n++) into[4 + n] = from[n];
  taken = (taken + 1) & (BOARD_CAN_RING - 1);
  return ERR_OK;
}

static u32 word_at(const u8 *from, u32 len) {
  u32 word = 0;
  for (u8 n = 0; n < len && n < 4; n++) word |= (u32)from[n] << (8 * n);
  return word;
}

hal_s8 can_send(u32 id, hal_u16 data, hal_u8 len) {
  const u8 *from = hsx_at(data);
  if (!is_answering || listening != 0 || (CAN_ESR & ESR_BOFF) != 0) return ERR_IO;
  if (is_withdrawn) {
    is_withdrawn = 0;
    return ERR_STATE;
  }
  u8 n = 0;
  while (n < MAILBOXES && ((CAN_TSR >> (TSR_TME_SHIFT + n)) & 1) == 0) n++;
  if (n == MAILBOXES) return ERR_BUSY;
  data_mailboxes = (data_mailboxes & ~(1 << n)) | (len != 0) << n;
  errors_before = error_count();
  CAN_TDTR(n) = len;
  CAN_TDLR(n) = word_at(from, len);
  CAN_TDHR(n) = len > 4 ? word_at(from + 4, len - 4) : 0;
  CAN_TIR(n) = id << STID_SHIFT | TIR_TXRQ;
  return ERR_OK;
}

hal_s8 can_filter(u32 match, u32 mask) {
  const u32 id = match << STID_SHIFT, bits = mask << STID_SHIFT | RIR_IDE | RIR_RTR;
  for (u8 n = 0; n < filters; n++)
    if (CAN_FR1(n) == id && CAN_FR2(n) == bits) return ERR_OK;
  if (filters == FILTERS) return ERR_FULL;
  CAN_FR1(filters) = id;
  CAN_FR2(filters) = bits;
  CAN_FA1R |= 1u << filters;
  filters++;
  return ERR_OK;
}
hal_u16 can_pace(hal_u8 stored) {
  (void)stored;
  return 0;
}

void can_filter_clear(void) {
  CAN_FA1R = 0;
  filters = 0;
}
