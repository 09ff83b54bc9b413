// Which files are tests, and when one counts as hanging.

import { defineConfig } from "vitest/config";

/** Ms. Far above what any test takes: a simulated chip or a busy machine takes a hundred times as long, and that is no failure. */
const HANGS = 600_000;

export default defineConfig({
  test: {
    include: ["tests/**/*.test.ts"],
    testTimeout: HANGS,
    hookTimeout: HANGS,
    passWithNoTests: true,
  },
});
