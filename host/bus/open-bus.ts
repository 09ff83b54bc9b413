// From the name of a bus to a transport, on the wall clock. A simulated bus is the client's to make.

import type { Duplex } from "node:stream";
import type { BusUrl } from "./bus-url.ts";
import { SerialTransport } from "./serial-transport.ts";
import { SlcanTransport } from "./slcan-transport.ts";
import { loadSocketcan, SocketcanTransport } from "./socketcan-transport.ts";
import { connectTcp } from "./tcp.ts";
import type { CanTransport } from "./transport.ts";

/** What a transport needs of the machine it runs on. */
export interface Outside {
  /** Microseconds of a clock that never goes back. */
  now_us(): number;
  /** Opens a serial line of so many bits a second. Throws a TransportError. */
  openSerial(path: string, baud: number): Promise<Duplex>;
}

/** The transport to a bus, not yet open. */
export function makeTransport(
  url: Exclude<BusUrl, { scheme: "sim" }>,
  { now_us, openSerial }: Outside,
): CanTransport {
  switch (url.scheme) {
    case "tcp": {
      const { host, port } = url;
      const connect = () => connectTcp(host, port);
      return new SlcanTransport({
        name: `tcp:${host}:${port}`,
        bitRate: undefined,
        connect,
        now_us,
      });
    }
    case "slcan": {
      const { port, bitRate, baud } = url;
      const connect = () => openSerial(port, baud);
      return new SlcanTransport({ name: `slcan:${port}`, bitRate, connect, now_us });
    }
    case "serial": {
      const { port, baud } = url;
      const connect = () => openSerial(port, baud);
      return new SerialTransport({ name: `serial:${port}`, baud, connect, now_us });
    }
    default:
      return new SocketcanTransport(url.interface, loadSocketcan, now_us);
  }
}
