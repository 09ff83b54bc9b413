// An SD card in SPI mode: SD Physical Layer Simplified Specification, chapter 7. Version 1 and 2, SDSC and SDHC, with
// CRC both ways. A start is one step a turn, a block several calls, so that none takes longer than 1.5 ms.

#include "sd.h"
#include "hsx_errors.h"
#include "hsx_hal.h"
#include "spi.h"

#define BLOCK 512
#define BLOCK_SHIFT 9

// Commands
#define GO_IDLE_STATE 0
#define SEND_IF_COND 8
#define SEND_CSD 9
#define SET_BLOCKLEN 16
#define READ_SINGLE_BLOCK 17
#define SD_SEND_OP_COND 41 // behind APP_CMD
#define APP_CMD 55
#define READ_OCR 58
#define CRC_ON_OFF 59

// Response R1
#define R1_READY 0x00
#define R1_IDLE 0x01
#define R1_ILLEGAL 0x04
#define R1_NONE 0xFF

#define IF_COND 0x1AA // 2.7 to 3.6 V, and a pattern that comes back
#define OP_HCS 0x40000000ul
#define OCR_CCS 0x40
#define START_TOKEN 0xFE
#define CSD_BYTES 16

/** A card may take one second to start, and 100 ms to find a block. */
#define START_MS 1000
#define READ_MS 250
/** Bytes in which the response to a command comes, and those asked for the start token in one call. */
#define RESPONSE_BYTES 8
#define TOKEN_BYTES 64

enum {
  NONE,    // no card
  RESET,   // the following are the start, step by step
  VERSION, //
  OP_COND, //
  CAPACITY,
  SIZE,
  READY,
  WAITING, // selected, until the start token comes
  DATA,    // selected, the block is next
  FAILED,  // until it is pulled out
};

static u8 state;
static u8 is_v2;
static u8 has_block_addresses;
/** When the start, or the block under way, began; ms. */
static u16 since;
static u32 blocks;
/** The block under way. */
static u32 wanted;

static u16 elapsed(void) { return (u16)clock_ms() - since; }

static void select(void) {
  sd_select();
  spi_exchange(0xFF);
}
/** The card lets go of MISO with the clocks that follow. */
static void release(void) {
  sd_deselect();
  spi_exchange(0xFF);
}

// ---- Commands ----

/** CRC-7, x^7 + x^3 + 1, in the upper bits. */
static u8 crc7(u8 crc, u8 byte) {
  crc ^= byte;
  for (u8 n = 8; n != 0; n--) crc = (crc & 0x80) != 0 ? (u8)(crc << 1) ^ 0x12 : (u8)(crc << 1);
  return crc;
}

/** Selects the card, sends a command and returns R1; R1_NONE: no response. The card stays selected. */
static u8 begin(u8 command, u32 argument) {
  u8 crc = 0;
  u8 byte = 0x40 | command;
  select();
  for (u8 n = 5; n != 0; n--) {
    spi_exchange(byte);
    crc = crc7(crc, byte);
    byte = (u8)(argument >> 24);
    argument <<= 8;
  }
  spi_exchange(crc | 1);
  u8 r1 = R1_NONE;
  for (u8 n = RESPONSE_BYTES; n != 0 && (r1 & 0x80) != 0; n--) r1 = spi_exchange(0xFF);
  return r1;
}

static u8 command(u8 command, u32 argument) {
  const u8 r1 = begin(command, argument);
  release();
  return r1;
}

/** Waits a little for the start token. Returns it, 0xFF when it has not come, or what came instead. */
static u8 token(void) {
  u8 byte = 0xFF;
  for (u8 n = TOKEN_BYTES; n != 0 && byte == 0xFF; n--) byte = spi_exchange(0xFF);
  return byte;
}

// ---- The start ----

static u8 reset(void) {
  sd_deselect();
  for (u8 n = 10; n != 0; n--) spi_exchange(0xFF); // 74 clocks before the first command
  return command(GO_IDLE_STATE, 0) == R1_IDLE ? VERSION : RESET;
}

static u8 ask_version(void) {
  const u8 r1 = begin(SEND_IF_COND, IF_COND);
  u16 echo = 0;
  for (u8 n = 4; n != 0; n--) echo = (u16)(echo << 8) | spi_exchange(0xFF);
  release();
  is_v2 = r1 == R1_IDLE;
  if (is_v2 ? (echo & 0xFFF) != IF_COND : r1 != (R1_IDLE | R1_ILLEGAL)) return RESET;
  return command(CRC_ON_OFF, 1) == R1_IDLE ? OP_COND : RESET;
}

