// An SD card in SPI mode, after the SD Physical Layer Simplified Specification 6.00, chapter 7: commands, responses, tokens,
// both kinds of addressing, CRCs, busy. Standard capacity (SDSC) up to 2 GiB and high capacity (SDHC).

import { type Clock, cyclesOf } from "../../bus/clock.ts";
import type { SpiDevice } from "./spi.ts";

export interface SdOptions {
  readonly isHighCapacity?: boolean;
  /** Bytes with nothing in them before a response: N_CR, 1 to 8 (7.5.4). */
  readonly responseDelay?: number;
  /** Time before a block comes: N_AC (4.6.2.1: 100 ms at most). */
  readonly access_us?: number;
  /** Time a block takes to be written: 250 ms at most (4.6.2.2). */
  readonly write_us?: number;
  /** ACMD41 that answer "still busy" before one says ready. */
  readonly initTries?: number;
  /** Version 1 of the specification: CMD8 is no command. */
  readonly isVersion1?: boolean;
}

const BLOCK = 512;
const OPEN = 0xff;
/** R1 (7.3.2.1). */
const IDLE = 0x01;
const ILLEGAL = 0x04;
const CRC_ERROR = 0x08;
const ADDRESS_ERROR = 0x20;
const PARAMETER_ERROR = 0x40;
/** Tokens (7.3.3). */
const START_BLOCK = 0xfe;
const START_MULTIPLE = 0xfc;
const STOP_TRAN = 0xfd;
const OUT_OF_RANGE = 0x08;
const ACCEPTED = 0x05;
const REFUSED_CRC = 0x0b;
/** The clock before a card is identified (6.4.1.1) and behind that, in default speed (4.3.10). */
const IDENTIFY_HZ = 400_000;
const MAX_HZ = 25_000_000;
/** Clocks with chip select high before a card listens (6.4.1.4). */
const POWER_UP_CLOCKS = 74;

/** CRC-7, x^7 + x^3 + 1, with the end bit behind it (4.5). */
export function crc7(bytes: Iterable<number>): number {
  let crc = 0;
  for (const byte of bytes) {
    for (let bit = 7; bit >= 0; bit--) {
      const next = ((byte >> bit) ^ (crc >> 6)) & 1;
      crc = (crc << 1) & 0x7f;
      if (next === 1) crc ^= 0x09;
    }
  }
  return (crc << 1) | 1;
}

/** CRC-16 of data blocks, x^16 + x^12 + x^5 + 1 from zero (4.5). */
export function crc16(bytes: Iterable<number>): number {
  let crc = 0;
  for (const byte of bytes) {
    crc ^= byte << 8;
    for (let bit = 0; bit < 8; bit++)
      crc = (crc & 0x8000) !== 0 ? ((crc << 1) ^ 0x1021) & 0xffff : (crc << 1) & 0xffff;
  }
  return crc;
}

/** A block as the card sends it: token, bytes, CRC. */
function packet(bytes: Uint8Array): number[] {
  const crc = crc16(bytes);
  return [START_BLOCK, ...bytes, crc >> 8, crc & 0xff];
}

interface Writing {
  readonly isMultiple: boolean;
  address: number;
  /** Undefined: the token is awaited. */
  bytes: number[] | undefined;
}

export class SdCard implements SpiDevice {
  readonly bytes: Uint8Array;
  /** Errors to come: blocks that cannot be read answer with an error token, or come with a wrong CRC. */
  readonly badBlocks = new Set<number>();
  readonly spoiledBlocks = new Set<number>();
  /** Commands understood, by number, for tests. */
  readonly commands: number[] = [];
  private readonly options: Required<SdOptions>;
  private isInserted = true;
  private clocks = 0;
  private isSpi = false;
  /** True once it has started. */
  isReady = false;
  private isApp = false;
  private hasCrc = false;
  private tries = 0;
  private isSelected = false;
  private blockLength = BLOCK;
  private command: number[] = [];
  private output: number[] = [];
  /** What comes when the output is empty and time has come. */
  private block: { at: number; address: number; isMultiple: boolean } | undefined;
  private writing: Writing | undefined;
  private busyUntil = 0;

