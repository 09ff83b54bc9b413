// Writes docs/errors.md and docs/records.md: the numbers of assembly/spec in tables.

import { existsSync, readFileSync } from "node:fs";
import { fromRoot } from "./root.ts";
import { ERRORS_PAGE, RECORDS_PAGE, renderErrorsPage, renderRecordsPage } from "./spec-pages.ts";
import { replaceFile } from "./stamp.ts";

for (const [page, render] of [
  [ERRORS_PAGE, renderErrorsPage],
  [RECORDS_PAGE, renderRecordsPage],
] as const) {
  const text = render();
  if (existsSync(fromRoot(page)) && readFileSync(fromRoot(page), "utf8") === text) continue;
  replaceFile(page, text);
  console.log(`gen: ${page}`);
}
