// hsx monitor: the frames of a bus, as they come, in words where they are of the node protocol.

import type { Command } from "commander";
import type { CanTransport } from "../../bus/transport.ts";
import { plural } from "../../formats/text.ts";
import { FrameLines } from "../bus/frame-lines.ts";
import { addBusOptions, type BusOptionValues, busSettings, needBus } from "../bus/settings.ts";
import { Exit } from "../exit.ts";
import { parseDuration } from "../numbers.ts";
import { addCommand, type Context } from "../program.ts";

interface Options extends BusOptionValues {
  readonly for?: number;
  readonly log?: string;
  readonly quiet?: true;
}

/** Time between looks at interrupts. */
const LOOK_US = 100_000;

export function addMonitor(program: Command, context: Context): void {
  const command = addCommand(program, "monitor", "show the frames of a bus", [
    ["hsx monitor --bus tcp:127.0.0.1:29536", "of a bench that hsx sim runs"],
    [
      "hsx monitor --bus slcan:/dev/ttyACM0@500000 --log bus.log",
      "of an adapter, and kept as candump does",
    ],
    ["hsx monitor --bus sim:bench.toml --for 2s", "of a bench in this process, in its own time"],
  ]);
  addBusOptions(command)
    .option("--for <time>", "time after which to stop: 500ms, 10s, 2m", parseDuration)
    .option("--log <file>", "write the frames as candump does")
    .option("--quiet", "print nothing; for --log")
    .action((options: Options) => monitor(context, options));
}

async function listen(
  transport: CanTransport,
  lines: FrameLines,
  end_us: number,
  isInterrupted: () => boolean,
): Promise<void> {
  while (!isInterrupted()) {
    const left_us = end_us - transport.now_us();
    if (left_us <= 0) return;
    const next = await transport.receive(Math.min(LOOK_US, left_us));
    if (next !== undefined) lines.show(next.time_us, next.frame);
  }
}

async function monitor(context: Context, options: Options): Promise<void> {
  const { out, install } = context;
  const { terminal } = out;
  const settings = busSettings(options, terminal.env);
  needBus(settings, "monitor", "hsx provision status and hsx val watch tell of the node");
  const { url, base } = settings;
  const transport = await install.transport(url, () => terminal.now_ms() * 1000, 0);
  const lines = new FrameLines(out, {
    prints: options.quiet !== true,
    log: options.log,
    base,
    // a simulated bus has a time of its own
    epoch_us: url.startsWith("sim:") ? 0 : terminal.epoch_ms * 1000,
  });
  let isInterrupted = false;
  const stop = terminal.onInterrupt(() => {
    isInterrupted = true;
  });
  try {
    await transport.open();
    const end_us = transport.now_us() + (options.for ?? Number.POSITIVE_INFINITY) * 1000;
    await listen(transport, lines, end_us, () => isInterrupted);
    report(context, transport, lines.frames);
    if (isInterrupted) context.exit = Exit.INTERRUPTED;
    await transport.close();
  } finally {
    stop();
    lines.close();
  }
}

function report({ out }: Context, { state, dropped }: CanTransport, frames: number): void {
  out.result("hsx.monitor/1", { event: "end", frames, dropped, state }, () => {
    const lost = dropped === 0 ? "" : `, ${dropped} came too fast and were dropped`;
    const told = state === "unknown" ? "" : `; the adapter is ${state}`;
    return `${plural(frames, "frame")}${lost}${told}`;
  });
}
