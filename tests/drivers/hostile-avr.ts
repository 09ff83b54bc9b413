// The AVR board with the firmware's own drivers under hostile frames.

import { AvrBoard, newMedia } from "../../host/boards/avr/board.ts";
import type { Firmware } from "../../host/boards/avr/firmware.ts";
import type { BoardMachine } from "../../host/client/board-node.ts";
import type { CanFrame } from "../../host/formats/can-frame.ts";
import { type BoardRig, startRig } from "./board-rig.ts";
import { noteRefusals, type Victim } from "./hostile.ts";

/** A frame of eight bytes at 500 kbit/s with its stuff bits at their most. */
const FRAME_US = 270;

class AvrVictim implements Victim {
  refusals = 0;

  constructor(
    private readonly rig: BoardRig<AvrBoard>,
    readonly fram: Uint8Array,
  ) {
    const { partner } = rig.machine.live;
    const hear = partner.onHeard;
    partner.onHeard = (frame) => {
      hear?.(frame);
      partner.heard.length = 0;
      this.refusals += noteRefusals(frame);
    };
  }
  get node() {
    return this.rig.node;
  }
  private get machine(): BoardMachine<AvrBoard> {
    return this.rig.machine;
  }

  send(frames: readonly CanFrame[]): void {
    const { partner } = this.machine.live;
    for (const frame of frames) partner.send(frame);
    this.machine.advance(frames.length * FRAME_US);
  }
  run(ms: number): void {
    this.machine.advance(ms * 1000);
  }
  trespass(): string | undefined {
    const { watchdog } = this.rig.board;
    return watchdog.bites === 0 ? undefined : `the watchdog bit ${watchdog.bites} times`;
  }
}

/** A victim that is the binary of the AVR firmware. */
export async function avrVictim(
  firmware: Firmware,
  media: Uint8Array,
  seed: number,
): Promise<Victim> {
  const fram = media.slice();
  const { eeprom } = newMedia();
  const board = new AvrBoard(firmware, { media: { fram, eeprom, sd: undefined }, seed });
  return new AvrVictim(await startRig(board), fram);
}
