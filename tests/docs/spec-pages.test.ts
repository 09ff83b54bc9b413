// The pages generated from assembly/spec are fresh.

import { describe, expect, it } from "vitest";
import { Err } from "../../assembly/spec/errors.ts";
import {
  ERRORS_PAGE,
  RECORDS_PAGE,
  renderErrorsPage,
  renderRecordsPage,
} from "../../scripts/spec-pages.ts";
import { pageText, tableRows } from "./pages.ts";

describe("pages generated from assembly/spec", () => {
  it("are fresh (npm run gen)", () => {
    expect(pageText(ERRORS_PAGE)).toBe(renderErrorsPage());
    expect(pageText(RECORDS_PAGE)).toBe(renderRecordsPage());
  });

  it("tell of every error what the caller can do", () => {
    const rows = tableRows(pageText(ERRORS_PAGE)).filter(([number]) => number !== "number");
    expect(rows.filter((cells) => cells.some((cell) => cell === ""))).toEqual([]);
    const names = Object.keys(Err).filter((name) => Number.isNaN(Number(name)) && name !== "OK");
    expect(rows.map(([, name]) => name?.replaceAll("`", "")).sort()).toEqual(names.sort());
  });
});
