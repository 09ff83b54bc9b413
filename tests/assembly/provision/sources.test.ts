// Sources that disagree, on whole nodes: the image that runs is the one docs/persistence.md, "Which source wins", names.

import { crc32 } from "node:zlib";
import { describe, expect, it } from "vitest";
import { Source } from "../../../assembly/spec/boot.ts";
import { BeginMode, FRAME_BASE_DEFAULT, Select, WindowFlag } from "../../../assembly/spec/frame.ts";
import { TaskState } from "../../../assembly/spec/node.ts";
import { LocalNode } from "../../../host/client/local-node.ts";
import { encodeFrame, encodeSerial, type Frame } from "../../../host/formats/frame.ts";
import { Core } from "../../../host/node/core.ts";
import { Machine } from "../../../host/node/hal.ts";
import { NvDevice } from "../../../host/node/nv.ts";
import { manifestOf, plantApp, plantCard, UID } from "../../drivers/card-plant.ts";
import { guestOf } from "../../drivers/guest.ts";
import { coreModule } from "../../drivers/node.ts";

const LOOP = "loop:\n LDI R0, 1000\n SVC 0x600\n JMP loop\n";
/** One image of one app for each source; R4 tells which. */
const imageOf = (source: Source) => guestOf(`LDI R4, ${10 + source}\n${LOOP}`, "app").image;
const SD_IMAGE = imageOf(Source.SD);
const CARD = plantCard(manifestOf([plantApp(SD_IMAGE, "A.HXE")]), { "A.HXE": SD_IMAGE });

/** The orders of the table: the default, each source before and behind the card, and without one or the other. */
const ORDERS: readonly (readonly Source[])[] = [
  [],
  [Source.SD, Source.HOST],
  [Source.HOST, Source.SD],
  [Source.SD, Source.CAN, Source.SERIAL],
  [Source.CAN, Source.SERIAL, Source.SD],
  [Source.SERIAL, Source.SD, Source.CAN, Source.HOST],
  [Source.HOST],
  [Source.SD],
  [Source.CAN],
  [Source.SERIAL],
];
/** What the table says, written down: the first of the order that offers, else what is stored. */
const DEFAULT = [Source.HOST, Source.SD, Source.CAN, Source.SERIAL];

/** A device with a store whose node counts sources in this order, with an image in a slot where one is stored. */
async function deviceOf(order: readonly Source[], isStored: boolean): Promise<NvDevice> {
  const nv = new NvDevice(new Uint8Array(512 + 2 * 2048).fill(0xff));
  const node = await LocalNode.start(await coreModule("small"), new Machine({ nv, uid: UID }));
  node.formatStore(60);
  node.provision.formatSlots(2, 2048);
  if (isStored) node.provision.activate(node.provision.stage(imageOf(Source.STORED)));
  const sources = order.length > 0 ? { sources: order } : {};
  node.provision.setConfig({ id: 1, masterWait_ms: WAIT_MS, ...sources });
  return nv;
}
/** How long the node waits for its master. */
const WAIT_MS = 400;
/** Longer than the wait, a card and a load. */
const ALL_MS = 1000;

/** Loads an image by the frames of docs/protocol.md, as a master does, in the place of the app of that name. */
function bring(node: LocalNode, image: Uint8Array, send: (frame: Frame) => void): void {
  const session = 0x21;
  let sequence = 0;
  const ask = (verb: string, args: object) => {
    sequence = (sequence + 1) & 7;
    const frame = { kind: "request", master: 0, target: 0, sequence, verb, args };
    send({ ...frame, args: { session, ...args } } as Frame);
    node.run(3);
  };
  ask("SELECT", { kind: Select.ALL, bits: 0 });
  ask("BEGIN", { mode: BeginMode.RUN | BeginMode.REPLACE, total: image.length, counts: 0 });
  ask("BEGIN_CRC", { slot: 255, crc: crc32(image) });
  ask("WINDOW", { window: 0, flags: WindowFlag.STREAM });
  for (let index = 0; 8 * index < image.length; index++) {
    send({ kind: "data", parity: 0, index, bytes: image.subarray(8 * index, 8 * index + 8) });
    node.run(1);
  }
  node.run(20);
}

/** Powers a node up whose host preloads an image before anything else happens, and whose masters do while it waits for them. */
async function start(nv: NvDevice, offers: readonly Source[]): Promise<LocalNode> {
  const sd = offers.includes(Source.SD) ? { sd: CARD } : {};
  const machine = new Machine({ nv, uid: UID, ...sd });
  const core = await Core.create(await coreModule("small"), machine);
  core.exports.hsx_start();
  const node = LocalNode.of(core);
  if (offers.includes(Source.HOST)) node.load(imageOf(Source.HOST));
  node.run(50);
  if (offers.includes(Source.CAN))
    bring(node, imageOf(Source.CAN), (frame) =>
      machine.receiveFrame(encodeFrame(FRAME_BASE_DEFAULT, frame)),
    );
  if (offers.includes(Source.SERIAL))
    bring(node, imageOf(Source.SERIAL), (frame) =>
      machine.typeConsole(encodeSerial(encodeFrame(0, frame))),
    );
  node.run(ALL_MS);
  node.settle();
  return node;
}

const ALL = [Source.STORED, Source.HOST, Source.SD, Source.CAN, Source.SERIAL];
/** Each source alone, every pair and every triple of them. */
const SETS: readonly (readonly Source[])[] = Array.from({ length: 1 << ALL.length }, (_, bits) =>
  ALL.filter((_, n) => (bits >> n) & 1),
).filter((set) => set.length >= 1 && set.length <= 3);

describe.each(ORDERS.map((order) => [order.map((s) => Source[s]).join(", "), order] as const))(
  "with the order of sources [%s]",
  (_, order) => {
    it.each(SETS.map((set) => [set.map((s) => Source[s]).join(", "), set] as const))(
      "offered by %s",
      async (_names, offers) => {
        const nv = await deviceOf(order, offers.includes(Source.STORED));
        const node = await start(nv, offers);
        const counts = order.length === 0 ? DEFAULT : order;
        // who loads by his own hand does so whatever the order says; the last one's is there when the boot comes to the app
        const byHand = [Source.HOST, Source.CAN, Source.SERIAL].findLast((s) => offers.includes(s));
        const offered = new Set([byHand, ...offers.filter((s) => s === Source.SD)]);
        const first = counts.find((source) => offered.has(source));
        const wins = first ?? (offers.includes(Source.STORED) ? Source.STORED : byHand);
        const live = node.tasks().filter((t) => t.state === TaskState.SLEEPING);
        const expected = wins === undefined ? [] : [[10 + wins, wins]];
        expect(live.map((t) => [t.regs[4], t.source])).toEqual(expected);
      },
    );
  },
);
