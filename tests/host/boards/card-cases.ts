// What the SD driver of every board does with a card: the same cases for all of them.

import { expect, it } from "vitest";
import type { SdCard, SdOptions } from "../../../host/boards/devices/sd-card.ts";
import type { Board } from "../../../host/boards/live.ts";
import type { BoardRig, CardReader } from "../../drivers/board-rig.ts";

/** A board with a socket for a card. */
interface CardBoard extends Board {
  readonly sd: SdCard;
  pullCard(): void;
  insertCard(): void;
}
interface WithCard<B extends CardBoard> extends CardReader {
  readonly rig: BoardRig<B>;
}

/** The cases. `withCard` starts a board with a card of 2,048 blocks, `expectManageable` looks whether its node still works. */
export function cardCases<B extends CardBoard>(
  withCard: (sd: SdOptions) => Promise<WithCard<B>>,
  expectManageable: (rig: BoardRig<B>) => void,
): void {
  it.each([false, true])("is read block by block, high capacity %s", async (isHighCapacity) => {
    const { rig, blocks, read } = await withCard({ isHighCapacity });
    expect(blocks()).toBe(2048);
    expect([read(7), read(2047), read(0)]).toEqual([
      ["OK", 7, 0],
      ["OK", 255, 0],
      ["OK", 0, 0],
    ]);
    expect(read(2048)[0]).toBe("IO");
    expectManageable(rig);
  });

  it("with a block that cannot be read, or comes damaged: IO, and the next block is read", async () => {
    const { rig, read } = await withCard({ isHighCapacity: true });
    rig.board.sd.badBlocks.add(5);
    rig.board.sd.spoiledBlocks.add(6);
    expect([read(5)[0], read(6)[0], read(7)]).toEqual(["IO", "IO", ["OK", 7, 0]]);
    expectManageable(rig);
  });

  it("gives the block up that nobody waits for when another one is asked for", async () => {
    const { rig, read, ask } = await withCard({ isHighCapacity: true, access_us: 5000 });
    ask(9);
    expect(read(7)).toEqual(["OK", 7, 0]);
    expectManageable(rig);
  });

  it.each([undefined, 20_000])(
    "pulled in the middle of a read: ABSENT or IO soon, no blocks, and back when it is put in again (access time %s us)",
    async (access_us) => {
      const options = { isHighCapacity: true, ...(access_us !== undefined && { access_us }) };
      const { rig, blocks, read } = await withCard(options);
      const [err] = read(9, (n) => {
        if (n === 1) rig.board.pullCard();
      });
      expect(["ABSENT", "IO"]).toContain(err);
      rig.machine.advance(50_000);
      expect(blocks()).toBe(0);
      expectManageable(rig);
      rig.board.insertCard();
      rig.machine.advance(1_500_000);
      expect(blocks()).toBe(2048);
      expect(read(9)).toEqual(["OK", 9, 0]);
    },
  );
}
