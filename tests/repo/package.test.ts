// package.json, README and the chores agree.

import { existsSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { fromRoot } from "../../scripts/root.ts";
import { read } from "./sources.ts";

interface Manifest {
  readonly scripts: Record<string, string>;
  readonly dependencies: Record<string, string>;
  readonly devDependencies: Record<string, string>;
}

const manifest: Manifest = JSON.parse(read("package.json"));
const readme = read("README.md");

describe("npm scripts", () => {
  it.each(Object.keys(manifest.scripts))("%s is in README", (name) => {
    expect(readme).toMatch(new RegExp(`\`npm (run )?${name}[\` ]`));
  });

  it("README names no other", () => {
    const named = Array.from(
      readme.matchAll(/npm run (?:-s )?([\w:]+)/g),
      ([, name]) => name ?? "",
    );
    expect(named.filter((name) => !(name in manifest.scripts))).toEqual([]);
  });

  it.each(Object.entries(manifest.scripts))("%s runs a file that exists", (_name, command) => {
    const files = command.match(/scripts\/[\w-]+\.(?:ts|mjs)/g) ?? [];
    expect(files.filter((file) => !existsSync(fromRoot(file)))).toEqual([]);
  });
});

describe("packages", () => {
  it("are pinned exactly", () => {
    const versions = Object.entries({ ...manifest.dependencies, ...manifest.devDependencies });
    expect(versions.filter(([, version]) => !/^\d/.test(version))).toEqual([]);
  });

  it("need no install script but esbuild's, which .npmrc turns off", () => {
    const lock: { packages: Record<string, { hasInstallScript?: boolean; optional?: boolean }> } =
      JSON.parse(read("package-lock.json"));
    const packages = Object.entries(lock.packages);
    const scripted = packages.filter(([, item]) => item.hasInstallScript && !item.optional);
    expect(scripted.map(([name]) => name)).toEqual(["node_modules/esbuild"]);
    expect(read(".npmrc")).toMatch(/^ignore-scripts=true$/m);
  });
});
