// A bus that clients join over TCP, as if by an adapter: each in SLCAN, or in the protocol of socketcand. docs/bus.md has traces.

import { createServer, type Server, type Socket } from "node:net";
import type { CanFrame } from "../formats/can-frame.ts";
import { readSlcanFrame, SLCAN_RATES, SlcanFlag, slcanText } from "../formats/slcan.ts";
import type { CanPartner } from "./partner.ts";

/** What a server gets its clients' controllers from. */
export interface ServedBus {
  /** kbit/s */
  readonly bitRate: number;
  readonly now_us: number;
  /** A controller at the bus; of another bit rate if the client says so. */
  connect(bitRate: number): CanPartner;
}

/** A client that says nothing for so long expects to be greeted, as by socketcand. */
const GREETING_MS = 100;
/** Frames of a client that wait for the bus; beyond it no more are read. */
const SEND_ROOM = 64;
/** Bytes of a command at most; what is longer is none. */
const COMMAND_MAX = 128;
/** Bytes that may wait for a client that does not read; then it is let go. */
const BACKLOG_MAX = 4_000_000;

const OK = "\r";
const BELL = "\x07";
/** Hardware and software version of V, serial number of N. */
const VERSION = "V0101";
const SERIAL = "NHSX1";

/** What a client says, command by command, and what it is answered. */
interface Dialect {
  /** Takes characters; returns how many of `text` belong to whole commands. */
  take(text: string): number;
  /** A frame it hears. */
  tell(frame: CanFrame): string;
}

class Slcan implements Dialect {
  private bitRate: number;
  private isStamped = false;

  constructor(private readonly client: Client) {
    this.bitRate = client.bus.bitRate;
  }

  take(text: string): number {
    const end = text.lastIndexOf("\r") + 1;
    for (const line of text.slice(0, end).split("\r")) {
      const command = line.replaceAll("\n", "");
      if (command !== "") this.client.write(this.answer(command));
    }
    return end;
  }
  tell(frame: CanFrame): string {
    // Z1: milliseconds, 0 to 59,999
    const ms = Math.floor(this.client.bus.now_us / 1000) % 60_000;
    const stamp = this.isStamped ? ms.toString(16).padStart(4, "0").toUpperCase() : "";
    return `${slcanText(frame)}${stamp}\r`;
  }

  private answer(command: string): string {
    const [letter = ""] = command;
    if ("tTrR".includes(letter)) return this.send(command);
    switch (letter) {
      case "O":
      case "L":
        return this.open(letter === "O");
      case "C":
        this.client.leave();
        return OK;
      case "S":
        return this.setRate(Number(command.slice(1)));
      case "F":
        return this.client.isOpen ? `F${this.flags()}\r` : BELL;
      case "V":
        return `${VERSION}\r`;
      case "N":
        return `${SERIAL}\r`;
      case "Z":
        this.isStamped = command === "Z1";
        return OK;
      default:
        return BELL;
    }
  }
  private send(command: string): string {
    const frame = readSlcanFrame(command);
    if (frame === undefined || !this.client.send(frame)) return BELL;
    return frame.isExtended ? "Z\r" : "z\r";
  }
  private open(isActive: boolean): string {
    if (!this.client.isOpen) this.client.join(this.bitRate, isActive);
    return OK;
  }
  private setRate(code: number): string {
    const rate = SLCAN_RATES[code];
    if (rate === undefined || this.client.isOpen) return BELL;
    this.bitRate = rate;
    return OK;
  }
  private flags(): string {
    const state = this.client.state;
    let flags = state === "active" ? 0 : SlcanFlag.WARNING;
    if (state === "passive") flags |= SlcanFlag.PASSIVE;
    if (state === "off") flags |= SlcanFlag.BUS_ERROR | SlcanFlag.PASSIVE;
    return flags.toString(16).padStart(2, "0").toUpperCase();
  }
}

class Socketcand implements Dialect {
  private isRaw = false;

  constructor(private readonly client: Client) {}

  take(text: string): number {
    let end = 0;
    for (const match of text.matchAll(/<\s*([^<>]*?)\s*>/g)) {
      end = match.index + match[0].length;
      this.obey((match[1] as string).split(/\s+/));
    }
    return end;
  }
  tell({ id, isExtended, data }: CanFrame): string {
    if (!this.isRaw) return "";
    const digits = id
      .toString(16)
      .padStart(isExtended ? 8 : 3, "0")
      .toUpperCase();
    const time = (this.client.bus.now_us / 1e6).toFixed(6);
    return `< frame ${digits} ${time} ${Buffer.from(data).toString("hex").toUpperCase()} >`;
  }

