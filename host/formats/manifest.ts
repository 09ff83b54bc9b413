// Manifests as they lie in an image: one JSON object, compact.
import { type Diagnostic, wholeFile } from "./diagnostic.ts";
import { lineAndColumn, parseJsonText, printJson } from "./json.ts";

/** The manifest's JSON without blanks, keys in their order; or what is wrong with the text. */
export function compactManifest(
  text: string,
  file: string,
): { manifest?: string; diagnostics: Diagnostic[] } {
  const node = parseJsonText(text);
  if ("error" in node) {
    const place = { file, ...lineAndColumn(text, node.error.at) };
    const source = text.split("\n")[place.line - 1]?.replace(/\r$/, "") ?? "";
    return { diagnostics: [{ ...place, source, code: "bad-json", message: node.error.message }] };
  }
  if (node.kind === "object") return { manifest: printJson(node), diagnostics: [] };
  const message = "a manifest is a JSON object {…}";
  return { diagnostics: [{ ...wholeFile(file), code: "bad-manifest", message }] };
}
