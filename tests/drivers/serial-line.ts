// The serial line of a node of a bench: its console as a stream, while the bench's time passes.

import { Duplex } from "node:stream";
import { SerialTransport } from "../../host/bus/serial-transport.ts";
import type { Bench } from "../../host/client/bench/bench.ts";
import type { CoreNode } from "../../host/client/bench/core-node.ts";
import { benchOf } from "./bench.ts";

/** Nodes have mounted their stores by then. */
const UP_US = 500_000;

/** The console of node 1 as a stream. */
export function consoleOf(bench: Bench): Duplex {
  const node = bench.node(1) as CoreNode;
  const line = new Duplex({
    read() {},
    write(chunk: Buffer, _encoding, done) {
      node.local.machine.typeConsole(chunk);
      done();
    },
  });
  node.onUart = (bytes) => line.push(Buffer.from(bytes));
  return line;
}

function afterOn({ timeline: { clock } }: Bench, us: number, call: () => void): () => void {
  if (us === Number.POSITIVE_INFINITY) return () => {};
  const appointment = clock.after(us * 1000, call);
  return () => clock.cancel(appointment);
}

/** Lets the bench go on, `step_us` a turn of the event loop, until what is returned is called. */
function running(bench: Bench, step_us: number): () => void {
  let isRunning = true;
  const turn = () => {
    bench.run_us(step_us);
    if (isRunning) setImmediate(turn);
  };
  turn();
  return () => {
    isRunning = false;
  };
}

/** A bench of the text of a bench.toml, and a line to its node 1. */
export async function serialBench(text: string, files: Readonly<Record<string, Uint8Array>> = {}) {
  const bench = await benchOf(text, files);
  bench.run_us(UP_US);
  const said: string[] = [];
  const transport = () =>
    new SerialTransport({
      name: "serial:test",
      baud: 115_200,
      connect: async () => consoleOf(bench),
      now_us: () => bench.now_us,
      after: (us, call) => afterOn(bench, us, call),
      onText: (part) => said.push(part),
    });
  return { bench, transport, said, stop: running(bench, 500) };
}
