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
import { existsSync } from "node:fs";
import { dirname, join, resolve } from "node:path";
import { fileURLToPath } from "node:url";
import { debianPackages, MachineLack, missingDebianPackages, staleNodeModules } from "./machine-state.mjs";
import { runStep, StepFailure } from "./progress.mjs";

const root = resolve(dirname(fileURLToPath(import.meta.url)), "..");
const minimumNodeMajor = 20;

async function installDebianPackages() {
  const missing = missingDebianPackages(debianPackages(root));
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
 * The prefix whose `include/node` holds this node's headers, which cmake-js would otherwise download.
 * @returns {string | undefined}
 */
function nodeHeadersPrefix() {
  const prefixes = [resolve(dirname(process.execPath), ".."), "/usr", "/usr/local"];
  return prefixes.find((prefix) => existsSync(join(prefix, "include/node/node_api.h")));
}

async function installNodeModules() {
  const reason = staleNodeModules(root);
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
  const still = staleNodeModules(root);
  if (still !== undefined) {
    throw new MachineLack(`npm ci ended well, but ${still}; see ${logFile("npm-ci")}`);
  }
}

/** @param {string} name */
function logFile(name) {
  return join(root, ".cache/logs", `${name}.log`);
}

/** Does all the set-up that is missing. */
async function bootstrap() {
  const major = Number(process.versions.node.split(".")[0]);
  if (major < minimumNodeMajor) {
    throw new MachineLack(
      `node ${process.versions.node} is too old: Typevisor needs node ${minimumNodeMajor} or later`,
    );
  }
  await installDebianPackages();
  await installNodeModules();
}

try {
  await bootstrap();
} catch (error) {
  if (!(error instanceof MachineLack) && !(error instanceof StepFailure)) throw error;
  process.stderr.write(`error: ${error.message}\n`);
  if (error instanceof StepFailure) process.stderr.write(`${error.tail}\n`);
  process.exitCode = 2;
}
