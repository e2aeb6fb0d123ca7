/**
 * How long `typevisor build` takes in a new process, cold (nothing remembered) and warm (after an edit of one handler),
 * what the image that it leaves weighs, and how long its exits' paths are at most. It builds a copy of the sources, which it may edit.
 */
import { spawnSync } from "node:child_process";
import { cpSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { basename, join } from "node:path";
import { performance } from "node:perf_hooks";
import type { BuildReport } from "../../compiler/image/report.ts";
import { repositoryRoot } from "../../compiler/root.ts";
import type { Figure, Measurement } from "./figure.ts";

const sources = [
  "ci",
  "compiler",
  "devices",
  "dsl",
  "images",
  "kernel",
  "platforms",
  "package.json",
  "tsconfig.json",
];
/** The device whose source is edited. */
const editedFile = "devices/i8254.ts";

/** Measures the build of one image. */
export function buildTime(image: string): Measurement {
  const name = basename(image, ".ts");
  return {
    name: `build.${name}`,
    brings: [`build.${name}`, "image", "memory.hypervisor", "exitpath"],
    what: `building ${image} in new processes, and weighing it`,
    measure: () => {
      const copy = mkdtempSync(join(tmpdir(), "typevisor-bench-"));
      try {
        copySources(copy);
        run(copy, ["--import=tsx", "ci/build-cli.ts"]);
        const cold = timedBuild(copy, image);
        edit(join(copy, editedFile));
        const warm = timedBuild(copy, image);
        const report = JSON.parse(
          readFileSync(join(copy, "out", name, "report.json"), "utf8"),
        ) as BuildReport;
        return Promise.resolve([
          { name: `build.${name}.cold.typevisor`, value: cold, unit: "s" },
          { name: `build.${name}.warm.typevisor`, value: warm, unit: "s" },
          ...sizes(report),
          ...exitPaths(report),
        ]);
      } finally {
        rmSync(copy, { recursive: true, force: true });
      }
    },
  };
}

/** Bytes of memory that an image lays out for the hypervisor itself. */
export function hypervisorMemory({ memory }: Pick<BuildReport, "memory">): number {
  return memory
    .filter((region) => region.name.startsWith("hypervisor "))
    .reduce((total, region) => total + region.sizeBytes, 0);
}

/** What an image weighs: the hypervisor's file and memory, the payloads, and the ledger by feature. */
function sizes(report: BuildReport): Figure[] {
  const bytes = (what: string, value: number): Figure => ({
    name: `${what}.bytes.typevisor`,
    value,
    unit: "B",
  });
  return [
    bytes("image.hypervisor", report.hypervisorBytes),
    bytes("image.payload", report.payloadBytes),
    bytes("memory.hypervisor", hypervisorMemory(report)),
    ...Object.entries(report.ledger.byFeature).map(([feature, value]) =>
      bytes(`image.ledger.${feature}`, value),
    ),
  ];
}

/** The longest path of each kind of exit; one without a bound has no figure. */
export function exitPaths({ exitPath }: Pick<BuildReport, "exitPath">): Figure[] {
  return Object.entries(exitPath).flatMap(([kind, { instructions }]) =>
    instructions === "unbounded"
      ? []
      : [{ name: `exitpath.${kind}`, value: instructions, unit: "instructions" }],
  );
}

/** Copies what a build reads, so that it may be edited. */
export function copySources(copy: string): void {
  for (const source of sources) cpSync(join(repositoryRoot, source), join(copy, source), { recursive: true });
  symlinkSync(join(repositoryRoot, "node_modules"), join(copy, "node_modules"));
  cpSync(join(repositoryRoot, ".cache/payloads"), join(copy, ".cache/payloads"), {
    recursive: true,
    filter: (path) => !path.endsWith("/packages"),
  });
}

/** Adds a line to a device's source that changes what is compiled no more than a comment does. */
function edit(file: string): void {
  writeFileSync(file, `${readFileSync(file, "utf8")}\n// edited\n`);
}

function timedBuild(folder: string, image: string): number {
  const start = performance.now();
  run(folder, ["out/cli/typevisor.mjs", "build", image]);
  return (performance.now() - start) / 1000;
}

/** Runs node in a folder; throws where it fails. */
export function run(folder: string, args: readonly string[]): void {
  const { status, stderr } = spawnSync(process.execPath, args, { cwd: folder, encoding: "utf8" });
  if (status !== 0) throw new Error(`node ${args.join(" ")} ended with ${status}:\n${stderr}`);
}
