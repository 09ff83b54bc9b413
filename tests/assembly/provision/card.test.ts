// A node with a card: what it takes of a manifest, where images come from, what is set once, and what it does when the card is not
// as it should be.

import { describe, expect, it } from "vitest";
import { Source } from "../../../assembly/spec/boot.ts";
import { Err } from "../../../assembly/spec/errors.ts";
import { ManifestHealth, ManifestSelect } from "../../../assembly/spec/manifest.ts";
import { EventType, TaskState } from "../../../assembly/spec/node.ts";
import { f16FromNumber } from "../../../host/formats/f16.ts";
import { NvDevice } from "../../../host/node/nv.ts";
import { FatView } from "../../drivers/card-image.ts";
import { HEALTH, manifestOf, plantApp, plantCard, UID } from "../../drivers/card-plant.ts";
import { guestOf } from "../../drivers/guest.ts";
import { type NodeRig, startNode } from "../../drivers/node.ts";

const LOOP = "loop:\n LDI R0, 1000\n SVC 0x600\n JMP loop\n";
const WELL = `SVC 0x602\n${LOOP}`;
/** Has a value 1.1 with key 7, 1 at first. */
const KEEPS = `.value {"group":1,"id":1,"name":"v","init":1,"persist_key":7}\n`;
const imageOf = (n: number, name = "app", source = LOOP) =>
  guestOf(`LDI R4, ${n}\n${source}`, name).image;
const A1 = imageOf(1);
const A2 = imageOf(2);
const B1 = imageOf(11, "other");
const KEEPER = guestOf(`${KEEPS}LDI R4, 5\n${LOOP}`, "keeper").image;

function fresh(slots = 0): NvDevice {
  return new NvDevice(new Uint8Array(512 + slots * 2048).fill(0xff));
}
async function boot(nv: NvDevice | undefined, sd?: Uint8Array): Promise<NodeRig> {
  return startNode("small", { uid: UID, ...(nv && { nv }), ...(sd && { sd }) });
}
/** A device with a formatted store, and slots. */
async function formatted(slots = 0): Promise<NvDevice> {
  const nv = fresh(slots);
  const rig = await boot(nv);
  rig.node.formatStore(60);
  if (slots > 0) rig.node.provision.formatSlots(slots, 2048);
  return nv;
}
/** What runs: R4 of each live task with its source. */
function running({ node }: NodeRig): [number, Source][] {
  node.run(20);
  return node.tasks().map((t) => [t.regs[4] as number, t.source]);
}
function cardEvents({ node }: NodeRig): string[] {
  return node
    .events()
    .filter((e) => e.type === EventType.CARD || e.type === EventType.UNWELL)
    .map((e) => `${EventType[e.type]} ${e.type === EventType.CARD ? (Err[-e.a] ?? e.a) : e.a}`);
}

describe("a card with a manifest", () => {
  it("brings the apps of the node up, at each start, and says so", async () => {
    const card = plantCard(manifestOf([plantApp(A1, "A.HXE"), plantApp(B1, "B.HXE")]), {
      "A.HXE": A1,
      "B.HXE": B1,
    });
    const nv = await formatted();
    for (let n = 0; n < 2; n++) {
      const rig = await boot(nv, card);
      expect(running(rig)).toEqual([
        [1, Source.SD],
        [11, Source.SD],
      ]);
      expect(cardEvents(rig)).toEqual(["CARD OK"]);
    }
    const bare = await boot(nv);
    expect(running(bare)).toEqual([]);
    expect(cardEvents(bare)).toEqual([]);
  });

  it("needs no store for its apps", async () => {
    const card = plantCard(manifestOf([plantApp(A1, "A.HXE")]), { "A.HXE": A1 });
    expect(running(await boot(undefined, card))).toEqual([[1, Source.SD]]);
  });

  it("is the node's by UID before id before role", async () => {
    const nv = await formatted();
    const rig = await boot(nv);
    rig.node.provision.setConfig({ role: 3 });
    const byRole = { kind: ManifestSelect.ROLE, number: 3 } as const;
    const files = { "A.HXE": A1 };
    const role = plantCard(manifestOf([plantApp(A1, "A.HXE")], { select: byRole }), files);
    expect(running(await boot(nv, role))).toEqual([[1, Source.SD]]);
    const other = { kind: ManifestSelect.ROLE, number: 4 } as const;
    const none = await boot(
      nv,
      plantCard(manifestOf([plantApp(A1, "A.HXE")], { select: other }), files),
    );
    expect(running(none)).toEqual([]);
    expect(cardEvents(none)).toEqual(["CARD MANIFEST_NODE"]);
  });

  it("gives the memory of the card back", async () => {
    const card = plantCard(manifestOf([plantApp(A1, "A.HXE")]), { "A.HXE": A1 });
    const withCard = await boot(undefined, card);
    const without = await boot(undefined);
    without.node.load(A1);
    running(withCard);
    running(without);
    expect(withCard.node.memory().freeBytes).toBe(without.node.memory().freeBytes);
  });
});

