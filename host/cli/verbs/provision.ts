// provision: which images the node runs, and where they came from.

import type { Command } from "commander";
import { Profile } from "../../../assembly/spec/limits.ts";
import { Config } from "../../../assembly/spec/node.ts";
import { count, hex } from "../../formats/text.ts";
import { addCommand } from "../program.ts";
import type { VerbContext } from "../shell/context.ts";
import { stateText } from "../symbols.ts";
import { storeStateText } from "../trace.ts";

function status({ out, session }: VerbContext): void {
  const { node } = session;
  const tasks = node.tasks();
  const images = node.slots().map((slot) => ({
    name: slot.name,
    bytes: slot.bytes,
    crc: slot.crc,
    verified: slot.verified,
    source: "host",
    tasks: tasks
      .filter((t) => t.imageCrc === slot.crc && t.imageBytes === slot.bytes)
      .map((t) => ({
        pid: t.pid,
        name: t.name,
        state: stateText(t),
        confirmed: t.confirmed,
        file: session.apps.get(t.pid)?.path ?? null,
      })),
  }));
  const profile = (Profile[node.config(Config.PROFILE)] ?? "").toLowerCase();
  const data = {
    profile,
    images,
    memory_free: node.config(Config.ARENA_FREE),
    store: storeStateText(node.store().state),
  };
  out.result("hsx.provision.status/1", data, () => {
    const head = `${profile} node, ${count(data.memory_free)} bytes free, store ${data.store}`;
    const rows = images.map((i) => [
      i.name,
      count(i.bytes),
      hex(i.crc, 8),
      i.source,
      i.tasks.map((t) => `${t.pid} ${t.state}${t.confirmed ? ", well" : ""}`).join("; "),
    ]);
    return rows.length === 0
      ? `${head}\nno images`
      : `${head}\n${out.table(["IMAGE", "BYTES", "CRC", "FROM", "TASKS"], rows)}`;
  });
}

export function addProvision(parser: Command, context: VerbContext): void {
  const provision = parser.command("provision").description("images of the node: status");
  addCommand(provision, "status", "images, their tasks, free memory and the store").action(() =>
    status(context),
  );
}
