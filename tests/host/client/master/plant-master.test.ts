// A master and its manifest, on benches of cores in Node: examples/plants, whose nodes come, go, differ and refuse.

import { beforeEach, describe, expect, it } from "vitest";
import type { CoreNode } from "../../../../host/client/bench/core-node.ts";
import { BenchClients } from "../../../../host/client/bench/sim-transport.ts";
import { BusMaster } from "../../../../host/client/bus/master.ts";
import { type Journal, MemoryJournal } from "../../../../host/client/master/journal.ts";
import { PlantMaster } from "../../../../host/client/master/plant-master.ts";
import type { PlantEvent } from "../../../../host/client/master/roster.ts";
import { readPlant } from "../../../../host/formats/plant-file.ts";
import { bootTime_ms } from "../../../../scripts/bench/bus-boot.ts";
import { benchOf } from "../../../drivers/bench.ts";
import { PLANT_IMAGES, plantText } from "../../../drivers/plants.ts";

function plantFile(text: string) {
  const { plant, diagnostics } = readPlant(text, "p.toml", (name) => {
    const bytes = PLANT_IMAGES.get(name);
    return bytes === undefined ? { message: `no ${name}`, remedy: "" } : { bytes };
  });
  if (plant === undefined) throw new Error(diagnostics[0]?.message);
  return plant;
}
const SLOTS = "slots = { count = 3, bytes = 4096 }";

let events: PlantEvent[];
beforeEach(() => {
  events = [];
});
const told = (kind: PlantEvent["kind"]) => events.filter((e) => e.kind === kind);

async function openPlant(
  bench: string,
  text = plantText("pumps"),
  more: { repairs?: boolean; journal?: Journal } = {},
) {
  const made = await benchOf(bench);
  const master = await BusMaster.open(new BenchClients(made).client());
  const { plant, images } = plantFile(text);
  const journal = more.journal ?? new MemoryJournal();
  const options = {
    plant,
    images: new Map(images.map(({ known, bytes }) => [known.crc, bytes])),
    repairs: more.repairs ?? false,
    journal,
    tell: (event: PlantEvent) => void events.push(event),
  };
  const local = (n: number) => (made.node(n) as CoreNode).local;
  return { bench: made, master, journal, options, local, plants: new PlantMaster(master, options) };
}
const THREE = "[[nodes]]\ncount = 3\n";
const names = (tasks: readonly { name: string }[]) => tasks.map(({ name }) => name).sort();

