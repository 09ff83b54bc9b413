// The AVR board: an ATmega1284P at 16 MHz with MCP2515, FRAM and SD card, wired as docs/boards.md says.

import { CanWire } from "../../bus/wire.ts";
import type { DebugPort as Port } from "../debug-port.ts";
import { Mcp2515 } from "../devices/mcp2515.ts";
import { SdCard, type SdOptions } from "../devices/sd-card.ts";
import { SpiBus, SpiSocket } from "../devices/spi.ts";
import { FRAM_PARTS, SpiFram } from "../devices/spi-fram.ts";
import { APP_PINS, type Board } from "../live.ts";
import { Chip, Reset } from "./chip.ts";
import { DebugPort } from "./debug-port.ts";
import { EEPROM_BYTES, Eeprom } from "./eeprom.ts";
import type { Firmware } from "./firmware.ts";
import type { Oscillator } from "./oscillator.ts";
import { type PinName, Ports } from "./ports.ts";
import { Spi } from "./spi.ts";
import { TIMERS, Timer } from "./timer.ts";
import { USART0, USART1, Usart } from "./usart.ts";
import { Watchdog } from "./watchdog.ts";

const HZ = 16_000_000;
const CAN_SELECT = "PD5";
const CAN_CLOCK = "PD4";
const CAN_INTERRUPT = "PB2";
const FRAM_SELECT = "PB4";
const SD_SELECT = "PB3";
const SD_DETECT = "PB1";
const SPI_OUT = "PB5";
const SPI_CLOCK = "PB7";
const SUPPLY = "PD7";
export const LED: PinName = "PD6";
/** Shapes of transfers that are SPI mode 0 or 3, most significant bit first. */
const USART_SHAPES: readonly number[] = [0x00, 0x03];
const SPI_SHAPES: readonly number[] = [0x00, 0x0c];

/** Counter of the CAN driver, and the bits of a symbol that are its address in data memory: ELF files for AVR put that at 0x800000. */
const RING_LOST = "can_lost";
const DATA_MASK = 0xffff;

/** What keeps its bytes without power. */
export interface Media {
  readonly fram: Uint8Array<ArrayBuffer>;
  readonly eeprom: Uint8Array<ArrayBuffer>;
  readonly sd: Uint8Array | undefined;
}

export interface BoardOptions {
  readonly fram?: keyof typeof FRAM_PARTS;
  /** What the media hold; without, new ones. */
  readonly media?: Media;
  readonly sd?: SdOptions;
  /** Changes what SRAM holds when power comes. */
  readonly seed?: number;
  /** The RC oscillator of the chip; without, one that is exact. */
  readonly oscillator?: Oscillator;
  /** The wire CAN is on; without, one of its own with nobody else, whose bits last `bit_ns`. */
  readonly wire?: CanWire;
  readonly bit_ns?: number;
}

/** New media: an FRAM of a part, an erased EEPROM, and a card of so many blocks. */
export function newMedia(fram: keyof typeof FRAM_PARTS = "FM25V10", sdBlocks = 0): Media {
  return {
    fram: new Uint8Array(FRAM_PARTS[fram].bytes),
    eeprom: new Uint8Array(EEPROM_BYTES).fill(0xff),
    sd: sdBlocks === 0 ? undefined : new Uint8Array(512 * sdBlocks),
  };
}

/** Pin of an app's GPIO number: 0 to 7 are PA0 to PA7, 8 to 15 PC0 to PC7. */
export function appPin(n: number): PinName {
  return `P${n < 8 ? "A" : "C"}${n & 7}` as PinName;
}

/** A board that has power. Without power there is only what `media` hold: give them to the next one. */
export class AvrBoard implements Board {
  readonly chip: Chip;
  readonly ports: Ports;
  readonly console: Usart;
  readonly eeprom: Eeprom;
  readonly watchdog: Watchdog;
  readonly wire: CanWire;
  readonly can: Mcp2515;
  readonly canSocket: SpiSocket;
  /** The port the CAN controller is on, alone. */
  readonly canPort: Usart;
  readonly fram: SpiFram;
  readonly framSocket: SpiSocket;
  readonly sd: SdCard;
  readonly media: Media;
  /** What was sent over the console, byte by byte. */
  onConsole: ((byte: number) => void) | undefined;
  private readonly spiBus = new SpiBus();
  private readonly spi: Spi;

