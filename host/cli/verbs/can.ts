// can: frames to and from the node, written as candump writes them.

import type { Command } from "commander";
import { frameText } from "../../formats/candump.ts";
import { Exit, Failure, usage } from "../exit.ts";
import { addCommand } from "../program.ts";
import { forOption, passTime, type VerbContext } from "../shell/context.ts";
import { timedLine } from "../trace.ts";

function parseFrame(text: string) {
  const [, id, digits] = /^([\da-f]{1,3})#((?:[\da-f]{2}){0,8})$/i.exec(text) ?? [];
  if (id === undefined || Number.parseInt(id, 16) > 0x7ff) {
    throw usage(`"${text}" is not a frame`, "write an 11-bit id and up to 8 bytes: 343#B204");
  }
  return { id: Number.parseInt(id, 16), data: new Uint8Array(Buffer.from(digits ?? "", "hex")) };
}

function send({ out, session }: VerbContext, text: string): void {
  const frame = parseFrame(text);
  const fate = session.node.machine.receiveFrame(frame);
  if (fate === "unwanted") {
    const message = `no app asked for frames like ${frameText(frame)}`;
    const remedy = "an app asks for frames with CAN_FILTER, SVC 0x201";
    throw new Failure(Exit.FAILED, "no-filter", message, { remedy });
  }
  if (fate === "lost") {
    const message = `${frameText(frame)} was lost: the node has not yet taken those before it`;
    throw new Failure(Exit.BUSY, "queue-full", message, { remedy: "let time pass: run 10ms" });
  }
  out.result(
    "hsx.can.send/1",
    { frame: frameText(frame) },
    () => `${frameText(frame)} to the node`,
  );
}

async function dump(context: VerbContext, options: { for?: number }): Promise<void> {
  const { out, session } = context;
  const stop = session.listen({
    onCan: (frame) =>
      out.result("hsx.can.dump/1", { at_ms: session.now_ms, frame: frameText(frame) }, () =>
        timedLine(session.now_ms, frameText(frame)),
      ),
  });
  try {
    await passTime(context, options.for);
  } finally {
    stop();
  }
}

export function addCan(parser: Command, context: VerbContext): void {
  const can = parser.command("can").description("CAN frames: send, dump");
  addCommand(can, "send <frame>", "let the node receive a frame", [
    ["can send 343#B204", "id 0x343, two bytes"],
  ]).action((frame: string) => send(context, frame));
  addCommand(can, "dump", "show the frames the node sends", [["can dump --for 1s", ""]])
    .addOption(forOption())
    .action((options) => dump(context, options));
}