  constructor(
    private readonly clock: Clock,
    bytes: Uint8Array,
    options: SdOptions = {},
  ) {
    this.bytes = bytes;
    this.options = {
      isHighCapacity: false,
      responseDelay: 1,
      access_us: 100,
      write_us: 1000,
      initTries: 3,
      isVersion1: false,
      ...options,
    };
  }

  // ---- The slot ----

  /** Level of the card detect switch: 0 while a card is in. */
  get detect(): 0 | 1 {
    return this.isInserted ? 0 : 1;
  }
  /** Pulls the card, in the middle of whatever it does. */
  pull(): void {
    this.isInserted = false;
    this.powerOff();
  }
  /** Puts it in again: it knows nothing of before. */
  insert(): void {
    this.isInserted = true;
  }
  powerOff(): void {
    this.clocks = 0;
    this.isSpi = false;
    this.forget();
    this.drop();
  }
  private forget(): void {
    this.isReady = false;
    this.isApp = false;
    this.hasCrc = false;
    this.tries = 0;
    this.blockLength = BLOCK;
  }
  private drop(): void {
    this.command = [];
    this.output = [];
    this.block = undefined;
    this.writing = undefined;
    this.busyUntil = 0;
  }

  // ---- Bytes ----

  select(): void {
    this.isSelected = true;
    this.command = [];
  }
  /** What was under way ends, but writing goes on inside (7.2.4). */
  deselect(): void {
    this.isSelected = false;
    this.command = [];
    this.output = [];
    this.block = undefined;
  }
  idle(hz: number): void {
    if (this.isInserted && hz <= IDENTIFY_HZ) this.clocks += 8;
  }

  exchange(byte: number, hz: number): number {
    if (!this.isInserted || !this.isSelected) return OPEN;
    if (hz > MAX_HZ) throw new Error(`SD card clocked at ${hz} Hz, ${MAX_HZ} allowed`);
    if (this.clocks < POWER_UP_CLOCKS) return OPEN;
    if (!this.isReady && hz > IDENTIFY_HZ) return OPEN;
    const answer = this.nextOutput();
    if (this.writing !== undefined && this.command.length === 0) this.takeData(byte);
    else this.takeCommand(byte);
    return answer;
  }

  private nextOutput(): number {
    const next = this.output.shift();
    if (next !== undefined) return next;
    if (this.clock.now < this.busyUntil) return 0x00; // 7.3.3.1: busy holds the line low
    const { block } = this;
    if (block === undefined || this.clock.now < block.at) return OPEN;
    this.sendBlock(block);
    return this.output.shift() as number;
  }

  private takeCommand(byte: number): void {
    if (this.command.length === 0 && (byte & 0xc0) !== 0x40) return;
    this.command.push(byte);
    if (this.command.length < 6) return;
    const { command } = this;
    this.command = [];
    const index = (command[0] as number) & 0x3f;
    const argument = command.slice(1, 5).reduce((sum, b) => sum * 256 + b, 0);
    if (this.clock.now < this.busyUntil && index !== 13 && index !== 0) return;
    const crc = crc7(command.slice(0, 5));
    this.obey(index, argument, crc === command[5]);
  }

  // ---- Commands, Table 7-3 ----

  private get r1(): number {
    return this.isReady ? 0 : IDLE;
  }
  private respond(...bytes: number[]): void {
    this.output = [...new Array(this.options.responseDelay).fill(OPEN), ...bytes];
  }

