// The board's non-volatile bytes: the FRAM, or where none is fitted the EEPROM of the chip.

#include "nv.h"
#include "board.h"
#include "eeprom.h"
#include "fram.h"
#include "hsx_errors.h"
#include "hsx_hal.h"
#include "sd.h"

static u32 size;
static u8 is_fram;

void nv_start(void) {
  const u8 was_seen = eeprom_read(EEPROM_FRAM_SEEN) == FRAM_SEEN;
  size = fram_find();
  is_fram = size != 0 || was_seen;
  if (!is_fram) size = EEPROM_STORE;
  if (size == 0 || !is_fram || was_seen) return;
  const u8 seen = FRAM_SEEN;
  eeprom_program(EEPROM_FRAM_SEEN, &seen, 1);
}

u32 nv_size(void) { return size; }
hal_u16 nv_erase_size(void) { return 0; }
hal_u8 nv_medium(void) { return is_fram ? NV_FRAM : NV_EEPROM; }
hal_u8 nv_granule(void) { return 1; }

hal_s8 nv_busy(void) {
  if (is_fram) return sd_holds_bus();
  return eeprom_is_busy();
}

static hal_s8 __attribute__((noinline)) refusal(u32 address, u16 len) {
  if (size == 0) return ERR_ABSENT;
  if (address + len > size) return ERR_IO;
  return nv_busy() ? ERR_BUSY : ERR_OK;
}

hal_s8 nv_read(u32 address, hal_u16 data, hal_u16 len) {
  const hal_s8 err = refusal(address, len);
  if (err < 0) return err;
  u8 *to = hsx_at(data);
  if (len == 0) return ERR_OK;
  if (is_fram) return fram_read(address, to, len) ? ERR_OK : ERR_ABSENT;
  for (u16 at = (u16)address; len != 0; len--) *to++ = eeprom_read(at++);
  return ERR_OK;
}

hal_s8 nv_program(u32 address, hal_u16 data, hal_u16 len) {
  const hal_s8 err = refusal(address, len);
  if (err < 0) return err;
  const u8 *from = hsx_at(data);
  if (is_fram) return fram_write(address, from, len) ? ERR_OK : ERR_ABSENT;
  if (len > EEPROM_BUFFER) return ERR_IO;
  eeprom_program((u16)address, from, (u8)len);
  return ERR_OK;
}

hal_s8 nv_erase(u32 address) {
  (void)address;
  return ERR_UNSUPPORTED;
}
