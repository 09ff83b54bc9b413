// A stream to a bus that is served over TCP.

import { connect as connectSocket } from "node:net";
import type { Duplex } from "node:stream";
import { TransportError } from "./transport.ts";

/** Connects to a bus that is served over TCP. Throws a TransportError. */
export function connectTcp(host: string, port: number): Promise<Duplex> {
  return new Promise((resolve, reject) => {
    const socket = connectSocket(port, host);
    socket.setNoDelay(true);
    socket.once("error", (error: NodeJS.ErrnoException) => {
      reject(tcpError(error, `tcp:${host}:${port}`));
    });
    socket.once("connect", () => {
      socket.removeAllListeners("error");
      resolve(socket);
    });
  });
}

function tcpError({ code, message }: NodeJS.ErrnoException, name: string): TransportError {
  if (code === "ECONNREFUSED") {
    const remedy = "start one: hsx sim bench.toml --listen 127.0.0.1:29536";
    return new TransportError("no-adapter", `${name}: nobody listens there`, remedy);
  }
  if (code === "ENOTFOUND")
    return new TransportError("no-adapter", `${name}: there is no such host`, "correct its name");
  return new TransportError("no-adapter", `${name}: ${message}`, "look at the network");
}
