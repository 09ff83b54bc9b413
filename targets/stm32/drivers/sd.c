// An SD card in SPI mode (SD Physical Layer Simplified Specification 9.00, chapter 7). Waking it takes up to a second: a step
// a turn. A block is read in one piece once the card has it; both CRCs are computed and compared.

#include "board.h"
#include "chip.h"
#include "drivers.h"
#include "hsx_errors.h"
#include "hsx_hal.h"

enum { GO_IDLE = 0, SEND_IF_COND = 8, SEND_CSD = 9, SET_BLOCKLEN = 16, READ_SINGLE = 17 };
enum { SEND_OP_COND = 41, APP_CMD = 55, READ_OCR = 58 };
enum { R1_READY = 0, R1_IDLE = 1, NO_ANSWER = 0xFF, DATA_TOKEN = 0xFE };
enum { BLOCK = 512, CSD_BYTES = 16, ANSWER_TRIES = 8, TOKEN_TRIES = 64 };
enum { WAKE_MS = 1000, READ_MS = 100, RETRY_MS = 500, PATTERN = 0x1AA };

typedef enum { NONE, FAILED, WAKING, READY } card_state;

static u8 state;
static u8 is_new;     // version 2: may be high capacity
static u8 is_by_block; // addresses count blocks
static u8 is_reading;
static u32 blocks, since, wanted;

static u8 is_present(void) { return pin_level(SD_DETECT) == 0; }

static void release(void) {
  pin_set(SD_CS, 1);
  spi_exchange(0xFF); // the card lets go of MISO with a clock
}

static u8 crc7(u8 crc, u8 byte) {
  for (u8 n = 0; n < 8; n++, byte <<= 1) {
    crc <<= 1;
    if (((byte ^ crc) & 0x80) != 0) crc ^= 0x09;
  }
  return crc & 0x7F;
}
static u16 crc16(u16 crc, u8 byte) {
  crc = (u16)(crc >> 8 | crc << 8) ^ byte;
  crc ^= (crc & 0xFF) >> 4;
  crc ^= (u16)(crc << 12);
  return crc ^ (u16)((crc & 0xFF) << 5);
}

/** Leaves the card selected, so that more of the answer can be read. */
static u8 command(u8 index, u32 argument) {
  const u8 bytes[] = {0x40 | index, (u8)(argument >> 24), (u8)(argument >> 16), (u8)(argument >> 8), (u8)argument};
  u8 crc = 0, answer = NO_ANSWER;
  pin_set(SD_CS, 0);
  spi_exchange(0xFF);
  for (u8 n = 0; n < sizeof bytes; n++) {
    crc = crc7(crc, bytes[n]);
    spi_exchange(bytes[n]);
  }
  spi_exchange((u8)(crc << 1 | 1));
  for (u8 n = 0; n < ANSWER_TRIES && (answer & 0x80) != 0; n++) answer = spi_exchange(0xFF);
  return answer;
}
static u8 plain(u8 index, u32 argument) {
  const u8 answer = command(index, argument);
  release();
  return answer;
}
static u32 trailing(void) {
  u32 word = 0;
  for (u8 n = 0; n < 4; n++) word = word << 8 | spi_exchange(0xFF);
  return word;
}

static u8 token_came(void) {
  u8 byte = 0xFF;
  for (u8 n = 0; n < TOKEN_TRIES && byte == 0xFF; n++) byte = spi_exchange(0xFF);
  return byte;
}
/** The bytes behind a token. */
static s8 take(u8 *into, u16 len) {
  u16 crc = 0;
  for (u16 n = 0; n < len; n++) {
    into[n] = spi_exchange(0xFF);
    crc = crc16(crc, into[n]);
  }
  const u8 high = spi_exchange(0xFF), low = spi_exchange(0xFF);
  release();
  return crc == (u16)(high << 8 | low) ? ERR_OK : ERR_IO;
}

// ---- Waking ----

static void fail(void) {
  release();
  state = FAILED;
  blocks = 0;
  is_reading = 0;
  since = clock_ms();
}

static void begin(void) {
  spi_speed(SPI_SLOW);
  pin_set(SD_CS, 1);
  for (u8 n = 0; n < 10; n++) spi_exchange(0xFF); // 74 clocks at least
  if (plain(GO_IDLE, 0) != R1_IDLE) return fail();
  const u8 answer = command(SEND_IF_COND, PATTERN);
  is_new = answer == R1_IDLE && (trailing() & 0xFFF) == PATTERN;
  release();
  state = WAKING;
  since = clock_ms();
}

/** Blocks of 512 bytes by the CSD (5.3.2, 5.3.3). */
static u32 capacity(const u8 *csd) {
  if (csd[0] >> 6 == 1) return (((u32)(csd[7] & 0x3F) << 16 | (u32)csd[8] << 8 | csd[9]) + 1) << 10;
  const u32 size = (u32)(csd[6] & 3) << 10 | (u32)csd[7] << 2 | csd[8] >> 6;
  const u8 multiplier = (u8)((csd[9] & 3) << 1 | csd[10] >> 7);
  return (size + 1) << (multiplier + 2) >> 9 << (csd[5] & 15);
}

static void finish(void) {
  u8 csd[CSD_BYTES];
  const u8 answer = command(READ_OCR, 0);
  is_by_block = is_new && (trailing() & 0x40000000) != 0;
  release();
  if (answer != R1_READY || (!is_by_block && plain(SET_BLOCKLEN, BLOCK) != R1_READY)) return fail();
  if (command(SEND_CSD, 0) != R1_READY || token_came() != DATA_TOKEN || take(csd, CSD_BYTES) < 0) return fail();
  blocks = capacity(csd);
  state = READY;
}

static void ask(void) {
  plain(APP_CMD, 0);
  const u8 answer = plain(SEND_OP_COND, is_new ? 0x40000000 : 0);
  if (answer == R1_READY) finish();
  else if (answer != R1_IDLE || clock_ms() - since > WAKE_MS) fail();
}

void sd_turn(void) {
  if (!is_present()) {
    if (state == READY || state == WAKING) fail();
    state = NONE;
    blocks = 0;
    return;
  }
  if (is_reading) return;
  if (state == NONE || (state == FAILED && clock_ms() - since > RETRY_MS)) begin();
  else if (state == WAKING) {
    spi_speed(SPI_SLOW);
    ask();
  }
  spi_speed(SPI_FAST);
}

void sd_start(void) {
  sd_turn();
  while (state == WAKING) sd_turn(); // ends by itself after WAKE_MS
}

// ---- Reading ----

u32 sd_blocks(void) { return blocks; }

static hal_s8 give_up(s8 code) {
  fail();
  return code;
}

/** The first call asks the card; the call that finds the block there takes it. */
hal_s8 sd_read(u32 block, hal_u16 data) {
  if (!is_present() || state != READY) return give_up(ERR_ABSENT);
  if (block >= blocks) return ERR_IO;
  if (!is_reading || wanted != block) {
    if (is_reading) release();
    if (command(READ_SINGLE, is_by_block ? block : block * BLOCK) != R1_READY) return give_up(ERR_IO);
    is_reading = 1;
    wanted = block;
    since = clock_ms();
  }
  pin_set(SD_CS, 0);
  const u8 token = token_came();
  if (token == 0xFF && clock_ms() - since <= READ_MS) {
    pin_set(SD_CS, 1);
    return ERR_BUSY;
  }
  is_reading = 0;
  if (token != DATA_TOKEN) return give_up(ERR_IO);
  return take(hsx_at(data), BLOCK);
}
