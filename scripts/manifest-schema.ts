// The form of manifests, for editors: docs/manifest.schema.json is made of it.

import { z } from "zod";
import { CONFIRM_WORDS, ELSE_WORDS, HEALTH_WORDS } from "../host/formats/plant-apps.ts";
import { PLANT_SCHEMA, PROFILE_WORDS } from "../host/formats/plant-file.ts";
import { CALIBRATION } from "./calibration-schema.ts";

const upTo = (max: number, min = 0) => z.number().int().min(min).max(max);
const ms = upTo(0xffff);
const values = CALIBRATION.shape.values;
const number = z.union([z.number(), z.boolean(), z.strictObject({ bits: upTo(0xffff) })]);

/** Of [defaults], and of a node. */
const device = {
  profile: z.enum(PROFILE_WORDS).optional().describe("how large the node is; default small"),
  media: CALIBRATION.shape.media.describe("its non-volatile memory: fram:131072"),
  slots: CALIBRATION.shape.slots,
};
const { id: _, role, ...config } = CALIBRATION.shape.node.unwrap().shape;

/** The keys of an app, of [defaults] and of a node, for those who list them. */
export const APP = z.strictObject({
  image: z.string().describe("file of the image, beside this file"),
  group: z.string().optional().describe("start group; default: among the first"),
  ...CALIBRATION.shape.apps.unwrap().element.omit({ image: true }).shape,
  attempts: upTo(7)
    .optional()
    .describe("starts until a new image must be confirmed; default 0: at once"),
  confirm_after: z
    .enum(CONFIRM_WORDS)
    .optional()
    .describe("confirmed by time alone; default never"),
  health: z
    .union([
      z.enum(HEALTH_WORDS),
      z.strictObject({ value: z.string(), min: number.optional(), max: number.optional() }),
    ])
    .optional()
    .describe("when it is well; default: once it runs"),
  health_limit: ms.optional().describe("ms in which it must be well; default 0: any time"),
  health_else: z.enum(ELSE_WORDS).optional().describe("beyond the limit; default hold"),
  delay: ms.optional().describe("ms between its turn and its start"),
  group_base: upTo(255).optional().describe("added to the groups of its ids"),
  key_base: ms.optional().describe("added to its persist keys"),
  values: values.describe("set once; by name or key"),
});
export const DEFAULTS = z.strictObject({ ...config, ...device });
export const NODE = z.strictObject({
  id: upTo(127, 1).optional(),
  uid: z
    .string()
    .regex(/^([0-9a-fA-F]{2}){1,16}$/)
    .optional()
    .describe("1 to 16 bytes in hexadecimal"),
  role,
  apps: z.array(z.string()).max(14).optional().describe("names of apps"),
  values: z
    .record(z.string(), values.unwrap())
    .optional()
    .describe("by app; before those of the app"),
  ...config,
  ...device,
});

/** plant.toml */
export const MANIFEST = z.strictObject({
  schema: z.literal(PLANT_SCHEMA).describe("of this file"),
  plant: z.string().min(1).max(43).describe("name of the plant"),
  version: upTo(0xfffe, 1).optional().describe("a higher one is newer; default 1"),
  defaults: DEFAULTS.optional().describe("of every node"),
  groups: z
    .record(z.string(), z.strictObject({ after: z.array(z.string()).optional() }))
    .optional()
    .describe("start groups, and those they wait for"),
  apps: z.record(z.string(), APP).optional().describe("by name, at most 19 characters"),
  nodes: z.record(z.string(), NODE).describe("by name, at most 23 characters"),
});