describe("a master with a manifest", () => {
  it("brings nodes that hold nothing up to date, group by group behind the health of the one before", async () => {
    const { plants, local } = await openPlant(THREE);
    expect(await plants.pass()).toBe(true);
    expect([1, 2, 3].map((n) => names(local(n).tasks()))).toEqual([
      ["pump", "supply"],
      ["pump"],
      ["pump"],
    ]);
    // supply is well between 2 and 8 bar, and rises by 0.5 each 100 ms: pumps.toml, supply.mvasm
    const order = events
      .filter((e) => e.kind === "loaded" || e.kind === "well")
      .map((e) => `${e.kind} ${e.app}`);
    expect(order.slice(0, 3)).toEqual(["loaded supply", "well supply", "loaded pump"]);
    expect(events.at(-1)?.kind).toBe("converged");
  });

  it("sets values once, and again only when the manifest says others", async () => {
    const { plants, local, journal, options, master } = await openPlant(THREE);
    await plants.pass();
    const speed = (n: number) =>
      local(n)
        .values()
        .find((v) => v.name === "speed")?.value;
    // 900 and 1200 as binary16
    expect([speed(1), speed(2), speed(3)]).toEqual([0x6308, 0x6308, 0x64b0]);
    const oid =
      local(2)
        .values()
        .find((v) => v.name === "speed")?.oid ?? 0;
    await master.node(2).setValue(oid, 0x6000);
    expect(await new PlantMaster(master, { ...options, journal }).pass()).toBe(true);
    expect(speed(2)).toBe(0x6000);
    const { plant } = plantFile(
      plantText("pumps")
        .replace("version = 3", "version = 4")
        .replace('"pump:speed" = 900', '"pump:speed" = 800'),
    );
    await new PlantMaster(master, { ...options, plant }).pass();
    expect(speed(2)).toBe(0x6240); // 800
  });

  it("configures nodes as the manifest says, but for what could cut them off", async () => {
    const text = plantText("pumps").replace("id = 2\n", "id = 2\nrole = 4\nbit_rate = 250\n");
    const { plants, local } = await openPlant(THREE, text);
    await plants.pass();
    expect(local(2).provision.config()).toMatchObject({
      id: 2,
      role: 4,
      bitRate: 500,
      sources: [2, 3], // sd, can: docs/persistence.md
      masterWait_ms: 200,
    });
    expect(local(2).provision.configState().state).toBe(1);
    expect(told("differs")).toMatchObject([
      { node: 2, text: "it has another id, bit rate or base" },
    ]);
  });

  it("sends nothing when all is as it should be", async () => {
    const { plants, bench } = await openPlant(THREE);
    await plants.pass();
    let data = 0;
    bench.onRecord = ({ event }) => {
      if (event.frame.id >= 0x600) data++;
    };
    events = [];
    expect(await plants.pass()).toBe(true);
    expect([data, events]).toEqual([0, []]);
  });

  it("stores images where there are slots, with their boot words", async () => {
    const { plants, local } = await openPlant(`[[nodes]]\ncount = 3\n${SLOTS}\n`);
    expect(await plants.pass()).toBe(true);
    const [supply] = local(1)
      .provision.apps()
      .filter(({ name }) => name === "supply");
    expect(supply).toMatchObject({ active: 0, boot: { restarts: 3, order: 0 } });
    const [pump] = local(3).provision.apps();
    expect(pump).toMatchObject({ name: "pump", boot: { restarts: 3, fallbackOnFault: true } });
  });

  it("gives a node that waits for it new images in slots, and values, in one look", async () => {
    const waits = plantText("pumps")
      .replace("master_wait = 200", "master_wait = 5000")
      .replace('["sd", "can"]', '["can"]');
    const made = await openPlant(`[[nodes]]\ncount = 3\n${SLOTS}\n`, waits);
    const { bench, local, master, options } = made;
    await made.plants.pass();
    bench.node(2).powerOff();
    bench.node(2).powerOn();
    await master.listen(500);
    expect(local(2).provision.isHeld()).toBe(true);
    const text = waits
      .replace('"pump:speed" = 900', '"pump:speed" = 800')
      .replace('id = 2\napps = ["pump"]', 'id = 2\napps = ["supply", "pump"]');
    const { plant } = plantFile(text);
    expect(await new PlantMaster(master, { ...options, plant }).pass()).toBe(true);
    expect(names(local(2).tasks())).toEqual(["pump", "supply"]);
    const speed = local(2)
      .values()
      .find((v) => v.name === "speed");
    expect(speed?.value).toBe(0x6240); // 800
  });

  it("takes a node that was switched off and on back in, while it runs", async () => {
    const { plants, bench, local, master } = await openPlant(THREE);
    const stop = new AbortController();
    const running = plants.run(stop.signal);
    bench.timeline.clock.after(8e9, () => bench.node(2).powerOff());
    bench.timeline.clock.after(8.5e9, () => bench.node(2).powerOn());
    bench.timeline.clock.after(12e9, () => stop.abort());
    await running;
    expect(names(local(2).tasks())).toEqual(["pump"]);
    expect(told("found").filter(({ node }) => node === 2)).toHaveLength(2);
    await master.close();
  });

  it("takes answers to a census, its own or another master's, for no news", async () => {
    const { plants, bench, master } = await openPlant(THREE);
    const stop = new AbortController();
    const running = plants.run(stop.signal);
    const sender = bench.connect();
    // CENSUS of master 5: docs/protocol.md
    bench.timeline.clock.after(9e9, () => {
      sender.send({ id: 0x405, data: new Uint8Array(8) });
    });
    bench.timeline.clock.after(8e9, () => {
      events = [];
    });
    bench.timeline.clock.after(22e9, () => stop.abort());
    await running;
    expect(events).toEqual([]);
    await master.close();
  });

  it("tells what differs at a node it has brought up to date, and puts it right when asked to", async () => {
    const { plants, local, master, options } = await openPlant(THREE);
    await plants.pass();
    const kill = async () => {
      const [task] = await master.node(3).tasks();
      await master.node(3).kill(task?.pid ?? 0);
    };
    await kill();
    expect(await plants.pass()).toBe(false);
    expect(told("differs")).toMatchObject([
      {
        node: 3,
        name: "south",
        app: "pump",
        text: "does not run",
        remedy: "add --repair, which puts it right",
      },
    ]);
    expect(local(3).tasks()).toEqual([]);
    await plants.pass();
    expect(told("differs")).toHaveLength(1);
    const repairing = new PlantMaster(master, { ...options, repairs: true });
    await repairing.pass();
    await kill();
    events = [];
    expect(await repairing.pass()).toBe(true);
    expect(told("repaired")).toMatchObject([{ node: 3, text: "pump loaded" }]);
    expect(names(local(3).tasks())).toEqual(["pump"]);
    expect(options.journal.entries.at(-1)).toMatchObject({
      kind: "repaired",
      app: "pump",
      what: "loaded",
    });
  });

  it("names apps that the manifest does not know, nodes it does not know, and nodes it misses", async () => {
    const { plants, master } = await openPlant(
      "[[nodes]]\nid = 1\n[[nodes]]\nid = 2\n[[nodes]]\nid = 77\n",
    );
    const blink = PLANT_IMAGES.get("blink.hxe") as Uint8Array;
    await master.load({ image: blink, nodes: [2] });
    expect(await plants.pass()).toBe(false);
    expect(told("unknown")).toMatchObject([{ node: 77 }]);
    expect(told("differs")).toMatchObject([
      { node: 2, text: "runs blink, which the manifest does not know" },
    ]);
    expect(plants.lacking.map(({ name }) => name)).toEqual(["south"]);
  });

  it("holds groups back behind one that does not come up well", async () => {
    const text = plantText("pumps").replace("min = 2, max = 8", "min = 20, max = 30");
    const { plants, local } = await openPlant(THREE, text);
    expect(await plants.pass()).toBe(false);
    expect(names(local(1).tasks())).toEqual(["supply"]);
    expect(local(2).tasks()).toEqual([]);
    expect(told("unwell")[0]).toMatchObject({ node: 1, app: "supply" });
    expect(told("unwell").at(-1)?.text).toBe("groups behind this one are held back");
  });

  it("goes on behind one that says so", async () => {
    const text = plantText("pumps")
      .replace("min = 2, max = 8", "min = 20, max = 30")
      .replace("health_limit = 5000 ", 'health_else = "go"\nhealth_limit = 5000 ');
    const { plants, local } = await openPlant(THREE, text);
    await plants.pass();
    expect(names(local(2).tasks())).toEqual(["pump"]);
  });

  it("comes to the same with the journal of a master that was ended at any entry", async () => {
    const whole = await openPlant(THREE);
    await whole.plants.pass();
    const entries = whole.journal.entries;
    expect(entries.length).toBeGreaterThan(3);
    for (let kept = 0; kept <= entries.length; kept++) {
      const again = await openPlant(THREE, undefined, {
        journal: new MemoryJournal(entries.slice(0, kept)),
      });
      expect(await again.plants.pass()).toBe(true);
      const nodes = [1, 2, 3].map((n) => names(again.local(n).tasks()));
      expect(nodes).toEqual([["pump", "supply"], ["pump"], ["pump"]]);
    }
  });

  it("has nodes that store nothing up 0.6 s behind their power, as 32 of them are in bench:boot", async () => {
    expect(await bootTime_ms(1, 8)).toBeLessThan(600);
  });

  it("notices a second master that changes nodes", async () => {
    const { plants, bench, master } = await openPlant(THREE);
    const stop = new AbortController();
    const running = plants.run(stop.signal);
    bench.timeline.clock.after(9e9, () => stop.abort());
    await master.listen(100);
    const sender = bench.connect();
    bench.timeline.clock.after(6e9, () => {
      // BOOT 2 of master 5 to node 2: docs/protocol.md
      sender.send({ id: 0x405, data: Uint8Array.of(2, 21, 2, 0, 0, 0, 0, 0) });
    });
    await running;
    expect(told("other-master")).toMatchObject([{ text: "master 5 changes nodes, too" }]);
  });
});
