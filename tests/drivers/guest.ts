// Guests from MVASM text: assembled and linked, with their symbols.

import { formatDiagnostic } from "../../host/formats/diagnostic.ts";
import { assemble } from "../../host/toolchain/assembler.ts";
import { type LinkOptions, link } from "../../host/toolchain/linker.ts";

export interface Guest {
  readonly image: Uint8Array;
  /** Data addresses and code offsets by name. */
  readonly symbols: ReadonlyMap<string, number>;
}

/** The image of a source that must assemble; its app is called `name` unless the source says otherwise. */
export function guestOf(source: string, name = "app", options: LinkOptions = {}): Guest {
  const { object, diagnostics } = assemble(source, { file: `${name}.mvasm` });
  if (object === undefined) throw new Error(diagnostics.map(formatDiagnostic).join("\n"));
  const linked = link([object], { defaultName: name, ...options });
  if (linked.image === undefined)
    throw new Error(linked.diagnostics.map(formatDiagnostic).join("\n"));
  return {
    image: linked.image,
    symbols: new Map(linked.symbols.map((s) => [s.name, s.address])),
  };
}
