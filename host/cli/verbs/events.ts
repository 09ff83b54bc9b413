// events: what happened on the node.

import type { Command } from "commander";
import { Config } from "../../../assembly/spec/node.ts";
import type { NodeEvent } from "../../client/records.ts";
import { plural } from "../../formats/text.ts";
import { parseDuration } from "../numbers.ts";
import { addCommand } from "../program.ts";
import { passTime, type VerbContext } from "../shell/context.ts";
import { eventData, eventText, traceLine } from "../trace.ts";

interface Values {
  readonly all?: true;
  readonly for?: number;
}

async function show(context: VerbContext, options: Values): Promise<void> {
  const { out, session, state } = context;
  const tell = (e: NodeEvent) => {
    state.eventsSeen = e.seq;
    out.result("hsx.events/1", eventData(e, session), () =>
      traceLine(e.ms, e.pid, eventText(e, session)),
    );
  };
  const news = session.events.filter((e) => options.all || e.seq > state.eventsSeen);
  for (const event of news) tell(event);
  const dropped = session.node.config(Config.EVENTS_DROPPED);
  if (dropped > 0)
    out.note(`${plural(dropped, "event was", "events were")} dropped since power-on`);
  if (news.length === 0 && options.for === undefined)
    out.note("no events since the last look; --all shows older ones");
  if (options.for === undefined) return;
  const stop = session.listen({ onEvent: tell });
  try {
    await passTime(context, options.for);
  } finally {
    stop();
  }
}

export function addEvents(parser: Command, context: VerbContext): void {
  addCommand(parser, "events", "show what happened since the last look", [
    ["events --all", "since power-on"],
    ["events --for 5s", "and what happens in the next five seconds of node time"],
  ])
    .option("--all", "from the beginning")
    .option("--for <time>", "go on for this much node time", parseDuration)
    .action((options: Values) => show(context, options));
}
