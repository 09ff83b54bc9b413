// A node on a simulated STM32 board: its verbs call the core in the firmware's binary between two turns of its main loop.

import { appPin, type BoardOptions, Stm32Board } from "../boards/stm32/board.ts";
import { SRAM_BASE } from "../boards/stm32/chip.ts";
import type { Firmware } from "../boards/stm32/firmware.ts";
import { LiveBoard } from "../boards/stm32/live.ts";
import type { CanFrame } from "../formats/can-frame.ts";
import type { CoreExports, Engine } from "../node/core.ts";
import type { Machine, NodeMachine } from "../node/hal.ts";
import type { BoardEvents, SimMachine } from "./board-node.ts";

const US_PER_TURN = 1;
const APP_PINS = 16;
/** Where linear memory lies: the linker scripts put it to its own addresses in SRAM. */
const MEMORY_LOW = SRAM_BASE + 0x100;

/** The board as the machine of a node. Time is what its chip takes; the HAL is the firmware's own. */
export class Stm32Machine implements SimMachine {
  readonly live: LiveBoard;
  readonly pins: Machine["pins"];
  private readonly cyclesPerUs: number;

  constructor(firmware: Firmware, options: BoardOptions = {}, events: BoardEvents = {}) {
    this.live = new LiveBoard(new Stm32Board(firmware, options), {
      onUart: (byte) => events.onUart?.(Uint8Array.of(byte)),
      onCan: ({ id, data }) => events.onCan?.({ id, data }),
      onPin: (pin, level) => events.onPin?.(pin, level),
    });
    this.cyclesPerUs = this.board.chip.map.hz / 1e6;
    this.pins = Array.from({ length: APP_PINS }, () => ({
      mode: 0,
      driven: undefined,
      applied: 0,
    }));
    if (firmware.addressOf("hsx_memory") !== MEMORY_LOW)
      throw new RangeError("the firmware keeps linear memory elsewhere");
  }

  get board(): Stm32Board {
    return this.live.board;
  }
  get cycles(): number {
    return this.live.now;
  }
  get now_us(): number {
    return this.live.now / this.cyclesPerUs;
  }
  advance(us: number): void {
    this.live.advance(us * this.cyclesPerUs);
  }
  pinLevel(n: number): number {
    const { port, pin } = appPin(n);
    return this.board.chip.ports[port]?.level(pin) ?? 0;
  }
  applyPin(n: number, level: 0 | 1): void {
    const { port, pin } = appPin(n);
    this.board.chip.ports[port]?.apply(pin, level);
  }
  typeConsole(bytes: Iterable<number>): void {
    this.board.chip.usart.receive(bytes);
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
      memory: { buffer: chip.sram.bytes.buffer },
      hsx_start: () => {},
      hsx_poll: () => {
        live.advance(US_PER_TURN * this.cyclesPerUs);
        return 0;
      },
    };
    return { instantiate: () => exports as unknown as CoreExports };
  }
}
