// gpio: the pins of the board.

import type { Command } from "commander";
import { PinEdge, PinMode } from "../../../assembly/spec/svc.ts";
import { usage } from "../exit.ts";
import { parseInteger } from "../numbers.ts";
import { addCommand } from "../program.ts";
import { forOption, passTime, type VerbContext } from "../shell/context.ts";
import { pinText, timedLine } from "../trace.ts";
import { memberText } from "../words.ts";

function edgeText(mode: number): string {
  const edges = [
    (mode & PinEdge.RISING) !== 0 ? "rising" : "",
    (mode & PinEdge.FALLING) !== 0 ? "falling" : "",
  ];
  return edges.filter((edge) => edge !== "").join(", ");
}

function pinsOf({ session }: VerbContext) {
  const { node } = session;
  return node.machine.pins.map((_, pin) => {
    const { holder, mode, level } = node.pin(pin);
    return {
      pin,
      holder,
      mode: holder === 0 ? "free" : memberText(PinMode, mode & 15),
      edges: edgeText(mode),
      level,
    };
  });
}

function list(context: VerbContext): void {
  const pins = pinsOf(context);
  context.out.result("hsx.gpio.list/1", { pins }, () => {
    const rows = pins.map((p) => [
      String(p.pin),
      p.mode,
      p.level === 0 ? "low" : "high",
      p.holder === 0 ? "" : String(p.holder),
      p.edges,
    ]);
    return context.out.table(["PIN", "MODE", "LEVEL", "PID", "EDGES"], rows);
  });
}

const LEVELS: Record<string, 0 | 1> = { "0": 0, low: 0, "1": 1, high: 1 };

function set({ out, session }: VerbContext, text: string, levelText: string): void {
  const { machine } = session.node;
  const pin = parseInteger(text, "pin", 0, machine.pins.length - 1);
  const level = LEVELS[levelText.toLowerCase()];
  if (level === undefined) throw usage(`"${levelText}" is not a level`, "write 0, 1, low or high");
  machine.applyPin(pin, level);
  const isDriven = machine.pinLevel(pin) !== level;
  out.result("hsx.gpio.set/1", { pin, level, seen: machine.pinLevel(pin) }, () =>
    isDriven
      ? `pin ${pin} is driven ${level === 0 ? "high" : "low"} by its app`
      : pinText(pin, level),
  );
}

async function watch(context: VerbContext, options: { for?: number }): Promise<void> {
  const { out, session } = context;
  const stop = session.listen({
    onPin: (pin, level) =>
      out.result("hsx.gpio.watch/1", { at_ms: session.now_ms, pin, level: level ?? null }, () =>
        timedLine(session.now_ms, pinText(pin, level)),
      ),
  });
  try {
    await passTime(context, options.for);
  } finally {
    stop();
  }
}

export function addGpio(parser: Command, context: VerbContext): void {
  const gpio = parser.command("gpio").description("pins: list, set, watch");
  addCommand(gpio, "list", "list the pins").action(() => list(context));
  addCommand(gpio, "set <pin> <level>", "apply a level to a pin from outside", [
    ["gpio set 3 high", "as if a button pulled it up"],
  ]).action((pin: string, level: string) => set(context, pin, level));
  addCommand(gpio, "watch", "show pins as apps drive them", [["gpio watch --for 2s", ""]])
    .addOption(forOption())
    .action((options) => watch(context, options));
}
