// Installs what a fresh clone lacks: npm packages, and with --tests the Debian packages of the tests.
// Runs before anything is installed: Node's built-ins only, in syntax that an old Node still reads,
// so that it can say which version is needed. Everything it prints goes to stderr.

import { spawnSync } from "node:child_process";
import { createHash } from "node:crypto";
import { existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { basename, dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

/** What tests and proofs run besides Node and npm, by the name of its Debian 12 package. */
const DEBIAN_PACKAGES = [
  "gcc", // the core as C, on this machine
  "libc6-dev",
  "gcc-avr", // the firmware of the AVR
  "avr-libc",
  "binutils-avr",
  "simavr", // a second opinion on its cycles
  "gcc-arm-none-eabi", // the firmware of the STM32
  "libnewlib-arm-none-eabi",
  "libunicorn-dev", // a Cortex-M4
  "python3-can", // a peer on the bus
  "python3-serial",
  "can-utils", // log2asc and asc2log
  "tshark",
  "dosfstools", // cards
  "mtools",
];

const root = dirname(dirname(fileURLToPath(import.meta.url)));
const stamp = join(root, "node_modules", ".hsx-setup");
const lock = join(root, "build", "setup.lock");

function say(text) {
  process.stderr.write(`${text}\n`);
}

function fail(text) {
  say(`setup: ${text}`);
  process.exit(1);
}

/** Runs a command with its output on stderr. Returns its exit status, -1 when it cannot be started. */
function run(command, args, env) {
  const result = spawnSync(command, args, {
    cwd: root,
    env: Object.assign({}, process.env, env),
    stdio: ["ignore", 2, 2],
    shell: process.platform === "win32" && !command.endsWith(".exe"),
  });
  if (result.error) return -1;
  return result.status === null ? 1 : result.status;
}

function checkNode() {
  const needed = JSON.parse(readFileSync(join(root, "package.json"), "utf8")).engines.node;
  const [major, minor] = needed
    .replace(/[^\d.]/g, "")
    .split(".")
    .map(Number);
  const [nodeMajor, nodeMinor] = process.versions.node.split(".").map(Number);
  if (nodeMajor > major || (nodeMajor === major && nodeMinor >= minor)) return;
  fail(`Node ${needed} is needed, this is ${process.versions.node}. See https://nodejs.org/`);
}

// ---- npm packages ----

/** npm may be missing from PATH while it runs us: it then names its own file. */
function npm(args) {
  const own = process.env.npm_execpath;
  if (own && basename(own) === "npm-cli.js") return run(process.execPath, [own].concat(args));
  return run("npm", args);
}

function isAlive(pid) {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return error.code === "EPERM";
  }
}

/** Waits until no other set-up installs: `npm test` and `npm run demo` may start side by side. */
function takeLock() {
  mkdirSync(dirname(lock), { recursive: true });
  for (;;) {
    try {
      writeFileSync(lock, String(process.pid), { flag: "wx" });
      process.on("exit", () => rmSync(lock, { force: true }));
      return;
    } catch (error) {
      if (error.code !== "EEXIST") throw error;
    }
    if (existsSync(lock) && !isAlive(Number(readFileSync(lock, "utf8")))) {
      rmSync(lock, { force: true }); // its owner was interrupted
    }
    Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 100);
  }
}

function isInstalled(lockHash) {
  return existsSync(stamp) && readFileSync(stamp, "utf8") === lockHash;
}

function installPackages() {
  const packages = readFileSync(join(root, "package-lock.json"));
  const lockHash = createHash("sha256").update(packages).digest("hex");
  if (isInstalled(lockHash)) return;
  takeLock();
  if (isInstalled(lockHash)) return;

  say("setup: installing npm packages (once, about 15 s)");
  rmSync(stamp, { force: true });
  const status = npm(["ci", "--include=dev", "--no-audit", "--no-fund"]);
  if (status === -1) {
    fail("npm was not found. Install it with Node (https://nodejs.org/) or: apt-get install npm");
  }
  if (status !== 0)
    fail("npm ci failed, see above. When that is mended, run the same command again.");
  writeFileSync(stamp, lockHash); // last: an interrupted install leaves no stamp
}

// ---- Debian packages ----

function isDebianInstalled(name) {
  const query = spawnSync("dpkg", ["--status", name], { encoding: "utf8" });
  return query.status === 0 && query.stdout.includes("Status: install ok installed");
}

function installDebianPackages() {
  const missing = DEBIAN_PACKAGES.filter((name) => !isDebianInstalled(name));
  if (missing.length === 0) return;

  const isRoot = process.getuid !== undefined && process.getuid() === 0;
  if (isRoot) {
    say(`setup: installing Debian packages: ${missing.join(" ")}`);
    const env = { DEBIAN_FRONTEND: "noninteractive" };
    const install = ["install", "-y", "--no-install-recommends"].concat(missing);
    if (run("apt-get", ["update", "-q"], env) === 0 && run("apt-get", install, env) === 0) return;
  }
  say("setup: tests that need these Debian packages cannot run until you install them:");
  say(`  sudo apt-get install ${missing.join(" ")}`);
}

checkNode();
installPackages();
if (process.argv.includes("--tests")) installDebianPackages();