describe("values of a manifest", () => {
  const cardOf = (x: number, version = 1) =>
    plantCard(manifestOf([plantApp(KEEPER, "K.HXE", { values: { 257: [7, x] } })], { version }), {
      "K.HXE": KEEPER,
    });
  const keptBy = ({ node }: NodeRig) => node.values().find((v) => v.oid === 257)?.value;

  it("are set once for each content; what is changed afterwards stays", async () => {
    const nv = await formatted();
    const card = cardOf(3);
    const rig = await boot(nv, card);
    expect(keptBy(rig)).toBe(f16FromNumber(3));
    rig.node.setValue(257, f16FromNumber(8));
    rig.node.run(2000);
    const written = nv.bytesProgrammed;
    const again = await boot(nv, card);
    expect(keptBy(again)).toBe(f16FromNumber(8));
    expect(nv.bytesProgrammed).toBe(written);
    expect(keptBy(await boot(nv, cardOf(4, 2)))).toBe(f16FromNumber(4));
  });

  it("of an older version, or of another plant, are not taken, and nothing else of it", async () => {
    const nv = await formatted();
    await boot(nv, cardOf(4, 2));
    const old = await boot(nv, cardOf(3, 1));
    expect(cardEvents(old)).toEqual(["CARD MANIFEST_OLD"]);
    expect(running(old)).toEqual([]);
    const other = plantCard(manifestOf([plantApp(KEEPER, "K.HXE")], { name: "elsewhere" }), {
      "K.HXE": KEEPER,
    });
    expect(cardEvents(await boot(nv, other))).toEqual(["CARD MANIFEST_PLANT"]);
  });

  it("come with the configuration, which holds at once", async () => {
    const nv = await formatted();
    const config = {
      id: 9,
      role: 2,
      bitRate: 250,
      baseId: 0,
      changeLevel: 0,
      sources: [Source.SD],
      masterWait_ms: 0,
      cardWait_ms: 0,
    };
    const card = plantCard(manifestOf([plantApp(A1, "A.HXE")], { config }), { "A.HXE": A1 });
    const rig = await boot(nv, card);
    expect(rig.node.provision.config()).toMatchObject(config);
    expect(running(rig)).toEqual([[1, Source.SD]]);
    rig.node.provision.setConfig({ role: 5 });
    const again = await boot(nv, card);
    expect(again.node.provision.config()).toMatchObject({ ...config, role: 5 });
  });
});

describe("of a stored image and one on the card", () => {
  const cardOf = (image: Uint8Array) =>
    plantCard(manifestOf([plantApp(image, "A.HXE")]), { "A.HXE": image });

  async function stored(...images: Uint8Array[]): Promise<NvDevice> {
    const nv = await formatted(3);
    const { provision } = (await boot(nv)).node;
    for (const image of images) provision.activate(provision.stage(image));
    return nv;
  }

  it("the card's runs, and the stored one again without the card", async () => {
    const nv = await stored(A1);
    expect(running(await boot(nv, cardOf(A2)))).toEqual([[2, Source.SD]]);
    expect(running(await boot(nv))).toEqual([[1, Source.STORED]]);
  });

  it("the stored one runs where the card is not among the sources", async () => {
    const nv = await stored(A1);
    (await boot(nv)).node.provision.setConfig({ sources: [Source.CAN] });
    expect(running(await boot(nv, cardOf(A2)))).toEqual([[1, Source.STORED]]);
  });

  it("the same one is not read from the card", async () => {
    const nv = await stored(A1);
    const card = new FatView(cardOf(A1));
    card.image.fill(0, card.place(card.startOf(card.find("A       HXE"))));
    expect(running(await boot(nv, card.image))).toEqual([[1, Source.STORED]]);
  });

  it("the stored one runs when the card's is not the one that was announced", async () => {
    const nv = await stored(A1);
    const card = new FatView(cardOf(A2));
    const at = card.place(card.startOf(card.find("A       HXE")));
    card.image[at + 100] = (card.image[at + 100] as number) ^ 1;
    const rig = await boot(nv, card.image);
    expect(running(rig)).toEqual([[1, Source.STORED]]);
    expect(cardEvents(rig)[1]).toMatch(/^CARD (CARD_IMAGE|HXE_)/);
  });

  it("an app that the manifest does not name runs as well", async () => {
    const nv = await stored(B1);
    expect(running(await boot(nv, cardOf(A2)))).toEqual([
      [2, Source.SD],
      [11, Source.STORED],
    ]);
  });
});

