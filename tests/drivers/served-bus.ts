// A bus served over TCP for tests: nothing but clients on a wire, its time driven as long as somebody waits.

import { spawn } from "node:child_process";
import { BusServer } from "../../host/bus/bus-server.ts";
import { CanPartner } from "../../host/bus/partner.ts";
import { Timeline } from "../../host/bus/timeline.ts";
import { CanWire } from "../../host/bus/wire.ts";

/** Virtual time of a turn of this process. */
const TURN_NS = 200_000;
/** Debian's, which sees Debian's packages. */
const PYTHON = "/usr/bin/python3";

export class BusOfClients {
  readonly timeline = new Timeline();
  readonly wire = new CanWire(this.timeline.clock);
  /** A client of this process. */
  readonly partner = new CanPartner(this.wire);
  readonly server: BusServer;
  port = 0;
  private isRunning = true;

  constructor() {
    this.timeline.addWire(this.wire);
    const { timeline, wire } = this;
    this.server = new BusServer({
      bitRate: 500,
      get now_us() {
        return timeline.now_ns / 1000;
      },
      connect: (bitRate) => new CanPartner(wire, 1e6 / bitRate),
    });
  }

  async start(): Promise<void> {
    this.port = await this.server.listen("127.0.0.1", 0);
    const turn = () => {
      this.timeline.runTo(this.timeline.now_ns + TURN_NS);
      if (this.isRunning) setImmediate(turn);
    };
    turn();
  }
  async stop(): Promise<void> {
    this.isRunning = false;
    await this.server.close();
  }
}

/** Runs a program of Python and returns what it printed. Throws with its error output. */
export function runPython(program: string, args: readonly string[]): Promise<string> {
  return new Promise((resolve, reject) => {
    const child = spawn(PYTHON, ["-c", program, ...args], { stdio: ["ignore", "pipe", "pipe"] });
    let out = "";
    let err = "";
    child.stdout.on("data", (chunk) => {
      out += String(chunk);
    });
    child.stderr.on("data", (chunk) => {
      err += String(chunk);
    });
    child.on("error", reject);
    child.on("close", (code) => (code === 0 ? resolve(out) : reject(new Error(err))));
  });
}
