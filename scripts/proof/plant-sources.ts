// Rows of proof:boot about the nodes of the example plants: the same from every source, on every chip.

import { CHIPS } from "../../tests/drivers/chip-board.ts";
import {
  comparePlantNode,
  PLANT_SOURCES,
  type PlantComparison,
  plantCases,
  plantNodeName,
} from "../../tests/drivers/plant-sources.ts";
import type { Figure } from "../figures.ts";
import { readChips } from "../firmware/chips.ts";
import type { Jobs } from "../jobs.ts";

/** A node comes up fifteen times, some seconds of its time each. */
const PATIENCE_S = 1800;
/** The node whose values are spoilt, so that the comparison must tell. */
const SPOILT = "single.heater";

interface Piece {
  readonly name: string;
  readonly isSpoilt: boolean;
}

/** What workers are asked for. */
export const plantWork = {
  comparePlant: ({ name, isSpoilt }: Piece): Promise<PlantComparison> => {
    const sources = isSpoilt ? (["host"] as const) : PLANT_SOURCES;
    return comparePlantNode(name, readChips(), CHIPS, sources, isSpoilt);
  },
};

/** Brings every node of every example plant up; figures are added as they come. */
export async function provePlants(jobs: Jobs<typeof plantWork>, figures: Figure[]): Promise<void> {
  const names = plantCases("avr").map(plantNodeName);
  const sum: PlantComparison = { runs: 0, items: 0, differences: [] };
  await jobs.each(names, async (name) => {
    const lost = (why: string) => ({ runs: 0, items: 0, differences: [`${name}: ${why}`] });
    const one = await jobs.doOr("comparePlant", { name, isSpoilt: false }, PATIENCE_S, lost);
    sum.runs += one.runs;
    sum.items += one.items;
    sum.differences.push(...one.differences);
  });
  for (const text of sum.differences) process.stderr.write(`${text}\n`);
  const all = names.length * CHIPS.length * PLANT_SOURCES.length;
  const how = `${names.length} nodes by ${PLANT_SOURCES.join(", ")} on ${CHIPS.join(", ")}; ${sum.items} things compared, each between all runs of its node`;
  const { differences } = await jobs.do("comparePlant", { name: SPOILT, isSpoilt: true });
  figures.push(
    { id: "plants.runs", value: sum.runs, unit: "nodes", must: `== ${all}`, note: how },
    { id: "plants.different", value: sum.differences.length, unit: "things", must: "== 0" },
    {
      id: "plants.spoilt_told",
      value: differences.length > 0 ? 1 : 0,
      unit: "faults",
      must: "== 1",
      note: "one bit of one value",
    },
  );
}
