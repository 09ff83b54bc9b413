// Sources that disagree, on whole nodes: the image that runs is the one docs/persistence.md, "Which source wins", names.

import { describe, expect, it } from "vitest";
import { Source } from "../../../assembly/spec/boot.ts";
import { TaskState } from "../../../assembly/spec/node.ts";
import { LocalNode } from "../../../host/client/local-node.ts";
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

/** The orders of the table: the default, with the card before and behind the host, and without one or the other. */
const ORDERS: readonly (readonly Source[])[] = [
  [],
  [Source.SD, Source.HOST],
  [Source.HOST, Source.SD],
  [Source.HOST],
  [Source.SD],
  [Source.CAN],
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
  if (order.length > 0) node.provision.setConfig({ sources: order });
  return nv;
}

/** Powers a node up whose host preloads an image before anything else happens, and lets it come to rest. */
async function start(nv: NvDevice, offers: readonly Source[]): Promise<LocalNode> {
  const sd = offers.includes(Source.SD) ? { sd: CARD } : {};
  const machine = new Machine({ nv, uid: UID, ...sd });
  const core = await Core.create(await coreModule("small"), machine);
  core.exports.hsx_start();
  const node = LocalNode.of(core);
  if (offers.includes(Source.HOST)) node.load(imageOf(Source.HOST));
  node.settle();
  node.run(50);
  return node;
}

const SETS: readonly (readonly Source[])[] = [
  [Source.STORED],
  [Source.HOST],
  [Source.SD],
  [Source.STORED, Source.HOST],
  [Source.STORED, Source.SD],
  [Source.HOST, Source.SD],
  [Source.STORED, Source.HOST, Source.SD],
];

describe.each(ORDERS.map((order) => [order.map((s) => Source[s]).join(", "), order] as const))(
  "with the order of sources [%s]",
  (_, order) => {
    it.each(SETS.map((set) => [set.map((s) => Source[s]).join(", "), set] as const))(
      "offered by %s",
      async (_names, offers) => {
        const nv = await deviceOf(order, offers.includes(Source.STORED));
        const node = await start(nv, offers);
        const counts = order.length === 0 ? DEFAULT : order;
        const first = counts.find((source) => offers.includes(source));
        // a host that loads by its own hand does so whatever the order says, as long as nothing else has the app
        const others = [Source.STORED, Source.HOST].find((source) => offers.includes(source));
        const wins = first ?? others;
        const live = node.tasks().filter((t) => t.state === TaskState.SLEEPING);
        const expected = wins === undefined ? [] : [[10 + wins, wins]];
        expect(live.map((t) => [t.regs[4], t.source])).toEqual(expected);
      },
    );
  },
);
