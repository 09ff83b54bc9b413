// `npm test`: builds, runs the tests, ends with one line `N passed, N failed, N skipped`.
// Arguments go to vitest: `npm test -- tests/assembly`.

import { spawnSync } from "node:child_process";
import { mkdirSync, readFileSync, rmSync } from "node:fs";
import { buildCli } from "./build-cli.ts";
import { buildCore } from "./build-core.ts";
import { buildMachine } from "./machines.ts";
import { fromRoot, ROOT } from "./root.ts";

const RESULTS = "build/test/results.json";

/** The part of vitest's JSON report that is counted. */
interface Results {
  readonly numPassedTests: number;
  readonly numFailedTests: number;
  readonly numPendingTests: number;
  readonly numTodoTests: number;
  readonly testResults: readonly { status: string; assertionResults: readonly unknown[] }[];
}

interface Counts {
  passed: number;
  failed: number;
  skipped: number;
}

function runVitest(args: readonly string[]): Counts {
  mkdirSync(fromRoot("build/test"), { recursive: true });
  rmSync(fromRoot(RESULTS), { force: true });
  const reporters = ["--reporter=default", "--reporter=json", `--outputFile.json=${RESULTS}`];
  const { status } = spawnSync(
    process.execPath,
    ["node_modules/vitest/vitest.mjs", "run", ...reporters, ...args],
    { cwd: ROOT, stdio: ["ignore", "inherit", "inherit"] },
  );
  const counts = readCounts();
  if (status !== 0 && counts.failed === 0) counts.failed = 1; // an error outside every test
  return counts;
}

function readCounts(): Counts {
  try {
    const results: Results = JSON.parse(readFileSync(fromRoot(RESULTS), "utf8"));
    const unreadable = results.testResults.filter((file) => {
      return file.status === "failed" && file.assertionResults.length === 0;
    });
    return {
      passed: results.numPassedTests,
      failed: results.numFailedTests + unreadable.length,
      skipped: results.numPendingTests + results.numTodoTests,
    };
  } catch {
    return { passed: 0, failed: 1, skipped: 0 }; // vitest ended before it could report
  }
}

const isBuilt = (await buildCore()) && (await buildCli());
if (isBuilt) await buildMachine(process.env.HSX_MACHINE ?? "node");
const counts = isBuilt ? runVitest(process.argv.slice(2)) : { passed: 0, failed: 1, skipped: 0 };
console.log(`${counts.passed} passed, ${counts.failed} failed, ${counts.skipped} skipped`);
process.exitCode = counts.failed > 0 || counts.passed === 0 ? 1 : 0;
