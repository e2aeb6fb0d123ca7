/** Looking at the machine for `typevisor doctor`: what is installed, what is missing, what to do. */
import { existsSync } from "node:fs";
import { createRequire } from "node:module";
import { join } from "node:path";
import packages from "../../ci/debian-packages.json" with { type: "json" };
import { MachineLack, missingDebianPackages, staleNodeModules } from "../../ci/machine-state.mjs";
import { missingPayloads } from "../../ci/payloads.ts";
import { ovmf } from "../../ci/qemu-arguments.ts";
import { repositoryRoot } from "../root.ts";

/** One thing that was looked at. */
export interface Finding {
  readonly what: string;
  /** Why Typevisor needs it. */
  readonly reason: string;
  /** What to do about it; undefined where nothing is missing. */
  readonly remedy: string | undefined;
}

const minimumNodeMajor = 20;

/** Looks at everything that building, booting and testing needs. */
export function examineMachine(): Promise<readonly Finding[]> {
  const major = Number(process.versions.node.split(".")[0]);
  return Promise.resolve([
    {
      what: `node ${process.versions.node}`,
      reason: "runs the compiler and the tests",
      remedy: major >= minimumNodeMajor ? undefined : `install node ${minimumNodeMajor} or later`,
    },
    ...examinePackages(),
    {
      what: "UEFI firmware",
      reason: "QEMU boots images through it",
      remedy: existsSync(ovmf.code) && existsSync(ovmf.variables) ? undefined : "sudo apt-get install ovmf",
    },
    { what: "npm packages", reason: "the compiler's own dependencies", remedy: npmRemedy() },
    { what: "LLVM binding", reason: "hands the compiler's output to LLVM", remedy: bindingRemedy() },
    { what: "guest payloads", reason: "the guests of the examples and tests", remedy: payloadRemedy() },
  ]);
}

function examinePackages(): Finding[] {
  try {
    const missing = new Set(missingDebianPackages(packages).map((entry) => entry.name));
    return packages.map(({ name, reason }) => ({
      what: name,
      reason,
      remedy: missing.has(name) ? `sudo apt-get install --no-install-recommends ${name}` : undefined,
    }));
  } catch (error) {
    if (!(error instanceof MachineLack)) throw error;
    return [{ what: "Debian 12", reason: "the system that Typevisor builds on", remedy: error.message }];
  }
}

function npmRemedy(): string | undefined {
  const stale = staleNodeModules(repositoryRoot);
  return stale === undefined ? undefined : `npm run setup (${stale})`;
}

function bindingRemedy(): string | undefined {
  try {
    createRequire(join(repositoryRoot, "package.json"))("llvm-bindings");
    return undefined;
  } catch (error) {
    return `npm run setup (${error instanceof Error ? error.message.split("\n")[0] : String(error)})`;
  }
}

function payloadRemedy(): string | undefined {
  const missing = missingPayloads();
  return missing.length === 0 ? undefined : `npm run setup (missing: ${missing.join(", ")})`;
}
