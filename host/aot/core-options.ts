// How the core itself is translated: the memory of each profile, the HAL as C sees it.

import { Desktop, Large, Small, STATIC_ORIGIN } from "../../assembly/spec/limits.ts";
import type { CType, ImportShape, Target, TranslateOptions } from "./options.ts";

const RAM_LIMIT = {
  small: Small.RAM_LIMIT,
  "small-flash": Small.RAM_LIMIT,
  large: Large.RAM_LIMIT,
  desktop: Desktop.RAM_LIMIT,
} as const;

/** The HAL on 16 bits: addresses and lengths are short, an error is a small negative number, and a pin is one of those there are. */
const SHORT_HAL: Readonly<Record<string, ImportShape>> = {
  "hal.uart_write": { params: ["u16", "u16"], result: "s16" },
  "hal.uart_read": { params: ["u16", "u16"], result: "s16" },
  "hal.can_open": { params: ["u16"], result: "u16" },
  "hal.can_send": { params: ["u16", "u16", "u8"], result: "s8" },
  "hal.can_receive": { params: ["u16"], result: "s8" },
  "hal.can_pace": { params: ["u8"], result: "u16" },
  "hal.can_filter": { params: ["u16", "u16"], result: "s8" },
  "hal.nv_erase_size": { params: [], result: "u16" },
  "hal.nv_medium": { params: [], result: "u8" },
  "hal.nv_granule": { params: [], result: "u8" },
  "hal.nv_read": { params: ["u32", "u16", "u16"], result: "s8" },
  "hal.nv_program": { params: ["u32", "u16", "u16"], result: "s8" },
  "hal.nv_erase": { params: ["u32"], result: "s8" },
  "hal.nv_busy": { params: [], result: "s8" },
  "hal.sd_read": { params: ["u32", "u16"], result: "s8" },
  "hal.gpio_count": { params: [], result: "u8" },
  "hal.gpio_configure": { params: ["u8", "u8"], result: "s8" },
  "hal.gpio_read": { params: ["u8"], result: "s8" },
  "hal.gpio_write": { params: ["u8", "u8"], result: "s8" },
  "hal.gpio_release": { params: ["u8"], result: "s8" },
  "hal.gpio_edge": { params: [], result: "s16" },
  "hal.node_uid": { params: ["u16"], result: "s8" },
  "hal.node_firmware": { params: ["u16"], result: "s8" },
  "hal.node_reset_cause": { params: [], result: "u8" },
  "hal.node_reset": { params: ["u8"] },
};

/** What exports are passed on 16 bits. A caller passes the largest number of the type for what does not fit. */
const SHORT_EXPORTS: Readonly<Record<string, readonly CType[]>> = {
  hsx_poll: ["u16"],
  hsx_config_get: ["u8"],
  hsx_config_set: ["u8"],
  hsx_load_begin: ["u32", "u8", "u16", "u32", "u16"],
  hsx_load_data: ["u16"],
  hsx_task_info: ["u8"],
  hsx_task_kill: ["u8"],
  hsx_task_restart: ["u8"],
  hsx_task_pause: ["u8"],
  hsx_task_resume: ["u8"],
  hsx_task_step: ["u8"],
  hsx_reg_set: ["u8", "u8"],
  hsx_mem_read: ["u8", "u32", "u16"],
  hsx_mem_write: ["u8", "u32", "u16"],
  hsx_slot_info: ["u8"],
  hsx_value_info: ["u16"],
  hsx_value_get: ["u16"],
  hsx_value_set: ["u16"],
  hsx_value_persist: ["u16", "u8"],
  hsx_value_save: ["u16"],
  hsx_command_info: ["u16"],
  hsx_command_call: ["u16"],
  hsx_command_result: ["u16"],
  hsx_mailbox_info: ["u16"],
  hsx_mailbox_message: ["u16", "u16"],
  hsx_mailbox_open: ["u8", "u16"],
  hsx_mailbox_bind: ["u8", "u16", "u16", "u16"],
  hsx_mailbox_send: ["u8", "u16", "u16", "u16", "u16"],
  hsx_mailbox_receive: ["u8", "u16", "u16"],
  hsx_mailbox_peek: ["u8", "u16"],
  hsx_mailbox_tap: ["u8", "u16", "u8"],
  hsx_mailbox_close: ["u8", "u16"],
  hsx_pin_info: ["u8"],
  hsx_store_reset: ["u8"],
  hsx_store_next: ["u16"],
};

/** Where the MiniVM spends its time, and whoever checks an image. */
const HOT = ["vm/vm/vmRun", "crc/crcSum"];

export type CoreProfile = keyof typeof RAM_LIMIT;

/** Options for the core of a profile on a target. */
export function coreOptions(profile: CoreProfile, target: Target): TranslateOptions {
  const short = target === "avr" ? { imports: SHORT_HAL, exportParams: SHORT_EXPORTS } : {};
  return { target, low: STATIC_ORIGIN, high: RAM_LIMIT[profile], hot: HOT, ...short };
}
