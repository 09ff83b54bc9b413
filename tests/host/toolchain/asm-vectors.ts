// Reads the text vectors of the toolchain: cases of one title and sections each.
import { readFileSync } from "node:fs";

/** One case of a vector file. */
export interface AsmCase {
  title: string;
  /** Section name ("asm", "file x.mvasm", "error", …) to its text, without the blank line that ends it. */
  sections: Map<string, string>;
}

/** The cases of tests/vectors/<folder>/<name>.txt. A case begins at `# `, a section at `-- `. */
export function readCases(name: string, folder = "asm"): AsmCase[] {
  const url = new URL(`../../vectors/${folder}/${name}.txt`, import.meta.url);
  const cases: AsmCase[] = [];
  let section: string | undefined;
  for (const line of readFileSync(url, "utf8").split("\n")) {
    const last = cases.at(-1);
    if (line.startsWith("# ")) {
      cases.push({ title: line.slice(2), sections: new Map() });
    } else if (line.startsWith("-- ") && last !== undefined) {
      section = line.slice(3);
      last.sections.set(section, "");
    } else if (last !== undefined && section !== undefined) {
      last.sections.set(section, `${last.sections.get(section)}${line}\n`);
    }
  }
  for (const { sections } of cases) {
    for (const [key, text] of sections) sections.set(key, text.replace(/\n+$/, "\n"));
  }
  return cases;
}

/** The files of a case, by name: `main.mvasm` is its section `asm`. */
export function filesOf({ sections }: AsmCase): Map<string, string> {
  const files = new Map([["main.mvasm", sections.get("asm") ?? ""]]);
  for (const [key, text] of sections) {
    if (key.startsWith("file ")) files.set(key.slice(5), text);
  }
  return files;
}
