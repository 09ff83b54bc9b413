// The non-volatile bytes: the FRAM, or pages of the chip's own flash where no FRAM is fitted. Which one is decided once, at
// power-on: a FRAM that stops answering later is ABSENT, and the flash is not taken in its place.

#include "board.h"
#include "drivers.h"
#include "fram.h"
#include "hsx_errors.h"
#include "hsx_hal.h"
#include "sd.h"

static u32 size;
static u8 is_flash;

void nv_start(void) {
  size = fram_find();
  is_flash = size == 0;
  if (is_flash) size = BOARD_NV_BYTES;
}

hal_u8 nv_medium(void) { return is_flash ? NV_FLASH : NV_FRAM; }
u32 nv_size(void) { return size; }
hal_u16 nv_erase_size(void) { return is_flash ? BOARD_NV_PAGE : 0; }
hal_u8 nv_granule(void) { return is_flash ? BOARD_NV_GRANULE : 1; }

/** OK, or what stands in the way of an access: a card holds the port of the FRAM. */
static s8 refusal(u32 address, u32 len) {
  if (address > size || len > size - address) return ERR_IO;
  return nv_busy() ? ERR_BUSY : ERR_OK;
}

hal_s8 nv_read(u32 address, hal_u16 data, hal_u16 len) {
  const s8 err = refusal(address, len);
  if (err < 0 || len == 0) return err;
  u8 *into = hsx_at(data);
  if (!is_flash) return fram_read(address, into, len) ? ERR_OK : ERR_ABSENT;
  const u8 *from = (const u8 *)(BOARD_NV_BASE + address);
  while (len-- != 0) *into++ = *from++;
  return ERR_OK;
}
hal_s8 nv_program(u32 address, hal_u16 data, hal_u16 len) {
  const s8 err = refusal(address, len);
  if (err < 0) return err;
  if (!is_flash) return fram_write(address, hsx_at(data), len) ? ERR_OK : ERR_ABSENT;
  return flash_program(BOARD_NV_BASE + address, hsx_at(data), len);
}
hal_s8 nv_erase(u32 address) {
  if (!is_flash) return ERR_UNSUPPORTED;
  const s8 err = refusal(address, 1);
  return err < 0 ? err : flash_erase(BOARD_NV_BASE + address);
}
/** Both media are done when the call that started it returns; a card may hold the port of the FRAM. */
hal_s8 nv_busy(void) { return !is_flash && sd_holds_bus(); }
