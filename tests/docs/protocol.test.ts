// docs/protocol.md has the verbs of the code, and frames that mean what it says.
import { expect, it } from "vitest";
import { Verb } from "../../assembly/spec/frame.ts";
import { decodeFrame } from "../../host/formats/frame.ts";
import { pageText, tableRows } from "./pages.ts";

const page = pageText("docs/protocol.md");

it("lists every verb by its number", () => {
  const verbs = tableRows(page).flatMap(([number = "", name = ""]) =>
    /^[A-Z_]+$/.test(name) && /^\d+$/.test(number) && name in Verb ? [[name, Number(number)]] : [],
  );
  expect(verbs).toEqual(Object.entries(Verb).filter(([name]) => Number.isNaN(Number(name))));
});

it("has examples that are frames of the protocol", () => {
  const examples = Array.from(page.matchAll(/^ {4}([0-9A-F]{3})#([0-9A-F]*)$/gm));
  expect(examples.length).toBeGreaterThan(15);
  for (const [line, id = "", bytes = ""] of examples) {
    const data = Uint8Array.from(Buffer.from(bytes, "hex"));
    const frame = decodeFrame(0x400, { id: Number.parseInt(id, 16), data });
    expect(frame?.kind, line).not.toBe("malformed");
  }
});