  private obey(index: number, argument: number, isSound: boolean): void {
    if (!this.isSpi && index !== 0) return; // still in SD mode
    const needsCrc = this.hasCrc || index === 0 || index === 8;
    if (needsCrc && !isSound) {
      if (this.isSpi) this.respond(this.r1 | CRC_ERROR);
      return;
    }
    this.commands.push(index);
    const isApp = this.isApp;
    this.isApp = false;
    if (index === 0) return this.goIdle();
    if (isApp && index === 41) return this.initialise(argument);
    if (!this.isReady && ![8, 55, 58, 59, 1].includes(index)) return this.respond(IDLE | ILLEGAL);
    this.perform(index, argument);
  }

  private goIdle(): void {
    this.drop();
    this.forget();
    this.isSpi = true;
    this.respond(IDLE);
  }

  /** ACMD41: a high-capacity card gets ready only for a host that says HCS (7.2.1). */
  private initialise(argument: number): void {
    const saysHcs = (argument & 0x40000000) !== 0;
    if (this.tries < this.options.initTries) this.tries++;
    else if (saysHcs || !this.options.isHighCapacity) this.isReady = true;
    this.respond(this.r1);
  }

  private perform(index: number, argument: number): void {
    switch (index) {
      case 8: // R7: echoes the voltage and the pattern (7.3.2.6)
        if (this.options.isVersion1) return this.respond(this.r1 | ILLEGAL);
        return this.respond(this.r1, 0, 0, (argument >> 8) & 0x0f, argument & 0xff);
      case 9:
        return this.sendRegister(this.csd());
      case 10:
        return this.sendRegister(this.cid());
      case 12:
        this.block = undefined;
        return this.respond(this.r1);
      case 13:
        return this.respond(this.r1, 0);
      case 16:
        return this.setBlockLength(argument);
      case 17:
      case 18:
        return this.startRead(argument, index === 18);
      case 24:
      case 25:
        return this.startWrite(argument, index === 25);
      case 55:
        this.isApp = true;
        return this.respond(this.r1);
      case 58:
        return this.respond(this.r1, ...this.ocr());
      case 59:
        this.hasCrc = (argument & 1) !== 0;
        return this.respond(this.r1);
      default:
        return this.respond(this.r1 | ILLEGAL);
    }
  }

  /** 5.1: 2.7 to 3.6 V; power-up done; card capacity status. */
  private ocr(): number[] {
    const status = this.isReady ? 0x80 | (this.options.isHighCapacity ? 0x40 : 0) : 0;
    return [status, 0xff, 0x80, 0x00];
  }

  private setBlockLength(length: number): void {
    if (length < 1 || length > BLOCK) return this.respond(this.r1 | PARAMETER_ERROR);
    if (!this.options.isHighCapacity) this.blockLength = length;
    this.respond(this.r1);
  }

  /** CSD 1.0 with C_SIZE_MULT and READ_BL_LEN 9 (5.3.2), or 2.0 in units of 512 KiB (5.3.3). */
  private csd(): Uint8Array {
    const csd = new Uint8Array(16);
    const blocks = this.bytes.length / BLOCK;
    if (this.options.isHighCapacity) {
      const size = blocks / 1024 - 1;
      csd.set([
        0x40,
        0x0e,
        0x00,
        0x32,
        0x5b,
        0x59,
        0x00,
        size >> 16,
        (size >> 8) & 0xff,
        size & 0xff,
      ]);
      csd.set([0x7f, 0x80, 0x0a, 0x40, 0x00], 10);
    } else {
      // capacity = (C_SIZE + 1) * 2^(C_SIZE_MULT + 2) * 512
      let multiplier = 0;
      while (blocks / 2 ** (multiplier + 2) > 4096 || blocks % 2 ** (multiplier + 3) === 0) {
        if (multiplier === 7) break;
        multiplier++;
      }
      const size = blocks / 2 ** (multiplier + 2) - 1;
      csd.set([0x00, 0x26, 0x00, 0x32, 0x5f, 0x59, 0x80 | (size >> 10), (size >> 2) & 0xff]);
      csd[8] = ((size & 3) << 6) | 0x2d;
      csd[9] = 0xb4 | (multiplier >> 1);
      csd[10] = ((multiplier & 1) << 7) | 0x7f;
      csd.set([0x80, 0x0a, 0x40, 0x00], 11);
    }
    csd[15] = crc7(csd.subarray(0, 15));
    return csd;
  }
  private cid(): Uint8Array {
    const cid = new Uint8Array(16);
    cid.set(Buffer.from("\x01HXSIMSD\x10"));
    cid[15] = crc7(cid.subarray(0, 15));
    return cid;
  }
  private sendRegister(register: Uint8Array): void {
    this.respond(this.r1, OPEN, ...packet(register));
  }

