// What lives through a reset, at a fixed place in SRAM behind the vector table: between bootloader and firmware, and for the
// firmware itself. docs/boards.md has it byte by byte.
#pragma once

#include "hsx_types.h"

typedef volatile struct {
  u32 magic;   // HANDOVER_MAGIC, or nothing of this holds
  u32 csr;     // RCC_CSR as the bootloader found it
  u32 request; // what the firmware asks of the bootloader: REQUEST_*
  u32 trap;    // why the firmware stopped itself: a code of hsx_trap(), or TRAP_FAULT
  u32 address; // where
} handover;

#define HANDOVER ((handover *)0x200000E0)
#define HANDOVER_MAGIC 0x42585348u // "HSXB"
enum { REQUEST_NONE = 0, REQUEST_STAY = 1, TRAP_NONE = 0, TRAP_FAULT = 0x10000 };