describe("start groups", () => {
  const FIRST = imageOf(1, "first", WELL);
  const SECOND = imageOf(2, "second");
  const files = { "A.HXE": FIRST, "B.HXE": SECOND };
  const cardOf = (health: Partial<typeof HEALTH>, delay_ms = 0, image = FIRST) =>
    plantCard(
      manifestOf([
        plantApp(SECOND, "B.HXE", { group: 2, delay_ms }),
        plantApp(image, "A.HXE", { group: 1, health: { ...HEALTH, ...health } }),
      ]),
      { ...files, "A.HXE": image },
    );

  it("start in order, each app after its delay", async () => {
    const rig = await boot(undefined, cardOf({ when: ManifestHealth.CONFIRMED }, 500));
    rig.node.run(600);
    const times = rig.node
      .events()
      .filter((e) => e.type === EventType.LOADED)
      .map((e) => e.ms);
    expect(running(rig).map(([n]) => n)).toEqual([1, 2]);
    expect((times[1] as number) - (times[0] as number)).toBeGreaterThanOrEqual(500);
  });

  it("wait for an app that is not well, until whoever holds them lets them go", async () => {
    const silent = imageOf(1, "first");
    const rig = await boot(undefined, cardOf({ when: ManifestHealth.CONFIRMED }, 0, silent));
    expect(running(rig).map(([n]) => n)).toEqual([1]);
    rig.node.run(5000);
    expect(running(rig).map(([n]) => n)).toEqual([1]);
  });

  it("are told when an app is not well in its time, and go on or not as the manifest says", async () => {
    const silent = imageOf(1, "first");
    const limit = { when: ManifestHealth.CONFIRMED, limit_ms: 300 };
    const strict = await boot(undefined, cardOf(limit, 0, silent));
    strict.node.run(1000);
    expect(cardEvents(strict)).toEqual(["CARD OK", "UNWELL 1", "CARD UNWELL"]);
    expect(running(strict).map(([n]) => n)).toEqual([1]);
    const lax = await boot(undefined, cardOf({ ...limit, goesOn: true }, 0, silent));
    lax.node.run(1000);
    expect(cardEvents(lax)).toEqual(["CARD OK", "UNWELL 1"]);
    expect(running(lax).map(([n]) => n)).toEqual([1, 2]);
  });
});

describe("a card that is not as it should be", () => {
  const good = () => plantCard(manifestOf([plantApp(A1, "A.HXE")]), { "A.HXE": A1 });

  it.each([
    [
      "damaged manifest",
      "CARD MANIFEST_DAMAGED",
      (c: FatView, at: number) => (c.image[at + 70] = 0xee),
    ],
    ["no manifest", "CARD MANIFEST_FORMAT", (c: FatView, at: number) => (c.image[at] = 0)],
    [
      "manifest of a later format",
      "CARD MANIFEST_FORMAT",
      (c: FatView, at: number) => (c.image[at + 4] = 2),
    ],
  ])("%s: %s", async (_, event, spoil) => {
    const card = new FatView(good());
    spoil(card, card.place(card.startOf(card.find("HSX     HXM"))));
    const rig = await boot(await formatted(), card.image);
    expect(cardEvents(rig)).toEqual([event]);
    expect(running(rig)).toEqual([]);
  });

  it("without a manifest, or unformatted", async () => {
    const card = new FatView(good());
    card.image[card.find("HSX     HXM")] = 0xe5;
    expect(cardEvents(await boot(undefined, card.image))).toEqual(["CARD CARD_NO_FILE"]);
    expect(cardEvents(await boot(undefined, new Uint8Array(1 << 20)))).toEqual(["CARD CARD_BLANK"]);
  });

  it("without the file of an app: others start all the same", async () => {
    const card = plantCard(manifestOf([plantApp(A1, "A.HXE"), plantApp(B1, "B.HXE")]), {
      "B.HXE": B1,
    });
    const rig = await boot(undefined, card);
    expect(cardEvents(rig)).toEqual(["CARD OK", "CARD CARD_NO_FILE", "UNWELL 0"]);
    expect(running(rig)).toEqual([[11, Source.SD]]);
  });
});

it("a task tells where its image came from", async () => {
  const rig = await boot(undefined);
  rig.node.load(A1);
  expect(running(rig)).toEqual([[1, Source.HOST]]);
  expect(rig.node.tasks()[0]?.state).toBe(TaskState.SLEEPING);
});
