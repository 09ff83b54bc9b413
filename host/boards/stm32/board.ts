// The STM32 boards: an F072 or F405 with FRAM, SD card, console and CAN transceiver, wired as docs/boards.md says.

import type { Failure } from "../../bus/fault-confinement.ts";
import { type CanController, CanWire, type Stub } from "../../bus/wire.ts";
import type { CanFrame } from "../../formats/can-frame.ts";
import type { DebugPort as Port } from "../debug-port.ts";
import { SdCard, type SdOptions } from "../devices/sd-card.ts";
import { SpiBus, SpiSocket } from "../devices/spi.ts";
import { FRAM_PARTS, SpiFram } from "../devices/spi-fram.ts";
import { APP_PINS, type Board } from "../live.ts";
import type { Bxcan } from "./bxcan.ts";
import { Chip, type ChipMap, memoryOf, type Wiring } from "./chip.ts";
import { DebugPort } from "./debug-port.ts";
import { CHIPS } from "./engine.ts";
import type { Firmware } from "./firmware.ts";
import type { Gpio } from "./gpio.ts";
import { ResetFlag } from "./rcc.ts";

const [PA, PB] = [0, 1];
const FRAM_SELECT = 4; // PA4
const SD_SELECT = 0; // PB0
const SD_DETECT = 1; // PB1
const SUPPLY = 2; // PB2
const CRYSTAL_HZ = 8_000_000;
/** Alternate functions: DS9826 tables 14 and 15, DS8626 table 9. */
const FUNCTIONS: Readonly<Record<ChipMap["name"], { usart: number; spi: number; can: number }>> = {
  stm32f072: { usart: 1, spi: 0, can: 4 },
  stm32f405: { usart: 7, spi: 5, can: 9 },
};

/** What keeps its bytes without power. */
export interface Media {
  readonly fram: Uint8Array<ArrayBuffer>;
  /** All of the chip's flash; undefined: as the firmware's file has it. */
  readonly flash: Uint8Array | undefined;
  readonly sd: Uint8Array | undefined;
}

export interface BoardOptions {
  readonly chip?: ChipMap["name"];
  readonly fram?: keyof typeof FRAM_PARTS;
  /** What the media hold; without, new ones. */
  readonly media?: Media;
  readonly sd?: SdOptions;
  /** False: the crystal is not fitted. */
  readonly hasCrystal?: boolean;
  readonly uid?: Uint8Array;
  /** The wire CAN is on; without, one of its own with nobody else, whose bits last `bit_ns`. */
  readonly wire?: CanWire;
  readonly bit_ns?: number;
}

/** New media: an FRAM of a part, and a card of so many blocks. */
export function newMedia(fram: keyof typeof FRAM_PARTS = "FM25V10", sdBlocks = 0): Media {
  return {
    fram: new Uint8Array(FRAM_PARTS[fram].bytes),
    flash: undefined,
    sd: sdBlocks === 0 ? undefined : new Uint8Array(512 * sdBlocks),
  };
}

/** Port and pin of an app's GPIO number: 0 to 12 are PC0 to PC12, 13 to 15 PB13 to PB15. */
export function appPin(n: number): { readonly port: number; readonly pin: number } {
  return { port: n < 13 ? 2 : 1, pin: n };
}

/** bxCAN at a wire. */
class CanPort implements CanController {
  readonly stub: Stub;

  constructor(
    private readonly can: Bxcan,
    private readonly isRouted: () => boolean,
    wire: CanWire,
    clockHz: number,
  ) {
    this.stub = wire.attach(this);
    can.onOffer = () => this.stub.wake();
    can.afterRecessive = (times, bitCycles, call) =>
      this.stub.afterRecessive(times, (bitCycles * 1e9) / clockHz, call);
  }
  get bit_ns(): number | undefined {
    return this.can.isListening && this.isRouted() ? 1e9 / this.can.bitRate : undefined;
  }
  get isActive(): boolean {
    return !this.can.isSilent;
  }
  get isPassive(): boolean {
    return this.can.errors.state === "passive";
  }
  offer(): CanFrame | undefined {
    const message = this.can.offer();
    if (message !== undefined) this.can.started();
    return message;
  }
  sent(): void {
    this.can.sent();
  }
  lost(): void {
    this.can.lostArbitration();
  }
  failed(why: Failure): void {
    this.can.sendFailed(why);
  }
  receive(frame: CanFrame): void {
    const { id, data, isExtended = false, isRemote = false } = frame;
    this.can.hear({ id, data, isExtended, isRemote });
  }
  disturbed(penalty: number): void {
    this.can.hearFailed(penalty);
  }
}

/** A board that has power. Without power there is only what `media` hold: give them to the next one. */
export class Stm32Board implements Board {
  readonly chip: Chip;
  readonly wire: CanWire;
  /** Its line to the wire. */
  readonly canStub: Stub;
  readonly fram: SpiFram;
  readonly framSocket: SpiSocket;
  readonly sd: SdCard;
  /** What was sent over the console, byte by byte. */
  onConsole: ((byte: number) => void) | undefined;
  private readonly spiBus = new SpiBus();
  private readonly given: Media;

