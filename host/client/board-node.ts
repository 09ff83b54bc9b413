// A node on a simulated board: its verbs call the core in the firmware's binary between two turns of its main loop.

import { functionsOf } from "../boards/debug-port.ts";
import { APP_PINS, type Board, LiveBoard } from "../boards/live.ts";
import type { CanFrame } from "../formats/can-frame.ts";
import type { CoreExports, Engine } from "../node/core.ts";
import type { Machine, NodeMachine } from "../node/hal.ts";
import { LocalNode, type NodeOptions } from "./local-node.ts";

/** Who listens to the board. */
export interface BoardEvents {
  onUart?(bytes: Uint8Array): void;
  onCan?(frame: CanFrame): void;
  onPin?(pin: number, level: number | undefined): void;
}

/** Virtual time that a poll takes at least, so that the firmware gets on with its own. */
const US_PER_POLL = 1;

/** A board as the machine of a node. Time is what its chip takes; the HAL is the firmware's own. */
export class BoardMachine<B extends Board = Board> implements NodeMachine {
  readonly live: LiveBoard;
  readonly pins: Machine["pins"];
  private readonly cyclesPerUs: number;

  constructor(
    readonly board: B,
    events: BoardEvents = {},
  ) {
    this.live = new LiveBoard(board, {
      onUart: (byte) => events.onUart?.(Uint8Array.of(byte)),
      onCan: ({ id, data }) => events.onCan?.({ id, data }),
      onPin: (pin, level) => events.onPin?.(pin, level),
    });
    this.cyclesPerUs = board.chip.clock.hz / 1e6;
    this.pins = Array.from({ length: APP_PINS }, () => ({
      mode: 0,
      driven: undefined,
      applied: 0,
    }));
  }

  /** Cycles of its CPU since power-on. */
  get cycles(): number {
    return this.live.now;
  }
  get now_us(): number {
    return this.live.now / this.cyclesPerUs;
  }
  advance(us: number): void {
    this.live.advance(us * this.cyclesPerUs);
  }
  pinLevel(pin: number): number {
    return this.board.pinLevel(pin);
  }
  applyPin(pin: number, level: 0 | 1): void {
    this.board.applyPin(pin, level);
  }
  typeConsole(bytes: Iterable<number>): void {
    this.board.type(bytes);
  }
  /** Puts a frame on the bus; what becomes of it is the firmware's. */
  receiveFrame({ id, data }: CanFrame): "taken" {
    this.live.partner.send({ id, data });
    return "taken";
  }
  attach(): void {}
  /** The firmware has a HAL of its own. */
  imports(): ReturnType<NodeMachine["imports"]> {
    return {} as ReturnType<NodeMachine["imports"]>;
  }

  /** The core in the running firmware. It has started itself, and polls itself. */
  engine(): Engine {
    const { live, board } = this;
    live.advance(0);
    const functions = functionsOf(live.port, board.firmware.exports);
    const touching = Object.entries(functions).map(([symbol, call]) => [
      symbol,
      (...args: number[]) => {
        live.touch();
        return call(...args);
      },
    ]);
    const exports = {
      ...Object.fromEntries(touching),
      memory: { buffer: board.memory },
      hsx_start: () => {},
      hsx_poll: () => {
        this.advance(US_PER_POLL);
        return 0;
      },
    };
    return { instantiate: () => exports as unknown as CoreExports };
  }
}

/** Powers a board up and waits until its node has mounted its store. */
export async function startBoardNode(
  machine: BoardMachine,
  options: NodeOptions = {},
): Promise<LocalNode> {
  return LocalNode.start(machine.engine(), machine, options);
}