  constructor(
    readonly firmware: Firmware,
    options: BoardOptions = {},
  ) {
    this.media = options.media ?? newMedia(options.fram);
    this.chip = new Chip(firmware.flash, HZ);
    const { chip } = this;
    this.ports = new Ports(chip);
    this.console = new Usart(chip, USART0);
    this.canPort = new Usart(chip, USART1);
    this.spi = new Spi(chip, this.ports);
    this.eeprom = new Eeprom(chip, this.media.eeprom);
    if (options.oscillator !== undefined) this.eeprom.oscillator = options.oscillator;
    this.watchdog = new Watchdog(chip);
    for (const place of TIMERS) new Timer(chip, place);
    this.wire = options.wire ?? new CanWire(chip.clock, options.bit_ns);
    this.can = new Mcp2515(chip.clock, this.wire);
    this.canSocket = new SpiSocket(this.can);
    this.fram = new SpiFram(FRAM_PARTS[options.fram ?? "FM25V10"], chip.clock, this.media.fram);
    this.framSocket = new SpiSocket(this.fram);
    this.sd = new SdCard(chip.clock, this.media.sd ?? new Uint8Array(0), options.sd);
    if (this.media.sd === undefined) this.sd.pull();
    this.solder();
    chip.scramble(options.seed ?? 1);
    chip.reset(Reset.POWER_ON);
  }

  /** Frames that the controller or the driver's ring had no room for; of the ring's no more than 255 are counted. */
  get overruns(): number {
    const counter = this.firmware.elf.symbols.get(RING_LOST);
    return this.can.overruns + (counter ? (this.chip.data[counter.value & DATA_MASK] ?? 0) : 0);
  }

  // ---- The circuit ----

  private solder(): void {
    const { ports } = this;
    for (const pin of [CAN_SELECT, FRAM_SELECT, SD_SELECT, SUPPLY, CAN_INTERRUPT] as const)
      ports.apply(pin, 1); // pull-ups
    this.noticeCard();
    this.console.line = { onSent: (byte) => this.onConsole?.(byte) };
    this.solderCan();
    for (const [pin, device] of [
      [FRAM_SELECT, this.framSocket],
      [SD_SELECT, this.sd],
    ] as const) {
      this.spiBus.attach(device);
      ports.listen(pin, (level) => this.spiBus.setSelect(device, level));
    }
    this.spi.onExchange = (byte, hz, shape) => {
      this.demand(SPI_SHAPES.includes(shape), `SPI in shape ${shape}`);
      this.demand(ports.isOutput(SPI_OUT) && ports.isOutput(SPI_CLOCK), "SPI without its outputs");
      return this.spiBus.exchange(byte, hz);
    };
  }

  private solderCan(): void {
    const { ports, canSocket } = this;
    const bus = new SpiBus();
    bus.attach(canSocket);
    ports.listen(CAN_SELECT, (level) => bus.setSelect(canSocket, level));
    this.canPort.line = {
      onExchange: (byte, hz, shape) => {
        this.demand(USART_SHAPES.includes(shape), `MCP2515 in shape ${shape}`);
        this.demand(ports.isOutput(CAN_CLOCK), "XCK1 is no output");
        return bus.exchange(byte, hz);
      },
    };
    this.can.onInterrupt = (level) => {
      if (canSocket.fault === "none") ports.apply(CAN_INTERRUPT, level);
    };
  }
  /** What no circuit could do right is a defect of the firmware. */
  private demand(holds: boolean, what: string): void {
    if (!holds) throw new Error(`${what}: the devices understand nothing`);
  }

  // ---- Debugger and apps ----

  get memory(): ArrayBuffer {
    return this.chip.memory;
  }
  openPort(): Port {
    return new DebugPort(this.chip, this.firmware);
  }
  pinLevel(n: number): number {
    return this.ports.level(appPin(n));
  }
  applyPin(n: number, level: 0 | 1): void {
    this.ports.apply(appPin(n), level);
  }
  listenToPins(call: (n: number, level: number) => void): void {
    for (let n = 0; n < APP_PINS; n++) this.ports.listen(appPin(n), (level) => call(n, level));
  }

  // ---- What the outside does ----

  type(bytes: Iterable<number>): void {
    this.console.receive(bytes);
  }

  private noticeCard(): void {
    this.ports.apply(SD_DETECT, this.sd.detect);
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
    this.ports.apply(SUPPLY, isFailing ? 0 : 1);
  }

  /** Power goes. What is left is in the media returned. */
  powerOff(): Media {
    this.can.stub.remove();
    this.stopMedia();
    return this.media;
  }
  private stopMedia(): void {
    this.eeprom.powerOff();
    this.fram.powerOff();
    this.sd.powerOff();
  }
  /** The supply dips below the brown-out level and recovers: all devices start over, SRAM has suffered. */
  brownOut(seed = 2): void {
    this.stopMedia();
    this.can.reset();
    this.chip.scramble(seed);
    this.chip.reset(Reset.BROWN_OUT);
  }
  /** The RESET pin. */
  pressReset(): void {
    this.chip.reset(Reset.EXTERNAL);
  }

  // ---- Time ----

  get now_us(): number {
    return this.chip.clock.now / (HZ / 1e6);
  }
  /** Runs for so many cycles. */
  run(cycles: number): void {
    this.chip.run(this.chip.clock.now + cycles);
  }
  run_ms(ms: number): void {
    this.run((ms * HZ) / 1000);
  }
}
