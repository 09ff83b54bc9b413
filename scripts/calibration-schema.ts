// The form of calibration files, for editors: docs/calibration.schema.json is made of it.

import { z } from "zod";

const number = z.union([
  z.number(),
  z.boolean(),
  z.strictObject({ bits: z.number().int().min(0).max(0xffff) }).describe("a binary16 by its bits"),
]);
const values = z
  .record(z.string(), z.union([number, z.record(z.string(), number)]))
  .describe('by key, 0x0201 or 513, or by name, "group:name"; a table holds the values of a group');
const upTo = (max: number, min = 0) => z.number().int().min(min).max(max);
const source = z.enum(["stored", "host", "sd", "can", "serial"]);

/** A calibration file. */
export const CALIBRATION = z.strictObject({
  schema: upTo(255).optional().describe("number of the key schema"),
  media: z
    .string()
    .optional()
    .describe("the device: fram:8192, eeprom:4096, eeprom8:512, flash8:4096"),
  cells: upTo(1020, 1).optional().describe("cells of the store; default: as many as fit"),
  values: values.optional().describe("what the node has been set to"),
  factory: values.optional().describe("what a factory reset can come back to"),
  node: z
    .strictObject({
      id: upTo(255).optional(),
      role: upTo(255).optional(),
      bit_rate: upTo(0xffff).optional().describe("kbit/s of the bus"),
      base_id: upTo(0x7ff).optional().describe("first CAN identifier of the node's frames"),
      change_level: upTo(3)
        .optional()
        .describe("level a master needs to change the node: 1 user, 2 admin, 3 factory"),
      sources: z
        .array(source.exclude(["stored"]))
        .max(4)
        .optional()
        .describe("where images come from, the first that has one wins"),
      master_wait: upTo(0xffff).optional().describe("ms to wait for a master"),
      card_wait: upTo(0xffff).optional().describe("ms to wait for a card"),
    })
    .optional()
    .describe("configuration of the node; 0 or nothing: the board's"),
  slots: z
    .strictObject({ count: upTo(14), bytes: upTo(0xfff00, 256) })
    .optional()
    .describe("room for images behind the store"),
  apps: z
    .array(
      z.strictObject({
        image: z.string().describe("file of the image, beside this file"),
        order: upTo(15).optional().describe("at power-on, lower ones first"),
        restarts: upTo(7).optional().describe("after a fault"),
        fallback_on_fault: z.boolean().optional(),
        source: source.optional().describe("where the image comes from when no slot holds it"),
        quantum: upTo(16384)
          .optional()
          .describe("instructions a turn, a power of two; 0: the node's"),
      }),
    )
    .optional()
    .describe("apps to store, each in the next slot"),
});
