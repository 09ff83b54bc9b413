// Nodes of a bench that are simulated boards with the firmware of a release: their chips run instruction by instruction.

import { AvrBoard } from "../../boards/avr/board.ts";
import { EEPROM_BYTES } from "../../boards/avr/eeprom.ts";
import type { Firmware as AvrFirmware } from "../../boards/avr/firmware.ts";
import { type Oscillator, rcOscillator } from "../../boards/avr/oscillator.ts";
import { framOf } from "../../boards/devices/spi-fram.ts";
import { Stm32Board } from "../../boards/stm32/board.ts";
import type { Firmware as Stm32Firmware } from "../../boards/stm32/firmware.ts";
import { Random } from "../../bus/random.ts";
import type { Stub } from "../../bus/wire.ts";
import type { BenchNodeSpec } from "../../formats/bench.ts";
import { type BenchNode, benchTime, cyclesAt, type Place } from "./bench-node.ts";

/** Where the factory writes the id of an AVR: targets/avr/board/board.h. */
const EEPROM_UID = 4081;
const UID_BYTES = 8;

/** What a powered board shows of itself, of either family. */
interface Powered {
  readonly hz: number;
  readonly stub: Stub;
  readonly overruns: number;
  readonly errors: { readonly tec: number; readonly rec: number };
  /** In cycles of its chip. */
  readonly due: number;
  run(cycle: number): void;
  off(): void;
}

/** A board whose power comes and goes. */
abstract class BoardNode implements BenchNode {
  private powered: Powered | undefined;
  private start_ns = 0;

  constructor(
    readonly spec: BenchNodeSpec,
    protected readonly place: Place,
  ) {}

  protected abstract switchOn(): Powered;

  get isOn(): boolean {
    return this.powered !== undefined;
  }
  get stub(): Stub | undefined {
    return this.powered?.stub;
  }
  get overruns(): number {
    return this.powered?.overruns ?? 0;
  }
  get errors(): { readonly tec: number; readonly rec: number } {
    return this.powered?.errors ?? { tec: 0, rec: 0 };
  }

  powerOn(): void {
    if (this.powered !== undefined) return;
    this.start_ns = this.place.timeline.now_ns;
    this.powered = this.switchOn();
    this.powered.stub.ppm = this.place.ppm;
  }
  powerOff(): void {
    this.powered?.off();
    this.powered = undefined;
  }

  get due_ns(): number {
    const { powered, start_ns, place } = this;
    if (powered === undefined) return Number.POSITIVE_INFINITY;
    return benchTime(start_ns, powered.due, powered.hz, place.ppm);
  }
  runTo(time_ns: number): void {
    const { powered, start_ns, place } = this;
    powered?.run(cyclesAt(start_ns, time_ns, powered.hz, place.ppm));
  }
}

export class AvrNode extends BoardNode {
  /** What it sent over its console. */
  onUart: ((bytes: Uint8Array) => void) | undefined;
  /** Undefined without power. */
  board: AvrBoard | undefined;
  private readonly eeprom = new Uint8Array(EEPROM_BYTES).fill(0xff);
  private readonly oscillator: Oscillator;

  constructor(
    spec: BenchNodeSpec,
    private readonly firmware: AvrFirmware,
    /** What its FRAM holds; changed as it writes. */
    readonly fram: Uint8Array<ArrayBuffer>,
    uid: Uint8Array,
    place: Place,
    private readonly seed: number,
  ) {
    super(spec, place);
    this.oscillator = rcOscillator(new Random(seed));
    this.eeprom.set(uid.subarray(-UID_BYTES), EEPROM_UID);
  }

  protected switchOn(): Powered {
    const { fram, eeprom, firmware, seed, oscillator } = this;
    const part = framOf(fram.length);
    const board = new AvrBoard(firmware, {
      ...(part && { fram: part }),
      media: { fram, eeprom, sd: this.place.card },
      wire: this.place.wire(),
      seed,
      oscillator,
    });
    board.onConsole = (byte) => this.onUart?.(Uint8Array.of(byte));
    this.board = board;
    const { chip, can } = board;
    return {
      hz: chip.clock.hz,
      stub: can.stub,
      get overruns() {
        return board.overruns;
      },
      errors: can.errors,
      get due() {
        return chip.due;
      },
      run: (cycle) => chip.run(cycle),
      off: () => {
        board.powerOff();
        this.board = undefined;
      },
    };
  }
}

export class Stm32Node extends BoardNode {
  /** What it sent over its console. */
  onUart: ((bytes: Uint8Array) => void) | undefined;
  /** Undefined without power. */
  board: Stm32Board | undefined;
  private flash: Uint8Array | undefined;

  constructor(
    spec: BenchNodeSpec,
    private readonly firmware: Stm32Firmware,
    /** What its FRAM holds; changed as it writes. */
    readonly fram: Uint8Array<ArrayBuffer>,
    private readonly uid: Uint8Array,
    place: Place,
  ) {
    super(spec, place);
  }

  protected switchOn(): Powered {
    const { fram, flash, firmware, uid } = this;
    const part = framOf(fram.length);
    const board = new Stm32Board(firmware, {
      chip: "stm32f072",
      ...(part && { fram: part }),
      media: { fram, flash, sd: this.place.card },
      wire: this.place.wire(),
      uid,
    });
    board.onConsole = (byte) => this.onUart?.(Uint8Array.of(byte));
    this.board = board;
    const { chip, canStub } = board;
    return {
      hz: chip.map.hz,
      stub: canStub,
      get overruns() {
        return chip.can.overruns;
      },
      errors: chip.can.errors,
      get due() {
        return chip.core.due;
      },
      run: (cycle) => chip.run(cycle),
      off: () => {
        this.flash = board.powerOff().flash;
        this.board = undefined;
      },
    };
  }
}
