// The form of bench files, for editors: docs/bench.schema.json is made of it.

import { z } from "zod";
import { BIT_RATES, FRAM_SIZES, NODE_KINDS } from "../host/formats/bench.ts";

const upTo = (max: number, min = 0) => z.number().int().min(min).max(max);
const ms = z.number().min(0).max(86_400_000);
const nodes = z
  .string()
  .optional()
  .describe(
    'numbers of nodes, which count from 1 in the order of the file: "1-4,7,!2"; default: all',
  );
const from = ms.optional().describe("ms from the beginning; default 0");
const to = ms.optional().describe("ms from the beginning; default: to the end");
const probability = z.number().min(0).max(1).describe("of each frame");

const fault = z.discriminatedUnion("kind", [
  z
    .strictObject({
      kind: z.literal("loss"),
      nodes,
      from,
      to,
      probability,
      burst: upTo(1000, 1).optional().describe("frames lost in a row"),
    })
    .describe("good frames that never get to a node"),
  z
    .strictObject({ kind: z.literal("errors"), nodes, from, to, probability })
    .describe("one of the nodes sees an error in a frame, which destroys it for all"),
  z
    .strictObject({
      kind: z.literal("babble"),
      from,
      to,
      id: upTo(0x7ff).optional().describe("identifier; default 0"),
    })
    .describe("somebody sends frames without a pause"),
  z
    .strictObject({ kind: z.literal("cut"), nodes, from, to })
    .describe("the cable to these nodes is cut: they reach each other and nobody else"),
  z
    .strictObject({ kind: z.literal("power"), nodes, from, to })
    .describe("these nodes have no power"),
]);

/** A bench file. */
export const BENCH = z.strictObject({
  bit_rate: z
    .literal([...BIT_RATES])
    .optional()
    .describe("kbit/s of the bus; default 500"),
  seed: upTo(0xffffffff).optional().describe("decides all that is left to chance; default 1"),
  latency: z
    .union([z.number().min(0).max(1000), z.array(z.number().min(0).max(1000)).length(2)])
    .optional()
    .describe("ms a frame takes between the bus and a client in the same process, or from and to"),
  nodes: z
    .array(
      z.strictObject({
        kind: z
          .enum(NODE_KINDS)
          .optional()
          .describe(
            "a core in Node of that profile, or the firmware on a simulated board; default small",
          ),
        count: upTo(250, 1).optional().describe("so many alike; ids and uids count up"),
        id: upTo(127)
          .optional()
          .describe("configured id of the first; 0: none; without, the lowest ids that are free"),
        uid: z
          .string()
          .regex(/^([0-9a-fA-F]{2}){1,16}$/)
          .optional()
          .describe(
            "of the first, in hexadecimal; without, one by chance; an avr has none of its own",
          ),
        role: upTo(255).optional(),
        fram: z
          .literal([...FRAM_SIZES])
          .optional()
          .describe("bytes of its FRAM; default 131072"),
        file: z
          .string()
          .optional()
          .describe("what the FRAM holds at first; without, a formatted store"),
        slots: z.strictObject({ count: upTo(14, 1), bytes: upTo(0xfff00, 256) }).optional(),
        apps: z.array(z.string()).optional().describe("images in its slots, started at power-on"),
        crystal: z
          .number()
          .min(0)
          .max(5000)
          .optional()
          .describe("its crystal is off by so many ppm at most"),
        ring: upTo(1024, 1)
          .optional()
          .describe("frames that may wait for a core in Node; default 16, as the AVR's driver has"),
        on: ms.optional().describe("ms after which its power comes; default 0"),
      }),
    )
    .min(1),
  faults: z.array(fault).optional(),
});
