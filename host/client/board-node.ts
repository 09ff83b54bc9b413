// A node on a simulated board: its verbs call the core in the firmware's binary between two turns of its main loop.

import { AvrBoard, appPin, type BoardOptions } from "../boards/avr/board.ts";
import type { Firmware } from "../boards/avr/firmware.ts";
import { LiveBoard } from "../boards/avr/live.ts";
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

/** A simulated board as the machine of a node. */
export interface SimMachine extends NodeMachine {
  /** Cycles of its CPU since power-on. */
  readonly cycles: number;
  readonly live: { readonly traceHash: string };
  engine(): Engine;
}

const CYCLES_PER_US = 16;
const US_PER_TURN = 1;
const APP_PINS = 16;

/** The board as the machine of a node. Time is what its chip takes; the HAL is the firmware's own. */
export class BoardMachine implements SimMachine {
  readonly live: LiveBoard;
  readonly pins: Machine["pins"];

  constructor(firmware: Firmware, options: BoardOptions = {}, events: BoardEvents = {}) {
    this.live = new LiveBoard(new AvrBoard(firmware, options), {
      onUart: (byte) => events.onUart?.(Uint8Array.of(byte)),
      onCan: ({ id, data }) => events.onCan?.({ id, data }),
      onPin: (pin, level) => events.onPin?.(pin, level),
    });
    this.pins = Array.from({ length: APP_PINS }, () => ({
      mode: 0,
      driven: undefined,
      applied: 0,
    }));
  }

  get board(): AvrBoard {
    return this.live.board;
  }
  get cycles(): number {
    return this.live.now;
  }
  get now_us(): number {
    return this.live.now / CYCLES_PER_US;
  }
  advance(us: number): void {
    this.live.advance(us * CYCLES_PER_US);
  }
  pinLevel(pin: number): number {
    return this.board.ports.level(appPin(pin));
  }
  applyPin(pin: number, level: 0 | 1): void {
    this.board.ports.apply(appPin(pin), level);
  }
  typeConsole(bytes: Iterable<number>): void {
    this.board.console.receive(bytes);
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
    const { live } = this;
    const { firmware, chip } = this.board;
    live.advance(0);
    const functions = firmware.exports.map((prototype) => {
      const call = live.port.function(prototype);
      return [
        prototype.symbol,
        (...args: number[]) => {
          if (call === undefined) throw new Error(`the firmware has no ${prototype.symbol}`);
          live.touch();
          return call(...args);
        },
      ];
    });
    const exports = {
      ...Object.fromEntries(functions),
      memory: { buffer: chip.data.buffer },
      hsx_start: () => {},
      hsx_poll: () => {
        live.advance(US_PER_TURN * CYCLES_PER_US);
        return 0;
      },
    };
    return { instantiate: () => exports as unknown as CoreExports };
  }
}

/** Powers a board up and waits until its node has mounted its store. */
export async function startBoardNode(
  machine: SimMachine,
  options: NodeOptions = {},
): Promise<LocalNode> {
  return LocalNode.start(machine.engine(), machine, options);
}
