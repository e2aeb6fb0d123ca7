// @ts-check
/**
 * Brings a bare Debian 12 machine (node, npm and git only) to where this repository builds, boots and tests.
 *
 * Idempotent: every run looks at what is really there (Debian's package database, npm's own record of
 * node_modules, the compiled LLVM binding) and does only what is missing, so a second run does nothing.
 * Exit codes are those of the CLI: 0 ready, 2 the machine lacks something.
 *
 * Plain JavaScript with no dependency, because nothing is installed yet.
 */
import { execFileSync } from "node:child_process";
import { existsSync, readFileSync } from "node:fs";
import { dirname, join, resolve } from "node:path";
import { fileURLToPath, pathToFileURL } from "node:url";
import { runStep, StepFailure } from "./progress.mjs";

const root = resolve(dirname(fileURLToPath(import.meta.url)), "..");
const minimumNodeMajor = 20;
const bindingFile = "node_modules/llvm-bindings/build/Release/llvm-bindings.node";

/** @typedef {{ name: string, reason: string }} DebianPackage */

/** Something that this machine lacks and that set-up cannot bring by itself. */
class MachineLack extends Error {}

/**
 * The Debian packages that this repository uses, each with its reason.
 * @returns {DebianPackage[]}
 */
export function debianPackages() {
  return JSON.parse(readFileSync(join(root, "ci/debian-packages.json"), "utf8"));
}

/**
 * The packages of a list that are not installed on this machine.
 * @param {readonly DebianPackage[]} wanted
 * @returns {DebianPackage[]}
 */
export function missingDebianPackages(wanted) {
  let listing;
  try {
    listing = execFileSync(
      "dpkg-query",
      ["--show", "--showformat=${Package} ${db:Status-Status}\\n", ...wanted.map((entry) => entry.name)],
      { encoding: "utf8", stdio: ["ignore", "pipe", "ignore"] },
    );
  } catch (error) {
    // dpkg-query ends with 1 when it does not know one of the names, and still lists the others.
    const partial = /** @type {{ stdout?: string, code?: string }} */ (error);
    if (partial.code === "ENOENT") {
      throw new MachineLack(
        "dpkg-query is missing: Typevisor builds on Debian 12 (amd64), which this machine does not seem to be",
      );
    }
    listing = partial.stdout ?? "";
  }
  const installed = new Set(
    listing
      .split("\n")
      .filter((line) => line.endsWith(" installed"))
      .map((line) => line.split(" ")[0]),
  );
  return wanted.filter((entry) => !installed.has(entry.name));
}

async function installDebianPackages() {
  const missing = missingDebianPackages(debianPackages());
  if (missing.length === 0) return;
  const names = missing.map((entry) => entry.name);
  if (process.getuid?.() !== 0) {
    throw new MachineLack(
      `these Debian packages are missing:\n` +
        missing.map((entry) => `  ${entry.name.padEnd(16)} ${entry.reason}\n`).join("") +
        `run this, then try again:\n` +
        `  sudo apt-get update && sudo apt-get install -y --no-install-recommends ${names.join(" ")}`,
    );
  }
  const env = { ...process.env, DEBIAN_FRONTEND: "noninteractive" };
  const apt = /** @type {const} */ (["apt-get", "-o", "DPkg::Lock::Timeout=600"]);
  await runStep("reading Debian's package lists", [...apt, "update"], { log: logFile("apt-update"), env });
  await runStep(
    `installing ${names.length} Debian packages`,
    [...apt, "install", "-y", "--no-install-recommends", ...names],
    { log: logFile("apt-install"), env },
  );
}

/**
 * @param {string} file
 * @returns {Record<string, { version?: string, optional?: boolean, devOptional?: boolean, link?: boolean }>}
 */
function lockedPackages(file) {
  return JSON.parse(readFileSync(file, "utf8")).packages;
}

/**
 * The reason why node_modules does not match package-lock.json, or undefined when it does.
 * @returns {string | undefined}
 */
export function staleNodeModules() {
  const record = join(root, "node_modules/.package-lock.json");
  if (!existsSync(record)) return "nothing is installed yet";
  const present = lockedPackages(record);
  for (const [path, entry] of Object.entries(lockedPackages(join(root, "package-lock.json")))) {
    if (path === "" || entry.optional || entry.devOptional || entry.link) continue;
    if (present[path]?.version !== entry.version || !existsSync(join(root, path, "package.json"))) {
      return `${path.replace("node_modules/", "")} is not at ${entry.version}`;
    }
  }
  if (!existsSync(join(root, bindingFile))) return "the LLVM binding is not compiled";
  return undefined;
}

/**
 * The prefix whose `include/node` holds this node's headers, which cmake-js would otherwise download.
 * @returns {string | undefined}
 */
function nodeHeadersPrefix() {
  const prefixes = [resolve(dirname(process.execPath), ".."), "/usr", "/usr/local"];
  return prefixes.find((prefix) => existsSync(join(prefix, "include/node/node_api.h")));
}

async function installNodeModules() {
  const reason = staleNodeModules();
  if (reason === undefined) return;
  process.stderr.write(`npm packages: ${reason}\n`);
  const headers = nodeHeadersPrefix();
  const npm = process.env["npm_execpath"];
  await runStep(
    "installing npm packages and compiling the LLVM binding (2 to 5 minutes)",
    [
      ...(npm?.endsWith(".js")
        ? /** @type {const} */ ([process.execPath, npm])
        : /** @type {const} */ (["npm"])),
      "ci",
    ],
    {
      log: logFile("npm-ci"),
      cwd: root,
      env: {
        ...process.env,
        CMAKE_BUILD_PARALLEL_LEVEL: process.env["CMAKE_BUILD_PARALLEL_LEVEL"] ?? "2",
        ...(headers === undefined ? {} : { npm_config_nodedir: headers }),
      },
    },
  );
  const still = staleNodeModules();
  if (still !== undefined) {
    throw new MachineLack(`npm ci ended well, but ${still}; see ${logFile("npm-ci")}`);
  }
}

/** @param {string} name */
function logFile(name) {
  return join(root, ".cache/logs", `${name}.log`);
}

/** Does all the set-up that is missing. */
export async function bootstrap() {
  const major = Number(process.versions.node.split(".")[0]);
  if (major < minimumNodeMajor) {
    throw new MachineLack(
      `node ${process.versions.node} is too old: Typevisor needs node ${minimumNodeMajor} or later`,
    );
  }
  await installDebianPackages();
  await installNodeModules();
}

if (process.argv[1] !== undefined && import.meta.url === pathToFileURL(resolve(process.argv[1])).href) {
  try {
    await bootstrap();
  } catch (error) {
    if (!(error instanceof MachineLack) && !(error instanceof StepFailure)) throw error;
    process.stderr.write(`error: ${error.message}\n`);
    if (error instanceof StepFailure) process.stderr.write(`${error.tail}\n`);
    process.exitCode = 2;
  }
}
