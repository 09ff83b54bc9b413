// Which files are tests and how long one may take.

import { defineConfig } from "vitest/config";

/** A simulated chip takes a hundred times as long for a busy task. */
const IS_CHIP = (process.env.HSX_MACHINE ?? "node") !== "node";

export default defineConfig({
  test: {
    include: ["tests/**/*.test.ts"],
    testTimeout: IS_CHIP ? 600_000 : 60_000,
    hookTimeout: 60_000,
    passWithNoTests: true,
  },
});