static u8 ask_ready(void) {
  command(APP_CMD, 0);
  const u8 r1 = command(SD_SEND_OP_COND, is_v2 ? OP_HCS : 0);
  if (r1 == R1_READY) return CAPACITY;
  return r1 == R1_IDLE ? OP_COND : RESET;
}

static u8 ask_capacity(void) {
  has_block_addresses = 0;
  if (is_v2) {
    const u8 r1 = begin(READ_OCR, 0);
    has_block_addresses = (spi_exchange(0xFF) & OCR_CCS) != 0;
    release();
    if (r1 != R1_READY) return RESET;
  }
  if (has_block_addresses) return SIZE;
  return command(SET_BLOCKLEN, BLOCK) == R1_READY ? SIZE : RESET;
}

/** Blocks by the register CSD, sections 5.3.2 and 5.3.3. */
static u32 blocks_of(const u8 *csd) {
  if (csd[0] >> 6 != 0) {
    const u32 c_size = ((u32)(csd[7] & 0x3F) << 16) | ((u16)csd[8] << 8) | csd[9];
    return (c_size + 1) << 10;
  }
  const u16 c_size = ((u16)(csd[6] & 3) << 10) | ((u16)csd[7] << 2) | (csd[8] >> 6);
  const u8 mult = ((csd[9] & 3) << 1) | (csd[10] >> 7);
  const u8 read_bl_len = csd[5] & 15;
  return (u32)(c_size + 1) << (mult + 2 + read_bl_len - BLOCK_SHIFT);
}

static u8 ask_size(void) {
  u8 csd[CSD_BYTES];
  u8 is_right = begin(SEND_CSD, 0) == R1_READY && token() == START_TOKEN;
  if (is_right) is_right = spi_take(csd, CSD_BYTES);
  release();
  if (!is_right) return SIZE; // again, until the time is up
  blocks = blocks_of(csd);
  return READY;
}

static u8 step(void) {
  switch (state) {
  case RESET: return reset();
  case VERSION: return ask_version();
  case OP_COND: return ask_ready();
  case CAPACITY: return ask_capacity();
  default: return ask_size();
  }
}

u8 sd_is_starting(void) { return sd_is_in() && state < READY; }
u8 sd_holds_bus(void) { return state == WAITING || state == DATA; }

/** Ends what is under way; the next turn begins anew. */
static void give_up(void) {
  if (sd_holds_bus()) release();
  state = NONE;
  blocks = 0;
}

void sd_turn(void) {
  if (!sd_is_in()) {
    if (state != NONE) give_up();
    return;
  }
  if (sd_holds_bus() && elapsed() > READ_MS) give_up(); // nobody asks for the block any more
  if (state == NONE) {
    since = (u16)clock_ms();
    state = RESET;
  }
  if (state >= READY) return;
  spi_slow();
  state = step();
  spi_fast();
  if (state < READY && elapsed() > START_MS) state = FAILED;
}

// ---- Reading ----

u32 sd_blocks(void) { return sd_is_in() ? blocks : 0; }

static s8 failure(void) {
  give_up();
  return ERR_IO;
}

static hal_s8 start_block(u32 block) {
  if (block >= blocks) return ERR_IO;
  since = (u16)clock_ms();
  state = WAITING;
  wanted = block;
  const u8 r1 = begin(READ_SINGLE_BLOCK, has_block_addresses ? block : block << BLOCK_SHIFT);
  return r1 == R1_READY ? ERR_BUSY : failure();
}

static hal_s8 wait_for_token(void) {
  const u8 byte = token();
  if (byte == START_TOKEN) state = DATA;
  else if (byte != 0xFF || elapsed() > READ_MS) return failure();
  return ERR_BUSY;
}

static hal_s8 finish_block(hal_u16 to) {
  const u8 is_right = spi_take(hsx_at(to), BLOCK);
  release();
  state = READY;
  if (!is_right) return ERR_IO;
  return ERR_OK;
}

hal_s8 sd_read(u32 block, hal_u16 data) {
  if (!sd_is_in()) return ERR_ABSENT;
  if (sd_holds_bus() && block != wanted) give_up(); // nobody waits for that one any more
  switch (state) {
  case READY: return start_block(block);
  case WAITING: return wait_for_token();
  case DATA: return finish_block(data);
  case FAILED: return ERR_IO;
  default: return ERR_BUSY; // starting
  }
}
