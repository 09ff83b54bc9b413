// Design faults that are planted one by one into what a proof is of, and whether it catches each.

import type { Figure } from "./figures.ts";
import type { Jobs, Work } from "./jobs.ts";

export class PlantedFaults {
  private caught = 0;
  private readonly missed: string[] = [];

  constructor(private readonly names: readonly string[]) {}

  /** Plants all of them, as many at a time as there are workers. `isCaught` tells whether the proof finds the one of a name. */
  plant<W extends Work>(
    jobs: Jobs<W>,
    isCaught: (name: string) => Promise<boolean>,
    say: (text: string) => void,
  ): Promise<void> {
    return jobs.each(this.names, async (name) => {
      say(`design fault: ${name}`);
      if (await isCaught(name)) this.caught++;
      else this.missed.push(name);
    });
  }

  figures(): Figure[] {
    const { caught, missed, names } = this;
    const note =
      missed.length === 0 ? "design faults planted one by one" : `missed: ${missed.join(", ")}`;
    return [
      { id: "faults_caught", value: caught, unit: "faults", must: `== ${names.length}`, note },
    ];
  }
}
