// From the name of a bus to a transport, on the wall clock. A simulated bus is the client's to make.

import type { BusUrl } from "./bus-url.ts";
import { connectSerial, connectTcp } from "./connect.ts";
import { SlcanTransport } from "./slcan-transport.ts";
import { loadSocketcan, SocketcanTransport } from "./socketcan-transport.ts";
import type { CanTransport } from "./transport.ts";

/** The transport to a bus, not yet open. `now_us`: a clock that never goes back. */
export function makeTransport(
  url: Exclude<BusUrl, { scheme: "sim" }>,
  now_us: () => number,
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
      const connect = () => connectSerial(port, baud);
      return new SlcanTransport({ name: `slcan:${port}`, bitRate, connect, now_us });
    }
    default:
      return new SocketcanTransport(url.interface, loadSocketcan, now_us);
  }
}
