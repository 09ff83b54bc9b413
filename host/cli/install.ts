// Where this hsx lies and what it is: core modules, examples, version.

import { execFileSync } from "node:child_process";
import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { crc32 } from "node:zlib";
import { ABI_VERSION } from "../../assembly/spec/svc.ts";
import packageJson from "../../package.json" with { type: "json" };
import type { CanTransport } from "../bus/transport.ts";
import { transportOf } from "./bus/open.ts";
import { Exit, Failure } from "./exit.ts";

export const PROFILES = ["small", "large", "desktop"] as const;
export type ProfileName = (typeof PROFILES)[number];

/** Firmware of the boards that are simulated: where its build leaves it, and what to type for it. */
const FIRMWARE = {
  avr: { folder: "build/avr", program: "hsx-test.elf", build: "npm run build:avr" },
  stm32f072: stm32Firmware("stm32f072"),
  stm32f405: stm32Firmware("stm32f405"),
} as const;
function stm32Firmware(name: string) {
  const build = `npm run build:stm32 -- --board ${name}`;
  return { folder: `build/stm32/${name}`, program: "hsx.elf", build };
}
export type BoardName = keyof typeof FIRMWARE;
export const BOARDS = Object.keys(FIRMWARE) as readonly BoardName[];

export interface Version {
  readonly version: string;
  /** Undefined outside a clone. */
  readonly commit: string | undefined;
  readonly node: string;
  /** Version of the SVC ABI. */
  readonly abi: number;
  /** Versions of the HXE format. */
  readonly hxe: readonly number[];
}

/** The installation commands run from. */
export class Install {
  private readonly modules = new Map<string, Promise<WebAssembly.Module>>();

  /** `root`: the folder that holds build/, docs/ and examples/. */
  constructor(readonly root: string) {}

  /** The core of a profile, compiled once. `hasPages`: its store lies on flash, as on an STM32F072 without FRAM. */
  core(profile: ProfileName, hasPages = false): Promise<WebAssembly.Module> {
    const name = profile === "small" && hasPages ? "small-flash" : profile;
    const known = this.modules.get(name);
    if (known !== undefined) return known;
    const module = WebAssembly.compile(this.coreBytes(name));
    this.modules.set(name, module);
    return module;
  }
  /** What nodes with a core tell of their firmware: 16 bits of the CRC-32 over it. */
  coreHash(profile: ProfileName): number {
    return crc32(this.coreBytes(profile)) & 0xffff;
  }
  private coreBytes(name: string): Uint8Array<ArrayBuffer> {
    return new Uint8Array(readFileSync(join(this.root, "build/core", `${name}.wasm`)));
  }

  /** The firmware of a board as its build leaves it: an ELF file, and the interface of its core. */
  firmware(board: BoardName) {
    const { folder, program, build } = FIRMWARE[board];
    const elf = join(this.root, folder, program);
    if (!existsSync(elf))
      throw new Failure(Exit.NOT_FOUND, "no-firmware", `the firmware of ${board} is not built`, {
        remedy: build,
      });
    const core = JSON.parse(readFileSync(join(this.root, folder, "core.json"), "utf8"));
    return { elf: readFileSync(elf), core };
  }

  /** A bus by its name, as --bus says it; not open yet. `up_us`: how long a simulated one has been on. */
  transport(url: string, now_us: () => number, up_us?: number): Promise<CanTransport> {
    return transportOf(url, this, now_us, up_us);
  }

  /** A file of docs/. */
  page(name: string): string {
    return join(this.root, "docs", name);
  }
  example(name: string): string {
    return join(this.root, "examples", name);
  }

  version(): Version {
    return {
      version: packageJson.version,
      commit: this.commit(),
      node: process.version,
      abi: ABI_VERSION,
      hxe: [1, 2],
    };
  }

  private commit(): string | undefined {
    if (!existsSync(join(this.root, ".git"))) return undefined;
    try {
      const args = ["-C", this.root, "describe", "--always", "--dirty", "--abbrev=10"];
      return execFileSync("git", args, {
        encoding: "utf8",
        stdio: ["ignore", "pipe", "ignore"],
      }).trim();
    } catch {
      return undefined; // no git here
    }
  }
}
