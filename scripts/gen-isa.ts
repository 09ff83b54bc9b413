// Writes docs/isa.md: the instruction table in words.

import { existsSync, readFileSync } from "node:fs";
import { ISA_PAGE, renderIsaPage } from "./isa-page.ts";
import { fromRoot } from "./root.ts";
import { replaceFile } from "./stamp.ts";

const text = renderIsaPage();
if (!existsSync(fromRoot(ISA_PAGE)) || readFileSync(fromRoot(ISA_PAGE), "utf8") !== text) {
  replaceFile(ISA_PAGE, text);
  console.log(`gen: ${ISA_PAGE}`);
}