  // ---- Blocks ----

  private addressOf(argument: number): number {
    return this.options.isHighCapacity ? argument * BLOCK : argument;
  }
  private refusalOf(address: number): number {
    const isMisaligned = this.blockLength === BLOCK && address % BLOCK !== 0;
    if (isMisaligned) return ADDRESS_ERROR;
    return address + this.blockLength > this.bytes.length ? PARAMETER_ERROR : 0;
  }

  private startRead(argument: number, isMultiple: boolean): void {
    const address = this.addressOf(argument);
    const refusal = this.refusalOf(address);
    this.respond(this.r1 | refusal);
    if (refusal === 0) this.block = { at: this.accessTime(), address, isMultiple };
  }
  private accessTime(): number {
    return this.clock.now + cyclesOf(this.clock, this.options.access_us);
  }
  private sendBlock(block: { address: number; isMultiple: boolean }): void {
    const { address } = block;
    const number = Math.floor(address / BLOCK);
    this.block = undefined;
    const isEnd = address + this.blockLength > this.bytes.length;
    if (isEnd || this.badBlocks.has(number)) {
      this.output = [isEnd ? OUT_OF_RANGE : 0x01];
      return;
    }
    this.output = packet(this.bytes.subarray(address, address + this.blockLength));
    if (this.spoiledBlocks.has(number)) this.output[9] = (this.output[9] as number) ^ 0x10;
    if (!block.isMultiple) return;
    this.block = { at: this.accessTime(), address: address + this.blockLength, isMultiple: true };
  }

  private startWrite(argument: number, isMultiple: boolean): void {
    const address = this.addressOf(argument);
    const refusal = this.refusalOf(address);
    this.respond(this.r1 | refusal);
    if (refusal === 0) this.writing = { isMultiple, address, bytes: undefined };
  }
  private takeData(byte: number): void {
    const writing = this.writing as Writing;
    if (this.output.length > 0 || this.clock.now < this.busyUntil) return;
    if (writing.bytes === undefined) {
      if (writing.isMultiple && byte === STOP_TRAN) this.endWrite();
      else if (byte === (writing.isMultiple ? START_MULTIPLE : START_BLOCK)) writing.bytes = [];
      return;
    }
    writing.bytes.push(byte);
    if (writing.bytes.length === BLOCK + 2) this.finishBlock(writing, writing.bytes);
  }
  private finishBlock(writing: Writing, bytes: readonly number[]): void {
    const data = bytes.slice(0, BLOCK);
    const [high = 0, low = 0] = bytes.slice(BLOCK);
    const isSound = !this.hasCrc || crc16(data) === high * 256 + low;
    this.output = [isSound ? ACCEPTED : REFUSED_CRC];
    writing.bytes = undefined;
    if (isSound) {
      this.bytes.set(data, writing.address);
      writing.address += BLOCK;
      this.busyUntil = this.clock.now + cyclesOf(this.clock, this.options.write_us);
    }
    if (!writing.isMultiple) this.writing = undefined;
  }
  private endWrite(): void {
    this.writing = undefined;
    this.busyUntil = this.clock.now + cyclesOf(this.clock, this.options.write_us);
  }
}
