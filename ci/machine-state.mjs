// @ts-check
/**
 * What this machine really has: Debian packages by Debian's own database, npm packages by npm's own record.
 * Plain JavaScript with no dependency, because set-up asks before anything is installed.
 */
import { execFileSync } from "node:child_process";
import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";

/** The compiled LLVM binding, within the repository. */
const bindingFile = "node_modules/llvm-bindings/build/Release/llvm-bindings.node";

/** @typedef {{ name: string, reason: string }} DebianPackage */

/** Something that this machine lacks and that set-up cannot bring by itself. */
export class MachineLack extends Error {}

/**
 * The Debian packages that this repository uses, each with its reason.
 * @param {string} root the repository's folder
 * @returns {DebianPackage[]}
 */
export function debianPackages(root) {
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

/**
 * @param {string} file
 * @returns {Record<string, { version?: string, optional?: boolean, devOptional?: boolean, link?: boolean }>}
 */
function lockedPackages(file) {
  return JSON.parse(readFileSync(file, "utf8")).packages;
}

/**
 * The reason why node_modules does not match package-lock.json, or undefined when it does.
 * @param {string} root the repository's folder
 * @returns {string | undefined}
 */
export function staleNodeModules(root) {
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