  private obey([verb = "", ...words]: readonly string[]): void {
    const { client } = this;
    if (verb === "open") {
      client.join(client.bus.bitRate, true);
      client.write("< ok >");
    } else if (verb === "rawmode") {
      this.isRaw = true;
      client.write("< ok >");
    } else if (verb === "echo") client.write("< echo >");
    else if (verb === "send") this.send(words);
    else client.write("< error unknown command >");
  }
  private send([digits = "", count = "", ...bytes]: readonly string[]): void {
    const id = Number.parseInt(digits, 16);
    const isExtended = digits.length > 3 || id > 0x7ff;
    const data = Uint8Array.from(bytes, (byte) => Number.parseInt(byte, 16));
    const isFrame =
      id >= 0 && id <= 0x1fffffff && Number(count) === bytes.length && bytes.length <= 8;
    if (!isFrame || !this.client.send({ id, isExtended, data }))
      this.client.write("< error could not send >");
  }
}

/** One connection and its controller. */
class Client {
  private partner: CanPartner | undefined;
  private dialect: Dialect | undefined;
  private text = "";
  private readonly greeting: NodeJS.Timeout;
  private isGreeted = false;

  constructor(
    readonly bus: ServedBus,
    private readonly socket: Socket,
  ) {
    socket.setNoDelay(true);
    socket.setEncoding("latin1");
    this.greeting = setTimeout(() => {
      this.isGreeted = true;
      this.write("< hi >");
    }, GREETING_MS);
    socket.on("data", (chunk) => this.hear(String(chunk)));
    socket.on("error", () => this.end());
    socket.on("close", () => this.end());
  }

  end(): void {
    clearTimeout(this.greeting);
    this.leave();
    this.socket.destroy();
  }
  write(text: string): void {
    if (text !== "" && this.socket.writable) this.socket.write(text, "latin1");
    if (this.socket.writableLength > BACKLOG_MAX) this.end();
  }

  private hear(chunk: string): void {
    clearTimeout(this.greeting);
    this.dialect ??= this.dialectOf(chunk);
    this.text += chunk;
    const taken = this.dialect.take(this.text);
    this.text = this.text.slice(taken).slice(-COMMAND_MAX);
  }
  /** Who begins with `<` speaks as to socketcand. A greeting nobody asked for is ended as a line of SLCAN. */
  private dialectOf(chunk: string): Dialect {
    if (chunk.trimStart().startsWith("<")) return new Socketcand(this);
    if (this.isGreeted) this.write("\r");
    return new Slcan(this);
  }

  // ---- At the bus ----

  get isOpen(): boolean {
    return this.partner !== undefined;
  }
  get state() {
    return this.partner?.state ?? "active";
  }
  join(bitRate: number, isActive: boolean): void {
    this.leave();
    const partner = this.bus.connect(bitRate);
    partner.isActive = isActive;
    partner.onHeard = (frame) => {
      partner.heard.length = 0;
      this.write(this.dialect?.tell(frame) ?? "");
    };
    partner.onSent = () => {
      if (partner.queue.length < SEND_ROOM) this.socket.resume();
    };
    this.partner = partner;
  }
  leave(): void {
    this.partner?.stub.remove();
    this.partner = undefined;
    this.socket.resume();
  }
  /** False: it is not at the bus, or only listens. */
  send(frame: CanFrame): boolean {
    const { partner } = this;
    if (partner === undefined || !partner.isActive) return false;
    partner.send(frame);
    if (partner.queue.length >= SEND_ROOM) this.socket.pause();
    return true;
  }
}

/** Listens for clients. They get controllers at the bus, and lose them with their connection. */
export class BusServer {
  private readonly clients = new Set<Client>();
  private readonly server: Server;

  constructor(bus: ServedBus) {
    this.server = createServer((socket) => {
      const client = new Client(bus, socket);
      this.clients.add(client);
      socket.on("close", () => this.clients.delete(client));
    });
  }

  get count(): number {
    return this.clients.size;
  }
  /** Resolves with the port; 0 asks for any that is free. Rejects as net.Server does. */
  listen(host: string, port: number): Promise<number> {
    return new Promise((resolve, reject) => {
      this.server.once("error", reject);
      this.server.listen(port, host, () => {
        const address = this.server.address();
        resolve(typeof address === "object" && address !== null ? address.port : port);
      });
    });
  }
  async close(): Promise<void> {
    for (const client of this.clients) client.end();
    await new Promise((resolve) => this.server.close(resolve));
  }
}