  constructor(
    readonly firmware: Firmware,
    options: BoardOptions = {},
  ) {
    const { chip: name = "stm32f072", fram = "FM25V10", hasCrystal = true } = options;
    this.given = options.media ?? newMedia(fram);
    const connections = {
      hseHz: hasCrystal ? CRYSTAL_HZ : 0,
      uid: options.uid ?? Uint8Array.from({ length: 12 }, (_, n) => 0x30 + n),
      console: (byte: number) => this.onConsole?.(byte),
      spi: (byte: number) => this.spiBus.exchange(byte, this.chip.spi.baud),
    };
    this.chip = new Chip(CHIPS[name], connections, (ports) => this.wiring(name, ports));
    const { chip } = this;
    const { clock } = chip.core;
    this.wire = options.wire ?? new CanWire(clock, options.bit_ns);
    this.canStub = new CanPort(chip.can, chip.isCanRouted, this.wire, clock.hz).stub;
    this.fram = new SpiFram(FRAM_PARTS[fram], clock, this.given.fram);
    this.framSocket = new SpiSocket(this.fram);
    this.sd = new SdCard(clock, this.given.sd ?? new Uint8Array(0), options.sd);
    if (this.given.sd === undefined) this.sd.pull();
    this.solder();
    if (this.given.flash === undefined) chip.load(firmware.elf.segments);
    else chip.flash.bytes.set(this.given.flash);
    chip.powerOn();
  }

  // ---- The circuit ----

  private wiring(name: ChipMap["name"], ports: readonly Gpio[]): Wiring {
    const [a, b] = [ports[PA] as Gpio, ports[PB] as Gpio];
    const { usart, spi, can } = FUNCTIONS[name];
    return {
      tx: [[a, 9, usart]],
      rx: [[a, 10, usart]],
      spi: [5, 6, 7].map((pin) => [a, pin, spi] as const),
      can: [8, 9].map((pin) => [b, pin, can] as const),
    };
  }
  private port(n: number): Gpio {
    return this.chip.ports[n] as Gpio;
  }
  private solder(): void {
    this.noticeCard();
    this.port(PB).apply(SUPPLY, 1);
    for (const [port, pin, device] of [
      [PA, FRAM_SELECT, this.framSocket],
      [PB, SD_SELECT, this.sd],
    ] as const) {
      this.spiBus.attach(device);
      // a select that nobody drives is pulled up
      this.port(port).onDrive((moved, level) => {
        if (moved === pin) this.spiBus.setSelect(device, level ?? 1);
      });
    }
  }

  /** Transfers with more than one device selected. */
  get spiCollisions(): number {
    return this.spiBus.collisions;
  }

  // ---- Debugger and apps ----

  get memory(): ArrayBuffer {
    return memoryOf(this.chip, this.firmware);
  }
  openPort(): Port {
    return new DebugPort(this.chip, this.firmware.addressOf);
  }
  pinLevel(n: number): number {
    const { port, pin } = appPin(n);
    return this.port(port).level(pin);
  }
  applyPin(n: number, level: 0 | 1): void {
    const { port, pin } = appPin(n);
    this.port(port).apply(pin, level);
  }
  listenToPins(call: (n: number, level: number | undefined) => void): void {
    const pins = Array.from({ length: APP_PINS }, (_, n) => appPin(n));
    this.chip.ports.forEach((port, at) => {
      port.onDrive((moved, level) => {
        const n = pins.findIndex(({ port: own, pin }) => own === at && pin === moved);
        if (n >= 0) call(n, level);
      });
    });
  }

  // ---- What the outside does ----

  private noticeCard(): void {
    this.port(PB).apply(SD_DETECT, this.sd.detect as 0 | 1);
  }
  pullCard(): void {
    this.sd.pull();
    this.noticeCard();
  }
  insertCard(): void {
    this.sd.insert();
    this.noticeCard();
  }
  /** The supply's warning that it is about to fail. */
  warnOfPowerFail(isFailing: boolean): void {
    this.port(PB).apply(SUPPLY, isFailing ? 0 : 1);
  }
  /** Power goes. What is left is in the media returned. */
  powerOff(): Media {
    this.canStub.remove();
    this.stopMedia();
    return { ...this.given, flash: this.chip.flash.bytes };
  }
  private stopMedia(): void {
    this.fram.powerOff();
    this.sd.powerOff();
  }
  /** The supply dips below the level of a reset and recovers: all devices start over, SRAM has suffered. */
  brownOut(): void {
    this.stopMedia();
    this.chip.powerOn(this.chip.map.isM0 ? ResetFlag.POWER : ResetFlag.BROWN_OUT);
  }
  /** The RESET pin. */
  pressReset(): void {
    this.chip.reset();
  }
  type(bytes: Iterable<number>): void {
    this.chip.usart.receive(bytes);
  }

  // ---- Time ----

  get now_us(): number {
    return (this.chip.core.now * 1e6) / this.chip.map.hz;
  }
  run_ms(ms: number): void {
    this.chip.run(this.chip.core.now + (ms * this.chip.map.hz) / 1000);
  }
}
